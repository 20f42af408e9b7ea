"""Which listeners do not belong: findings by severity, and what differs from a baseline."""

import argparse

from portbook.cli.audit_baseline import read_baseline, write_baseline
from portbook.cli.render import emit, emit_json, style_of
from portbook.host import Host, clock
from portbook.model import Gap, Listener, UsageError, document
from portbook.model.finding import Drift, Finding, Kept
from portbook.model.record import Record
from portbook.model.verdict import SEVERITIES
from portbook.survey import hidden_owners, survey


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook audit`."""
    parser.add_argument("--sarif", action="store_true", help="print one SARIF 2.1.0 log")
    parser.add_argument(
        "--baseline", metavar="FILE", help="compare with it, and let what it has be known"
    )
    parser.add_argument(
        "--write-baseline", metavar="FILE", help="take everything as it is now for granted"
    )
    parser.add_argument(
        "--fail-on",
        choices=SEVERITIES,
        default="medium",
        help="exit with 1 on findings as severe as this (default: medium)",
    )
    parser.add_argument(
        "--hidden",
        action="store_true",
        help="try every port with bind(), for listeners that no table shows",
    )


class Audit(Record):
    """Everything that one audit found."""

    rows: tuple[Listener, ...]
    findings: tuple[Finding, ...]
    drift: Drift
    gaps: tuple[Gap, ...]
    tried: int


def main(options: argparse.Namespace) -> int:
    """Exit code 1: findings at or above --fail-on that no baseline knows; 3: incomplete; 0."""
    from portbook.verdict.drift import kept
    from portbook.verdict.findings import fails, known, rules_by_key

    if options.hidden and (options.root != "/" or options.no_probe):
        what = "a recorded host has no bind()" if options.root != "/" else "--no-probe forbids it"
        raise UsageError(f"--hidden tries every port: {what}")
    if options.sarif and (options.json or options.jsonl):
        raise UsageError("--sarif and --json are two forms of the answer", hint="take one")
    before = None if options.baseline is None else read_baseline(options.baseline)
    host = Host(options.root)
    found = look_around(
        host, before, source=options.source, hidden=options.hidden, wire=not options.no_probe
    )
    if options.write_baseline is not None:
        entries = kept(found.rows, rules_by_key(found.findings))
        at = clock.iso(host.now())
        write_baseline(options.write_baseline, entries, host=host.name, at=at)
        found = found._replace(findings=tuple(known(found.findings, entries)))
    _print(found, host, options, compared=before is not None)
    # What was just taken for granted, drift among it, fails nothing.
    if options.write_baseline is None and fails(found.findings, options.fail_on):
        return 1
    return 3 if found.gaps else 0


def look_around(
    host: Host,
    before: tuple[Kept, ...] | None,
    *,
    source: str | None,
    hidden: bool,
    wire: bool = False,
) -> Audit:
    """Survey the host, try its ports if `hidden`, and compare with a baseline.

    With `wire` each listener of a live host is asked what it speaks.

    Raises:
        EnvironmentFault: the socket table or the registry cannot be read.
    """
    from portbook import sockets as kernel
    from portbook.verdict.drift import drift, kept
    from portbook.verdict.findings import by_severity, drift_findings, findings_of, known

    seen = survey(host, source=source)
    if wire and host.live:
        from portbook.cli.asking import ask_listeners

        seen = ask_listeners(host, seen, lambda _: True, wire=True)
    rows = seen.listeners
    gaps = (*seen.gaps, *hidden_owners(rows))
    tried = 0
    if hidden:
        felt, more, tried = _felt(host, source)
        rows, gaps = (*rows, *felt), (*gaps, *more)
    findings = findings_of(rows)
    difference = Drift()
    if before is not None:
        is_ephemeral = kernel.read_settings(host).is_ephemeral
        difference = drift(before, kept(rows, {}), is_ephemeral=is_ephemeral)
        findings = known(findings, before) + drift_findings(rows, difference)
    return Audit(rows, by_severity(findings), difference, tuple(dict.fromkeys(gaps)), tried)


def _felt(host: Host, source: str | None) -> tuple[tuple[Listener, ...], tuple[Gap, ...], int]:
    """Rows for the holders that only bind() feels, what could not be tried, how many tries."""
    from portbook.cli.progress import Bar
    from portbook.model import Facts
    from portbook.registry.lookup import lookup
    from portbook.sockets.hidden import listener_of, sweep
    from portbook.verdict import judge

    with Bar("trying ports") as bar:
        swept = sweep(host, source=source, progress=bar.show)
    rows = []
    for each in swept.felt:
        entry = lookup(each.port, each.transport)
        names = tuple(row.service for row in entry.assignments if row.service)
        verdict = judge(Facts(None, names, hidden=True))
        rows.append(listener_of(each, verdict, names))
    return tuple(rows), swept.gaps, swept.tried


def _print(found: Audit, host: Host, options: argparse.Namespace, *, compared: bool) -> None:
    if options.sarif:
        from portbook.cli.sarif import sarif_log
        from portbook.verdict.findings import rules

        compared = compared or options.write_baseline is not None
        log = sarif_log(found.findings, found.gaps, rules(), host=host.name, baseline=compared)
        emit_json(log)
    elif options.jsonl:
        for each in found.findings:
            emit_json(document("finding", each), line=True)
    elif options.json:
        body = {
            "host": host.name,
            "at": clock.iso(host.now()),
            "findings": found.findings,
            "drift": found.drift,
            "incomplete": found.gaps,
        }
        emit_json(document("audit", body))
    else:
        from portbook.cli.audit_text import audit_lines

        emit(audit_lines(found, style_of(options.color), compared=compared))
