"""The page of a service name in sentences."""

from markupsafe import Markup

from portbook.pages.book import Place
from portbook.pages.facts.name import NamePage
from portbook.pages.prose.escaped import Escaped, escaped, quoted, some_ports
from portbook.pages.prose.lives import lives_told
from portbook.pages.prose.registration import who_links
from portbook.pages.words import Words

_MOST_PORTS = 8


def name_told(words: Words, page: NamePage, place: Place) -> tuple[Markup, ...]:
    """The sentences of a page, the answer first."""
    said = escaped(words)
    told = [_answer(said, page, place)]
    if page.rows:
        counts = dict.fromkeys(("alive", "overtaken", "orphan", "young"), 0)
        for row in page.rows:
            counts[row.life] += 1
        told.append(Markup("{}").format(lives_told(words, counts)))
        return tuple(told)
    if page.description:
        told.append(
            said.text(
                "IANA describes it so: %(description)s.", description=quoted(page.description)
            )
        )
    if page.who:
        told.append(said.text("It is in the name of %(who)s.", who=who_links(said, page.who, None)))
    told.append(
        said.text(
            "Programs find such services by their name, in DNS or on the local network, and learn"
            " the number there."
        )
    )
    return tuple(told)


def _answer(words: Escaped, page: NamePage, place: Place) -> Markup:
    if not page.ports:
        return words.text("%(name)s is registered as a name, without a number.", name=page.name)
    return words.plural(
        "%(name)s is registered on one number: %(ports)s.",
        "%(name)s is registered on %(n)s numbers: %(ports)s.",
        len(page.ports),
        name=page.name,
        ports=some_ports(words, page.ports, place, _MOST_PORTS),
    )
