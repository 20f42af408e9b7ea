"""portbook knows every port: what it is meant to be, what holds it here, and whether it is free.

This module is the public face and holds no logic. Names are loaded on first use, so that
`import portbook` costs next to nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.model import Answer, Assignment, Listener, PortEntry
    from portbook.model.claim import ClaimRefused
    from portbook.model.version import __version__
    from portbook.registry.lookup import lookup
    from portbook.registry.search import search
    from portbook.survey import look
    from portbook.survey.leasing import claim, permit

__all__ = [
    "Answer",
    "Assignment",
    "ClaimRefused",
    "Listener",
    "PortEntry",
    "__version__",
    "claim",
    "look",
    "lookup",
    "permit",
    "search",
]

_HOME = {
    "Answer": "portbook.model",
    "Assignment": "portbook.model",
    "ClaimRefused": "portbook.model.claim",
    "Listener": "portbook.model",
    "PortEntry": "portbook.model",
    "__version__": "portbook.model.version",
    "claim": "portbook.survey.leasing",
    "look": "portbook.survey",
    "lookup": "portbook.registry.lookup",
    "permit": "portbook.survey.leasing",
    "search": "portbook.registry.search",
}


def __getattr__(name: str) -> object:
    """Load a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'portbook' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value
