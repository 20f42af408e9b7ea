"""Which of several names of one number comes first, and names near to one that nobody knows."""

from collections.abc import Iterable, Sequence

from portbook.model import Assignment, Evidence

_TRANSPORTS: dict[str | None, int] = {"tcp": 0, "udp": 1, "sctp": 2, "dccp": 3, None: 4}
_NEAR = 3


def ordered(
    assignments: Iterable[Assignment], evidence: Sequence[tuple[Evidence, str]]
) -> tuple[Assignment, ...]:
    """`assignments` of one port by transport, the primary name of each transport first.

    The primary name is the one that, in this order,
    1. most sources use for the number, spelled as registered (80/tcp: `http`, not `www`);
    2. fits the syntax of RFC 6335 (`gds-db`, not its older spelling `gds_db`);
    3. stands in an RFC;
    4. was registered first (no date means before 2002);
    5. names this port alone, not a range around it;
    6. is shortest, and then first in the alphabet.
    Rows without a name come last.
    """
    rows = list(assignments)
    if len(rows) < 2:
        return tuple(rows)
    sources: dict[str, set[str]] = {}
    for found, _ in evidence:
        sources.setdefault(_spelling(found.product), set()).add(found.source)

    def place(row: Assignment) -> tuple[int, bool, int, bool, bool, str, bool, int, str]:
        name = row.service or ""
        return (
            _TRANSPORTS[row.transport],
            not name,
            -len(sources.get(_spelling(name), ())),
            not (name.isascii() and name.replace("-", "").isalnum()),
            "RFC" not in (row.reference or ""),
            row.registered or "",
            row.port != row.last_port,
            len(name),
            name,
        )

    rows.sort(key=place)
    return tuple(rows)


def near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """The known names that `name` may be a slip of, best first."""
    from difflib import get_close_matches

    wanted = name.casefold()
    # Longer text is no slip of a name, and comparing it with thousands takes long.
    if len(wanted) > 64:
        return ()
    spelled = {each.casefold(): each for each in known}
    return tuple(spelled[each] for each in get_close_matches(wanted, spelled, n=_NEAR, cutoff=0.7))


def _spelling(name: str) -> str:
    return name.casefold().replace(" ", "-").replace("_", "-")
