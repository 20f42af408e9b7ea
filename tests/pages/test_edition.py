"""A server and the registry under it: replaced, broken, taken away, while it runs."""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from live.stage import Ran, run_portbook
from pages.serving import Serving, serving
from portbook.registry.tables import read_assignments, shipped

_HEADER = (
    "Service Name,Port Number,Transport Protocol,Description,Assignee,Contact,"
    "Registration Date,Modification Date,Reference,Service Code,"
    "Unauthorized Use Reported,Assignment Notes\n"
)


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in registry as IANA's CSV, with port 3255 and a name of ours changed."""
    lines = [_HEADER]
    for row in read_assignments(shipped("assignments.tsv")):
        ports = "" if row.port is None else str(row.port)
        if row.last_port != row.port:
            ports += f"-{row.last_port}"
        about = "Brand New Description" if row.port == 3255 else row.description or ""
        cells = (
            *(row.service or "", ports, row.transport or "", about),
            *("[Ada_New]" if row.port == 3255 else "", "", "2026-11-02" if ports else "", ""),
            *("", "", "", ""),
        )
        lines.append(",".join('"{}"'.format(cell.replace('"', '""')) for cell in cells) + "\n")
    lines.append('brand-new,,,"a name",,,,,,,,\n')
    file = tmp_path_factory.mktemp("offered") / "new.csv"
    file.write_text("".join(lines))
    return file


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Serving]:
    """A server with a data folder below the test's."""
    home = tmp_path / "home"
    home.mkdir()
    with serving(tmp_path, env={"PORTBOOK_DATA_HOME": str(home)}) as made:
        yield made


def update(server: Serving, *arguments: str) -> Ran:
    """`portbook update` with that server's data folder."""
    home = server.environment["PORTBOOK_DATA_HOME"]
    ran = run_portbook("update", *arguments, env={"PORTBOOK_DATA_HOME": home})
    assert ran.code == 0, ran.err
    return ran


def soon(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)


def told(server: Serving) -> dict[str, str]:
    """What pages of every kind say that comes from the registry."""
    found = {}
    for path in (
        *("/", "/3255", "/nl/3255", "/3255.json", "/3256", "/search?q=brand", "/method"),
        *("/orphans", "/orphans/3", "/orphans/year.svg", "/census.json", "/year/2026"),
        *("/assignee/Ada_New", "/name/brand-new", "/name/semaphore", "/map/ports.bin"),
        *("/map/names.json", "/map/year-hilbert.svg", "/map.json?by=year", "/healthz"),
    ):
        reply = server.ask(path)
        found[path] = f"{reply.status} {reply.body!r}"
    return found


def test_a_running_server_tells_of_the_newest_registry(
    tmp_path: Path, server: Serving, offered: Path
) -> None:
    """After an update each page is that of a server started afterwards; and after the way back."""
    before = told(server)
    update(server, "--from", str(offered))
    soon(lambda: "Brand New Description" in server.ask("/3255").text)
    after = told(server)
    home = {"PORTBOOK_DATA_HOME": server.environment["PORTBOOK_DATA_HOME"]}
    (tmp_path / "fresh").mkdir()
    with serving(tmp_path / "fresh", env=home) as fresh:
        assert after == told(fresh)
    unchanged = {path for path in after if after[path] == before[path]}
    assert unchanged <= {"/orphans", "/orphans/3", "/3256", "/census.json", "/map/names.json"}
    assert server.ask("/name/brand-new").status == 200
    update(server, "--rollback")
    soon(lambda: "Brand New Description" not in server.ask("/3255").text)
    assert told(server) == before


def test_who_asks_first_after_an_update_gets_the_new_page(server: Serving, offered: Path) -> None:
    """Also where nobody had asked for hours; the live parts follow."""
    assert server.ask("/3255", known=True).status == 200
    time.sleep(1.1)
    update(server, "--from", str(offered))
    assert "Brand New Description" in server.ask("/3255", known=True).text


@pytest.mark.parametrize("size", [0, 5000, 500_000])
def test_a_table_that_is_cut_changes_no_page(server: Serving, offered: Path, size: int) -> None:
    """The server tells of what it has read, /healthz says so, and a sound table is read again."""
    home = Path(server.environment["PORTBOOK_DATA_HOME"])
    update(server, "--from", str(offered))
    soon(lambda: "Brand New Description" in server.ask("/3255").text)
    pages = told(server)
    with (home / "registry/current/assignments.tsv").open("r+b") as table:
        table.truncate(size)
    time.sleep(1.1)
    assert server.ask("/445").status == 200
    health = server.ask("/healthz")
    assert (health.status, health.document["status"]) == (200, "outdated")
    assert str(home) not in health.text
    now = told(server)
    assert now.pop("/healthz") != pages.pop("/healthz")
    assert now == pages
    assert server.process.poll() is None
    said = (home.parent / "serve.log").read_text()
    assert said.count("pages tell of the registry of before") == 1
    update(server, "--rollback")
    soon(lambda: server.ask("/healthz").document["status"] == "ok")
    assert "Brand New Description" not in server.ask("/3255").text


def test_a_data_folder_that_is_removed_leaves_the_built_in_registry(
    server: Serving, offered: Path
) -> None:
    """The way that `portbook update` documents to get it back."""
    update(server, "--from", str(offered))
    soon(lambda: "Brand New Description" in server.ask("/3255").text)
    shutil.rmtree(server.environment["PORTBOOK_DATA_HOME"])
    soon(lambda: "Brand New Description" not in server.ask("/3255").text)
    assert server.ask("/healthz").document["status"] == "ok"


def test_it_does_not_start_on_a_broken_table(tmp_path: Path, offered: Path) -> None:
    """One line says which file, and the way back."""
    home = {"PORTBOOK_DATA_HOME": str(tmp_path)}
    assert run_portbook("update", "--from", str(offered), env=home).code == 0
    with (tmp_path / "registry/current/assignments.tsv").open("r+b") as table:
        table.truncate(5000)
    ran = run_portbook("serve", "--port", "0", env=home)
    assert ran.code == 5
    assert re.match(r"portbook: .*assignments\.tsv is cut short", ran.err)
    assert "portbook update --rollback" in ran.err
    assert "Traceback" not in ran.err


def test_requests_during_an_update_are_all_answered(server: Serving, offered: Path) -> None:
    """Each with one registry or the other, and with the new one for good once it was seen."""
    assert server.ask("/3255.json").status == 200
    update(server, "--from", str(offered))
    until = time.monotonic() + 3
    seen = []
    while time.monotonic() < until:
        reply = server.ask("/3255.json")
        assert reply.status == 200
        seen.append("Brand New Description" in json.dumps(reply.document))
    assert seen[-1]
    assert sorted(seen) == seen
