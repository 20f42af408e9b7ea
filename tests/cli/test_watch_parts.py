"""What `portbook watch` is put together from: changes, lines, and what a port's replies speak."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.cli.render import Style
from portbook.cli.watch_ports import port_lines, ranges, watched_text
from portbook.cli.watch_text import event_line, ports_text, verdict_text
from portbook.identify.probes import all_probes
from portbook.model.traffic import PortSeen, SourceSeen
from portbook.survey.watching_live import Verdicts
from portbook.survey.watching_speaks import heard, judge_reply
from portbook.traffic.openers import NAMES, recognise


def source(verdict: str, tool: str | None = None, address: str = "192.0.2.1") -> SourceSeen:
    """A source with this verdict."""
    at = "2026-11-23T09:00:00Z"
    told = SourceSeen(
        *(address, verdict, None, tool, "likely", 1, (3255,), 1, at, at),
        *(("because\x1b[2J of this",), (), (), None, 2, 0),
    )
    return told._replace(scan_type="syn" if verdict == "scan" else None)


def test_a_change_is_told_when_two_looks_agree() -> None:
    """A verdict of one moment is not told; one that holds is told once."""
    verdicts = Verdicts()
    assert verdicts.changes([source("unknown")]) == []
    assert verdicts.changes([source("client")]) == []
    assert [each.before for each in verdicts.changes([source("client")])] == [None]
    assert verdicts.changes([source("client")]) == []
    assert verdicts.changes([source("scan")]) == []
    assert [each.before for each in verdicts.changes([source("scan")])] == ["client"]
    assert verdicts.changes([source("scan", "nmap")]) == []
    assert len(verdicts.changes([source("scan", "nmap")])) == 1


def test_a_source_that_was_forgotten_is_new_again() -> None:
    """Nothing is kept of sources that are not there any more."""
    verdicts = Verdicts()
    for rows in ([source("client")], [source("client")], []):
        verdicts.changes(rows)
    assert verdicts.changes([source("client")]) == []
    assert [each.before for each in verdicts.changes([source("client")])] == [None]


def test_a_line_has_time_address_verdict_and_reason() -> None:
    """Escaped, cut to the terminal, and with the verdict that it was."""
    at = "2026-11-23T09:15:00Z"
    whole = event_line(at, "unknown", source("scan", "zmap"), Style(False, 80, False))
    assert whole.startswith("09:15:00  192.0.2.1        scan (syn, zmap)    was unknown; ")
    assert whole.endswith("; likely: because\\x1b[2J of this")
    assert len(event_line(at, "unknown", source("scan", "zmap"), Style(False, 70, True))) == 70


def test_verdicts_and_ports_in_words() -> None:
    """The type and the tool of a scan; the first three ports and how many more."""
    assert verdict_text(source("client")) == "client"
    assert verdict_text(source("probe", "zgrab")) == "probe (zgrab)"
    many = source("scan")._replace(ports=(1, 2, 3, 4), ports_total=1000)
    assert ports_text(many) == "1 2 3 +997"
    assert ports_text(source("scan")) == "3255"


def port(number: int, said: str, sources: int = 1, *, listening: bool = False) -> PortSeen:
    """A port of which this is said."""
    return PortSeen(number, "tcp", listening, (), sources, (), (), f"{number}: {said}")


def test_ports_of_which_the_same_is_said_have_one_line() -> None:
    """Ranges; those that answer come first, then those with more sources."""
    quiet = [port(each, "no service here; 1 source in a minute") for each in range(7990, 8011)]
    quiet[10] = port(8000, "http; 1 source in a minute", listening=True)
    busy = port(22, "no service here; 9 sources in a minute", 9)
    odd = PortSeen(53, "udp", False, (), 0, (), (), "53/udp: no service here; nobody came")
    assert list(port_lines([busy, odd, *quiet], Style(False, 80, False))) == [
        "8000: http; 1 source in a minute",
        "22: no service here; 9 sources in a minute",
        "7990-7999, 8001-8010: no service here; 1 source in a minute",
        "53/udp: no service here; nobody came",
    ]
    many = [port(each, f"{each} sources") for each in range(1, 60)]
    assert list(port_lines(many, Style(False, 80, False)))[20:] == [
        "and 39 more ports (--json has them)"
    ]


def test_very_many_ranges_are_told_as_a_number() -> None:
    """The first dozen, and how many ports more."""
    assert ranges([5, 3, 4, 80]) == "3-5, 80"
    assert ranges(range(0, 60, 2)).endswith("20, 22 and 18 more")
    assert watched_text([(80, None), (8001, "tcp"), (8000, "tcp")]) == "80, 8000-8001/tcp"


_QUERY = bytes.fromhex("beef01000001000000000000") + b"\1a\0\0\1\0\1"
_TIME = b"\x23" + bytes(39) + b"transmit"


@pytest.mark.parametrize(
    ("transport", "opener", "sent", "received", "spoken"),
    [
        ("udp", "dns", _QUERY, _QUERY[:2] + b"\x81\x80" + _QUERY[4:], ("dns",)),
        ("udp", "dns", _QUERY, b"\xbe\xee\x81\x80" + _QUERY[4:], ()),
        ("udp", "dns", _QUERY, _QUERY, ("echo",)),
        ("tcp", "dns", b"\0\x13" + _QUERY, b"\0\x13\xbe\xef\x84" + bytes(14), ("dns",)),
        ("udp", "ntp", _TIME, b"\x24" + bytes(23) + b"transmit" + bytes(16), ("ntp",)),
        ("udp", "ntp", _TIME, b"\x24" + bytes(47), ()),
        ("tcp", "git", b"003egit-upload-pack /a\0", b"00d7", ("git",)),
        ("tcp", "git", b"003egit-upload-pack /a\0", b"HTTP/1.1 400 Bad\r\n\r\n", ("http",)),
    ],
)
def test_an_answer_to_the_visitors_own_question_shows_it(
    transport: str, opener: str, sent: bytes, received: bytes, spoken: tuple[str, ...]
) -> None:
    """Protocols whose judges otherwise know only answers to their own questions."""
    assert judge_reply(transport, opener, sent, received) == spoken


@pytest.mark.parametrize(
    ("opener", "sent", "received", "spoken"),
    [
        (None, b"", b"SSH-2.0-OpenSSH_9.2p1\r\n", ("ssh",)),
        ("tls", b"\x16\x03\x01\x00\x05", b"SSH-2.0-OpenSSH_9.2p1\r\n", ("ssh",)),
        ("http", b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", ("http",)),
        ("redis", b"PING\r\n", b"+PONG\r\n", ("redis",)),
        ("tls", b"\x16\x03\x01", b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76" + bytes(118), ("tls",)),
        (None, b"", b"\x00\x01\x02 nothing that anybody knows", ()),
        (None, b"hello", b"", ()),
    ],
)
def test_a_reply_shows_what_a_port_speaks(
    opener: str | None, sent: bytes, received: bytes, spoken: tuple[str, ...]
) -> None:
    """By the judges of identify, with nobody asked."""
    assert judge_reply("tcp", opener, sent, received) == spoken


def test_replies_that_come_later_are_judged_as_well() -> None:
    """Conversations are added while a watch goes on."""
    samples: dict[tuple[str, int], list[tuple[bytes, bytes]]] = {("tcp", 22): [(b"", b"?")]}
    spoken = heard(samples, recognise)
    assert spoken("tcp", 22) == ()
    samples["tcp", 22].append((b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n"))
    assert spoken("tcp", 22) == ("ssh",)
    assert spoken("udp", 22) == ()


_OPENERS = st.sampled_from([None, *NAMES, *(probe.name for probe in all_probes())])
_STARTS = st.sampled_from(
    [b"", b"HTTP/1.1 ", b"\x16\x03\x03", b"220 ", b"* OK ", b"RFB 003.", b"\0"]
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["tcp", "udp", "sctp"]),
    _OPENERS,
    st.binary(max_size=80),
    st.builds(lambda start, rest: start + rest, _STARTS, st.binary(max_size=120)),
)
def test_any_bytes_of_a_reply_are_judged(
    transport: str, opener: str | None, sent: bytes, received: bytes
) -> None:
    """Never an exception, at most one protocol."""
    assert len(judge_reply(transport, opener, sent, received)) <= 1
