"""Clients with TCP of other systems than this one: a small stack that looks like theirs.

    python tools/traffic_stacks.py < plans

Runs inside the namespace of the visitors, whose kernel drops what comes for these addresses. The
plans are a JSON array: `source`, `target`, `mac` of the target, `at` (seconds), `port`, `data`
(what the client says first, hexadecimal), `times` and `every`, and `system`: a key of `SYSTEMS`.
Each connection is whole: handshake, words both ways, and an end from the client's side.
"""

import ipaddress
import json
import socket
import struct
import sys
import time
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from tools.traffic_frames import (  # noqa: E402 - after the path is set
    ACK,
    BSD,
    FIN,
    MSS,
    PSH,
    RST,
    SYN,
    WINDOWS,
    tcp,
)

_SACK, _STAMP = b"\x04\x02", b"\x08\x0a\0\0\x10\0\0\0\0\0"
_WAIT = 0.4


class System(NamedTuple):
    """How a system's first packet looks."""

    ttl: int
    window: int
    options: bytes
    dont_fragment: bool


SYSTEMS = {
    "Windows 11": System(128, 64240, WINDOWS, True),
    "Windows 11, window 65535": System(128, 65535, WINDOWS, True),
    "macOS": System(64, 65535, BSD, True),
    "macOS, DF lost on the way": System(64, 65535, BSD, False),
    "FreeBSD": System(64, 65535, MSS + b"\x01\x03\x03\x06" + _SACK + _STAMP, True),
    "OpenBSD": System(
        64, 16384, MSS + b"\x01\x01" + _SACK + b"\x01\x03\x03\x06\x01\x01" + _STAMP, True
    ),
    "lwIP device": System(255, 5760, MSS, False),
    "Cisco IOS": System(255, 4128, MSS, False),
    "uIP device": System(64, 1240, b"\x02\x04\x04\xd8", False),
    "Windows XP": System(128, 65535, MSS + b"\x01\x01" + _SACK, True),
}
"""Measured by many, for one in the signatures of passive fingerprinting; DF lost: some routers."""


class _Flow:
    """One connection of a plan."""

    def __init__(self, plan: dict[str, Any], own: int, chance: Random) -> None:
        self.plan = plan
        self.own = own
        self.system = SYSTEMS[plan["system"]]
        self.next = chance.getrandbits(32)
        self.theirs = 0
        self.ends: float | None = None
        self.done = False
        self._id = chance.getrandbits(16)
        self._mac = bytes.fromhex(plan["mac"].replace(":", ""))

    def frame(self, flags: int, data: bytes = b"") -> bytes:
        """The next packet of ours."""
        self._id = self._id + 1 & 0xFFFF
        first = flags == SYN
        made = tcp(
            1,
            source=int(ipaddress.IPv4Address(self.plan["source"])),
            destination=int(ipaddress.IPv4Address(self.plan["target"])),
            source_port=self.own,
            destination_port=self.plan["port"],
            flags=flags,
            sequence=self.next,
            acknowledgement=0 if first else self.theirs,
            window=self.system.window,
            ttl=self.system.ttl - 9,
            dont_fragment=self.system.dont_fragment,
            ip_id=self._id,
            options=self.system.options if first else b"",
            payload=data,
        )
        self.next = self.next + len(data) + bool(flags & (SYN | FIN)) & 0xFFFFFFFF
        return self._mac + made.tobytes()[6:]

    def answer(self, flags: int, sequence: int, size: int, now: float) -> list[bytes]:
        """What we send when this came."""
        if flags & RST or self.done:
            self.done = True
            return []
        if flags & SYN:
            self.theirs = sequence + 1 & 0xFFFFFFFF
            self.ends = now + 3.0
            data = bytes.fromhex(self.plan["data"])
            return [self.frame(ACK), *([self.frame(PSH | ACK, data)] if data else [])]
        if not size and not flags & FIN:
            return []
        self.theirs = sequence + size + bool(flags & FIN) & 0xFFFFFFFF
        if flags & FIN:
            self.done = True
            return [self.frame(FIN | ACK if self.ends else ACK)]
        if self.ends:
            self.ends = now + _WAIT
        return [self.frame(ACK)]


def main() -> None:
    """Let all of them talk."""
    plans = json.load(sys.stdin)
    chance = Random(len(plans))
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    wire.bind(("wire", 0))
    begin = time.monotonic()
    due = sorted(
        (
            (plan["at"] + i * plan.get("every", 1.0), i, plan)
            for plan in plans
            for i in _turns(plan)
        ),
        key=lambda item: item[0],
    )
    flows: dict[tuple[bytes, int], _Flow] = {}
    while due or any(not flow.done for flow in flows.values()):
        now = time.monotonic() - begin
        while due and due[0][0] <= now:
            _, turn, plan = due.pop(0)
            flow = _Flow(plan, 49152 + 7 * turn + chance.randrange(7), chance)
            flows[socket.inet_aton(plan["source"]), flow.own] = flow
            wire.send(flow.frame(SYN))
        for flow in flows.values():
            if flow.ends and now >= flow.ends and not flow.done:
                flow.ends = None
                wire.send(flow.frame(FIN | ACK))
        if now > 120:
            return
        wire.settimeout(0.05)
        try:
            packet = wire.recv(65536)
        except TimeoutError:
            continue
        if packet[23] != 6:
            continue
        at = 14 + (packet[14] & 15) * 4
        port, sequence = struct.unpack_from(">2xHI", packet, at)
        found = flows.get((packet[30:34], port))
        if found:
            size = struct.unpack_from(">H", packet, 16)[0] - at + 14 - (packet[at + 12] >> 4) * 4
            for frame in found.answer(packet[at + 13], sequence, size, now):
                wire.send(frame)


def _turns(plan: dict[str, Any]) -> range:
    return range(plan.get("times", 1))


if __name__ == "__main__":
    main()
