"""`portbook lint --fix` where digits serve several: both rivals, or a container's inside."""

from pathlib import Path

import pytest

from command import Run, portbook
from portbook.cli.lint_fix import _worse
from portbook.lint.fixing import Plan, Renumbering
from portbook.model.declared import LintFinding, Place
from portbook.survey.linting import LintReport

A = 'services:\n  a:\n    image: nginx\n    ports: ["8080:80"]\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, which is the working folder."""
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


def fixed(folder: Path, **files: str) -> tuple[Run, dict[str, str]]:
    """`--fix --yes` of a project, and the lines that changed by file: as they are afterwards."""
    before = {}
    for name, text in files.items():
        path = folder / NAMES.get(name, f"{name}.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        before[path] = text
    run = portbook("lint", "--ignore", "PB4", "--fix", "--yes")
    changed = {}
    for path, text in before.items():
        now = path.read_text()
        if now != text:
            old = text.splitlines()
            changed[path.name] = "\n".join(
                line.strip() for at, line in enumerate(now.splitlines()) if line != old[at]
            )
    return run, changed


NAMES = {
    "env": ".env",
    "example": ".env.example",
    "dockerfile": "Dockerfile",
    "override": "compose.override.yaml",
    "workflow": ".github/workflows/ci.yml",
}


def test_the_number_inside_a_container_never_changes(folder: Path) -> None:
    """One variable is both sides, the image and its neighbours have the number: a moves instead."""
    b = (
        '  b:\n    build: .\n    environment:\n      PORT: "${WEB_PORT}"\n'
        '    ports: ["${WEB_PORT}:${WEB_PORT}"]\n'
    )
    run, changed = fixed(
        folder,
        compose=A + b,
        env="WEB_PORT=8080\n",
        dockerfile="FROM x\nEXPOSE 8080\nHEALTHCHECK CMD curl -f http://localhost:8080/\n",
        override="services:\n  c:\n    image: curl\n    environment:\n      API: http://b:8080\n",
    )
    assert run.code == 0, run.err
    assert changed == {"compose.yaml": 'ports: ["8079:80"]'}
    assert "a gets 8079 instead of 8080: b cannot get another: the same digits are" in run.err
    assert "the number inside the container" in run.err


@pytest.mark.parametrize(
    ("b", "env", "why"),
    [
        ('ports: ["${P:-8080}:${P:-8080}"]', "", "the number inside the container"),
        (
            'ports: ["${P}:9000"]\n    command: serve ${P}',
            "P=8080\n",
            "compose.yaml:8 has the same",
        ),
        (
            'ports: ["${P}:9000"]\n    environment: {X: $P}',
            "P=8080\n",
            "compose.yaml:8 has the same",
        ),
        ('ports: ["${P}:9000"]', "P=8080\nAPI=http://b:${P}\n", ".env:2 has the same variable"),
        ('ports: ["${PORT}:8080"]\n    env_file: .env', "PORT=8080\n", "inside the container"),
    ],
)
def test_a_variable_that_feeds_more_than_the_outer_number_is_left(
    b: str, env: str, why: str, folder: Path
) -> None:
    """The other of the two gets another number, and the reason is said."""
    run, changed = fixed(folder, compose=f"{A}  b:\n    image: own/app\n    {b}\n", env=env)
    assert run.code == 0, run.err
    assert changed == {"compose.yaml": 'ports: ["8079:80"]'}
    assert why in run.err


def test_where_both_feed_the_inside_nothing_is_changed(folder: Path) -> None:
    """The finding stays, with the reason."""
    text = A.replace("8080:80", "${A:-8080}:${A:-8080}")
    run, changed = fixed(folder, compose=text + text[len("services:\n") :].replace("a:", "b:"))
    assert (run.code, changed) == (1, {})
    assert "is left: the same digits are the number" in run.err


def test_a_variable_for_the_outer_number_and_an_address_here_changes(folder: Path) -> None:
    """People's browsers come from outside, by the outer number."""
    b = '  b:\n    image: own/app\n    ports: ["${P}:9000"]\n    environment:\n'
    b += "      - APP_URL=http://localhost:${P}\n"
    run, changed = fixed(folder, compose=A + b, env="P=8080\n")
    assert run.code == 0, run.err
    assert changed == {".env": "P=8079"}


def test_digits_of_both_rivals_are_left(folder: Path) -> None:
    """A default in a default is the other's variable."""
    b = '  b:\n    image: nginx\n    ports: ["${B:-${A:-8080}}:80"]\n'
    run, changed = fixed(folder, compose=A.replace("8080", "${A:-8080}") + b)
    assert (run.code, changed) == (1, {})
    assert "is left: the same digits are the number of a" in run.err
    assert "nothing to renumber" in run.err


def test_an_anchor_of_both_rivals_is_left(folder: Path) -> None:
    """Whatever a gets, b gets too."""
    text = A.replace("a:", "z:") + '  a: &b\n    image: nginx\n    ports: ["8080:80"]\n'
    run, changed = fixed(folder, compose=f"{text}  b:\n    <<: *b\n")
    assert (run.code, changed) == (1, {})
    assert "is left: the same digits are the number of a and b" in run.err


def test_two_services_built_from_one_folder_are_two(folder: Path) -> None:
    """Only the later one gets another number."""
    text = A.replace("image: nginx", "build: .")
    run, changed = fixed(
        folder, compose=text + text[len("services:\n") :].replace("a:", "b:"), dockerfile="FROM x\n"
    )
    assert run.code == 0, run.err
    assert changed == {"compose.yaml": 'ports: ["8079:80"]'}
    assert "b gets 8079" in run.err


def test_a_service_that_publishes_twice_gets_two_numbers(folder: Path) -> None:
    """The rival is the same program, and stays where it is."""
    text = A.replace('ports: ["8080:80"]', 'ports:\n      - "8080:80"\n      - "8080:81"')
    run, changed = fixed(folder, compose=text)
    assert run.code == 0, run.err
    assert changed == {"compose.yaml": '- "8079:81"'}


def test_a_collision_on_the_new_number_speaks_against_a_plan() -> None:
    """Both rivals got it: the old finding is gone, and it is the same one."""
    place = Place("compose.yaml", 4, 14, 4)
    found = LintFinding("PB101", "error", place, 8080, "both")
    made = Plan((Renumbering(found, "a", 8080, 8079, (), "", ()),), ())
    before = LintReport("/", (found,), 1, (), (), lambda _: [])
    assert _worse(made, before, before._replace(findings=())) == []
    after = before._replace(findings=(found._replace(port=8079),))
    assert _worse(made, before, after) == ["PB101 is found at compose.yaml:4: both"]


def test_a_node_port_gets_one_of_the_cluster_s(folder: Path) -> None:
    """The nearest that no file names."""

    def service(name: str, node: int) -> str:
        return (
            f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n"
            f"  type: NodePort\n  ports:\n    - port: 80\n      nodePort: {node}\n"
        )

    names = [("web", 30080), ("admin", 30080), ("other", 30079)]
    run, changed = fixed(folder, svc="---\n".join(service(*each) for each in names))
    assert run.code == 0, run.err
    assert changed == {"svc.yaml": "nodePort: 30081"}


WORKFLOW = """\
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    services:
      db:
        image: postgres
        ports: ["5432:5432"]
      other:
        image: postgres
        ports: ["5432:5432"]
    steps: []
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
    - {name: a, image: x, ports: [{containerPort: 8080}]}
    - {name: b, image: y, ports: [{containerPort: 8080}]}
"""


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("workflow", WORKFLOW, "a workflow is for people: "),
        ("pod", POD, "a Pod is for people: "),
        ("compose", f"{A}    scale: 2\n", "it is started more than once, "),
    ],
)
def test_what_programs_do_not_renumber_says_so(
    name: str, text: str, why: str, folder: Path
) -> None:
    """A job's services, containers that share a network, one that is started twice."""
    run, changed = fixed(folder, **{name: text})
    assert (run.code, changed) == (1, {})
    assert f"is left: {why}" in run.err


def test_what_is_folded_does_not_come_from_outside(folder: Path) -> None:
    """It is in the file, and not in plain digits."""
    b = "  b:\n    image: nginx\n    ports:\n      - >-\n        8080:80\n"
    run, changed = fixed(folder, compose=A + b)
    assert run.code == 0, run.err
    assert changed == {"compose.yaml": 'ports: ["8079:80"]'}
    assert "the other one's number is not written in plain digits" in run.err


def test_what_a_container_is_told_is_not_its_outer_number(folder: Path) -> None:
    """PORT stays, and nobody is asked what it means; of another variable it is told."""
    a = "  b:\n    build: .\n    environment:\n      PORT: 8080\n      PUBLIC_PORT: 8080\n"
    run, changed = fixed(folder, compose=f'{A}{a}    ports: ["8080:8080"]\n', dockerfile="FROM x\n")
    assert run.code == 0, run.err
    assert changed == {"compose.yaml": 'ports: ["8079:8080"]'}
    assert "compose.yaml:8:" not in run.err
    assert "compose.yaml:9:20 says 8080 and may mean the container itself" in run.err


def test_the_example_of_a_variable_changes_whatever_its_name(folder: Path) -> None:
    """`P` is not named like a port."""
    b = '  b:\n    image: nginx\n    ports: ["${P:-8080}:80"]\n'
    run, changed = fixed(folder, compose=A + b, env="P=8080\n", example="Q=8080\nP=8080\n")
    assert run.code == 0, run.err
    new = 'ports: ["${P:-8079}:80"]'
    assert changed == {"compose.yaml": new, ".env": "P=8079", ".env.example": "P=8079"}


def test_a_read_only_file_does_not_hide_the_findings(folder: Path) -> None:
    """They are printed as without --fix, and then the error; a diff stays a diff."""
    text = A + A[len("services:\n") :].replace("a:", "b:")
    (folder / "compose.yaml").write_text(text)
    (folder / "compose.yaml").chmod(0o444)
    plain = portbook("lint", "--ignore", "PB4")
    run, shown = (
        portbook("lint", "--ignore", "PB4", "--fix", each) for each in ("--yes", "--diff")
    )
    assert (run.code, shown.code) == (4, 4)
    assert "PB101" in plain.out
    assert (run.out, shown.out) == (plain.out, "")
    assert "compose.yaml is read-only: nothing was changed" in run.err
