"""Facts of one source, made from the few numbers that a case is about."""

from hypothesis import strategies as st

from portbook.model.traffic import TOOLS
from portbook.traffic.facts import KINDS, MARKS, Facts
from portbook.traffic.trw import walk

SYN_KINDS = KINDS[: KINDS.index("fin")]
"""The kinds of flows that begin with a SYN."""

FAILED = (
    *("half-open", "half-silent", "refused", "ignored", "empty", "empty-reset", "greeted"),
    *("fin", "null", "xmas", "maimon", "ack", "syn-fin", "odd"),
    *("udp-closed", "udp-empty", "sctp-init"),
)
"""What fails a contact, unless there was a conversation at it, too."""


def made(
    kinds: dict[str, int],
    marks: dict[str, int] | None = None,
    *,
    contacts: int = 1,
    ports: int | None = None,
    hosts: int = 1,
    right: int = 0,
    wrong: int = 0,
    unknown_bytes: int = 0,
    failures: int | None = None,
    rhythm: tuple[int, float, float] = (0, 0.0, 0.0),
    tool: str | None = None,
) -> Facts:
    """Facts with these flows and marks.

    A failed contact is one of a failed flow or a wrong opener, as far as contacts are left beside
    successes; the sequential test gets the failures first, which is the worst that a client can do.
    """
    marks = marks or {}
    failed = sum(kinds.get(kind, 0) for kind in FAILED) + wrong
    if failures is None:
        failures = min(failed, contacts - right - unknown_bytes)
    successes = right + unknown_bytes
    decided = walk([False] * failures + [True] * successes)
    return Facts(
        kinds=tuple(kinds.get(kind, 0) for kind in KINDS),
        marks=tuple(marks.get(mark, 0) for mark in MARKS),
        contacts=contacts,
        ports=contacts // hosts if ports is None else ports,
        hosts=hosts,
        successes=successes,
        failures=failures,
        right=right,
        wrong=wrong,
        unknown_bytes=unknown_bytes,
        decision=decided.decision,
        decided_after=decided.decided_after,
        beats=rhythm[0],
        period=rhythm[1],
        variation=rhythm[2],
        told_tool=TOOLS.index(tool) + 1 if tool else 0,
        seconds=60.0,
        syns=sum(kinds.get(kind, 0) for kind in SYN_KINDS),
    )


def any_facts() -> st.SearchStrategy[Facts]:
    """Facts of any counts, consistent or not, as clipped ones are and as whole ones are."""
    number = st.one_of(st.sampled_from((0, 0, 0, 1, 2, 3, 4, 8, 64, 255)), st.integers(0, 10**7))
    ratio = st.floats(0, 1e6, allow_nan=False)
    return st.builds(
        Facts,
        kinds=st.tuples(*[number] * len(KINDS)),
        marks=st.tuples(*[number] * len(MARKS)),
        contacts=number,
        ports=number,
        hosts=number,
        successes=number,
        failures=number,
        right=number,
        wrong=number,
        unknown_bytes=number,
        decision=st.sampled_from((-1, 0, 1)),
        decided_after=number,
        beats=number,
        period=ratio,
        variation=ratio,
        told_tool=st.integers(0, len(TOOLS) + 1),
        seconds=ratio,
        syns=number,
    )


def with_sparse_kinds() -> st.SearchStrategy[Facts]:
    """Facts whose flows are of few kinds, so that single rules are reached.

    Whoever spoke at a contact has a flow with bytes.
    """
    kinds = st.dictionaries(st.sampled_from(KINDS), st.integers(1, 300), min_size=1, max_size=3)
    marks = st.dictionaries(st.sampled_from(MARKS), st.integers(1, 300), max_size=3)
    small = st.integers(0, 12)
    rhythm = st.tuples(small, st.floats(0, 100), st.floats(0, 2))
    counts = st.tuples(st.integers(1, 300), st.integers(1, 12), small, small, small)
    return st.builds(_sparse, kinds, marks, counts, rhythm)


def _sparse(
    kinds: dict[str, int],
    marks: dict[str, int],
    counts: tuple[int, int, int, int, int],
    rhythm: tuple[int, float, float],
) -> Facts:
    contacts, hosts, right, wrong, unknown = counts
    spoke = right + wrong + unknown
    if spoke:
        kinds = {**kinds, "conversed": kinds.get("conversed", 0) + spoke}
    return made(
        kinds,
        marks,
        contacts=contacts + spoke,
        hosts=min(hosts, contacts),
        right=right,
        wrong=wrong,
        unknown_bytes=unknown,
        rhythm=rhythm,
    )
