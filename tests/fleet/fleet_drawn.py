"""What property tests of the fleet draw from, and rows to write by hand."""

from hypothesis import strategies as st

from portbook.fleet.settings import HOST_ID, LABEL
from portbook.fleet.table import keyed, table_hash
from portbook.fleet.wire import LONGEST_INDEXED, OLDEST_MS
from portbook.model.fleet import (
    FORMS,
    MOST_ROWS,
    Acknowledged,
    FleetReport,
    FleetRow,
    HostAnswer,
    Question,
)

# No controls and no lone surrogates; all else of Unicode, quotes and backslashes often.
SIGNS = st.one_of(st.sampled_from('"\\,]["null'), st.characters(blacklist_categories=["Cc", "Cs"]))
TEXTS = st.text(SIGNS, max_size=30)
SHORT = st.text(SIGNS, max_size=LONGEST_INDEXED // 8)
BIG = st.integers(-(2**63), 2**63 - 1)
IDS = st.from_regex(HOST_ID, fullmatch=True).filter(str.isascii)
LABELS = st.dictionaries(st.from_regex(LABEL, fullmatch=True), st.just("x"), max_size=4).map(
    lambda labels: tuple(sorted(labels.items()))
)
ROWS = st.builds(
    FleetRow,
    transport=st.sampled_from(("tcp", "udp")),
    address=SHORT,
    port=st.integers(0, 65_535),
    netns=SHORT,
    inode=st.integers(0, 2**63 - 1),
    state=SHORT,
    reach=SHORT,
    process=st.none() | SHORT,
    pid=st.none() | st.integers(0, 2**31 - 1),
    exe=st.none() | TEXTS,
    user=st.none() | TEXTS,
    unit=st.none() | TEXTS,
    container=st.none() | TEXTS,
    package=st.none() | TEXTS,
    speaks=st.none() | TEXTS,
    verdict=SHORT,
    severity=st.none() | SHORT,
    rules=TEXTS,
    started=st.none() | BIG,
    unknown=TEXTS,
)
KEYS = st.tuples(
    SHORT, st.sampled_from(("tcp", "udp")), SHORT, st.integers(0, 65_535), st.integers(0, 9)
)
TABLES = st.lists(ROWS, max_size=6).map(keyed)
REPORTS = st.builds(
    FleetReport,
    host=IDS,
    name=SHORT,
    instance=SHORT,
    seq=st.integers(1, 2**63 - 1),
    full=st.booleans(),
    base=BIG,
    after=BIG,
    total=st.integers(0, MOST_ROWS),
    age_ms=st.integers(0, OLDEST_MS),
    every_ms=st.integers(1, 86_400_000),
    version=SHORT,
    labels=LABELS,
    rows=st.lists(ROWS, max_size=4).map(tuple),
    gone=st.lists(KEYS, max_size=4).map(tuple),
    gaps=st.lists(TEXTS, max_size=3).map(tuple),
)
RECEIPTS = st.builds(
    Acknowledged,
    host=IDS,
    seq=st.integers(0, 2**63 - 1),
    result=st.sampled_from(("kept", "again", "full", "duplicate", "refused")),
    why=TEXTS,
)
PORTS = st.none() | st.integers(0, 65_535)
QUESTIONS = st.builds(
    Question,
    id=st.from_regex("[a-z0-9]{1,32}", fullmatch=True).filter(str.isascii),
    form=st.sampled_from(FORMS),
    port=PORTS,
    transport=st.none() | st.sampled_from(("tcp", "udp")),
    where=st.none() | TEXTS,
    first=PORTS,
    last=PORTS,
    labels=LABELS,
    within_ms=st.integers(1, 600_000),
)
ANSWERS = st.builds(
    HostAnswer,
    question=st.from_regex("[a-z0-9]{1,32}", fullmatch=True).filter(str.isascii),
    host=IDS,
    name=SHORT,
    age_ms=st.integers(0, OLDEST_MS),
    rows=st.lists(ROWS, max_size=4).map(tuple),
    taken=st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 65_535)), max_size=4).map(
        tuple
    ),
    gaps=st.lists(TEXTS, max_size=3).map(tuple),
    last=st.booleans(),
    why=TEXTS,
)


def row_on(port: int, process: str | None = "web", **fields: object) -> FleetRow:
    """A listener by hand."""
    plain = FleetRow(
        *("tcp", "0.0.0.0", port, "", 10_000 + port, "listen", "any", process, 7, "/usr/bin/web"),
        *("root", "web.service", None, None, None, "expected", None, "", 1_700_000_000, ""),
    )
    return plain._replace(**fields)  # type: ignore[arg-type] # fields of the row


def full_report(
    host: str, rows: tuple[FleetRow, ...], seq: int = 1, **fields: object
) -> FleetReport:
    """Everything that a host has."""
    plain = FleetReport(
        *(host, f"{host}.example", f"boot-{host}:1", seq, True, 0, table_hash(rows), len(rows)),
        *(0, 30_000, "1.0"),
        rows=rows,
    )
    return plain._replace(**fields)  # type: ignore[arg-type] # fields of the report


def change_of(
    before: tuple[FleetRow, ...], after: tuple[FleetRow, ...], last: FleetReport, **fields: object
) -> FleetReport:
    """The report that follows on `last`, which left the table `before`."""
    from portbook.fleet.table import diff

    rows, gone = diff(keyed(before), keyed(after))
    plain = last._replace(
        seq=last.seq + 1,
        full=False,
        base=table_hash(before),
        after=table_hash(after),
        total=len(after),
        rows=rows,
        gone=gone,
    )
    return plain._replace(**fields)  # type: ignore[arg-type] # fields of the report
