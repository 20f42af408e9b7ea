"""The clock: the only place that asks for the time."""

import time


def now() -> float:
    """Seconds since 1970, UTC."""
    return time.time()


def monotonic() -> float:
    """Seconds that never run backwards."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def iso(seconds: float) -> str:
    """`seconds` since 1970 as ISO 8601 in UTC, to the second: 2026-11-23T09:00:00Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def boottime() -> float:
    """Seconds since the machine started, those that it slept included; else `monotonic`."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def boot_ms() -> int:
    """`boottime` in whole milliseconds, in which the lives of claims are counted."""
    return int(boottime() * 1000)


def boot_id() -> str:
    """Which start of the machine `boottime` counts from; empty where the kernel does not say."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read(64).strip()
    except OSError:
        return ""
