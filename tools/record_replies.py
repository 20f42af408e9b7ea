"""Print what a listener says as entries for tests/identify/replies.

    python -m tools.record_replies --from "redis-server 5:7.0.15-1" 127.0.0.1:6379/tcp redis http

Asks with the openers named (`-` only listens), one conversation each, and follows what the judges
want to hear. Review each entry before it is kept: names and keys of a machine have to go.
"""

import argparse
import asyncio

from portbook.host import clock
from portbook.identify.connection import Budget
from portbook.identify.conversation import Line, converse
from portbook.identify.judging import judged
from portbook.identify.probe import Probe, Talk
from portbook.identify.probes import probe_named
from portbook.model.speaks import Target


def main() -> None:
    """Ask, and print TOML."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("place", help="ADDRESS:PORT[/tcp|/udp]")
    parser.add_argument("openers", nargs="+", help="names of probes; - listens")
    parser.add_argument("--from", dest="origin", required=True, help="the program and its version")
    parser.add_argument("--tls", action="store_true", help="inside TLS")
    options = parser.parse_args()
    where, _, transport = options.place.partition("/")
    address, _, port = where.rpartition(":")
    target = Target(transport or "tcp", address.strip("[]"), int(port))
    for name in options.openers:
        probe = None if name == "-" else probe_named(name)
        asyncio.run(_record(target, probe, options.origin, tls=options.tls))


async def _record(target: Target, probe: Probe | None, origin: str, *, tls: bool) -> None:
    data = b""
    if probe is not None:
        data = (probe.datagram if target.transport == "udp" else probe.opener) or b""
    line = Line(probe, data, tls=tls, seconds=4.0)
    outcome = await converse(target, line, Budget(), clock.monotonic() + 8.0)
    print(f"# {outcome.end}: {outcome.found}")
    if outcome.talk is None or not outcome.talk.first:
        return
    upgraded = outcome.tls is not None and outcome.tls.upgraded
    _print(outcome.talk._replace(secure=outcome.talk.secure and not upgraded), origin)
    word = judged(outcome.talk._replace(turns=outcome.talk.turns[:1]))
    print(f"# first word: {word}\n" if word else "")


def _print(talk: Talk, origin: str) -> None:
    print(f'[[reply]]\nfrom = "{origin}"\nopener = "{talk.opener}"')
    if talk.transport == "udp":
        print('transport = "udp"')
    for flag in ("secure", "closed"):
        if getattr(talk, flag):
            print(f"{flag} = true")
    print("turns = [")
    for turn in talk.turns:
        print(f"    [{_written(turn.sent)}, {_written(turn.received)}],")
    print("]")


def _written(data: bytes) -> str:
    text = data.decode("latin-1").encode("unicode_escape").decode("ascii")
    text = text.replace("'", "\\x27")
    return f"'{text}'"


if __name__ == "__main__":
    main()
