"""Text from outside, for a reader that is a program: no control characters, and never endless.

Names of processes, command lines and texts of the registry end up in front of a language model.
What they say cannot be judged here; that they cannot hide anything (terminal controls,
bidirectional overrides, tags, lone surrogates) and cannot fill the model's memory can.
"""

from portbook.model import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from portbook.model import PortbookError

LONGEST = 1024
"""Characters of one piece of outside text."""

MOST_WORDS = 64
"""Words of one command line."""

_MOST_GAPS = 20

NO_COMMAND_LINE = {"unknown": "not-asked", "hint": "ask with command_lines: true"}


def safe(text: str, longest: int = LONGEST) -> str:
    """`text` with every sign that cannot be shown written as an escape."""
    return printable.safe(text, longest)


def tamed(value: "Any", *, command_lines: bool = False) -> "Any":
    """A document with every text made safe; without `command_lines` they are left out."""
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, dict):
        made = {}
        for key, inner in value.items():
            if key == "cmdline" and isinstance(inner, list):
                inner = inner[:MOST_WORDS] if command_lines else NO_COMMAND_LINE  # noqa: PLW2901 - what is shown of it
            made[safe(key, 200)] = tamed(inner, command_lines=command_lines)
        return made
    if isinstance(value, (list, tuple)):
        return [tamed(inner, command_lines=command_lines) for inner in value]
    return value


def first_rows(
    document: "dict[str, Any]",
    field: str,
    most: int,
    *,
    within: "dict[str, Any] | None" = None,
    called: str | None = None,
    hint: str | None = None,
) -> None:
    """Cut the rows of `field` to `most`; what was left out is a gap of the document.

    `within` is the object that has the field, where that is not the document itself; `called` is
    what its rows are.
    """
    holder = document if within is None else within
    left = len(holder[field]) - most
    if left > 0:
        holder[field] = holder[field][:most]
        leave_out(document, f"{left} more {called or field}", f"only {most} are shown", hint)


def leave_out(document: "dict[str, Any]", what: str, why: str, hint: str | None) -> None:
    """Say in the document that it is cut."""
    document["incomplete"].append({"what": what, "why": why, "hint": hint})


def gap_lines(document: "dict[str, Any]") -> list[str]:
    """What the document lacks, a line each."""
    return [
        f"incomplete: {gap['what']}: {gap['why']}" + (f" ({gap['hint']})" if gap["hint"] else "")
        for gap in document["incomplete"][:_MOST_GAPS]
    ]


def error_text(error: "PortbookError") -> str:
    """An error as one line, and its hint as another."""
    lines = [f"error: {error}"]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return "\n".join(map(safe, lines))
