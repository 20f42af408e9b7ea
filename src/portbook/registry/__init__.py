"""What a number is for: assignments, the evidence for them, their life and other uses.

`lookup` is bound here at once, because a module of the same name would otherwise take its place
when it is first imported. For free text see portbook.registry.search.
"""

from portbook.registry.lookup import lookup

__all__ = ["lookup"]
