"""The pages of a fleet over a real store: what they tell, to whom, and their JSON twins."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.engines import Postgres
from fleet.filled import filled, reader_url
from pages.reading import Reading
from pages.serving import Serving, serving
from test_documents import validator

pytestmark = pytest.mark.live

PAGES = (
    *("fleet", "fleet/hosts", "fleet/hosts?state=silent", "fleet/port/22", "fleet/port/3255"),
    *("fleet/port/1", "fleet/host/host-0012", "fleet/host/host-0012?days=90", "fleet/map"),
)
TWINS = {
    "fleet.json": "fleet-overview",
    "fleet/hosts.json": "fleet-hosts",
    "fleet/port/22.json": "fleet-port",
    "fleet/port/3255.json": "fleet-port",
    "fleet/host/host-0012.json": "fleet-host",
    "fleet/host/host-0039.json": "fleet-host",
    "fleet/map.json": "fleet-map",
}


@pytest.fixture(scope="module")
def store(postgres: Postgres) -> Postgres:
    """Forty hosts."""
    return filled(postgres.create())


@pytest.fixture(scope="module")
def server(store: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A book whose user of the store may read alone."""
    home = tmp_path_factory.mktemp("fleet")
    with serving(home, env={"PORTBOOK_FLEET_STORE": reader_url(store)}) as found:
        yield found


def read(server: Serving, path: str) -> Reading:
    """A page for who has the token."""
    reply = server.ask(f"/en/{path}", known=True)
    assert reply.status == 200, reply.text
    assert reply.headers["cache-control"] == "no-store"
    page = Reading(reply.text)
    assert page.open == []
    assert page.inline == []
    return page


def twin(server: Serving, path: str) -> Any:
    """A document for who has the token."""
    reply = server.ask(f"/{path}", known=True)
    assert reply.status == 200, reply.text
    return reply.document


@pytest.mark.parametrize("path", [*PAGES, *TWINS, "fleet/map.svg", "fleet?go=22"])
def test_nobody_without_the_token_is_told(server: Serving, path: str) -> None:
    """401, and not a word of a host."""
    reply = server.ask(f"/{path}")
    assert reply.status == 401
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert not {"sshd", "Host 12", "host-0001"} & set(re.findall(r"[\w-]+(?: \d+)?", reply.text))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_there_in_both_languages(server: Serving, path: str) -> None:
    """English and Dutch, with the policy of the other pages and nothing inline."""
    for language in ("en", "nl"):
        reply = server.ask(f"/{language}/{path}", known=True)
        assert reply.status == 200
        assert "default-src 'self'" in reply.headers["content-security-policy"]
        page = Reading(reply.text)
        assert (page.language, page.inline, page.open) == (language, [], [])
        assert len(set(page.ids)) == len(page.ids)


@pytest.mark.parametrize(("path", "name"), TWINS.items())
def test_every_twin_fits_its_schema(server: Serving, path: str, name: str) -> None:
    """The document is the one that docs/schema describes."""
    found = twin(server, path)
    validator(name).validate(found)
    assert found["schema"] == f"portbook/{name}/1"


def test_overview_counts_hosts_and_listeners(server: Serving, store: Postgres) -> None:
    """Hosts by state, listeners by verdict, and ports by hosts are those of the tables."""
    found = twin(server, "fleet.json")
    assert found["hosts"] == {"fresh": 37, "silent": 1, "duplicate": 1, "never": 1}
    assert found["asked"]["asked"] == 40
    assert found["asked"]["answered"] == 38
    assert found["asked"]["silent"] == ["host-0038", "host-0039"]
    counts: Any = store.query("SELECT verdict, count(*) FROM portbook.listener GROUP BY 1")
    verdicts = dict(counts)
    assert found["verdicts"] == verdicts
    ports = store.query(
        "SELECT port, count(DISTINCT host) FROM portbook.listener GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    assert [(each["port"], each["hosts"]) for each in found["ports"]] == ports[:100]
    moments = [each["at"] for each in found["changes"]]
    assert moments == sorted(moments, reverse=True)
    assert {each["kind"] for each in found["changes"]} == {"opened", "closed"}
    page = read(server, "fleet")
    assert page.table("Ports that most hosts use").rows[0] == ("22", "39")
    assert "/en/fleet/hosts?state=silent" in page.links


def test_hosts_are_listed_by_state(server: Serving) -> None:
    """All of them, or those of one state; the twin names the same."""
    assert len(read(server, "fleet/hosts").table("Hosts").rows) == 40
    rows = read(server, "fleet/hosts?state=duplicate").table("Hosts").rows
    assert [row[0].split()[0] for row in rows] == ["host-0040"]
    listed = twin(server, "fleet/hosts.json?state=never")["hosts"]
    assert [each["host"] for each in listed] == ["host-0039"]
    assert server.ask("/fleet/hosts?state=odd", known=True).status == 400
    assert read(server, "fleet/hosts?page=2").tables == []


def test_port_tells_where_and_since_when(server: Serving) -> None:
    """Groups of programs, the hosts with their times, who is silent, and what was before."""
    page = read(server, "fleet/port/3255")
    assert "1 host has a listener on it" in page.text
    assert "38 of 40 hosts have reported in time" in page.text
    group = page.table("Listeners by program").rows
    assert [row[:2] for row in group] == [("nc", "suspicious")]
    rows = page.table("Listeners by host").rows
    assert [row[0] for row in rows] == ["Host 1"]
    assert "nc (102)" in rows[0][3]
    assert page.table("Listeners that were closed").rows
    assert "/en/3255" in page.links
    assert "/en/fleet/host/host-0001" in page.links
    assert "No host has a listener on it" in read(server, "fleet/port/1").text


def test_port_is_narrowed_by_program_and_verdict(server: Serving) -> None:
    """What is asked for is compared, and never becomes a part of a statement."""
    whole = twin(server, "fleet/port/22.json")
    assert (whole["hosts"], whole["fitting"], len(whole["listeners"])) == (39, 39, 39)
    some = twin(server, "fleet/port/22.json?process=sshd&verdict=expected")
    assert some["fitting"] == 39
    for query in ("process=nginx", "process=", "verdict=x%27%20OR%20%271%27=%271", "page=2"):
        assert twin(server, f"fleet/port/22.json?{query}")["listeners"] == []
    for query in ("process=%00", "verdict=" + "v" * 41, "page=0", "page=x", "page=10001"):
        assert server.ask(f"/fleet/port/22.json?{query}", known=True).status == 400


def test_long_lists_have_parts(server: Serving, store: Postgres) -> None:
    """150 listeners of one host on one port are two parts, and each is there once."""
    store.query(
        "INSERT INTO portbook.listener SELECT host, transport, '10.0.0.' || n, 7777, '', n, state,"
        ' reach, process, pid, exe, "user", unit, container, package, speaks, verdict, severity,'
        " rules, started, unknown, n, since, changed FROM portbook.listener,"
        " generate_series(1, 150) n WHERE host = 2 AND port = 22"
    )
    store.query("UPDATE portbook.host SET total = total + 150 WHERE number = 2")
    time.sleep(3.2)
    for path in ("fleet/port/7777", "fleet/host/host-0002"):
        addresses: list[str] = []
        for part in (1, 2):
            found = twin(server, f"{path}.json?page={part}")
            addresses += [row["address"] for row in found["listeners"] if row["port"] == 7777]
        assert len(addresses) == len(set(addresses)) == 150
        page = read(server, path)
        assert "Part 1 of 2" in page.text
        assert [link for link in page.links if link.endswith("page=2")]


def test_host_is_told_through_time(server: Serving) -> None:
    """Its facts, the chart's table with what is there and what was, and its listeners."""
    page = read(server, "fleet/host/host-0012")
    assert "role=web" in page.text
    assert len(page.table("Listeners of this host by port").rows) == 12
    rows = page.table("Listeners of this host through time").rows
    assert {row[6] for row in rows} > {"now"}
    assert ("8080", "closed") in {(row[0], row[7]) for row in rows}
    day = page.table("Listeners of this host through time")
    assert len(read(server, "fleet/host/host-0012?days=1").table(day.caption).rows) < len(rows)
    assert server.ask("/fleet/host/host-0012?days=8", known=True).status == 400


@pytest.mark.parametrize("ident", ["none", "HOST", "..", "a%27--", "%E2%80%AEx", "x" * 300])
def test_a_host_that_is_not_there_is_said(server: Serving, ident: str) -> None:
    """404 with the way to all hosts."""
    reply = server.ask(f"/en/fleet/host/{ident}", known=True)
    assert reply.status == 404
    if ident != "..":
        assert "/en/fleet/hosts" in Reading(reply.text).links
    assert server.ask(f"/fleet/host/{ident}.json", known=True).status == 404


def test_a_host_may_be_called_as_a_document(server: Serving, store: Postgres) -> None:
    """The page of a host whose id ends in .json is found, and so is its document."""
    store.query("INSERT INTO portbook.host (id) VALUES ('odd.json')")
    try:
        assert "Host odd.json" in read(server, "fleet/host/odd.json").text
        assert twin(server, "fleet/host/odd.json.json")["host"]["host"] == "odd.json"
    finally:
        store.query("DELETE FROM portbook.host WHERE id = 'odd.json'")


def test_map_counts_hosts_for_each_port(server: Serving, store: Postgres) -> None:
    """The document has every used port; the picture is an SVG whose style alone is let through."""
    found = twin(server, "fleet/map.json")
    used: dict[int, int] = {}
    for run in found["runs"]:
        used.update(dict.fromkeys(range(run["first"], run["last"] + 1), run["hosts"]))
    rows: Any = store.query("SELECT port, count(DISTINCT host) FROM portbook.listener GROUP BY 1")
    told = dict(rows)
    assert used.items() >= {port: n for port, n in told.items() if port != 7777}.items()
    assert sum(found["counts"].values()) == 65_536
    picture = server.ask("/fleet/map.svg?layout=rows", known=True)
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "style-src 'sha256-" in picture.headers["content-security-policy"]
    # It may have been counted anew since, with the port that another test adds.
    assert picture.text.count("<circle") in (len(used), len({*used, 7777}))
    assert server.ask("/fleet/map.svg?layout=x", known=True).status == 400
    legend = read(server, "fleet/map").table("Ports by the number of hosts")
    assert [row[0] for row in legend.rows][-1] == "no host"


def test_the_form_leads_to_a_port_or_a_host(server: Serving) -> None:
    """What is typed is found, and leads nowhere outside of the fleet."""
    for text, path in (("22", "port/22"), ("host-0001", "host/host-0001"), ("//x", "host/%2F%2Fx")):
        reply = server.ask(f"/nl/fleet?go={text}", known=True)
        assert (reply.status, reply.headers["location"]) == (302, f"/nl/fleet/{path}")


def test_the_book_leads_to_the_fleet(server: Serving, tmp_path: Path) -> None:
    """A port's page and the head of every page do where a store is named, and nowhere else."""
    links = Reading(server.ask("/en/3255").text).links
    assert {"/en/fleet", "/en/fleet/port/3255"} <= set(links)
    with serving(tmp_path, env={"PORTBOOK_FLEET_HOME": str(tmp_path)}) as plain:
        assert not [link for link in Reading(plain.ask("/en/3255").text).links if "fleet" in link]
        reply = plain.ask("/en/fleet", known=True)
        assert reply.status == 404
        assert "--fleet-store" in reply.text
        assert plain.ask("/fleet.json").document["error"]["code"] == "not_found"
        # Nothing of PostgreSQL is loaded by who has no fleet.
        assert "psycopg" not in Path(f"/proc/{plain.process.pid}/maps").read_text()
    assert "psycopg" in Path(f"/proc/{server.process.pid}/maps").read_text()


def test_a_fleet_is_shown_without_this_machine(store: Postgres, tmp_path: Path) -> None:
    """With --no-live there is a token for the fleet, and still nothing of this machine."""
    options = ("--no-live", "--no-claims", "--fleet-store", store.url)
    with serving(tmp_path, *options) as found:
        assert found.ask("/fleet", known=True).status == 200
        assert found.ask("/here", known=True).status == 404
