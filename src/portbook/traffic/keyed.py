"""`Index`: 64-bit keys to row numbers, many at once, in two numpy arrays.

A dict of a million integers takes 150 MB and 200 ns for each lookup; this takes 24 MB and some
30 ns (measured, bench/watch.py). Open addressing with linear probing; rows are numbered from 0 in
the order in which keys are added, so that they are positions in the caller's own columns.
"""

import numpy as np
from numpy.typing import NDArray

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio, odd: Fibonacci hashing (Knuth, TAOCP 6.4)."""


def distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The distinct values, ascending. np.unique takes ten times as long (numpy 2.4, 1,000,000)."""
    if not values.size:
        return values
    ordered = np.sort(values)
    kept = np.ones(len(ordered), np.bool_)
    kept[1:] = ordered[1:] != ordered[:-1]
    return ordered[kept]


def among(few: NDArray[np.uint64], many: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of a few well mixed numbers are among many: np.isin alone takes forty times as long.

    Measured with 300 among 32,768: most of the many are left out by their upper 16 bits.
    """
    wanted = np.zeros(1 << 16, np.bool_)
    wanted[(few >> np.uint64(48)).astype(np.intp)] = True
    return np.isin(few, many[wanted[(many >> np.uint64(48)).astype(np.intp)]])


class Index:
    """Keys to rows. `size` is how many keys there are, and the next row's number."""

    def __init__(self, salt: int = 0) -> None:
        """`salt` makes the places of keys unforeseeable: they are made of what strangers send."""
        self.size = 0
        self._salt = np.uint64(salt)
        self._bits = 12
        self._keys = np.zeros(1 << self._bits, np.uint64)
        self._rows = np.full(1 << self._bits, -1, np.int32)

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The row of each key, -1 where it is unknown."""
        return self._sought(keys)[0]

    def find_or_add(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The row of each key; keys may repeat. Rows of at least the former `size` are new."""
        self._room_for(len(keys))
        rows, at = self._sought(keys)
        pending = np.flatnonzero(rows < 0).astype(np.int32)
        # Each of these stands at the empty place where its search ended.
        while pending.size:
            here = at[pending]
            empty = self._rows[here] < 0
            if empty.any():
                # Several may want one place, also the same key twice: the last writer has it.
                asking, place = pending[empty], here[empty]
                self._rows[place] = -2 - asking
                first = self._rows[place] == -2 - asking
                leader, place = asking[first], place[first]
                self._keys[place] = keys[leader]
                self._rows[place] = np.arange(self.size, self.size + leader.size, dtype=np.int32)
                self.size += leader.size
            found = self._keys[here] == keys[pending]
            rows[pending[found]] = self._rows[here[found]]
            pending, here = pending[~found], here[~found]
            at[pending] = (here + 1) & (len(self._rows) - 1)
        return rows

    def _sought(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The row of each key (-1: none), and the place where its search ended."""
        at = self._home(keys)
        rows = self._rows[at]
        astray = np.flatnonzero((rows >= 0) & (self._keys[at] != keys))
        while astray.size:
            at[astray] = (at[astray] + 1) & (len(self._rows) - 1)
            here = at[astray]
            rows[astray] = self._rows[here]
            astray = astray[(rows[astray] >= 0) & (self._keys[here] != keys[astray])]
        return rows, at

    def _home(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        spread = (keys ^ self._salt) * _SPREAD
        return (spread >> np.uint64(64 - self._bits)).astype(np.int64)

    def _room_for(self, more: int) -> None:
        """Keep the table at most half full, so that a search ends after two steps."""
        if 2 * (self.size + more) <= len(self._rows):
            return
        while self.size + more > 1 << self._bits - 2:
            self._bits += 1
        held = self._rows >= 0
        self._seat(self._keys[held], self._rows[held])

    def rebuild(self, keys: NDArray[np.uint64]) -> None:
        """Forget everything, and have `keys` (distinct) in rows 0, 1, 2 ..."""
        self.size = len(keys)
        # It will have as many again soon: only a table that is far too large shrinks.
        if 16 * len(keys) < 1 << self._bits:
            self._bits = max(12, (4 * len(keys)).bit_length())
        while 2 * len(keys) > 1 << self._bits:
            self._bits += 1
        self._seat(keys, np.arange(len(keys), dtype=np.int32))

    def _seat(self, keys: NDArray[np.uint64], rows: NDArray[np.int32]) -> None:
        """Put distinct keys into empty arrays."""
        self._keys = np.zeros(1 << self._bits, np.uint64)
        self._rows = np.full(1 << self._bits, -1, np.int32)
        at = self._home(keys)
        pending = np.arange(len(keys))
        while pending.size:
            here = at[pending]
            empty = self._rows[here] < 0
            self._rows[here[empty]] = rows[pending[empty]]
            seated = self._rows[here] == rows[pending]
            self._keys[here[seated]] = keys[pending[seated]]
            at[pending[~seated]] = (here[~seated] + 1) & (len(self._rows) - 1)
            pending = pending[~seated]


class Addresses:
    """128-bit addresses (two halves) to rows; `high` and `low` are the halves of each row."""

    def __init__(self, salt: int = 0) -> None:
        self._index = Index(salt)
        self._wide = False
        self._mixer = np.uint64(((salt | 1) * int(_SPREAD) | 1) & 0xFFFFFFFFFFFFFFFF)
        self.high: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self.low: NDArray[np.uint64] = np.zeros(0, np.uint64)

    @property
    def size(self) -> int:
        """How many addresses there are."""
        return self._index.size

    def find(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The row of each address, -1 where it is unknown."""
        keys = low ^ self._mixed(high) if self._wide else low
        rows = self._index.find(keys)
        # An address of the other family may have the key; those few that moved are not looked for.
        known = np.flatnonzero(rows >= 0)
        wrong = known[self._differs(rows[known], high[known], low[known])]
        rows[wrong] = -1
        return rows

    def find_or_add(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The row of each address."""
        before = self._index.size
        self._wide = self._wide or bool(high.any())
        keys = low ^ self._mixed(high) if self._wide else low
        rows = self._index.find_or_add(keys)
        self._keep(rows, before, high, low)
        if self._wide:
            # Two addresses of one key, by chance 2^-64: the later one tries other keys.
            while (other := np.flatnonzero(self._differs(rows, high, low))).size:
                before = self._index.size
                keys[other] = keys[other] * _SPREAD + np.uint64(1)
                rows[other] = self._index.find_or_add(keys[other])
                self._keep(rows[other], before, high[other], low[other])
        return rows

    def _differs(
        self, rows: NDArray[np.int32], high: NDArray[np.uint64], low: NDArray[np.uint64]
    ) -> NDArray[np.bool_]:
        differs: NDArray[np.bool_] = (self.high[rows] != high) | (self.low[rows] != low)
        return differs

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Drop every other address; those kept are numbered anew in the given order."""
        high, low = self.high[rows], self.low[rows]
        self.high, self.low = high, low
        self._index.rebuild(low ^ self._mixed(high) if self._wide else low)

    def _mixed(self, high: NDArray[np.uint64]) -> NDArray[np.uint64]:
        spread = high * self._mixer
        return np.where(high == 0, np.uint64(0), spread ^ (spread >> np.uint64(29)))

    def _keep(
        self,
        rows: NDArray[np.int32],
        before: int,
        high: NDArray[np.uint64],
        low: NDArray[np.uint64],
    ) -> None:
        if self._index.size > len(self.low):
            room = max(1024, self._index.size * 3 // 2)
            self.high = np.resize(self.high, room) if before else np.zeros(room, np.uint64)
            self.low = np.resize(self.low, room) if before else np.zeros(room, np.uint64)
        fresh = np.flatnonzero(rows >= before)
        self.high[rows[fresh]] = high[fresh]
        self.low[rows[fresh]] = low[fresh]
