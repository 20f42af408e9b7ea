"""What visitors of the book said about its pages: "Was this page useful?", counted."""

import argparse

from portbook.cli.arguments import moment_of
from portbook.cli.gaps import gap_lines, stream_gaps
from portbook.cli.render import Column, Style, emit, emit_json, safe, style_of, table, wrap
from portbook.host import clock
from portbook.host.feedback_reader import feedback_of
from portbook.host.feedback_store import default_path
from portbook.model import UsageError, document
from portbook.model.feedback import Feedback


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook feedback`."""
    parser.add_argument("--page", metavar="PAGE", help="only this page, such as /3255 or 3255/udp")
    parser.add_argument("--since", metavar="TIME", help="2h, 2d, 1w ago, or an ISO date (UTC)")
    parser.add_argument("--comments", action="store_true", help="show what was written, too")
    parser.add_argument("--database", metavar="FILE", help="instead of the user's feedback.sqlite")
    parser.add_argument(
        "--limit", metavar="N", type=int, default=1000, help="the newest N comments (1000); 0: all"
    )
    parser.add_argument("--wide", action="store_true", help="cut nothing")


def main(options: argparse.Namespace) -> int:
    """Exit code 1 where nothing was given yet, 3 where comments are left out."""
    if options.limit < 0:
        raise UsageError("--limit is 0 or more")
    since = moment_of("--since", options.since, clock.now())
    page = None if options.page is None else f"/{options.page.removeprefix('/')}"
    path = options.database or default_path()
    told = options.json or options.jsonl or options.comments
    found = feedback_of(path, page=page, since=since, limit=options.limit if told else 0)
    if options.jsonl:
        for each in found.pages:
            emit_json(document("page-votes", each), line=True)
        stream_gaps(found.incomplete)
    elif options.json:
        emit_json(document("feedback", found))
    else:
        style = style_of(options.color)
        style = style._replace(cut=style.cut and not options.wide)
        emit(feedback_lines(found, style, comments=options.comments))
    if not found.pages:
        return 1
    return 3 if found.incomplete else 0


_COLUMNS = (
    Column("PAGE", flexible=True),
    Column("YES", right=True),
    Column("NO", right=True),
    Column("COMMENTS", right=True),
)


def feedback_lines(found: Feedback, style: Style, *, comments: bool) -> list[str]:
    """The answer for people: a table, and the comments below it, newest first."""
    when = f" since {found.since.replace('T', ' ').removesuffix('Z')} UTC" if found.since else ""
    if not found.pages:
        return [safe(f"no feedback was given{when or ' yet'} ({found.database})")]
    rows = [
        (each.page, f"{each.yes:,}", f"{each.no:,}", f"{len(each.comments):,}")
        for each in found.pages
    ]
    totals = found.totals
    pages = f"{totals.pages:,} {'page' if totals.pages == 1 else 'pages'}"
    lines = table(_COLUMNS, rows, style)
    lines.append(f"{totals.yes:,} yes, {totals.no:,} no on {pages}{when}")
    if comments:
        told = [(each.at, page.page, each) for page in found.pages for each in page.comments]
        for at, page, each in sorted(told, key=lambda row: row[0], reverse=True):
            stamp = at.replace("T", " ").removesuffix("Z")
            answer = "yes" if each.useful else "no"
            lines += ["", safe(f"{stamp}  {page}  {answer}  ({each.language})")]
            # A line break of the visitor's is ours to draw; every other control is escaped.
            for line in each.comment.split("\n"):
                lines += wrap(safe(line), style, "  ") if line.strip() else []
        lines += gap_lines(found.incomplete, style)
    return lines
