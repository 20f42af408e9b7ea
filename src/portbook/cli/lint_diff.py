"""What a fix would change, as a unified diff that `patch -p1` and `git apply` take, and why."""

from collections.abc import Iterable, Iterator

from portbook.cli.lint_text import shown_from, spot
from portbook.cli.render import Style, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.cli.lint_fix import Change, Offer
    from portbook.survey.linting import LintReport

_SHADES = {"+": "green", "-": "red", "@": "cyan"}


def diff_lines(changes: "Iterable[Change]", style: Style, *, plain: bool) -> Iterator[str]:
    """The diff of every file, named from the folder that is linted.

    `plain`: as it is, for a program to apply; else made safe for a terminal.
    """
    from difflib import unified_diff

    for each in changes:
        path = each.paths[0]
        old, new = (
            text.decode("utf-8", "replace").split("\n") for text in (each.before, each.after)
        )
        # What stands behind the last line's end is no line; where it has none, git says so.
        ends = old[-1] == ""
        if ends:
            old, new = old[:-1], new[:-1]
        before = after = shown = 0
        for line in unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm=""):
            if line.startswith(("--- ", "+++ ")) and not shown:
                yield style.paint(_text(line, plain=plain), "bold")
                continue
            shown, sign = 1, line[:1]
            shade = _SHADES.get(sign)
            said = _text(line, plain=plain)
            yield style.paint(said, shade) if shade else said
            if sign == "@":
                before, after = (int(part[1:].partition(",")[0]) - 1 for part in line.split()[1:3])
                continue
            before += sign in " -"
            after += sign in " +"
            # A fix changes no number of lines: both sides end with the same one.
            if not ends and (after if sign == "+" else before) == len(old):
                yield "\\ No newline at end of file"


def _text(line: str, *, plain: bool) -> str:
    return line if plain else safe(line.removesuffix("\r").replace("\t", "    "))


def reasons(offer: "Offer", report: "LintReport") -> list[str]:
    """Why each number changes, what was left alone, and what cannot be changed by a program."""
    where = shown_from(report.root)
    told = []
    for each in offer.plan.renumberings:
        told.append(
            f"{each.finding.rule}: {each.who} gets {each.new} instead of {each.old}: {each.why}"
        )
        for place, either in each.left:
            told.append(f"  {spot(place, where)} says {each.old} and may mean {either}: left alone")
    told += [
        f"{each.finding.rule} at {spot(each.finding.place, where)} is left: {each.why}"
        for each in offer.plan.refused
    ]
    return [*told, *offer.dropped]
