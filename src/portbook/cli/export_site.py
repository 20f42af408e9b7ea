"""Write the book as files, for any web server or none: a page for every port."""

import argparse
import os
import re
import sys

from portbook.cli.arguments import parse_target
from portbook.cli.progress import Bar
from portbook.cli.render import emit, emit_json, safe
from portbook.model import EnvironmentFault, UsageError, document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.pages.export.exporting import Export
    from portbook.pages.export.plan import Plan

INTERRUPTED = 130
_MOST_JOBS = 256
_BASE_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?")


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook export-site`."""
    parser.add_argument("folder", metavar="DIR", help="a new or empty folder, or one made by this")
    parser.add_argument(
        "--language", metavar="TAG", action="append", help="only this language (default: all)"
    )
    parser.add_argument(
        "--ports", metavar="PORTS", action="append", help="only the pages of these: 3000-3999"
    )
    parser.add_argument("--jobs", metavar="N", type=int, help="processes (default: one per CPU)")
    parser.add_argument("--no-json", action="store_true", help="leave the JSON documents out")
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help="where it will be published: adds a sitemap and robots.txt",
    )


def main(options: argparse.Namespace) -> int:
    """0 when everything is there, 130 by Ctrl-C: the next run goes on from there.

    Raises:
        UsageError: the options do not fit.
        EnvironmentFault: the folder has other things in it, cannot be written, or packages miss.
        NotPermitted: the folder may not be written.
    """
    try:
        from portbook.pages.export.exporting import Interrupted, export
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("portbook"):
            raise
        raise EnvironmentFault(
            f"the pages need {missing.name}, which is not installed",
            hint='pip install "portbook[pages]"',
        ) from None
    plan, jobs = _plan(options), _jobs(options.jobs)
    try:
        with Bar("pages") as bar:
            found = export(options.folder, plan, jobs=jobs, progress=bar.show)
    except Interrupted as stopped:
        left = f"{stopped.done:,} of {stopped.of:,} pages are there"
        print(f"portbook: interrupted: {left}", file=sys.stderr)
        print("hint: the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    if options.json or options.jsonl:
        emit_json(document("export", found), line=options.jsonl)
    else:
        emit(map(safe, _lines(found)))
    return 0


def _plan(options: argparse.Namespace) -> "Plan":
    """What the options ask for.

    Raises:
        UsageError: there is no such language, port or address.
    """
    from portbook.pages.export.plan import ALL_PORTS, Plan
    from portbook.pages.words import languages

    wanted = tuple(dict.fromkeys(options.language or languages()))
    for tag in wanted:
        if tag not in languages():
            known = ", ".join(languages())
            raise UsageError(f"the book has no language {tag!r}", hint=f"it has {known}")
    ports = _ranges(options.ports) if options.ports else ALL_PORTS
    # The order of the languages is that of the book, so that the same wish has the same bytes.
    ordered = tuple(tag for tag in languages() if tag in wanted)
    return Plan(ordered, ports, not options.no_json, _base_url(options.base_url))


def _ranges(arguments: list[str]) -> tuple[tuple[int, int], ...]:
    """Ports as ranges that are ascending and apart."""
    asked: set[int] = set()
    for argument in arguments:
        for text in argument.split(","):
            target = parse_target(text.strip())
            if target.transport is not None:
                raise UsageError(f"{text}: a page is about all transports of a port")
            asked.update(target.ports)
    firsts = (port for port in sorted(asked) if port - 1 not in asked)
    lasts = (port for port in sorted(asked) if port + 1 not in asked)
    return tuple(zip(firsts, lasts, strict=True))


def _jobs(asked: int | None) -> int:
    if asked is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if not 1 <= asked <= _MOST_JOBS:
        raise UsageError(f"--jobs is 1 to {_MOST_JOBS}")
    return asked


def _base_url(text: str | None) -> str:
    """The address with a slash at its end, or nothing."""
    if text is None:
        return ""
    if not _BASE_URL.fullmatch(text):
        raise UsageError(
            f"{text[:80]!r} is no address to publish at",
            hint="such as https://example.org/ports/",
        )
    return f"{text.rstrip('/')}/"


def _lines(found: "Export") -> list[str]:
    """The result for people."""
    size = f"{found.bytes / 1e6:,.1f} MB"
    average = f"{found.bytes / found.files / 1e3:,.1f} kB a file"
    shared = f"{found.shared_bytes / 1e6:,.1f} MB"
    told = {
        "written": f"written: {found.folder}",
        "continued": f"continued and complete: {found.folder}",
        "unchanged": f"nothing to do, all of it is there: {found.folder}",
    }
    lines = [
        told[found.outcome],
        f"{found.pages:,} pages in {', '.join(found.languages)}; {found.files:,} files, {size}",
        f"{average}; what all pages share is there once: {shared}",
    ]
    rate = f", {found.pages_per_second:,.0f} pages/s" if found.made else ""
    lines.append(f"{found.made:,} pages made in {found.seconds:,.1f} s{rate}")
    return lines
