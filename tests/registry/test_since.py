"""What changed since 2015: the shipped table, how it is compiled, and how it is read."""

from collections import Counter
from pathlib import Path

import pytest
from tools.registry_changes import COLUMNS, ports_with_a_service, rows

from portbook.model import Assignment, TableFault
from portbook.registry.since import (
    CHANGE_COLUMNS,
    FactChange,
    RecordChange,
    _comparison,
    changes,
    changes_of,
    comparison,
    freed,
)
from portbook.registry.tables import Table, read_assignments, shipped, write_assignments
from registry.raw_tables import named, named_ports, raw, span

KEY = ("port", "last_port", "transport", "service")


def record(event: str, service: str, port: str, transport: str, **facts: str) -> dict[str, str]:
    """A line of the changes; facts not named are unchanged, or empty in a new record."""
    names = (
        *("description", "assignee", "contact", "registered"),
        *("modified", "reference", "unauthorized_use", "notes"),
    )
    key = {"event": event, "service": service, "port": port, "transport": transport}
    return {**key, **dict.fromkeys(names, "=" if event == "changed" else ""), **facts}


def published(port: str, transport: str, *, modified: str = "", notes: str = "") -> dict[str, str]:
    """A nameless row of IANA's own file."""
    return {
        "Service Name": "",
        "Port Number": port,
        "Transport Protocol": transport,
        "Modification Date": modified,
        "Assignment Notes": notes,
    }


OLD = {
    "ServiceName": "old",
    "PortNumber": "7",
    "TransportProtocol": "tcp",
    "Description": "The Old",
    "Assignee": "[A_B]",
    "RegistrationDate": "2003-01",
}


def test_every_fact_of_a_removed_record_is_kept() -> None:
    """Nothing else has them any more; the day is that of the nameless row in its place."""
    found = rows(
        [OLD],
        [record("removed", "old", "7", "tcp")],
        [published("7", "tcp", notes="De-assigned on 2021-02-03, it was old")],
    )
    top = ("7", "7", "tcp", "old", "removed", "2021-02-03")
    assert found == [
        (*top, "assignee", "A_B", ""),
        (*top, "description", "The Old", ""),
        (*top, "registered", "2003-01", ""),
    ]


def test_a_removed_record_ends_when_another_takes_its_number() -> None:
    """Also where the new one kept the first date of the old one."""
    found = rows(
        [OLD],
        [
            record("removed", "old", "7", "tcp"),
            record("added", "new", "7", "tcp", registered="2003-01", modified="2019-05-06"),
        ],
        [published("7", "tcp", modified="2022-01-01")],
    )
    assert {(row[3], row[4], row[5]) for row in found} == {
        ("old", "removed", "2019-05-06"),
        ("new", "added", "2019-05-06"),
    }
    assert [row[6:] for row in found if row[4] == "added"] == [("", "", "")]


def test_a_changed_record_tells_what_differs_and_when() -> None:
    """The date is that of the registry; where that did not change there is none."""
    dated = record("changed", "old", "7", "tcp", assignee="[IESG]", modified="2021-10-01")
    top = ("7", "7", "tcp", "old", "changed")
    assert rows([OLD], [dated], []) == [(*top, "2021-10-01", "assignee", "A_B", "IESG")]
    undated = record("changed", "old", "7", "tcp", description="-")
    assert rows([OLD], [undated], []) == [(*top, "", "description", "The Old", "")]
    nothing = record("changed", "old", "7", "tcp", modified="2021-10-01")
    assert rows([OLD], [nothing], []) == [(*top, "2021-10-01", "", "", "")]


def test_what_nothing_dates_has_no_date() -> None:
    """Dates before the first registry, and rows of other numbers and transports, date nothing."""
    found = rows(
        [OLD],
        [record("removed", "old", "7", "tcp"), record("added", "x", "8", "udp")],
        [
            published("7", "tcp", modified="2003-02-03"),
            published("7", "udp", modified="2020-02-03"),
            published("", "tcp", modified="2020-02-03"),
        ],
    )
    assert {row[5] for row in found} == {""}


def test_numbers_are_counted_once_whatever_stands_on_them() -> None:
    """Ranges count for each number, nameless rows and names without a number for none."""
    counted = [
        Assignment("a", 1, 3, "tcp"),
        Assignment("b", 3, 3, "udp"),
        Assignment(None, 9, 9, "tcp"),
        Assignment("c", None, None, "tcp"),
    ]
    assert ports_with_a_service(counted) == 3


def test_the_reader_and_the_compiler_have_the_same_columns() -> None:
    """The table on the disk is the one that is read, and it is whole."""
    assert CHANGE_COLUMNS == COLUMNS
    Table(shipped("changes.tsv"), CHANGE_COLUMNS).verify()


def test_the_changes_are_those_of_730_records() -> None:
    """Counted with the csv module; every record has one event."""
    table = raw("changes")
    events = {tuple(row[key] for key in KEY): row["event"] for row in table}
    assert len({(*(row[key] for key in KEY), row["event"]) for row in table}) == len(events)
    assert Counter(events.values()) == {"added": 353, "changed": 295, "removed": 82}
    assert Counter(change.event for change in changes()) == Counter(events.values())
    assert sum(row["fact"] != "" for row in table) == sum(len(each.facts) for each in changes())


def test_the_changes_lead_to_the_registry_of_today() -> None:
    """Added records are in it, removed ones are not, and a changed fact is what stands there."""
    today = {
        (row.port, row.last_port, row.transport, row.service): row
        for row in read_assignments(shipped("assignments.tsv"))
        if row.service
    }
    for change in changes():
        key = (change.port, change.last_port, change.transport, change.service)
        if change.event == "removed":
            assert key not in today
            assert all(fact.before and fact.after is None for fact in change.facts)
            continue
        for fact in change.facts:
            assert getattr(today[key], fact.fact) == fact.after, change
            assert fact.before != fact.after
        assert key in today


def test_dates_lie_within_what_was_compared() -> None:
    """From 2015-07 to the day of the registry that is shipped; nearly all events have one."""
    told = comparison()
    for change in changes():
        assert change.date is None or told.first <= change.date <= told.last, change
    undated = Counter(change.event for change in changes() if change.date is None)
    assert undated == {"changed": 70, "removed": 1}


def test_the_numbers_with_a_service_before_and_after() -> None:
    """Before: the names of today without the added ones and with the removed ones."""
    keys = {tuple(row[key] for key in KEY): row for row in named()}
    for row in raw("changes"):
        key = tuple(row[part] for part in KEY)
        if row["event"] == "added":
            keys.pop(key, None)
        elif row["event"] == "removed":
            keys[key] = row
    then = {port for row in keys.values() for port in span(row)}
    assert comparison() == ("2015-07", "2026-08-17", len(then), len(named_ports()))


def test_15_numbers_were_given_up() -> None:
    """Those of removed records on which nobody is registered now, on whatever transport."""
    gone = {
        port for row in raw("changes") if row["event"] == "removed" for port in span(row)
    } - named_ports()
    assert [each.port for each in freed()] == sorted(gone)
    assert len(gone) == 15
    assert all(each.date and each.life == "reserved" for each in freed())


def test_34_pairs_of_port_and_transport_were_given_up() -> None:
    """28 of them on those 15 numbers; six numbers keep a service on another transport."""
    taken = {(port, row["transport"]) for row in named() for port in span(row)}
    gone = {
        (port, row["transport"])
        for row in raw("changes")
        if row["event"] == "removed"
        for port in span(row)
        if not {(port, row["transport"]), (port, "")} & taken
    }
    assert len(gone) == 34
    ports = {each.port for each in freed()}
    assert sum(port in ports for port, _ in gone) == 28
    assert {port for port, _ in gone} - ports == {143, 993, 3071, 4341, 4342, 6789}


def test_a_number_that_was_given_up_tells_what_it_was() -> None:
    """Port 3980 carried an aircraft's cabin system until the end of 2020."""
    (acms,) = [each for each in freed() if each.port == 3980]
    assert acms == (
        3980,
        ("acms",),
        ("tcp", "udp"),
        "Aircraft Cabin Management System",
        "Dustin_Zack",
        "2006-06",
        "2020-12-29",
        "reserved",
    )


def test_a_number_that_is_registered_again_is_none_of_them(own_home: Path) -> None:
    """A newer registry of the user's own decides what is taken now."""
    home = own_home / "registry" / "current"
    home.mkdir(parents=True)
    again = Assignment("again", 3980, 3980, "udp")
    write_assignments(str(home / "assignments.tsv"), [again], {"as_of": "2026-11-23"})
    found = {each.port: each.life for each in freed()}
    assert 3980 not in found
    assert found[2] == "unassigned"


def test_a_port_tells_its_changes_the_latest_first() -> None:
    """A record that left and the one that came in its place name each other."""
    added, removed = sorted(changes_of(2371), key=lambda change: change.event)
    assert (added.service, added.event, added.others) == ("rda", "added", ("hp-rda",))
    assert (removed.service, removed.event, removed.others) == ("hp-rda", "removed", ("rda",))
    assert removed.date == added.date == "2018-11-05"
    assert FactChange("description", "HP Remote Device Access", None) in removed.facts
    (smtp, _) = changes_of(25)
    assert smtp == RecordChange(
        25,
        25,
        "tcp",
        "smtp",
        "changed",
        "2017-06-05",
        (
            FactChange("assignee", "Jon_Postel", "IESG"),
            FactChange("contact", "Jon_Postel", "IETF_Chair"),
            FactChange("reference", None, "RFC-ietf-emailcore-rfc5321bis-43"),
        ),
    )
    for port in range(65536):
        dates = [change.date or "" for change in changes_of(port)]
        assert dates == sorted(dates, reverse=True)
        assert all(change.port <= port <= change.last_port for change in changes_of(port))
    assert changes_of(3255) == ()


def test_every_change_is_found_by_each_of_its_numbers() -> None:
    """FLEXlm's ten numbers, too."""
    for change in changes():
        for port in range(change.port, change.last_port + 1):
            assert change in changes_of(port)
    assert {change.service for change in changes_of(27005)} == {"flex-lm"}


def test_a_table_that_does_not_say_what_it_compares_is_broken(tmp_path: Path) -> None:
    """One line that names the file, and what helps."""
    text = Path(shipped("changes.tsv")).read_bytes()
    path = tmp_path / "changes.tsv"
    path.write_bytes(text.replace(b"# ports then: ", b"# ports: "))
    with pytest.raises(TableFault, match="does not say what it compares") as error:
        _comparison(Table(str(path), CHANGE_COLUMNS))
    assert error.value.hint == "reinstall portbook"
