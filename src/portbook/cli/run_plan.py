"""What `portbook run` asks for, and what the program gets: ports, variables, arguments."""

import argparse
import os
import re
from collections.abc import Sequence

from portbook.model.claim import Claim, ClaimRequest
from portbook.model.errors import UsageError
from portbook.model.record import Record

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SET_BY_US = frozenset(
    ("HOST", "PORTBOOK_CLAIM", "PORTBOOK_TOKEN", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")
)
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
        if not _VARIABLE.fullmatch(name) or name in _SET_BY_US:
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

    `{{port}}` stands for `{port}` itself. Every other brace stays, as in JSON or a template.
    """
    values = {"port": str(given[0].port), "host": host, "PORT": str(given[0].port)}
    values |= {each.variable: str(each.port) for each in given}
    names = "|".join(sorted(map(re.escape, values), key=len, reverse=True))
    pattern = re.compile(rf"\{{\{{({names})\}}\}}|\{{({names})\}}")

    def replaced(found: "re.Match[str]") -> str:
        return f"{{{found[1]}}}" if found[1] else values[found[2]]

    return [pattern.sub(replaced, each) for each in arguments]
