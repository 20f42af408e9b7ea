"""What a project says about its own lint: `[tool.portbook.lint]`, or `[lint]` of .portbook.toml."""

import os

from portbook.lint.rules import NAMES
from portbook.model.errors import EnvironmentFault, UsageError
from portbook.model.port import LAST_PORT
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SEVERITIES = ("error", "warning", "note")
"""The gravest first."""
FILES = ((".portbook.toml", ("lint",)), ("pyproject.toml", ("tool", "portbook", "lint")))
"""Where settings may be, and under which table; in one folder the first counts."""

_MOST_BYTES = 1 << 20


class Allowed(Record):
    """What may be as it is: what every given field fits. `path` is a pattern as of .gitignore."""

    rule: str | None
    ports: tuple[int, int] | None
    path: str | None
    reason: str | None


class Settings(Record):
    """What is asked of a lint.

    `select` and `ignore` are rules or beginnings of them (`PB1`); the longer one wins, and `ignore`
    among equals. `exclude` and the patterns of `per_file_ignores` and `allow` are as in .gitignore,
    and count from `folder`, where the settings were found. `baseline` is a path that can be opened.
    `top` is the project's top folder.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: str = "warning"
    exclude: tuple[str, ...] = ()
    baseline: str | None = None
    allow: tuple[Allowed, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    severity: tuple[tuple[str, str], ...] = ()
    folder: str = "."
    top: str = "."
    file: str | None = None

    def wants(self, rule: str) -> bool:
        """Whether a rule was asked for."""
        return _longest(self.select or ("",), rule) > _longest(self.ignore, rule)


def _longest(prefixes: tuple[str, ...], rule: str) -> int:
    return max((len(each) for each in prefixes if rule.startswith(each)), default=-1)


def project_top(path: str) -> str:
    """The nearest folder, `path` or above, under version control; else the folder of `path`."""
    start = here = os.path.realpath(path)
    if not os.path.isdir(here):
        start = here = os.path.dirname(here)
    while not os.path.lexists(os.path.join(here, ".git")):
        above = os.path.dirname(here)
        if above == here:
            return start
        here = above
    return here


def settings_for(path: str) -> Settings:
    """The settings nearest to a file or folder, between it and its project's top.

    Raises:
        UsageError: a file of settings says what cannot be understood.
        EnvironmentFault: it cannot be read.
    """
    top = project_top(path)
    here = os.path.realpath(path)
    if not os.path.isdir(here):
        here = os.path.dirname(here)
    while True:
        for name, keys in FILES:
            table = _table(os.path.join(here, name), keys)
            if table is not None:
                return read_settings(table, os.path.join(here, name), top)
        if here == top or os.path.dirname(here) == here:
            return Settings(folder=top, top=top)
        here = os.path.dirname(here)


def _table(path: str, keys: tuple[str, ...]) -> object:
    """The table of a TOML file; None where there is no file, or none in it."""
    try:
        # A pipe or a device of this name is no file of settings, and would keep us waiting.
        if not os.path.isfile(path):
            return None
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise EnvironmentFault(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > _MOST_BYTES:
        raise EnvironmentFault(f"{path} is longer than {_MOST_BYTES >> 20} MiB: it is not read")
    if keys[-1].encode() not in data or keys[-2:][0].encode() not in data:
        # Most projects have a pyproject.toml and no settings of ours: it need not be parsed.
        return None
    import tomllib

    try:
        body: object = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        why = str(error).partition("\n")[0] or "it nests too deep"
        raise UsageError(f"{path} is no TOML: {why}") from None
    for key in keys:
        if not isinstance(body, dict) or key not in body:
            return None
        body = body[key]
    return body


def read_settings(table: object, path: str, top: str) -> Settings:
    """The settings that a table of a file `path` says.

    Raises:
        UsageError: an unknown key, a value of another kind, a rule that is none.
    """
    said = _Said(path)
    if not isinstance(table, dict):
        raise said.wrong("lint", "is no table")
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"{path}: unknown key {str(key)[:60]!r}", hint=_near(key, _KEYS))
    folder = os.path.dirname(path)
    baseline = said.text(table, "baseline")
    fail_on = said.text(table, "fail-on") or "warning"
    if fail_on not in SEVERITIES:
        raise said.wrong("fail-on", f"is {fail_on[:60]!r}", _near(fail_on, SEVERITIES))
    return Settings(
        select=said.rules(table.get("select", []), "select"),
        ignore=said.rules(table.get("ignore", []), "ignore"),
        fail_on=fail_on,
        exclude=said.texts(table.get("exclude", []), "exclude"),
        baseline=None if baseline is None else os.path.join(folder, baseline),
        allow=said.allowed(table.get("allow", [])),
        per_file_ignores=tuple(
            (pattern, said.rules(rules, f"per-file-ignores.{pattern[:60]}"))
            for pattern, rules in said.table(table, "per-file-ignores").items()
        ),
        severity=said.severities(said.table(table, "severity")),
        folder=folder,
        top=top,
        file=path,
    )


_KEYS = (
    *("select", "ignore", "fail-on", "exclude", "baseline", "allow"),
    *("per-file-ignores", "severity"),
)


class _Said:
    """Reads the values of one file, and says what is wrong with them."""

    def __init__(self, path: str) -> None:
        self.path = path

    def wrong(self, key: str, why: str, hint: str | None = None) -> UsageError:
        return UsageError(f"{self.path}: {key} {why}", hint=hint)

    def text(self, table: "dict[str, Any]", key: str) -> str | None:
        value = table.get(key)
        if value is not None and not isinstance(value, str):
            raise self.wrong(key, "is no text")
        return value

    def table(self, table: "dict[str, Any]", key: str) -> "dict[str, Any]":
        value = table.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, "is no table")
        return value

    def texts(self, value: object, key: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.wrong(key, "is no list of texts")
        return tuple(value)

    def rules(self, value: object, key: str) -> tuple[str, ...]:
        found = self.texts(value, key)
        for each in found:
            check_rule(each, f"{self.path}: {key}")
        return found

    def severities(self, table: "dict[str, Any]") -> tuple[tuple[str, str], ...]:
        for rule, severity in table.items():
            check_rule(rule, f"{self.path}: severity")
            if severity not in SEVERITIES:
                hint = _near(severity, SEVERITIES)
                raise self.wrong(f"severity.{rule}", f"is {str(severity)[:60]!r}", hint)
        return tuple(table.items())

    def allowed(self, value: object) -> tuple[Allowed, ...]:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.wrong("allow", "is no list of tables", _ALLOW)
        return tuple(self._allowed(each) for each in value)

    def _allowed(self, row: "dict[str, Any]") -> Allowed:
        for key in row:
            if key not in Allowed._fields and key != "port":
                names = ("rule", "port", "path", "reason")
                raise self.wrong("allow", f"has the unknown key {key[:60]!r}", _near(key, names))
        rule, path, reason = (self.text(row, key) for key in ("rule", "path", "reason"))
        if rule is not None:
            check_rule(rule, f"{self.path}: allow")
        if rule is None and path is None and "port" not in row:
            raise self.wrong("allow", "has an entry that names nothing", _ALLOW)
        return Allowed(rule, self._ports(row.get("port")), path, reason)

    def _ports(self, value: object) -> tuple[int, int] | None:
        """One number, or `8000-8010`."""
        if value is None:
            return None
        low, dash, high = str(value).partition("-")
        numbers = [low, high] if dash else [low, low]
        if isinstance(value, int | str) and all(_is_port(each) for each in numbers):
            first, last = map(int, numbers)
            if first <= last:
                return first, last
        raise self.wrong(
            "allow", f"has the port {str(value)[:60]!r}", "8080, or 8000-8010 in quotes"
        )


_ALLOW = 'such as allow = [{rule = "PB201", port = 8080, reason = "the name is older than us"}]'


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= LAST_PORT


def check_rule(text: str, where: str) -> None:
    """Refuse what is neither a rule nor the beginning of one.

    Raises:
        UsageError: it is not.
    """
    if not text.startswith("PB") or not any(name.startswith(text) for name in NAMES):
        raise UsageError(
            f"{where}: unknown rule {text[:60]!r}",
            hint=_near(text.upper(), NAMES) or "portbook lint --rules lists them",
        )


def _near(text: object, known: "Any") -> str | None:
    from difflib import get_close_matches

    found = get_close_matches(str(text)[:60], list(known), 1, 0.5)
    return f"did you mean {found[0]}?" if found else f"one of {', '.join(known)}"[:200]


def matcher(patterns: tuple[str, ...], folder: str, root: str) -> "Callable[[str], bool]":
    """Whether a path below `root` (with `/`; a folder's ends in one) fits patterns of `folder`.

    Raises:
        UsageError: a pattern is none.
    """
    if not patterns:
        return lambda _: False
    from pathspec import GitIgnoreSpec

    try:
        spec = GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise UsageError(f"a pattern that is none: {str(error)[:200]}") from None
    lead = os.path.relpath(os.path.realpath(root), os.path.realpath(folder)).replace(os.sep, "/")
    lead = "" if lead == "." else f"{lead}/"
    return lambda path: spec.match_file(lead + path)
