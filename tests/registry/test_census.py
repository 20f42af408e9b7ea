"""The census against the tables, counted again with the csv module."""

from collections import Counter

import pytest

from portbook.model import LAST_PORT, document
from portbook.registry.census import Census, census
from portbook.registry.lookup import lookup
from portbook.registry.orphans import orphans
from portbook.registry.registrations import VERDICTS, registrations
from registry.raw_tables import named, named_ports, raw, traced


@pytest.fixture(scope="module")
def found() -> Census:
    """The census of the shipped tables."""
    return census()


def services() -> set[tuple[str, str]]:
    """Each service on a number, by the csv module."""
    return {
        (row["port"], row["service"].lower().replace("_", "-").replace("/", "-")) for row in named()
    }


def test_the_counts_are_those_of_the_orphans(found: Census) -> None:
    """One total, shared out by life."""
    assert found.total == len(services()) == sum(found.counts.values())
    assert found.counts == orphans().counts
    assert (found.sources_checked, found.as_of) == (
        lookup(1).life.sources_checked,
        lookup(1).life.as_of,
    )


@pytest.mark.parametrize("part", ["by_range", "by_year", "by_sources"])
def test_every_part_shares_out_all_services(found: Census, part: str) -> None:
    """Each service is in one row of each part, under its life."""
    shares = getattr(found, part)
    assert sum(each.total for each in shares) == found.total
    for life in VERDICTS:
        assert sum(each.counts[life] for each in shares) == found.counts[life]
    assert all(sum(each.counts.values()) == each.total for each in shares)


def test_the_ranges_are_those_of_rfc_6335(found: Census) -> None:
    """Nothing is registered in the dynamic range."""
    system, user, dynamic = found.by_range
    assert (system.name, user.name, dynamic.name) == ("system", "user", "dynamic")
    assert system.total == sum(int(port) < 1024 for port, _ in services())
    assert dynamic.total == 0


def test_the_years_are_those_of_the_first_dates(found: Census) -> None:
    """Undated ones have no year and come first."""
    first: dict[tuple[str, str], str] = {}
    for row in named():
        key = (row["port"], row["service"].lower().replace("_", "-").replace("/", "-"))
        dates = [date for date in (first.get(key, ""), row["registered"][:4]) if date]
        first[key] = min(dates, default="")
    expected = Counter(first.values())
    assert {str(each.year or ""): each.total for each in found.by_year} == dict(expected)
    assert found.by_year[0].year is None


def test_the_sources_are_counted_in_five_bins(found: Census) -> None:
    """What no source names is an orphan or young; what any names may be everything."""
    assert [each.name for each in found.by_sources] == ["0", "1", "2", "3-5", "6+"]
    none = found.by_sources[0]
    assert none.counts["alive"] == none.counts["overtaken"] == 0
    counts = [each.sources for each in registrations()]
    assert none.total == counts.count(0)
    assert found.by_sources[4].total == sum(count >= 6 for count in counts)
    assert found.by_sources[3].total == sum(3 <= count <= 5 for count in counts)


def test_every_number_has_one_life(found: Census) -> None:
    """As looking up each of the 65,536 has it."""
    assert found.ports == Counter(lookup(port).life.verdict for port in range(LAST_PORT + 1))


def test_the_longest_runs_are_bounded_by_registrations(found: Census) -> None:
    """Ten, longest first, without a service inside, and no longer one is left out."""
    taken = named_ports()
    runs, start = [], 0
    for port in [*sorted(port for port in taken if port < 49152), 49152]:
        if port > start:
            runs.append(port - start)
        start = port + 1
    assert [run.length for run in found.unassigned] == sorted(runs, reverse=True)[:10]
    for run in found.unassigned:
        assert run.length == run.last - run.first + 1
        assert not taken & set(range(run.first, run.last + 1))
        assert {run.first - 1, run.last + 1} <= taken | {-1, 49152}
        lives = [lookup(port).life.verdict for port in range(run.first, run.last + 1)]
        assert run.reserved == lives.count("reserved")


def test_the_numbers_that_nobody_registered(found: Census) -> None:
    """Most sources first, counted with the csv module; each names who uses it."""
    sources = {port: len(some) for port, some in traced().items()}
    expected = sorted((-sources[port], port) for port in sources.keys() - named_ports())
    assert found.unregistered_total == len(expected)
    assert [(-each.sources, each.port) for each in found.unregistered] == expected[:20]
    assert all(each.products for each in found.unregistered)
    assert "jellyfin" in next(e for e in found.unregistered if e.port == 8096).products


def test_the_changes_of_the_years_add_up(found: Census) -> None:
    """730 records, each once; the undated ones stand last."""
    events = {
        (row["port"], row["transport"], row["service"]): (row["event"], row["date"][:4])
        for row in raw("changes")
    }
    expected = Counter(events.values())
    for each in found.changes:
        year = str(each.year or "")
        assert (each.added, each.removed, each.changed) == tuple(
            expected[event, year] for event in ("added", "removed", "changed")
        )
    assert sum(sum(each[1:]) for each in found.changes) == len(events) == 730
    assert found.changes[-1].year is None
    years = [each.year or 9999 for each in found.changes]
    assert years == sorted(years)


def test_the_numbers_of_before_and_after_fit_what_was_freed(found: Census) -> None:
    """15 given up; what came newly makes up the difference."""
    assert len(found.freed) == 15
    assert found.since.ports_now == len(named_ports())
    came = {int(row["port"]) for row in raw("changes") if row["event"] == "added"} - {
        int(row["port"]) for row in raw("changes") if row["event"] != "added"
    }
    assert found.since.ports_now - found.since.ports_then + 15 <= len(came)


def test_the_assignees_are_the_busiest(found: Census) -> None:
    """Twenty of them, of more than four thousand."""
    assert len(found.assignees) == 20
    assert found.assignees_total > 4000
    assert found.assignees[0].id == "IESG"
    totals = [each.total for each in found.assignees]
    assert totals == sorted(totals, reverse=True)


def test_the_census_is_a_document(found: Census) -> None:
    """It is kept, and its fields are JSON's."""
    assert census() is census()
    json = document("census", found)
    assert json["schema"] == "portbook/census/1"
    assert list(json)[1:] == list(Census._fields)
    assert json["freed"][0]["port"] == 2
