"""The files that the map's page draws from, and the facts that it tells, against the registry."""

import gzip
import json
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import portbook
from portbook.model import LAST_PORT
from portbook.pages.book import STATIC, book
from portbook.pages.export.plan import place
from portbook.pages.facts.map import MapPage, map_page, variants
from portbook.pages.portmap import assets
from portbook.pages.portmap.codes import held, registered
from portbook.pages.portmap.curve import LAYOUTS
from portbook.pages.portmap.scheme import HERE, LIFE, SCHEMES, Picture
from portbook.pages.portmap.svg import plate
from portbook.registry import lookup, whole
from portbook.registry.lookup import reload

FILES = assets.portmap_assets()
PORTS = range(LAST_PORT + 1)
QUIET = bytes(LAST_PORT + 1)


def decoded(body: bytes) -> list[tuple[int, int]]:
    """Life and year of every port, read as the page's JavaScript reads them."""
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(body):
        life, year = body[at : at + 2]
        length = shift = 0
        at += 2
        while body[at] & 0x80:
            length |= (body[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
        length |= body[at] << shift
        at += 1
        found += [(life, year)] * length
    return found


def test_life_and_year_of_every_port_are_those_of_the_registry() -> None:
    """Runs of equal ports, each as long as it can be."""
    body = FILES["map/ports.bin"]
    lives, years = whole.lives().values, whole.years()
    for port, (life, year) in zip(PORTS, decoded(body), strict=True):
        assert LIFE.kinds[life].name == lives[port]
        known = {assets.UNREGISTERED: None, assets.UNDATED: 0}.get(year, year + assets.EPOCH)
        assert known == years[port], port


@given(st.integers(0, 1 << 40))
def test_any_length_of_a_run_is_written_so_that_it_can_be_read(length: int) -> None:
    """Seven bits in a byte, the high bit where more follow."""
    written = assets._varint(length)
    assert sum((byte & 0x7F) << 7 * at for at, byte in enumerate(written)) == length
    assert [byte >> 7 for byte in written] == [1] * (len(written) - 1) + [0]


def test_the_names_of_every_port_are_those_of_the_registry() -> None:
    """In the order of the ports; those of a sample are compared with lookup."""
    names: list[str] = []
    for each in json.loads(FILES["map/names.json"]):
        if isinstance(each, str):
            names.append(each)
        else:
            names += [names[-1] if each > 0 else ""] * abs(each)
    assert len(names) == len(PORTS)
    for port in (*range(1100), 3255, 6000, 6063, 8080, 49151, LAST_PORT):
        known = {row.service for row in lookup(port).assignments if row.service}
        assert set(names[port].split()) == known, port


def test_the_files_are_small() -> None:
    """What a page loads at once has 60 KB, so each of its parts stays far below."""
    packed = {path: len(gzip.compress(body, 4)) for path, body in FILES.items()}
    assert len(FILES["map/ports.bin"]) < 13_000
    assert packed["map/ports.bin"] < 7_000
    assert packed["map/names.json"] < 40_000
    assert all(size < 18_000 for path, size in packed.items() if path.endswith(".svg"))
    modules = [path.read_bytes() for path in Path(STATIC).glob("map*")]
    assert sum(len(gzip.compress(each, 9)) for each in modules) < 16_000


def test_the_files_are_the_same_every_time() -> None:
    """Also after the registry has been read again."""
    before = dict(assets.portmap_assets())
    reload()
    assert assets.portmap_assets() == before


def test_the_pictures_have_no_words_and_no_script() -> None:
    """They stand in pages of every language; light and dark are their own affair."""
    pictures = [path for path in FILES if path.endswith(".svg")]
    assert len(pictures) == len(assets.REGISTERED) * len(LAYOUTS)
    for path in pictures:
        text = FILES[path].decode()
        top = ET.fromstring(text)  # noqa: S314 - our own
        assert {each.tag.rpartition("}")[2] for each in top.iter()} == {"svg", "style", "path"}
        assert "prefers-color-scheme:dark" in assets.style_in(text)
        assert not re.search(r"\bon\w+=|style=|href|url\(|@import|script", text)


def test_what_a_machine_holds_is_drawn_so_that_it_is_seen() -> None:
    """A dot for each port: one cell of 65,536 would be overlooked; not for thousands of them."""
    few = bytearray(QUIET)
    few[22], few[8080] = HERE.code("reachable"), HERE.code("loopback")
    drawn = plate(Picture(HERE, bytes(few), "rows", (), ""))
    assert drawn.count("<circle") == 2
    assert f'class="k{few[8080]} dot"' in drawn
    many = bytes((HERE.code("bound"),)) * len(PORTS)
    assert "<circle" not in plate(Picture(HERE, many, "rows", (), ""))


def test_the_scheme_of_this_machine_is_not_the_registrys() -> None:
    """Whoever asks the registry for it has made a mistake."""
    with pytest.raises(ValueError, match="here"):
        registered(HERE)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_style_sheet_has_the_colours_of_the_schemes(theme: str) -> None:
    """The page and the files of `portbook map` look alike."""
    text = Path(STATIC, "map.css").read_text(encoding="utf-8")
    plain, _, dark = text.partition("@media (prefers-color-scheme: dark) {")
    dark = dark[: dark.index("\n}")]
    for scheme in SCHEMES.values():
        shown = dict(re.findall(r"--k(\d): (#\w{6});", block(plain, scheme.name)))
        if theme == "dark":
            shown |= dict(re.findall(r"--k(\d): (#\w{6});", block(dark, scheme.name)))
        assert list(shown.values()) == [getattr(kind, theme) for kind in scheme.kinds]
        assert f".k{len(scheme.kinds) - 1} {{" in text


def block(text: str, name: str) -> str:
    """The declarations of a scheme's class."""
    found = re.search(rf"\.by-{name} \{{([^}}]*)\}}", text)
    return found[1] if found else ""


@pytest.mark.parametrize("by", [scheme.name for scheme in assets.REGISTERED])
def test_the_counts_of_a_legend_are_those_of_the_map(by: str) -> None:
    """All ports, the most notable kind first, as the command tells them."""
    told = map_page(by)
    (legend,) = [each for each in told.legends if each.by == by]
    assert {each.kind: each.ports for each in legend.tallies} == told.source.picture(
        "rows"
    ).counts()
    assert sum(each.ports or 0 for each in legend.tallies) == len(PORTS)
    codes = [each.code for each in legend.tallies]
    assert all(before > after for before, after in pairwise(codes))


def test_this_machine_is_a_choice_only_where_it_may_be_shown() -> None:
    """And has counts only where it was asked."""
    assert [each.by for each in map_page().legends] == ["life", "year", "range"]
    closed = map_page(live=True).legends[-1]
    assert {each.ports for each in closed.tallies} == {None}
    here = held((), "host", "2026-11-23T09:00:00Z")
    shown = map_page("here", live=True, here=here)
    assert {each.kind: each.ports for each in shown.legends[-1].tallies}["quiet"] == len(PORTS)
    with pytest.raises(KeyError):
        map_page("here", live=True)


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_choice_of_the_exported_page_is_a_page_that_is_exported(language: str) -> None:
    """Without JavaScript a choice is a link to a file; the picture is a file as well."""
    written = {f"{each.path[1:]}.html" for each in variants()}
    assert len(written) == 6
    assert "map.html" in written
    for each in variants():
        told = map_page(each.by, each.layout)
        text = rendered(each.path, told, language)
        choices = re.findall(r'<a data-(?:by|layout)="\w+" href="([^"]*)"( aria-current)?', text)
        assert {href for href, _ in choices} <= written
        assert len([href for href, current in choices if current]) == 2
        assert told.picture in FILES
        assert f'src="../{told.picture}"' in text
        assert "?by=" not in text
        assert 'data-by="here"' not in text


def rendered(path: str, told: MapPage, language: str = "en") -> str:
    """An exported page."""
    return book(language).render("map.html", place(path), map=told).decode()


def test_every_kind_has_a_name_and_a_meaning() -> None:
    """In the legend of each scheme; a kind that the page does not know would break it."""
    here = held((), "host", "2026-11-23T09:00:00Z")
    text = rendered("/map", map_page(live=True, here=here))
    for scheme in SCHEMES.values():
        table = text.partition(f'data-by="{scheme.name}" hidden>')[2] or text
        for kind in scheme.kinds:
            row = re.search(rf'data-kind="{kind.name}">.*</tr>', table)
            assert row
            assert re.search(r'class="name">[^<]+<.*class="about">[^<]+<', row[0])


def test_no_style_and_no_script_stands_in_the_page() -> None:
    """The policy of the book would not let it through."""
    text = rendered("/map", map_page("year", "rows", (443, 3255)))
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?! type=\"module\" src=)", text)
    assert "map/year-rows.svg?port=443&amp;port=3255" in text


def test_the_map_needs_no_extras() -> None:
    """`portbook map` shares these modules, and runs where only portbook itself is installed."""
    folder = Path(portbook.__file__).parent / "pages"
    for file in (folder / "__init__.py", *(folder / "portmap").glob("*.py")):
        text = file.read_text(encoding="utf-8")
        for name in re.findall(r"^\s*(?:from|import) (\S+)", text, re.MULTILINE):
            ours = ("portbook.model", "portbook.host", "portbook.registry", "portbook.survey")
            standard = (
                "base64",
                "collections",
                "functools",
                "html",
                "io",
                "itertools",
                "json",
                "re",
            )
            assert name.startswith((*ours, "portbook.pages.portmap")) or (
                name.partition(".")[0] in (*standard, *(("PIL",) if file.stem == "png" else ()))
            ), f"{file.name}: {name}"
