"""Whether a listener belongs. Pure: facts in, a value and its reasons out."""

from portbook.verdict.judge import facts_of, judge, known_as

__all__ = ["facts_of", "judge", "known_as"]
