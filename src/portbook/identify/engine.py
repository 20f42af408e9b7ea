"""Identification of many listeners at once, each within its own bounds."""

import asyncio
from collections.abc import Callable, Sequence

from portbook.host import clock
from portbook.identify.agreement import stand_in
from portbook.identify.asking import Heard, ask
from portbook.identify.clues import suggested
from portbook.identify.limits import (
    BUSY_AT_A_TIME,
    BUSY_SECONDS,
    LISTENERS_AT_A_TIME,
    PATIENCE_SECONDS,
    PRINTER_PORTS,
    SENT_BYTES,
)
from portbook.identify.order import ladder, takes_anything
from portbook.identify.probe import Probe
from portbook.identify.telling import tell, unasked
from portbook.model.record import Record
from portbook.model.speaks import Speaks, Target

_MOST_TRIES = 16


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


def identify(targets: Sequence[Target], options: Options = Options()) -> list[Speaks]:  # noqa: B008 - immutable
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
    room = asyncio.Semaphore(LISTENERS_AT_A_TIME)
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
    if target.port in PRINTER_PORTS and not options.printers:
        return unasked(target, probes, "printers print what they are sent: --include-printers asks")
    if target.client and not probes:
        return unasked(target, probes, "a UDP socket on an ephemeral number is a client's own")
    if probes and (probes[0].sink or probes[0].fragile):
        return unasked(target, probes, "no harmless question exists for what the process serves")
    if not probes and takes_anything(target.port, target.transport):
        return unasked(target, probes, "what lives on this number takes anything for data")
    said = await _ask_once(target, probes, options)
    if target.sharing < 2:
        return said
    # The kernel spreads connections over the sockets of the port: ask until each may have answered.
    different = {_identity(said): said}
    until = clock.monotonic() + PATIENCE_SECONDS
    sent = said.sent_bytes
    for _ in range(_MOST_TRIES):
        enough = len(different) >= target.sharing or sent > SENT_BYTES * (target.sharing - 1)
        if enough or clock.monotonic() > until:
            break
        other = await _ask_once(target, probes, options)
        sent += other.sent_bytes
        different.setdefault(_identity(other), other)
    return said._replace(also=tuple(different.values())[1:], sent_bytes=sent)


def _identity(said: Speaks) -> tuple[object, ...]:
    return said.protocol, said.product, said.version, said.behaviour


async def _ask_once(target: Target, probes: Sequence[Probe], options: Options) -> Speaks:
    heard = await ask(target, probes, patience=options.patience)
    if options.transcript:
        options.transcript(target, heard)
    said = tell(target, heard, probes)
    remark = stand_in(target.clues)
    return said._replace(notes=(*said.notes, remark)) if remark else said
