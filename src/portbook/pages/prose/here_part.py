"""What listens on one port of this machine, in sentences: who holds it, and why that is running."""

from markupsafe import Markup

from portbook.model import Listener, Owner, Unknown
from portbook.model.record import Record
from portbook.pages.live import Snapshot
from portbook.pages.prose.escaped import Escaped, escaped, layer
from portbook.pages.prose.listeners import address_of, holder_of, verdict_names, visible
from portbook.pages.prose.said import Unseen, told, unseen
from portbook.pages.words import Words

_MOST_ABOVE = 6
_MOST_LISTENERS = 50


class Held(Record):
    """One listener: what it does, what is known of its owner, and whether it belongs.

    `verdict` is the value, `said` that value in words, `reasons` are sentences.
    """

    does: Markup
    owner: Markup
    verdict: str
    said: str
    reasons: tuple[Markup, ...]


class HereText(Record):
    """What listens on a port: `at` is when that was seen (ISO 8601, UTC).

    `unseen` is what could not be seen. `more` listeners are not told.
    """

    at: str
    unseen: Unseen
    held: tuple[Held, ...]
    more: int


def here_text(words: Words, found: Snapshot, port: int, transport: str | None = None) -> HereText:
    """What a snapshot has on a port, over one transport or all."""
    rows = [
        row
        for row in found.by_port.get(port, ())
        if transport is None or row.socket.transport == transport
    ]
    said = escaped(words)
    names = verdict_names(words)
    return HereText(
        found.at,
        unseen(words, found),
        tuple(_held(said, names, row) for row in rows[:_MOST_LISTENERS]),
        max(0, len(rows) - _MOST_LISTENERS),
    )


def _held(words: Escaped, names: dict[str, str], row: Listener) -> Held:
    value = row.verdict.value
    reasons = tuple(told(words, reason) for reason in row.verdict.reasons)
    return Held(_does(words, row), _owner(words, row), value, names.get(value, value), reasons)


def _does(words: Escaped, row: Listener) -> Markup:
    engine = row.published_by
    if row.socket.state == "published" and engine and not isinstance(engine, Unknown):
        return words.text(
            "%(engine)s publishes it over %(transport)s for the container %(name)s (%(image)s); the"
            " kernel forwards it without a socket of this machine.",
            engine=visible(engine.engine),
            transport=layer(row.socket.transport),
            name=visible(engine.name),
            image=visible(engine.image),
        )
    told = {
        "holder": Markup("<b>{}</b>").format(holder_of(words.words, row)),
        "transport": layer(row.socket.transport),
        "address": _address(words, row),
    }
    match row.socket.state:
        case "bound":
            return words.text(
                "%(holder)s holds it over %(transport)s on %(address)s, without listening.", **told
            )
        case "unconnected":
            return words.text("%(holder)s receives over %(transport)s on %(address)s.", **told)
    return words.text("%(holder)s listens over %(transport)s on %(address)s.", **told)


def _address(words: Escaped, row: Listener) -> str:
    found = row.socket
    if found.interface or found.address not in ("0.0.0.0", "::"):
        return address_of(row)
    if found.dual_stack is True:
        return words.text("every address")
    if found.family == "ipv6":
        return words.text("every IPv6 address")
    return words.text("every IPv4 address")


def _owner(words: Escaped, row: Listener) -> Markup:
    """Why it is running, one sentence per known fact; what is not known is left out."""
    said = _activation(words, row)
    if row.owners:
        owner = row.owners[0]
        said += [*_process(words, owner), *_origin(words, owner)]
    if isinstance(row.namespace, str):
        said.append(
            words.text("It is in another network namespace: %(name)s.", name=visible(row.namespace))
        )
    return Markup(" ").join(said)


def _activation(words: Escaped, row: Listener) -> list[Markup]:
    """A socket that systemd holds for a service."""
    if row.activation is None:
        return []
    socket, service = visible(row.activation.socket), row.activation.service
    if not isinstance(service, str):
        return [words.text("systemd holds the socket as %(socket)s.", socket=socket)]
    if row.activation.running is True:
        return [
            words.text(
                "systemd holds the socket as %(socket)s for %(service)s, which is running.",
                socket=socket,
                service=visible(service),
            )
        ]
    return [
        words.text(
            "systemd holds the socket as %(socket)s and starts %(service)s when somebody calls.",
            socket=socket,
            service=visible(service),
        )
    ]


def _process(words: Escaped, owner: Owner) -> list[Markup]:
    said = []
    if isinstance(owner.user, str) and isinstance(owner.name, str):
        said.append(words.text("It runs as the user %(user)s.", user=visible(owner.user)))
    if isinstance(owner.started, str):
        said.append(
            words.text("It was started on %(moment)s.", moment=words.words.moment(owner.started))
        )
    if isinstance(owner.unit, str):
        said.append(words.text("It belongs to the unit %(unit)s.", unit=visible(owner.unit)))
    if not isinstance(owner.ancestry, Unknown):
        above = [visible(each.name) for each in owner.ancestry if each.pid != 1][:_MOST_ABOVE]
        if above:
            said.append(words.text("It was started by %(above)s.", above=Markup(" ← ").join(above)))
    if owner.exe_deleted is True:
        said.append(words.text("Its executable is deleted."))
    return said


def _origin(words: Escaped, owner: Owner) -> list[Markup]:
    """Container, project and package, each where it is known."""
    said = []
    engine = owner.engine_container
    if engine and not isinstance(engine, Unknown):
        said.append(
            words.text(
                "It runs in the %(engine)s container %(name)s (%(image)s).",
                engine=visible(engine.engine),
                name=visible(engine.name),
                image=visible(engine.image),
            )
        )
    elif owner.container and not isinstance(owner.container, Unknown):
        said.append(
            words.text(
                "It runs in the %(engine)s container %(name)s.",
                engine=visible(owner.container.engine),
                name=visible(owner.container.id[:12]),
            )
        )
    if owner.project and not isinstance(owner.project, Unknown):
        said.append(
            words.text(
                "It runs from the project %(name)s in %(folder)s.",
                name=visible(owner.project.name),
                folder=visible(owner.project.folder),
            )
        )
    if owner.package and not isinstance(owner.package, Unknown):
        version = f" {owner.package.version}" if owner.package.version else ""
        said.append(
            words.text(
                "It comes from the package %(name)s.",
                name=visible(f"{owner.package.name}{version}"),
            )
        )
    return said
