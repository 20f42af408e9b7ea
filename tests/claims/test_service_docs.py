"""The examples of docs/service.md and docs/udp.md are run, and answer as they say."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tools.openapi_claims import CALLS

from pages.serving import Serving, serving

pytestmark = pytest.mark.live

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^ *```(console|python)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """One command line, and what the page says that it prints."""

    command: str
    said: str


def examples(name: str, start: str) -> list[Example]:
    """The commands of a page's console blocks that begin with `start`."""
    found = []
    for kind, block in _BLOCK.findall((DOCS / name).read_text(encoding="utf-8")):
        if kind != "console":
            continue
        for part in re.split(r"^ *\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, said = part.partition("\n")
            if command.startswith(start):
                found.append(Example(command, said.strip()))
    return found


CURLS = examples("service.md", "curl")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Serving]:
    """A service that nobody has asked anything yet."""
    with serving(tmp_path) as found:
        yield found


def run(command: str, served: Serving, known: dict[str, str]) -> str:
    """What a command line prints, with this service in place of the one on 3255."""
    bash = shutil.which("bash")
    if bash is None or shutil.which("curl") is None:
        pytest.skip("no bash, or no curl")
    mine = re.sub(r"(?<=127\.0\.0\.1:)3255|(?<=port=)3255", str(served.port), command)
    done = subprocess.run(
        [bash, "-c", mine.replace("curl ", "curl --silent --show-error ", 1)],
        env={**os.environ, **known},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == (28 if "--max-time" in command else 0), done.stderr
    return done.stdout


def fits(said: Any, got: Any, where: str = "answer") -> None:
    """Every field that is said is there, with the same kind of value."""
    if isinstance(said, dict):
        assert isinstance(got, dict), where
        for name, value in said.items():
            assert name in got, f"{where}.{name} is missing"
            fits(value, got[name], f"{where}.{name}")
    elif isinstance(said, list):
        assert isinstance(got, list), where
        assert got or not said, where
        for value, each in zip(said, got, strict=False):
            fits(value, each, f"{where}[]")
    else:
        assert type(said) is type(got), f"{where}: {said!r}, but {got!r}"
        if isinstance(said, bool) or where.endswith((".code", ".kind", ".schema", ".state")):
            assert said == got, where


def learn(got: Any, known: dict[str, str]) -> None:
    """$ID and $FENCE of the claim that was answered, $PERMIT and $UNIT of the permit."""
    claim = got["claims"][0] if "claims" in got and isinstance(got["claims"], list) else got
    if "secret" in claim:
        known |= {"ID": claim["id"], "FENCE": str(claim["token"])}
    if "permit" in got:
        known |= {"PERMIT": got["permit"]["id"], "UNIT": str(got["permit"]["token"])}


def test_every_curl_example_answers_as_it_says(served: Serving) -> None:
    """In the order of the page, as a reader would try them."""
    known = {"TOKEN": served.token}
    for example in CURLS:
        got = run(example.command, served, known)
        if "text/event-stream" in example.command:
            fits_stream(example.said, got)
            continue
        document = json.loads(got)
        fits(json.loads(example.said), document, example.command)
        learn(document, known)


def fits_stream(said: str, got: str) -> None:
    """The events of a stream, one by one, as far as the page shows them."""
    mine, theirs = said.split("\n\n"), got.split("\n\n")
    assert mine[0] == theirs[0]
    for shown, came in zip(mine[1:], theirs[1:], strict=False):
        fields = [dict(line.split(": ", 1) for line in each.split("\n")) for each in (shown, came)]
        fits(json.loads(fields[0].pop("data")), json.loads(fields[1].pop("data")))
        assert fields[0] == fields[1]
    assert len(theirs) > 5


def test_every_call_has_an_example() -> None:
    """What OpenAPI describes is shown on the page, with curl."""
    shown = set()
    for example in CURLS:
        method = re.search(r"-X ([A-Z]+)", example.command)
        path = re.search(r"3255(/v1/[^?' \"]*)", example.command)
        assert path is not None
        word = method[1] if method else "POST" if "--json" in example.command else "GET"
        shown.add((word.lower(), path[1]))
    for call in CALLS:
        form = re.compile(re.sub(r"\{\w+\}", "[^/]+", call.path))
        assert any(method == call.method and form.fullmatch(path) for method, path in shown), (
            f"{call.method} {call.path}"
        )


def test_portpicker_example(tmp_path: Path) -> None:
    """The line that the page has, with another name."""
    name = f"@portbook-docs-{os.getpid()}"
    with serving(tmp_path, "--portserver", name) as served:
        (example,) = examples("service.md", "PORTSERVER_ADDRESS")
        ours = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        assert int(run(example.command.replace("@portbook", name), served, {"PATH": ours})) > 0


def test_datagram_with_bash_alone(served: Serving) -> None:
    """The three lines of the page give the bytes of the page."""
    lines = examples("udp.md", "")
    script = "; ".join(line.command for line in lines).replace("3255", str(served.port))
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.split() == lines[-1].said.split()


def test_python_examples(served: Serving) -> None:
    """STATUS of 8080, then a HEARTBEAT of a claim of it."""
    reply = served.ask(
        "/v1/claims", "POST", b'{"port": 8080}', known=True, Content_Type="application/json"
    )
    if reply.status != 201:
        pytest.skip("8080 is in use here")
    text = (DOCS / "udp.md").read_text(encoding="utf-8")
    code = "\n".join(block for kind, block in _BLOCK.findall(text) if kind == "python")
    claim = reply.document["claims"][0]
    whole = f"claim = {claim!r}\n{code}".replace("3255", str(served.port))
    done = subprocess.run(
        ["python3", "-c", whole], capture_output=True, text=True, timeout=30, check=True
    )
    status, heartbeat = done.stdout.splitlines()
    state, uid, token, left = status.split()
    assert (state, int(uid), int(token)) == ("reserved", os.getuid(), claim["token"])
    assert 25_000 < int(left) <= int(heartbeat) <= 30_000


def test_pages_and_units_agree() -> None:
    """What the page names is there."""
    root = DOCS.parent
    for name in re.findall(r"\(\.\./(contrib/[^)]+)\)", (DOCS / "service.md").read_text("utf-8")):
        assert (root / name).is_file()
    for folder in ("contrib", "contrib/user"):
        unit = (root / folder / "portbook.socket").read_text(encoding="utf-8")
        assert unit.count("ListenDatagram=") == 2
        assert "ListenStream=@portbook\n" in unit


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_user_units_are_as_systemd_wants_them(tmp_path: Path) -> None:
    """No unknown option, no unit that is missing."""
    units = [tmp_path / "portbook.service", tmp_path / "portbook.socket"]
    for unit in units:
        shutil.copy(DOCS.parent / "contrib" / "user" / unit.name, unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", *map(str, units)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in done.stderr
