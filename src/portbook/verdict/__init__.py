"""Whether a listener belongs. Pure: facts in, a value and its reasons out."""

from portbook.verdict.belongs import judge

__all__ = ["judge"]
