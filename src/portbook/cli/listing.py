"""How a listener is named in one line: its address and its holder."""

from portbook.model import Listener, Owner, Unknown


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
    """The first owner with its PID, and how many more; its unit or user where it is hidden."""
    if not row.owners:
        return "the kernel"
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
    if isinstance(owner.name, str):
        return f"{owner.name} ({owner.pid})" if isinstance(owner.pid, int) else owner.name
    if owner.container and not isinstance(owner.container, Unknown):
        return f"{owner.container.engine} {owner.container.id[:12]}"
    if owner.unit and not isinstance(owner.unit, Unknown):
        return owner.unit
    word = _UNSEEN.get(owner.name.unknown, "hidden")
    return f"{word}, user {owner.user}" if isinstance(owner.user, str) else word


_UNSEEN = {"no-process": "the kernel", "outside": "outside this namespace"}


def place_text(owner: Owner) -> str:
    """The container or unit that the owner runs in; `-` for none, `?` where it is hidden."""
    if isinstance(owner.container, Unknown) or isinstance(owner.unit, Unknown):
        return "?"
    if owner.container:
        return f"{owner.container.engine} {owner.container.id[:12]}"
    return owner.unit or "-"
