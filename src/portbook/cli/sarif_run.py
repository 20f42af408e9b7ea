"""What every SARIF 2.1.0 log of ours has (OASIS): the tool, its rules, what was incomplete."""

from collections.abc import Sequence

from portbook.model import Gap
from portbook.model.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LONGEST = 2000


def log_of(
    name: str,
    rules: "Sequence[dict[str, Any]]",
    results: "Sequence[dict[str, Any]]",
    gaps: Sequence[Gap],
    more: "dict[str, Any] | None" = None,
) -> "dict[str, Any]":
    """One log with one run.

    Args:
        name: what the run is a kind of (automationDetails).
        rules: descriptors of every rule.
        results: what was found.
        gaps: what is missing, as notifications of the run.
        more: further properties of the run.
    """
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "portbook",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": list(rules),
            }
        },
        "automationDetails": {"id": name},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(gap) for gap in gaps],
            }
        ],
        "columnKind": "utf16CodeUnits",
        **(more or {}),
        "results": list(results),
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _notification(gap: Gap) -> "dict[str, Any]":
    hint = f" ({gap.hint})" if gap.hint else ""
    return {"level": "note", "message": {"text": plain(f"{gap.what}: {gap.why}{hint}")}}


def plain(text: str) -> str:
    """Outside text without control characters, at a bearable length."""
    from portbook.cli.render import safe

    return safe(text[:_LONGEST])
