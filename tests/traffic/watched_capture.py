"""Half a minute at one host, made with scapy: clients, scanners, a probe, backscatter."""

import ipaddress
from pathlib import Path
from typing import Any

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Packet
from scapy.utils import wrpcap

OURS = "198.51.100.7"
CLIENTS = tuple(f"203.0.113.{last}" for last in range(1, 6))
ZMAPS = tuple(f"192.0.2.{last}" for last in range(1, 7))
MIRAIS = tuple(f"192.0.2.{last}" for last in range(100, 103))
NMAP, VICTIM, PROBER = "100.64.9.9", "100.64.1.1", "203.0.113.77"
BEGIN = 1_763_888_400.0
"""2025-11-23T09:00:00Z."""

_STACK = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]
_REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: curl/8.5\x1b[31m\r\n\r\n"
_PAGE = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 2\r\n\r\nok"
_REFUSED = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n"


class Road:
    """Packets with a time each, 10 ms apart where nothing else is said."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self._at = BEGIN

    def put(self, packet: Packet, pause: float = 0.01) -> None:
        """Send one packet after a pause."""
        self._at += pause
        frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet
        frame.time = self._at
        self.packets.append(frame)

    def talk(self, client: str, port: int, request: bytes, reply: bytes) -> None:
        """Take a client's whole connection to our port 80."""
        there = IP(src=client, dst=OURS, ttl=57, flags="DF", id=7)
        here = IP(src=OURS, dst=client, ttl=64, flags="DF", id=8)

        def asks(**fields: Any) -> Packet:
            return there / TCP(sport=port, dport=80, **fields)

        def answers(**fields: Any) -> Packet:
            return here / TCP(sport=80, dport=port, **fields)

        self.put(asks(flags="S", seq=100, window=64240, options=_STACK))
        self.put(answers(flags="SA", seq=500, ack=101, options=_STACK))
        self.put(asks(flags="A", seq=101, ack=501))
        self.put(asks(flags="PA", seq=101, ack=501) / request)
        self.put(answers(flags="PA", seq=501, ack=101 + len(request)) / reply)
        after, end = 101 + len(request), 501 + len(reply)
        self.put(asks(flags="FA", seq=after, ack=end))
        self.put(answers(flags="FA", seq=end, ack=after + 1))
        self.put(asks(flags="A", seq=after + 1, ack=end + 1))

    def refuse(self, source: str, port: int, own_port: int) -> None:
        """Our host's RST to a SYN."""
        tcp = TCP(sport=own_port, dport=port, flags="RA", seq=0, ack=1)
        self.put(IP(src=OURS, dst=source, ttl=64, id=0) / tcp)


def written(path: Path) -> str:
    """The capture as a file, at `path`."""
    road = Road()
    for at, client in enumerate(CLIENTS):
        road.talk(client, 40000 + at, _REQUEST, _PAGE)
    for at, source in enumerate(ZMAPS):
        syn = TCP(sport=50000 + at, dport=3255, flags="S", window=65535, seq=77 + at * 7919)
        road.put(IP(src=source, dst=OURS, id=54321, ttl=240) / syn, 3)
        road.refuse(source, 50000 + at, 3255)
    own = int(ipaddress.ip_address(OURS))
    for at, source in enumerate(MIRAIS):
        syn = TCP(sport=51000 + at, dport=23, flags="S", window=4000 + at, seq=own)
        road.put(IP(src=source, dst=OURS, id=900 + at, ttl=60) / syn, 3)
        road.refuse(source, 51000 + at, 23)
    for port in (22, 443, 3255, 8080, 21, 25, 110):
        syn = TCP(sport=61000, dport=port, flags="S", window=1024, seq=0x05050505)
        syn.options = [("MSS", 1460)]
        road.put(IP(src=NMAP, dst=OURS, ttl=52, id=port) / syn)
        road.refuse(NMAP, 61000, port)
    for at in range(4):
        back = TCP(sport=443, dport=20000 + at * 1000, flags="SA", seq=1, ack=1)
        road.put(IP(src=VICTIM, dst=OURS, ttl=50, id=at) / back)
    hello = b"\x16\x03\x01\x00\x31\x01\x00\x00\x2d\x03\x03" + bytes(32)
    hello += b"\x00\x00\x02\x13\x01\x01\x00\x00\x02\x00\x00"
    road.talk(PROBER, 44444, hello, _REFUSED)
    wrpcap(str(path), road.packets)
    return str(path)
