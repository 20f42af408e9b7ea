"""Findings in SARIF 2.1.0 (OASIS), for code hosts and security dashboards."""

from collections.abc import Mapping, Sequence

from portbook.cli.sarif_run import log_of, plain
from portbook.model import Gap, Owner
from portbook.model.finding import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LEVEL = {"high": "error", "medium": "warning", "low": "note", "info": "note"}
_SCORE = {"high": "8.0", "medium": "5.0", "low": "2.0", "info": "0.5"}
"""What code hosts sort by, on the scale of 0.0 to 10.0."""


def sarif_log(
    findings: Sequence[Finding],
    gaps: Sequence[Gap],
    rules: Mapping[str, str],
    *,
    host: str,
    baseline: bool,
) -> "dict[str, Any]":
    """One SARIF log with one run.

    Args:
        findings: the results, in their order.
        gaps: what the audit lacks, as notifications of the run.
        rules: every rule's id with what it looks for.
        host: the machine that was looked at.
        baseline: whether a baseline was compared, so that each result has a `baselineState`.
    """
    ids = sorted(rules)
    return log_of(
        f"portbook-audit/{host}/",
        [_rule(name, rules[name]) for name in ids],
        [_result(found, ids, baseline=baseline) for found in findings],
        gaps,
    )


def _rule(name: str, summary: str) -> "dict[str, Any]":
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": summary},
        "help": {"text": f"{summary}. docs/verdicts.md explains the rule {name}."},
        "properties": {"tags": ["security", "network"]},
    }


def _result(found: Finding, ids: Sequence[str], *, baseline: bool) -> "dict[str, Any]":
    socket = found.listener.socket
    address = f"[{socket.address}]" if ":" in socket.address else socket.address
    place = f"{socket.transport}/{address}:{socket.port}"
    location: dict[str, Any] = {
        "logicalLocations": [
            {"name": place, "fullyQualifiedName": place, "kind": "resource"},
        ]
    }
    if uri := _executable(found.listener.owners):
        location["physicalLocation"] = {"artifactLocation": {"uri": uri}}
    result: dict[str, Any] = {
        "ruleId": found.rule,
        "ruleIndex": ids.index(found.rule),
        "level": _LEVEL[found.severity],
        "message": {"text": plain(f"{place}: {found.reason}. Next: {found.next}.")},
        "locations": [location],
        # No PID and no time: the same finding after a restart is the same one.
        "partialFingerprints": {"listener/v1": f"{found.rule}/{place}"},
        "properties": {
            "severity": found.severity,
            "security-severity": _SCORE[found.severity],
            "reach": found.listener.reach,
        },
    }
    if baseline:
        result["baselineState"] = "unchanged" if found.known else "new"
    return result


def _executable(owners: Sequence[Owner]) -> str | None:
    """The first owner's executable as a file URI."""
    from urllib.parse import quote

    for owner in owners:
        if isinstance(owner.exe, str) and owner.exe.startswith("/"):
            return "file://" + quote(owner.exe, errors="replace")
    return None
