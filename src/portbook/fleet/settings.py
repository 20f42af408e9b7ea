"""Where a fleet's engines are, and with what to enter: options, variables, then a file.

The file is TOML: `store`, `bus`, `host`, `labels` (a table), `every` (seconds), `nkey` (a file with
the seed), `ca`, `certificate`, `key` (PEM files, for the bus; those of the store stand in its URL).
It is `fleet.toml` in PORTBOOK_FLEET_HOME, else in XDG_CONFIG_HOME/portbook, else in /etc/portbook.
A URL with a password belongs there or into a variable: options are seen by every user.
"""

import os
import re

from portbook.model import EnvironmentFault, NotPermitted, UsageError
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

HOST_ID = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?")
USUAL_EVERY = 30.0
"""Seconds between two looks of an agent."""
_KNOWN = ("store", "bus", "host", "labels", "every", "nkey", "ca", "certificate", "key")


class FleetSettings(Record):
    """What was decided; `path` is the file that was read, None where there was none."""

    store: str | None = None
    bus: str | None = None
    host: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    every: float = USUAL_EVERY
    nkey: str | None = None
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    path: str | None = None


def config_path() -> str | None:
    """The first of the files that is there."""
    own = os.environ.get("PORTBOOK_FLEET_HOME")
    if own:
        path = os.path.join(own, "fleet.toml")
        return path if os.path.lexists(path) else None
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    for folder in (f"{home}/portbook", "/etc/portbook"):
        path = f"{folder}/fleet.toml"
        if os.path.lexists(path):
            return path
    return None


def settings_of(options: "argparse.Namespace") -> FleetSettings:
    """The settings of a command: its options, else the variables, else the file.

    Raises:
        UsageError: a value does not fit; the message names where it stands.
        EnvironmentFault, NotPermitted: the file cannot be read.
    """
    path = config_path()
    found = _read(path) if path else {}
    where = path or "fleet.toml"
    for name in ("store", "bus"):
        said = getattr(options, name, None) or os.environ.get(f"PORTBOOK_FLEET_{name.upper()}")
        if said:
            found[name] = said
    if getattr(options, "host_id", None):
        found["host"] = options.host_id
    labels = dict(found.get("labels", {}))
    for text in getattr(options, "label", None) or ():
        name, sign, value = text.partition("=")
        if not sign:
            raise UsageError(f"--label: {text[:80]!r} is no NAME=VALUE")
        labels[name] = value
    every = getattr(options, "every", None) or found.get("every", USUAL_EVERY)
    return FleetSettings(
        store=_text(found, "store", where),
        bus=_text(found, "bus", where),
        host=None if found.get("host") is None else check_host(found["host"]),
        labels=check_labels(labels),
        every=_seconds(every, where),
        nkey=_text(found, "nkey", where),
        ca=_text(found, "ca", where),
        certificate=_text(found, "certificate", where),
        key=_text(found, "key", where),
        path=path,
    )


def require_store(settings: FleetSettings) -> str:
    """The URL of the store.

    Raises:
        UsageError: none is named.
    """
    if settings.store is None:
        raise UsageError(
            "no store is named", hint="--store postgresql://…, or PORTBOOK_FLEET_STORE"
        )
    return settings.store


def require_bus(settings: FleetSettings) -> str:
    """The URL of the bus.

    Raises:
        UsageError: none is named.
    """
    if settings.bus is None:
        raise UsageError("no bus is named", hint="--bus nats://…, or PORTBOOK_FLEET_BUS")
    return settings.bus


def check_host(text: object) -> str:
    """A host id: lower-case letters, digits, `.`, `_` and `-`, up to 63.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(text, str) or HOST_ID.fullmatch(text) is None or ".." in text:
        raise UsageError(
            f"{str(text)[:80]!r} is no host id", hint="up to 63 of a-z 0-9 . _ - in lower case"
        )
    return text


def check_labels(labels: "dict[str, Any]") -> tuple[tuple[str, str], ...]:
    """Labels by name, each a short text.

    Raises:
        UsageError: one is not.
    """
    for name, value in labels.items():
        for text in (name, value):
            if not isinstance(text, str) or LABEL.fullmatch(text) is None:
                raise UsageError(f"{str(text)[:80]!r} is no label: letters, digits, . _ / -")
    if len(labels) > 32:
        raise UsageError("a host has 32 labels at most")
    return tuple(sorted(labels.items()))


def _read(path: str) -> "dict[str, Any]":
    import tomllib

    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except PermissionError as error:
        raise NotPermitted(f"{path}: {error.strerror}") from None
    except OSError as error:
        raise EnvironmentFault(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EnvironmentFault(f"{path} is no TOML: {error}") from None
    foreign = sorted(set(found) - set(_KNOWN))
    if foreign:
        raise UsageError(f"{path}: {foreign[0]} means nothing", hint=f"known: {', '.join(_KNOWN)}")
    return found


def _text(found: "dict[str, Any]", name: str, where: str) -> str | None:
    value = found.get(name)
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{where}: {name} is no text")
    return value


def _seconds(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 86_400:
        raise UsageError(f"{where}: every is not from 1 to 86400 seconds")
    return float(value)
