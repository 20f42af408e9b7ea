"""How a listener is named in one line: its address and its holder."""

from portbook.model import Listener, Owner, Speaks, Unknown


def address_of(row: Listener) -> str:
    """`0.0.0.0`, `127.0.0.1`, `[::]`, `*` for a socket that takes IPv4 and IPv6, `%eth0` behind."""
    found = row.socket
    if found.dual_stack is True:
        text = "*"
    elif ":" in found.address:
        text = f"[{found.address}]"
    else:
        text = found.address
    return f"{text}%{found.interface}" if found.interface else text


def holder_of(row: Listener) -> str:
    """Who a person means by the holder, and how many more share it.

    The container behind a proxy, the service behind systemd's socket, the project behind an
    interpreter; else the process with its PID, or its unit or user where it is hidden.
    """
    if row.activation and row.owners and row.owners[0].name in ("systemd", "init"):
        service = row.activation.service
        if isinstance(service, str):
            return f"{service} ({row.activation.socket})"
        return row.activation.socket
    if not row.owners:
        engine = row.published_by
        if engine and not isinstance(engine, Unknown):
            return f"{engine.name} ({engine.engine})"
        return f"the kernel ({row.kernel})" if row.kernel else "the kernel"
    first, *more = row.owners
    text = owner_text(first)
    if isinstance(first.name, Unknown):
        return text
    return f"{text} +{len(more)}" if more else text


def registered_text(row: Listener) -> str:
    """The primary registered name, and how many more: `http +2`; `-` for none."""
    first, *more = dict.fromkeys(row.assignments) or ("-",)
    return f"{first} +{len(more)}" if more else first


def owner_text(owner: Owner) -> str:
    """`sshd (812)`, or what is known instead: `nginx.service`, `hidden, user www-data`."""
    engine = owner.engine_container
    if engine and not isinstance(engine, Unknown):
        return f"{engine.name} ({engine.engine})"
    if owner.project and not isinstance(owner.project, Unknown):
        return f"{owner.project.name} ({owner.name} {owner.pid})"
    if isinstance(owner.name, str):
        return f"{owner.name} ({owner.pid})" if isinstance(owner.pid, int) else owner.name
    if owner.container and not isinstance(owner.container, Unknown):
        return f"{owner.container.engine} {owner.container.id[:12]}"
    if owner.unit and not isinstance(owner.unit, Unknown):
        return owner.unit
    word = _UNSEEN.get(owner.name.unknown, "hidden")
    return f"{word}, user {owner.user}" if isinstance(owner.user, str) else word


def origin_text(owner: Owner) -> str:
    """The package or project that the owner comes from; `-` for neither, `?` where unknown."""
    if owner.project and not isinstance(owner.project, Unknown):
        branch = f"@{owner.project.branch}" if owner.project.branch else ""
        return f"{owner.project.folder}{branch}"
    if isinstance(owner.package, Unknown):
        return "?"
    return f"{owner.package.name} {owner.package.version or ''}".strip() if owner.package else "-"


_UNSEEN = {"no-process": "the kernel", "outside": "outside this namespace"}


def place_text(owner: Owner) -> str:
    """The container or unit that the owner runs in; `-` for none, `?` where it is hidden."""
    if isinstance(owner.container, Unknown) or isinstance(owner.unit, Unknown):
        return "?"
    if owner.container:
        return f"{owner.container.engine} {owner.container.id[:12]}"
    return owner.unit or "-"


def speaks_text(said: Speaks | None) -> str:
    """`Redis 7.0.15`, `http (nginx 1.22.1) in TLS`, `silent, perhaps wireguard`; `-` unasked."""
    from portbook.survey.identifying import in_words

    if said is None:
        return "-"
    if said.behaviour is None or said.behaviour == "tls-only":
        return in_words(said) + (", nothing known inside" if said.behaviour else "")
    behaviour = _BEHAVIOURS.get(said.behaviour, said.behaviour)
    return f"{behaviour}, perhaps {said.protocol}" if said.protocol else behaviour


_BEHAVIOURS = {
    "answers": "answers, but in nothing known",
    "closes": "closes at once",
    "full": "its backlog is full",
    "not-asked": "not asked",
    "resets": "resets connections",
    "refuses": "refuses",
    "floods": "sends without end",
}
