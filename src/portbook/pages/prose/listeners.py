"""Listeners in a few words each: who holds them, since when, who can reach them, the verdict."""

from portbook.model import Listener, Owner, Unknown
from portbook.pages.words import Words

_LONGEST = 200


def verdict_names(words: Words) -> dict[str, str]:
    """Every verdict in one word."""
    return {
        "expected": words.text("expected"),
        "familiar": words.text("familiar"),
        "unregistered": words.text("unregistered"),
        "mismatch": words.text("mismatch"),
        "suspicious": words.text("suspicious"),
        "unknown": words.text("unknown"),
    }


def verdict_abouts(words: Words) -> dict[str, str]:
    """What every verdict says of a listener."""
    return {
        "expected": words.text("what is registered on this number"),
        "familiar": words.text("a well-known use of this number that nobody registered"),
        "unregistered": words.text("nothing is registered for it, and nothing speaks against it"),
        "mismatch": words.text("something else than what is registered on this number"),
        "suspicious": words.text("something speaks for harm: look at it"),
        "unknown": words.text("too little is known of it"),
    }


def reach_names(words: Words) -> dict[str, str]:
    """From where a listener can be reached."""
    return {
        "loopback": words.text("this machine"),
        "link-local": words.text("the local link"),
        "private": words.text("private networks"),
        "any": words.text("any network"),
        "other-netns": words.text("another network namespace"),
    }


def address_of(row: Listener) -> str:
    """`0.0.0.0`, `[::1]`, `*` for a socket of IPv4 and IPv6, `%eth0` behind a device's own."""
    found = row.socket
    address = f"[{found.address}]" if ":" in found.address else found.address
    text = "*" if found.dual_stack is True else address
    return f"{text}%{visible(found.interface)}" if found.interface else text


def holder_of(words: Words, row: Listener) -> str:
    """Who a person means by the holder: container, service, project or process; and how many more.

    Where the process is hidden, what else is known of it.
    """
    if row.activation and row.owners and row.owners[0].name in ("systemd", "init"):
        service, socket = row.activation.service, visible(row.activation.socket)
        return f"{visible(service)} ({socket})" if isinstance(service, str) else socket
    if not row.owners:
        engine = row.published_by
        if engine and not isinstance(engine, Unknown):
            return f"{visible(engine.name)} ({visible(engine.engine)})"
        if row.kernel:
            return words.text("the kernel (%(part)s)", part=visible(row.kernel))
        return words.text("the kernel")
    first, *more = row.owners
    name = _owner(words, first)
    if not more or isinstance(first.name, Unknown):
        return name
    return words.plural(
        "%(name)s and %(n)s more process",
        "%(name)s and %(n)s more processes",
        len(more),
        name=name,
    )


def _owner(words: Words, owner: Owner) -> str:
    engine = owner.engine_container
    if engine and not isinstance(engine, Unknown):
        return f"{visible(engine.name)} ({visible(engine.engine)})"
    if isinstance(owner.name, str):
        name = visible(owner.name)
        process = f"{name} {owner.pid}" if isinstance(owner.pid, int) else name
        if owner.project and not isinstance(owner.project, Unknown):
            return f"{visible(owner.project.name)} ({process})"
        return f"{name} ({owner.pid})" if isinstance(owner.pid, int) else name
    if owner.container and not isinstance(owner.container, Unknown):
        return f"{visible(owner.container.engine)} {visible(owner.container.id[:12])}"
    if owner.unit and not isinstance(owner.unit, Unknown):
        return visible(owner.unit)
    if owner.name.unknown == "no-process":
        return words.text("the kernel")
    user = visible(owner.user) if isinstance(owner.user, str) else ""
    if owner.name.unknown == "outside":
        return words.text("a process outside of this container")
    if user:
        return words.text("a hidden process of %(user)s", user=user)
    return words.text("a hidden process")


def since_of(row: Listener) -> str | None:
    """When the oldest process that holds it was started (ISO 8601, UTC); None if unknown."""
    started = [each.started for each in row.owners if isinstance(each.started, str)]
    return min(started, default=None)


def visible(text: str) -> str:
    """Outside text with a sign for every character that is not seen, such as a change of direction.

    Whoever names a process could otherwise make a row read as another one.
    """
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in shown)
