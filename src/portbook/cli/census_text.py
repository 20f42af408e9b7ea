"""The census as text: compact tables, with bars where a person is watching."""

from collections.abc import Iterable, Sequence

from portbook.cli.render import Column, Style, table, width, wrap
from portbook.model.record import Record
from portbook.registry.census import Census
from portbook.registry.registrations import VERDICTS

_MARKS = {"alive": "#", "overtaken": "+", "orphan": ".", "young": "~"}
_WIDEST_BAR = 40
_NARROWEST_BAR = 8


class _Section(Record):
    """A table and the bars behind its rows."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[str, ...]]
    bars: Sequence[Sequence[tuple[str, int]]] = ()
    """Of each row the parts of its bar: a sign and how much it stands for."""
    full: int | None = None
    """What the whole width stands for; None: the sum of each bar by itself."""


def census_lines(census: Census, style: Style, *, bars: bool) -> list[str]:
    """Every part of the census under its title, the parts parted by an empty line."""
    lines = [line for text in _summary(census) for line in wrap(text, style, "  ", "")]
    if bars:
        legend = ", ".join(f"{sign} {life}" for life, sign in _MARKS.items())
        lines += ["", *wrap(f"bars of services: {legend}", style, "  ", "")]
    for section in _sections(census):
        title = wrap(section.title, style, "  ", "")
        lines += ["", *(style.paint(line, "bold") for line in title)]
        lines += _section_lines(section, style, bars=bars)
    return lines


def _summary(census: Census) -> list[str]:
    counts = ", ".join(f"{number:,} {life}" for life, number in census.counts.items())
    ports = ", ".join(f"{number:,} {life}" for life, number in census.ports.items())
    orphaned = f"{census.counts['orphan']:,} of {census.total:,} registered services"
    sources = f"{census.sources_checked} sources, as of {census.as_of}"
    return [
        f"{orphaned} have no public trace in {sources}",
        f"services: {counts}",
        f"numbers: {ports}",
    ]


def _sections(census: Census) -> Iterable[_Section]:
    yield _shares("By range", "RANGE", [(each.name, each.counts) for each in census.by_range])
    yield _shares(
        "By year of registration (undated: mostly before 2002)",
        "YEAR",
        [(str(each.year or "undated"), each.counts) for each in census.by_year],
    )
    yield _shares(
        "By how many sources name the number",
        "SOURCES",
        [(each.name, each.counts) for each in census.by_sources],
    )
    yield _shares(
        f"Most registrations, of {census.assignees_total:,} assignees",
        "BY",
        [(each.id.replace("_", " "), each.counts) for each in census.assignees],
    )
    yield _Section(
        "Longest runs of numbers that nobody registered",
        (Column("PORTS", right=True), Column("NUMBERS", right=True)),
        [(f"{each.first}-{each.last}", f"{each.length:,}") for each in census.unassigned],
        [[("#", each.length)] for each in census.unassigned],
        max((each.length for each in census.unassigned), default=0),
    )
    yield _Section(
        f"Named by most sources, of {census.unregistered_total:,} numbers that nobody registered",
        (
            Column("PORT", right=True),
            Column("SOURCES", right=True),
            Column("PRODUCTS", flexible=True),
        ),
        [
            (str(each.port), str(each.sources), ", ".join(each.products))
            for each in census.unregistered
        ],
    )
    yield _changes(census)
    yield _freed(census)


def _shares(title: str, of: str, shares: Sequence[tuple[str, dict[str, int]]]) -> _Section:
    """Services by life, one row for each kind that has any."""
    shares = [(name, counts) for name, counts in shares if sum(counts.values())]
    right = of in ("YEAR", "SOURCES")
    columns = (
        Column(of, right=right, flexible=of == "BY"),
        *(Column(word.upper(), right=True) for word in ("services", *VERDICTS)),
        Column("ORPHANED", right=True),
    )
    rows = []
    for name, counts in shares:
        total = sum(counts.values())
        numbers = (f"{number:,}" for number in (total, *(counts[life] for life in VERDICTS)))
        rows.append((name, *numbers, f"{counts['orphan'] / total:.0%}"))
    bars = [[(_MARKS[life], counts[life]) for life in VERDICTS] for _, counts in shares]
    return _Section(title, columns, rows, bars)


def _changes(census: Census) -> _Section:
    """Records, not services: a change of one transport is a change."""
    told = census.since
    rows, bars = [], []
    for each in census.changes:
        rows.append((str(each.year or "undated"), *map(str, each[1:])))
        bars.append([("#", each.added), ("-", each.removed), ("=", each.changed)])
    return _Section(
        f"Records changed from {told.first} to {told.last} (# added, - removed, = changed): "
        f"{told.ports_then:,} numbers had a service before, {told.ports_now:,} after",
        tuple(Column(word, right=True) for word in ("YEAR", "ADDED", "REMOVED", "CHANGED")),
        rows,
        bars,
        max((sum(each[1:]) for each in census.changes), default=0),
    )


def _freed(census: Census) -> _Section:
    count = len(census.freed)
    return _Section(
        f"Given up since {census.since.first}: {count} numbers had a service and have none now",
        (
            Column("PORT", right=True),
            Column("SERVICE"),
            Column("UNTIL"),
            Column("NOW"),
            Column("BY", flexible=True),
            Column("DESCRIPTION", flexible=True),
        ),
        [
            (
                str(each.port),
                ", ".join(each.services),
                each.date or "-",
                each.life,
                (each.assignee or "-").replace("_", " "),
                each.description or "-",
            )
            for each in census.freed
        ],
    )


def _section_lines(section: _Section, style: Style, *, bars: bool) -> list[str]:
    lines = table(section.columns, section.rows, style._replace(color=False))
    longest = max(map(width, lines))
    room = min(_WIDEST_BAR, style.width - longest - 2) if style.cut else _WIDEST_BAR
    if not bars or not section.bars or room < _NARROWEST_BAR:
        return lines
    drawn = [""] + [_bar(parts, section.full, room) for parts in section.bars]
    return [
        f"{line}{' ' * (longest - width(line))}  {bar}".rstrip()
        for line, bar in zip(lines, drawn, strict=True)
    ]


def _bar(parts: Sequence[tuple[str, int]], full: int | None, room: int) -> str:
    """Each sign as often as its share of `room`; rounded together, so that the length is right."""
    whole = full or sum(number for _, number in parts)
    bar, sum_so_far = "", 0
    for sign, number in parts:
        sum_so_far += number
        bar += sign * (round(sum_so_far * room / whole) - len(bar)) if whole else ""
    return bar
