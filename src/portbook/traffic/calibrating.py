"""Estimate the sequential test's two rates from one's own capture.

Who is benign and who scans is told without the test's own decision, or the estimate would confirm
whatever it began with: scanners by marks and impossible flags, clients by a right conversation.
"""

from portbook.model.errors import UsageError
from portbook.model.record import Record
from portbook.traffic.evidence_words import number
from portbook.traffic.facts import Facts
from portbook.traffic.judging_seen import Seen
from portbook.traffic.judging_tools import given_away
from portbook.traffic.trw import DEFAULT, Rates, straight

ENOUGH = 20
"""Fewest contacts that a rate is estimated from: below, the estimate is off by 0.2 and more."""

MOST = 255
"""Most contacts that one source counts with: a scan of every port would be the whole estimate."""


class Contribution(Record):
    """What one source adds to an estimate: `side` is `benign` or `scanner`.

    With more than `MOST` contacts it adds `MOST`, in the same proportion.
    """

    side: str
    success: int
    total: int


class Calibrated(Record):
    """The rates, and how they came about, one sentence each."""

    rates: Rates
    sentences: tuple[str, ...]


def contribution(facts: Facts) -> Contribution | None:
    """What a source adds; None where nothing but the test could tell which side it is on.

    A scanner has a mark with a formula, a tool named by its bytes, or flags that no stack sends. A
    benign source had a right conversation and has no mark at all; that one success made it benign,
    so it is not counted: otherwise no benign source could ever fail at every contact.
    """
    seen = Seen(facts)
    total = facts.successes + facts.failures
    tools = given_away(seen)
    if any(not one.shape for one in tools) or (seen.impossible and not seen.talks):
        return _weighed("scanner", facts.successes, total)
    marked = any(count for name, count in seen.mark.items() if name not in ("raw", "stack"))
    if facts.right and facts.successes and not marked and not seen.impossible:
        return _weighed("benign", facts.successes - 1, total - 1)
    return None


def _weighed(side: str, success: int, total: int) -> Contribution:
    if total > MOST:
        success, total = round(success * MOST / total), MOST
    return Contribution(side, success, total)


def calibrate(
    benign_success: int, benign_total: int, scan_success: int, scan_total: int
) -> Calibrated:
    """theta0 and theta1 from sums of contributions, each (successes + 1) / (contacts + 2).

    Laplace's rule keeps both off 0 and 1. A side with fewer than `ENOUGH` contacts keeps its
    default, and both do where the estimates are the wrong way round.

    Raises:
        UsageError: a count is negative or there are more successes than contacts.
    """
    for success, total in ((benign_success, benign_total), (scan_success, scan_total)):
        if not 0 <= success <= total:
            raise UsageError(f"{success} successes of {number(total, 'contact')} cannot be")
    told = []
    theta0, why = _rate("theta0", "benign sources", benign_success, benign_total, DEFAULT.theta0)
    told.append(why)
    theta1, why = _rate("theta1", "scanners", scan_success, scan_total, DEFAULT.theta1)
    told.append(why)
    if theta1 >= theta0:
        told.append(
            f"the defaults stay (theta0 {DEFAULT.theta0:g}, theta1 {DEFAULT.theta1:g}): here"
            " scanners would succeed as often as benign sources"
        )
        return Calibrated(DEFAULT, tuple(told))
    rates = Rates(theta0, theta1)
    bad, good = straight(rates)
    told.append(
        f"with these rates the test decides after {number(bad, 'failure')} or"
        f" {number(good, 'success', 'successes')} in a row"
    )
    return Calibrated(rates, tuple(told))


def _rate(name: str, whose: str, success: int, total: int, default: float) -> tuple[float, str]:
    """One rate and the sentence that says what it rests on."""
    if total < ENOUGH:
        return default, (
            f"{name} stays {default:g}: {number(total, 'contact')} of {whose}, {ENOUGH} are needed"
        )
    rate = round((success + 1) / (total + 2), 4)
    # Rounding must not make it 0 or 1.
    rate = min(max(rate, 0.0001), 0.9999)
    return rate, f"{name} {rate:g}: {success:,} of {number(total, 'contact')} of {whose} succeeded"
