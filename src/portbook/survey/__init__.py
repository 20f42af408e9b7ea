"""The one place that joins facts: the registry's, the kernel's, the owners', and the verdict."""

from portbook.survey.answering import by_the_book, look, look_at
from portbook.survey.bindability import Why, why
from portbook.survey.listeners import Survey, hidden_owners, survey

__all__ = ["Survey", "Why", "by_the_book", "hidden_owners", "look", "look_at", "survey", "why"]
