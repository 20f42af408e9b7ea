"""The graveyard of registrations."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from portbook.model import Assignment, UsageError, document
from portbook.registry.life import life_of_assignment
from portbook.registry.lookup import evidence_rows, lookup, reload
from portbook.registry.orphans import orphans
from portbook.registry.registrations import Registration
from portbook.registry.tables import write_assignments


@pytest.fixture(autouse=True)
def _shipped_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No registry of whoever runs the tests, and no answer kept from another test."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path))
    reload()
    yield
    reload()


def own_registry(folder: Path, *rows: Assignment) -> None:
    """Put a registry of `rows` where the user's own is found."""
    home = folder / "registry" / "current"
    home.mkdir(parents=True)
    write_assignments(str(home / "assignments.tsv"), rows, {"as_of": "2026-11-23"})


@pytest.mark.parametrize("name", ["Jay Eckles", "Jay_Eckles", "jay_eckles", " JAY  eckles "])
def test_the_tombstone_of_3255(name: str) -> None:
    """One stone for tcp and udp, found by its registrant however the name is written."""
    report = orphans(assignee=name)
    assert report.rows == (
        Registration(
            3255,
            3255,
            "semaphore",
            ("tcp", "udp"),
            "Semaphore Connection Port",
            "Jay_Eckles",
            "2002-02",
        ),
    )
    assert report.counts == {"alive": 0, "overtaken": 0, "orphan": 1, "young": 0}


def test_all_of_it() -> None:
    """The counts are of everything selected, the rows of the orphans alone, in order."""
    report = orphans()
    assert report.counts["orphan"] == len(report.rows) > 3000
    assert report.counts["alive"] > 300
    assert report.counts["overtaken"] > 300
    assert [each[:3] for each in report.rows] == sorted(each[:3] for each in report.rows)
    assert report.sources_checked >= 12
    assert report.as_of == lookup(3255).life.as_of


def test_all_of_them_are_the_orphans_and_the_others() -> None:
    """With `everything` the rows are as many as the counts, and those of each life with them."""
    whole, graves = orphans(everything=True), orphans()
    assert whole.counts == graves.counts == Counter(row.life for row in whole.rows)
    assert tuple(row for row in whole.rows if row.life == "orphan") == graves.rows
    assert orphans(assignee="IESG", everything=True).counts["alive"] > 20


def test_the_ranges_add_up() -> None:
    """Every registration lies in one of the three ranges."""
    parts = [orphans(range_name=name) for name in ("system", "user", "dynamic")]
    whole = orphans()
    for verdict, count in whole.counts.items():
        assert sum(part.counts[verdict] for part in parts) == count
    assert all(each.last_port <= 1023 for each in parts[0].rows)
    assert parts[2].rows == ()


def test_a_year_selects_what_was_registered_in_it() -> None:
    """Months and days of the year count as well."""
    report = orphans(year=2002)
    assert len(report.rows) > 50
    assert all((each.registered or "").startswith("2002") for each in report.rows)


def test_the_selections_narrow_each_other() -> None:
    """Range, assignee and year all have to fit."""
    assert orphans(assignee="Jay_Eckles", year=2002, range_name="user").rows
    assert not orphans(assignee="Jay_Eckles", year=2003).rows
    assert not orphans(assignee="Jay_Eckles", range_name="system").rows


def test_an_assignee_is_a_whole_id() -> None:
    """Part of a name selects nobody; of several ids each selects the row."""
    assert not any(orphans(assignee="Eckles").counts.values())
    assert not any(orphans(assignee="").counts.values())
    assert any(orphans(assignee="Van_Jacobson").counts.values())


def test_a_range_that_does_not_exist_is_refused() -> None:
    """The hint names those that do."""
    with pytest.raises(UsageError, match="'private'") as error:
        orphans(range_name="private")
    assert error.value.hint == "ranges: system, user, dynamic"


def test_an_older_spelling_has_no_stone_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`x_old` and `x-old` are one service, under the name that fits RFC 6335."""
    own_registry(
        tmp_path,
        Assignment("x_old", 6, 6, "tcp"),
        Assignment("x-old", 6, 6, "tcp", "Old", "A_B", registered="2003-02"),
        Assignment("x-old", 6, 6, "udp", "Old", "A_B", registered="2003-01"),
        Assignment("no-number", None, None, "tcp"),
        Assignment(None, 8, 8, "tcp", "Reserved"),
    )
    stone = Registration(6, 6, "x-old", ("tcp", "udp"), "Old", "A_B", "2003-01")
    assert orphans().rows == (stone,)


def test_the_report_agrees_with_the_life_of_each_assignment() -> None:
    """What the whole run says of a number is what looking it up says."""
    stones = {(each.port, each.service) for each in orphans(range_name="system").rows}
    for port in range(1024):
        entry = lookup(port)
        for each in entry.assignments:
            if each.service and each.service.replace("-", "").isalnum():
                verdict = life_of_assignment(
                    each, entry.assignments, evidence_rows(port), as_of=entry.life.as_of
                )
                assert ((port, each.service) in stones) == (verdict == "orphan"), (port, each)


def test_the_report_is_a_document() -> None:
    """The fields are JSON's."""
    json = document("orphans", orphans(assignee="Jay_Eckles"))
    assert json["schema"] == "portbook/orphans/1"
    assert json["counts"]["orphan"] == 1
    assert list(json["rows"][0]) == list(Registration._fields)
