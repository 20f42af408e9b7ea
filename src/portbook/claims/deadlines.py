"""What runs out when: a heap in which an entry may be out of date, and is then passed over."""

import heapq
from collections.abc import Iterable

_SPARE = 1_024


class Deadlines:
    """Moments in milliseconds, each with the key of what may run out then.

    Who renews something later than its entry need not say so: the entry comes up at its time, and
    is put in anew. An entry that has to come earlier is put in beside the old one.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, when: int, key: str) -> None:
        """Let `key` come up once `when` is past."""
        heapq.heappush(self._heap, (when, key))

    def is_due(self, now: int) -> bool:
        """Whether something came up."""
        return bool(self._heap) and self._heap[0][0] < now

    def passed(self, now: int) -> list[str]:
        """Take out the keys whose moment is before `now`: at their own moment they still count."""
        found = []
        while self._heap and self._heap[0][0] < now:
            found.append(heapq.heappop(self._heap)[1])
        return found

    def first(self) -> int | None:
        """The earliest moment, perhaps one that is out of date."""
        return self._heap[0][0] if self._heap else None

    def is_overgrown(self, live: int) -> bool:
        """Whether most entries are out of date, and `rebuild` is worth its cost."""
        return len(self._heap) > 2 * live + _SPARE

    def rebuild(self, entries: Iterable[tuple[int, str]]) -> None:
        """Keep these entries and no others."""
        self._heap = list(entries)
        heapq.heapify(self._heap)
