"""The public sources in which traces of services were looked for."""

import argparse

from portbook.cli.render import Column, emit, emit_json, style_of, table
from portbook.model import document
from portbook.registry.sources import read_sources


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook sources`."""
    parser.add_argument("--wide", action="store_true", help="cut nothing")


def main(options: argparse.Namespace) -> int:
    """List them, with version, licence and link."""
    found = read_sources()
    if options.jsonl:
        for source in found.sources:
            emit_json(document("source", source), line=True)
    elif options.json:
        emit_json(document("sources", found))
    else:
        style = style_of(options.color)
        rows = [(each.id, each.version, each.title, each.link) for each in found.sources]
        columns = (
            Column("SOURCE"),
            Column("VERSION"),
            Column("WHAT IT IS", flexible=True),
            Column("LINK", flexible=True),
        )
        emit(table(columns, rows, style._replace(cut=style.cut and not options.wide)))
    return 0
