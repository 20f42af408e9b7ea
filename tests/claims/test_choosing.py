"""Which numbers are chosen: the rule against a slow model, and bind() against real sockets."""

import itertools
import os
import resource
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from free_ports import free_port
from portbook.model import LAST_PORT, USER
from portbook.model.claim import ClaimRequest, ReservationRequest
from portbook.registry.lookup import lookup, reload
from portbook.registry.nearby import advice_for
from portbook.survey.choosing import (
    Objection,
    around,
    in_use,
    kept_settings,
    may_be_taken,
    numbers_for,
    objection_of_registry,
    outward,
    project_key,
    start_for,
)
from portbook.survey.picking import BECAUSE, pick

PORTS = st.integers(1, LAST_PORT)


@given(PORTS, st.integers(1, 300), st.integers(0, 400))
def test_outward_is_every_number_once_and_the_nearest_first(
    near: int, first: int, more: int
) -> None:
    """The order is that of the distance, of two the lower first: the model is sorted()."""
    last = first + more
    model = sorted(range(first, last + 1), key=lambda port: (abs(port - near), port))
    assert list(outward(near, first, last)) == model


@given(st.integers(0, 500), st.integers(1, 300), st.integers(0, 400))
def test_around_is_every_number_once(start: int, first: int, more: int) -> None:
    """Upwards from the start and on from the first; a start outside is the first."""
    last = first + more
    model = list(range(first, last + 1))
    if start in model:
        model = model[start - first :] + model[: start - first]
    assert list(around(start, first, last)) == model


@given(st.integers(0, 500), st.integers(1, 300), st.integers(0, 400), st.sets(st.integers(1, 700)))
def test_around_known_numbers_is_the_same_without_the_others(
    start: int, first: int, more: int, known: set[int]
) -> None:
    """Skipping by bisection leaves out nothing that fits."""
    last = first + more
    model = [port for port in around(start, first, last) if port in known]
    if known:
        assert list(around(start, first, last, sorted(known))) == model


@settings(max_examples=300)
@given(
    bad=st.sets(st.integers(1, 40)),
    numbers=st.permutations(range(1, 41)),
    count=st.integers(1, 6),
    contiguous=st.booleans(),
)
def test_the_pick_is_that_of_brute_force(
    bad: set[int], numbers: list[int], count: int, *, contiguous: bool
) -> None:
    """The first that fit, or the first run of neighbours; what was refused is bad."""
    found = pick(
        numbers,
        lambda port: Objection("taken", "") if port in bad else None,
        count,
        40,
        contiguous=contiguous,
    )
    if contiguous:
        runs = (range(first, first + count) for first in numbers if first + count - 1 <= 40)
        model = list(next((run for run in runs if bad.isdisjoint(run)), ()))
    else:
        model = sorted(itertools.islice((port for port in numbers if port not in bad), count))
    assert list(found.ports) == model
    assert set(found.refused) <= bad
    if not contiguous and len(model) < count:
        assert set(found.refused) == bad


def test_a_number_for_a_request_is_free_by_the_tables_and_below_the_clients() -> None:
    """Each of the first 400 for a project: nothing speaks against it, and none comes twice."""
    ports = list(itertools.islice(numbers_for(ClaimRequest(project="/home/me/shop")), 400))
    assert len(set(ports)) == 400
    ceiling = kept_settings().ephemeral[0]
    for port in ports:
        assert advice_for(lookup(port)).code == "free-to-take"
        assert USER.first <= port < ceiling
    first = start_for("/home/me/shop")
    assert ports[0] >= first
    assert not any(advice_for(lookup(p)).code == "free-to-take" for p in range(first, ports[0]))


def test_singly_and_all_at_once_is_the_same() -> None:
    """The answer does not change when the tables are read whole (after 200 questions)."""
    reload()
    ports = range(8000, 8600)
    fast = [may_be_taken(port) for port in ports]
    assert fast == [objection_of_registry(port) is None for port in ports]
    assert any(fast)
    assert not all(fast)


def test_a_named_range_is_taken_as_it_is() -> None:
    """Who says from where to where gets registered numbers too, in order, but what is avoided."""
    asked = ClaimRequest(first=8080, last=8085, avoid=(8082,))
    assert list(numbers_for(asked)) == [8080, 8081, 8083, 8084, 8085]
    asked = ClaimRequest(first=8080, last=8085, near=8084)
    assert list(numbers_for(asked)) == [8084, 8083, 8085, 8082, 8081, 8080]


def test_a_run_of_neighbours_fits_as_a_whole() -> None:
    """The lowest number of a reservation of forty: all forty are free by the tables."""
    first = next(iter(numbers_for(ReservationRequest("key", size=40, near=8000))))
    assert all(advice_for(lookup(first + at)).code == "free-to-take" for at in range(40))
    asked = ClaimRequest(first=8080, last=8085, size=3, contiguous=True)
    assert list(numbers_for(asked)) == [8080, 8081, 8082, 8083]


def test_every_objection_has_a_code_of_the_document() -> None:
    """Whatever the tables say of any number, the code is in the published list."""
    codes = {
        found.because for port in range(1, 40_000, 7) if (found := objection_of_registry(port))
    }
    assert codes <= set(BECAUSE)
    assert {"registered", "known-use", "node-port", "ephemeral", "privileged"} & codes


def test_projects_begin_at_different_numbers() -> None:
    """Stable for a folder, and spread: of 200 folders hardly two share a start."""
    starts = [start_for(f"/home/me/project-{at}") for at in range(200)]
    assert starts == [start_for(f"/home/me/project-{at}") for at in range(200)]
    assert all(3000 <= start < 30_000 for start in starts)
    assert len(set(starts)) > 190
    assert project_key("/a", "web") == "/a:web"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_bound_port_is_in_use_whoever_bound_it_how(address: str, kind: str) -> None:
    """A socket on one address, with SO_REUSEADDR and without listening, is noticed."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, _TYPES[kind]) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((address, 0))
        port = holder.getsockname()[1]
        said = in_use(kind, "*", port)
        assert said is not None
        assert "EADDRINUSE" in said
        assert in_use(kind, address, port) is not None
        assert in_use(kind, "127.0.0.9", port) is None
    assert in_use(kind, "*", port) is None


_TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def test_an_address_of_another_machine_is_said_so() -> None:
    """192.0.2.1 (TEST-NET-1) is nobody's."""
    said = in_use("tcp", "192.0.2.1", 25_999)
    assert said is not None
    assert "does not have the address" in said


def test_without_descriptors_nothing_counts_as_free() -> None:
    """EMFILE is no permission: the number is refused, and the reason is the real one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(name) for name in os.listdir("/proc/self/fd")) + 1
    port = free_port()
    fill: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
    try:
        while True:
            try:
                fill.append(os.dup(0))
            except OSError:
                break
        said = in_use("tcp", "*", port)
    finally:
        for fd in fill:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert said is not None
    assert "EMFILE" in said
