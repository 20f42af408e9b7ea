"""The census as charts: SVG without script, drawn by pygal. No other file imports it.

A page shows them as images, so each carries its own style, for light and dark, and nothing in it
leads out of the file. The same census gives the same bytes: the date and the random name that
pygal writes are left out.
"""

import base64
import hashlib
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from types import ModuleType
from typing import Any
from xml.etree.ElementTree import Element, tostring

from portbook.model.record import Record
from portbook.pages.facts.orphans import DATED_SINCE
from portbook.pages.facts.registrations import name_of
from portbook.pages.portmap.scheme import LIFE
from portbook.pages.prose.lives import life_names, range_name, sources_name
from portbook.pages.words import Words
from portbook.registry.census import Census, Share, census
from portbook.registry.registrations import VERDICTS

Graph = Any
"""A chart of pygal, which has no types of its own."""

_WIDTH = 720
_TEXT = 14
_LEAST_TOLD = 0.09  # a narrower part of a bar has no room for its number
_LONGEST_LABEL = 24  # characters
_MOST_ASSIGNEES = 12
_CHANGE_COLORS = ("#0072b2", "#d55e00")  # blue and vermilion, no colours of a life
_DROPPED = ("script", "title", "desc")
_LONG = re.compile(r"-?[0-9]+\.[0-9]{2,}")

_Drawn = Callable[[Census, Words], Graph]


class Chart(Record):
    """One chart: its size in pixels, and how it is drawn."""

    width: int
    height: int
    draw: _Drawn


def chart(name: str, spoken: Words) -> bytes:
    """The chart `name` (one of CHARTS) of the census in use, in that language.

    Raises:
        KeyError: there is no such chart.
        TableFault: a table is missing or broken.
    """
    wanted = CHARTS[name]
    counted = census()
    kept = _kept.get((name, spoken.language))
    if kept is not None and kept[0] is counted:
        return kept[1]
    graph = wanted.draw(counted, spoken)
    graph.config(width=wanted.width, height=wanted.height, explicit_size=True)
    drawn = _text(graph.render_tree())
    _kept[name, spoken.language] = (counted, drawn)
    return drawn


def policy(svg: bytes) -> str:
    """The Content-Security-Policy of a chart: nothing but its own style sheet."""
    style = svg.partition(b"<style>")[2].partition(b"</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"


_kept: dict[tuple[str, str], tuple[Census, bytes]] = {}


def _by_range(counted: Census, spoken: Words) -> Graph:
    shares = [each for each in counted.by_range if each.total]
    return _shares([range_name(spoken, each.name) for each in shares], shares, spoken)


def _by_sources(counted: Census, spoken: Words) -> Graph:
    shares = [each for each in counted.by_sources if each.total]
    return _shares([sources_name(spoken, each.name) for each in shares], shares, spoken)


def _by_year(counted: Census, spoken: Words) -> Graph:
    years = [each for each in counted.by_year if (each.year or 0) >= DATED_SINCE]
    graph = _graph("StackedBar", _life_colors())
    # Every other year has a label, else they touch.
    graph.x_labels = ["" if at % 2 else str(each.year) for at, each in enumerate(years)]
    graph.value_formatter = spoken.number
    names = life_names(spoken)
    for life in VERDICTS:
        graph.add(names[life], [each.counts[life] for each in years])
    return graph


def _by_assignee(counted: Census, spoken: Words) -> Graph:
    most = counted.assignees[:_MOST_ASSIGNEES][::-1]  # pygal draws upwards
    graph = _graph("HorizontalStackedBar", _life_colors())
    graph.x_labels = [_cut(name_of(each.id)) for each in most]
    graph.value_formatter = spoken.number
    names = life_names(spoken)
    for life in VERDICTS:
        graph.add(names[life], [each.counts[life] for each in most])
    return graph


def _changes(counted: Census, spoken: Words) -> Graph:
    years = [each for each in counted.changes if each.year]
    graph = _graph("Bar", _CHANGE_COLORS)
    graph.x_labels = [str(each.year) for each in years]
    graph.value_formatter = spoken.number
    graph.add(spoken.text("added"), [each.added for each in years])
    graph.add(spoken.text("removed"), [each.removed for each in years])
    return graph


CHARTS = {
    "range": Chart(_WIDTH, 215, _by_range),
    "year": Chart(_WIDTH, 340, _by_year),
    "sources": Chart(_WIDTH, 290, _by_sources),
    "assignees": Chart(_WIDTH, 440, _by_assignee),
    "changes": Chart(_WIDTH, 300, _changes),
}
"""Every chart by its name: `/orphans/range.svg`."""


def _shares(labels: Sequence[str], shares: Sequence[Share], spoken: Words) -> Graph:
    """Bars of 100 %, the first on top, with the larger shares written into them."""
    graph = _graph("HorizontalStackedBar", _life_colors(), print_values=True, range=(0, 1))
    graph.x_labels = labels[::-1]
    graph.y_labels = [
        {"value": quarter / 4, "label": spoken.number(25 * quarter)} for quarter in range(5)
    ]
    graph.x_title = spoken.text("percent of the services")
    names = life_names(spoken)
    for life in VERDICTS:
        graph.add(
            names[life],
            [each.counts[life] / each.total for each in reversed(shares)],
            formatter=partial(_told, spoken),
        )
    return graph


def _cut(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1].rstrip()}…"


def _told(spoken: Words, share: float) -> str:
    """A share in words where its part of the bar has room for it."""
    return spoken.share(round(1000 * share), 1000) if share >= _LEAST_TOLD else ""


def _color(life: str) -> str:
    return next(kind.light for kind in LIFE.kinds if kind.name == life)


def _life_colors() -> tuple[str, ...]:
    return tuple(map(_color, VERDICTS))


@cache
def _pygal() -> ModuleType:
    """The library, without the finder that it adds to every later import of the process.

    That one is for map plug-ins, which are not used here, and is of a kind that Python 3.11 warns
    of at each import and 3.12 ignores.
    """
    before = list(sys.meta_path)
    import pygal

    sys.meta_path[:] = [each for each in sys.meta_path if each in before]
    found: ModuleType = pygal
    return found


def _graph(kind: str, colors: Sequence[str], **options: object) -> Graph:
    """An empty chart of pygal's class `kind`, with our style in the place of its own."""
    pygal = _pygal()
    from pygal.etree import etree
    from pygal.style import Style

    etree.to_etree()  # lxml, where somebody has it, would write another file
    sizes = dict.fromkeys(
        ("label", "major_label", "legend", "title", "value", "value_label"), _TEXT
    )
    style = Style(**{f"{name}_font_size": size for name, size in sizes.items()})
    graph = getattr(pygal, kind)(
        js=[],
        css=[],
        no_prefix=True,
        style=style,
        legend_at_bottom=True,
        # Beside long labels there is no room for four words in a row.
        legend_at_bottom_columns=2 if kind.startswith("Horizontal") else len(colors),
        margin=8,
        margin_bottom=20,
        max_scale=8,
        truncate_label=_LONGEST_LABEL,
        truncate_legend=-1,
        **options,
    )
    graph.add_xml_filter(lambda root: _bare(root, _style(colors)))
    return graph


def _style(colors: Sequence[str]) -> str:
    filled = "".join(f".color-{at}{{fill:{color}}}" for at, color in enumerate(colors))
    return f"{_RULES}{filled}{_OVER}@media (prefers-color-scheme:dark){{{_DARK}}}"


_RULES = (
    f"text{{font:{_TEXT}px system-ui,'Segoe UI',Roboto,'Noto Sans',sans-serif;fill:#1d2125}}"
    ".background{fill:none}.line{fill:none;stroke:#545b63}"
    ".guide{stroke:#858b92;stroke-opacity:.5;stroke-dasharray:2 4}"
    ".vertical .axis.x .line,.horizontal .axis.y .line{stroke:none}"
    ".axis.x text,.series text,.title{text-anchor:middle}.axis.y text{text-anchor:end}"
    "rect{stroke:#1d2125;stroke-width:.6}rect.background{stroke:none}"
)
# What is written into a bar is dark in both schemes, as the bars are bright.
_OVER = ".text-overlay text{fill:#1d2125}"
_DARK = (
    "text{fill:#e7e6e2}.text-overlay text{fill:#1d2125}.line{stroke:#a7adb4}"
    ".guide{stroke:#7d848c}rect{stroke:#14171a}"
)


def _bare(root: Element, style: str) -> Element:
    """The tree without what an image cannot use or what differs from day to day."""
    for parent in root.iter():
        for child in list(parent):
            if _is_dropped(child):
                parent.remove(child)
            elif child.tag == "style":
                child.attrib = {}
                child.text = style
    for node in root.iter():
        node.attrib = {
            name: _rounded(value) for name, value in node.attrib.items() if value and name != "id"
        }
    return root


def _is_dropped(node: Element) -> bool:
    # The tag of a comment is a function.
    return (
        not isinstance(node.tag, str)
        or node.tag in _DROPPED
        or "tooltip-overlay" in node.get("class", "").split()
    )


def _rounded(value: str) -> str:
    return _LONG.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), value)


def _text(root: Element) -> bytes:
    return f"{tostring(root, encoding='unicode')}\n".encode("utf-8", "replace")
