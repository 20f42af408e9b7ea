"""What is to become of a report: a pure judgement of it against what is stored of its host.

The rules, first that fits: a host that is not enrolled is refused, and so is a report that
contradicts itself; a machine that another one followed is a duplicate; a number that was there is
`again`; a change that does not follow on what is stored asks for everything.
"""

from portbook.fleet.table import EMPTY, key_of, summed
from portbook.fleet.wire import LONGEST_EVERY_MS, OLDEST_MS
from portbook.model.fleet import MOST_ROWS, Acknowledged, FleetReport
from portbook.model.record import Record

MOST_FORMER = 8
"""Instances of a host that are remembered after others followed them."""


class Stored(Record):
    """What the store knows of a host: see the table `host`; `hash` and `total` are its table's."""

    number: int
    id: str
    instance: str | None = None
    former: tuple[str, ...] = ()
    seq: int = 0
    hash: int = EMPTY
    total: int = 0


def refusal_of(
    stored: Stored | None, report: FleetReport, hashes: tuple[int, ...]
) -> Acknowledged | None:
    """What is answered to a report that is not to be written; None: write it.

    Args:
        stored: its host, None where no host has that id, or none that the asker may write.
        report: as it came.
        hashes: those of its rows, from `table.row_hashes`.
    """
    if stored is None:
        return receipt(report, "refused", f"{report.host} is not enrolled here for this login")
    why = contradiction(report, hashes)
    if why:
        return receipt(report, "refused", why)
    if report.instance in stored.former and report.instance != stored.instance:
        return receipt(report, "duplicate", f"{stored.instance} reports as {report.host} since")
    if report.instance != stored.instance:
        # Another boot or another machine. A change of it can follow on nothing that is here.
        return None if report.full else receipt(report, "full", "it is new here")
    if report.seq <= stored.seq:
        return receipt(report, "again", f"{stored.seq} was kept")
    if report.full:
        return None
    if report.seq != stored.seq + 1:
        return receipt(report, "full", f"{stored.seq + 1} should follow, not {report.seq}")
    if report.base != stored.hash:
        return receipt(report, "full", "it follows on another table")
    return None


def contradiction(report: FleetReport, hashes: tuple[int, ...]) -> str:
    """Why a report cannot be true of any table; "" where it can."""
    if not 0 <= report.age_ms <= OLDEST_MS:
        return f"a look that is {report.age_ms} ms old is none"
    if not 1 <= report.every_ms <= LONGEST_EVERY_MS:
        return f"a look every {report.every_ms} ms is none"
    if not 0 <= report.total <= MOST_ROWS:
        return f"{report.total} listeners are no number for a host"
    keys = {*map(key_of, report.rows), *report.gone}
    if len(keys) != len(report.rows) + len(report.gone):
        return "a listener comes twice in it"
    if report.full:
        if report.gone or report.base:
            return "everything cannot be a change"
        if report.total != len(report.rows) or report.after != summed(hashes):
            return "its number of rows or their hash is not what it says"
    return ""


def followed(stored: Stored, report: FleetReport) -> Stored:
    """What is stored of the host after a report was written."""
    former = stored.former
    if stored.instance not in (None, report.instance):
        # One that comes back is no longer a former one; the newest stand last.
        former = (*former, str(stored.instance))[-MOST_FORMER:]
    return stored._replace(
        instance=report.instance,
        former=former,
        seq=report.seq,
        hash=report.after,
        total=report.total,
    )


def receipt(report: FleetReport, result: str, why: str = "") -> Acknowledged:
    """What is answered to a report."""
    return Acknowledged(report.host, report.seq, result, why)
