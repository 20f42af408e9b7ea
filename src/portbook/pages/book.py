"""The book in one language: templates in, HTML out. Serves the pages and writes them as files."""

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from jinja2 import FileSystemLoader, StrictUndefined, nodes
from jinja2.ext import InternationalizationExtension

from portbook.model.record import Record
from portbook.model.version import __version__
from portbook.pages.rendering import FastEnvironment
from portbook.pages.words import Words, languages, words

_HERE = os.path.dirname(__file__)
STATIC = os.path.join(_HERE, "static")


class Place(Record):
    """Where a page stands, so that one template serves both the server and the files.

    `path` is its address without language (`/3255`), `base` what stands before the address of
    another page of the same language, `ext` what stands behind it, `root` what stands before
    `static/` and before the folder of another language. `live` says that parts of this machine
    can be asked for, `fleet` the same of many machines, `known` that the visitor has shown the
    token.
    """

    path: str
    base: str = "/"
    ext: str = ""
    root: str = "/"
    served: bool = True
    live: bool = False
    known: bool = False
    fleet: bool = False

    @property
    def file(self) -> str:
        """The address behind the folder of a language: `3255`, or `3255.html`."""
        name = self.path.removeprefix("/")
        return f"{name or 'index'}{self.ext}" if self.ext else name

    @property
    def start(self) -> str:
        """The address of the first page behind `base`."""
        return f"index{self.ext}" if self.ext else ""


class Book:
    """All pages of one language.

    Templates know `words`, the language's own `date`, `number`, `share`, `plural` and `listing`,
    and `place` with its fields `base`, `ext`, `root` spelled out. `offered` are the languages that
    a page leads to; all there are by default.
    """

    def __init__(self, spoken: Words, offered: Sequence[str] = ()) -> None:
        self.words = spoken
        environment = FastEnvironment(
            loader=FileSystemLoader(os.path.join(_HERE, "templates")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
            extensions=[_Spoken],
        )
        environment.policies["ext.i18n.trimmed"] = True
        installer: Any = environment
        installer.install_gettext_callables(
            spoken.catalogue.gettext, spoken.catalogue.ngettext, newstyle=True
        )
        environment.globals.update(
            words=spoken,
            date=spoken.date,
            number=spoken.number,
            share=spoken.share,
            plural=spoken.plural,
            listing=spoken.listing,
            languages=[(tag, words(tag).name) for tag in offered or languages()],
            v=f"?v={stamp()}",
            version=__version__,
        )
        environment.filters["spaced"] = _spaced
        self._environment = environment

    def render(self, template: str, place: Place, /, **facts: object) -> bytes:
        """The page as UTF-8.

        Raises:
            jinja2.UndefinedError: a fact that the template tells is missing.
        """
        made = self._environment.get_template(template)
        shown = made.render(place=place, base=place.base, ext=place.ext, root=place.root, **facts)
        return shown.encode("utf-8", "replace")


@cache
def book(language: str) -> Book:
    """The book in that language, made once.

    Raises:
        EnvironmentFault: there is no such language, or its catalogue is broken.
    """
    return Book(words(language))


@cache
def stamp() -> str:
    """What changes with every static file, so that browsers may keep them."""
    found = hashlib.blake2b(digest_size=5)
    for name in sorted(os.listdir(STATIC)):
        with open(os.path.join(STATIC, name), "rb") as file:
            found.update(name.encode() + file.read())
    return found.hexdigest()


class _Spoken(InternationalizationExtension):
    """Translates what has no variables while a template is compiled.

    An environment has one language, so nothing is left to look up when a page is made: that is
    a third of the time of a page (measured).
    """

    def _make_node(
        self,
        singular: str,
        plural: str | None,
        context: str | None,
        variables: dict[str, nodes.Expr],
        plural_expr: nodes.Expr | None,
        vars_referenced: bool,  # noqa: FBT001 - jinja2's own signature
        num_called_num: bool,  # noqa: FBT001 - the same
    ) -> nodes.Output:
        if plural is None and context is None and not variables and not vars_referenced:
            gettext = cast("Words", self.environment.globals["words"]).catalogue.gettext
            return nodes.Output([nodes.TemplateData(gettext(singular).replace("%%", "%"))])
        return super()._make_node(
            singular, plural, context, variables, plural_expr, vars_referenced, num_called_num
        )


def _spaced(identifier: str | None) -> str:
    """An assignee as a name: IANA's ids have underscores."""
    return (identifier or "").replace("_", " ")
