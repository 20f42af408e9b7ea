"""What a host listens on, as one number: hashes of rows and of a table, and what changed.

A row's hash is the first 8 bytes of BLAKE2b over its fields as a JSON array without spaces, in the
order of FleetRow; a table's is the sum of them modulo 2 to the power of 64. Both are signed, as a
bigint of PostgreSQL is. A sum knows no order and is adjusted row by row, so agent and store agree
on a table without either sending it. It finds mistakes, not forgeries: a host may say of itself
what it wants anyway.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from json.encoder import encode_basestring
from operator import itemgetter

from portbook.model.fleet import FleetRow, RowKey

EMPTY = 0
"""The hash of a table without rows."""
_TURN = 1 << 64
_KEY_ORDER = ("netns", "transport", "address", "port", "inode")
key_of = itemgetter(*(FleetRow._fields.index(field) for field in _KEY_ORDER))
"""`row.key`, three times as fast: what a store does for every row."""


class _Texts(dict[str | None, str]):
    """Texts as JSON has them; each is written once, and most of a table's come again."""

    def __missing__(self, text: str | None) -> str:
        made = "null" if text is None else encode_basestring(text)
        self[text] = made
        return made


def row_hash(row: FleetRow) -> int:
    """The hash of one row."""
    return row_hashes((row,))[0]


def row_hashes(rows: Iterable[FleetRow]) -> tuple[int, ...]:
    """The hashes of many, in their order."""
    return hashes_of(row_arrays(rows))


def row_arrays(rows: Iterable[FleetRow]) -> list[str]:
    """Each row as a JSON array."""
    text = _Texts()
    # By position, and each text through the dictionary: half the time of json.dumps.
    return [
        f"[{text[a]},{text[b]},{c},{text[d]},{e},{text[f]},{text[g]},{text[h]}"
        f",{'null' if i is None else i},{text[j]},{text[k]},{text[l]},{text[m]},{text[n]}"
        f",{text[o]},{text[p]},{text[q]},{text[r]},{'null' if s is None else s},{text[t]}]"
        for a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t in rows  # noqa: E741 - letters
    ]


def hashes_of(arrays: Sequence[str]) -> tuple[int, ...]:
    """The hashes of rows from their arrays."""
    digests = [
        blake2b(array.encode("utf-8", "surrogatepass"), digest_size=8).digest() for array in arrays
    ]
    hashes: tuple[int, ...] = struct.unpack(f">{len(digests)}q", b"".join(digests))
    return hashes


def table_hash(rows: Iterable[FleetRow]) -> int:
    """The hash of a table with these rows."""
    return summed(row_hashes(rows))


def summed(hashes: Iterable[int]) -> int:
    """The hash of a table whose rows have these hashes."""
    rest = sum(hashes) % _TURN
    return rest - _TURN if rest >= _TURN // 2 else rest


def keyed(rows: Iterable[FleetRow]) -> dict[RowKey, FleetRow]:
    """A table by its keys; of rows with one key the first is kept."""
    table: dict[RowKey, FleetRow] = {}
    for row in rows:
        table.setdefault(key_of(row), row)
    return table


def diff(
    old: Mapping[RowKey, FleetRow], new: Mapping[RowKey, FleetRow]
) -> tuple[tuple[FleetRow, ...], tuple[RowKey, ...]]:
    """What turns the table `old` into `new`: rows that are new or other, and keys that are gone."""
    rows = tuple(row for key, row in new.items() if old.get(key) != row)
    return rows, tuple(key for key in old if key not in new)


def applied(
    table: Mapping[RowKey, FleetRow], rows: Iterable[FleetRow], gone: Iterable[RowKey]
) -> dict[RowKey, FleetRow]:
    """The table after a delta: the inverse of `diff`. A key that was not there is no mistake."""
    made = dict(table)
    for key in gone:
        made.pop(key, None)
    for row in rows:
        made[key_of(row)] = row
    return made
