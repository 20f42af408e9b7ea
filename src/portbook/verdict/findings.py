"""What an audit finds among listeners, and which of it the baseline knows already. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from portbook.model import SYSTEM, Listener, Suspicion
from portbook.model.finding import Drift, Finding, Kept
from portbook.model.verdict import SEVERITIES
from portbook.verdict.drift import Key, key_of
from portbook.verdict.exposure import SUMMARIES, exposures
from portbook.verdict.rules import SUSPICIONS

_DRIFT = {
    "drift-added": "a listener that the baseline does not have",
    "drift-changed": "another program holds the port than when the baseline was written",
}
_MISMATCH = {"mismatch": "what answers is something else than what is registered"}
_NEXT = "if it belongs: portbook audit --baseline FILE --write-baseline FILE"


def rules() -> dict[str, str]:
    """Every rule that a finding can have, with what it looks for."""
    return {rule.ID: rule.SUMMARY for rule in SUSPICIONS} | SUMMARIES | _MISMATCH | _DRIFT


def findings_of(rows: Iterable[Listener]) -> list[Finding]:
    """What the rules say of each listener: the suspicions of its verdict, and its exposure."""
    return [
        Finding(said.severity, said.rule, row, said.reason, said.next)
        for row in rows
        for said in (*row.verdict.suspicions, *exposures(row), *_misplaced(row))
    ]


def _misplaced(row: Listener) -> tuple[Suspicion, ...]:
    """A remark on a mismatch; medium on a system port that others reach, where it may hide."""
    if row.verdict.beneath != "mismatch":
        return ()
    exposed = row.reach != "loopback" and row.socket.port <= SYSTEM.last
    # The registry's reason stands behind those of suspicions.
    reason = "; ".join(row.verdict.reasons[-1:])
    advice = "move it to its own number, or find out why it is on this one"
    return (Suspicion("mismatch", "medium" if exposed else "low", reason, advice),)


def known(findings: Iterable[Finding], baseline: Sequence[Kept]) -> list[Finding]:
    """The findings, with those marked that the baseline has for the same key."""
    before = {entry[:3]: entry.findings for entry in baseline}
    return [
        found._replace(known=found.rule in before.get(key_of(found.listener), ()))
        for found in findings
    ]


def drift_findings(rows: Sequence[Listener], difference: Drift) -> list[Finding]:
    """A finding for each listener that came or changed; what is gone has no listener any more."""
    by_key: dict[Key, Listener] = {}
    for row in rows:
        if row.namespace is None:
            by_key.setdefault(key_of(row), row)
    said = [(entry, "drift-added", "it is not in the baseline") for entry in difference.added] + [
        (each.now, "drift-changed", "another program held it when the baseline was written")
        for each in difference.changed
    ]
    return [
        Finding(
            "low" if entry.reach == "loopback" else "medium",
            rule,
            by_key[entry[:3]],
            reason,
            _NEXT,
        )
        for entry, rule, reason in said
    ]


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first, then by port."""
    return tuple(
        sorted(
            findings,
            key=lambda each: (
                SEVERITIES.index(each.severity),
                each.listener.socket.port,
                each.listener.socket.transport,
                each.rule,
                each.listener.socket.address,
            ),
        )
    )


def rules_by_key(findings: Iterable[Finding]) -> Mapping[Key, list[str]]:
    """What a baseline keeps of findings: the ids of the rules, without those about itself."""
    ids: dict[Key, list[str]] = {}
    for each in findings:
        if each.rule not in _DRIFT:
            ids.setdefault(key_of(each.listener), []).append(each.rule)
    return ids


def fails(findings: Iterable[Finding], least: str) -> bool:
    """Whether a finding that the baseline does not know is as severe as `least`, or more."""
    limit = SEVERITIES.index(least)
    return any(SEVERITIES.index(each.severity) <= limit for each in findings if not each.known)


def suspicion_of_hidden(said: Suspicion, row: Listener) -> Finding:
    """A finding about a holder that only bind() feels."""
    return Finding(said.severity, said.rule, row, said.reason, said.next)
