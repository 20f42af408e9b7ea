"""What systemd says of its units, over D-Bus: description, file, state, restarts; and stopping one.

No program is started for it. Everything stays within the deadline, and what cannot be had is
`Unknown`. Without jeepney (`pip install 'portbook[systemd]'`) nothing is asked.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence

from portbook.host import Host, clock
from portbook.model import (
    NOT_ASKED,
    EnvironmentFault,
    NotPermitted,
    Owner,
    Socket,
    UnitFacts,
    Unknown,
)
from portbook.model.record import Record
from portbook.owners.cgroups import mount_point, path_of_process, paths_of, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from jeepney import Message

    from portbook.owners.bus import Conversation

NO_JEEPNEY = Unknown("unsupported", "pip install 'portbook[systemd]'")
RECORDED = "/systemd_units.json"
MOST_NAMES = 256
"""Names in one question, so that no honest answer is longer than what is read."""

_NAME = re.compile(r"[A-Za-z0-9:_.\\@-]{1,242}\.[a-z]{4,9}")
_NOT_LOADED = Unknown("vanished", "systemd does not know this unit")
_TOO_LONG = 4096
"""Characters of a description or path that are kept: the PATH_MAX of linux/limits.h."""


def units_of(
    host: Host, names: Collection[str], *, scope: str = "system", deadline: float = 1.0
) -> dict[str, UnitFacts | Unknown]:
    """What systemd says of each unit in `names`, in `deadline` seconds at most.

    `scope` is `system`, `user` (our own) or `user:UID`; another user's takes root. A recording
    answers from its `systemd_units.json`, where it has one.
    """
    if not names:
        return {}
    if not host.live:
        return _recorded(host, names, scope)
    until = clock.monotonic() + deadline
    try:
        from portbook.owners.bus import NoAnswer, talk
    except ImportError:
        return dict.fromkeys(names, NO_JEEPNEY)
    facts: dict[str, UnitFacts | Unknown] = {}
    sound = [name for name in names if _NAME.fullmatch(name)]
    try:
        with talk(scope, until) as systemd:
            for first in range(0, len(sound), MOST_NAMES):
                facts |= _ask(systemd, sound[first : first + MOST_NAMES], scope)
    except NoAnswer as error:
        why = error.why
    else:
        why = Unknown("unreadable", "no name that a unit can have")
    return {name: facts.get(name, why) for name in names}


def _ask(
    systemd: "Conversation", names: Sequence[str], scope: str
) -> "dict[str, UnitFacts | Unknown]":
    """Two rounds: the units with their states, then file and restarts of those that there are."""
    from portbook.owners.bus import UNITS, Refused, refusal

    (listed,) = systemd.ask([manager_call("ListUnitsByNames", "as", list(names))])
    if isinstance(listed, Refused):
        raise refusal(listed, systemd.path)
    rows = listed[0] if listed and isinstance(listed[0], list) else []
    known = {row[0]: row for row in rows if len(row) == UNITS.count("s") + UNITS.count("o") + 1}
    asked = [name for name in names if name in known and known[name][2] != "not-found"]
    services = [name for name in asked if name.endswith(".service")]
    replies = systemd.ask(
        [
            *(property_call(name, "Unit", "FragmentPath") for name in asked),
            *(property_call(name, "Service", "NRestarts") for name in services),
        ]
    )
    fragments = dict(zip(asked, map(value_of, replies), strict=False))
    restarts = dict(zip(services, map(value_of, replies[len(asked) :]), strict=True))
    facts: dict[str, UnitFacts | Unknown] = dict.fromkeys(names, _NOT_LOADED)
    for name in asked:
        _, description, _, active, sub, *_ = known[name]
        again = restarts.get(name)
        facts[name] = UnitFacts(
            name,
            scope.partition(":")[0],
            _text(description),
            _text(fragments.get(name)),
            f"{active}/{sub}"[:_TOO_LONG],
            again if isinstance(again, int) else None,
        )
    return facts


def manager_call(method: str, signature: str | None = None, *arguments: object) -> "Message":
    """A call of systemd's manager (org.freedesktop.systemd1(5))."""
    from jeepney import DBusAddress, new_method_call

    from portbook.owners.bus import SYSTEMD

    at = DBusAddress("/org/freedesktop/systemd1", SYSTEMD, f"{SYSTEMD}.Manager")
    return new_method_call(at, method, signature, arguments)


def property_call(unit: str, kind: str, name: str) -> "Message":
    """The question for one property of a unit; `kind` is Unit, Service or Socket."""
    from jeepney import DBusAddress, new_method_call

    from portbook.owners.bus import SYSTEMD

    at = DBusAddress(object_path(unit), SYSTEMD, "org.freedesktop.DBus.Properties")
    return new_method_call(at, "Get", "ss", (f"{SYSTEMD}.{kind}", name))


def object_path(unit: str) -> str:
    """A unit's object: every byte but letters and digits, and a first digit, as _ and hex."""
    label = "".join(
        chr(byte)
        if chr(byte).isascii() and chr(byte).isalnum() and (at or not chr(byte).isdigit())
        else f"_{byte:02x}"
        for at, byte in enumerate(unit.encode())
    )
    return f"/org/freedesktop/systemd1/unit/{label or '_'}"


def value_of(reply: object) -> "Any":
    """The value in the answer to a property's question; None where it was refused."""
    match reply:
        case ((str(), value),):
            return value
    return None


def _text(value: object) -> str | None:
    return value[:_TOO_LONG] if isinstance(value, str) and value else None


def _recorded(host: Host, names: Collection[str], scope: str) -> dict[str, UnitFacts | Unknown]:
    """The same from a recording: {scope: {name: {description, fragment, state, restarts}}}."""
    try:
        units = json.loads(host.read(RECORDED))[scope]
    except FileNotFoundError:
        return dict.fromkeys(names, NOT_ASKED)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return dict.fromkeys(names, Unknown("unreadable", f"the recording's {RECORDED[1:]}"))
    facts: dict[str, UnitFacts | Unknown] = {}
    for name in names:
        row = units.get(name) if isinstance(units, dict) else None
        if not isinstance(row, dict):
            facts[name] = _NOT_LOADED
            continue
        again = row.get("restarts")
        facts[name] = UnitFacts(
            name,
            scope.partition(":")[0],
            _text(row.get("description")),
            _text(row.get("fragment")),
            _text(row.get("state")),
            again if type(again) is int else None,
        )
    return facts


def manager_of(path: str) -> str | None:
    """Whose unit a cgroup path names: `system`, `user:UID`, or None for none that we can ask.

    A unit inside a container is not this machine's, though it may have the same name; nor is a
    group that a service made below its own. `path` begins at the root of the hierarchy.
    """
    parts = [part for part in path.split("/") if part]
    while parts and parts[0].endswith(".slice"):
        parts.pop(0)
    if not parts or place("/" + parts[0]).unit is None:
        return None
    scope = "system"
    if (user := re.fullmatch(r"user@([0-9]{1,10})\.service", parts[0])) and len(parts) > 1:
        scope = f"user:{user[1]}"
        parts.pop(0)
        while parts and parts[0].endswith(".slice"):
            parts.pop(0)
        if not parts or place("/" + parts[0]).unit is None:
            return None
    return None if any(place("/" + part).unit for part in parts[1:]) else scope


class _Key(Record):
    """A unit and the systemd that it belongs to."""

    scope: str
    unit: str


def unit_facts_of(
    host: Host,
    held: Sequence[tuple[Socket, Sequence[Owner]]],
    *,
    paths: Mapping[int, str] | None = None,
    deadline: float = 1.0,
) -> list[list[UnitFacts | None | Unknown]]:
    """For each owner of each socket what its systemd says of its unit; None without a unit.

    Each systemd concerned (the system's, users') is asked once, all within `deadline` seconds.
    `paths` are the folders of the sockets' cgroups by id, where they are known already.
    """
    if paths is None:
        unseen = {
            found.cgroup
            for found, owners in held
            if not isinstance(found.cgroup, Unknown)
            and any(
                isinstance(owner.pid, Unknown) and isinstance(owner.unit, str) for owner in owners
            )
        }
        paths = paths_of(host, unseen) if unseen else {}
    top = mount_point(host) or ""
    of_process: dict[int, str | None] = {}
    wanted: dict[str, set[str]] = {}
    asked: list[list[_Key | None | Unknown]] = []
    for found, owners in held:
        line: list[_Key | None | Unknown] = []
        for owner in owners:
            if not isinstance(owner.unit, str):
                line.append(owner.unit)
                continue
            if isinstance(owner.pid, int):
                if owner.pid not in of_process:
                    of_process[owner.pid] = _manager_of_process(host, owner.pid)
                scope = of_process[owner.pid]
            else:
                path = "" if isinstance(found.cgroup, Unknown) else paths.get(found.cgroup, "")
                scope = manager_of(path.removeprefix(top))
            if scope is None:
                line.append(Unknown("outside", "a container has its own systemd: ask in there"))
                continue
            wanted.setdefault(scope, set()).add(owner.unit)
            line.append(_Key(scope, owner.unit))
        asked.append(line)
    until = clock.monotonic() + deadline
    answers = {
        scope: units_of(host, names, scope=scope, deadline=max(until - clock.monotonic(), 0.01))
        for scope, names in sorted(wanted.items())
    }
    return [
        [answers[key.scope][key.unit] if isinstance(key, _Key) else key for key in line]
        for line in asked
    ]


def _manager_of_process(host: Host, pid: int) -> str | None:
    try:
        return manager_of(path_of_process(host.text(f"/proc/{pid}/cgroup")))
    except OSError:
        return None


def stop_unit(
    host: Host, unit: str, *, scope: str = "system", deadline: float = 10.0, force: bool = False
) -> str:
    """Stop a unit, and wait for it: systemd's word for how that went (`done`, `failed`, ...).

    With `force` its processes are killed first. A socket that systemd holds for the unit stays
    open, and would start it again: stop that unit, too.

    Raises:
        NotPermitted: systemd refuses.
        EnvironmentFault: there is no such unit, no systemd to ask, or it is not done in time.
    """
    if not host.live:
        raise EnvironmentFault("a recorded host cannot be changed")
    if not _NAME.fullmatch(unit):
        raise EnvironmentFault(f"{unit[:80]!a} is no name of a unit")
    try:
        from portbook.owners.bus import NoAnswer, talk
    except ImportError:
        raise EnvironmentFault("stopping a unit takes jeepney", hint=NO_JEEPNEY.hint) from None
    try:
        with talk(scope, clock.monotonic() + deadline) as systemd:
            return _stop(systemd, unit, force=force)
    except NoAnswer as error:
        why = error.why
    if why.unknown == "denied":
        raise NotPermitted(f"systemd does not let us stop {unit}", hint="run as root")
    raise EnvironmentFault(f"cannot stop {unit}: {why.hint or why.unknown}")


def _stop(systemd: "Conversation", unit: str, *, force: bool) -> str:
    from portbook.owners.bus import Refused, refusal, watch_call

    rounds = [manager_call("Subscribe"), watch_call("JobRemoved")]
    if force:
        rounds.append(manager_call("KillUnit", "ssi", unit, "all", 9))
    # What does not work of these shows in the next call; a killed unit may be gone already.
    systemd.ask(rounds)
    (job,) = systemd.ask([manager_call("StopUnit", "ss", unit, "replace")])
    if isinstance(job, Refused):
        if job.error.endswith("NoSuchUnit"):
            raise EnvironmentFault(f"systemd does not know {unit}")
        raise refusal(job, "systemd")
    while True:
        removed = systemd.signal("JobRemoved")
        if len(removed) == 4 and job and removed[1] == job[0]:
            return str(removed[3])[:40]
