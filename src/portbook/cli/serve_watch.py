"""The watch of ports that `portbook serve --watch` starts: if it can, and it is said if not."""

import argparse
import sys

from portbook.cli.render import safe
from portbook.model import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.host.companion import Keeper
    from portbook.model.traffic import TrafficHour

MOST_PORTS = 64
_FINAL = (2, 4)
"""Exit codes after which the same would happen again: usage, not permitted."""


def watched_ports(texts: list[str]) -> dict[str, int]:
    """The ports to watch as `portbook watch` takes them, each with its number.

    Raises:
        UsageError: a text names no port, one that cannot be watched, or there are too many.
    """
    from portbook.cli.arguments import parse_target

    found: dict[str, int] = {}
    for text in (part.strip() for each in texts for part in each.split(",")):
        target = parse_target(text)
        if target.transport == "dccp":
            raise UsageError(f"--watch: {text}: dccp cannot be watched", hint="tcp, udp or sctp")
        kind = f"/{target.transport}" if target.transport else ""
        found |= {f"{port}{kind}": port for port in target.ports}
    if len(found) > MOST_PORTS:
        raise UsageError(f"--watch: {len(found)} ports are too many", hint=f"at most {MOST_PORTS}")
    return found


def start_watch(options: argparse.Namespace, wanted: dict[str, int]) -> "Keeper | None":
    """The watch, in a process of its own; None, and a line on stderr, where there can be none."""
    if not wanted:
        return None
    from importlib.util import find_spec

    from portbook.host import Host
    from portbook.host.companion import Keeper
    from portbook.host.privileges import CAP_NET_RAW

    names = ", ".join(wanted)
    if not Host().privileges.has(CAP_NET_RAW):
        _say(f"{names}: not watched, that needs root or CAP_NET_RAW (see docs/serve.md)")
        return None
    if find_spec("numpy") is None:
        _say(f'{names}: not watched, that needs numpy (pip install "portbook[watch]")')
        return None
    # -P: what lies in the folder that we were started in is not ours to run.
    arguments = (sys.executable, "-P", "-m", "portbook", "watch", *wanted, "--keep-hour")
    return Keeper(arguments, say=_say, name=f"the watch of {names}", final=_FINAL)


def hours_for(wanted: dict[str, int]) -> "list[TrafficHour]":
    """What is known of the last hour of these ports."""
    from portbook.survey.watched import read_hours

    return list(read_hours(sorted(set(wanted.values()))).values())


def _say(line: str) -> None:
    print(f"portbook: {safe(line)}", file=sys.stderr, flush=True)
