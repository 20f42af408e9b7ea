"""Answers that are worked out once and kept until the tables are read again."""

from collections.abc import Callable
from functools import wraps

from portbook.registry.lookup import lookup

TYPE_CHECKING = False  # importing `typing` is a tenth of the start-up budget
if TYPE_CHECKING:
    from typing import TypeVar

    Kept = TypeVar("Kept")


def until_reload(work: "Callable[[], Kept]") -> "Callable[[], Kept]":
    """`work`, done at the first call and again at the first one after `lookup.reload()`.

    `lookup` keeps its answers until then: the one about port 0 is another object afterwards. To
    ask takes 0.3 us, and who never asks again never pays for a reload. Threads that come at the
    same time may each do the work; all of them get the same answer.
    """
    kept: list[tuple[object, Kept]] = []

    @wraps(work)
    def answer() -> "Kept":
        edition = lookup(0)
        for known, value in kept:
            if known is edition:
                return value
        value = work()
        kept[:] = [(edition, value)]
        return value

    return answer
