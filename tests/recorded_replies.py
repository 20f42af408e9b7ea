r"""Recorded conversations: one TOML file for each probe in `tests/identify/replies/`.

    [[reply]]
    from = "redis-server 5:7.0.15-1~deb12u1"     # the real program that said it
    opener = "redis"                             # whose first message was sent; "" = only listened
    turns = [['*1\r\n$4\r\nPING\r\n', '+PONG\r\n'], ['...', '...']]
    expect = { protocol = "redis", product = "Redis", version = "7.0.15", confidence = "certain" }

    [[near_miss]]
    why = "an FTP server's greeting has the same number"
    opener = ""
    turns = [['', '220 ftp.example.org FTP server ready\r\n']]

Bytes are written as in a Python bytes literal, in TOML's literal quotes. Optional keys: transport
(tcp), secure, closed. A reply is played to its own judge turn by turn; a near miss may bring
nothing but `guess` or nothing from it.
"""

import os
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

from portbook.identify.probe import Talk, Turn

FOLDER = os.path.join(os.path.dirname(__file__), "identify", "replies")


class Recorded(NamedTuple):
    """One conversation of a file."""

    probe: str
    number: int
    talk: Talk
    expect: dict[str, Any]
    origin: str

    @property
    def name(self) -> str:
        """For people: which one of which file."""
        return f"{self.probe}-{self.number}"

    def upto(self, turn: int) -> Talk:
        """The conversation as it was after that many turns."""
        turns = self.talk.turns[:turn]
        closed = self.talk.closed and turn == len(self.talk.turns)
        return self.talk._replace(turns=turns, closed=closed)


def unescaped(text: str) -> bytes:
    """Bytes from their written form."""
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def probes_with_replies() -> list[str]:
    """The probes that have a file."""
    return sorted(name.removesuffix(".toml") for name in os.listdir(FOLDER))


def recorded(kind: str) -> Iterator[Recorded]:
    """Every conversation of a kind, `reply` or `near_miss`."""
    for probe in probes_with_replies():
        with open(os.path.join(FOLDER, f"{probe}.toml"), "rb") as file:
            content = tomllib.load(file)
        for number, entry in enumerate(content.get(kind, ()), start=1):
            turns = tuple(Turn(unescaped(sent), unescaped(got)) for sent, got in entry["turns"])
            talk = Talk(
                entry.get("transport", "tcp"),
                entry["opener"],
                turns,
                secure=entry.get("secure", False),
                closed=entry.get("closed", False),
            )
            origin = entry["from"] if kind == "reply" else entry["why"]
            yield Recorded(probe, number, talk, entry.get("expect", {}), origin)
