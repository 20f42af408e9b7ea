"""What was said on flows: the opener of each, and a few first replies of each own port.

The one place where single packets are looked at: a flow's first payload, and four replies a port.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from portbook.model.traffic import TOOLS, Opener
from portbook.traffic.batch import Batch
from portbook.traffic.flows import IN_SYN
from portbook.traffic.openers import code_of, recognise
from portbook.traffic.openers.programs import SCANNERS
from portbook.traffic.packets import ICMP_ERROR, SCTP, SLOT, SLOTS, SYN, TCP, UDP
from portbook.traffic.table import Table

LONGEST = 2048
"""Bytes of an opener or a reply that are looked at."""
SAMPLES = 4
"""First replies kept of each own port."""
_DETAILED = 100_000
"""Sources whose openers are kept with their details."""
_OPENERS_EACH = 3
_MEMO = 4096
_MEMO_BYTES = 256
_WAITING = 10_000
CUT = 0x80
"""Set in a flow's opener code where the next segment may tell more."""
_TELLTALE = 0x40
"""Set beside an opener's code, while it is read, where it names a scanning program."""
_CODE = np.uint8(0x3F)
CUT_SHORT = 63
"""Instead of an opener's code: nobody recognises the bytes, and not all of them were seen."""
_TELLING = 100
"""From so many bytes on a judge that knows nothing would not know more."""
_SHORT = 16
_WHOLE_SEGMENT = 1000

_GIVEN_AWAY = frozenset(TOOLS) | SCANNERS
_MOST_SAMPLED = 4096
"""Own ports of which replies are kept: 64 MB at the most."""

_NAMES = {TCP: "tcp", UDP: "udp", SCTP: "sctp"}


class Speech:
    """Openers by source, and samples by own port."""

    def __init__(self) -> None:
        self.openers: dict[int, list[Opener]] = {}
        self._samples: dict[tuple[int, int], list[tuple[bytes, bytes]]] = {}
        self._memo: dict[tuple[int, bytes, int], tuple[int, Opener]] = {}
        self._waiting: dict[int, bytes] = {}
        self._begun: dict[int, bytes] = {}
        self._wanting = np.ones((SLOTS, 65536), np.bool_)

    def listen(self, batch: Batch, flows: Table, sources: Table) -> None:
        """Read the first payload of flows that have not been heard yet, and wanted replies."""
        packets, rows = batch.packets, batch.rows
        said = np.flatnonzero(packets.payload_kept > 0)
        said = said[(packets.kind[said] != ICMP_ERROR) & (packets.protocol[said] != SCTP)]
        said = said[flows["contact"][rows[said]] >= 0]
        # Only of flows whose beginning was seen: later bytes are neither opener nor first reply.
        begun = flows["bits"][rows[said]] & np.uint32(IN_SYN) != 0
        said = said[begun | (packets.protocol[said] == UDP)]
        theirs = said[~batch.outbound[said]]
        while (theirs := theirs[_wanted(flows["opener"][rows[theirs]])]).size:
            # What stands at the next byte after the SYN, and no later segment.
            # Bytes in the SYN itself stand behind it (RFC 7413).
            at = packets.sequence[theirs] + (packets.flags[theirs] & np.uint8(SYN) != 0)
            due = at.astype(np.uint32) == flows["due"][rows[theirs]]
            now = theirs[due | (packets.protocol[theirs] == UDP)]
            if not now.size:
                break
            first = np.unique(rows[now], return_index=True)[1]
            self._hear(batch, now[first], flows, sources)
        ours = said[batch.outbound[said]]
        ours = ours[self._wanting[SLOT[packets.protocol[ours]], batch.own_port[ours]]]
        if ours.size:
            first = np.unique(rows[ours], return_index=True)[1]
            self._sample(batch, ours[first], flows)

    def samples(self) -> Iterator[tuple[str, int, list[tuple[bytes, bytes]]]]:
        """Of each own port that answered: transport, port, and pairs of opener and first reply."""
        for (protocol, port), pairs in sorted(self._samples.items()):
            yield _NAMES[protocol], port, pairs

    def renamed(self, renamed: NDArray[np.int64], flows: Table) -> None:
        """Sources have got new rows (-1: forgotten), and so flows other keys."""
        self.openers = {
            int(renamed[row]): openers for row, openers in self.openers.items() if renamed[row] >= 0
        }
        self._waiting.clear()
        self._begun.clear()
        openers = flows["opener"]
        openers[openers == CUT | 1] = CUT_SHORT
        openers &= _CODE

    def _hear(self, batch: Batch, which: NDArray[np.intp], flows: Table, sources: Table) -> None:
        packets = batch.packets
        data = memoryview(packets.buffer)
        begin = packets.payload_at[which]
        ends = begin + np.minimum(packets.payload_kept[which], LONGEST)
        protocols, ports = packets.protocol[which], batch.own_port[which]
        openers = [
            bytes(data[at:end]) for at, end in zip(begin.tolist(), ends.tolist(), strict=True)
        ]
        flow_rows = batch.rows[which]
        earlier = np.flatnonzero(flows["opener"][flow_rows] & CUT)
        for each in earlier.tolist():
            former = self._begun.pop(int(flows["key"][flow_rows[each]]), b"")
            openers[each] = (former + openers[each])[:LONGEST]
        memo = self._memo
        known = [
            memo.get(visit) or self._recognised(*visit)
            for visit in zip(protocols.tolist(), openers, ports.tolist(), strict=True)
        ]
        told = [opener for _, opener in known]
        heard = np.array([code for code, _ in known], np.uint8)
        # A snap length may have cut what would have told: such bytes are held against nobody.
        short = packets.payload_kept[which] < np.minimum(packets.payload[which], _TELLING)
        heard[short & (heard & _CODE == 1)] = CUT_SHORT
        heard[earlier] &= np.uint8(~CUT & 0xFF)
        for each in np.flatnonzero(heard & CUT).tolist():
            _keep(self._begun, int(flows["key"][flow_rows[each]]), openers[each])
            due = int(flows["due"][flow_rows[each]]) + len(openers[each])
            flows["due"][flow_rows[each]] = due & 0xFFFFFFFF
        flows["opener"][flow_rows] = heard & np.uint8(~_TELLTALE & 0xFF)
        wanted = np.flatnonzero(self._wanting[SLOT[protocols], ports])[-_WAITING:]
        keys = flows["key"][flow_rows[wanted]].tolist()
        for each, key in zip(wanted.tolist(), keys, strict=True):
            _keep(self._waiting, key, openers[each])
        # What a source says again is known: most of it, so that few are looked at one by one.
        source = flows["source"][flow_rows]
        bit = np.left_shift(np.uint64(1), (heard & _CODE).astype(np.uint64))
        fresh = np.flatnonzero(sources["said"][source] & bit == 0)
        np.bitwise_or.at(sources.column("said"), source, bit)
        # A scanning program may show in a later request alone.
        telling = np.flatnonzero(heard & _TELLTALE)
        again = np.union1d(np.union1d(fresh, earlier), telling)
        for each, row in zip(again.tolist(), source[again].tolist(), strict=True):
            self._remember(row, told[each], sources)

    def _recognised(self, protocol: int, opener: bytes, port: int) -> tuple[int, Opener]:
        told = recognise(_NAMES[protocol], opener, port)
        # A guess is no protocol: what is only resembled is never held against a source.
        code = code_of(told.protocol if told.confidence != "guess" else None)
        if protocol == TCP and _is_cut(opener, told):
            code |= CUT
        if told.tool in _GIVEN_AWAY:
            code |= _TELLTALE
        answer = code, told
        if len(opener) <= _MEMO_BYTES:
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            self._memo[protocol, opener, port] = answer
        return answer

    def _remember(self, source: int, told: Opener, sources: Table) -> None:
        if told.tool in TOOLS:
            sources["tool"][source] = TOOLS.index(told.tool) + 1
        elif told.tool in SCANNERS and not sources["tool"][source]:
            sources["tool"][source] = len(TOOLS) + 1
        known = self.openers.get(source)
        if known is None:
            if len(self.openers) < _DETAILED:
                self.openers[source] = [told]
        elif told.protocol == known[-1].protocol and len(told.details) > len(known[-1].details):
            known[-1] = told
        elif len(known) < _OPENERS_EACH and told.protocol not in [each.protocol for each in known]:
            known.append(told)

    def _sample(self, batch: Batch, which: NDArray[np.intp], flows: Table) -> None:
        packets = batch.packets
        data = memoryview(packets.buffer)
        for each in which.tolist():
            protocol, port = int(packets.protocol[each]), int(batch.own_port[each])
            if len(self._samples) >= _MOST_SAMPLED and (protocol, port) not in self._samples:
                continue
            pairs = self._samples.setdefault((protocol, port), [])
            if len(pairs) >= SAMPLES:
                self._wanting[SLOT[protocol], port] = False
                continue
            at, kept = int(packets.payload_at[each]), int(packets.payload_kept[each])
            opener = self._waiting.pop(int(flows["key"][batch.rows[each]]), b"")
            pairs.append((opener, bytes(data[at : at + min(kept, LONGEST)])))


def _keep(held: dict[int, bytes], flow: int, opener: bytes) -> None:
    """Keep an opener for what comes later in its flow; the older half makes room."""
    if len(held) >= _WAITING:
        # All at once: looking for the first key of a dict walks over those deleted before it.
        for key in list(held)[: len(held) // 2]:
            del held[key]
    held[flow] = opener


def _wanted(openers: NDArray[np.uint8]) -> NDArray[np.bool_]:
    wanted: NDArray[np.bool_] = (openers == 0) | (openers & CUT != 0)
    return wanted


def _is_cut(opener: bytes, told: Opener) -> bool:
    """Whether the next segment is worth waiting for.

    Some clients write a length alone first (git); a TLS hello with post-quantum keys is longer than
    a segment, and the name may be in the second.
    """
    if len(opener) < _SHORT:
        return told.protocol is None or told.confidence == "guess"
    named = any(name == "sni" for name, _ in told.details)
    return told.protocol == "tls" and not named and _WHOLE_SEGMENT < len(opener) < LONGEST
