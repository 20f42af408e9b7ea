"""The fingerprint of everything that makes the pages: the same one, the same bytes."""

import hashlib
import os
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import portbook
from portbook.model.version import __version__
from portbook.pages.export.plan import Plan
from portbook.registry.tables import open_assignments, open_services

_MAKERS = ("model", "registry", "survey", "pages")
"""The folders of portbook whose code, tables, templates and catalogues the pages are made from."""

_LIBRARIES = ("babel", "jinja2", "markupsafe", "pygal")


def fingerprint(plan: Plan) -> str:
    """32 hexadecimal digits; reading 3 MB for it takes 20 ms (measured).

    Raises:
        OSError: a file of portbook cannot be read.
        TableFault: a table is missing or broken.
    """
    found = hashlib.blake2b(digest_size=16)
    told = (__version__, tuple(sys.version_info[:2]), tuple(plan), *map(_release, _LIBRARIES))
    found.update(repr(told).encode())
    for path in (*_files(), open_assignments().path, open_services().path):
        found.update(os.path.basename(path).encode())
        with open(path, "rb") as file:
            found.update(hashlib.blake2b(file.read()).digest())
    return found.hexdigest()


def _files() -> Iterator[str]:
    top = os.path.dirname(portbook.__file__)
    for maker in _MAKERS:
        for folder, below, names in os.walk(os.path.join(top, maker)):
            below[:] = sorted(name for name in below if name != "__pycache__")
            for name in sorted(names):
                yield os.path.join(folder, name)


def _release(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
