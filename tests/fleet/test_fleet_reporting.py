import pytest

from fleet.fleet_drawn import change_of, full_report, row_on
from portbook.fleet.reporting import MOST_FORMER, Stored, contradiction, followed, refusal_of
from portbook.fleet.table import row_hashes, table_hash
from portbook.model.fleet import FleetReport

ROWS = (row_on(80), row_on(443))
LATER = (row_on(80), row_on(8080))
FULL = full_report("web-1", ROWS, 5)
STORED = followed(Stored(1, "web-1"), FULL)
DELTA = change_of(ROWS, LATER, FULL)


def judged(stored: Stored | None, report: FleetReport) -> tuple[str, str]:
    """The result and its reason; `write` where the report is to be written."""
    found = refusal_of(stored, report, row_hashes(report.rows))
    if found is None:
        return "write", ""
    assert (found.host, found.seq) == (report.host, report.seq)
    return found.result, found.why


def test_what_follows_is_written() -> None:
    """A first full report, a change after it, another full one, and nothing new."""
    assert judged(Stored(1, "web-1"), FULL)[0] == "write"
    assert judged(STORED, DELTA)[0] == "write"
    assert judged(STORED, FULL._replace(seq=900))[0] == "write"
    same = FULL._replace(seq=6, full=False, base=FULL.after, rows=())
    assert judged(STORED, same)[0] == "write"


def test_unknown_host_is_refused() -> None:
    """The reason says that it is not enrolled."""
    result, why = judged(None, FULL)
    assert result == "refused" and "not enrolled" in why


def test_replayed_is_again() -> None:
    """A number that was there, whatever is in it."""
    assert judged(STORED, FULL)[0] == "again"
    assert judged(STORED, FULL._replace(seq=4))[0] == "again"
    assert judged(followed(STORED, DELTA), DELTA)[0] == "again"
    assert judged(followed(STORED, DELTA), FULL)[0] == "again"


def test_gap_asks_for_everything() -> None:
    """A change with a number too many."""
    assert judged(STORED, DELTA._replace(seq=7))[0] == "full"


def test_other_base_asks_for_everything() -> None:
    """A change of another table, or of a host that never reported."""
    assert judged(STORED, DELTA._replace(base=1))[0] == "full"
    assert judged(Stored(1, "web-1"), DELTA._replace(seq=1))[0] == "full"


def test_another_boot_takes_over_with_everything() -> None:
    """Its number may be any; a change of it follows on nothing."""
    reboot = FULL._replace(instance="next:1", seq=1)
    assert judged(STORED, reboot)[0] == "write"
    assert judged(STORED, DELTA._replace(instance="next:1"))[0] == "full"
    after = followed(STORED, reboot)
    assert after.instance == "next:1" and after.former == ("boot-web-1:1",) and after.seq == 1


def test_who_was_followed_is_a_duplicate() -> None:
    """The machine before, if it is still there; also with a full report."""
    after = followed(STORED, FULL._replace(instance="next:1"))
    for report in (FULL._replace(seq=99), DELTA):
        result, why = judged(after, report)
        assert result == "duplicate" and "next:1" in why


def test_only_some_former_ones_are_remembered() -> None:
    """The newest ones, as a list would grow with every boot."""
    stored = STORED
    for boot in range(20):
        stored = followed(stored, FULL._replace(instance=f"boot{boot}:1"))
    assert stored.former == tuple(f"boot{boot}:1" for boot in range(19 - MOST_FORMER, 19))


@pytest.mark.parametrize(
    "fields",
    [
        {"age_ms": -1},
        {"age_ms": 10**18},
        {"every_ms": 0},
        {"every_ms": 10**18},
        {"total": -1},
        {"total": 10**9},
        {"total": 1},
        {"after": 1},
        {"base": 1},
        {"rows": (*ROWS, row_on(80, "other")), "total": 3},
        {"gone": (row_on(99).key,)},
    ],
)
def test_contradictions_are_refused(fields: dict[str, object]) -> None:
    """A full report that is no table, an age that is none."""
    report = FULL._replace(seq=9, **fields)  # type: ignore[arg-type] # fields of the report
    result, why = judged(STORED, report)
    assert result == "refused" and why


def test_one_key_twice_in_a_change() -> None:
    """A listener cannot have come and gone in one look."""
    both = DELTA._replace(rows=(row_on(443, "other"),), gone=(row_on(443).key,))
    assert "twice" in contradiction(both, row_hashes(both.rows))
    assert contradiction(DELTA, row_hashes(DELTA.rows)) == ""
    assert DELTA.after == table_hash(LATER)
