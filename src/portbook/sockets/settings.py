"""The kernel's settings about ports (ip-sysctl): ephemeral range, reserved and privileged ports."""

from portbook.host import Host
from portbook.host.privileges import CAP_NET_BIND_SERVICE
from portbook.model import Gap
from portbook.model.record import Record

LINUX_EPHEMERAL = (32768, 60999)
IANA_DYNAMIC = (49152, 65535)


class PortSettings(Record):
    """What the kernel of one host does with port numbers.

    `ephemeral` is the inclusive range that clients get their ports from, `reserved` the ports it
    leaves out, `unprivileged_start` the first port that needs no privilege, `may_bind_privileged`
    whether we have it.
    """

    ephemeral: tuple[int, int]
    reserved: tuple[tuple[int, int], ...]
    unprivileged_start: int
    may_bind_privileged: bool = False
    gaps: tuple[Gap, ...] = ()

    def is_ephemeral(self, port: int) -> bool:
        """Whether the kernel may hand `port` to any client."""
        return self.ephemeral[0] <= port <= self.ephemeral[1]

    def is_reserved(self, port: int) -> bool:
        """Whether the kernel keeps `port` out of that."""
        return any(first <= port <= last for first, last in self.reserved)

    def is_closed_to_us(self, port: int) -> bool:
        """Whether binding `port` takes a privilege that we do not have."""
        return self.is_privileged(port) and not self.may_bind_privileged

    def is_privileged(self, port: int) -> bool:
        """Whether binding `port` takes a privilege."""
        return port < self.unprivileged_start


def read_settings(host: Host) -> PortSettings:
    """The settings of `host`; a value that cannot be read has its default and a gap."""
    if not host.linux:
        return PortSettings(IANA_DYNAMIC, (), 1024)
    gaps: list[Gap] = []

    def ask(name: str) -> str:
        try:
            return host.setting(f"net/ipv4/{name}")
        except OSError as error:
            gaps.append(
                Gap(f"the kernel setting {name}", error.strerror or str(error), "mount /proc")
            )
            return ""

    ephemeral = LINUX_EPHEMERAL
    fields = ask("ip_local_port_range").split()
    if len(fields) == 2 and all(field.isdecimal() for field in fields):
        ephemeral = (int(fields[0]), int(fields[1]))
    start = ask("ip_unprivileged_port_start")
    return PortSettings(
        ephemeral,
        tuple(parse_ranges(ask("ip_local_reserved_ports"))),
        int(start) if start.isdecimal() else 1024,
        host.privileges.has(CAP_NET_BIND_SERVICE),
        tuple(gaps),
    )


def parse_ranges(text: str) -> list[tuple[int, int]]:
    """`8080,9148-9150` as inclusive ranges; what is no number is left out."""
    ranges = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdecimal() and (not last or last.isdecimal()):
            ranges.append((int(first), int(last or first)))
    return ranges
