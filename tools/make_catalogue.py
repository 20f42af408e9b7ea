"""Update the languages of the pages from their sources: python -m tools.make_catalogue [--check].

Every message of src/portbook/pages is found by parsing, never by running: calls of `Words` in
Python and in templates, `{% trans %}`, and the sentences of `Refused`; so is every `Said` of the
folders that look at the machine. What is not a literal cannot be translated and is an error. A
catalogue lists the messages in the order of the files, without line numbers and dates, so a
difference in it is a difference in the texts.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import write_po
from tools.catalogue_messages import OUTSIDE, Fault, Found, messages, unsaid

from portbook.model import EnvironmentFault
from portbook.pages import catalogue

PAGES = Path(__file__).parent.parent / "src" / "portbook" / "pages"
LANGUAGES = PAGES / "languages"
LOOKING = ("host", "owners", "sockets", "survey", "verdict")
"""The folders beside the pages whose sentences the pages show."""
COMMANDS_ALONE = frozenset(
    (
        *("host/feedback_reader.py", "host/interfaces.py"),
        *("sockets/elsewhere.py", "sockets/hidden.py"),
        *("sockets/settings.py", "survey/answering.py", "survey/bindability.py"),
        *("survey/identifying.py", "survey/project.py", "survey/promised.py"),
        *("survey/watching.py", "survey/watching_live.py", "survey/watching_sockets.py"),
    )
)
"""Files whose gaps only the command line shows, in English: no survey for the pages makes them."""
_HEADER = """\
# The {english} texts of portbook's pages. How to translate: docs/translating.md
#
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""


class State(NamedTuple):
    """What is to be done in one language: messages, and what is wrong with them."""

    missing: tuple[str, ...]
    obsolete: tuple[str, ...]
    fuzzy: tuple[str, ...]
    broken: tuple[str, ...]

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return not any(self)


def sources(pages: Path = PAGES) -> tuple[list[Found], list[Fault]]:
    """Every message in the order of the files, and every text that cannot be translated."""
    items: list[Found | Fault] = []
    wrong: list[Fault] = []
    templates = [file for file in (pages / "templates").rglob("*") if file.is_file()]
    for file in sorted([*pages.rglob("*.py"), *templates]):
        name = file.relative_to(pages).as_posix()
        items += messages(name, file.read_text(encoding="utf-8"))
    package = pages.parent
    for file in sorted(each for folder in LOOKING for each in (package / folder).rglob("*.py")):
        name, text = file.relative_to(package).as_posix(), file.read_text(encoding="utf-8")
        items += messages(f"{OUTSIDE}{name}", text)
        if name not in COMMANDS_ALONE:
            wrong += unsaid(f"{OUTSIDE}{name}", text)
    found = [item for item in items if isinstance(item, Found)]
    wrong += [item for item in items if isinstance(item, Fault)]
    wrong.extend(_clashes(found))
    return found, wrong


def _clashes(found: list[Found]) -> Iterator[Fault]:
    """One singular with two plurals would be one entry of a catalogue."""
    known: dict[str, str] = {}
    for item in found:
        if len(item.forms) == 2:
            many = known.setdefault(item.forms[0], item.forms[1])
            if many != item.forms[1]:
                yield Fault(item.file, item.line, f"another plural elsewhere: {many!r}")


def template(found: list[Found]) -> Catalog:
    """All messages as a catalogue without translations."""
    made = Catalog()
    for item in found:
        key = item.forms if len(item.forms) == 2 else item.forms[0]
        made.add(key, locations=[(item.file, item.line)])
    return made


def state(language: Catalog, wanted: Catalog) -> State:
    """What a catalogue lacks or has too many of, by the messages of the sources."""
    known = {_key(message): message for message in language if message.id}
    asked = {_key(message): message for message in wanted if message.id}
    missing: list[str] = []
    broken: list[str] = []
    for key in asked:
        message = known.get(key)
        if message is None or not _complete(message):
            missing.append(key[0])
        else:
            broken.extend(f"{what}: {key[0]!r}" for what in catalogue.faults(message, language))
    fuzzy = [key[0] for key, message in known.items() if message.fuzzy]
    obsolete = [key[0] for key in known if key not in asked]
    obsolete += [_key(message)[0] for message in language.obsolete.values()]
    return State(tuple(missing), tuple(obsolete), tuple(fuzzy), tuple(broken))


def _key(message: Message) -> tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, tuple) else (str(message.id),)


def _complete(message: Message) -> bool:
    said = message.string or ""
    return all(said) and bool(said)


def written(language: str, old: Catalog, wanted: Catalog) -> str:
    """The PO file of a language: the messages of the sources with what `old` says of them.

    Nothing is guessed from similar messages.
    """
    locale = Locale.parse(language, sep="-")
    made = Catalog(locale=locale)
    for message in wanted:
        if not message.id:
            continue
        known = old.get(message.id)
        same = known is not None and _key(known) == _key(message)
        places = sorted({name for name, _ in message.locations})
        entry = made.add(message.id, known.string if same and known else None)
        entry.locations = [(name, 0) for name in places]
        entry.flags = set(known.flags & {"fuzzy"} if same and known else ())
        entry.user_comments = list(known.user_comments) if same and known else []
    text = io.BytesIO()
    write_po(text, made, width=100, omit_header=True, include_lineno=False)
    header = _HEADER.format(
        english=locale.get_display_name("en"), language=language, plurals=old.plural_forms
    )
    return header + text.getvalue().decode("utf-8").rstrip("\n") + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the catalogues and say what they lack; with --check write nothing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where something is to be done"
    )
    parser.add_argument("--add", metavar="TAG", help="begin a catalogue for a language, as in pl")
    parser.add_argument("--list", action="store_true", help="print every message to be done")
    chosen = parser.parse_args(arguments)
    found, wrong = sources()
    for fault in wrong:
        print(f"{fault.file}:{fault.line}: {fault.what}")
    wanted = template(found)
    if chosen.add and not _begin(chosen.add, wanted):
        print(f"no language with the tag {chosen.add!r}, or it has a catalogue already")
        return 2
    done = not wrong
    for file in sorted(LANGUAGES.glob("*.po")):
        try:
            done = _one(file, wanted, check=chosen.check, listed=chosen.list) and done
        except EnvironmentFault as error:
            print(error)
            done = False
    return 0 if done or not (chosen.check or wrong) else 1


def _begin(language: str, wanted: Catalog) -> bool:
    file = LANGUAGES / f"{language}.po"
    try:
        empty = Catalog(locale=Locale.parse(language, sep="-"))
    except (UnknownLocaleError, ValueError):
        return False
    if file.exists():
        return False
    file.write_text(written(language, empty, wanted), encoding="utf-8")
    return True


def _one(file: Path, wanted: Catalog, *, check: bool, listed: bool) -> bool:
    """Bring one catalogue up to date and say what it lacks; whether nothing is to be done."""
    language = file.stem
    now = catalogue.load(str(file), language)
    text = written(language, now, wanted)
    stale = file.read_text(encoding="utf-8") != text
    if stale and not check:
        file.write_text(text, encoding="utf-8")
    result = state(now, wanted)
    told = ", ".join(f"{len(items)} {what}" for what, items in result._asdict().items() if items)
    print(f"{language}: {len(wanted)} messages, {told or 'complete'}" + stale * ", file is stale")
    for what, items in result._asdict().items():
        for item in items if listed or what == "broken" else items[:5]:
            print(f"  {what}: {item}")
    return result.done and not (check and stale)


if __name__ == "__main__":
    sys.exit(main())
