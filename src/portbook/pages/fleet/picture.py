"""The map of the ports, coloured by how many hosts use each: by powers of ten, as years are."""

from portbook.fleet.overview import Counted
from portbook.model.record import Record
from portbook.pages.portmap.scheme import BANDS, Kind, Picture, Scheme

_SPARSE_DARK = "#2a2a2a"


class Band(Record):
    """A class of ports: used by `first` to `last` hosts (None: without an upper end)."""

    name: str
    first: int
    last: int | None


NOBODY = "none"
USES = (
    Band("1", 1, 1),
    Band("2-9", 2, 9),
    Band("10-99", 10, 99),
    Band("100-999", 100, 999),
    Band("1000-9999", 1_000, 9_999),
    Band("10000 on", 10_000, None),
)
"""A logarithmic scale: most ports are used by few hosts, and a few by all."""

FLEET = Scheme(
    "fleet",
    "by how many hosts they are used",
    (
        Kind(NOBODY, ".", "#dedede", _SPARSE_DARK, "no host uses it"),
        # The rising steps of viridis that the map of years has.
        *(
            Kind(band.name, sign, color, color, "hosts use it")
            for band, (_, _, sign, color) in zip(USES, BANDS, strict=True)
        ),
    ),
)


class HostsRun(Record):
    """Neighbouring ports, `first` to `last`, that are used by equally many hosts."""

    first: int
    last: int
    hosts: int


def code(hosts: int) -> int:
    """The place of a number of hosts among the kinds: its digits, and one more for 2 to 9."""
    if hosts < 2:
        return hosts
    return min(len(str(hosts)) + 1, len(USES))


def picture(found: Counted, layout: str, marked: tuple[int, ...] = ()) -> Picture:
    """What is drawn."""
    values = bytes(map(code, found.hosts))
    return Picture(FLEET, values, layout, marked, f"Hosts of a fleet at {found.as_of}.")


def runs(found: Counted) -> tuple[HostsRun, ...]:
    """Every port that some host uses, in order, equal neighbours as one."""
    told: list[HostsRun] = []
    for port, hosts in enumerate(found.hosts):
        if not hosts:
            continue
        if told and told[-1].last == port - 1 and told[-1].hosts == hosts:
            told[-1] = told[-1]._replace(last=port)
        else:
            told.append(HostsRun(port, port, hosts))
    return tuple(told)
