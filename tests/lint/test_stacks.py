"""Compose files put together: which are one project, what is merged, what is followed."""

from collections.abc import Mapping

import pytest

from portbook.lint.parts import ComposeFile
from portbook.lint.readers import compose, dockerfile, dotenv
from portbook.lint.reading import Reading
from portbook.lint.source import Source
from portbook.lint.stacks import Stacks, stacks_of

READERS = {"compose": compose, "dotenv": dotenv, "dockerfile": dockerfile}


def stacked(files: Mapping[str, str], further: Mapping[str, str] | None = None) -> Stacks:
    """The stacks of compose files and .env files; `further` ones are only loaded when asked."""
    readings = {}
    for path, text in files.items():
        source = Source(path, text.encode())
        readings[path] = (dotenv if path.endswith(".env") else compose).read(source)

    def load(path: str, form: str) -> Reading | None:
        assert not path.startswith(("/", "../"))
        text = (further or {}).get(path)
        return None if text is None else READERS[form].read(Source(path, text.encode()))

    return stacks_of(readings, load)


def one(name: str, port: str, rest: str = "image: x") -> str:
    """A compose file of one service with one entry of `ports`."""
    return f"services:\n  {name}: {{{rest}, ports: ['{port}']}}\n"


def outer(found: Stacks) -> dict[tuple[str, ...], list[int]]:
    """The published numbers of each stack by its files."""
    return {
        stack.files: [p.first for s in stack.services for p in s.publishes if p is not None]
        for stack in found.stacks
    }


def test_the_first_default_name_is_the_project() -> None:
    """compose.yaml goes before docker-compose.yml, and that before docker-compose.yaml."""
    names = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"]
    for start in range(3):
        files = {name: one("web", "80:80") for name in names[start:]}
        files["compose.override.yml"] = one("other", "81:81")
        found = outer(stacked(dict(sorted(files.items()))))
        assert found[names[start], "compose.override.yml"] == [80, 81]
        assert len(found) == 4 - start


def test_other_files_are_laid_over_the_default_only_where_they_cannot_stand_alone() -> None:
    """A service without image and build is one that the default file has."""
    files = {
        "compose.yaml": one("web", "80:80"),
        "compose.override.yaml": one("web", "81:81"),
        "compose.prod.yaml": "services:\n  web:\n    ports: ['82:82']\n",
        "compose.test.yaml": one("web", "83:83"),
    }
    assert outer(stacked(files)) == {
        ("compose.yaml", "compose.override.yaml"): [80, 81],
        ("compose.yaml", "compose.prod.yaml"): [80, 82],
        ("compose.test.yaml",): [83],
    }


def test_compose_file_in_env_names_the_files() -> None:
    """As the program takes them; a name that is not there makes it as good as not set."""
    files = {
        "compose.yaml": one("web", "80:80"),
        "compose.dev.yaml": one("dev", "81:81"),
        ".env": "COMPOSE_FILE=compose.yaml:compose.dev.yaml\n",
    }
    assert outer(stacked(files)) == {("compose.yaml", "compose.dev.yaml"): [80, 81]}
    files[".env"] = "COMPOSE_FILE=gone.yaml:compose.dev.yaml\n"
    assert len(outer(stacked(files))) == 2


def test_values_come_from_env_and_places_from_where_the_digits_are() -> None:
    """.env before a default; a default where .env has none; shell variables are not known."""
    files = {
        "compose.yaml": one("web", "${A:-1}:${B:-2}") + "  api: {ports: ['${C}:3', 80$D:4]}\n",
        ".env": "A=9000\nD=80\n",
    }
    found = stacked(files)
    by_number = {each.first: each for each in found.declared}
    assert sorted(by_number) == [2, 3, 4, 8080, 9000]
    assert not by_number[9000].written
    assert [(p.path, p.line, p.column, p.length) for p in by_number[9000].sources] == [
        (".env", 1, 3, 4)
    ]
    assert by_number[2].written
    # Half of it is written here and half of it there: nobody can change it in one place.
    assert by_number[8080].digits == ()
    assert [service.whole for service in found.stacks[0].services] == [True, False]


def test_env_files_and_dockerfiles_of_any_name_are_loaded() -> None:
    """With the folder of the file that names them as theirs."""
    compose_text = (
        "services:\n  web:\n"
        "    build: {context: ../app, dockerfile: deep/Own.docker, target: two}\n"
        "    env_file: settings\n    environment: {B: over}\n    ports: ['80:80']\n"
    )
    further = {
        "app/deep/Own.docker": "FROM a AS one\nEXPOSE 1\nFROM one AS two\nEXPOSE 2\n"
        "FROM b\nEXPOSE 3\n",
        "ops/settings": "A=from file\nB=below\n",
    }
    (stack,) = stacked({"ops/compose.yaml": compose_text}, further).stacks
    (service,) = stack.services
    assert (service.folder, service.image_file) == ("app", "app/deep/Own.docker")
    assert [each.first for each in service.image_exposes] == [1, 2]
    values = {each.name: each.value.text for each in service.variables if each.value}
    assert values == {"A": "from file", "B": "over"}


@pytest.mark.parametrize(
    "context", ["https://example.org/x.git", "/srv/app", "../../outside", "${X}", "~/app"]
)
def test_a_context_elsewhere_is_no_folder_of_the_project(context: str) -> None:
    """It is built, but from what cannot be read here."""
    (stack,) = stacked({"a/compose.yaml": f"services:\n  web: {{build: '{context}'}}\n"}).stacks
    assert stack.services[0].folder is None


def test_merging_appends_ports_and_replaces_by_name() -> None:
    """Environment by name, a command as a whole, profiles together."""
    files = {
        "compose.yaml": "services:\n  web:\n    image: one\n    command: a 1\n    profiles: [p]\n"
        "    environment: {A: 1, B: 2}\n    ports: ['80:80']\n",
        "compose.override.yaml": "services:\n  web:\n    image: two\n    command: b 2\n"
        "    profiles: [q]\n    environment: [B=3]\n    ports: ['81:81']\n",
    }
    (stack,) = stacked(files).stacks
    (service,) = stack.services
    assert service.image == "two"
    assert [each.text for each in service.commands] == ["b 2"]
    assert service.profiles == ("p", "q")
    assert [each.value.text for each in service.variables if each.value] == ["1", "3"]
    assert [each.first for each in service.inner] == [80, 81]


def test_cycles_and_what_is_missing_are_told_and_end() -> None:
    """extends and include around a circle, extends of nothing, a chain without end."""
    chain = "".join(f"  s{n}: {{extends: s{n + 1}}}\n" for n in range(100))
    texts = {
        "services:\n  a: {extends: b}\n  b: {extends: a}\n": "extends itself",
        "services:\n  a: {extends: a}\n": "extends itself",
        "services:\n  a: {extends: {file: gone.yaml, service: b}}\n": "is not there",
        "services:\n  a: {extends: {file: ../../x.yaml, service: b}}\n": "is not there",
        f"services:\n{chain}": "extends over",
        "include: [gone.yaml]\nservices: {}\n": "is not there",
    }
    for text, why in texts.items():
        found = stacked({"compose.yaml": text})
        assert any(why in fault.why for _, fault in found.faults), text
    files = {
        "compose.yaml": "include: [b/compose.yaml]\n",
        "b/compose.yaml": "include: [../compose.yaml]\n",
    }
    assert all("a cycle" in fault.why for _, fault in stacked(files).faults)
    assert stacked(files).faults


def test_an_included_file_belongs_to_the_stack_and_is_none_of_its_own() -> None:
    """With its own .env below that of the project that includes it."""
    files = {
        "compose.yaml": "include:\n  - {path: b/part.yaml}\n" + one("web", "80:80"),
        ".env": "X=7001\n",
    }
    further = {
        "b/part.yaml": "services:\n  db: {image: y, ports: ['${X}:1', '${Y}:2']}\n",
        "b/.env": "X=1\nY=7002\n",
    }
    found = stacked(files, further)
    assert outer(found) == {("compose.yaml", "b/part.yaml"): [80, 7001, 7002]}


def test_a_service_on_the_machines_network_takes_what_it_is_told() -> None:
    """Its `ports` are of no effect there."""
    text = "  {network_mode: host, build: ., environment: {PORT: 8080}, ports: ['9:9']}\n"
    found = stacked({"compose.yaml": f"services:\n  web:\n  {text}"})
    assert [(e.first, e.role) for e in found.declared] == [(9, "container"), (8080, "listen")]


def test_a_folder_without_compose_files_has_no_stacks() -> None:
    """Nothing is asked for, nothing is told."""
    assert stacked({".env": "PORT=1\n"}) == Stacks((), (), ())
    assert ComposeFile(None, ()).includes == ()
