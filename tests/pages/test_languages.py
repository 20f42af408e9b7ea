"""The languages of the book: every message is translated, and a language is one file."""

import asyncio
import re
import tempfile
from contextlib import suppress
from gettext import NullTranslations
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from hypothesis import given
from hypothesis import strategies as st
from tools import make_catalogue
from tools.catalogue_messages import Fault, Found, messages, unsaid

from portbook.model import EnvironmentFault
from portbook.pages import catalogue
from portbook.pages.asked import LanguagePath, language_of, negotiated
from portbook.pages.book import Book
from portbook.pages.words import SOURCE, Words, languages, words

OTHERS = [tag for tag in languages() if tag != SOURCE]
HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n{forms}\n'


def po(text: str, forms: str = "") -> str:
    """A PO file with a header and these entries."""
    return HEAD.format(forms=forms) + text


def entry(message: str, said: str) -> str:
    """One entry of a PO file."""
    return f'msgid "{message}"\nmsgstr "{said}"\n'


def loaded(folder: Path, text: str, language: str = "nl") -> Catalog:
    """That PO file, read without looking at the translations."""
    file = folder / f"{language}.po"
    file.write_text(text, encoding="utf-8")
    return catalogue.load(str(file), language)


def test_every_text_of_the_pages_can_be_translated() -> None:
    """No message is put together at run time, and each has exactly its values."""
    found, wrong = make_catalogue.sources()
    assert not wrong
    assert len(found) > 100


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_is_complete(language: str) -> None:
    """Nothing missing, obsolete, fuzzy or broken: python -m tools.make_catalogue --list."""
    file = make_catalogue.LANGUAGES / f"{language}.po"
    wanted = make_catalogue.template(make_catalogue.sources()[0])
    there = catalogue.load(str(file), language)
    found = make_catalogue.state(there, wanted)
    assert found.done, found
    assert file.read_text(encoding="utf-8") == make_catalogue.written(language, there, wanted)


def test_templates_look_up_what_was_found_in_them() -> None:
    """The book asks its catalogue for the very messages of the sources, also while it compiles."""
    asked: set[str] = set()

    class Heard(NullTranslations):
        def gettext(self, message: str) -> str:
            asked.add(message)
            return message

    made = Book(Words(SOURCE, Heard()))
    listed: set[str] = set()
    for name in made._environment.list_templates():
        made._environment.get_template(name)
        source = (make_catalogue.PAGES / "templates" / name).read_text(encoding="utf-8")
        for item in messages(name, source):
            assert isinstance(item, Found)
            listed |= set(item.forms)
    assert asked
    assert asked <= listed


@pytest.mark.parametrize(
    ("name", "text", "forms"),
    [
        ("a.py", 'words.text("One %(x)s", x=1)', [("One %(x)s",)]),
        ("a.py", 'spoken.text("Two " "halves")', [("Two halves",)]),
        ("a.py", 'say = words.text\nsay("Three")', [("Three",)]),
        ("a.py", 'words.text("a" if x else "b")', [("a",), ("b",)]),
        ("a.py", 'words.plural("%(n)s a", "%(n)s as", 3)', [("%(n)s a", "%(n)s as")]),
        ("a.py", 'Refused(404, "Not %(x)s.", hint="See.", x=1)', [("Not %(x)s.",), ("See.",)]),
        ("a.py", "words.text(error.message, **error.values)", []),
        ("a.py", 'draw.text((1, 2), "no message")', []),
        ("../a.py", 'Said("Nine %(x)s", x=Said("Ten"))', [("Nine %(x)s",), ("Ten",)]),
        ("../a.py", 'Said.plural("%(n)s a", "%(n)s as", 3)', [("%(n)s a", "%(n)s as")]),
        ("../a.py", "host.text(path)", []),
        ("a.html", "{% trans %}\n  Five  \n  %\n{% endtrans %}", [("Five %%",)]),
        ("a.html", "{% trans a=b %}Six {{ a }}{% endtrans %}", [("Six %(a)s",)]),
        (
            "a.html",
            "{% trans n=b %}{{ n }} a{% pluralize %}{{ n }} as{% endtrans %}",
            [("%(n)s a", "%(n)s as")],
        ),
        ("a.html", '{{ _("Seven") }}{{ words.text("Eight") }}', [("Seven",), ("Eight",)]),
        ("a.html", '{{ plural("%(n)s a", "%(n)s as", 3) }}', [("%(n)s a", "%(n)s as")]),
    ],
)
def test_messages_are_found_where_they_are_said(
    name: str, text: str, forms: list[tuple[str, ...]]
) -> None:
    """In calls, in their other names, in choices, in refusals and in templates."""
    assert list(messages(name, text)) == [
        Found(each, name, found.line)
        for each, found in zip(forms, messages(name, text), strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("a.py", "\nwords.text(sentence)", "not a literal"),
        ("a.py", '\nwords.text(f"a {b}")', "not a literal"),
        ("a.py", '\nwords.text("a" + b)', "not a literal"),
        ("a.py", '\nwords.plural("%(n)s a", many, 3)', "not a literal"),
        ("a.py", "\nRefused(404, sentence)", "not a literal"),
        ("a.py", '\nwords.text("a %(x)s")', "%(x)s has no value"),
        ("a.py", '\nwords.text("a", x=1)', "a value for %(x)s"),
        ("a.py", '\nwords.text("50 % of %(x)s", x=1)', "stands alone"),
        ("a.py", '\nwords.plural("%(n)s a", "all as", 3)', "different placeholders"),
        ("a.py", '\nwords.plural("a of %(x)s", "%(n)s as", 3, x=1)', "different placeholders"),
        ("a.py", '\nwords.text("a ")', "starts or ends with a blank"),
        ("a.py", '\nwords.text("a  b")', "two blanks"),
        ("a.py", '\nwords.text("")', "an empty message"),
        ("a.py", '\nwords.text("a <b>b</b>")', "markup"),
        ("../a.py", "\nSaid(sentence)", "not a literal"),
        ("../a.py", '\nSaid(f"a {b}")', "not a literal"),
        ("../a.py", '\nSaid.plural("%(n)s a", many, 3)', "not a literal"),
        ("../a.py", '\nSaid("a %(x)s")', "%(x)s has no value"),
        ("../a.py", '\nSaid("a", x=1)', "a value for %(x)s"),
        ("a.html", "\n{{ words.text(sentence) }}", "not a literal"),
        ("a.html", "\n{% trans %}{% if a %}b{% endif %}{% endtrans %}", "control structures"),
    ],
)
def test_what_cannot_be_translated_is_an_error(name: str, text: str, what: str) -> None:
    """With its file and line."""
    (fault,) = [item for item in messages(name, text) if isinstance(item, Fault)]
    assert what in fault.what
    assert (fault.file, fault.line) == (name, 2)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('Gap("a", f"b {c}", "pip install d")', 3),
        ('Gap(Said("a"), reason_of(error), Said("b"))', 0),
        ('Suspicion(ID, "high", "a", _NEXT)', 1),
        ('SourceFailed(Said("a"), "b")', 1),
        ('Unknown("denied", "run as root")', 0),
    ],
)
def test_a_bare_sentence_that_pages_would_show_is_an_error(text: str, count: int) -> None:
    """What a gap or a suspicion says has to remember its message."""
    assert len(list(unsaid("../a.py", text))) == count


@pytest.mark.parametrize(
    ("message", "said", "what"),
    [
        ("Port %(port)s.", "Poort.", "lacks %(port)s"),
        ("Port.", "Poort %(poort)s.", "has %(poort)s"),
        ("Port {port}.", "Poort.", "lacks {port}"),
        ("%(n)s of 100", "%(n)s van 100 %", "stands alone"),
        ("100%% safe", "100% veilig", "stands alone"),
        ("<b>Bold</b>", "Vet", "markup"),
        ("<b>Bold</b>", "<b>Vet<b>", "markup"),
        ("<a href='x'>A</a>", "<a href='y'>A</a>", "markup"),
        ("this &amp; that", "dit & dat", "markup"),
        ("Copy", 'Zeg \\"ja\\"', 'has "'),
        ("Less", "< minder", "has <"),
        ("Copy", " Kopieer", "blank"),
        ("Copy", "Kopieer\\n", "blank"),
        ("Copy it", "Kopieer  dit", "two blanks"),
    ],
)
def test_a_translation_that_would_break_a_page_is_refused(
    tmp_path: Path, message: str, said: str, what: str
) -> None:
    """By the check of the tool, and when the book is opened: one line that says where."""
    there = loaded(tmp_path, po(entry(message, said)))
    wanted = Catalog()
    wanted.add(message.replace('\\"', '"'))
    assert any(what in each for each in make_catalogue.state(there, wanted).broken)
    with pytest.raises(
        EnvironmentFault, match=r"the language 'nl': line 5 of its catalogue"
    ) as told:
        catalogue.read(str(tmp_path / "nl.po"), "nl")
    assert what in str(told.value)
    assert "\n" not in str(told.value)


PLURAL = 'msgid "%(n)s port"\nmsgid_plural "%(n)s ports"\n'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('msgid "a"\nmsgstr "open\n', "line 6 of its catalogue no line of a PO file"),
        ('msgid "a"\nmsgid "b"\nmsgstr "c"\n', "missing msgstr"),
        ('msgid "a"\n\n', "missing msgstr"),
        ("<html>\n", "no line of a PO file"),
        ('msgid "a"\nmsgid_plural "b"\n"c"\n', "missing msgstr"),
        (PLURAL + 'msgstr[0] "%(n)s a"\nmsgstr[1] "%(n)s b"\nmsgstr[2] "%(n)s c"\n', "plurals"),
        (PLURAL + 'msgstr[0] "een poort"\nmsgstr[1] "%(n)s poorten"\n', "lacks %(n)s"),
    ],
)
def test_a_broken_catalogue_is_one_clear_line(tmp_path: Path, text: str, what: str) -> None:
    """What the file holds never comes up as a traceback."""
    (tmp_path / "nl.po").write_text(po(text), encoding="utf-8")
    with pytest.raises(EnvironmentFault) as told:
        catalogue.read(str(tmp_path / "nl.po"), "nl")
    assert what in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "forms",
    [
        "nplurals=2; plural=import;",
        "nplurals=2; plural=n n;",
        "nplurals=2; plural=n;",
        "nplurals=1; plural=n != 1;",
    ],
)
def test_a_broken_rule_for_plurals_is_one_clear_line(tmp_path: Path, forms: str) -> None:
    """The rule is an expression in the file, so it is read with care."""
    (tmp_path / "nl.po").write_text(
        po(PLURAL + 'msgstr[0] "%(n)s a"\nmsgstr[1] "%(n)s b"\n', f'"Plural-Forms: {forms}\\n"'),
        encoding="utf-8",
    )
    with pytest.raises(EnvironmentFault, match="the language 'nl'"):
        catalogue.read(str(tmp_path / "nl.po"), "nl")


@given(st.data())
def test_no_bytes_in_a_catalogue_break_more_than_it(data: st.DataObject) -> None:
    """A cut, changed or foreign file is a catalogue or one EnvironmentFault."""
    good = po(entry("Port %(x)s", "Poort %(x)s") + PLURAL + 'msgstr[0] "%(n)s"\n').encode()
    at = data.draw(st.integers(0, len(good)))
    planted = data.draw(st.binary(max_size=4) | st.sampled_from([b'"', b"\n", b"msgid ", b"[9]"]))
    with tempfile.NamedTemporaryFile(suffix=".po") as file, suppress(EnvironmentFault):
        file.write(good[:at] + planted + good[at + len(planted) :])
        file.flush()
        catalogue.read(file.name, "nl")


def test_an_update_keeps_what_is_said_and_guesses_nothing(tmp_path: Path) -> None:
    """Gone messages go, near ones are new, comments stay, and twice is the same as once."""
    there = loaded(
        tmp_path,
        po(
            "# by hand\n"
            + entry("Port %(x)s", "Poort %(x)s")
            + entry("Gone", "Weg")
            + "#, fuzzy\n"
            + entry("Map", "Kaart")
            + entry("#~ Old", "x").replace("#~ ", "")
        ),
    )
    wanted = Catalog()
    for message in ("Map", "Port %(x)s", "Port %(x)s.", ("%(n)s port", "%(n)s ports")):
        wanted.add(message, locations=[("a.py", 3)])
    text = make_catalogue.written("nl", there, wanted)
    again = loaded(tmp_path, text)
    assert make_catalogue.written("nl", again, wanted) == text
    assert make_catalogue.state(again, wanted) == make_catalogue.State(
        ("Port %(x)s.", "%(n)s port"), (), ("Map",), ()
    )
    assert '# by hand\n#: a.py\nmsgid "Port %(x)s"\nmsgstr "Poort %(x)s"' in text
    assert "Weg" not in text
    assert make_catalogue.state(there, wanted).obsolete == ("Gone", "Old")
    assert not re.search(r"\d{4}-\d\d-\d\d|:3\b|" + re.escape(str(tmp_path)), text)


def test_a_language_is_begun_and_checked_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--add` writes it with its own plural rule, `--check` says 1 until it is complete."""
    monkeypatch.setattr(make_catalogue, "LANGUAGES", tmp_path)
    assert make_catalogue.main(["--check"]) == 0
    assert make_catalogue.main(["--add", "pl"]) == 0
    text = (tmp_path / "pl.po").read_text(encoding="utf-8")
    assert "nplurals=3" in text
    assert 'msgid "Port"\nmsgstr ""' in text
    assert make_catalogue.main(["--check"]) == 1
    assert " missing" in capsys.readouterr().out
    for refused in ("pl", "xx", "no language"):
        assert make_catalogue.main(["--add", refused]) == 2
    (tmp_path / "pl.po").write_text(text.replace('msgid "Port"\n', 'msgid "Old"\n'), "utf-8")
    assert make_catalogue.main([]) == 0
    assert (tmp_path / "pl.po").read_text(encoding="utf-8") == text


@given(
    st.none()
    | st.text()
    | st.lists(
        st.sampled_from(["nl", "nl-BE", "en", "de", "*", "q=", ";q=0.5", ";", ",", "q=1", "-"])
    ).map("".join)
)
def test_any_accept_language_gives_one_of_our_languages(accepted: str | None) -> None:
    """Whatever a browser or another program sends."""
    assert negotiated(accepted) in languages()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("nl", "nl"),
        ("nl-BE", "nl"),
        ("NL-be;Q=0.3", "nl"),
        ("nl-BE, nl;q=0.9, en;q=0.8", "nl"),
        ("en;q=0.5, nl;q=0.9", "nl"),
        ("en-GB, nl;q=0.9", "en"),
        ("de, fr;q=0.9, nl;q=0.1", "nl"),
        ("de, fr", "en"),
        ("*", "en"),
        ("nl;q=0.5, *;q=0.8", "en"),
        ("nl;q=0.8, *;q=0.5", "nl"),
        ("en;q=0, *", "nl"),
        ("nl;q=0, *", "en"),
        ("nl;q=0", "en"),
        ("nl;q=0.000, en;q=0.001", "en"),
        ("nl-BE, nl;q=0", "en"),
        ("nl;q=2, en;q=0.1", "en"),
        ("nlx, xnl", "en"),
        (", ,;,nl", "nl"),
    ],
)
def test_the_language_is_the_one_that_is_liked_best(accepted: str | None, language: str) -> None:
    """Weights count, a region is served by its language, and nought refuses."""
    assert negotiated(accepted) == language


@given(
    st.lists(
        st.tuples(st.sampled_from(["nl", "en", "de"]), st.integers(1, 1000)),
        unique_by=lambda wish: wish[0],
    )
)
def test_the_greatest_weight_wins(wishes: list[tuple[str, int]]) -> None:
    """In whatever order the languages stand."""
    header = ", ".join(f"{tag};q={weight / 1000:.3f}" for tag, weight in wishes)
    ours = [(weight, tag) for tag, weight in wishes if tag in languages()]
    best = max((weight for weight, _ in ours), default=0)
    assert not ours or (best, negotiated(header)) in ours


@pytest.mark.parametrize(
    ("path", "inside", "language"),
    [
        ("/nl/3255", "/3255", "nl"),
        ("/nl/", "/", "nl"),
        ("/en/year/2002", "/year/2002", "en"),
        ("/nlx/3255", "/nlx/3255", "en"),
        ("/de/3255", "/de/3255", "en"),
        ("//nl/3255", "//nl/3255", "en"),
        ("", "", "en"),
    ],
)
def test_the_language_is_taken_off_a_path(path: str, inside: str, language: str) -> None:
    """Also for who makes the page of a fault, further out than the rest."""
    seen: list[str] = []

    async def nothing(*_: Any) -> Any:
        return None

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])

    outside: dict[str, Any] = {"type": "http", "path": path, "method": "GET", "query_string": b""}
    asyncio.run(LanguagePath(app)(outside, nothing, nothing))
    assert seen == [inside] == [outside["path"]]
    assert language_of(outside, None) == language


def test_numbers_dates_and_lists_are_as_each_language_writes_them() -> None:
    """Not as the machine is set."""
    english, dutch = words("en"), words("nl")
    assert (english.number(65536), dutch.number(65536)) == ("65,536", "65.536")
    assert (english.share(1, 3), dutch.share(1, 3)) == ("33.3%", "33,3%")
    assert (english.date("2002-02"), dutch.date("2002-02")) == ("February 2002", "februari 2002")
    assert english.date("2026-11-23") == "23 November 2026"
    assert dutch.date("2026-11-23") == "23 november 2026"
    assert dutch.date("2002") == "2002"
    assert english.listing(["a", "b", "c"]) == "a, b and c"
    assert dutch.listing(["a", "b", "c"]) == "a, b en c"
    assert dutch.listing(("a", "b"), either=True) == "a of b"
    assert (english.listing([]), english.listing(["a"])) == ("", "a")
    assert (english.name, dutch.name) == ("English", "Nederlands")
