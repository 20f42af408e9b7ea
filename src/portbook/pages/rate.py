"""How often somebody may do something: so many times within so many seconds, kept in memory."""

from collections import OrderedDict, deque

_MOST_KEYS = 8192


class Rate:
    """Counts attempts by key within a window that slides.

    At most `keys` of them are remembered, those that were active last.
    """

    def __init__(self, most: int, seconds: float, *, keys: int = _MOST_KEYS) -> None:
        self._most = most
        self._seconds = seconds
        self._keys = keys
        self._times: OrderedDict[bytes, deque[float]] = OrderedDict()

    def wait(self, key: bytes, now: float) -> float:
        """Seconds until one more attempt is within the limit; 0.0 where it is now."""
        times = self._times.get(key)
        if times is None:
            return 0.0
        while times and now - times[0] >= self._seconds:
            times.popleft()
        return self._seconds - (now - times[0]) if len(times) >= self._most else 0.0

    def count(self, key: bytes, now: float) -> None:
        """One attempt."""
        times = self._times.setdefault(key, deque(maxlen=self._most))
        times.append(now)
        self._times.move_to_end(key)
        while self._times:
            oldest = next(iter(self._times))
            idle = now - self._times[oldest][-1] >= self._seconds
            if not idle and len(self._times) <= self._keys:
                break
            del self._times[oldest]

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._times)
