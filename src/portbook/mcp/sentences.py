"""One line for a listener, a reason, a registration: what a person would read of a document."""

from portbook.model import Answer, Bindable, Listener, Owner, Unknown


def listener_line(row: Listener) -> str:
    """`8080/tcp on 127.0.0.1: node (pid 812, user me), unit web.service; unregistered: ...`."""
    found = row.socket
    address = "every address" if found.dual_stack is True else found.address
    state = "" if found.state == "listen" else f" ({found.state})"
    place = f"{found.port}/{found.transport} on {address}{state}"
    if row.namespace:
        place += f" in {row.namespace}"
    said = "; ".join(row.verdict.reasons[:2])
    verdict = f"{row.verdict.value}: {said}" if said else row.verdict.value
    return f"{place}: {_holder(row)}; {verdict}"


def _holder(row: Listener) -> str:
    engine = row.published_by
    if not row.owners:
        if engine and not isinstance(engine, Unknown):
            return f"published by {engine.engine} for container {engine.name}"
        return f"the kernel ({row.kernel})" if row.kernel else "the kernel"
    more = f" and {len(row.owners) - 1} more" if len(row.owners) > 1 else ""
    return owner_text(row.owners[0]) + more


def owner_text(owner: Owner) -> str:
    """`node (pid 812, user me), unit web.service, container ..., project ...`, as far as known."""
    user = owner.user if isinstance(owner.user, str) else None
    if isinstance(owner.name, str):
        pid = f"pid {owner.pid}" if isinstance(owner.pid, int) else None
        about = ", ".join(part for part in (pid, user and f"user {user}") if part)
        parts = [f"{owner.name} ({about})" if about else owner.name]
    else:
        parts = ["a hidden process" + (f" of user {user}" if user else "")]
    if isinstance(owner.unit, str):
        parts.append(f"unit {owner.unit}")
    engine = owner.engine_container
    if engine and not isinstance(engine, Unknown):
        parts.append(f"container {engine.name} ({engine.engine})")
    elif owner.container and not isinstance(owner.container, Unknown):
        parts.append(f"container {owner.container.id[:12]} ({owner.container.engine})")
    if owner.project and not isinstance(owner.project, Unknown):
        parts.append(f"project {owner.project.folder}")
    return ", ".join(parts)


def bindable_line(port: int, transport: str, found: Bindable) -> str:
    """Whether one transport can be bound, and the reasons in short."""
    if isinstance(found.free, Unknown):
        return f"{port}/{transport}: unknown ({found.free.hint or found.free.unknown})"
    word = "free" if found.free else "taken"
    if found.probe == "denied" and found.table != "taken":
        word = "not permitted"
    elif found.free and any(each.kind == "claimed" for each in found.reasons):
        word = "free, but claimed by somebody"
    kinds = ", ".join(dict.fromkeys(each.kind for each in found.reasons))
    return f"{port}/{transport}: {word}" + (f" ({kinds})" if kinds else "")


def reason_lines(found: Bindable, most: int) -> list[str]:
    """A line for each reason: what it is, where, and who is behind it."""
    lines = []
    for each in found.reasons[:most]:
        where = f" on {each.address}" if each.address else ""
        by = f"; held by {owner_text(each.owner)}" if isinstance(each.owner, Owner) else ""
        lines.append(f"  {each.kind}{where}: {each.detail}{by}")
    if len(found.reasons) > most:
        lines.append(f"  and {len(found.reasons) - most} more reasons")
    return lines


def registered_line(answer: Answer) -> str:
    """What IANA assigned the number for."""
    named: dict[tuple[str, str], list[str]] = {}
    for row in answer.assignments:
        if row.service:
            about = (row.description or "").partition(" IANA assigned this")[0]
            named.setdefault((row.service, about), []).append(row.transport or "any")
    if not named:
        return "IANA assigned it to nobody."
    said = [
        f"{service} ({', '.join(kinds)}{f': {about}' if about else ''})"
        for (service, about), kinds in list(named.items())[:4]
    ]
    return f"Registered for {'; '.join(said)}."
