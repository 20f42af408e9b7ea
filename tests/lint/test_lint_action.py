"""The GitHub Action, run step by step as a runner does: real bash, a real installation.

What a runner adds is small: the expressions of `env`, the files GITHUB_OUTPUT and so on, and bash
with `-e -o pipefail`. No expression may stand in a script, where its value would be run.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

ACTION = Path(__file__).parent.parent.parent / "action"
INSTALLS = pytest.mark.timeout(600)


def action() -> dict[str, Any]:
    """The parsed action.yml."""
    found = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def evaluated(text: str, inputs: dict[str, str]) -> str:
    """A text with its expressions worked out; those that the action may use, and no others."""

    def value(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name == "github.action_path":
            return str(ACTION)
        assert name.startswith("inputs."), name
        return inputs[name.removeprefix("inputs.")]

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


class Step(NamedTuple):
    """What a step did."""

    code: int
    out: str
    err: str
    outputs: dict[str, str]


class Runner:
    """A runner with a workspace, and the environment that steps see."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.temp = folder / "temp"
        for each in (self.workspace, self.temp):
            each.mkdir()

    def step(self, name: str, **given: str) -> Step:
        """Run the step of this name with inputs, those not given as the action says."""
        about = action()
        inputs = {key: row["default"] for key, row in about["inputs"].items()} | given
        step = next(each for each in about["runs"]["steps"] if each["name"] == name)
        script = self.temp / "script.sh"
        script.write_text(evaluated(step["run"], inputs))
        output = self.temp / "output"
        output.write_text("")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace,
            env={
                **{key: os.environ[key] for key in os.environ if not key.startswith("PYTHON")},
                **{key: evaluated(value, inputs) for key, value in step["env"].items()},
                "GITHUB_WORKSPACE": str(self.workspace),
                "GITHUB_OUTPUT": str(output),
                "RUNNER_TEMP": str(self.temp),
            },
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        rows = [line.partition("=") for line in output.read_text().splitlines()]
        return Step(done.returncode, done.stdout, done.stderr, {key: to for key, _, to in rows})


COLLIDING = """\
services:
  web:
    image: nginx
    ports: ["127.0.0.1:8080:80"]
  admin:
    image: nginx
    ports: ["127.0.0.1:8080:80"]
"""


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner on which the action installed itself; skipped where packages cannot be had."""
    made = Runner(tmp_path_factory.mktemp("runner"))
    done = made.step("Install portbook")
    if done.code and re.search(r"No matching distribution|Could not (find|fetch)|Retry", done.err):
        pytest.skip(f"pip cannot install here: {done.err.splitlines()[-1]}")
    assert done.code == 0, done.err
    return made


def checked(runner: Runner, **given: str) -> Step:
    """The second step on a workspace with a collision."""
    (runner.workspace / "compose.yaml").write_text(COLLIDING)
    return runner.step("Check the ports", **given)


def test_scripts_have_no_expressions_in_them() -> None:
    """Inputs reach them as variables; every input is used, and every step has a shell."""
    about = action()
    assert about["runs"]["using"] == "composite"
    used = set()
    for step in about["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        for value in step["env"].values():
            used |= set(re.findall(r"inputs\.([\w-]+)", value))
    assert used == set(about["inputs"])
    for name in ("install.sh", "lint.sh"):
        assert "${{" not in (ACTION / name).read_text(encoding="utf-8")


def test_every_input_is_in_the_action_s_readme() -> None:
    """With its default."""
    text = (ACTION / "README.md").read_text(encoding="utf-8")
    for name in action()["inputs"]:
        assert f"| `{name}` |" in text


@INSTALLS
def test_a_collision_fails_the_step_and_is_on_its_line(runner: Runner) -> None:
    """An annotation on stdout, the exit code as an output."""
    done = checked(runner)
    assert done.code == 1, done.err
    assert done.outputs == {"exit-code": "1"}
    assert re.search(r"^::error file=compose\.yaml,line=7,.*title=PB101::", done.out, re.MULTILINE)


@INSTALLS
def test_inputs_are_arguments(runner: Runner) -> None:
    """fail-on, args with quotes, several paths."""
    assert checked(runner, args="--ignore 'PB1'").code == 0
    assert checked(runner, args="--select PB3,'PB1' --ignore PB101", paths=".").code == 0
    (runner.workspace / ".portbook.toml").write_text('[lint.severity]\nPB101 = "warning"\n')
    try:
        assert checked(runner).code == 1
        assert checked(runner, **{"fail-on": "error"}).code == 0
    finally:
        (runner.workspace / ".portbook.toml").unlink()
    (runner.workspace / "two words").mkdir(exist_ok=True)
    assert checked(runner, paths="'two words'\n").code == 0


@INSTALLS
@pytest.mark.parametrize("name", ["paths", "args", "fail-on", "sarif-file"])
def test_no_input_is_run_by_the_shell(name: str, runner: Runner) -> None:
    """Substitutions, separators and quotes are text."""
    evil = 'x; touch run1; $(touch run2) `touch run3` "$(touch run4)" && touch run5 #'
    done = checked(runner, **{name: evil})
    assert not list(runner.workspace.glob("run*"))
    if name != "sarif-file":
        assert done.code == 2
    for path in runner.workspace.glob("x*"):
        path.unlink()


@INSTALLS
def test_words_that_cannot_be_parted_are_an_error(runner: Runner) -> None:
    """A quote without an end."""
    done = checked(runner, args="--select 'PB1")
    assert (done.code, done.outputs) == (2, {"exit-code": "2"})
    assert "::error title=portbook lint::the input args" in done.out


@INSTALLS
def test_the_log_is_written_as_well(runner: Runner) -> None:
    """SARIF in the named file, its name as an output, and the annotations all the same."""
    import json

    done = checked(runner, **{"sarif-file": "ports.sarif"})
    assert done.code == 1
    assert done.outputs == {"sarif-file": "ports.sarif", "exit-code": "1"}
    log = json.loads((runner.workspace / "ports.sarif").read_text())
    assert [each["ruleId"] for each in log["runs"][0]["results"]] == ["PB101"]
    (runner.workspace / "ports.sarif").unlink()


@INSTALLS
def test_the_folder_of_the_log_is_made_or_the_step_fails(runner: Runner) -> None:
    """A log that was asked for and is not there is no success."""
    done = checked(runner, **{"sarif-file": "new/folder/ports.sarif", "args": "--ignore PB1"})
    assert (done.code, done.outputs["sarif-file"]) == (0, "new/folder/ports.sarif")
    assert (runner.workspace / "new/folder/ports.sarif").stat().st_size > 100
    done = checked(runner, **{"sarif-file": "compose.yaml/x/ports.sarif"})
    assert (done.code, done.outputs) == (5, {"exit-code": "5"})
    assert "::error title=portbook lint::the file of the input sarif-file" in done.out


@INSTALLS
def test_wrong_arguments_leave_no_log(runner: Runner) -> None:
    """The exit code is that of wrong arguments, as an output too."""
    done = checked(runner, **{"sarif-file": "none.sarif", "args": "--no-such-option"})
    assert (done.code, done.outputs) == (2, {"exit-code": "2"})
    assert not (runner.workspace / "none.sarif").exists()
    assert not list(runner.temp.glob("portbook-sarif*"))


@INSTALLS
@pytest.mark.parametrize("end", ["\n", "\r"])
def test_a_file_name_of_two_lines_is_refused(runner: Runner, end: str) -> None:
    """It would write outputs of its own."""
    done = checked(runner, **{"sarif-file": f"a.sarif{end}exit-code=0"})
    assert (done.code, done.outputs) == (2, {"exit-code": "2"})
    assert not list(runner.workspace.glob("a.sarif*"))


@INSTALLS
def test_no_python_file_of_the_repository_is_run(tmp_path: Path) -> None:
    """Neither by the installation nor by the check."""
    made = Runner(tmp_path)
    marker = tmp_path / "marker"
    names = ("venv", "pip", "yaml", "json", "ensurepip", "shlex", "sitecustomize", "portbook")
    for name in names:
        (made.workspace / f"{name}.py").write_text(f"open({str(marker)!r}, 'a').write('{name} ')\n")
    done = made.step("Install portbook")
    assert not marker.exists(), marker.read_text()
    if done.code and re.search(r"No matching distribution|Could not (find|fetch)|Retry", done.err):
        pytest.skip(f"pip cannot install here: {done.err.splitlines()[-1]}")
    assert done.code == 0, done.err
    assert checked(made, **{"sarif-file": "ports.sarif"}).code == 1
    assert not marker.exists(), marker.read_text()


def test_another_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, before anything is installed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "uname").write_text("#!/bin/sh\necho Darwin\n")
    (folder / "uname").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    made = Runner(tmp_path)
    done = made.step("Install portbook")
    assert done.code == 5
    assert "it needs a Linux runner with bash 4.4 or newer, not Darwin" in done.out
    assert not list(made.temp.glob("portbook-lint*"))


def test_a_version_that_is_none_is_refused(tmp_path: Path) -> None:
    """Before anything is installed: it would be an argument of pip."""
    for version in ("-r /etc/passwd", "1.0; true", "git+https://x.example/y"):
        folder = tmp_path / str(len(version))
        folder.mkdir()
        done = Runner(folder).step("Install portbook", version=version)
        assert done.code == 2
        assert "is no version" in done.out
