"""Write docs/protocols.md from the probes and the test bed: tools/make_protocols.py [--check]."""

import argparse
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from portbook.identify.probe import Probe
from portbook.identify.probes import all_probes

TOP = Path(__file__).parent.parent
FILE = TOP / "docs" / "protocols.md"
REPLIES = TOP / "tests" / "identify" / "replies"

_HEAD = """# Protocols

Written by `python -m tools.make_protocols` from the files of `src/portbook/identify/probes/`, one
for each protocol.

**First** says who speaks first: the server greets, or the client asks (with so many bytes), or
nothing is asked on the wire, because no harmless question exists; then the process is what tells.
**Recorded** counts the conversations in `tests/identify/replies/` that its judge is tested with,
and how many of them a real server had; near-misses come on top.

"""


def page() -> str:
    """The page as Markdown."""
    probes = all_probes()
    heard = sum(probe.judge is not None for probe in probes)
    lines = [
        f"{len(probes)} protocols and applications, {heard} of them recognised on the wire.\n",
        "| name | what it is | transport | usual ports | first | recorded | specified in |",
        "|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(_cells(probe))} |" for probe in probes),
    ]
    return _HEAD + "\n".join(lines) + "\n"


def _cells(probe: Probe) -> Iterator[str]:
    yield f"`{probe.name}`"
    yield _plain(probe.title)
    yield ", ".join(kind for kind in ("tcp", "udp") if probe.over(kind)) or "-"
    ports = [str(port) for port in probe.ports]
    ports += [f"{port} (TLS)" for port in probe.secure_ports]
    yield ", ".join(ports) or "-"
    yield _first(probe)
    yield _recorded(probe)
    yield _plain(probe.source)


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def _first(probe: Probe) -> str:
    if probe.judge is None:
        return "not asked"
    said = []
    if probe.speaks_first:
        said.append("server")
    if probe.tls:
        said.append("client (a handshake)")
    if probe.opener:
        said.append(f"client ({len(probe.opener)} bytes)")
    if probe.datagram:
        said.append(f"client ({len(probe.datagram)} bytes over UDP)")
    if probe.opt_in:
        said.append("only with an option")
    return ", ".join(said) or "told by answers to others"


def _recorded(probe: Probe) -> str:
    path = REPLIES / f"{probe.name}.toml"
    if not path.exists():
        return "-"
    replies = tomllib.loads(path.read_text(encoding="utf-8")).get("reply", [])
    real = sum(not entry["from"].startswith("by hand") for entry in replies)
    return f"{len(replies)}, {real} real"


def main() -> int:
    """Write the page, or with --check exit 1 where it is stale."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        return int(FILE.read_text(encoding="utf-8") != page())
    FILE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
