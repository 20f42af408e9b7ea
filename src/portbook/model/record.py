"""`Record`: what typing.NamedTuple is, without importing `typing` at start-up.

Importing `typing` and letting it make our value types takes 7 ms of every start, a fifth of the
budget of `portbook PORT` (measured, Python 3.11; bench/cold_start.py). Type checkers see
typing.NamedTuple itself, and at run time the classes are made by the same collections.namedtuple.
"""

import sys
from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING or sys.version_info >= (3, 14):
    # Annotations are evaluated lazily from 3.14 on (PEP 649): only typing can read them there.
    from typing import NamedTuple as Record
else:

    class _Maker(type):
        """Turns `class Name(Record): field: type = default` into a named tuple."""

        def __new__(cls, name: str, bases: tuple, namespace: dict) -> type:
            if not bases:
                return super().__new__(cls, name, bases, namespace)
            annotations = namespace.pop("__annotations__", {})
            defaults = [namespace.pop(field) for field in annotations if field in namespace]
            made = namedtuple(name, annotations, defaults=defaults)  # noqa: PYI024 - as above
            made.__annotations__ = annotations
            for key, value in namespace.items():
                setattr(made, key, value)
            return made

    class Record(metaclass=_Maker):
        """The base of every value type; the classes made from it are plain named tuples."""


__all__ = ["Record"]
