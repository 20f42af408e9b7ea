"""`Table`: rows of a fixed set of columns that grow together, each one numpy array."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Table:
    """Columns by name: `table["bits"]` is the column's used part, writable in place.

    A column is one array, or `(type, width)` for a matrix of that many numbers in each row.
    """

    def __init__(self, columns: Mapping[str, DTypeLike | tuple[DTypeLike, int]]) -> None:
        self._kinds = dict(columns)
        self._room = 1024
        self.size = 0
        self._held = {name: self._made(name, self._room) for name in columns}

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._held[name][: self.size]

    def column(self, name: str) -> NDArray[Any]:
        """The whole array with the room to grow: for functions that index by row alone."""
        return self._held[name]

    def grow_to(self, size: int) -> None:
        """Have at least `size` rows; new ones are zero."""
        if size > self._room:
            # What is not used yet is not resident: the kernel gives zeroed pages when touched.
            self._room = max(size, self._room * 2)
            for name, old in self._held.items():
                grown = self._made(name, self._room)
                grown[: self.size] = old[: self.size]
                self._held[name] = grown
        self.size = max(self.size, size)

    def keep(self, rows: NDArray[np.integer[Any]]) -> None:
        """Drop every other row; those kept are numbered anew in the given order."""
        for old in self._held.values():
            kept = old[rows]
            old[: len(rows)] = kept
            old[len(rows) : self.size] = 0
        self.size = len(rows)

    def copy(self) -> "Table":
        """The same rows in arrays of their own."""
        made = Table({})
        made._kinds, made._room, made.size = self._kinds, self.size, self.size
        made._held = {name: held[: self.size].copy() for name, held in self._held.items()}
        return made

    def _made(self, name: str, room: int) -> NDArray[Any]:
        kind = self._kinds[name]
        if isinstance(kind, tuple):
            return np.zeros((room, kind[1]), kind[0])
        return np.zeros(room, kind)
