"""The kind of every port, as one byte each: from the registry, or from a survey of a machine."""

from portbook.model import LAST_PORT, RANGES, Gap, Listener
from portbook.model.record import Record
from portbook.pages.portmap.scheme import HERE, LIFE, RANGE, YEAR, Picture, Scheme, year_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.host import Host

_HELD = {"loopback": "loopback", "other-netns": "elsewhere"}


class Codes(Record):
    """The code of every port in a scheme, where that is from, and what could not be seen.

    `source` says it in a few words of English; a page in another language makes them from
    `sources_checked` and `as_of` (an ISO date; of what a machine listens on, a moment).
    """

    scheme: Scheme
    values: bytes
    source: str
    as_of: str = ""
    sources_checked: int = 0
    gaps: tuple[Gap, ...] = ()

    def picture(self, layout: str, marked: tuple[int, ...] = ()) -> Picture:
        """What is drawn of them."""
        return Picture(self.scheme, self.values, layout, marked, self.source)


def registered(scheme: Scheme) -> Codes:
    """What the registry tells: every scheme but that of this machine.

    Raises:
        TableFault: a table is missing or broken.
        ValueError: the scheme is not the registry's.
    """
    if scheme is RANGE:
        sizes = [(scheme.code(each.name), each.last - each.first + 1) for each in RANGES]
        values = b"".join(bytes((code,)) * size for code, size in sizes)
        return Codes(scheme, values, "Ranges of RFC 6335.")
    from portbook.registry import whole

    if scheme is YEAR:
        years = whole.years()
        known = {year: scheme.code(year_name(year)) for year in set(years)}
        values = bytes(map(known.__getitem__, years))
        return Codes(scheme, values, "Dates of IANA's registry.")
    if scheme is not LIFE:
        raise ValueError(f"the registry does not tell {scheme.name!r}")
    lives = whole.lives()
    known_lives = {kind.name: code for code, kind in enumerate(scheme.kinds)}
    values = bytes(map(known_lives.__getitem__, lives.values))
    source = f"Traces in {lives.sources_checked} public sources, as of {lives.as_of}."
    return Codes(scheme, values, source, lives.as_of, lives.sources_checked)


def held(listeners: tuple[Listener, ...], name: str, at: str, gaps: tuple[Gap, ...] = ()) -> Codes:
    """What the machine `name` held on each port at `at` (ISO); the most notable counts."""
    values = bytearray(LAST_PORT + 1)
    for row in listeners:
        kind = "bound" if row.socket.state == "bound" else _HELD.get(row.reach, "reachable")
        values[row.socket.port] = max(values[row.socket.port], HERE.code(kind))
    return Codes(HERE, bytes(values), f"Sockets of {name} at {at}.", at, gaps=gaps)


def held_by(host: "Host", source: str | None = None) -> Codes:
    """What a host holds now; `source` is where its sockets are read from.

    Raises:
        EnvironmentFault: the socket table or the registry cannot be read.
    """
    from portbook.host import clock
    from portbook.survey import survey

    found = survey(host, source=source)
    return held(found.listeners, host.name, clock.iso(host.now()), found.gaps)
