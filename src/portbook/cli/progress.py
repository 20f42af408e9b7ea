"""A progress bar on standard error, if that is a terminal; gone when the work is done."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_WIDTH = 30


class Bar:
    """`[######      ] trying ports 12,000 of 131,070`; counts are shown in `unit`s of `scale`."""

    def __init__(self, what: str = "", *, unit: str = "", scale: int = 1) -> None:
        self._what = f"{what} " if what else ""
        self._unit = f" {unit}" if unit else ""
        self._scale = scale
        self._on = sys.stderr is not None and sys.stderr.isatty()
        self._shown = ""

    def show(self, done: int, of: int | None) -> None:
        """Draw the bar anew; `of` is None where the end is not known."""
        text = f"{self._what}{self._count(done)}"
        if of:
            filled = "#" * min(_WIDTH, _WIDTH * done // of)
            text = f"[{filled:<{_WIDTH}}] {text} of {self._count(of)}"
        if self._on and text != self._shown:
            self._shown = text
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def _count(self, number: int) -> str:
        return f"{number / self._scale:,.0f}{self._unit}"

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
