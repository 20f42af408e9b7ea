"""The owner's block of an answer as one sentence: who holds it, and why that is running."""

from portbook.cli.listing import address_of
from portbook.model import Listener, Owner, Unknown

_MOST_ANCESTORS = 6


def chain(row: Listener, *, now: float) -> str:
    """`nginx (pid 812, www-data) ← nginx ← nginx.service, package nginx-light 1.22, started ...`.

    The arrows lead up to what started it; what is not known is left out, for the answer's gaps
    name it already.
    """
    engine = row.published_by
    if row.socket.state == "published" and engine and not isinstance(engine, Unknown):
        return (
            f"{engine.engine} publishes it for container {engine.name} ({engine.image}), "
            "forwarded by the kernel without a socket here"
        )
    if not row.owners:
        return f"{row.kernel or 'the kernel'} itself holds it, {_listening(row)}"
    owner = row.owners[0]
    links = [_holder(owner)]
    if not isinstance(owner.ancestry, Unknown):
        above = [each.name for each in owner.ancestry if each.pid != 1][:_MOST_ANCESTORS]
        links += above
    if isinstance(owner.unit, str):
        facts = owner.unit_facts
        about = facts.description if facts and not isinstance(facts, Unknown) else None
        links.append(f"{owner.unit} ({about})" if about else owner.unit)
    elif not isinstance(owner.ancestry, Unknown) and owner.ancestry:
        links.append(owner.ancestry[-1].name)
    parts = [" ← ".join(links)]
    parts += _origin(owner)
    if row.activation:
        service = row.activation.service
        state = {True: "running", False: "not started"}.get(row.activation.running is True)
        if isinstance(service, str):
            parts.append(f"activated by {row.activation.socket} for {service} ({state})")
        else:
            parts.append(f"activated by {row.activation.socket}")
    if len(row.owners) > 1:
        parts.append(f"shared by {len(row.owners)} processes")
    if isinstance(owner.started, str):
        parts.append(f"started {ago(owner.started, now)}")
    parts.append(_listening(row))
    return ", ".join(parts)


def _holder(owner: Owner) -> str:
    if isinstance(owner.name, Unknown):
        whose = f" of {owner.user}" if isinstance(owner.user, str) else ""
        return f"a hidden process{whose}"
    user = f", {owner.user}" if isinstance(owner.user, str) else ""
    return f"{owner.name} (pid {owner.pid}{user})"


def _origin(owner: Owner) -> list[str]:
    """Container, project and package, each where it is known."""
    parts = []
    engine = owner.engine_container
    if engine and not isinstance(engine, Unknown):
        parts.append(f"{engine.engine} container {engine.name} ({engine.image})")
    elif owner.container and not isinstance(owner.container, Unknown):
        parts.append(f"{owner.container.engine} container {owner.container.id[:12]}")
    if owner.project and not isinstance(owner.project, Unknown):
        branch = f" on {owner.project.branch}" if owner.project.branch else ""
        parts.append(f"project {owner.project.name}{branch} in {owner.project.folder}")
    if owner.package and not isinstance(owner.package, Unknown):
        version = f" {owner.package.version}" if owner.package.version else ""
        parts.append(f"package {owner.package.name}{version}")
    if owner.exe_deleted is True:
        parts.append("its executable is deleted")
    return parts


def _listening(row: Listener) -> str:
    found = row.socket
    if found.address in ("0.0.0.0", "::"):
        where = (
            "every address"
            if found.dual_stack is True
            else f"every {_FAMILY[found.family]} address"
        )
    else:
        where = address_of(row)
    verb = {"bound": "holding without listening", "unconnected": "receiving"}.get(
        found.state, "listening"
    )
    return f"{verb} on {where}"


_FAMILY = {"ipv4": "IPv4", "ipv6": "IPv6"}


def ago(started: str, now: float) -> str:
    """`3 days ago` for an ISO 8601 UTC time, seen from `now` in seconds since 1970."""
    from calendar import timegm
    from time import strptime

    seconds = max(0, int(now - timegm(strptime(started, "%Y-%m-%dT%H:%M:%SZ"))))
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'s' if count != 1 else ''} ago"
    return "just now" if seconds < 5 else f"{seconds} seconds ago"
