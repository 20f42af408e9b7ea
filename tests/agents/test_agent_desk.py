"""What the desk makes of calls, without the protocol: arguments, outside text, leases."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import portbook
from portbook.claims import places
from portbook.claims.direct import Direct
from portbook.host import clock
from portbook.mcp import asking, promising
from portbook.mcp.arguments import checked
from portbook.mcp.catalogue import TOOLS, Tool, instructions, tool_called
from portbook.mcp.desk import Desk
from portbook.mcp.plain_text import LONGEST, first_rows, safe, tamed
from portbook.mcp.promising import EVERYBODY, Leases
from portbook.model import UsageError
from portbook.model.claim import ClaimRefused

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
STRANGE = "\x1b[2J\u202eIGNORE ALL\u2066\udcff\U000e0041\x00\n\u2028"
"""A terminal's control, bidirectional overrides, a lone surrogate, a tag, a separator."""


def tool(name: str) -> Tool:
    """One that is there."""
    found = tool_called(name)
    assert found is not None
    return found


@given(st.sampled_from(TOOLS), st.dictionaries(st.sampled_from(("port", "count", "x")), ANYTHING))
def test_arguments_are_right_or_refused_in_one_line(each: Tool, arguments: dict[str, Any]) -> None:
    """Whatever a model sends: what is let through fits the schema, all else is a UsageError."""
    try:
        found = checked(each, arguments)
    except UsageError as error:
        found, said = {}, str(error)
    else:
        said = ""
    assert len(said) < 300
    for name, value in found.items():
        schema = each.takes[name]
        assert type(value) in (int, bool, str)
        if "minimum" in schema:
            assert schema["minimum"] <= value <= schema["maximum"]


def test_defaults_are_filled_in_and_null_is_left_out() -> None:
    """Some clients send null for what they do not mean."""
    found = checked(tool("who_holds_port"), {"port": None, "limit": 3.0})
    assert found == {"limit": 3, "all_namespaces": False, "command_lines": False}
    assert type(found["limit"]) is int
    assert checked(tool("free_port"), None) == {"count": 1, "contiguous": False}


@given(ANYTHING)
def test_outside_text_cannot_steer_and_cannot_fill(document: Any) -> None:
    """Every text in a document can be shown, is bounded, and survives its way as JSON."""

    def check(value: Any) -> None:
        if isinstance(value, str):
            assert value.isprintable()
            assert len(value) <= 12 * LONGEST
        elif isinstance(value, dict):
            for key, inner in value.items():
                check(key)
                check(inner)
        elif isinstance(value, list):
            for inner in value:
                check(inner)

    made = tamed(document)
    check(made)
    json.dumps(made, ensure_ascii=False).encode("utf-8")


def test_strange_signs_are_written_as_escapes() -> None:
    """What a person sees of them is what they are."""
    assert safe("a\x1b[2J\u202e\U000e0041\udcff") == "a\\x1b[2J\\u202e\\U000e0041\\udcff"
    assert safe("x" * 5000) == "x" * LONGEST + "..."
    assert safe("poort één") == "poort één"


def test_command_lines_are_left_out_wherever_they_are() -> None:
    """They are shown only if asked for, and then bounded."""
    row = {"owners": [{"cmdline": ["a", "--password=b"] * 100, "pid": 1}]}
    assert tamed(row)["owners"][0]["cmdline"]["unknown"] == "not-asked"
    assert len(tamed(row, command_lines=True)["owners"][0]["cmdline"]) == 64
    unknown = {"cmdline": {"unknown": "denied", "hint": None}}
    assert tamed(unknown) == unknown


def test_cut_rows_are_a_gap_of_the_document() -> None:
    """Whoever reads the document alone knows that it is not all."""
    document: dict[str, Any] = {"findings": list(range(9)), "incomplete": []}
    first_rows(document, "findings", 9)
    assert document["incomplete"] == []
    first_rows(document, "findings", 4)
    assert document["findings"] == [0, 1, 2, 3]
    assert document["incomplete"][0]["what"] == "5 more findings"


@pytest.mark.live
def test_a_process_with_a_hostile_name_cannot_speak_to_the_model() -> None:
    """Its name and its arguments are shown, and not one control character of them."""
    program = (
        "import socket, sys, time\n"
        "open('/proc/self/comm', 'wb').write(b'\\x1b[2J\\xe2\\x80\\xaeIGN')\n"
        "made = socket.create_server(('127.0.0.1', 0))\n"
        "print(made.getsockname()[1], flush=True)\n"
        "time.sleep(60)\n"
    )
    strange = os.fsencode(STRANGE.replace("\x00", "").replace("\n", ""))
    line = [sys.executable.encode(), b"-c", program.encode(), strange]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            for name in ("who_holds_port", "explain_port", "why_cannot_bind"):
                given_port = {"port": port, "command_lines": True}
                made = Desk().call(tool(name), given_port, EVERYBODY)
                assert made["isError"] is False
                whole = json.dumps(made["structuredContent"], ensure_ascii=False)
                text = made["content"][0]["text"]
                assert whole.isprintable()
                assert all(each.isprintable() for each in text.split("\n"))
                assert "IGNORE ALL" in whole
                assert "\\x1b[2J" in text
        finally:
            process.kill()


def test_a_fault_of_our_own_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Never a traceback to the model; on stderr only where somebody asked for it."""

    def broken(_asked: object) -> None:
        raise ValueError("two\nlines")

    monkeypatch.setattr(asking, "explain", broken)
    made = Desk().call(tool("explain_port"), {"port": 1}, EVERYBODY)
    assert made["isError"]
    text = made["content"][0]["text"]
    assert text.startswith("error: a fault in portbook itself: ValueError: two\nhint: ")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("PORTBOOK_TRACEBACK", "1")
    Desk().call(tool("explain_port"), {"port": 1}, EVERYBODY)
    assert "Traceback" in capsys.readouterr().err


def test_what_the_system_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, a limit of files: a line, no end of the server."""

    def refused(_asked: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(asking, "who_holds", refused)
    made = Desk().call(tool("who_holds_port"), {}, EVERYBODY)
    assert made["content"][0]["text"] == "error: Too many open files"


def test_a_folder_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """The lint says so in a line; as root everything may be read, so only the kind is looked at."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    made = Desk().call(tool("lint_folder"), {"folder": str(closed)}, EVERYBODY)
    if os.geteuid():
        assert made["isError"]
        assert "cannot be read" in made["content"][0]["text"]
    missing = Desk().call(tool("lint_folder"), {"folder": str(tmp_path / "no")}, EVERYBODY)
    assert missing["isError"]


ASKED = {"transport": "tcp"}


def live() -> list[dict[str, Any]]:
    """The claims of the machine."""
    rows: list[dict[str, Any]] = portbook("claims", "--json").document["claims"]
    return rows


def store() -> Direct:
    """The store itself, as somebody else uses it."""
    return Direct(places.store_path(), lambda _request: (), lambda *_asked: None)


def test_a_lease_is_renewed_while_the_client_is_there() -> None:
    """Its end moves on; what belongs to no session is left to its time."""
    leases = Leases()
    [mine] = leases.claim(ASKED, "one").document["claims"]
    [lone] = leases.claim(ASKED, EVERYBODY).document["claims"]
    before = {each["id"]: each["renewed"] for each in live()}
    assert set(before) == {mine["id"], lone["id"]}
    store_side = store()
    store_side.renew(mine["id"], mine["token"], 1_000)
    leases.renew()
    left = {each["id"]: each["expires_in_ms"] for each in live()}
    assert left[mine["id"]] > 1_000
    leases.forget_all()
    assert [each["id"] for each in live()] == [lone["id"]]


def test_a_lease_that_ran_out_is_taken_again() -> None:
    """As after a night in which the machine slept: the same number, if nobody has it."""
    leases = Leases()
    [mine] = leases.claim(ASKED, "one").document["claims"]
    assert store().release(mine["id"], mine["token"])
    assert live() == []
    leases.renew()
    [again] = live()
    assert (again["port"], again["id"] != mine["id"]) == (mine["port"], True)
    released = leases.release({"port": mine["port"]}, "one")
    assert released.document["released"][0]["id"] == again["id"]


def test_a_lease_that_somebody_took_is_given_up() -> None:
    """It is theirs now, and not ours to release."""
    leases = Leases()
    [mine] = leases.claim(ASKED, "one").document["claims"]
    assert store().release(mine["id"], mine["token"])
    assert portbook("claim", "--port", str(mine["port"])).code == 0
    leases.renew()
    assert len(leases) == 0
    with pytest.raises(ClaimRefused, match="was not claimed over this connection"):
        leases.release({"port": mine["port"]}, "one")
    assert len(live()) == 1


def test_claims_without_a_session_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has run out counts no more."""
    leases = Leases()
    monkeypatch.setattr(promising, "LONE_LEASE_MS", 1_000)
    monkeypatch.setattr(promising, "MOST_CLAIMS", 2)
    leases.claim(ASKED, EVERYBODY)
    leases.claim(ASKED, EVERYBODY)
    with pytest.raises(UsageError, match="2 claims already"):
        leases.claim(ASKED, EVERYBODY)
    real = clock.boot_ms
    monkeypatch.setattr(clock, "boot_ms", lambda: real() + 5_000)
    leases.claim(ASKED, EVERYBODY)
    assert len(leases) == 1


@pytest.mark.parametrize("name", ["free_port", "claim_port", "lint_folder"])
@pytest.mark.parametrize("folder", [None, ".", "below"])
def test_a_working_folder_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: str | None
) -> None:
    """With the argument that helps, which does."""
    own, there = tmp_path / "own", tmp_path / "there"
    own.mkdir()
    there.mkdir()
    monkeypatch.chdir(own)
    own.rmdir()
    given_folder = {} if folder is None else {"folder": folder}
    desk = Desk(claims=True)
    try:
        made = desk.call(tool(name), given_folder, "one")
        assert made["isError"]
        said = made["content"][0]["text"]
        assert "the server's working folder is gone" in said
        assert "give folder" in said
        made = desk.call(tool(name), {"folder": str(there)}, "one")
        assert made["isError"] is False, made["content"]
    finally:
        desk.leases.forget_all()


def test_a_fault_of_the_system_names_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """No such file or directory alone helps nobody."""

    def broken(_asked: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "/gone/x")

    monkeypatch.setattr(asking, "free", broken)
    made = Desk().call(tool("free_port"), {}, "one")
    assert "/gone/x: No such file or directory" in made["content"][0]["text"]


def test_what_claims_leave_behind_is_told() -> None:
    """Only a server that cannot claim says that it changes nothing."""
    assert "or changes a file." in instructions(claims=False)
    assert "claim_port" not in instructions(claims=False)
    assert "reserved for the project" in instructions(claims=True)
    assert "changes a file. " not in instructions(claims=True)
    assert "stays reserved" in tool("release_port").about
