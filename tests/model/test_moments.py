import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model.moments import LONGEST, duration, moment, spoken

NOW = 1_795_424_400.0  # 2026-11-23T09:00:00Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("2h", 7200),
        ("2d", 172800),
        ("1w", 604800),
        ("1h30m", 5400),
        ("0.5s", 0.5),
        ("10", 10),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    """Numbers with their units, also several, and plain seconds."""
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "2 d", "-1d", "1y", "1d2", "٣s", "1e3s", "9999999w"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Never guessed."""
    with pytest.raises(ValueError, match=r"duration|hundred"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2d", NOW - 172800),
        ("2026-11-23", NOW - 9 * 3600),
        ("2026-11-23T09:00", NOW),
        ("2026-11-23T10:00+01:00", NOW),
        ("2026-11-23T09:00:00Z", NOW),
        ("99w", NOW - 99 * 604800),
    ],
)
def test_moments_are_so_long_ago_or_a_date(text: str, seconds: float) -> None:
    """A date without a zone is UTC."""
    assert moment(text, NOW) == seconds


@pytest.mark.parametrize("text", ["", "yesterday", "10", "0001-01-01", "9999-12-31T23:59-23:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """A number without unit, a word, a year that cannot be printed."""
    with pytest.raises(ValueError, match=r"moment|years|duration"):
        moment(text, NOW)


_ALPHABET = st.sampled_from("0123456789.smhdwTZ:+- ")


@given(st.one_of(st.text(max_size=40), st.text(_ALPHABET, max_size=40)))
def test_any_text_is_a_value_within_bounds_or_a_value_error(text: str) -> None:
    """Nothing else is raised, and nothing out of the range of a calendar comes out."""
    for read, most in ((duration, LONGEST), (lambda said: moment(said, NOW), 253402300799)):
        try:
            seconds = read(text)
        except ValueError:
            continue
        assert 0 <= seconds <= most


@given(st.floats(0, LONGEST))
def test_what_is_spoken_is_read_back_nearly_the_same(seconds: float) -> None:
    """Two units keep the size of a duration."""
    again = duration(spoken(seconds).replace(" ", "") or "0s")
    assert abs(again - seconds) <= max(0.5, seconds / 6)
