"""What `portbook run` asks for, and what the program gets: ports, variables, arguments."""

import argparse
import os
import re
from collections.abc import Sequence

from portbook.cli import leases
from portbook.model.claim import Claim, ClaimRequest
from portbook.model.errors import UsageError
from portbook.model.record import Record

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NOT_A_PORT = frozenset(("HOST", "PORTBOOK_CLAIM", "PORTBOOK_TOKEN", "PATH", "HOME"))
_OF_OTHERS = ("LD_", "LISTEN_")
"""What the loader and sd_listen_fds(3) read."""
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?", re.ASCII)
_DEVICE = re.compile(r"[A-Za-z0-9_.-]{1,15}", re.ASCII)
_LONGEST_HOST = 253
_SHORTEST_READY, _LONGEST_READY = 0.1, 86_400.0
_TTL = 3_600_000
"""One hour: where our life is seen it does not count, elsewhere it is renewed (run.Lease)."""
_LONGEST_LABEL = 200
MOST_VARIABLES = 64


class Wanted(Record):
    """One port that is asked for: the variable that gets it, and the request."""

    variable: str
    request: ClaimRequest


class Given(Record):
    """One port that is ours: the variable that gets it, and the claim."""

    variable: str
    claim: Claim

    @property
    def port(self) -> int:
        """The number."""
        return self.claim.port


def wanted(options: argparse.Namespace, folder: str) -> list[Wanted]:
    """A request for each variable; the first port is PORT too.

    Raises:
        UsageError: the options do not fit together.
    """
    from portbook.survey.claiming import in_project

    variables = _variables(options.env)
    first = _first(options)
    made = [Wanted(variables[0], in_project(first, folder))]
    for variable in variables[1:]:
        name = None if first.name is None else f"{first.name}/{variable}"
        # Beside a fixed number there is only one: the others are near it.
        near = first.near if first.port is None else first.port
        request = first._replace(name=name, port=None, near=near)
        made.append(Wanted(variable, in_project(request, folder)))
    return made


def _first(options: argparse.Namespace) -> ClaimRequest:
    if options.name is not None:
        from portbook.survey.numbers_kept import checked_name

        checked_name(options.name)
    first = last = None
    if options.range is not None:
        from portbook.cli.arguments import parse_target

        asked = parse_target(options.range)
        first, last = asked.ports[0], asked.ports[-1]
    return ClaimRequest(
        port=_port(options.port),
        near=_port(options.near),
        first=first,
        last=last,
        transports=(options.transport,),
        name=options.name,
        ttl_ms=_TTL,
        watch_pid=os.getpid(),
        wait_ms=round(options.wait * 1000),
        labels=(("command", _printed(options.command)),),
    )


def ready_seconds(text: str) -> float:
    """Reads how long a program may take to be ready: 5s, 2m, 30."""
    read = leases.wait(text)
    if not _SHORTEST_READY <= read <= _LONGEST_READY:
        raise argparse.ArgumentTypeError(f"{text!r} is outside of 0.1s to 1d")
    return read


def check_host(host: str) -> None:
    """Refuse what is neither an address nor a name.

    Raises:
        UsageError: it is neither.
    """
    import _socket

    if host == "*":
        return
    address, zone, device = host.partition("%")
    v6 = host if zone and not _DEVICE.fullmatch(device) else address
    for family, text in ((_socket.AF_INET, host), (_socket.AF_INET6, v6)):
        try:
            _socket.inet_pton(family, text)
        except (OSError, ValueError):
            continue
        return
    # A name does not end in a number: that is an address with a mistake in it.
    name = len(host) <= _LONGEST_HOST and _HOST_NAME.fullmatch(host)
    if not name or host.rstrip(".").rpartition(".")[2].isdigit():
        raise UsageError(
            f"--host: {host[:60]!r} is no address and no name", hint="such as 127.0.0.1, ::1, *"
        )


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    from portbook.cli.arguments import port_number

    port = port_number(text)
    if port == 0:
        raise UsageError("0 is no port of its own", hint="leave --port out for any that is free")
    return port


def _printed(arguments: Sequence[str]) -> str:
    """The command line as a label: what cannot be shown is a space, and it is not long."""
    text = " ".join(arguments)[:_LONGEST_LABEL]
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _variables(names: Sequence[str]) -> list[str]:
    if len(names) > MOST_VARIABLES:
        raise UsageError(f"{len(names)} variables; at most {MOST_VARIABLES} can be asked for")
    for name in names:
        if not _VARIABLE.fullmatch(name) or name in _NOT_A_PORT or name.startswith(_OF_OTHERS):
            raise UsageError(f"--env: {name[:60]!r} cannot be used as a variable")
    if len(set(names)) != len(names):
        raise UsageError("--env: a variable is named twice")
    if "PORT" in names[1:]:
        raise UsageError("--env: PORT is the first port", hint="name it first")
    return list(names) or ["PORT"]


def environment(given: Sequence[Given], host: str) -> dict[str, str]:
    """Our own environment with PORT, HOST, the named variables, and the claim of the first."""
    claim = given[0].claim
    made = dict(os.environ)
    # A socket that was passed to us is not passed on.
    for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"):
        made.pop(name, None)
    made |= {each.variable: str(each.port) for each in given}
    return made | {
        "PORT": str(given[0].port),
        "HOST": host,
        "PORTBOOK_CLAIM": claim.id,
        "PORTBOOK_TOKEN": str(claim.token),
    }


def filled(arguments: Sequence[str], given: Sequence[Given], host: str) -> list[str]:
    """The arguments with `{port}`, `{host}` and `{WEB_PORT}` replaced.

    `{{port}}` stands for `{port}` itself. Every other brace stays, as in JSON, a template, or
    `${PORT}` for a shell.
    """
    values = {"port": str(given[0].port), "host": host, "PORT": str(given[0].port)}
    values |= {each.variable: str(each.port) for each in given}
    names = "|".join(sorted(map(re.escape, values), key=len, reverse=True))
    pattern = re.compile(rf"\{{\{{({names})\}}\}}|(?<!\$)\{{({names})\}}")

    def replaced(found: "re.Match[str]") -> str:
        return f"{{{found[1]}}}" if found[1] else values[found[2]]

    return [pattern.sub(replaced, each) for each in arguments]
