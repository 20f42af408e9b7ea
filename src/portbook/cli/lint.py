"""The ports that a project's files declare: what collides, what disagrees, what is odd."""

import argparse
import os
import sys
from collections.abc import Sequence

from portbook.cli.render import emit, emit_json, style_of
from portbook.model import EnvironmentFault, UsageError, document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from portbook.lint.settings import Settings
    from portbook.model.declared import LintFinding
    from portbook.survey.linting import LintReport

SEVERITIES = ("error", "warning", "note")
_MOST_STDIN = 1 << 24
_FORMS = ("json", "jsonl", "sarif", "github")


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook lint`."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="files and folders (default: this folder)"
    )
    parser.add_argument(
        "--here",
        action="store_true",
        help="compare with what listens here, and with the claims and reservations of others",
    )
    rules = parser.add_argument_group("what counts")
    rules.add_argument(
        "--select", metavar="RULES", type=_rules, help="these alone: PB101,PB2 (beginnings too)"
    )
    rules.add_argument("--ignore", metavar="RULES", type=_rules, help="not these")
    rules.add_argument(
        "--exclude",
        metavar="PATTERN",
        action="append",
        default=[],
        help="leave files and folders out, as .gitignore writes them; again for more",
    )
    rules.add_argument(
        "--fail-on",
        choices=SEVERITIES,
        help="exit with 1 on findings as severe as this (default: warning)",
    )
    rules.add_argument("--baseline", metavar="FILE", help="what it has is known, and fails nothing")
    rules.add_argument("--write-baseline", metavar="FILE", help="take every finding for known")
    forms = parser.add_argument_group("how it is said")
    forms.add_argument("--sarif", action="store_true", help="print one SARIF 2.1.0 log")
    forms.add_argument("--github", action="store_true", help="print annotations of GitHub Actions")
    forms.add_argument(
        "--list", action="store_true", help="every port that is declared, without a judgement"
    )
    forms.add_argument("--rules", action="store_true", help="list the rules")
    forms.add_argument("--explain", metavar="RULE", help="print the page of a rule")
    fix = parser.add_argument_group("renumbering")
    fix.add_argument(
        "--fix",
        action="store_true",
        help="give what collides a free number, wherever it must agree; shows it and asks first",
    )
    fix.add_argument("--diff", action="store_true", help="with --fix: only show it")
    fix.add_argument("--yes", action="store_true", help="with --fix: do not ask")
    parser.add_argument(
        "--stdin-filename", metavar="FILE", help="with - as PATH: the file that stdin is, unsaved"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="read every file anew, and keep nothing"
    )


def main(options: argparse.Namespace) -> int:
    """Exit code 1: findings at or above --fail-on that no baseline knows; 3: incomplete; 0."""
    _check(options)
    if options.rules or options.explain is not None:
        from portbook.cli.lint_rules import explain, list_rules

        return list_rules(options) if options.rules else explain(options)
    from portbook.survey.linting import require_packages

    require_packages()
    paths = _paths(options)
    settings = _settings(options, paths)
    if options.fix:
        from portbook.cli.lint_fix import fix

        return fix(paths, settings, options)
    if options.stdin_filename is not None:
        report = _look_at_stdin(settings, options)
    else:
        report = look(paths, settings, options)
    if options.list:
        _print_list(report, options)
        return 3 if report.gaps else 0
    if options.write_baseline is not None:
        report = _keep(report, settings, options.write_baseline)
    return tell(report, settings, options)


def look(
    paths: Sequence[str],
    settings: "Settings",
    options: argparse.Namespace,
    contents: "Mapping[str, bytes] | None" = None,
) -> "LintReport":
    """Read and judge the files; `contents` are bytes of some that count instead of their own."""
    from portbook.survey.linting import lint_paths

    return lint_paths(
        paths, settings=settings, here=options.here, cache=not options.no_cache, contents=contents
    )


def tell(report: "LintReport", settings: "Settings", options: argparse.Namespace) -> int:
    """Print a report in the form that was asked for; returns the exit code."""
    if options.sarif:
        from portbook.cli.lint_sarif import lint_log

        compared = settings.baseline is not None or options.write_baseline is not None
        emit_json(lint_log(report, settings, baseline=compared))
    elif options.github:
        from portbook.cli.lint_github import annotations

        emit(annotations(report))
    elif options.jsonl:
        from portbook.cli.gaps import stream_gaps

        for each in report.findings:
            emit_json(document("lint-finding", each), line=True)
        stream_gaps(report.gaps)
    elif options.json:
        from portbook.survey.linting import report_body

        emit_json(document("lint", report_body(report)))
    else:
        from portbook.cli.gaps import tell_gaps
        from portbook.cli.lint_text import report_lines

        style = style_of(options.color)
        emit(report_lines(report, style))
        tell_gaps(report.gaps, style)
    return exit_code(report, settings)


def exit_code(report: "LintReport", settings: "Settings") -> int:
    """What a report comes to."""
    if fails(report.findings, settings.fail_on):
        return 1
    return 3 if report.gaps else 0


def fails(findings: "Sequence[LintFinding]", fail_on: str) -> bool:
    """Whether a finding that is not known is as severe as `fail_on`."""
    bad = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    return any(each.severity in bad and not each.known for each in findings)


def _check(options: argparse.Namespace) -> None:
    """Refuse options that contradict each other.

    Raises:
        UsageError: they do.
    """
    forms = [f"--{name}" for name in _FORMS if getattr(options, name)]
    if len(forms) > 1:
        raise UsageError(f"{forms[0]} and {forms[1]} are two forms of the answer", hint="take one")
    if (options.diff or options.yes) and not options.fix:
        raise UsageError(f"--{'diff' if options.diff else 'yes'} is for --fix", hint="add --fix")
    if options.fix:
        if forms or options.list:
            other = forms[0] if forms else "--list"
            raise UsageError(f"--fix shows a diff, and {other} would print something else")
        if options.write_baseline is not None:
            raise UsageError("--fix and --write-baseline: first the one, then the other")
    if options.list and (options.sarif or options.github):
        raise UsageError("--list judges nothing", hint="--list alone, or with --json")


def _rules(text: str) -> tuple[str, ...]:
    from portbook.lint.settings import check_rule

    names = tuple(each.strip() for each in text.split(",") if each.strip())
    if not names:
        raise argparse.ArgumentTypeError("names no rule")
    for name in names:
        check_rule(name, "rules")
    return names


def _paths(options: argparse.Namespace) -> list[str]:
    """What to look at.

    Raises:
        UsageError: `-` without the name that goes with it, or the name without `-`.
    """
    if (options.stdin_filename is None) != (options.paths != ["-"]):
        raise UsageError(
            "- is a file that an editor holds, and --stdin-filename says which one",
            hint="portbook lint - --stdin-filename compose.yaml",
        )
    return ["."] if options.stdin_filename is not None else options.paths or ["."]


def _look_at_stdin(settings: "Settings", options: argparse.Namespace) -> "LintReport":
    """The project of this folder with one file as standard input has it; what it has of that file.

    Raises:
        UsageError: the file's folder is not this one, nor below it.
        EnvironmentFault: standard input is closed.
    """
    name = os.path.relpath(options.stdin_filename)
    # A file that was never saved is one all the same.
    if name.startswith(os.pardir) or os.path.isdir(name) or not os.path.isdir(_folder(name)):
        raise UsageError(f"{options.stdin_filename!r} is no file below this folder")
    if sys.stdin is None:
        raise EnvironmentFault("standard input is closed")
    path = name.replace(os.sep, "/")
    report = look(["."], settings, options, {path: sys.stdin.buffer.read(_MOST_STDIN)})
    return report._replace(
        findings=tuple(each for each in report.findings if each.place.path == path),
        gaps=tuple(each for each in report.gaps if each.what.partition(":")[0] == path),
    )


def _folder(name: str) -> str:
    return os.path.dirname(name) or "."


def _settings(options: argparse.Namespace, paths: Sequence[str]) -> "Settings":
    """What the project's file says, and over it the options."""
    from portbook.lint.settings import matcher, settings_for
    from portbook.survey.linting import root_of

    found = settings_for(root_of(paths)[0])
    found = found._replace(
        ignore=(*found.ignore, *(options.ignore or ())),
        exclude=(*found.exclude, *options.exclude),
        fail_on=options.fail_on or found.fail_on,
        baseline=options.baseline or found.baseline,
    )
    matcher(found.exclude, found.folder, found.folder)  # a pattern that is none is told now
    if options.select is not None:
        found = found._replace(select=options.select)
    return found if options.write_baseline is None else found._replace(baseline=None)


def _keep(report: "LintReport", settings: "Settings", path: str) -> "LintReport":
    """Write a baseline of everything that was found; all of it is known then.

    Raises:
        EnvironmentFault: it cannot be written.
    """
    from json import dumps

    from portbook.cli.file_writing import write_file
    from portbook.lint.keeping import kept

    entries = kept(report.findings, settings, root=report.root, lines=report.lines)
    text = dumps(document("lint-baseline", {"findings": entries}), indent=1) + "\n"
    write_file(path, text.encode(), what="the baseline")
    findings = tuple(each._replace(known=True) for each in report.findings)
    return report._replace(findings=findings)


def _print_list(report: "LintReport", options: argparse.Namespace) -> None:
    if options.jsonl:
        from portbook.cli.gaps import stream_gaps

        for each in report.declared:
            emit_json(document("declared-port", each), line=True)
        stream_gaps(report.gaps)
    elif options.json:
        body = {"root": report.root, "files": report.files, "declared": report.declared}
        emit_json(document("declared", {**body, "incomplete": report.gaps}))
    else:
        from portbook.cli.gaps import tell_gaps
        from portbook.cli.lint_text import declared_lines

        style = style_of(options.color)
        emit(declared_lines(report, style))
        tell_gaps(report.gaps, style)
