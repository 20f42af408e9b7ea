"""Which protocol a client's first bytes speak: recorded clients, near misses, any bytes at all."""

from time import perf_counter_ns
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.identify.probes import all_probes
from portbook.model.traffic import TOOLS
from portbook.traffic import openers
from portbook.traffic.openers import FAMILIES, KINDS, NAMES, code_of, recognise
from portbook.traffic.openers.kind import LONGEST
from traffic.openers_recorded import NEAR_MISSES, RECORDED, First

_TRANSPORTS: Final = st.sampled_from(("tcp", "udp", "sctp"))
_CONFIDENCES: Final = {"certain", "likely", "guess"}


def _certain_of(transport: str, data: bytes) -> set[str]:
    """The protocols of which a judge is certain, each judge asked, whatever the first byte."""
    kinds = [kind for kind in KINDS if kind.transport == transport]
    found = [kind.judge(data) for kind in kinds if not kind.firsts or data[0] in kind.firsts]
    return {each.protocol or "" for each in found if each and each.confidence == "certain"}


@pytest.mark.parametrize("first", RECORDED, ids=lambda first: first.name)
def test_recorded(first: First) -> None:
    """What a real client says first is recognised, with its details."""
    found = recognise(first.transport, first.data, first.port)
    expect = first.expect
    assert (found.protocol, found.confidence) == (expect["protocol"], expect["confidence"])
    assert found.tool == expect.get("tool")
    if "details" in expect:
        assert [list(pair) for pair in found.details] == expect["details"]


@pytest.mark.parametrize("first", NEAR_MISSES, ids=lambda first: first.name)
def test_near_miss(first: First) -> None:
    """What only resembles a protocol is not named, and is never more than a guess."""
    found = recognise(first.transport, first.data, first.port)
    assert (found.protocol, found.confidence) == (None, "guess")
    assert "secret" not in repr(found)


@pytest.mark.parametrize("first", RECORDED, ids=lambda first: first.name)
def test_no_two_are_certain(first: First) -> None:
    """No two protocols are sure of the same bytes, so their order decides nothing."""
    assert len(_certain_of(first.transport, first.data)) <= 1


def test_every_protocol_has_a_recording() -> None:
    """Each judge is shown bytes that it must know."""
    known = {first.expect["protocol"] for first in RECORDED}
    assert {kind.name for kind in KINDS} <= known
    assert {FAMILIES.get(name, name) for name in known} == set(NAMES)


def test_the_probes_of_identify_are_recognised() -> None:
    """What portbook itself asks other hosts is told by its own judges, and by one alone."""
    # Whose question is another protocol's: a web page, gRPC's frames, a word that two have; whose
    # question is malformed on purpose (socks4, bittorrent-utp) or a single byte (mssql over UDP).
    others = {"grpc", "etcd", "clickhouse", "beanstalkd", "nfs", "rpcbind"}
    passed = {("socks4", "tcp"), ("bittorrent-utp", "udp"), ("mssql", "udp")}
    names = {*NAMES, *FAMILIES} - others
    asked = 0
    for probe in all_probes():
        for transport, data in (("tcp", probe.opener), ("udp", probe.datagram)):
            if not data:
                continue
            assert len(_certain_of(transport, data)) <= 1, probe.name
            if probe.name in names and (probe.name, transport) not in passed:
                assert recognise(transport, data, 0).protocol == probe.name
                asked += 1
            elif probe.name not in names | others and probe.name != "ike-nat-t":
                assert recognise(transport, data, 0).protocol is None, probe.name
    assert asked > 40


def test_codes() -> None:
    """0 is no bytes, 1 is bytes nobody knows, and relatives share the code of their family."""
    assert len(NAMES) <= 61
    assert code_of(None) == code_of("no such protocol") == 1
    assert [code_of(name) for name in NAMES] == list(range(2, 2 + len(NAMES)))
    assert all(code_of(name) == code_of(family) > 1 for name, family in FAMILIES.items())


@pytest.mark.parametrize("size", [11, 60, 100, 200, 517])
def test_a_cut_hello_is_still_tls(size: int) -> None:
    """A capture may keep 200 bytes of a hello, or fewer; the name counts if it is among them."""
    hellos = [first for first in RECORDED if first.expect["protocol"] == "tls"]
    hellos = [first for first in hellos if first.data[0] == 0x16]
    assert len(hellos) > 4
    for first in hellos:
        found = recognise("tcp", first.data[:size], 0)
        assert (found.protocol, found.confidence) == ("tls", "certain")
        told = dict(found.details)
        if b"localhost" in first.data[:size]:
            assert told["sni"] == "localhost"
        whole = dict(recognise("tcp", first.data, 0).details)
        assert all(whole[key].startswith(value) for key, value in told.items())


def test_port_decides_only_between_resemblances() -> None:
    """A port never makes a protocol of bytes, and never beats one that is certain."""
    assert recognise("tcp", b"\r\n\r\n", 25).protocol is None
    assert recognise("tcp", b"USER a\r\n", 110).protocol == "pop3"
    assert recognise("tcp", b"USER a\r\n", 4711).protocol == "ftp"
    for first in RECORDED:
        if first.expect["confidence"] == "certain":
            names = {
                recognise(first.transport, first.data, port).protocol
                for kind in KINDS
                for port in kind.ports
            }
            assert names == {first.expect["protocol"]}


def test_text_that_may_be_secret_is_not_told() -> None:
    """Passwords and communities are no details."""
    for data in (
        b"AUTH secret\r\n",
        b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n",
        b"PASS secret\r\nNICK me\r\nUSER me 0 * :me\r\n",
        b"0\x26\x02\x01\x01\x04\x06secret\xa0\x19\x02\x01\x01\x02\x01\x00\x02\x01\x00",
        b"a1 LOGIN me secret\r\n",
    ):
        for transport in ("tcp", "udp"):
            assert "secret" not in repr(recognise(transport, data, 0))


_SPLICED: Final = st.builds(
    lambda one, other, cut, at, byte: (
        one.data[:cut] + bytes((byte,)) + other.data[at:],
        one.transport,
    ),
    st.sampled_from(RECORDED),
    st.sampled_from(RECORDED),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(0, 255),
)


def _is_fine(transport: str, data: bytes, port: int) -> None:
    found = recognise(transport, data, port)
    assert found.confidence in _CONFIDENCES
    assert found.protocol is None or code_of(found.protocol) > 1
    assert found.protocol or found.confidence == "guess"
    assert len(found.details) <= 8 and len(found.shows) <= LONGEST
    assert all(len(key) <= 32 and len(value) <= LONGEST for key, value in found.details)


@settings(max_examples=400, deadline=None)
@given(_TRANSPORTS, st.binary(max_size=4096), st.integers(0, 65535))
def test_any_bytes(transport: str, data: bytes, port: int) -> None:
    """Whatever comes: an answer, no exception, nothing long."""
    _is_fine(transport, data, port)


@settings(max_examples=1500, deadline=None)
@given(_SPLICED, st.integers(0, 65535))
def test_spliced_and_truncated(spliced: tuple[bytes, str], port: int) -> None:
    """A client's words cut anywhere, and another's put behind."""
    data, transport = spliced
    _is_fine(transport, data, port)
    assert len(_certain_of(transport, data)) <= 1


def test_truncated_everywhere() -> None:
    """Each recording, cut after each of its first 120 bytes: never another protocol for certain."""
    for first in RECORDED:
        for size in range(1, min(len(first.data), 120)):
            found = recognise(first.transport, first.data[:size], first.port)
            if found.confidence == "certain":
                assert found.protocol == first.expect["protocol"], (first.name, size)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_time_is_linear(transport: str) -> None:
    """First bytes of every kind before long tails: 4 times as long takes no 8 times as long."""
    tails = (b"A", b"a ", b"\0", b"\xff", b"(", b"x:y\r\n", b"\r\n", b"<", b"\x01a", b"1 ", b"\n")
    prefixes = {first.data[:24] for first in RECORDED if first.transport == transport}

    def cost(prefix: bytes, size: int) -> int:
        said = [(prefix + tail * size)[:size] for tail in tails]
        costs = []
        for _ in range(9):
            begun = perf_counter_ns()
            for data in said:
                recognise(transport, data, 0)
            costs.append(perf_counter_ns() - begun)
        return min(costs)

    for prefix in prefixes:
        assert cost(prefix, 4000) < 9 * cost(prefix, 1000), prefix


def test_long_data_is_cut() -> None:
    """Only the first 4,096 bytes are looked at."""
    request = b"GET / HTTP/1.1\r\n" + b"X: " + b"x" * 4096 + b"\r\nUser-Agent: curl/8\r\n\r\n"
    assert recognise("tcp", request, 80).tool is None
    assert openers.MOST_BYTES == 4096


def test_scanners_named_as_the_model_names_them() -> None:
    """The tools that both marks and openers can tell have one name."""
    told = {first.expect.get("tool") for first in RECORDED}
    assert {"nmap", "masscan"} <= told & set(TOOLS)
