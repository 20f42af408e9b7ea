"""The readers, one to a format. Which one takes a file is told by its name.

A reader has `FORM`, its name in answers; `NAMES`, a regular expression that a file's name without
folder matches whole (case counts); and `read(source)`, which returns a Reading and raises
`Unreadable` where nothing can be made of the file. Several readers may want one file: each says in
`wants(source)`, where it has one, whether the content is its own.
"""

import re
from functools import cache
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from portbook.lint.reading import Reading
    from portbook.lint.source import Source

    class Reader(Protocol):
        """A module that reads one format."""

        FORM: str

        def read(self, source: Source) -> Reading:
            """What the file declares."""


FORMS = {
    "dockerfile": r"dockerfile|containerfile"
    r"|(?!.+\.(?:py|js|ts|go|rs|sh|md|txt)$)(?:Docker|Container)file(?:[.\-_].+)?"
    r"|.+\.(?:[Dd]ockerfile|[Cc]ontainerfile)",
    "compose": r"(?:.+\.)?(?:docker-|podman-)?(?:compose|stack)(?:[.\-_].+)?\.ya?ml",
    "kubernetes": r".+\.ya?ml",
    "actions": r".+\.ya?ml",
    "application": r"(?:application|bootstrap)(?:-.+)?\.(?:ya?ml|properties|toml)"
    r"|(?:config|settings|server|app)\.(?:ya?ml|toml)|(?:puma|unicorn)\.rb|settings\.py"
    r"|database\.ya?ml",
    "systemd": r".+\.(?:socket|service|container|pod)",
    "dotenv": r"\.env(?:[.\-_].+)?|.+\.env|env\.(?:example|sample|template|dist)"
    r"|\.envrc|\.flaskenv",
    "package": r"package\.json",
    "javascript": r"(?:vite|vitest|next|webpack|nuxt|astro|svelte|vue|rsbuild|playwright)"
    r"(?:\.[\w-]+)*\.config(?:\.[\w-]+)*\.[cm]?[jt]sx?"
    r"|(?:vite|vitest|next|webpack|nuxt|astro|svelte|vue|rsbuild|playwright)"
    r"\.config(?:\.[\w-]+)*\.[cm]?[jt]sx?|webpack\.[\w-]+\.[cm]?[jt]s|angular\.json",
    "procfile": r"Procfile(?:\..+)?",
    "makefile": r"(?:GNUm|[mM])akefile(?:\..+)?|.+\.mk",
    "justfile": r"\.?[jJ]ustfile|.+\.just",
    "pyproject": r"pyproject\.toml",
    "nginx": r"nginx\.conf(?:\..+)?|.+\.nginx(?:\.conf)?|.+\.conf(?:\.template)?|default",
    "caddyfile": r"Caddyfile(?:\..+)?|.+\.[Cc]addyfile",
    "haproxy": r"haproxy.*\.cfg|.+\.haproxy",
    "devcontainer": r"\.?devcontainer\.json",
    "vscode": r"launch\.json|settings\.json|tasks\.json|.+\.code-workspace",
    "readme": r"README(?:\..+)?|CONTRIBUTING\.md|DEVELOPMENT\.md",
}
"""Every reader's module, which is its FORM, and the names of the files that it may want."""

_CERTAIN = re.compile(
    r"(?:docker-|podman-)?compose(?:[.\-_].+)?\.ya?ml|(?:Docker|Container)file|package\.json"
    r"|\.env|Procfile|Caddyfile|(?:GNUm|[mM])akefile|\.?[jJ]ustfile|pyproject\.toml"
    r"|\.?devcontainer\.json|nginx\.conf|haproxy\.cfg"
)
"""Names that belong to one format: such a file is its even where it cannot be read."""

_TAKES = {form: re.compile(pattern) for form, pattern in FORMS.items()}
_ANY = re.compile("|".join(f"(?:{pattern})" for pattern in FORMS.values()))


def is_wanted(name: str) -> bool:
    """Whether any reader may want a file of this name."""
    return _ANY.fullmatch(name) is not None


def is_certain(name: str) -> bool:
    """Whether a file of this name can only be of one format."""
    return _CERTAIN.fullmatch(name) is not None


def forms_of(name: str) -> list[str]:
    """The forms whose readers may want a file of this name, the most particular first."""
    return [form for form, pattern in _TAKES.items() if pattern.fullmatch(name)]


@cache
def reader_of(form: str) -> "Reader":
    """The reader of a form."""
    return import_module(f"portbook.lint.readers.{form}")
