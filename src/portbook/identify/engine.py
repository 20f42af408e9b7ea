"""Identification of many listeners at once, each within its own bounds."""

import asyncio
import os
from collections.abc import Callable, Sequence

from portbook.host import clock
from portbook.identify.agreement import stand_in
from portbook.identify.asking import Heard, ask
from portbook.identify.clues import suggested
from portbook.identify.connection import Budget
from portbook.identify.limits import (
    BUSY_AT_A_TIME,
    BUSY_SECONDS,
    CONNECTIONS_AT_A_TIME,
    LISTENERS_AT_A_TIME,
    PATIENCE_SECONDS,
    PRINTER_PORTS,
)
from portbook.identify.order import ladder, takes_anything
from portbook.identify.probe import Probe
from portbook.identify.telling import tell, unasked
from portbook.model.record import Record
from portbook.model.speaks import Speaks, Target

_MOST_TRIES = 16
_OTHER_FILES = 48


class Options(Record):
    """How listeners are asked.

    `patience`: seconds that silence may take, None for the default. `printers`: ports 9100-9107
    are asked too. `done` is called with each target and its verdict, as they come.
    `transcript` is called with everything that was heard (for tools that record replies).
    """

    patience: float | None = None
    printers: bool = False
    done: Callable[[Target, Speaks], None] | None = None
    transcript: Callable[[Target, Heard], None] | None = None


_DEFAULT = Options()


def identify(targets: Sequence[Target], options: Options = _DEFAULT) -> list[Speaks]:
    """What each target speaks, in their order.

    Connects to every target, within the bounds of `limits`; never logs in, never writes.
    """
    if not targets:
        return []
    # Loading and sorting the protocols is start-up, and no listener's time.
    ladder("tcp")
    ladder("udp")
    return asyncio.run(_identify_all(targets, options))


def local_evidence(target: Target) -> Speaks:
    """What the process and the number suggest, without a word on the wire."""
    probes = suggested(target.clues, target.transport, target.port)
    return unasked(target, probes, "nothing was asked on the wire")


async def _identify_all(targets: Sequence[Target], options: Options) -> list[Speaks]:
    """All of them, some at a time: see limits for why."""
    room = asyncio.Semaphore(_room())
    busy = asyncio.Semaphore(BUSY_AT_A_TIME)

    async def one(target: Target) -> Speaks:
        async with room:
            await busy.acquire()
            asking = asyncio.create_task(_identify(target, options))
            # Who has not answered by then mostly waits, and leaves the processor to others.
            await asyncio.wait((asking,), timeout=BUSY_SECONDS)
            busy.release()
            said = await asking
        if options.done:
            options.done(target, said)
        return said

    return list(await asyncio.gather(*(one(target) for target in targets)))


async def _identify(target: Target, options: Options) -> Speaks:
    probes = suggested(target.clues, target.transport, target.port)
    spared = _spared(target, probes, options)
    if spared:
        return unasked(target, probes, spared)
    try:
        return await _ask(target, probes, options)
    except Exception as error:
        # One that fails may not sink the others.
        if os.environ.get("PORTBOOK_TRACEBACK"):
            raise
        return unasked(
            target, probes, f"a fault in portbook itself: {type(error).__name__}: {error}"
        )


def _spared(target: Target, probes: Sequence[Probe], options: Options) -> str | None:
    """Why a listener is left alone, or None."""
    printer = target.port in PRINTER_PORTS or any(probe.opt_in for probe in probes)
    if printer and not options.printers:
        return "printers print what they are sent: --include-printers asks"
    if is_group(target.address):
        return "it is bound to a multicast or broadcast address: the network would be asked"
    if target.interface:
        return f"it only hears what comes in by {target.interface}"
    if target.client and not probes:
        return "a UDP socket on an ephemeral number is a client's own"
    if probes and (probes[0].sink or probes[0].fragile):
        return "no harmless question exists for what the process serves"
    if probes and target.transport == "udp" and all(probe.judge is None for probe in probes):
        return "what the process serves answers no stranger"
    if not probes and takes_anything(target):
        return "what lives on this number takes anything for data"
    return None


def is_group(address: str) -> bool:
    """Whether more than one host may hear what is sent there (RFC 5771, RFC 4291 section 2.7)."""
    plain = address.partition("%")[0].casefold()
    if ":" in plain:
        return plain.startswith("ff")
    first = plain.partition(".")[0]
    return plain == "255.255.255.255" or (first.isdecimal() and 224 <= int(first) <= 239)


async def _ask(target: Target, probes: Sequence[Probe], options: Options) -> Speaks:
    """Once; and again where several sockets share the address, until each may have answered.

    The kernel spreads connections over the sockets. Together they are spared what one is, for each.
    """
    budget = Budget(target.sharing)
    until = clock.monotonic() + PATIENCE_SECONDS
    said = await _ask_once(target, probes, options, budget, options.patience)
    different = {_identity(said): said}
    for _ in range(_MOST_TRIES):
        rest = until - clock.monotonic()
        if len(different) >= target.sharing or rest <= 0 or said.behaviour == "silent":
            break
        other = await _ask_once(target, probes, options, budget, rest)
        different.setdefault(_identity(other), other)
    if target.sharing == 1:
        return said
    return said._replace(
        also=tuple(different.values())[1:],
        sent_bytes=budget.sent,
        connections=budget.connections,
    )


def _identity(said: Speaks) -> tuple[object, ...]:
    return said.protocol, said.product, said.version, said.behaviour


async def _ask_once(
    target: Target,
    probes: Sequence[Probe],
    options: Options,
    budget: Budget,
    patience: float | None,
) -> Speaks:
    heard = await ask(target, probes, patience=patience, budget=budget)
    if options.transcript:
        options.transcript(target, heard)
    said = tell(target, heard, probes)
    remark = stand_in(target.clues)
    return said._replace(notes=(*said.notes, remark)) if remark else said


def _room() -> int:
    """How many listeners may be asked at a time with the open files that we may have."""
    try:
        import resource
    except ImportError:
        return LISTENERS_AT_A_TIME
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 0:
        return LISTENERS_AT_A_TIME
    return max(1, min(LISTENERS_AT_A_TIME, (soft - _OTHER_FILES) // CONNECTIONS_AT_A_TIME))
