"""Which findings count: rules that were asked for, what is allowed, and comments in the files."""

import re
from collections.abc import Iterable

from portbook.lint.settings import Allowed, Settings, matcher
from portbook.model.declared import LintFinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FIRST_LINES = 10
"""Where `ignore-file` may stand."""
_MOST_ABOVE = 20
_LONGEST_LINE = 4096

_COMMENT = r"(?:#|//|/\*|;|<!--|\{\{-?\s*/\*|\{#)"
_WORDS = re.compile(
    r"(?:"
    + _COMMENT
    + r"|^\s{0,200}\*)"
    + r"[\s#/*;!-]{0,20}portbook:\s*ignore(-file)?(?![\w-])(?:\s*\[([^\]\n]*)\])?",
    re.IGNORECASE,
)
_ONLY_COMMENT = re.compile(r"\s*(?:#|//|/\*|\*|;|<!--|\{\{-?\s*/\*|\{#|--)")


def settle(
    findings: Iterable[LintFinding],
    settings: Settings,
    *,
    root: str,
    lines: "Callable[[str], list[str]]",
) -> list[LintFinding]:
    """The findings that count, with their severities, in their order.

    What the settings or a comment take away is gone; what the baseline has is `known`.

    Args:
        findings: what the rules found.
        settings: what was asked for.
        root: the folder that the findings' paths count from.
        lines: the lines of a file.

    Raises:
        UsageError: a pattern of the settings is none.
        EnvironmentFault: the baseline cannot be read.
    """
    may = _Permitted(settings, root)
    comments = _Comments(lines)
    severities = sorted(settings.severity, key=lambda pair: len(pair[0]))
    left = []
    for found in findings:
        if settings.wants(found.rule) and not may.be(found) and not comments.ignore(found):
            # The longest prefix is the last, and wins.
            own = [word for prefix, word in severities if found.rule.startswith(prefix)]
            left.append(found._replace(severity=own[-1]) if own else found)
    if settings.baseline is None:
        return left
    from portbook.lint.keeping import known, read_baseline

    return known(left, read_baseline(settings.baseline), settings, root=root, lines=lines)


class _Permitted:
    """What `allow` and `per-file-ignores` say."""

    def __init__(self, settings: Settings, root: str) -> None:
        self._allow = [
            (each, None if each.path is None else matcher((each.path,), settings.folder, root))
            for each in settings.allow
        ]
        self._files = [
            (matcher((pattern,), settings.folder, root), rules)
            for pattern, rules in settings.per_file_ignores
        ]

    def be(self, found: LintFinding) -> bool:
        """Whether a finding is let be."""
        path = found.place.path
        if any(_fits(each, found) and (fits is None or fits(path)) for each, fits in self._allow):
            return True
        return any(found.rule.startswith(rules) and fits(path) for fits, rules in self._files)


def _fits(allowed: Allowed, found: LintFinding) -> bool:
    if allowed.rule is not None and not found.rule.startswith(allowed.rule):
        return False
    if allowed.ports is None:
        return True
    first, last = allowed.ports
    return found.port is not None and first <= found.port <= last


class _Comments:
    """What the comments of the files say, each file read once."""

    def __init__(self, lines: "Callable[[str], list[str]]") -> None:
        self._read = lines
        self._lines: dict[str, Sequence[str]] = {}
        self._whole: dict[str, list[tuple[str, ...]]] = {}

    def ignore(self, found: LintFinding) -> bool:
        """Whether a comment on its line, on those alone above it, or for its file says so."""
        path = found.place.path
        if path not in self._lines:
            self._lines[path] = self._read(path)
            first = self._lines[path][:FIRST_LINES]
            self._whole[path] = [rules for line in first for rules in _said(line, whole=True)]
        if any(_covers(rules, found.rule) for rules in self._whole[path]):
            return True
        lines, at = self._lines[path], found.place.line - 1
        if at >= len(lines):
            return False
        near = [lines[at]]
        for above in range(at - 1, max(at - 1 - _MOST_ABOVE, -1), -1):
            if not _ONLY_COMMENT.match(lines[above][:_LONGEST_LINE]):
                break
            near.append(lines[above])
        return any(
            _covers(rules, found.rule) for line in near for rules in _said(line, whole=False)
        )


def _covers(rules: tuple[str, ...], rule: str) -> bool:
    return not rules or rule.startswith(rules)


def _said(line: str, *, whole: bool) -> list[tuple[str, ...]]:
    """The rules of each `portbook: ignore[…]` of a line; none named is all of them."""
    line = line[:_LONGEST_LINE]
    if "portbook" not in line.lower():
        return []
    found = []
    for match in _WORDS.finditer(line):
        if (match[1] is not None) == whole:
            names = tuple(each.upper() for each in re.split(r"[\s,]+", match[2] or "") if each)
            # `ignore[]` names nothing, and so it takes nothing away.
            if names or match[2] is None:
                found.append(names)
    return found
