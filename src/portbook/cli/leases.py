"""What the commands about claims and permits share: how durations, tokens and labels are read."""

import argparse
import sys

from portbook.model.claim import LONGEST_TTL, SHORTEST_TTL
from portbook.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from portbook.model.claim import SemaphoreState, Waiter

COMMAND_TTL = 600_000
"""Milliseconds of a lease that a command takes: it has ended long before the lease."""
_LONGEST_WAIT = 30 * 86_400.0


def ttl(text: str) -> int:
    """Reads the length of a lease, in milliseconds."""
    read = _milliseconds(text)
    if not SHORTEST_TTL <= read <= LONGEST_TTL:
        raise argparse.ArgumentTypeError(f"{text!r} is outside of 1s to 7d")
    return read


def wait(text: str) -> float:
    """Reads how long to wait, in seconds; 0 is not at all."""
    read = _milliseconds(text) / 1000
    if read > _LONGEST_WAIT:
        raise argparse.ArgumentTypeError(f"{text!r} is more than 30d")
    return read


def _milliseconds(text: str) -> int:
    from portbook.model.moments import duration

    try:
        return round(duration(text) * 1000)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}: such as 90s, 10m, 2h") from None


def token(text: str) -> int:
    """Reads a token."""
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no token")
    return int(text)


def process(text: str) -> int:
    """Reads a PID."""
    if not text.isascii() or not text.isdigit() or not 0 < len(text) < 8 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no process id")
    return int(text)


def labels(texts: "Sequence[str]") -> tuple[tuple[str, str], ...]:
    """Pairs from `--label KEY=VALUE`.

    Raises:
        UsageError: a text is none.
    """
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key or not value:
            raise UsageError(f"{text[:40]!r} is no label", hint="such as --label job=4711")
        found[key] = value
    return tuple(sorted(found.items()))


def is_watched() -> bool:
    """Whether a person sees stderr, and is to be told what we wait for."""
    return sys.stderr is not None and sys.stderr.isatty()


def teller() -> "Callable[[Waiter, SemaphoreState | None], None] | None":
    """What says for which permit we wait; None where nobody would see it."""
    return _tell_waiting if is_watched() else None


def _tell_waiting(waiter: "Waiter", state: "SemaphoreState | None") -> None:
    from portbook.cli.telling import say
    from portbook.survey.permitting import holders_of

    held = "" if state is None else f", {holders_of(state)}"
    say(f"waiting for {waiter.semaphore}: place {waiter.position}{held}")
