"""The sequential test: does a source behave like one that scans, by how its first contacts end?

Threshold random walk of J. Jung, V. Paxson, A. W. Berger and H. Balakrishnan, "Fast Portscan
Detection Using Sequential Hypothesis Testing", IEEE Symposium on Security and Privacy, 2004, in the
form for one host: one outcome for each first contact of (source, own address, own port, transport).
"""

from collections.abc import Sequence
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

from portbook.model.errors import UsageError
from portbook.model.record import Record

_SLACK = 1e-9
"""A ratio that equals its threshold must decide, though its logarithms are rounded."""


class Rates(Record):
    """What the test rests on, each a probability.

    `theta0` and `theta1` are those of a success, from a benign source and from a scanner; `alpha`
    is the highest rate of false alarms, `beta` the lowest of detection that are asked for.
    """

    theta0: float = 0.8
    theta1: float = 0.2
    alpha: float = 0.01
    beta: float = 0.99


DEFAULT = Rates()


class Walk(Record):
    """Where the walk stands: the natural logarithm of the likelihood ratio, scanner to benign.

    `decision` is 1 (scanner), -1 (benign) or 0 (undecided); `decided_after` the number of outcomes
    that it took, 0 where undecided. The walk stops when it has decided.
    """

    llr: float
    decision: int
    decided_after: int


def checked(rates: Rates) -> Rates:
    """The same rates.

    Raises:
        UsageError: unless 0 < theta1 < theta0 < 1 and 0 < alpha < beta < 1; otherwise a success
            would speak for a scanner, or both decisions hold from the beginning.
    """
    if not 0 < rates.theta1 < rates.theta0 < 1:
        raise UsageError(
            f"theta1 {rates.theta1:g} and theta0 {rates.theta0:g} are no rates of success",
            hint="theta1 (scanners) must be below theta0 (clients), both between 0 and 1",
        )
    if not 0 < rates.alpha < rates.beta < 1:
        raise UsageError(
            f"alpha {rates.alpha:g} and beta {rates.beta:g} are no error rates",
            hint="alpha (false alarms) must be below beta (detection), both between 0 and 1",
        )
    return rates


def _steps(rates: Rates) -> tuple[float, float, float, float]:
    """What a success and a failure add, and the lower and the upper threshold."""
    checked(rates)
    return (
        log(rates.theta1 / rates.theta0),
        log((1 - rates.theta1) / (1 - rates.theta0)),
        log((1 - rates.beta) / (1 - rates.alpha)) + _SLACK,
        log(rates.beta / rates.alpha) - _SLACK,
    )


def straight(rates: Rates = DEFAULT) -> tuple[int, int]:
    """How many failures in a row decide for a scanner, and how many successes for a benign source.

    Raises:
        UsageError: see `checked`.
    """
    success, failure, lower, upper = _steps(rates)
    return max(1, ceil(upper / failure)), max(1, ceil(lower / success))


def walk(outcomes: Sequence[bool], rates: Rates = DEFAULT) -> Walk:
    """The test over outcomes in the order of the contacts (True is a success).

    Raises:
        UsageError: see `checked`.
    """
    success, failure, lower, upper = _steps(rates)
    good = bad = 0
    llr = 0.0
    for outcome in outcomes:
        good, bad = good + bool(outcome), bad + (not outcome)
        # From the counts, not step by step: rounding cannot add up, and `walk_all` does the same.
        llr = good * success + bad * failure
        if llr >= upper:
            return Walk(llr, 1, good + bad)
        if llr <= lower:
            return Walk(llr, -1, good + bad)
    return Walk(llr, 0, 0)


def walk_all(
    source: NDArray[np.int64], success: NDArray[np.bool_], rates: Rates, sources: int
) -> tuple[NDArray[np.int8], NDArray[np.uint32]]:
    """`walk` for every source at once.

    Args:
        source: the row of each outcome's source, ascending, each in 0 to `sources` - 1; a source's
            outcomes stand in the order of its contacts.
        success: the outcomes, as many.
        rates: see `Rates`.
        sources: how many rows there are.

    Returns:
        Decision and number of outcomes that it took, of each source (0 for those without any).

    Raises:
        UsageError: see `checked`.
        ValueError: lengths differ, or `source` is not ascending or out of range.
    """
    good_step, bad_step, lower, upper = _steps(rates)
    decision = np.zeros(sources, np.int8)
    after = np.zeros(sources, np.uint32)
    if len(source) != len(success):
        raise ValueError("as many outcomes as sources are needed")
    if not len(source):
        return decision, after
    if source[0] < 0 or source[-1] >= sources or np.any(source[1:] < source[:-1]):
        raise ValueError("sources must be ascending rows")
    starts = np.flatnonzero(np.append(True, source[1:] != source[:-1]))
    lengths = np.diff(np.append(starts, len(source)))
    good = np.cumsum(success, dtype=np.int64)
    before = good[starts] - success[starts]
    good -= np.repeat(before, lengths)
    seen = np.arange(1, len(source) + 1) - np.repeat(starts, lengths)
    llr = good * good_step + (seen - good) * bad_step
    crossed = np.flatnonzero((llr >= upper) | (llr <= lower))
    # The last write of a row wins, so from the last crossing to the first.
    crossed = crossed[::-1]
    decision[source[crossed]] = np.where(llr[crossed] > 0, 1, -1)
    after[source[crossed]] = seen[crossed]
    return decision, after
