"""`portbook map`: the curve, the counts, the terminal, the files, and what is refused."""

import os
import random
import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import RECORDINGS, portbook
from portbook.cli.map_text import INDEXED, PLAIN, TRUE, Sheet, indexed, map_lines
from portbook.cli.render import Style, width
from portbook.model import LAST_PORT, BadPort
from portbook.pages.portmap.curve import SIDE, cells, d2xy, place_of, ports_per_cell, xy2d
from portbook.pages.portmap.png import MARGIN, SCALE, TOP, png, size_of
from portbook.pages.portmap.scheme import LIFE, SCHEMES, YEAR, Picture, Scheme, year_name
from portbook.pages.portmap.svg import rectangles, svg
from portbook.registry import whole
from portbook.registry.lookup import lookup
from portbook.registry.orphans import orphans
from portbook.registry.tables import open_assignments

PORTS = st.integers(0, LAST_PORT)
SIDES = st.sampled_from((2, 4, 16, 64, 128, 256))
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
BARE = {"COLUMNS": "", "NO_COLOR": "", "COLORTERM": "", "TERM": "xterm"}


@pytest.fixture(scope="module")
def life() -> Picture:
    """The map by life as the command draws it."""
    values = whole.lives().values
    codes = bytes(LIFE.code(value) for value in values)
    return Picture(LIFE, codes, "hilbert", (443, 3255), 'Traces of <a> & "b".')


@given(SIDES, st.data())
def test_the_curve_leads_there_and_back(side: int, data: st.DataObject) -> None:
    """A step has one cell, and the cell that step."""
    number = data.draw(st.integers(0, side * side - 1))
    assert xy2d(*d2xy(number, side), side) == number


@given(st.integers(0, LAST_PORT - 1))
def test_neighbours_touch_on_the_curve(port: int) -> None:
    """Two ports that follow each other share an edge."""
    here, there = d2xy(port), d2xy(port + 1)
    assert abs(here.x - there.x) + abs(here.y - there.y) == 1


def test_the_curve_passes_every_cell_once() -> None:
    """From the top left corner to the top right one."""
    assert len({d2xy(port) for port in range(LAST_PORT + 1)}) == SIDE * SIDE
    assert d2xy(0) == (0, 0)
    assert d2xy(LAST_PORT) == (SIDE - 1, 0)


@given(PORTS, SIDES, st.sampled_from(("hilbert", "rows")))
def test_a_coarse_map_shows_a_port_where_the_fine_one_does(
    port: int, side: int, layout: str
) -> None:
    """A cell of a smaller map holds whole runs, and the highest code of them."""
    codes = bytearray(SIDE * SIDE)
    codes[port] = 3
    place = place_of(port, layout, side)
    shown = cells(bytes(codes), layout, side)
    assert len(shown) == side * side
    assert shown[place.y * side + place.x] == 3
    assert sum(shown) == 3
    if layout == "hilbert":
        fine, by = place_of(port, layout), SIDE // side
        assert (fine.x // by, fine.y // by) == place
        assert by * by == ports_per_cell(side)


@pytest.mark.parametrize("step", [-1, SIDE * SIDE])
def test_what_is_outside_the_map_is_refused(step: int) -> None:
    """By the step and by the cell."""
    with pytest.raises(BadPort):
        d2xy(step)
    with pytest.raises(BadPort):
        xy2d(step, 0)


def test_every_life_is_that_of_lookup() -> None:
    """All numbers that a table has something about near the ends, and a sample of the others."""
    lives = whole.lives()
    sample = {*range(1200), *random.Random(5).sample(range(LAST_PORT + 1), 1500), LAST_PORT}
    for port in sample:
        assert lives.values[port] == lookup(port).life.verdict, port
    told = lookup(3255).life
    assert (lives.sources_checked, lives.as_of) == (told.sources_checked, told.as_of)


def test_every_year_is_the_first_of_the_assignments() -> None:
    """0 where a row has no date, None where there is no service."""
    years = whole.years()
    for port in random.Random(6).sample(range(49152), 1500):
        named = [each for each in lookup(port).assignments if each.service is not None]
        dates = [int((each.registered or "0")[:4]) for each in named]
        assert years[port] == min(dates, default=None), port
    assert years[3255] == 2002


def test_the_map_agrees_with_the_orphans() -> None:
    """`orphans` judges services, a named range of ports as one; the map judges numbers.

    A number with single ports only is an orphan if and only if each of its services is one.
    """
    values = whole.lives().values
    services: dict[int, set[str]] = {}
    ranges: set[int] = set()
    for port, rows in open_assignments().by_port().items():
        for row in rows:
            if row[3]:
                services.setdefault(port, set()).add(row[3].casefold().replace("_", "-"))
                if row[0] != row[1]:
                    ranges.add(port)
    found = orphans()
    tombs = Counter(port for row in found.rows for port in range(row.port, row.last_port + 1))
    compared = 0
    for port in services.keys() - ranges:
        if values[port] == "orphan":
            assert tombs[port] == len({name.replace("/", "-") for name in services[port]}), port
            compared += 1
        elif values[port] == "young":
            assert tombs[port] < len(services[port])
    assert compared > 4500
    assert sum(tombs.values()) >= found.counts["orphan"]


@pytest.mark.parametrize("year", [None, 0, 1969, 2002, 2003, 2017, 2018, 2099])
def test_every_year_has_its_kind(year: int | None) -> None:
    """Also years that nothing was registered in yet."""
    assert YEAR.code(year_name(year)) >= 0


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda scheme: scheme.name)
def test_kinds_are_told_apart(scheme: Scheme) -> None:
    """Names, signs and both colours of a scheme are different; a sign takes one cell."""
    kinds = scheme.kinds
    for field in ("name", "sign", "light", "dark"):
        assert len({getattr(kind, field) for kind in kinds}) == len(kinds)
    assert len({indexed(*bytes.fromhex(kind.dark[1:])) for kind in kinds}) == len(kinds)
    assert all(width(kind.sign) == 1 and kind.sign != "@" for kind in kinds)


@pytest.mark.parametrize(
    ("columns", "side"), [(300, 256), (255, 128), (140, 128), (80, 64), (63, 32), (20, 16)]
)
@pytest.mark.parametrize("depth", [TRUE, INDEXED, PLAIN])
def test_the_map_fits_the_terminal(life: Picture, columns: int, side: int, depth: str) -> None:
    """Scaled down by halves; no line is wider, and the legend says the scale."""
    sheet = Sheet(Style(color=depth != PLAIN, width=columns, cut=True), depth)
    lines = [ESCAPES.sub("", line) for line in map_lines(life, sheet)]
    assert max(map(width, lines)) <= columns
    drawn = [line for line in lines if len(line) == side and set(line) <= set("▀@~.RxOYA")]
    assert len(drawn) == side // 2
    text = " ".join(lines)
    assert f"{side} x {side} cells" in text
    assert ("most notable" in text) is (side < SIDE or depth == PLAIN)
    for name, count in life.counts().items():
        assert f"{name} {count:,}" in text
    for port in life.marked:
        said = re.search(rf"@ {port}: {life.kind(port).name} \(column (\d+), line (\d+)\)", text)
        assert said
        assert drawn[int(said[2]) - 1][int(said[1]) - 1] == "@"


@pytest.mark.parametrize("layout", ["hilbert", "rows"])
def test_a_cell_has_the_colour_of_its_port(life: Picture, layout: str) -> None:
    """The whole map: each half block names the colours of its two ports."""
    sheet = Sheet(Style(color=True, width=256, cut=True), TRUE)
    lines = map_lines(life._replace(marked=(), layout=layout), sheet)[1 : 1 + SIDE // 2]
    for port in random.Random(7).sample(range(LAST_PORT + 1), 400):
        place = place_of(port, layout)
        seen: tuple[str, str] = ("", "")
        blocks = []
        for found in re.finditer(r"\x1b\[38;2;([\d;]+);48;2;([\d;]+)m|▀", lines[place.y // 2]):
            if found[0] == "▀":
                blocks.append(seen)
            else:
                seen = (found[1], found[2])
        red, green, blue = bytes.fromhex(life.kind(port).dark[1:])
        assert blocks[place.x][place.y % 2] == f"{red};{green};{blue}"


def test_a_pipe_gets_signs_and_no_colour() -> None:
    """A plain map of 64 columns, unless colour is asked for."""
    ran = portbook("map", env=BARE)
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert ran.out.isascii()
    lines = ran.out.splitlines()
    assert lines[0].startswith("The 65,536 ports on a Hilbert curve")
    assert {len(line) for line in lines[1:33]} == {64}


@pytest.mark.parametrize(
    ("env", "shown"),
    [
        ({"COLORTERM": "truecolor"}, "\x1b[38;2;"),
        ({"COLORTERM": "24bit"}, "\x1b[38;2;"),
        ({"COLORTERM": ""}, "\x1b[38;5;"),
    ],
)
def test_colours_are_as_many_as_the_terminal_has(env: dict[str, str], shown: str) -> None:
    """True colour only where COLORTERM says so."""
    ran = portbook("map", "--color", "always", env=BARE | env)
    assert shown in ran.out
    assert "▀" in ran.out


def test_an_encoding_without_half_blocks_gets_signs() -> None:
    """An ASCII locale cannot draw them."""
    env = BARE | {"PYTHONIOENCODING": "ascii"}
    ran = portbook("map", "--color", "always", env=env)
    assert ran.code == 0
    assert ran.out.isascii()
    assert "\\u2580" not in ran.out


@pytest.mark.parametrize("by", SCHEMES)
def test_the_document_has_every_port_once(by: str) -> None:
    """Runs follow each other from 0 to 65535 and give the counts."""
    root = ("--root", str(RECORDINGS / "debian12-root"))
    ran = portbook("map", "--by", by, "--json", "--port", "3255", *root)
    document = ran.document
    assert document["schema"] == "portbook/map/1"
    counts: Counter[str] = Counter()
    ahead = 0
    before = None
    for run in document["runs"]:
        assert run["first"] == ahead
        assert run["kind"] != before
        before = run["kind"]
        counts[run["kind"]] += run["last"] - run["first"] + 1
        ahead = run["last"] + 1
    assert ahead == LAST_PORT + 1
    assert {name: counts[name] for name in document["order"]} == document["counts"]
    assert sum(document["counts"].values()) == 65536
    assert [each["port"] for each in document["marked"]] == [3255]


def test_the_map_of_a_recorded_host_shows_its_listeners() -> None:
    """The same sockets as `ls`, with the most notable of each port."""
    root = ("--root", str(RECORDINGS / "debian12-root"), "--json")
    listed = {row["port"] for row in portbook("ls", *root).document["listeners"]}
    document = portbook("map", "--by", "here", *root).document
    held = {
        port
        for run in document["runs"]
        if run["kind"] != "quiet"
        for port in range(run["first"], run["last"] + 1)
    }
    assert held == listed


@pytest.mark.parametrize("layout", ["hilbert", "rows"])
@pytest.mark.parametrize("by", SCHEMES)
def test_the_svg_is_small_whole_and_without_script(tmp_path: Path, by: str, layout: str) -> None:
    """Well-formed, with title, description and legend, light and dark, nothing from elsewhere."""
    file = tmp_path / "map.svg"
    ran = portbook("map", "--by", by, "--layout", layout, "--svg", str(file), "--port", "3255")
    assert (ran.err, ran.out) == ("", f"written: {file}\n") or ran.code == 3
    text = file.read_text(encoding="utf-8")
    assert len(text) < 1_000_000
    top = ET.fromstring(text)  # noqa: S314 - our own
    name = "{http://www.w3.org/2000/svg}"
    assert top.tag == f"{name}svg"
    assert top.get("role") == "img"
    named = {each.get("id"): each.tag for each in top if each.get("id")}
    assert named == {"title": f"{name}title", "desc": f"{name}desc"}
    tags = {each.tag.removeprefix(name) for each in top.iter()}
    assert tags <= {"svg", "title", "desc", "style", "rect", "text", "g", "path", "circle"}
    assert not re.search(r"\bon\w+=|href|url\(|@import|script", text)
    assert "prefers-color-scheme:dark" in text
    said = [each.text for each in top.iter(f"{name}text")]
    for kind in SCHEMES[by].kinds:
        assert any(str(each).startswith(f"{kind.name}: ") for each in said)
    assert [each.get("class") for each in top.iter(f"{name}circle")][-2:] == ["halo", "mark"]


def test_the_picture_in_the_docs_is_what_the_command_draws(tmp_path: Path) -> None:
    """docs/map.svg is generated: ./scripts/portbook map --svg docs/map.svg."""
    file = tmp_path / "map.svg"
    assert portbook("map", "--svg", str(file), env={"PORTBOOK_DATA_HOME": str(tmp_path)}).code == 0
    page = Path(__file__).parents[2] / "docs" / "map.svg"
    assert file.read_text(encoding="utf-8") == page.read_text(encoding="utf-8")
    assert page.stat().st_size < 300_000


def test_rectangles_cover_the_map_once(life: Picture) -> None:
    """Each cell lies in one rectangle, of its own code."""
    shown = cells(life.codes, "hilbert")
    drawn = bytearray(b"\xff" * len(shown))
    for code, x, y, wide, high in rectangles(shown):
        for row in range(y, y + high):
            for column in range(x, x + wide):
                assert drawn[row * SIDE + column] == 0xFF
                drawn[row * SIDE + column] = code
    assert bytes(drawn) == shown


def test_text_from_outside_is_escaped_in_the_svg(life: Picture) -> None:
    """A host's name stands in it."""
    text = svg(life)
    ET.fromstring(text)  # noqa: S314 - our own
    assert "Traces of &lt;a&gt; &amp; " in text


def test_the_png_shows_each_port_in_its_colour(life: Picture) -> None:
    """The stated size, and the pixels of sampled ports."""
    image = pytest.importorskip("PIL.Image")
    with image.open(BytesIO(png(life._replace(marked=())))) as opened:
        assert opened.format == "PNG"
        picture = opened.convert("RGB")
    assert picture.size == size_of(life._replace(marked=()))
    for port in (0, 80, 3255, LAST_PORT, *random.Random(8).sample(range(LAST_PORT + 1), 300)):
        place = d2xy(port)
        for inside in (0, SCALE - 1):
            at = (MARGIN + place.x * SCALE + inside, TOP + place.y * SCALE + inside)
            assert picture.getpixel(at) == tuple(bytes.fromhex(life.kind(port).light[1:]))


def test_a_png_with_marks_is_written(tmp_path: Path) -> None:
    """Beside the SVG, in one run."""
    pytest.importorskip("PIL.Image")
    files = [tmp_path / "map.png", tmp_path / "map.svg"]
    ran = portbook("map", "--png", str(files[0]), "--svg", str(files[1]), "--port", "3255")
    assert ran.code == 0
    assert files[0].read_bytes().startswith(b"\x89PNG")
    assert files[1].exists()


def test_without_pillow_the_hint_says_what_to_install(tmp_path: Path) -> None:
    """An environment error, and no file."""
    (tmp_path / "PIL").mkdir()
    (tmp_path / "PIL" / "__init__.py").write_text("raise ImportError\n", encoding="utf-8")
    path = os.pathsep.join((str(tmp_path), *filter(None, sys.path)))
    files = [str(tmp_path / name) for name in ("x.png", "x.svg")]
    ran = portbook("map", "--png", files[0], "--svg", files[1], env={"PYTHONPATH": path})
    assert ran.code == 5
    assert ran.err.splitlines() == [
        "portbook: error: a PNG needs Pillow, which is not installed",
        "hint: pip install 'portbook[pages]'",
    ]
    assert not any(map(os.path.exists, files))


@pytest.mark.parametrize("file", ["/no/such/folder/map.svg", "/dev/null", "/", "", "a" * 5000])
def test_a_bad_file_gives_one_line(file: str) -> None:
    """The reason and the name; nothing on stdout."""
    ran = portbook("map", "--svg", file)
    assert ran.code == 5
    assert ran.out == ""
    error, *hint = ran.err.splitlines()
    assert error.startswith("portbook: error: cannot write the map ")
    assert len(hint) <= 1


def test_an_older_file_is_replaced_whole(tmp_path: Path) -> None:
    """Nothing is left beside it, and its mode stays."""
    file = tmp_path / "map.svg"
    file.write_text("old", encoding="utf-8")
    file.chmod(0o600)
    assert portbook("map", "--by", "range", "--svg", str(file)).code == 0
    assert file.read_text(encoding="utf-8").startswith("<?xml")
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["map.svg"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--port", "70000"), "70000 is no port"),
        (("--port", "0-65535"), "65536 ports to mark"),
        (("--by", "colour"), "invalid choice"),
        (("--layout", "spiral"), "invalid choice"),
        (("3255",), "unrecognized arguments"),
    ],
)
def test_what_cannot_be_understood_is_a_usage_error(arguments: tuple[str, ...], says: str) -> None:
    """One line that names it."""
    ran = portbook("map", *arguments)
    assert ran.code == 2
    assert says in ran.err.splitlines()[0]
    assert ran.out == ""
