"""Unit files of systemd: what a .socket listens on, what a .service starts, Quadlet's containers.

systemd.socket(5), systemd.service(5), podman-systemd.unit(5).
"""

import re

from portbook.lint.command_line import ports_in_command
from portbook.lint.endpoint import Endpoint, Gathering, endpoint, number
from portbook.lint.images import Image, image_name, image_of
from portbook.lint.reading import Fault, Reading
from portbook.lint.source import Source
from portbook.lint.unit_file import Setting, settings, words
from portbook.model.declared import ON_THE_MACHINE, Declared

FORM = "systemd"

_OURS = re.compile(r"^[ \t]*\[(?:Socket|Service|Container|Pod)\]", re.MULTILINE)
_LISTENS = {"ListenStream": "tcp", "ListenDatagram": "udp", "ListenSequentialPacket": "tcp"}
_PROTOCOLS = {"sctp": "sctp", "mptcp": "tcp", "tcp": "tcp", "udp": "udp"}
_PUBLISH = re.compile(
    r"(?:(?P<host>\[[^\[\]\s]*\]|[^\s:\[\]]*):)?(?:(?P<outer>[0-9]{0,7}(?:-[0-9]{1,7})?):)?"
    r"(?P<inner>[0-9]{1,7}(?:-[0-9]{1,7})?)(?:/(?P<transport>tcp|udp|sctp))?"
)
_PORT_NAME = re.compile(r"(?:\w+_)?PORT", re.IGNORECASE)
_PREFIX = re.compile(r"[-@:+!|\s]*")
_STARTS = ("ExecStart", "ExecStartPre", "ExecStartPost")


def wants(source: Source) -> bool:
    """Whether it is a unit: D-Bus, Avahi and Perl's documentation end in the same words."""
    return _OURS.search(source.text) is not None


def read(source: Source) -> Reading:
    """What a unit declares."""
    found = list(settings(source))
    runs = _runs(source, found)
    image = _image(found)
    ports = Gathering(source, FORM, runs, image_name(image) if image else None)
    known = image_of(image) if image else None
    faults: list[Fault] = []
    declared: list[Declared] = []
    for each in found:
        if each.section in ("Container", "Pod") and each.key == "PublishPort":
            if not _publish(ports, source, each, known):
                line = source.place(each.offset, 1).line
                faults.append(Fault(line, "PublishPort is not understood"))
        elif each.section == "Container" and each.key == "ExposeHostPort":
            ports.add(each.offset, number(each.value), "container", source.name)
        elif each.key == "Environment" and each.section in ("Service", "Container"):
            _environment(ports, each)
        elif each.section == "Service" and each.key in _STARTS:
            declared += _command(source, runs, each)
    _sockets(ports, source, found)
    declared += ports.declared
    declared.sort(key=lambda one: (one.place.line, one.place.column))
    return Reading(tuple(declared), (), tuple(faults))


def _runs(source: Source, found: list[Setting]) -> str:
    """A socket and the service that it starts are one program."""
    stem = source.name.rpartition(".")[0]
    for each in found:
        if each.section == "Socket" and each.key == "Service" and each.value:
            stem = each.value.removesuffix(".service")
    return f"unit:{source.folder}/{stem.rstrip('@')}"


def _image(found: list[Setting]) -> str | None:
    """The image of a container, without systemd's specifiers."""
    for each in found:
        if each.section == "Container" and each.key == "Image" and "%" not in each.value:
            return each.value
    return None


def _sockets(ports: Gathering, source: Source, found: list[Setting]) -> None:
    """An empty value takes back every address that stands before it."""
    socket = [each for each in found if each.section == "Socket"]
    values = {each.key: each.value for each in socket}
    protocol = _PROTOCOLS.get(values.get("SocketProtocol", ""))
    # A number alone is bound to every address of both families, unless this says otherwise.
    everywhere = "::" if values.get("BindIPv6Only") == "ipv6-only" else None
    listens: list[Setting] = []
    for each in socket:
        if each.key in _LISTENS:
            if each.value:
                listens.append(each)
            else:
                listens.clear()
    for each in listens:
        if each.key == "ListenSequentialPacket" and protocol is None:
            continue  # Only sockets of the file system have it, and SCTP.
        transport = protocol or _LISTENS[each.key]
        address = each.value.partition("%")[0]  # `[fe80::1]:80%eth0` names an interface.
        ports.add(
            each.offset,
            endpoint(address),
            "listen",
            source.name,
            transport=transport,
            address=everywhere,
        )


def _publish(ports: Gathering, source: Source, each: Setting, known: Image | None) -> bool:
    """`[[address]:[outer]:]inner[/transport]`; without an outer port podman chooses one."""
    found = _PUBLISH.fullmatch(each.value)
    if found is None:
        # A variable or a specifier is no number, and no mistake.
        return not each.value or "%" in each.value or "$" in each.value
    host, outer = found["host"], found["outer"]
    start = found.start("outer")
    if outer is None and host is not None and number(host):
        host, outer, start = None, host, found.start("host")
    transport = found["transport"] or "tcp"
    inner = _range(found["inner"], found.start("inner"))
    speaks = None
    if known is not None and inner is not None and known.ports[:1] == (inner.first,):
        speaks = known.speaks
    if outer:
        spot = _range(outer, start)
        address = (host or "").strip("[]") or None
        ports.add(
            each.offset,
            spot,
            "publish",
            source.name,
            transport=transport,
            address=address,
            speaks=speaks,
        )
    ports.add(each.offset, inner, "container", source.name, transport=transport, speaks=speaks)
    return True


def _range(text: str, start: int) -> Endpoint | None:
    found = number(text)
    return found._replace(start=start + found.start) if found else None


def _environment(ports: Gathering, each: Setting) -> None:
    for word, at in words(each.value):
        name, equals, value = word.partition("=")
        if equals and _PORT_NAME.fullmatch(name):
            value = value.strip("\"'")
            begins = each.offset + at + word.index(value, len(name) + 1)
            ports.add(begins, number(value), "setting", name)


def _command(source: Source, runs: str, each: Setting) -> list[Declared]:
    """What the command line of a service tells; `-`, `@` and others before it say how it runs."""
    prefix = _PREFIX.match(each.value)
    begins = each.offset + (prefix.end() if prefix else 0)
    found = []
    for port in ports_in_command(each.value[prefix.end() if prefix else 0 :]):
        own = port.role in ON_THE_MACHINE
        found.append(
            Declared(
                source.place(begins + port.offset, port.length),
                port.first,
                port.last,
                port.role,
                source.name,
                FORM,
                transport=port.transport,
                address=port.address,
                speaks=port.speaks,
                product=port.program if port.role != "client" else None,
                runs=runs if own else None,
            )
        )
    return found
