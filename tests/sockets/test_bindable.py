"""The truth table of bindable.judge: what the kernel's table says against what bind() said."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model import Bindable, Socket, Transport, Unknown
from portbook.sockets.bind_probe import ProbeResult
from portbook.sockets.bindable import judge
from strategies import sockets

FREE = ProbeResult({"0.0.0.0": 0, "::": 0}, {}, None)
TAKEN = ProbeResult(
    {"0.0.0.0": errno.EADDRINUSE, "::": errno.EADDRINUSE},
    {"0.0.0.0": errno.EADDRINUSE, "::": errno.EADDRINUSE},
    None,
)
HALF = TAKEN._replace(plain={"0.0.0.0": errno.EADDRINUSE, "::": 0})
DENIED = ProbeResult({"0.0.0.0": errno.EACCES, "::": errno.EACCES}, {}, None)
PROBES = {"free": FREE, "taken": TAKEN, "half": HALF, "denied": DENIED, None: None}


def holder(state: str = "listen", address: str = "0.0.0.0", peer: str | None = None) -> Socket:
    """A socket row."""
    return Socket(
        *(Transport.TCP, address, 8080, "ipv4", False, state, 1, 2, 0, None, None, None, 1, peer)
    )


def weigh(
    *found: Socket,
    probe: ProbeResult | None = FREE,
    privileged: bool = False,
    kernel_reserved: bool = False,
    complete: bool = True,
) -> Bindable:
    """Judge holders without owners."""
    return judge(
        [(each, None) for each in found],
        probe,
        privileged=privileged,
        kernel_reserved=kernel_reserved,
        complete=complete,
    )


@pytest.mark.parametrize(
    ("state", "probe", "complete", "free", "table", "asked", "kinds"),
    [
        (None, "free", True, True, "free", "free", []),
        (None, "free", False, True, "unknown", "free", []),
        (None, "taken", True, False, "free", "taken", ["hidden"]),
        (None, "taken", False, False, "unknown", "taken", ["hidden"]),
        (None, "half", True, False, "free", "taken", ["hidden", "address"]),
        (None, "denied", True, False, "free", "denied", ["privileged"]),
        (None, None, True, True, "free", "not-asked", []),
        (None, None, False, None, "unknown", "not-asked", []),
        ("listen", "free", True, True, "taken", "free", ["listening", "disagreement"]),
        ("listen", "taken", True, False, "taken", "taken", ["listening"]),
        ("listen", "half", True, False, "taken", "taken", ["listening", "address"]),
        ("listen", "denied", True, False, "taken", "denied", ["listening", "privileged"]),
        ("listen", None, True, False, "taken", "not-asked", ["listening"]),
        ("listen", None, False, False, "taken", "not-asked", ["listening"]),
        ("bound", "taken", True, False, "taken", "taken", ["bound-not-listening"]),
        ("unconnected", "taken", True, False, "taken", "taken", ["listening"]),
        ("time-wait", "taken", True, False, "taken", "taken", ["time-wait"]),
        ("established", "taken", True, False, "taken", "taken", ["client"]),
        ("close-wait", "taken", True, False, "taken", "taken", ["client"]),
    ],
)
def test_table_and_bind_are_joined(
    state: str | None,
    probe: str | None,
    *,
    complete: bool,
    free: bool | None,
    table: str,
    asked: str,
    kinds: list[str],
) -> None:
    """Each combination of the two answers has its own joined answer and reasons."""
    found = [holder(state, peer="192.0.2.1:443")] if state else []
    judged = weigh(*found, probe=PROBES[probe], privileged=probe == "denied", complete=complete)
    if free is None:
        assert isinstance(judged.free, Unknown)
    else:
        assert judged.free is free
    assert (judged.table, judged.probe) == (table, asked)
    assert [reason.kind for reason in judged.reasons] == kinds


def test_connections_behind_a_listener_are_no_reason() -> None:
    """One reason per server, none per client of it."""
    judged = weigh(holder(), holder("established", peer="192.0.2.1:5"), probe=TAKEN)
    assert [reason.kind for reason in judged.reasons] == ["listening"]


def test_one_address_only_is_said_once_with_what_works() -> None:
    """Holders of specific addresses leave others, and the one that was tried is named."""
    probe = TAKEN._replace(elsewhere="127.0.0.9")
    judged = weigh(holder(address="127.0.0.1"), holder(address="127.0.0.2"), probe=probe)
    assert [reason.kind for reason in judged.reasons] == ["listening", "listening", "address"]
    assert "127.0.0.1 and 127.0.0.2 are taken" in judged.reasons[-1].detail
    assert "127.0.0.9" in judged.reasons[-1].detail


def test_a_kernel_reserved_port_stays_free() -> None:
    """The reservation is a word of advice."""
    judged = weigh(kernel_reserved=True)
    assert judged.free is True
    assert [reason.kind for reason in judged.reasons] == ["kernel-reserved"]


def test_the_privilege_is_named_where_bind_was_not_tried() -> None:
    """A recording cannot try, but knows the kernel's setting."""
    judged = weigh(probe=None, privileged=True)
    assert [reason.kind for reason in judged.reasons] == ["privileged"]


def test_a_refusal_above_the_privileged_ports_is_not_blamed_on_them() -> None:
    """SELinux answers EACCES, too: the text must not name a setting that does not apply."""
    detail = weigh(probe=DENIED, privileged=False).reasons[0].detail
    assert "ip_unprivileged_port_start" not in detail
    assert "SELinux" in detail


@pytest.mark.parametrize(
    ("reuse", "words"),
    [
        ({"0.0.0.0": 0, "::": 0}, "can bind now (tried)"),
        ({"0.0.0.0": errno.EADDRINUSE}, "does not help"),
    ],
)
def test_what_so_reuseaddr_does_against_time_wait_is_what_was_tried(
    reuse: dict[str, int], words: str
) -> None:
    """It works only where the earlier server had set it, so the claim follows the attempt."""
    judged = weigh(holder("time-wait"), probe=TAKEN._replace(reuse=reuse))
    assert words in judged.reasons[0].detail


@given(
    st.lists(sockets(), max_size=5),
    st.sampled_from(list(PROBES.values())),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_the_joined_answer_is_never_better_than_bind(
    found: list[Socket],
    probe: ProbeResult | None,
    privileged: bool,  # noqa: FBT001 - hypothesis passes by position
    reserved: bool,  # noqa: FBT001
    complete: bool,  # noqa: FBT001
) -> None:
    """A refused bind is never `free`, a port that is not free always has a reason."""
    judged = weigh(
        *found, probe=probe, privileged=privileged, kernel_reserved=reserved, complete=complete
    )
    if probe is not None:
        assert judged.free is probe.free
    if judged.free is False:
        assert {reason.kind for reason in judged.reasons} - {"kernel-reserved", "address"}
    if probe is None and not complete and not found and not privileged:
        assert isinstance(judged.free, Unknown)
    assert judged.table in ("free", "taken", "unknown")


def test_a_bind_that_fails_for_reasons_of_our_own_says_nothing_of_the_port() -> None:
    """Without file descriptors left (EMFILE) the port is neither free nor held by somebody."""
    probe = ProbeResult({"0.0.0.0": errno.EMFILE, "::": errno.EMFILE}, {}, None)
    judged = weigh(probe=probe)
    assert judged.free == Unknown("unreadable", "no socket could be made: EMFILE")
    assert judged.probe == "not-asked"
    assert judged.reasons == ()


def test_a_client_on_another_address_than_the_listener_is_a_reason_of_its_own() -> None:
    """A listener on one address does not explain a connection from another."""
    judged = weigh(
        holder(address="127.0.0.1"),
        holder(address="127.0.0.2", state="established"),
        holder(address="127.0.0.1", state="established"),
        probe=TAKEN,
    )
    kinds = [(reason.kind, reason.address) for reason in judged.reasons]
    assert ("client", "127.0.0.2") in kinds
    assert ("client", "127.0.0.1") not in kinds
