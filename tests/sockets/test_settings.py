from hypothesis import given
from hypothesis import strategies as st

from portbook.sockets.settings import PortSettings, parse_ranges


@given(st.text(max_size=60))
def test_arbitrary_text_is_ranges_or_nothing(text: str) -> None:
    """What is no number is left out, and nothing is raised."""
    for first, last in parse_ranges(text):
        assert first >= 0
        assert last >= 0


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535)), max_size=8))
def test_ranges_are_read_as_the_kernel_prints_them(ranges: list[tuple[int, int]]) -> None:
    """`8080,9148-9150`: a single port is a range of one."""
    ordered = [(min(pair), max(pair)) for pair in ranges]
    text = ",".join(f"{a}-{b}" if a != b else f"{a}" for a, b in ordered)
    assert parse_ranges(text) == ordered


def test_numbers_that_are_no_ascii_digits_are_left_out() -> None:
    """A superscript is a digit to Python and no number to int()."""
    assert parse_ranges("²,80-³,443") == [(443, 443)]


def test_the_ends_of_every_range_belong_to_it() -> None:
    """Ranges are inclusive; the first unprivileged port needs no privilege."""
    settings = PortSettings((32768, 60999), ((8080, 8080), (9148, 9150)), 1024)
    assert [settings.is_ephemeral(p) for p in (32767, 32768, 60999, 61000)] == [
        *(False, True, True, False)
    ]
    assert [p for p in range(8079, 9152) if settings.is_reserved(p)] == [8080, 9148, 9149, 9150]
    assert [settings.is_privileged(p) for p in (0, 1023, 1024)] == [True, True, False]
