"""Durations and moments as people type them: 90s, 15m, 2h, 2d, 1w, 1h30m, an ISO date. Pure."""

import re

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([smhdw])")
_PLAIN = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")
LONGEST = 100 * 366 * 86400.0
"""A hundred years, in seconds: nobody means more."""
_LAST = 253402300799.0
"""The end of the year 9999, which four digits can still say."""


def duration(text: str) -> float:
    """Seconds in `90s`, `15m`, `2h`, `2d`, `1w`, `1h30m`; a plain number is seconds.

    Raises:
        ValueError: it is none, or more than a hundred years.
    """
    if _PLAIN.fullmatch(text):
        return _bounded(float(text), text)
    return _with_units(text)


def moment(text: str, now: float) -> float:
    """Seconds since 1970: a duration means so long before `now`; a date without a zone is UTC.

    Raises:
        ValueError: neither a duration with its unit nor an ISO 8601 date or time, or outside of
            the years 1970 to 9999.
    """
    if text[:1].isdecimal() and text[-1:] in _UNITS:
        return max(0.0, now - _with_units(text))
    from datetime import UTC, datetime

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no moment") from None
    seconds = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    if not 0 <= seconds <= _LAST:
        raise ValueError(f"{text[:40]!r} is outside of the years 1970 to 9999")
    return seconds


def _with_units(text: str) -> float:
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text[:40]!r} is no duration")
    return _bounded(sum(float(number) * _UNITS[unit] for number, unit in parts), text)


def _bounded(seconds: float, text: str) -> float:
    if seconds > LONGEST:
        raise ValueError(f"{text[:40]!r} is more than a hundred years")
    return seconds


def spoken(seconds: float) -> str:
    """A duration in its two largest units: `2d 4h`, `1m 30s`, `0.5s`."""
    if seconds < 10:
        return f"{seconds:.1f}s".replace(".0s", "s")
    left = round(seconds)
    said = []
    for unit in ("w", "d", "h", "m", "s"):
        count, left = divmod(left, int(_UNITS[unit]))
        if count:
            said.append(f"{count}{unit}")
        if len(said) == 2:
            break
    return " ".join(said)
