"""The containers of this host as their engines tell them, all engines within one deadline.

What the kernel says (the id in a cgroup path, `Owner.container`) and what an engine says
(`EngineContainer`) stay two values; `container_of` joins them by the id.
"""

from portbook.host import Host, clock
from portbook.model import Container, EngineContainer, Gap, Owner, Said, Verbatim, reason_of
from portbook.model.record import Record
from portbook.owners.contained import Contained, Engines
from portbook.owners.engine_files import named_in_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.owners.engine_sockets import EngineSocket

MOST_ENGINES = 16
_FOR_APIS = 0.8
"""The part of the deadline that the APIs have; the rest is for what files say instead."""


class _Answer(Record):
    engine: str
    containers: tuple[Contained, ...]
    gap: Gap | None
    answered: bool


def engines_of(host: Host, *, deadline: float = 1.0) -> Engines:
    """Every container that an engine of this host names, each once; running ones where it says so.

    Never raises, and takes no longer than `deadline` seconds for all engines together: one that
    hangs, refuses or talks nonsense is a gap. Without an engine it costs a few stat() calls. A
    recorded host answers with the replies in its `/engines/*.json`.
    """
    begun = clock.monotonic()
    gaps: list[Gap] = []
    if host.live:
        from portbook.owners.engine_sockets import engine_sockets

        sockets, gaps = engine_sockets(host)
        answers = _ask_all(sockets[:MOST_ENGINES], begun + _FOR_APIS * deadline, deadline)
    else:
        answers = _recorded(host)
    gaps += [each.gap for each in answers if each.gap]
    told = {found.id: found for each in reversed(answers) for found in each.containers}
    answered = {each.engine for each in answers if each.answered}
    if host.linux:
        for found in named_in_files(host, answered, until=begun + deadline):
            told.setdefault(found.id, found)
    return Engines(tuple(told.values()), tuple(gaps))


def container_of(owner: Owner, engines: Engines) -> EngineContainer | None:
    """The container whose cgroup the owner is in, as its engine describes it.

    Ask `proxied_container` first: the proxy that forwards to a container may run in its cgroup.
    """
    if not isinstance(owner.container, Container):
        return None
    found = engines.by_id(owner.container.id)
    return found.matched("cgroup") if found else None


def _ask_all(sockets: "list[EngineSocket]", until: float, deadline: float) -> list[_Answer]:
    """Ask all at once: one that hangs takes no time from another."""
    if len(sockets) < 2:
        return [_ask(each, until, deadline) for each in sockets]
    from threading import Thread

    answers: dict[int, _Answer] = {}

    def ask(index: int) -> None:
        answers[index] = _ask(sockets[index], until, deadline)

    threads = [Thread(target=ask, args=(index,), daemon=True) for index in range(len(sockets))]
    for thread in threads:
        thread.start()
    last = until + 0.1 * deadline
    for thread in threads:
        thread.join(max(0.0, last - clock.monotonic()))
    return [
        answers.get(index) or _Answer(each.engine, (), _late(each, deadline), answered=False)
        for index, each in enumerate(sockets)
    ]


def _ask(socket: "EngineSocket", until: float, deadline: float) -> _Answer:
    from portbook.owners.engine_api import ask
    from portbook.owners.engine_replies import BadAnswer
    from portbook.owners.engine_sockets import denied

    gap: Gap | None
    try:
        told = ask(socket.api, until=until)
    except (ConnectionRefusedError, FileNotFoundError):
        gap = None  # the socket of an engine that does not run
    except TimeoutError:
        gap = _late(socket, deadline)
    except PermissionError:
        gap = denied(socket)
    except BadAnswer as error:
        gap = _gap(socket, reason_of(error))
    except OSError as error:
        why = error.strerror or type(error).__name__
        gap = _gap(socket, why if isinstance(why, Said) else Verbatim(why.lower()))
    else:
        gap = _gap(socket, _unreadable(told.skipped)) if told.skipped else None
        return _Answer(told.engine, told.containers, gap, answered=True)
    return _Answer(socket.engine, (), gap, answered=False)


def _gap(socket: "EngineSocket", why: str) -> Gap:
    return Gap(
        Said("containers of %(engine)s", engine=socket.engine),
        Said("%(where)s: %(why)s", where=socket.api, why=why),
        Said("see whether the engine works: docker ps, podman ps"),
    )


def _late(socket: "EngineSocket", deadline: float) -> Gap:
    return _gap(socket, Said("no answer within %(seconds)s s", seconds=f"{deadline:g}"))


def _unreadable(entries: int) -> Said:
    return Said.plural("%(n)s entries are unreadable", "%(n)s entries are unreadable", entries)


def _recorded(host: Host) -> list[_Answer]:
    """What the engines of a recorded host answered to `GET /containers/json`."""
    from portbook.owners.engine_replies import BadAnswer, containers_in

    try:
        names = sorted(name for name in host.names("/engines") if name.endswith(".json"))
    except OSError:
        return []
    answers = []
    for name in names:
        engine = name.removesuffix(".json")
        try:
            told = containers_in(host.read(f"/engines/{name}"), engine)
            answers.append(_Answer(engine, told.containers, None, answered=True))
        except (OSError, BadAnswer) as error:
            why = reason_of(error) if isinstance(error, BadAnswer) else Verbatim(error)
            gap = Gap(Said("containers of %(engine)s", engine=engine), why)
            answers.append(_Answer(engine, (), gap, answered=False))
    return answers
