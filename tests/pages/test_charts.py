"""The charts: they draw the census as it is, and there is nothing in them that could act."""

import base64
import hashlib
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from pages.reading import Reading
from pages.serving import Serving, serving
from portbook.pages.charts import CHARTS, chart
from portbook.pages.portmap.scheme import LIFE
from portbook.pages.words import words
from portbook.registry.census import census
from portbook.registry.registrations import VERDICTS

pytestmark = pytest.mark.live

SVG = "{http://www.w3.org/2000/svg}"
LANGUAGES = ("en", "nl")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for these tests."""
    with serving(tmp_path_factory.mktemp("charts")) as found:
        yield found


def parsed(svg: bytes) -> ET.Element:
    """A chart as a tree."""
    return ET.fromstring(svg)  # noqa: S314 - our own


def bars(name: str) -> list[list[ET.Element]]:
    """The rectangles of each series."""
    return [
        [rect for rect in series.iter(f"{SVG}rect") if "rect" in rect.get("class", "").split()]
        for at in range(4)
        for series in parsed(chart(name, words("en"))).iter(f"{SVG}g")
        if series.get("class") == f"series serie-{at} color-{at}" and len(series)
        if any(child.get("class") == "bars" for child in series)
    ]


def texts(svg: bytes) -> list[str]:
    """Everything that is written in a chart."""
    return [node.text or "" for node in parsed(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_an_image_and_nothing_else(name: str, language: str) -> None:
    """No script, no link, no address but that of SVG itself, no id, no style but its sheet."""
    drawn = chart(name, words(language))
    root = parsed(drawn)
    assert (root.get("width"), root.get("height")) == (
        str(CHARTS[name].width),
        str(CHARTS[name].height),
    )
    assert drawn.count(b"//") == drawn.count(b"http") == 1
    assert b"<!" not in drawn
    for node in root.iter():
        assert node.tag.removeprefix(SVG) in {"svg", "defs", "style", "g", "rect", "path", "text"}
        assert not {"style", "id", "href"} & set(node.attrib)
        assert not [attribute for attribute in node.attrib if attribute.startswith("on")]
    assert len(list(root.iter(f"{SVG}style"))) == 1
    assert b"url(" not in drawn
    assert b"@import" not in drawn


def test_charts_are_the_same_in_every_process() -> None:
    """Their bytes depend neither on the day nor on the order of hashes."""
    code = (
        "import sys\n"
        "from portbook.pages.charts import CHARTS, chart\n"
        "from portbook.pages.words import words\n"
        "for name in CHARTS: sys.stdout.buffer.write(chart(name, words('en')))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    drawn = b"".join(chart(name, words("en")) for name in CHARTS)
    assert found == {drawn}
    assert not re.search(rb"20[0-9]{2}-[0-9]{2}-[0-9]{2}", drawn)


@pytest.mark.parametrize("name", ["range", "sources"])
def test_shares_are_drawn_as_long_as_they_are(name: str) -> None:
    """The bars of one row are as long as the shares, in the colours that the map has, too."""
    shares = [
        each
        for each in (census().by_range if name == "range" else census().by_sources)
        if each.total
    ]
    series = bars(name)
    assert len(series) == len(VERDICTS)
    for row, share in enumerate(reversed(shares)):
        lengths = [float(some[row].get("width", 0)) for some in series]
        for life, length in zip(VERDICTS, lengths, strict=True):
            assert length / sum(lengths) == pytest.approx(
                share.counts[life] / share.total, abs=0.002
            )
    style = chart(name, words("en")).decode()
    for at, life in enumerate(VERDICTS):
        color = next(kind.light for kind in LIFE.kinds if kind.name == life)
        assert f".color-{at}{{fill:{color}}}" in style


def test_years_are_drawn_as_high_as_they_are() -> None:
    """One column for each year since IANA dates registrations, its parts by life."""
    years = [each for each in census().by_year if each.year and each.year >= 2002]
    series = bars("year")
    heights = [[float(rect.get("height", 0)) for rect in some] for some in series]
    scale = sum(map(sum, heights)) / sum(each.total for each in years)
    for column, each in enumerate(years):
        for at, life in enumerate(VERDICTS):
            assert heights[at][column] == pytest.approx(each.counts[life] * scale, abs=0.3)


def test_words_in_a_chart_are_those_of_the_language() -> None:
    """Names of lives and ranges, and numbers, are said as the page says them."""
    said = texts(chart("range", words("en")))
    for needed in ("alive", "overtaken", "orphan", "young", "system ports, 0–1023"):  # noqa: RUF001 - as it is drawn
        assert needed in said
    assert "82.4%" in said


def test_a_chart_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the census is another one: then the old picture is not shown any more."""
    from portbook.registry.lookup import reload

    spoken = words("en")
    first = chart("year", spoken)
    assert chart("year", spoken) is first
    reload()
    again = chart("year", spoken)
    assert again is not first
    assert again == first


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_served_with_a_policy_of_its_own(server: Serving, name: str) -> None:
    """Nothing may be loaded by it, and its style sheet is let through by its hash alone."""
    for language in LANGUAGES:
        reply = server.ask(f"/{language}/orphans/{name}.svg")
        assert reply.status == 200
        assert reply.headers["content-type"] == "image/svg+xml"
        assert reply.headers["content-language"] == language
        style = parsed(reply.body).find(f"{SVG}defs/{SVG}style")
        assert style is not None
        digest = hashlib.sha256((style.text or "").encode()).digest()
        assert reply.headers["content-security-policy"] == (
            "default-src 'none'; style-src 'sha256-"
            f"{base64.b64encode(digest).decode()}'; frame-ancestors 'none'"
        )
        assert reply.body == chart(name, words(language))
        tag = reply.headers["etag"]
        assert server.ask(f"/{language}/orphans/{name}.svg", If_None_Match=tag).status == 304


def test_every_chart_stands_on_the_page_with_its_words(server: Serving) -> None:
    """An image with its size and a description, and a table with the numbers behind it."""
    for language in LANGUAGES:
        page = Reading(server.ask(f"/{language}/orphans").text)
        shown = {image["src"]: image for image in page.images}
        assert set(shown) == {f"/{language}/orphans/{name}.svg" for name in CHARTS}
        for name, drawn in CHARTS.items():
            image = shown[f"/{language}/orphans/{name}.svg"]
            assert (image["width"], image["height"]) == (str(drawn.width), str(drawn.height))
            assert len(image["alt"]) > 40
        assert len(page.tables) >= 1 + len(CHARTS)


def test_the_library_is_not_loaded_before_a_chart_is_asked_for() -> None:
    """It takes 50 ms to import, which the first page must not wait for."""
    code = "import sys; import portbook.pages.app; print('pygal' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_drawing_leaves_imports_as_they_were() -> None:
    """The library's own finder does not stay: Python 3.11 would warn at every later import."""
    chart("range", words("en"))
    assert all(hasattr(each, "find_spec") for each in sys.meta_path)
