"""What `portbook run` says on stderr: one line each, and where it can, the way out."""

import os
import sys
from collections.abc import Sequence

from portbook.cli.render import safe
from portbook.model.claim import ClaimRefused, ClaimRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.claims.access import Access
    from portbook.cli.run_plan import Given
    from portbook.survey.running import Place

_ANY = ("0.0.0.0", "::", "*")


def say(text: str, hint: str = "") -> None:
    """A line, and a hint below; nothing where stderr is gone."""
    if sys.stderr is None:
        return
    try:
        print(f"portbook: {safe(text)}", file=sys.stderr)
        if hint:
            print(f"hint: {safe(hint)}", file=sys.stderr)
        sys.stderr.flush()
    except OSError:
        pass


def url(host: str, port: int) -> str:
    """Where to look: `http://127.0.0.1:4173/`."""
    address = "127.0.0.1" if host in _ANY else host
    return f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/"


def began(given: "Sequence[Given]", project: str | None) -> str:
    """`port 4173 for web of /home/me/shop`, with every further variable behind."""
    first, *more = given
    name = f" for {first.claim.name}" if first.claim.name else ""
    place = f" of {project}" if project and first.claim.name else ""
    also = "".join(f", {each.variable} {each.port}" for each in more)
    return f"port {first.port}{name}{place}{also}"


def listens_elsewhere(places: "Sequence[Place]", port: int, *, takes_port: bool) -> tuple[str, str]:
    """It listens, but not on the number that was chosen."""
    where = ", ".join(dict.fromkeys(_where(place) for place in places[:4]))
    hint = ""
    if any(place.elsewhere and place.port == port for place in places):
        hint = "publish the port from there, such as docker run -p PORT:PORT"
    elif not takes_port:
        hint = "it does not read PORT: put {port} into its arguments"
    return f"it listens on {where} instead of {port}", hint


def _where(place: "Place") -> str:
    if place.elsewhere:
        return f"{place.port} in another network namespace"
    return str(place.port)


def does_not_listen(port: int, seconds: float) -> str:
    """Nobody listens."""
    return f"nothing listens on {port} after {seconds:.1f} s"


def stranger(place: "Place") -> str:
    """Somebody who is no child of ours has the port."""
    who = "a process that cannot be seen"
    if place.pid is not None:
        who = f"{place.program or 'a process'} (pid {place.pid})"
    return f"{who} listens on {place.port}, and is not started by this command"


def refused(
    error: ClaimRefused, access: "Access", request: ClaimRequest, host_of: int | None = None
) -> ClaimRefused:
    """The refusal with the holder's name: process, user, unit, container, claim."""
    if error.code == "in_use":
        port = host_of or request.port or _reserved(access, request)
        if port is None:
            return error
        held = holder(port, request.transports[0])
        found = ClaimRefused(
            error.code,
            f"{port} is in use: {held}",
            hint=error.hint or _way_out(request, port),
        )
        found.holder = error.holder
        return found
    if error.code not in ("held", "pool_empty"):
        return error
    told, hint = _claimed(error)
    named = ClaimRefused(
        error.code,
        told or str(error),
        holder=error.holder,
        retry_after_ms=error.retry_after_ms,
        hint=error.hint or hint or _way_out(request, request.port),
    )
    named.exit_code = error.exit_code
    return named


def _claimed(error: ClaimRefused) -> tuple[str, str]:
    """Who has promised ports, and for reserved ones the way out; empty where that is not told."""
    from portbook.claims.answers import caller_of
    from portbook.cli.lease_rows import People

    holder = error.holder or {}
    port = holder.get("port")
    if holder.get("kind") == "reservation":
        uid, name, project = (holder.get(each) for each in ("uid", "name", "project"))
        if uid != os.geteuid():
            return f"{error} of user {People().user(uid)}" if isinstance(uid, int) else "", ""
        back = f"portbook unreserve {port} gives it back"
        if not name or not project:
            return "", back
        return "", f"portbook run --name {name} (in {project}) uses it; {back}"
    owner = holder.get("owner")
    if holder.get("kind") != "claim" or not isinstance(owner, dict):
        return "", ""
    people = People()
    caller = caller_of(owner)
    who = people.process(caller) or caller.label or "somebody"
    known = [] if caller.pid is None else [f"pid {caller.pid}"]
    known += [f"user {people.user(caller.uid)}", f"claim {holder.get('id')}"]
    name = f" for {holder['name']}" if holder.get("name") else ""
    return f"{port} is held by {who} ({', '.join(known)}){name}", ""


def near_not_used(access: "Access", request: ClaimRequest, near: int | None) -> str:
    """That a name has a number already, where another was asked for; else empty."""
    if near is None or request.key is None:
        return ""
    port = _reserved(access, request)
    if port is None or port == near:
        return ""
    return f"--near {near} is not used: {port} is reserved for {request.name}"


def closed_connections(port: int) -> tuple[str, str]:
    """Without a hold, what is left of old connections may be in the way of the program."""
    told = f"closed connections of an earlier run (TIME_WAIT) are on {port}"
    return told, "they are gone after a minute: --wait 60 waits for that"


def _reserved(access: "Access", request: ClaimRequest) -> int | None:
    """The number behind the name that was asked for."""
    for each in access.reservations():
        if each.key == request.key:
            return each.port
    return None


def _way_out(request: ClaimRequest, port: int | None) -> str:
    if port is not None:
        return f"portbook why {port}; portbook stop {port} ends it; --wait 10 waits for it"
    if request.first is not None:
        return "a wider --range, or portbook claims for who has them"
    return "portbook claims tells who has it; another --name, or --wait 10"


def holder(port: int, transport: str) -> str:
    """Who holds a port: `python3 (pid 123, user root, web.service), since 2026-11-23T09:00:00Z`."""
    from portbook.cli.listing import owner_text
    from portbook.model import Owner, Unknown
    from portbook.survey import why

    found = why(port, transport, bind=False)
    judged = found.tcp if transport == "tcp" else found.udp
    reasons = judged.reasons if judged else ()
    for reason in reasons:
        owner = reason.owner
        if not isinstance(owner, Owner):
            continue
        parts = [owner_text(owner)]
        if isinstance(owner.name, str):
            if isinstance(owner.user, str):
                parts.append(f"user {owner.user}")
            if isinstance(owner.unit, str):
                parts.append(owner.unit)
            if owner.container and not isinstance(owner.container, Unknown):
                parts.append(f"{owner.container.engine} {owner.container.id[:12]}")
            if isinstance(owner.started, str):
                parts.append(f"since {owner.started}")
        return ", ".join(parts)
    return reasons[0].detail if reasons else "somebody who cannot be seen"
