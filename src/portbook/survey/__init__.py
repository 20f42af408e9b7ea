"""The one place that joins facts: the registry's, the kernel's, the owners', and the verdict."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.survey.answering import by_the_book, look, look_at
    from portbook.survey.bindability import Why, why
    from portbook.survey.listeners import Survey, hidden_owners, survey

__all__ = ["Survey", "Why", "by_the_book", "hidden_owners", "look", "look_at", "survey", "why"]

_HOME = {
    "Survey": "listeners",
    "Why": "bindability",
    "by_the_book": "answering",
    "hidden_owners": "listeners",
    "look": "answering",
    "look_at": "answering",
    "survey": "listeners",
    "why": "bindability",
}


def __getattr__(name: str) -> object:
    """Load a name on first use: commands about claims need none of them (3 ms)."""
    if name not in _HOME:
        raise AttributeError(f"module 'portbook.survey' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"portbook.survey.{_HOME[name]}"), name)
    globals()[name] = value
    return value
