"""Port numbers out of tools' own files: one pure function a format, text in, `Use`s out.

Only numbers and short product names are taken; sentences of the tools are not.
"""

import re
from collections.abc import Iterator
from configparser import ConfigParser
from typing import NamedTuple
from xml.etree import ElementTree as ET

WIDEST = 16
"""A range of more ports than this says nothing about any of them."""

_TRANSPORTS = ("tcp", "udp", "sctp", "dccp")


class Use(NamedTuple):
    """A product on a number. `transport` is empty where the file does not say."""

    port: int
    transport: str
    product: str


def span(text: str, separator: str = "-") -> range:
    """The ports of `N` or `N-M`; none when it is open, no number, or too wide."""
    first, dash, last = text.partition(separator)
    last = last if dash else first
    if not first.isdigit() or not last.isdigit():
        return range(0)
    ports = range(int(first), int(last) + 1)
    return ports if len(ports) <= WIDEST and ports.stop <= 65536 else range(0)


def decodes(text: str) -> Iterator[Use]:
    """`tshark -G decodes`: table, value, protocol. Only the tables of transports are ports."""
    groups: dict[tuple[str, str], list[int]] = {}
    for line in text.splitlines():
        table, _, rest = line.partition("\t")
        value, _, protocol = rest.partition("\t")
        transport, dot, key = table.partition(".")
        if dot and key == "port" and transport in _TRANSPORTS and value.isdigit():
            groups.setdefault((transport, protocol), []).append(int(value))
    for (transport, protocol), ports in groups.items():
        # Ranges are printed port by port: put them together again to see how wide they are.
        for run in _runs(sorted(set(ports))):
            if len(run) <= WIDEST:
                yield from (Use(port, transport, protocol) for port in run if port)


def services(text: str) -> Iterator[Use]:
    """/etc/services: name, number/transport, aliases, comment."""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) >= 2:
            port, _, transport = words[1].partition("/")
            yield Use(int(port), transport, words[0])


def firewalld(name: str, text: str) -> Iterator[Use]:
    """One firewalld service: <port protocol="tcp" port="80-81"/>. Helpers and sources are not."""
    for port in ET.fromstring(text).iter("port"):
        for number in span(port.get("port", "")):
            yield Use(number, port.get("protocol", ""), name)


def ufw(text: str, *, titles: bool) -> Iterator[Use]:
    """Profiles of ufw: `ports=80,443/tcp|53` under [Name]; `titles` prefers title=."""
    parser = ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.read_string(text)
    for section in parser.sections():
        name = parser.get(section, "title", fallback=section) if titles else section
        for part in parser.get(section, "ports", fallback="").split("|"):
            numbers, _, transport = part.strip().partition("/")
            for number in numbers.split(","):
                yield from (Use(port, transport, name) for port in span(number, ":"))


def shorewall(name: str, text: str) -> Iterator[Use]:
    """One macro: ACTION SOURCE DEST PROTO DPORT, the last a list with `:` for ranges."""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) >= 5 and words[0] == "PARAM":
            for transport in words[3].split(","):
                for number in words[4].split(","):
                    if transport in _TRANSPORTS:
                        yield from (Use(port, transport, name) for port in span(number, ":"))


def firehol(text: str) -> Iterator[Use]:
    """`server_NAME_ports="tcp/80 udp/5060:5061"`, one line a service."""
    for name, value in re.findall(r'^server_(\w+)_ports="([^"]*)"', text, re.MULTILINE):
        for word in value.split():
            transport, _, numbers = word.partition("/")
            for number in numbers.split(",") if transport in _TRANSPORTS else ():
                yield from (Use(port, transport, name) for port in span(number, ":"))


def bindings(text: str) -> Iterator[Use]:
    """What tools/registry_scapy.py prints: transport, number, layer."""
    for line in text.splitlines():
        transport, port, layer = line.split("\t")
        yield Use(int(port), transport, layer)


def facts(text: str) -> Iterator[Use]:
    """A facts table: source, port or range, transport, product, note."""
    for line in text.splitlines()[1:]:
        _, ports, transport, product, _ = line.split("\t")
        yield from (Use(port, transport, product) for port in span(ports))


def _runs(ports: list[int]) -> Iterator[list[int]]:
    """Sorted numbers, cut where they are not consecutive."""
    run: list[int] = []
    for port in ports:
        if run and port != run[-1] + 1:
            yield run
            run = []
        run.append(port)
    if run:
        yield run
