"""Find services and products by name, description, assignee or use; slips are forgiven."""

import argparse

from portbook.cli.render import Column, emit, emit_json, style_of, table
from portbook.model import document
from portbook.registry.search import Match, search


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook search`."""
    parser.add_argument("text", metavar="TEXT", nargs="+", help="every word has to fit")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="at most N (50)")
    parser.add_argument("--wide", action="store_true", help="cut nothing")


def main(options: argparse.Namespace) -> int:
    """Exit code 1 where nothing fits."""
    text = " ".join(options.text)
    found = search(text, limit=options.limit)
    if options.jsonl:
        for match in found:
            emit_json(document("match", match), line=True)
    elif options.json:
        emit_json(document("search", {"text": text, "matches": found, "incomplete": ()}))
    elif not found:
        emit([f"nothing fits {text!r}"])
    else:
        style = style_of(options.color)
        emit(
            table(
                _COLUMNS,
                [_cells(match) for match in found],
                style._replace(cut=style.cut and not options.wide),
            )
        )
    return 0 if found else 1


_COLUMNS = (
    Column("PORT", right=True),
    Column("TRANSPORT", flexible=True),
    Column("NAME", flexible=True),
    Column("DESCRIPTION", flexible=True),
    Column("FOUND IN"),
)


def _cells(match: Match) -> tuple[str, ...]:
    ports = "-" if match.port is None else str(match.port)
    if match.last_port not in (None, match.port):
        ports += f"-{match.last_port}"
    about = match.description or ""
    if match.matched == "assignee" and match.assignee:
        about = f"{about} (by {match.assignee.replace('_', ' ')})"
    return (
        ports,
        ",".join(match.transports) or "-",
        match.service or match.product or "-",
        about or ("not registered under this name" if match.product else "-"),
        match.matched,
    )
