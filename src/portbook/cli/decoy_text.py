"""Visits of a decoy for people: a line for each, and what they came to."""

from collections.abc import Sequence

from portbook.cli.render import Style, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from portbook.cli.decoy import Stood
    from portbook.model.visit import Visit
    from portbook.traffic.decoy_doors import Door

_ENDED = {
    "closed": "it closed after",
    "reset": "it reset the connection after",
    "silent": "ended after",
    "limit": "cut off at the limit after",
    "stopped": "still there at the end, after",
}
_LONGEST = 120


def standing_text(doors: "Sequence[Door]") -> str:
    """`8080/tcp, 8080/udp (127.0.0.1, ::1)`."""
    ports = dict.fromkeys(f"{each.port}/{each.transport}" for each in doors)
    addresses = dict.fromkeys(each.address for each in doors)
    return f"{', '.join(ports)} ({', '.join(addresses)})"


def visit_line(visit: "Visit", style: Style) -> str:
    """When, who, where, what it wanted, and how it ended."""
    source = f"[{visit.source}]" if ":" in visit.source else visit.source
    where = f"{visit.at}  {source}:{visit.source_port} -> {visit.port}/{visit.transport}  "
    return where + style.paint(*_wanted(visit)) + f"; {_end(visit)}"


def _wanted(visit: "Visit") -> tuple[str, str]:
    """The words, and their colour."""
    if not visit.bytes:
        said = "sent a datagram without a byte" if visit.transport == "udp" else _NOTHING
        return said, "dim"
    if visit.protocol is None:
        return f'said what nobody recognises: "{safe(visit.begins)}"', "yellow"
    said = safe(visit.protocol)
    if visit.confidence in ("likely", "guess"):
        said = f"{'likely' if visit.confidence == 'likely' else 'perhaps'} {said}"
    facts = [f"{name} {_cut(text)}" for name, text in visit.details.items()]
    if visit.tool:
        facts.append(f"tool {visit.tool}")
    return said + (f" ({safe(', '.join(facts))})" if facts else ""), "bold"


_NOTHING = "connected and said nothing"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _end(visit: "Visit") -> str:
    said = f"{visit.bytes} byte{'' if visit.bytes == 1 else 's'}, " if visit.bytes else ""
    if said and visit.ended == "silent":
        said += "then silence, "
    kept = f", kept as {visit.file}" if visit.file else ""
    return f"{said}{_ENDED[visit.ended]} {visit.seconds:.1f} s{kept}"


def summary_lines(stood: "Stood") -> "Iterator[str]":
    """How many came, and what they wanted."""
    from portbook.traffic.decoy import MOST_ADDRESSES

    if not stood.visits_total:
        yield "nobody came"
    else:
        visits = f"{stood.visits_total} visit{'' if stood.visits_total == 1 else 's'}"
        sources = f"{stood.sources} address{'' if stood.sources == 1 else 'es'}"
        if stood.sources >= MOST_ADDRESSES:
            sources = f"{MOST_ADDRESSES:,} or more addresses"
        wanted = ", ".join(f"{number} {what}" for what, number in stood.wanted.items())
        yield f"{visits} from {sources}: {wanted}"
    if stood.turned_away:
        yield f"{stood.turned_away} more came while too many were there, and were turned away"
    if stood.not_kept:
        yield f"the bytes of {stood.not_kept} were not kept: the folder is full"
