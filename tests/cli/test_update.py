import fcntl
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iana_forms import as_csv, as_xml
from loopback import LAST_MODIFIED, Server, serving
from portbook.cli import main
from portbook.model import Assignment
from portbook.registry import lookup
from portbook.registry.tables import read_assignments, shipped, user_folder

BUILT_IN = read_assignments(shipped("assignments.tsv"))
NEW = Assignment("brand-new", 47100, 47100, "tcp", "Was not there before")
REGISTRY = as_csv([*BUILT_IN, NEW])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no proxy on the way to loopback."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A registry to import."""
    path = tmp_path / "registry.csv"
    path.write_bytes(REGISTRY)
    return path


@pytest.fixture
def server() -> Iterator[Server]:
    """A server at work that has a registry."""
    with serving(Server()) as made:
        made.body = REGISTRY
        yield made


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one import."""
    folder = tmp_path_factory.mktemp("imported")
    path = folder / "registry.csv"
    path.write_bytes(REGISTRY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORTBOOK_DATA_HOME", str(folder / "home"))
        assert update("--from", str(path)) == 0
    return folder / "home"


@pytest.fixture
def imported(template: Path, home: Path) -> Path:
    """This test's data folder, with one import."""
    shutil.copytree(template, home, symlinks=True)
    return home


def update(*arguments: str) -> int:
    """The exit code of `portbook update`."""
    return main(["update", *arguments])


def portbook(*arguments: str, stderr: int) -> subprocess.CompletedProcess[bytes]:
    """A run of the program in its own process."""
    return subprocess.run(
        [sys.executable, "-m", "portbook", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=stderr,
    )


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one JSON document printed since the last look, with nothing on stderr."""
    out, err = capsys.readouterr()
    assert err == ""
    parsed: dict[str, Any] = json.loads(out)
    assert parsed["schema"] == "portbook/update/1"
    return parsed


def test_without_an_import_the_built_in_table_is_in_use(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    """--status says so, and that there is nothing to roll back; nothing is written."""
    assert update("--status", "--json") == 0
    table = document(capsys)["table"]
    assert (table["table"], table["rollback"]) == ("built-in", None)
    assert table["records"] == len(BUILT_IN)
    assert not home.exists()


def test_an_imported_file_answers_lookups(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The summary says what is new, and the next lookup knows it."""
    assert update("--from", str(file)) == 0
    out = capsys.readouterr().out
    assert "1 added, 0 removed, 0 changed" in out
    assert "+ 47100/tcp brand-new  Was not there before" in out
    looked_up = portbook("47100", "--json", "--no-probe", stderr=subprocess.PIPE)
    assert b'"brand-new"' in looked_up.stdout


def test_the_lookup_of_the_library_sees_the_import(imported: Path) -> None:
    """The import is not only for the command line."""
    assert "brand-new" in [row.service for row in lookup(47100).assignments]


def test_the_json_document_tells_what_changed(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts of each kind, and the first few rows whole."""
    file.write_bytes(as_xml([row for row in BUILT_IN if row.port != 80] + [NEW]))
    assert update("--from", str(file), "--json") == 0
    told = document(capsys)
    gone = [row for row in BUILT_IN if row.port == 80 and row.service]
    assert told["outcome"] == "imported"
    assert told["table"]["form"] == "xml"
    assert told["table"]["source"] == str(file)
    assert told["changes"]["added"] == 1
    assert told["changes"]["removed"] == len(gone)
    first = told["changes"]["first"]
    assert [row["change"] for row in first] == ["added"] + ["removed"] * min(5, len(gone))
    assert first[0]["assignment"]["service"] == "brand-new"


def test_many_changes_are_told_in_a_few_lines(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first few, and how many more."""
    more = [NEW._replace(port=port, last_port=port) for port in range(47101, 47130)]
    file.write_bytes(as_csv(BUILT_IN + more))
    assert update("--from", str(file)) == 0
    out = capsys.readouterr().out
    assert "29 added" in out
    assert "+ and 24 more" in out
    assert len(out.splitlines()) < 12


def test_a_rollback_leads_back_step_by_step(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The import before, the built-in table, and then exit code 1 with a line that says why."""
    assert update("--from", str(file)) == 0
    file.write_bytes(as_csv(BUILT_IN))
    assert update("--from", str(file)) == 0
    capsys.readouterr()
    assert update("--rollback") == 0
    assert "rolled back to the imported table" in capsys.readouterr().out
    assert update("--rollback") == 0
    assert "rolled back to the built-in table" in capsys.readouterr().out
    assert update("--rollback") == 1
    assert "nothing to roll back" in capsys.readouterr().out
    assert update("--rollback", "--json") == 1
    assert document(capsys)["outcome"] == "nothing-to-roll-back"


def test_a_download_keeps_where_it_came_from(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """Address, time and the server's validators are stored with the table."""
    assert update("--from", server.address("whole")) == 0
    capsys.readouterr()
    assert update("--status", "--jsonl") == 0
    table = document(capsys)["table"]
    assert table["source"] == server.address("whole")
    assert (table["etag"], table["last_modified"]) == ('"one"', LAST_MODIFIED)
    assert table["imported"].endswith("Z")
    assert table["rollback"] == "built-in"
    assert update("--status") == 0
    assert LAST_MODIFIED in capsys.readouterr().out


@pytest.mark.parametrize("manner", ["whole", "since"])
def test_what_did_not_change_is_not_sent_again(
    manner: str, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """ETag and Last-Modified are honoured; 304 means that the table is current."""
    assert update("--from", server.address(manner)) == 0
    capsys.readouterr()
    assert update("--from", server.address(manner), "--json") == 0
    told = document(capsys)
    assert (told["outcome"], told["changes"]) == ("current", None)
    assert {"If-None-Match", "If-Modified-Since"} & set(server.seen[-1].headers)


def test_validators_of_one_address_are_not_sent_to_another(server: Server) -> None:
    """Nor for a table that was rolled back."""
    assert update("--from", server.address("whole")) == 0
    assert update("--from", server.address("whole/other")) == 0
    assert update("--rollback") == 0
    assert update("--from", server.address("whole")) == 0
    assert len(server.seen) == 3
    for seen in server.seen:
        assert "If-None-Match" not in seen.headers


def test_a_new_version_replaces_the_table(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another ETag, other rows, and the summary is against the table before."""
    assert update("--from", server.address("whole")) == 0
    server.etag = '"two"'
    server.body = as_csv([*BUILT_IN, NEW._replace(description="Now otherwise")])
    capsys.readouterr()
    assert update("--from", server.address("whole")) == 0
    assert "0 added, 0 removed, 1 changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("cut", "broke off"),
        ("status/404", "404 Not Found"),
        ("status/500", "500 Internal Server Error"),
        ("loop/1", "redirects too often"),
        ("to/ftp://127.0.0.1/x", "no http"),
        ("encoded/gzip", "gzip"),
        ("garbage", "HTTP"),
        ("chunked/cut", "broke off|HTTP"),
        ("announce/99999999999", "announces"),
    ],
)
def test_a_failed_download_changes_nothing(
    manner: str, reason: str, server: Server, capsys: pytest.CaptureFixture[str], imported: Path
) -> None:
    """One line, one hint, exit code 5, and the table in use is the one before."""
    before = fingerprint()
    assert update("--from", server.address(manner)) == 5
    out, err = capsys.readouterr()
    error, hint = err.splitlines()
    assert out == ""
    assert error.startswith("portbook: error: ")
    assert any(word in error for word in reason.split("|"))
    assert hint == "hint: portbook update --from FILE"
    assert fingerprint() == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<!doctype html><title>Sign in</title>", "web page"),
        (b"<!DOCTYPE r [<!ENTITY a 'b'>]><r/>", "entities"),
        (REGISTRY[:-100], "cut short"),
        (REGISTRY.replace(b"\r\n", b"\n", 1)[: len(REGISTRY) // 2] + b"\x1b", "cut short"),
        (as_xml([*BUILT_IN, NEW])[:-20], "broken or cut"),
        (as_csv(BUILT_IN[:100]), "where the table in use has"),
        (as_csv(BUILT_IN)[1:], "column 1"),
        (REGISTRY.replace(b"Was not", b"Was\x07not"), "control character"),
        (REGISTRY.replace(b"47100", b"147100"), "no port"),
        (REGISTRY + b"a,1,tcp," + b"a" * 20000 + b",,,,,,,,\r\n", "longer than"),
        (os.urandom(5000), "UTF-8"),
    ],
)
@pytest.mark.parametrize("way", ["file", "download"])
def test_a_registry_that_does_not_fit_changes_nothing(
    content: bytes,
    reason: str,
    way: str,
    file: Path,
    server: Server,
    imported: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line, exit code 5, and the table in use is the one before, whichever way it came."""
    before = fingerprint()
    file.write_bytes(content)
    server.body = content
    assert update("--from", str(file) if way == "file" else server.address("whole")) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("portbook: error: ")
    assert reason in err
    assert fingerprint() == before


def test_a_refused_download_is_asked_for_again_in_full(server: Server) -> None:
    """The validators of what was refused are not kept."""
    server.body = b"<html>"
    assert update("--from", server.address("whole")) == 5
    assert update("--from", server.address("whole")) == 5
    assert "If-None-Match" not in server.seen[-1].headers


@pytest.mark.parametrize("origin", ["ftp://127.0.0.1/x", "file:///etc/passwd", "", "missing.csv"])
def test_other_origins_are_refused(origin: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Other schemes, no name, and a file that is not there."""
    assert update("--from", origin) == 5
    assert capsys.readouterr().err.startswith("portbook: error: ")


def test_options_that_contradict_each_other_are_a_usage_error() -> None:
    """One thing at a time."""
    assert update("--rollback", "--status") == 2
    assert update("--from", "x", "--rollback") == 2


def fingerprint() -> dict[str, bytes]:
    """Everything in the data folder that a lookup could read."""
    folder = Path(user_folder())
    return {
        "link": os.fsencode(os.readlink(folder)),
        **{path.name: path.read_bytes() for path in folder.iterdir()},
    }


def test_the_fingerprint_sees_a_changed_byte(imported: Path) -> None:
    """Proof of the guard above."""
    before = fingerprint()
    table = Path(user_folder()) / "assignments.tsv"
    table.write_bytes(table.read_bytes()[:-1] + b"!")
    assert fingerprint() != before


def test_a_piped_run_shows_no_progress(server: Server) -> None:
    """Stderr stays empty where no person watches it."""
    done = portbook("update", "--from", server.address("whole"), stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_shows_bytes_and_is_left_clean(server: Server) -> None:
    """The bar counts to the end on stderr, is wiped, and never touches stdout."""
    ours, theirs = pty.openpty()
    done = portbook("update", "--json", "--from", server.address("whole"), stderr=theirs)
    os.close(theirs)
    shown = b""
    with open(ours, "rb", buffering=0) as terminal:
        fcntl.fcntl(terminal, fcntl.F_SETFL, os.O_NONBLOCK)
        # A terminal whose other side is closed is an error on Linux, not an end.
        try:
            while more := terminal.read(65536):
                shown += more
        except OSError:
            pass
    assert done.returncode == 0
    assert json.loads(done.stdout)["outcome"] == "imported"
    assert b"[##############################]" in shown
    assert shown.endswith(b"\r\x1b[K")
