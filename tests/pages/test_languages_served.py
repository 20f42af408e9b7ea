"""The languages of the book as a browser gets them: from a server, also with a new language."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from tools import make_catalogue

from pages.serving import Serving, serving
from portbook.pages import catalogue

pytestmark = pytest.mark.live

ADDRESSES = (
    *("", "3255", "3255/udp", "443", "8080", "0", "4", "1023", "9", "7001", "49152", "60000"),
    *("search?q=redis", "search?q=nothing+has+this+name", "name/http", "orphans", "orphans/3"),
    *("map", "map?by=year&layout=rows", "map?by=range", "assignee/Jay_Eckles", "year/2002"),
    *("method", "enter", "70000", "abc", "3255/xyz", "feedback", "here", "feedback/thanks"),
    *(
        "orphans/99",
        "here?sort=size",
        "map?by=size",
        "map?port=70000",
        "name/_ssh._tcp",
        "year/1900",
    ),
)
_VOID = {"meta", "link", "input", "br", "hr", "img", "source", "wbr"}
_READ = ("alt", "title", "placeholder", "aria-label", "content")
_SKIPPED = {"script", "style", "code", "pre", "kbd", "samp"}


class Told(HTMLParser):
    """The texts of a page that are not marked as another language, one by one and in a row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._open: list[bool] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Texts of attributes are read too."""
        given = dict(attrs)
        marked = tag in _SKIPPED or (given.get("lang") == "en" and tag != "html")
        foreign = any(self._open) or marked
        if not foreign:
            named = [value for name, value in attrs if name in _READ or name.startswith("data-")]
            self.parts += [value for value in named if value]
        if tag not in _VOID:
            self._open.append(foreign)

    def handle_endtag(self, tag: str) -> None:
        """Out of the innermost element."""
        if tag not in _VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """A text between two tags."""
        if not any(self._open):
            self.parts.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(" ".join(self.parts).split())


def english() -> dict[str, re.Pattern[str]]:
    """What a Dutch page must not say: every message that Dutch says in other words."""
    found = {}
    for message in catalogue.load(str(make_catalogue.LANGUAGES / "nl.po"), "nl"):
        forms = message.id if isinstance(message.id, tuple) else (str(message.id),)
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        for form in set(forms) - set(said) if all(said) else ():
            parts = re.split(r"%\(\w+\)s|\{\w+\}|<[^>]+>", form.replace("%%", "%"))
            if len(re.findall(r"[a-z]{2,}", " ".join(parts))) >= 3:
                words = [re.escape(part.strip()) for part in parts]
                found[form] = re.compile(r".{0,200}?".join(words))
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for these tests."""
    with serving(tmp_path_factory.mktemp("spoken")) as found:
        yield found


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_dutch_page_has_no_english_sentence(server: Serving, address: str) -> None:
    """Neither in its text nor in its attributes; what is English says so with lang."""
    reply = server.ask(f"/nl/{address}", known=True)
    while reply.status in (302, 303, 307, 308):
        reply = server.ask(reply.headers["location"], known=True)
    assert reply.headers["content-language"] == "nl"
    told = Told(reply.text).text
    assert len(told) > 100
    left = [form for form, pattern in english().items() if pattern.search(told)]
    assert not left


def test_the_search_for_english_finds_a_planted_sentence(server: Serving) -> None:
    """The same page in English is full of it."""
    told = Told(server.ask("/en/3255").text).text
    assert sum(1 for pattern in english().values() if pattern.search(told)) > 10


def test_a_path_beats_what_the_browser_likes(server: Serving) -> None:
    """And without a language in the path the browser's wish counts."""
    for path, accepted, language in (
        ("/nl/3255", "en", "nl"),
        ("/en/3255", "nl", "en"),
        ("/3255", "nl-BE,nl;q=0.9,en;q=0.5", "nl"),
        ("/3255", "fr", "en"),
    ):
        reply = server.ask(path, Accept_Language=accepted)
        assert reply.headers["content-language"] == language
        assert f'<html lang="{language}"' in reply.text
        assert "accept-language" in reply.headers["vary"].lower()


def test_an_error_is_told_in_the_language_of_the_request(server: Serving) -> None:
    """Pages and the JSON twins alike."""
    assert "Poort 70000 bestaat niet" in server.ask("/nl/70000").text
    assert server.ask("/70000.json", Accept_Language="nl").status == 404


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program copied, so that languages can be put into it."""
    top = tmp_path_factory.mktemp("copied")
    shutil.copytree(
        make_catalogue.PAGES.parent,
        top / "portbook",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return top


def polish() -> str:
    """A catalogue with three plural forms: each says which one it is."""
    wanted = make_catalogue.template(make_catalogue.sources()[0])
    made = Catalog(locale="pl")
    for message in wanted:
        if isinstance(message.id, tuple):
            one, many = message.id
            made.add(
                message.id, tuple(f"{form}: {text}" for form, text in enumerate((one, many, many)))
            )
        elif message.id:
            made.add(message.id, f"Tak: {message.id}")
    return make_catalogue.written("pl", made, wanted)


def test_a_language_is_one_file(tree: Path, tmp_path: Path) -> None:
    """Polish is put beside Dutch: it is offered, served, and counts in three forms."""
    file = tree / "portbook" / "pages" / "languages" / "pl.po"
    file.write_text(polish(), encoding="utf-8")
    try:
        with serving(tmp_path, env={"PYTHONPATH": str(tree)}) as server:
            reply = server.ask("/pl/3255")
            assert reply.headers["content-language"] == "pl"
            assert '<html lang="pl" dir="ltr">' in reply.text
            assert "Tak: " in Told(reply.text).text
            assert 'hreflang="nl" href="/nl/3255"' in reply.text
            offered = '<a lang="pl" hreflang="pl" href="/pl/3255">Polski</a>'
            assert offered in server.ask("/3255").text
            reply = server.ask("/3255", Accept_Language="pl,nl;q=0.5")
            assert reply.headers["content-language"] == "pl"
        told = script(
            tree,
            "from portbook.pages.words import words\n"
            "for n in (1, 3, 5, 12, 22, 112):\n"
            "    print(words('pl').plural('%(n)s source', '%(n)s sources', n))",
        )
        assert told.stdout.split("\n")[:6] == [
            *("0: 1 source", "1: 3 sources", "2: 5 sources"),
            *("2: 12 sources", "1: 22 sources", "2: 112 sources"),
        ]
    finally:
        file.unlink()


def script(tree: Path, text: str) -> "subprocess.CompletedProcess[str]":
    """Python text run with the copied program."""
    return subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        timeout=60,
        text=True,
    )


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("de.po", 'msgid "a"\nmsgstr "b\n', "line 2"),
        ("de.po", 'msgid "Port %(x)s"\nmsgstr "Tor"\n', "lacks %(x)s"),
        ("xx.po", "", "'xx'"),
    ],
)
def test_a_broken_language_is_told_before_the_server_starts(
    tree: Path, tmp_path: Path, name: str, text: str, what: str
) -> None:
    """One line and exit code 5, and no page that fails later."""
    file = tree / "portbook" / "pages" / "languages" / name
    file.write_text(text, encoding="utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "portbook", "serve", "--port", "0"],
            env={**os.environ, "PYTHONPATH": str(tree), "PORTBOOK_DATA_HOME": str(tmp_path)},
            capture_output=True,
            timeout=30,
            text=True,
        )
        assert done.returncode == 5
        assert done.stderr.startswith("portbook: error: the language ")
        assert what in done.stderr.splitlines()[0]
        assert "Traceback" not in done.stderr
    finally:
        file.unlink()
