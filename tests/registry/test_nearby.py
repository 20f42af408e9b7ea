"""Advice on a number and what is near it, over the whole port space."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.model import LAST_PORT, BadPort, PortEntry
from portbook.registry.lookup import lookup
from portbook.registry.nearby import (
    CODES,
    REASONS,
    Advice,
    FreeNumber,
    Hindrance,
    advice_for,
    better_near,
    neighbours,
)
from registry.raw_tables import named_ports, raw, span, traced

PORTS = st.integers(0, LAST_PORT)


@pytest.fixture(scope="module")
def entries() -> list[PortEntry]:
    """What the tables say of every number."""
    return [lookup(port) for port in range(LAST_PORT + 1)]


@pytest.fixture(scope="module")
def free() -> list[int]:
    """The numbers to recommend, worked out from the tables with the csv module."""
    refused = {port for row in raw("assignments") if row["port"] for port in span(row)}
    refused |= set(traced())
    refused |= {int(row["port"]) for name in ("suspicious", "browser_blocked") for row in raw(name)}
    # Below the numbers that Kubernetes gives out, and with that below Linux' ephemeral ones.
    return [port for port in range(1024, 30000) if port not in refused]


@pytest.mark.parametrize(
    ("port", "codes"),
    [
        (0, ("zero", "reserved", "privileged", "blocked")),
        (2, ("reserved", "privileged")),
        (22, ("registered-alive", "privileged", "blocked")),
        (1023, ("reserved", "privileged")),
        (1024, ("reserved",)),
        (3255, ("registered-orphan",)),
        (4533, ("in-use",)),
        (5000, ("overtaken", "in-use", "suspicious")),
        (5444, ("noted",)),
        (6000, ("registered-alive", "blocked")),
        (11433, ()),
        (30007, ("node-port",)),
        (31337, ("registered-orphan", "suspicious", "node-port")),
        (32768, ("overtaken", "ephemeral", "in-use")),
        (40000, ("registered-orphan", "ephemeral")),
        (48000, ("registered-orphan", "ephemeral")),
        (51820, ("ephemeral", "in-use")),
        (65535, ("ephemeral",)),
    ],
)
def test_the_advice_on_a_number(port: int, codes: tuple[str, ...]) -> None:
    """Everything that speaks against it, gravest first; the first is the answer."""
    advice = advice_for(lookup(port))
    assert tuple(each.code for each in advice.against) == codes
    assert advice.code == (codes[0] if codes else "free-to-take")


def test_the_advice_names_whom_it_is_about() -> None:
    """Services, products, systems: what a sentence needs."""
    assert advice_for(lookup(5000)).against[0] == Hindrance("overtaken", ("commplex-main",))
    assert "docker registry" in advice_for(lookup(5000)).against[1].names
    assert advice_for(lookup(5444)).against == (
        Hindrance("noted", ("Known UNAUTHORIZED USE: Port 5444",)),
    )
    assert Hindrance("ephemeral", ("linux",)) in advice_for(lookup(40000)).against
    systems = {"linux", "macos", "rfc6335", "windows"}
    assert set(advice_for(lookup(60000)).against[0].names) == systems
    assert advice_for(lookup(11433)) == Advice("free-to-take", ())


def test_every_number_has_an_advice_that_its_facts_bear_out(entries: list[PortEntry]) -> None:
    """All 65,536: a code says what is true, and nothing that is true is left unsaid."""
    registered = {"registered-alive", "overtaken", "registered-young", "registered-orphan"}
    names = named_ports()
    blocked = {int(row["port"]) for row in raw("browser_blocked")}
    suspicious = {int(row["port"]) for row in raw("suspicious")}
    for entry in entries:
        port, advice = entry.port, advice_for(entry)
        codes = [each.code for each in advice.against]
        assert advice.code == (codes[0] if codes else "free-to-take")
        assert codes == sorted(set(codes), key=CODES.index), port
        assert bool(registered & set(codes)) == (port in names), port
        assert ("zero" in codes) == (port == 0)
        assert ("reserved" in codes) == (entry.life.verdict == "reserved")
        assert ("privileged" in codes) == (port < 1024)
        assert ("ephemeral" in codes) == (port >= 32768)
        assert ("node-port" in codes) == (30000 <= port <= 32767)
        assert ("in-use" in codes) == bool(entry.unofficial)
        assert ("suspicious" in codes) == (port in suspicious)
        assert ("blocked" in codes) == (port in blocked)
        for each in advice.against:
            assert (
                bool(each.names)
                == (each.code not in ("zero", "reserved", "privileged", "blocked", "noted"))
                or each.code == "noted"
            )


def test_what_is_recommended_is_what_the_advice_lets_pass(
    entries: list[PortEntry], free: list[int]
) -> None:
    """The list behind `better_near` and the advice are worked out apart and agree."""
    passed = [entry.port for entry in entries if advice_for(entry).code == "free-to-take"]
    assert passed == free
    assert [each.port for each in better_near(0, count=LAST_PORT)] == free


@settings(deadline=None)  # the first example reads the tables
@given(PORTS, st.integers(0, 40))
def test_the_nearest_numbers_are_the_nearest(free: list[int], port: int, count: int) -> None:
    """Against sorting all of them by distance, the lower first."""
    expected = sorted((each for each in free if each != port), key=lambda n: (abs(n - port), n))
    found = better_near(port, count)
    assert [each.port for each in found] == expected[:count]
    known = set(free)
    for each in found:
        assert each.reasons == REASONS
        assert each.run_first <= each.port <= each.run_last
        assert known.issuperset(range(each.run_first, each.run_last + 1))
        assert not known & {each.run_first - 1, each.run_last + 1}


def test_the_numbers_near_3255() -> None:
    """The nearest is 129 away: the thousands above 3000 are nearly full."""
    assert better_near(3255, 1) == (FreeNumber(3126, 3126, 3126, REASONS),)
    assert [each.port for each in better_near(8080)] == [8079, 8078, 8076]
    assert better_near(8079, 1)[0].port != 8079


@pytest.fixture(scope="module")
def taken() -> set[int]:
    """The numbers with a service."""
    return named_ports()


@settings(deadline=None)  # the first example reads the tables
@given(PORTS)
def test_neighbours_are_the_nearest_with_a_registration(taken: set[int], port: int) -> None:
    """Against the list of all numbers with a service."""
    found = neighbours(port)
    assert (found.below.port if found.below else None) == max(
        (each for each in taken if each < port), default=None
    )
    assert (found.above.port if found.above else None) == min(
        (each for each in taken if each > port), default=None
    )
    for each in (found.below, found.above):
        if each:
            services = [row.service for row in lookup(each.port).assignments if row.service]
            assert each.services == tuple(dict.fromkeys(services))


def test_the_ends_have_one_neighbour() -> None:
    """Nothing is registered below 1 or above 49150."""
    assert neighbours(1).below is None
    assert neighbours(0).above == (1, ("tcpmux",))
    assert neighbours(65535) == ((49150, ("inspider",)), None)
    below, above = neighbours(3255)
    assert below == (3254, ("pda-sys",))
    assert above == (3256, ("cpqrpm-agent",))


@pytest.mark.parametrize("port", [-1, LAST_PORT + 1, True, 80.0, "80"])
def test_what_is_no_port_has_nothing_near(port: int) -> None:
    """The same refusal as everywhere."""
    with pytest.raises(BadPort, match="is no port"):
        better_near(port)
    with pytest.raises(BadPort, match="is no port"):
        neighbours(port)
