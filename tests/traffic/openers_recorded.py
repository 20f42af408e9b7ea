"""First bytes of clients: recorded ones and those written by hand (tests/traffic/openers).

Bytes are written as in a Python bytes literal, in TOML's literal quotes. `clients.toml` is what
`python -m tools.record_openers` heard from the programs of `how.toml`; `by_hand.toml` has the rest,
and the near misses.
"""

import os
import tomllib
from collections.abc import Iterator
from typing import Any

from portbook.model.record import Record

FOLDER = os.path.join(os.path.dirname(__file__), "openers")


class First(Record):
    """One client's first bytes, and what is expected of them."""

    name: str
    transport: str
    data: bytes
    port: int
    expect: dict[str, Any]


def unescaped(text: str) -> bytes:
    """Bytes from their written form."""
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def _entries(kind: str) -> Iterator[First]:
    for name in ("by_hand.toml", "clients.toml"):
        with open(os.path.join(FOLDER, name), "rb") as file:
            for each in tomllib.load(file).get(kind, []):
                data, transport = unescaped(each["data"]), each.get("transport", "tcp")
                named = each.get("name") or each["why"]
                yield First(named, transport, data, each.get("port", 0), each.get("expect", {}))


RECORDED = tuple(_entries("opener"))
NEAR_MISSES = tuple(_entries("near_miss"))
