"""Why a port can or cannot be bound: the kernel's table weighed with a real bind(). Pure."""

import errno
from collections.abc import Sequence

from portbook.model import Bindable, Owner, Reason, Socket, Unknown
from portbook.sockets.bind_probe import ProbeResult

_WILDCARDS = ("0.0.0.0", "::")

Holder = tuple[Socket, Owner | None]
"""A socket of any state and one of its owners; None where the kernel itself holds it."""


def judge(
    holders: Sequence[Holder],
    probe: ProbeResult | None,
    *,
    privileged: bool,
    kernel_reserved: bool,
    complete: bool = True,
) -> Bindable:
    """Join both answers for one port and transport.

    Args:
        holders: every socket in any state whose local port it is, with an owner.
        probe: what bind() said; None where it was not asked (a recording, --no-probe).
        privileged: binding the number takes a privilege that we do not have.
        kernel_reserved: the number is in ip_local_reserved_ports.
        complete: the table shows bound sockets too, so that its silence means free.

    The reasons that do not stop a bind (`kernel-reserved`) come last and leave `free` true.
    """
    held = _holding(holders, probe)
    reasons = list(held)
    table = "taken" if held else "free" if complete else "unknown"
    if held and all(found.address not in _WILDCARDS for found, _ in holders):
        reasons.append(_one_address(holders, probe))
    elif probe and probe.taken and 0 in probe.plain.values():
        open_to = next(address for address, code in probe.plain.items() if code == 0)
        reasons.append(Reason("address", open_to, None, f"{open_to}, tried, can still be bound"))
    free: bool | Unknown
    if probe is None or (probe.failure and not probe.taken):
        asked = "not-asked"
        if held or privileged:
            free = False
        elif table == "free":
            free = True
        else:
            free = Unknown("not-asked", "a real bind() would tell")
        if probe is not None:
            name = errno.errorcode.get(probe.failure, str(probe.failure))
            free = free if held else Unknown("unreadable", f"no socket could be made: {name}")
        if privileged and not held:
            reasons.append(_privileged())
    else:
        free = probe.free
        asked = "free" if probe.free else "denied" if probe.denied else "taken"
        if probe.denied:
            reasons.append(_privileged() if privileged else _forbidden())
        elif not probe.free and not held:
            reasons.insert(0, _hidden(probe))
        elif probe.free and held:
            reasons.append(
                Reason(
                    "disagreement",
                    None,
                    None,
                    "the table shows a holder, yet bind() succeeded: it may have just closed",
                )
            )
    if kernel_reserved:
        reasons.append(
            Reason(
                "kernel-reserved",
                None,
                None,
                "in net.ipv4.ip_local_reserved_ports: never handed out by itself, but a program "
                "that asks for this number gets it",
            )
        )
    return Bindable(free, tuple(reasons), table, asked)


def _holding(holders: Sequence[Holder], probe: ProbeResult | None) -> list[Reason]:
    """One reason per socket that keeps others out.

    Connections that a listener accepted have its address and are no reason of their own.
    """
    reasons = [
        Reason(
            "bound-not-listening" if found.state == "bound" else "listening",
            found.address,
            owner,
            _STATE_WORDS[found.state],
        )
        for found, owner in holders
        if found.state in _STATE_WORDS
    ]
    served = {found.address for found, _ in holders if found.state in _STATE_WORDS}
    if not served.isdisjoint(_WILDCARDS):
        return reasons
    holders = [pair for pair in holders if pair[0].address not in served]
    waiting = [found for found, _ in holders if found.state == "time-wait"]
    for found, owner in holders:
        if found.state != "time-wait":
            detail = f"a connection to {found.peer} ({found.state}) uses it as its own end"
            reasons.append(Reason("client", found.address, owner, detail))
    if waiting:
        count = (
            f"{len(waiting)} closed connections wait"
            if len(waiting) > 1
            else "a closed connection waits"
        )
        reasons.append(
            Reason(
                "time-wait",
                waiting[0].address,
                None,
                f"{count} out the last minute; {_reuse(probe)}",
            )
        )
    return reasons


def _reuse(probe: ProbeResult | None) -> str:
    """Whether SO_REUSEADDR helps against TIME_WAIT: only where the earlier server set it, too."""
    if probe is None or not probe.reuse:
        return "a server that sets SO_REUSEADDR can bind now if the earlier one set it, too"
    if any(probe.reuse.values()):
        return "SO_REUSEADDR, tried, does not help: the earlier program did not set it"
    return "a server that sets SO_REUSEADDR can bind now (tried)"


_STATE_WORDS = {
    "listen": "a server listens",
    "bound": "bound without listening, which most tools do not show",
    "unconnected": "a UDP socket receives here",
}


def _one_address(holders: Sequence[Holder], probe: ProbeResult | None) -> Reason:
    addresses = sorted({found.address for found, _ in holders})
    detail = f"{' and '.join(addresses)} {'is' if len(addresses) == 1 else 'are'} taken"
    if probe and probe.elsewhere:
        detail = f"only {detail}; {probe.elsewhere}, tried, can still be bound"
    return Reason("address", addresses[0], None, detail)


def _privileged() -> Reason:
    return Reason(
        "privileged",
        None,
        None,
        "below net.ipv4.ip_unprivileged_port_start: needs root or CAP_NET_BIND_SERVICE",
    )


def _forbidden() -> Reason:
    return Reason(
        "privileged",
        None,
        None,
        "bind() is not permitted (EACCES) although the number needs no privilege: SELinux or "
        "another security module may keep it back",
    )


def _hidden(probe: ProbeResult) -> Reason:
    codes = {errno.errorcode.get(code, str(code)) for code in probe.plain.values() if code}
    return Reason(
        "hidden",
        None,
        Unknown("denied", "the holder is in no table that can be read here"),
        f"bind() fails with {', '.join(sorted(codes))}, but no socket is visible",
    )
