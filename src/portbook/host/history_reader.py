"""Reading the record of who held which port when, also while a recorder writes to it."""

from collections.abc import Iterator

from portbook.host import clock
from portbook.host.database import NotWritten, faults, is_locked, open_reader
from portbook.host.history_store import KIND, SELECT, held_from
from portbook.model import EnvironmentFault
from portbook.model.timeline import ClockStep, Pause, Period, Recording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class HistoryReader:
    """Reads a history, also while a recorder writes to it; never changes the file.

    Raises:
        FileNotFoundError: there is none.
        EnvironmentFault: it is damaged, foreign, or of another version.
        NotPermitted: it may not be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._link = open_reader(path, KIND)
        except NotWritten as fault:
            raise EnvironmentFault(str(fault)) from None

    def __enter__(self) -> "Self":
        # One transaction: every answer is of the same moment.
        with faults(self.path, KIND):
            self._link.execute("BEGIN")
        return self

    def __exit__(self, *_raised: object) -> None:
        self._link.close()

    def recording(self) -> Recording | None:
        """From when to when was recorded; None where no sample was ever written."""
        with faults(self.path, KIND):
            row = self._link.execute("SELECT first, last, every FROM recorder").fetchone()
        if row is None:
            return None
        first, last, every = (_number(self.path, value) for value in row)
        return Recording(clock.iso(first), clock.iso(last), every, is_locked(f"{self.path}.lock"))

    def periods(
        self, since: float, until: float, ports: tuple[int, int] = (0, 65535)
    ) -> Iterator[Period]:
        """The periods that touch the time asked about, newest first, of a range of ports."""
        with faults(self.path, KIND):
            found = self._link.execute(
                f"{SELECT} WHERE since <= ? AND (until IS NULL OR until >= ?)"
                " AND port BETWEEN ? AND ? ORDER BY period.id DESC",
                (until, since, *ports),
            )
            for _, *values in found:
                row = held_from(self.path, values)
                begins = _number(self.path, values[7])
                ends = None if values[9] is None else _number(self.path, values[9])
                yield Period(
                    *(row.port, row.transport, row.address, row.state, row.netns, row.inode),
                    row.holder,
                    clock.iso(begins),
                    bool(values[8]),
                    None if ends is None else clock.iso(ends),
                    bool(values[10]),
                )

    def pauses(self, since: float, until: float) -> tuple[Pause, ...]:
        """The pauses that touch the time asked about, oldest first."""
        with faults(self.path, KIND):
            rows = self._link.execute(
                "SELECT since, until, why FROM pause WHERE since <= ? AND until >= ? ORDER BY id",
                (until, since),
            ).fetchall()
        stamp = [(_number(self.path, a), _number(self.path, b), str(why)) for a, b, why in rows]
        return tuple(Pause(clock.iso(begin), clock.iso(end), why) for begin, end, why in stamp)

    def clock_steps(self, since: float, until: float) -> tuple[ClockStep, ...]:
        """When the clock was set, oldest first."""
        with faults(self.path, KIND):
            rows = self._link.execute(
                "SELECT at, seconds FROM clock_step WHERE at BETWEEN ? AND ? ORDER BY id",
                (since, until),
            ).fetchall()
        return tuple(
            ClockStep(clock.iso(_number(self.path, at)), _number(self.path, by)) for at, by in rows
        )


def _number(path: str, value: object) -> float:
    if isinstance(value, int | float) and 0 <= value + 1e9 < 2.6e11:
        return float(value)
    raise EnvironmentFault(f"{path} is damaged; it was not touched")
