"""`portbook lint` on files that mean harm: bounded, a named gap, exit 3, no file changed.

Through the command line, as a user would meet them.
"""

import itertools
import os
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from command import Run, portbook

GOOD = "services:\n  web:\n    build: .\n    ports:\n      - 127.0.0.1:8080:80\n"
MOST_SECONDS = 20
"""Of processor time; none of them takes two on the machine this was written on."""


@pytest.fixture(autouse=True)
def _own_stores(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path_factory.mktemp("data")))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with one compose file that is right."""
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "compose.yaml").write_text(GOOD)
    return tmp_path


def state_of(folder: Path) -> Iterator[tuple[str, str, int]]:
    """Every file of a folder with its content and time."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 10_000_000:
            about = path.stat()
            yield str(path), sha256(path.read_bytes()).hexdigest(), about.st_mtime_ns


def linted(folder: Path, *arguments: str) -> Run:
    """One run, which changes nothing and ends in time, cold; its memory is bounded by a limit."""
    before = list(state_of(folder))
    began = time.process_time() + sum(os.times()[2:4])
    done = portbook("lint", str(folder), "--json", *arguments)
    assert time.process_time() + sum(os.times()[2:4]) - began < MOST_SECONDS
    assert list(state_of(folder)) == before
    assert "Traceback" not in done.err
    return done


def gaps_of(done: Run) -> list[str]:
    """What is named as missing, relative to the project."""
    return [gap["what"] for gap in done.document["incomplete"]]


def bomb() -> str:
    """Nine aliases to the power of twenty-five, where ports would be."""
    lines = ["x-a: &a [80, 81]"]
    letters = "abcdefghijklmnopqrstuvwxy"
    for before, name in itertools.pairwise(letters):
        lines.append(f"x-{name}: &{name} [{', '.join(['*' + before] * 9)}]")
    return "\n".join([*lines, "services:", "  web:", "    image: x", "    ports: *y", ""])


def merge_bomb() -> str:
    """Services that merge services that merge services."""
    lines = ["x-0: &m0 {image: a, ports: ['1:1']}"]
    for number in range(1, 25):
        below = ", ".join([f"*m{number - 1}"] * 9)
        lines.append(f"x-{number}: &m{number} {{<<: [{below}]}}")
    return "\n".join([*lines, "services: {web: *m24, other: {<<: [*m24, *m23]}}", ""])


NAMES: tuple[str, ...] = (
    "compose.yaml",
    "deploy.yaml",
    "package.json",
    "vite.config.ts",
    "pyproject.toml",
)
NAMES += ("Dockerfile", ".env", "Makefile", "justfile", "Procfile", "nginx.conf", "Caddyfile")
NAMES += ("haproxy.cfg", "web.socket", "web.service", "application.yml", "application.properties")
NAMES += ("settings.py", "puma.rb", "README.md", "devcontainer.json", "web.container")


@pytest.mark.parametrize("text", [bomb(), merge_bomb()], ids=["aliases", "merges"])
def test_bombs_of_yaml_stay_small(project: Path, text: str) -> None:
    """Aliases are shared and merges cut: an answer in time, whatever it says."""
    (project / "compose.yaml").write_text(text)
    done = linted(project)
    assert done.code in (0, 1, 3)
    assert "127.0.0.1" in (project / "good" / "compose.yaml").read_text()


def test_a_file_of_100_megabytes_is_a_gap(project: Path) -> None:
    """It is not read; the others are."""
    with (project / "compose.yaml").open("wb") as file:
        file.truncate(100 << 20)
    done = linted(project)
    assert done.code == 3
    assert gaps_of(done) == ["compose.yaml"]
    assert done.document["files"] == 1


@pytest.mark.parametrize(
    "files",
    [
        {"compose.yaml": "services: {a: {extends: {service: b}}, b: {extends: {service: a}}}"},
        {"compose.yaml": "services: {a: {extends: {service: a}, ports: ['1:1']}}"},
        {
            "compose.yaml": "services: {a: {extends: {file: other.yaml, service: a}}}",
            "other.yaml": "services: {a: {extends: {file: compose.yaml, service: a}}}",
        },
        {"compose.yaml": "include: [compose.yaml]\nservices: {}"},
    ],
    ids=["two", "itself", "files", "include"],
)
def test_cycles_are_named(project: Path, files: dict[str, str]) -> None:
    """In `extends` and in `include`, in one file and over two."""
    for name, text in files.items():
        (project / name).write_text(text)
    done = linted(project)
    assert done.code == 3
    assert {gap.partition(":")[0] for gap in gaps_of(done)} <= {"compose.yaml", "other.yaml"}
    assert gaps_of(done)


def test_links_that_lead_out_or_round_are_not_followed(project: Path, tmp_path: Path) -> None:
    """A loop of folders, a loop of files, a file of somebody else."""
    (project / "loop").symlink_to(project)
    (project / "compose.yaml").symlink_to("compose.yaml")
    (project / ".env").symlink_to("/etc/hostname")
    done = linted(project)
    assert done.code == 3
    assert gaps_of(done) == [".env", "compose.yaml"]


@pytest.mark.parametrize("name", NAMES)
def test_binary_files_are_named_or_nobodys(project: Path, name: str) -> None:
    """A name that many programs use says nothing; a name of one format is told."""
    (project / name).write_bytes(b"\x7fELF\0\0" + bytes(range(256)) * 100)
    done = linted(project)
    assert done.code in (0, 3)
    assert gaps_of(done) in ([name], [])
    if name in ("compose.yaml", "Dockerfile", ".env", "package.json", "Procfile"):
        assert done.code == 3


@pytest.mark.parametrize("name", ["compose.yaml", "Dockerfile", ".env", "Caddyfile"])
def test_invalid_utf8_is_named_with_its_line(project: Path, name: str) -> None:
    """The line of the first byte that is none."""
    (project / name).write_bytes(b"# one\n# two\nPORT=80\xff\n")
    done = linted(project)
    assert done.code == 3
    assert gaps_of(done) == [f"{name}:3"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "fill",
    [
        "[" * 900_000,
        "{" * 900_000,
        "{{" * 450_000,
        "${" * 450_000,
        '"' * 900_001,
        "a: " * 300_000,
        "- " * 450_000,
        "\\\n" * 450_000,
        "PORT=80 " * 110_000,
        "listen 80;\n" * 80_000,
        "(" * 900_000,
        "a b:1 " * 150_000,
    ],
    ids=lambda text: text[:4].encode().hex(),
)
def test_a_megabyte_of_one_thing_is_no_trouble(project: Path, name: str, fill: str) -> None:
    """No reader's time grows with the square of the length, and none ends the process."""
    (project / name).write_text(fill)
    assert linted(project).code in (0, 1, 3)


def test_a_range_of_every_port_is_two_numbers(project: Path) -> None:
    """Twenty services that publish them all: findings, in time."""
    services = "".join(
        f"  s{number}:\n    build: .\n    ports: ['1-65535:1-65535']\n" for number in range(20)
    )
    (project / "compose.yaml").write_text(f"services:\n{services}")
    (project / "Dockerfile").write_text("FROM x\nEXPOSE 1-65535\nEXPOSE 1-65535/udp\n")
    done = linted(project)
    assert done.code == 1
    assert len(done.out) < 2_000_000


@pytest.mark.parametrize("text", ["1-65536:80", "70000:80", "8080:99999", "90-80:1"])
def test_what_is_no_port_is_a_finding(project: Path, text: str) -> None:
    """It was surely meant as one."""
    (project / "compose.yaml").write_text(
        f"services:\n  web:\n    build: .\n    ports:\n      - '{text}'\n"
    )
    done = linted(project)
    assert done.code == 1
    assert "PB306" in {each["rule"] for each in done.document["findings"]}


def test_names_that_steer_terminals_are_escaped(project: Path) -> None:
    """In a file's name, a service's name and a message."""
    folder = project / "a\x1b[2Jb\u202e"
    folder.mkdir()
    (folder / "compose.yaml").write_text(
        'services:\n  "x\\e[31m\\u202e":\n    image: redis\n    ports: ["70000:80"]\n'
    )
    done = portbook("lint", str(project))
    assert done.code == 1
    assert "\x1b" not in done.out + done.err
    assert "\u202e" not in done.out + done.err


def test_an_empty_folder_and_a_missing_path(project: Path) -> None:
    """Nothing to say is 0; what is not there is a usage error in one line."""
    (project / "empty").mkdir()
    done = linted(project / "empty")
    assert done.code == 0
    assert done.document["findings"] == []
    done = portbook("lint", str(project / "none"))
    assert done.code == 2
    assert done.err.count("portbook: error:") == 1
