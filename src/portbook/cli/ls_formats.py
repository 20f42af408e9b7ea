"""Listeners as csv, tsv, markdown and Prometheus' text: for spreadsheets, reports and scrapers.

Text from outside is made safe as on a terminal (render.safe) and then for what reads the format.
"""

from collections.abc import Iterable, Sequence

from portbook.cli.listing import holder_of, origin_text, speaks_text
from portbook.cli.render import safe
from portbook.model import Gap, Listener, Owner, Unknown

COLUMNS = (
    *("port", "transport", "address", "interface", "state", "reach", "namespace", "user"),
    *("holder", "pids", "processes", "units", "containers", "origins", "started", "commands"),
    *("registered", "speaks", "verdict", "reasons"),
)
"""The columns of csv and tsv, in order: new ones are only ever added at the end."""
_BETWEEN = " | "  # no sign that any spreadsheet takes for the end of a cell
_FORMULA = ("=", "+", "-", "@")
_MARKS = frozenset("\\`*_[]<>&|~$#")
"""What Markdown (GFM) reads as more than itself, anywhere in a cell; a backslash takes it back."""
_MARKDOWN = ("PORT", "ADDRESS", "OWNER", "USER", "REACH", "REGISTERED", "VERDICT")


def cells_of(row: Listener) -> tuple[str, ...]:
    """One listener in the order of COLUMNS; what is not there is empty, what is unknown `?`."""
    found, owners = row.socket, row.owners
    return (
        str(found.port),
        str(found.transport),
        *_guarded(found.address, found.interface or ""),
        *(found.state, row.reach),
        *_guarded(row.namespace or "", _text(row.user), holder_of(row)),
        _joined(_text(each.pid) for each in owners),
        *_guarded(
            _joined(_text(each.name) for each in owners),
            _joined(_text(each.unit) for each in owners),
            _joined(map(_container, owners)),
            _joined(_origin(each) for each in owners),
            _joined(_text(each.started) for each in owners),
            _joined(_command(each) for each in owners),
            _joined(row.assignments),
            speaks_text(row.speaks) if row.speaks else "",
        ),
        row.verdict.value,
        *_guarded(_joined(row.verdict.reasons)),
    )


def _guarded(*texts: str) -> tuple[str, ...]:
    """Texts from outside, safe; spreadsheets run a cell that begins as a formula does."""
    made = (safe(text) for text in texts)
    return tuple(f"'{text}" if text.lstrip().startswith(_FORMULA) else text for text in made)


def _text(value: object) -> str:
    if isinstance(value, Unknown):
        return "?"
    return "" if value is None else str(value)


def _joined(texts: Iterable[str]) -> str:
    """Each text once, in order."""
    return _BETWEEN.join(dict.fromkeys(text for text in texts if text))


def _container(owner: Owner) -> str:
    engine = owner.engine_container
    if engine and not isinstance(engine, Unknown):
        return f"{engine.name} ({engine.engine})"
    if owner.container and not isinstance(owner.container, Unknown):
        return f"{owner.container.engine} {owner.container.id[:12]}"
    return _text(owner.container)


def _origin(owner: Owner) -> str:
    text = origin_text(owner)
    return "" if text == "-" else text


def _command(owner: Owner) -> str:
    return "?" if isinstance(owner.cmdline, Unknown) else " ".join(owner.cmdline).strip()


def csv_lines(rows: Sequence[Listener], at: str | None, *, header: bool) -> list[str]:
    """RFC 4180: a header and a record for each listener, quoted where needed.

    With `at`, the moment of the look, that is the first column.
    """
    import csv
    import io

    written = io.StringIO()
    csv.writer(written).writerows(_records(rows, at, header=header))
    # Who prints a line ends it with the line feed of RFC 4180's CRLF.
    return [f"{line}\r" for line in written.getvalue().split("\r\n")[:-1]]


def tsv_lines(rows: Sequence[Listener], at: str | None, *, header: bool) -> list[str]:
    """IANA's text/tab-separated-values: no cell has a tab or an end of line, `safe` escaped it."""
    return ["\t".join(cells) for cells in _records(rows, at, header=header)]


def _records(rows: Sequence[Listener], at: str | None, *, header: bool) -> list[Sequence[str]]:
    first = () if at is None else (at,)
    made: list[Sequence[str]] = [(*(("at",) if first else ()), *COLUMNS)] if header else []
    return made + [(*first, *cells_of(row)) for row in rows]


def markdown_lines(rows: Sequence[Listener]) -> list[str]:
    """A table of GitHub Flavored Markdown with the columns of the plain table."""
    from portbook.cli.listing import address_of, registered_text

    lines = [
        f"| {' | '.join(_MARKDOWN)} |",
        f"| ---: {'| --- ' * (len(_MARKDOWN) - 1)}|",
    ]
    for row in rows:
        state = row.socket.state
        address = address_of(row) + (f" ({state})" if state in ("bound", "published") else "")
        cells = (
            f"{row.socket.port}/{row.socket.transport}",
            f"{row.namespace}: {address}" if row.namespace else address,
            holder_of(row),
            _text(row.user),
            row.reach,
            registered_text(row),
            row.verdict.value,
        )
        lines.append(f"| {' | '.join(map(_marked, cells))} |")
    return lines


def _marked(text: str) -> str:
    """Text that Markdown shows as it is, in a table's cell: no markup, no HTML, no link."""
    plain = " ".join(safe(text).split())
    return "".join(f"\\{sign}" if sign in _MARKS else sign for sign in plain)


def prom_lines(rows: Sequence[Listener], gaps: Sequence[Gap]) -> list[str]:
    """Prometheus' text format 0.0.4: a series for each listener, their number, what is missing.

    Sockets that share every label (SO_REUSEPORT) are one series.
    """
    from portbook.survey.counted import counted

    info = dict.fromkeys(_series("portbook_listener_info", _labels(row)) for row in rows)
    counts = [
        (_series("portbook_listeners", zip(("verdict", "transport", "reach"), key, strict=True)), n)
        for key, n in counted(rows).items()
    ]
    return [
        "# HELP portbook_listener_info A listener of this machine.",
        "# TYPE portbook_listener_info gauge",
        *(f"{series} 1" for series in info),
        "# HELP portbook_listeners Listeners by verdict, transport and reach.",
        "# TYPE portbook_listeners gauge",
        *(f"{series} {number}" for series, number in counts),
        "# HELP portbook_incomplete What could not be seen.",
        "# TYPE portbook_incomplete gauge",
        f"portbook_incomplete {len(gaps)}",
    ]


def _labels(row: Listener) -> Iterable[tuple[str, str]]:
    owner = row.owners[0] if row.owners else None
    name = owner.name if owner else row.kernel or "the kernel"
    return (
        ("port", str(row.socket.port)),
        ("transport", str(row.socket.transport)),
        ("address", row.socket.address),
        ("process", _text(name)),
        ("unit", _text(owner.unit) if owner else ""),
        ("verdict", row.verdict.value),
        ("reach", row.reach),
        ("namespace", row.namespace or ""),
    )


def _series(name: str, labels: Iterable[tuple[str, str]]) -> str:
    said = ",".join(f'{label}="{_quoted(value)}"' for label, value in labels)
    return f"{name}{{{said}}}"


def _quoted(value: str) -> str:
    return safe(value).replace("\\", "\\\\").replace('"', '\\"')
