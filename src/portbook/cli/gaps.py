"""What an answer lacks: told on stderr beside text, as a last line of a stream of JSON."""

import sys
from collections.abc import Sequence

from portbook.cli.render import Style, emit_json, encodable, safe, wrap
from portbook.model import Gap, document


def gap_lines(gaps: Sequence[Gap], style: Style) -> list[str]:
    """One `incomplete: what: why (hint)` for each gap."""
    lines = []
    for gap in gaps:
        text = f"incomplete: {gap.what}: {gap.why}" + (f" ({gap.hint})" if gap.hint else "")
        lines += wrap(safe(text), style, "  ", "")
    return lines


def tell_gaps(gaps: Sequence[Gap], style: Style) -> None:
    """The same on stderr: stdout is data."""
    if gaps and sys.stderr is not None:
        text = "".join(f"{line}\n" for line in gap_lines(gaps, style))
        sys.stderr.write(encodable(text, sys.stderr))
        sys.stderr.flush()


def stream_gaps(gaps: Sequence[Gap]) -> None:
    """The closing line of --jsonl where something is missing: `portbook/incomplete/1`."""
    if gaps:
        emit_json(document("incomplete", {"incomplete": tuple(gaps)}), line=True)
