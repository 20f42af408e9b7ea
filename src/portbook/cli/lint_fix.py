"""`portbook lint --fix`: renumber what collides, after showing the diff and asking.

A plan is judged before it is shown: the project is read with the new text in place of the old, and
what would not help, or would break something else, is not offered. Then all files are written or
none.
"""

import argparse
import os
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from portbook.cli.render import emit, encodable, is_terminal, safe, style_of
from portbook.lint.fixing import RULES, Plan, plan
from portbook.lint.rewriting import Edit, Moved, rewritten
from portbook.model import EnvironmentFault, NotPermitted, UsageError
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from portbook.lint.fixing import Choose
    from portbook.lint.settings import Settings
    from portbook.model.declared import LintFinding
    from portbook.survey.linting import LintReport

    Look = Callable[[dict[str, bytes]], LintReport]

_MOST_BYTES = 1 << 20


class Change(Record):
    """A file that changes: its names in the report, the file itself, its bytes before and after."""

    paths: tuple[str, ...]
    file: str
    before: bytes
    after: bytes


class Offer(Record):
    """A plan, the files that it changes, and collisions that are left, each with a reason."""

    plan: Plan
    changes: tuple[Change, ...]
    dropped: tuple[str, ...]


def fix(paths: Sequence[str], settings: "Settings", options: argparse.Namespace) -> int:
    """Renumber, and judge what is left: the exit code is that of the lint afterwards.

    Raises:
        UsageError: nobody can be asked.
        NotPermitted: a file may not be written; nothing was changed.
        EnvironmentFault: a file changed meanwhile, or cannot be written; nothing was changed.
    """
    from portbook.cli.lint import exit_code, look, tell
    from portbook.cli.lint_diff import diff_lines, reasons

    report = look(paths, settings, options)
    try:
        offer = _offer(
            report, lambda contents: look(paths, settings, options, contents), here=options.here
        )
    except (NotPermitted, EnvironmentFault):
        if not options.diff:  # what a diff is piped to reads no findings
            tell(report, settings, options)
        raise
    said = reasons(offer, report)
    if offer.changes:
        emit(diff_lines(offer.changes, style_of(options.color), plain=not is_terminal()))
    _say(said)
    if not offer.changes:
        _say(["nothing to renumber"])
        return exit_code(report, settings) if options.diff else tell(report, settings, options)
    if options.diff:
        return exit_code(report, settings)
    if not _agreed(offer, options):
        _say(["nothing was changed"])
        return exit_code(report, settings)
    write_all(offer.changes)
    after = look(paths, settings, options)
    worse = _worse(offer.plan, report, after)
    if worse:
        _restore(offer.changes)
        raise EnvironmentFault(f"taken back, nothing was changed: {worse[0]}")
    _say([f"changed {len(offer.changes)} {'file' if len(offer.changes) == 1 else 'files'}"])
    return tell(after, settings, options)


def _offer(report: "LintReport", look: "Look", *, here: bool) -> Offer:
    """The largest plan that helps: all at once, else one renumbering after the other."""
    choose = _chooser(here=here)
    whole = Plan((), ())
    for wide in (False, True):
        made, changes = _planned(report, report.findings, choose, wide=wide)
        if not made.renumberings:
            return Offer(made, (), ())
        whole = whole if whole.renumberings else made
        if not _worse(made, report, look(_contents(changes))):
            return Offer(made, changes, ())
    return _one_by_one(report, whole, look, choose)


def _one_by_one(report: "LintReport", whole: Plan, look: "Look", choose: "Choose") -> Offer:
    """The renumberings of a plan that help, tried one after the other on top of each other."""
    taken: list[LintFinding] = []
    dropped: list[str] = []
    best = Offer(Plan((), whole.refused), (), ())
    for each in whole.renumberings:
        worse = []
        for wide in (False, True):
            made, changes = _planned(report, [*taken, each.finding], choose, wide=wide)
            worse = _worse(made, report, look(_contents(changes)))
            if not worse:
                taken.append(each.finding)
                best = Offer(made._replace(refused=whole.refused), changes, ())
                break
        else:
            dropped.append(f"{each.who} stays on {each.old}: with {each.new} {worse[0]}")
    return best._replace(dropped=tuple(dropped))


def _planned(
    report: "LintReport", findings: "Iterable[LintFinding]", choose: "Choose", *, wide: bool
) -> tuple[Plan, tuple[Change, ...]]:
    made = plan(findings, report.declared, report.lines, choose, wide=wide)
    return made, _changes(report.root, made.edits)


def _contents(changes: Iterable[Change]) -> dict[str, bytes]:
    return {path: each.after for each in changes for path in each.paths}


def _chooser(*, here: bool) -> "Choose":
    """Gives a free number near one: by the registry alone, so that everybody gets the same.

    `here`: nothing of this machine may have it either.
    """
    from portbook.model import USER
    from portbook.survey.choosing import in_use, may_be_taken, outward

    held: frozenset[int] = frozenset()
    if here:
        from portbook.survey.promised import promised

        held = frozenset(port for _, port in promised().held)

    def choose(near: int, avoid: frozenset[int], span: range | None) -> int | None:
        first, last = (USER.first, _LAST) if span is None else (span[0], span[-1])
        for port in outward(near, first, last):
            if port in avoid or port in held:
                continue
            # A cluster's nodes give their whole range away, whatever it is registered to.
            if span is None and not may_be_taken(port):
                continue
            if not here or all(in_use(kind, "*", port) is None for kind in ("tcp", "udp")):
                return port
        return None

    return choose


_LAST = 32_767
"""Above it Linux gives numbers to outgoing connections, on every machine as it is shipped."""


def _changes(root: str, edits: Iterable[Edit]) -> tuple[Change, ...]:
    """The files with the edits made, nothing written.

    Raises:
        NotPermitted: a file may not be written, or lies outside of what is linted.
        EnvironmentFault: one cannot be read, or is not what was linted any more.
    """
    top = os.path.realpath(root)
    by_file: dict[str, dict[str, list[Edit]]] = {}
    for edit in edits:
        file = os.path.realpath(os.path.join(top, edit.place.path))
        if os.path.commonpath((top, file)) != top:
            raise NotPermitted(f"{edit.place.path} is a link that leads out of {root}")
        by_file.setdefault(file, {}).setdefault(edit.place.path, []).append(edit)
    found = []
    for file, names in sorted(by_file.items()):
        before = _bytes_of(file, next(iter(names)))
        # Two names of one file (a link beside it) tell of the same digits.
        alike = {
            edit._replace(place=edit.place._replace(path=file)): None
            for every in names.values()
            for edit in every
        }
        try:
            found.append(Change(tuple(sorted(names)), file, before, rewritten(before, alike)))
        except Moved as error:
            raise EnvironmentFault(
                f"{next(iter(names))} changed while it was read: {error}", hint="once more"
            ) from error
    return tuple(found)


def _bytes_of(file: str, shown: str) -> bytes:
    """The bytes of a file that may be written.

    Raises:
        NotPermitted: it may not.
        EnvironmentFault: it is no plain file, or cannot be read.
    """
    try:
        about = os.stat(file)
        if not stat.S_ISREG(about.st_mode) or about.st_size > _MOST_BYTES:
            raise EnvironmentFault(f"{shown} is no file that can be changed")
        with open(file, "rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise EnvironmentFault(f"{shown}: {error.strerror or error}") from error
    # root may write whatever the mode says; that it says read-only is meant all the same.
    if not about.st_mode & 0o222 or not os.access(file, os.W_OK):
        raise NotPermitted(f"{shown} is read-only: nothing was changed", hint="chmod u+w")
    return data


def _worse(made: Plan, before: "LintReport", after: "LintReport") -> list[str]:
    """What speaks against a plan: what it leaves, and what it brings."""

    def key(each: "LintFinding") -> tuple[str, str, int]:
        return (each.rule, each.place.path, each.place.line)

    left = {(*key(each), each.port) for each in after.findings}
    # What was named nowhere before collides because several programs got it.
    given = {each.new for each in made.renumberings}
    said = [
        f"{each.finding.rule} is still found at {each.finding.place.path}:{each.finding.place.line}"
        for each in made.renumberings
        if (*key(each.finding), each.finding.port) in left
    ]
    had = Counter(map(key, before.findings))
    for each in after.findings:
        if each.rule in RULES and each.port in given:
            said.append(
                f"{each.rule} is found at {each.place.path}:{each.place.line}: {each.message}"
            )
        elif had[key(each)] > 0:
            had[key(each)] -= 1
        else:
            said.append(
                f"{each.rule} comes up at {each.place.path}:{each.place.line}: {each.message}"
            )
    if len(after.gaps) > len(before.gaps):
        said.append("a file could not be read any more")
    return said


def _agreed(offer: Offer, options: argparse.Namespace) -> bool:
    """Ask on the terminal; anything but a yes is a no.

    Raises:
        UsageError: there is nobody to ask.
    """
    if options.yes:
        return True
    number = len(offer.changes)
    files = f"{number} {'file' if number == 1 else 'files'}"
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"nobody can be asked whether to change {files}", hint="--yes, or --diff to see it"
        )
    print(f"Change {files}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def write_all(changes: Sequence[Change]) -> None:
    """Write every file or none.

    Raises:
        EnvironmentFault: one is not what it was, or cannot be written; nothing was changed.
    """
    from portbook.cli.file_writing import write_file

    for each in changes:
        if _bytes_of(each.file, each.paths[0]) != each.before:
            raise EnvironmentFault(f"{each.paths[0]} changed meanwhile: nothing was changed")
    done: list[Change] = []
    try:
        for each in changes:
            done.append(each)
            write_file(each.file, each.after, what="the file")
    except BaseException:
        _restore(done)
        raise


def _restore(changes: Iterable[Change]) -> None:
    """Put the bytes back that were there; a file that was not written yet stays as it is."""
    from portbook.cli.file_writing import write_file

    for each in changes:
        with open(each.file, "rb") as opened:
            if opened.read(_MOST_BYTES + 1) == each.before:
                continue
        write_file(each.file, each.before, what="the file")


def _say(lines: Iterable[str]) -> None:
    """Talk on stderr: stdout has the diff and the findings."""
    if sys.stderr is not None:
        text = "".join(f"{safe(line)}\n" for line in lines)
        sys.stderr.write(encodable(text, sys.stderr))
        sys.stderr.flush()
