"""Every registration with its life, and what they are selected by."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.model import Assignment, UsageError
from portbook.registry.life import life_of_assignment
from portbook.registry.lookup import evidence_rows, lookup, reload
from portbook.registry.registrations import (
    VERDICTS,
    Registration,
    assignees,
    count_lives,
    registered_on,
    registered_ports,
    registrations,
    select,
    sources_asked,
    years,
)
from portbook.registry.tables import write_assignments
from registry.raw_tables import named, named_ports, traced

YEARS = st.none() | st.integers(1990, 2027)
IDS = st.none() | st.sampled_from(("IESG", "jay eckles", "Microsoft", "nobody", "Jon Postel"))
PORTS = st.integers(0, 65535)


@cache
def services() -> dict[tuple[str, str], list[dict[str, str]]]:
    """The rows of each service on a number, old spellings with new ones, by the csv module."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in named():
        name = row["service"].lower().replace("_", "-").replace("/", "-")
        found.setdefault((row["port"], name), []).append(row)
    return found


def test_every_service_on_a_number_is_one_registration() -> None:
    """As many as the table has, in order, with the transports and the first date of the rows."""
    expected = services()
    found = registrations()
    assert len(found) == len(expected) > 6000
    assert [each[:3] for each in found] == sorted(each[:3] for each in found)
    for each in found:
        name = each.service.lower().replace("_", "-").replace("/", "-")
        rows = expected[str(each.port), name]
        assert set(each.transports) == {row["transport"] for row in rows} - {""}
        assert each.registered == min(
            (r["registered"] for r in rows if r["registered"]), default=None
        )
        assert each.last_port == int(rows[0]["last_port"])


def test_the_sources_are_those_that_name_a_number_of_it() -> None:
    """Counted with the csv module; a source counts once."""
    sources = traced()
    for each in registrations():
        ports = range(each.port, each.last_port + 1)
        assert each.sources == len(set().union(*(sources.get(port, ()) for port in ports)))


def test_the_life_is_the_best_of_its_rows() -> None:
    """As looking up the number and judging each of its assignments has it."""
    order = ("alive", "young", "overtaken", "orphan")
    seen: Counter[str] = Counter()
    for each in registrations():
        if each.last_port != each.port or "_" in each.service:
            continue
        entry = lookup(each.port)
        lives = {
            life_of_assignment(
                row, entry.assignments, evidence_rows(each.port), as_of=entry.life.as_of
            )
            for row in entry.assignments
            if row.service == each.service
        }
        assert each.life == min(lives, key=order.index) or "-" in each.service, each
        seen[each.life] += 1
    assert min(seen[life] for life in VERDICTS) >= 15


@settings(deadline=None)  # the first example reads the tables
@given(st.sampled_from((None, "system", "user", "dynamic")), PORTS, PORTS, IDS, YEARS)
def test_a_selection_is_what_fits_everything(
    range_name: str | None, first: int, last: int, assignee: str | None, year: int | None
) -> None:
    """Against asking every registration and every row of it."""
    lives = (None, *VERDICTS)
    life = lives[(first + last) % len(lives)]
    limits = {"system": (0, 1023), "user": (1024, 49151), "dynamic": (49152, 65535)}
    low, high = limits.get(range_name or "", (0, 65535))
    rows = services()
    expected = []
    for each in registrations():
        group = rows[str(each.port), each.service.lower().replace("_", "-").replace("/", "-")]
        ids = {row["assignee"].lower().replace("_", " ") for row in group}
        ids |= {one.lower().replace("_", " ") for row in group for one in row["assignee"].split()}
        if (
            max(low, first) <= each.port
            and each.last_port <= min(high, last)
            and (assignee is None or assignee.lower() in ids)
            and (year is None or any(row["registered"].startswith(str(year)) for row in group))
            and life in (None, each.life)
        ):
            expected.append(each)
    found = select(
        range_name=range_name, first=first, last=last, assignee=assignee, year=year, life=life
    )
    assert list(found) == expected


def test_a_thousand_numbers_are_selected_by_their_ends() -> None:
    """A range of numbers that only begins there is not within it."""
    found = select(first=3000, last=3999)
    assert all(3000 <= each.port <= each.last_port <= 3999 for each in found)
    assert len(found) > 900
    x11 = select(first=6000, last=6063)
    assert [each.service for each in x11] == ["x11"]
    assert "x11" not in {each.service for each in select(first=6000, last=6062)}


def test_an_unknown_range_is_refused() -> None:
    """The hint names those that there are."""
    with pytest.raises(UsageError, match="no range is called") as error:
        select(range_name="private")
    assert error.value.hint == "ranges: system, user, dynamic"


def test_a_number_has_the_registrations_that_cover_it() -> None:
    """Every number, ranges included; the numbers with one are those of the table."""
    assert set(registered_ports()) == named_ports()
    for port in range(65536):
        found = registered_on(port)
        assert bool(found) == (port in registered_ports())
        assert all(each.port <= port <= each.last_port for each in found)
    assert [each.service for each in registered_on(6042)] == ["x11"]
    assert sum(len(registered_on(port)) for port in range(65536)) == sum(
        each.last_port - each.port + 1 for each in registrations()
    )


def test_assignees_have_as_many_registrations_as_they_can_select() -> None:
    """Each id in one spelling, the busiest first, with the lives of what it has."""
    found = assignees()
    expected: Counter[str] = Counter()
    for group in services().values():
        expected.update({one.lower() for row in group for one in row["assignee"].split()})
    assert {each.id.lower(): each.total for each in found} == dict(expected)
    assert [each.total for each in found] == sorted((e.total for e in found), reverse=True)
    for each in found[::50]:
        some = select(assignee=each.id)
        assert each.counts == count_lives(some)
        assert each.total == len(some) == sum(each.counts.values())


def test_years_share_out_every_registration() -> None:
    """Each in the year of its first date, the undated ones under 0."""
    found = years()
    assert list(found) == sorted(found)
    assert sum(map(len, found.values())) == len(registrations())
    assert {each.registered for each in found[0]} == {None}
    assert all((each.registered or "").startswith("2002") for each in found[2002])


def test_tcp_speaks_for_a_service_of_several_transports() -> None:
    """HTTP on SCTP has an assignee and a description of its own."""
    (http,) = [each for each in registered_on(80) if each.service == "http"]
    assert http.assignee == "IESG"
    assert http.description == "World Wide Web HTTP"
    assert http.transports == ("tcp", "udp", "sctp")


def test_answers_are_kept_until_the_tables_are_read_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same object before, and after `lookup.reload()` what a newer registry says."""
    before = registrations()
    assert registrations() is before
    assert assignees() is assignees()
    home = tmp_path / "registry" / "current"
    home.mkdir(parents=True)
    rows = [Assignment("x", 6, 6, "tcp", "X", "A_B", registered="2026-01-02")]
    write_assignments(str(home / "assignments.tsv"), rows, {"as_of": "2026-11-23"})
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path))
    assert registrations() is before
    reload()
    assert registrations() == (
        Registration(6, 6, "x", ("tcp",), "X", "A_B", "2026-01-02", "young"),
    )
    assert [each.id for each in assignees()] == ["A_B"]
    assert sources_asked() == (lookup(6).life.sources_checked, lookup(6).life.as_of)
    monkeypatch.undo()
    reload()
    assert registrations() == before
