"""What might be listening, said in a language: the same guesses that the command line says."""

from functools import lru_cache

from markupsafe import Markup

from portbook.model.record import Record
from portbook.pages.prose.escaped import Escaped, layer
from portbook.pages.prose.sources import list_link, products_of, source_name
from portbook.registry.candidates import MOST_NAMED, Guess


class Told(Record):
    """A guess in words: what it is, more about that (perhaps nothing), and why."""

    what: str
    about: str
    why: Markup


@lru_cache(maxsize=1024)  # most numbers have the same few
def guess_told(words: Escaped, guess: Guess) -> Told:
    """One guess in a sentence."""
    name = guess.name
    if guess.kind == "malware":
        name = words.listed(products_of(name), either=True)
    return Told(name or _what(words, guess), guess.about or "", _why(words, guess))


def _what(words: Escaped, guess: Guess) -> str:
    """What has no name of its own."""
    match guess.reason:
        case "zero":
            return words.text("Nothing")
        case "client":
            return words.text("A client\u2019s own end of a connection")
        case "probe-usual" | "probe-any":
            return words.text("Nothing, only a probe")
    return words.text("A program of one\u2019s own")


def _why(words: Escaped, guess: Guess) -> Markup:
    match guess.reason:
        case "named":
            return words.plural(
                "It is registered here, and one source names it on this number: %(sources)s.",
                "It is registered here, and %(n)s sources name it on this number: %(sources)s.",
                len(guess.sources),
                sources=_named(words, guess),
            )
        case "displaced":
            return words.plural(
                "It is registered here, but what one source has on this number is something else.",
                "It is registered here, but what %(n)s sources have on this number is something"
                " else.",
                guess.asked,
            )
        case "silent":
            return words.plural(
                "It is registered here, but one source was asked and has no trace of it.",
                "It is registered here, but none of %(n)s sources has a trace of it.",
                guess.asked,
            )
        case "unofficial":
            return _unofficial(words, guess)
        case "malware":
            return words.text(
                "%(source)s lists this as a default number of %(kind)s; the number alone proves"
                " nothing.",
                source=list_link(guess.sources[0]),
                kind=_category(words, guess.category),
            )
        case "own-unassigned" if guess.transport:
            return words.text(
                "Nobody has registered this number for %(transport)s, so a program that somebody"
                " wrote for themselves may well take it.",
                transport=layer(guess.transport),
            )
        case "own-reserved" if guess.transport:
            return words.text(
                "IANA keeps this number back for %(transport)s, which does not stop a program from"
                " taking it.",
                transport=layer(guess.transport),
            )
    return _standing(words, guess.reason)


def _unofficial(words: Escaped, guess: Guess) -> Markup:
    if guess.transport:
        return words.plural(
            "It is not registered here, but one source names it over %(transport)s: %(sources)s.",
            "It is not registered here, but %(n)s sources name it over %(transport)s: %(sources)s.",
            len(guess.sources),
            transport=layer(guess.transport),
            sources=_named(words, guess),
        )
    return words.plural(
        "It is not registered here, but one source names it on this number: %(sources)s.",
        "It is not registered here, but %(n)s sources name it on this number: %(sources)s.",
        len(guess.sources),
        sources=_named(words, guess),
    )


def _standing(words: Escaped, reason: str) -> Markup:
    """What is said alike of every number."""
    match reason:
        case "zero":
            return words.text(
                "To bind port 0 asks the system for any free number. Traffic to it comes from"
                " scans or broken software."
            )
        case "own-alive":
            return words.text(
                "Any program can be told to use this number, whatever it is registered for."
            )
        case "own-overtaken":
            return words.text(
                "Others use this number without being registered, so your own may, too."
            )
        case "own-silent":
            return words.text(
                "No public program is known to use this number, and programs that people write"
                " for themselves take such quiet numbers."
            )
        case "own-listed":
            return words.text(
                "No public source but a list of harmful programs has this number, and programs that"
                " people write for themselves take such quiet numbers."
            )
        case "own-dynamic":
            return words.text(
                "This range is never assigned, so programs may take from it what they like."
            )
        case "own-reserved":
            return words.text(
                "IANA keeps this number back, which does not stop a program from taking it."
            )
        case "client":
            return words.text(
                "Systems take numbers of this range for outgoing connections, for as long as these"
                " last."
            )
        case "probe-usual":
            return words.text(
                "Traffic without a listener is most often a scan for what is usual on this number."
            )
        case "probe-any":
            return words.text(
                "Traffic without a listener is most often a scan that tries every number."
            )
    return words.text(
        "Nobody has registered this number, so a program that somebody wrote for themselves may"
        " well take it."
    )


def _category(words: Escaped, category: str) -> str:
    """What a tool is for; one that is new to portbook keeps its English word."""
    match category:
        case "anonymity":
            return words.text("a network for anonymity")
        case "c2":
            return words.text("a tool that steers taken-over machines")
        case "exploitation":
            return words.text("a tool for attacks")
        case "malware":
            return words.text("malware")
        case "miner":
            return words.text("a crypto miner")
        case "rmm":
            return words.text("a tool for remote control")
    return category


def _named(words: Escaped, guess: Guess) -> Markup:
    return words.some(tuple(map(source_name, guess.sources)), MOST_NAMED)
