"""The sentence for a port, and how times and numbers are said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model.traffic import TOOLS, VERDICTS
from portbook.traffic.evidence_words import every, heard, number, spell
from portbook.traffic.facts import KINDS
from portbook.traffic.sentences import port_sentence


def test_a_port_without_a_service_that_was_scanned() -> None:
    """Service, sources, time, verdicts, tools."""
    sentence = port_sentence(
        3255,
        "tcp",
        False,
        (),
        (("scan", 13), ("unknown", 1)),
        (("zmap", 9), ("masscan", 3), ("mirai", 1)),
        3600.0,
        14,
    )
    assert sentence == (
        "3255: no service here; 14 sources in an hour, 13 scans (9 ZMap-like, 3 masscan, 1 Mirai),"
        " 1 unknown"
    )


@pytest.mark.parametrize(
    ("listening", "speaks", "start"),
    [
        (True, ("ssh",), "22: ssh; "),
        (True, ("tls", "http"), "22: tls or http; "),
        (True, (), "22: a service answers, of unknown protocol; "),
        (None, (), "22: no answer seen; "),
        (None, ("ssh",), "22: ssh; "),
        (False, (), "22: no service here; "),
    ],
)
def test_what_is_at_the_port(
    listening: bool | None,  # noqa: FBT001 - a fact
    speaks: tuple[str, ...],
    start: str,
) -> None:
    """The protocol where it is known, or what is known instead."""
    sentence = port_sentence(22, "tcp", listening, speaks, (("client", 1),), (), 40.0, 1)
    assert sentence == f"{start}1 source in 40 seconds, 1 client"


def test_a_transport_that_is_not_tcp_is_said() -> None:
    """And plurals of every verdict."""
    verdicts = tuple((verdict, 2) for verdict in VERDICTS)
    assert port_sentence(53, "udp", True, ("dns",), verdicts, (), 0.0, 12) == (
        "53/udp: dns; 12 sources at one moment, 2 clients, 2 health-checks, 2 probes, 2 scans,"
        " 2 backscatter, 2 unknown"
    )


def test_tools_without_as_many_scans_stand_apart() -> None:
    """A caller that does not know which of the sources scan may give those of all."""
    sentence = port_sentence(80, "tcp", None, (), (("probe", 1),), (("nmap", 1),), 0.5, 1)
    assert sentence == (
        "80: no answer seen; 1 source in less than a second, 1 probe, tools: 1 nmap-like"
    )


def test_more_tools_than_scans_are_not_said_to_be_of_the_scans() -> None:
    """One of them is a probe's."""
    sentence = port_sentence(
        80, "tcp", True, ("http",), (("scan", 1), ("probe", 1)), (("zmap", 1), ("nmap", 1)), 7e3, 2
    )
    assert sentence == (
        "80: http; 2 sources in 2 hours, 1 scan, 1 probe, tools: 1 ZMap-like, 1 nmap-like"
    )


def test_a_port_that_nobody_came_to() -> None:
    """No verdicts, no time."""
    assert port_sentence(80, "tcp", True, ("http",), (), (), 0.0, 0) == "80: http; nobody came"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "40 milliseconds"),
        (0.001, "1 millisecond"),
        (0.9996, "a second"),
        (1, "a second"),
        (40, "40 seconds"),
        (59.9, "a minute"),
        (75, "75 seconds"),
        (1.5, "1.5 seconds"),
        (2.5, "2.5 seconds"),
        (90, "90 seconds"),
        (119, "2 minutes"),
        (120, "2 minutes"),
        (150, "150 seconds"),
        (3550, "an hour"),
        (3600, "an hour"),
        (4500, "75 minutes"),
        (5400, "90 minutes"),
        (7300, "2 hours"),
        (129600, "36 hours"),
        (86400, "a day"),
        (100000, "28 hours"),
        (3 * 86400, "3 days"),
        (4e8, "4,630 days"),
    ],
)
def test_times_in_plain_words(seconds: float, words: str) -> None:
    """As one says them, to a few per cent."""
    assert spell(seconds) == words


UNITS = {"millisecond": 0.001, "second": 1, "minute": 60, "hour": 3600, "day": 86400}


@given(st.floats(0.05, 1e9))
def test_a_time_in_words_is_right_to_a_few_per_cent(seconds: float) -> None:
    """Read back as a number and a unit."""
    number_of, unit = spell(seconds).split(" ")
    times = 1.0 if number_of in ("a", "an") else float(number_of.replace(",", ""))
    assert abs(times * UNITS[unit.removesuffix("s")] - seconds) <= 0.05 * seconds


def test_intervals_and_numbers_agree_with_their_nouns() -> None:
    """`every minute`, not `every a minute`."""
    assert every(60) == "every minute"
    assert every(2) == "every 2 seconds"
    assert every(3600) == "every hour"
    assert number(1, "packet") == "1 packet"
    assert number(1000, "address", "addresses") == "1,000 addresses"
    assert heard("refused", 1) == "1 refused connection"
    assert heard("refused", 2) == "2 refused connections"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_words(kind: str) -> None:
    """A new kind needs them, singular and plural."""
    assert "{" not in heard(kind, 1)
    assert heard(kind, 1)[1:] != heard(kind, 2)[1:]


@given(
    st.integers(0, 65535),
    st.sampled_from(("tcp", "udp", "sctp")),
    st.sampled_from((True, False, None)),
    st.lists(
        st.tuples(st.sampled_from(VERDICTS), st.integers(0, 10**6)), unique_by=lambda one: one[0]
    ),
    st.lists(
        st.tuples(st.sampled_from(TOOLS), st.integers(0, 10**6)), unique_by=lambda one: one[0]
    ),
    st.floats(0, 1e10),
    st.integers(0, 10**7),
)
def test_any_counts_make_one_line(
    port: int,
    transport: str,
    listening: bool | None,  # noqa: FBT001 - a fact
    verdicts: list[tuple[str, int]],
    tools: list[tuple[str, int]],
    seconds: float,
    sources: int,
) -> None:
    """Without empty brackets, and every tool is told once."""
    sentence = port_sentence(port, transport, listening, (), verdicts, tools, seconds, sources)
    assert sentence.startswith(str(port))
    assert "\n" not in sentence
    assert "()" not in sentence
    assert not sentence.endswith((",", ";", ": "))
    if sources:
        assert sentence.count("masscan") == sum(n > 0 and tool == "masscan" for tool, n in tools)


@pytest.mark.parametrize(
    ("sources", "seconds", "flood"),
    [(2_000_000, 15, True), (10_000, 100, True), (9_999, 1, False), (20_000, 3600, False)],
)
def test_a_flood_of_forged_addresses_is_called_one(
    sources: int,
    seconds: float,
    flood: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Many sources at once that only look round; a slow crowd is none."""
    told = port_sentence(80, "tcp", True, ["http"], [("probe", sources)], [], seconds, sources)
    assert told.endswith("; probably a flood with forged addresses") is flood
