"""How often: waiting longer after each failure, and not answering more than is good for a host."""

from random import SystemRandom

from portbook.host import clock

_CHANCE = SystemRandom()
"""The kernel's: agents that are copies of one another still draw different times."""


class Backoff:
    """Waiting times that double, each drawn from all up to it (full jitter).

    10,000 agents that lost the same engine in one moment must not come back in one moment.
    """

    def __init__(self, first: float, most: float, least: float = 0.05) -> None:
        self._first = first
        self._most = most
        self._least = least
        self._failures = 0

    def wait(self) -> float:
        """Seconds until the next try."""
        reach = min(self._most, self._first * 2 ** min(self._failures, 32))
        self._failures += 1
        return self._least + spread(reach)

    def reset(self) -> None:
        """It worked."""
        self._failures = 0


class Bucket:
    """`rate` a second, and `burst` at once."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._left = float(burst)
        self._at = clock.monotonic()

    def take(self) -> bool:
        """Whether there is one left."""
        now = clock.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def spread(seconds: float) -> float:
    """Any time from none to `seconds`."""
    return _CHANCE.random() * seconds
