"""The words that only this machine knows, for a shell that completes: ports, claims, names.

A shell asks with every TAB, so the answer is quick and never an error: what cannot be had is
left out. Nothing is started, connected to but the service of the claims, or written.
"""

import os
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType
    from typing import Any

    from portbook.model import Owner, Socket
    from portbook.model.claim import Claim, Reservation, SemaphoreState

    Pairs = Iterator[tuple[str, str]]

PATIENCE = 0.7
"""Seconds after which a shell gets what was found; a machine may be slow or a service stuck."""
_MOST_ABOUT = 60
"""Characters of a description: a shell shows it beside the word, in what the line has left."""


class TooLate(Exception):
    """The time is over."""


def lines(kind: str, prefix: str) -> list[str]:
    """`WORD<TAB>DESCRIPTION` for each word of a kind that begins with `prefix`; without an error.

    A word with a control character is left out: no shell could put it on a line.
    """
    found: dict[str, str] = {}
    maker = KINDS.get(kind)
    # Whatever goes wrong, a user who pressed TAB can do nothing about it there.
    with suppress(Exception), _InTime():
        for word, about in maker(prefix) if maker else ():
            if word.startswith(prefix) and word.isprintable() and (word not in found or about):
                found[word] = about
    return [f"{word}\t{_short(about)}" for word, about in found.items()]


def _short(about: str) -> str:
    shown = "".join(sign if sign.isprintable() else " " for sign in about)
    return shown if len(shown) <= _MOST_ABOUT else f"{shown[: _MOST_ABOUT - 1]}…"


class _InTime:
    """Raises TooLate after PATIENCE; without a timer where we are not the main thread."""

    def __enter__(self) -> None:
        import signal

        def late(number: int, frame: "FrameType | None") -> None:
            raise TooLate

        try:
            self._before = signal.signal(signal.SIGALRM, late)
        except ValueError:
            self._before = None
            return
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    def __exit__(self, *_: object) -> None:
        import signal

        if self._before is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)


# Ports


def _ports(prefix: str) -> "Pairs":
    """What a PORT can be: a service name by its first letters, or what listens here."""
    if prefix and not prefix[0].isdigit():
        yield from _services(prefix)
    elif "/" in prefix:
        number = prefix.partition("/")[0]
        yield from ((f"{number}/{transport}", "") for transport in _TRANSPORTS)
    else:
        yield from _numbers(prefix)


_TRANSPORTS = ("tcp", "udp", "sctp", "dccp")


def _listening(prefix: str) -> "Pairs":
    """The numbers that listen here and the names that they are registered under."""
    if not prefix or prefix[0].isdigit():
        yield from _ports(prefix)
        return
    from portbook.registry.lookup import lookup

    for socket, holders in _held():
        for each in lookup(socket.port, socket.transport).assignments:
            if each.service:
                yield each.service, f"{socket.port} {_names(holders)}".rstrip()


def _numbers(prefix: str) -> "Pairs":
    from portbook import sockets
    from portbook.host import Host

    found = sockets.read_table(Host()).sockets
    wanted = [row for row in found if str(row.port).startswith(prefix)]
    # First without owners: finding those may take longer than there is time.
    yield from ((str(port), "") for port in sorted({row.port for row in wanted}))
    yield from ((str(socket.port), _names(holders)) for socket, holders in _held(wanted))


def _held(wanted: "Sequence[Socket] | None" = None) -> "Iterator[tuple[Socket, tuple[Owner, ...]]]":
    """Sockets with who holds them, and nothing else that `ls` finds out: that takes longer."""
    from portbook import sockets
    from portbook.host import Host
    from portbook.owners import owners_of

    host = Host()
    found = sockets.read_table(host).sockets if wanted is None else wanted
    if found:
        yield from zip(found, owners_of(host, found), strict=True)


def _names(holders: "Sequence[Owner]") -> str:
    from portbook.cli.listing import owner_text

    return ", ".join(dict.fromkeys(map(owner_text, holders[:3])))


def _services(prefix: str) -> "Pairs":
    from portbook.registry.tables import open_services

    wanted = prefix.lower()
    for line in open_services().body().splitlines():
        # Names are in lower or upper case; whoever types them is understood in either.
        if line[: len(wanted)].lower() == wanted:
            name, _, spans = line.partition("\t")
            if not spans:
                continue  # registered without a port
            yield prefix + name[len(prefix) :], spans.replace("\t", " ")


def _units(prefix: str) -> "Pairs":
    return _known(lambda owner: owner.unit)


def _processes(prefix: str) -> "Pairs":
    return _known(lambda owner: owner.name)


def _users(prefix: str) -> "Pairs":
    return _known(lambda owner: owner.user)


def _known(fact: "Callable[[Owner], object]") -> "Pairs":
    """What is known of the owners of the listeners, with the port of one."""
    for socket, holders in _held():
        for word in map(fact, holders):
            if isinstance(word, str):
                yield word, f"on {socket.port}/{socket.transport}"


def _interfaces(prefix: str) -> "Pairs":
    from portbook.host.interfaces import interfaces

    return ((each.name, each.kind) for each in interfaces())


def _rules(prefix: str) -> "Pairs":
    from portbook.lint.rules import NAMES

    return ((rule, name.replace("_", " ")) for rule, name in NAMES.items())


# Claims


def _claims(prefix: str) -> "Pairs":
    """Ours, each by its name if it has one, its id and its port."""
    from portbook.host import lives

    found: tuple[Claim, ...] = _kept("claims")
    for each in found:
        if each.owner.uid == os.geteuid() and lives.is_alive(each.owner) is not False:
            place = f"{each.port}/{each.transport}"
            if each.name:
                yield each.name, place
            yield str(each.port), f"claim {each.name or each.id}"
            yield each.id, f"{place} {each.name or ''}".rstrip()


def _reservations(prefix: str) -> "Pairs":
    """The names of the project that we stand in."""
    from portbook.host import Host
    from portbook.survey.choosing import project_key
    from portbook.survey.project import project_root

    root = project_root(Host(), os.getcwd())
    found: tuple[Reservation, ...] = _kept("reservations")
    for each in found:
        if each.name and each.uid == os.geteuid() and each.key == project_key(root, each.name):
            yield each.name, str(each.port)


def _semaphores(prefix: str) -> "Pairs":
    found: tuple[SemaphoreState, ...] = _kept("semaphores")
    for each in found:
        used = sum(permit.units for permit in each.held)
        yield each.name, f"{used} of {each.limit}"


def _permits(prefix: str) -> "Pairs":
    found: tuple[SemaphoreState, ...] = _kept("semaphores")
    for each in found:
        for permit in each.held:
            if permit.owner.uid == os.geteuid():
                yield permit.id, each.name


def _kept(what: str) -> "Any":
    """Claims, reservations or semaphores: from the service where one answers, else from the file.

    Unlike the commands we do not become the store's writer for that, and make none.
    """
    from portbook.claims.exchange import connect
    from portbook.claims.places import sockets, store_path

    for path in sockets():
        link = connect(path, PATIENCE / 2)
        if link is not None:
            from portbook.claims.remote import Remote

            remote = Remote(path, link)
            try:
                return getattr(remote, what)()
            finally:
                remote.close()
    if not os.path.lexists(store_path()):
        return ()
    from portbook.claims.sqlite import read_store
    from portbook.host import clock

    return getattr(read_store(store_path(), clock.boot_ms(), clock.boot_id()), what)


KINDS: "dict[str, Callable[[str], Pairs]]" = {
    "ports": _ports,
    "listening": _listening,
    "units": _units,
    "processes": _processes,
    "users": _users,
    "interfaces": _interfaces,
    "rules": _rules,
    "claims": _claims,
    "reservations": _reservations,
    "semaphores": _semaphores,
    "permits": _permits,
}
"""By the word that a script asks for."""
