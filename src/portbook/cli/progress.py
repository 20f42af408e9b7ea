"""A progress bar on standard error, if that is a terminal; gone when the work is done."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_WIDTH = 30


class Bar:
    """`[######      ] trying ports 12,000 of 131,070`."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._on = sys.stderr is not None and sys.stderr.isatty()
        self._shown = ""

    def show(self, done: int, of: int) -> None:
        """Draw the bar anew."""
        filled = "#" * min(_WIDTH, _WIDTH * done // max(of, 1))
        text = f"[{filled:<{_WIDTH}}] {self._what} {done:,} of {of:,}"
        if self._on and text != self._shown:
            self._shown = text
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
