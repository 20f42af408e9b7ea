"""The sequential test: its numbers in the paper's form, and many sources at once."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model.errors import UsageError
from portbook.traffic.trw import DEFAULT, Rates, Walk, checked, straight, walk, walk_all


def rates() -> st.SearchStrategy[Rates]:
    """Rates in hundredths, so that products and thresholds meet exactly."""
    hundredths = st.lists(st.integers(1, 99), min_size=2, max_size=2, unique=True).map(sorted)
    return st.builds(
        lambda theta, error: Rates(theta[1] / 100, theta[0] / 100, error[0] / 100, error[1] / 100),
        hundredths,
        hundredths,
    )


def exact(outcomes: list[bool], given_rates: Rates) -> tuple[int, int]:
    """Decision and number of outcomes by fractions, as the paper writes it."""
    theta0, theta1, alpha, beta = (Fraction(round(rate * 100), 100) for rate in given_rates)
    ratio = Fraction(1)
    for position, outcome in enumerate(outcomes, 1):
        ratio *= theta1 / theta0 if outcome else (1 - theta1) / (1 - theta0)
        if ratio >= beta / alpha:
            return 1, position
        if ratio <= (1 - beta) / (1 - alpha):
            return -1, position
    return 0, 0


def test_four_failures_in_a_row_are_a_scanner() -> None:
    """4^3 is below 99, 4^4 is not."""
    assert walk([False] * 3).decision == 0
    assert walk([False] * 3).decided_after == 0
    decided = walk([False] * 9)
    assert (decided.decision, decided.decided_after) == (1, 4)
    assert decided.llr == pytest.approx(5.545, abs=0.001)


def test_four_successes_in_a_row_are_benign() -> None:
    """As many as failures, for the defaults are symmetric."""
    assert walk([True] * 3).decision == 0
    assert walk([True] * 9)[1:] == (-1, 4)


def test_a_success_takes_back_a_failure() -> None:
    """The walk goes up and down, and stops where it first crosses."""
    back = walk([False, True] * 50)
    assert back.llr == pytest.approx(0, abs=1e-9)
    assert back[1:] == (0, 0)
    assert walk([True, *[False] * 5])[1:] == (1, 6)
    assert walk([*[False] * 4, *[True] * 50])[1:] == (1, 4)


def test_no_outcome_decides_nothing() -> None:
    """A source whose contacts say nothing either way."""
    assert walk([]) == Walk(0.0, 0, 0)


def test_straight_runs_are_what_the_walk_takes() -> None:
    """For the defaults, and for rates that make one failure enough."""
    assert straight() == (4, 4)
    bold = Rates(0.99, 0.01, 0.05, 0.95)
    assert straight(bold) == (1, 1)
    assert walk([False], bold).decided_after == 1
    # Here the ratio is the threshold itself, which decides.
    assert straight(Rates(0.99, 0.01, 0.01, 0.99)) == (1, 1)
    assert walk([False], Rates(0.99, 0.01, 0.01, 0.99)).decision == 1
    assert walk([True], Rates(0.99, 0.01, 0.01, 0.99)).decision == -1


@given(rates())
def test_a_straight_run_decides_and_one_less_does_not(given_rates: Rates) -> None:
    """`straight` tells the shortest runs."""
    bad, good = straight(given_rates)
    assert walk([False] * bad, given_rates)[1:] == (1, bad)
    assert walk([True] * good, given_rates)[1:] == (-1, good)
    assert walk([False] * (bad - 1), given_rates).decision == 0
    assert walk([True] * (good - 1), given_rates).decision == 0


@given(st.lists(st.booleans(), max_size=60), rates())
def test_the_walk_is_the_products_of_the_paper(outcomes: list[bool], given_rates: Rates) -> None:
    """Logarithms decide as exact fractions do, also where a ratio equals its threshold."""
    assert walk(outcomes, given_rates)[1:] == exact(outcomes, given_rates)


@given(st.lists(st.lists(st.booleans(), max_size=20), max_size=12), rates(), st.integers(0, 3))
def test_many_sources_at_once_are_walked_as_one_by_one(
    sources: list[list[bool]], given_rates: Rates, further: int
) -> None:
    """Also sources without an outcome, at the end, the beginning and between."""
    row = np.repeat(np.arange(len(sources)), [len(one) for one in sources]).astype(np.int64)
    outcome = np.array([one for source in sources for one in source], np.bool_)
    total = len(sources) + further
    decision, after = walk_all(row, outcome, given_rates, total)
    assert decision.dtype == np.int8
    assert after.dtype == np.uint32
    expected = [walk(one, given_rates)[1:] for one in sources] + [(0, 0)] * further
    assert list(zip(decision.tolist(), after.tolist(), strict=True)) == expected


def test_error_rates_are_kept_by_many_random_sources() -> None:
    """False alarms stay near alpha, detection near beta: Wald's bounds for both together."""
    chance = np.random.default_rng(7)
    sources, each = 20_000, 60
    row = np.repeat(np.arange(sources), each)
    for theta, wrong, limit in ((0.8, 1, 0.01), (0.2, -1, 0.01)):
        outcome = chance.random(sources * each) < theta
        decision, after = walk_all(row, outcome, DEFAULT, sources)
        assert (decision == wrong).mean() <= 1.2 * limit
        assert (decision != 0).mean() > 0.999
        # Five and a half contacts on average, whichever it is.
        assert 5 < after.mean() < 7


@pytest.mark.parametrize(
    "bad",
    [
        Rates(0.2, 0.8),
        Rates(0.5, 0.5),
        Rates(1.0, 0.2),
        Rates(0.8, 0.0),
        Rates(float("nan"), 0.2),
        Rates(0.8, float("nan")),
        Rates(0.8, 0.2, 0.0, 0.99),
        Rates(0.8, 0.2, 0.01, 1.0),
        Rates(0.8, 0.2, 0.5, 0.5),
        Rates(0.8, 0.2, 0.99, 0.01),
        Rates(0.8, 0.2, float("inf"), 0.99),
    ],
)
def test_rates_that_make_no_test_are_refused(bad: Rates) -> None:
    """As usage errors, with a hint, by every function."""
    for refused in (
        lambda: checked(bad),
        lambda: straight(bad),
        lambda: walk([], bad),
        lambda: walk_all(np.array([], np.int64), np.array([], np.bool_), bad, 0),
    ):
        with pytest.raises(UsageError) as raised:
            refused()
        assert raised.value.hint


@pytest.mark.parametrize(("source", "success"), [([1, 0], 2), ([0], 2), ([-1, 0], 2), ([0, 5], 2)])
def test_rows_out_of_order_are_a_fault_of_the_caller(source: list[int], success: int) -> None:
    """Rather than a wrong decision."""
    with pytest.raises(ValueError, match=r"ascending|as many"):
        walk_all(np.array(source), np.ones(success, np.bool_), DEFAULT, 5)
