import json
from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from fleet.fleet_drawn import ROWS, TABLES, row_on
from portbook.fleet.table import applied, diff, keyed, row_hash, row_hashes, summed, table_hash
from portbook.model.fleet import FleetRow, RowKey


@given(ROWS)
def test_hash_is_of_the_json_array(row: FleetRow) -> None:
    """Whatever writes the array by hand writes what json.dumps does."""
    array = json.dumps(list(row), separators=(",", ":"), ensure_ascii=False).encode()
    wanted = int.from_bytes(blake2b(array, digest_size=8).digest(), "big", signed=True)
    assert row_hash(row) == wanted


def test_hash_of_a_known_row() -> None:
    """It is the same for ever: stores have it."""
    row = row_on(80, pid=None, user='say "hi"\\', started=None)
    assert row_hash(row) == -5000954580186991050
    assert row_hash(row._replace(process="\ud800")) != row_hash(row)


def test_every_field_counts() -> None:
    """No two fields can be exchanged, and None is not the text null."""
    row = row_on(80)
    others = [row._replace(process="null"), row._replace(exe="null"), row._replace(unit="null")]
    nothing = [row._replace(process=None), row._replace(exe=None), row._replace(unit=None)]
    numbers = [row._replace(port=81), row._replace(pid=8), row._replace(inode=8)]
    assert len(set(row_hashes([row, *others, *nothing, *numbers]))) == 10


@given(st.lists(ROWS, max_size=6))
def test_table_hash_knows_no_order(rows: list[FleetRow]) -> None:
    """A sum: any order, and adjusted row by row."""
    shuffled = sorted(rows, key=lambda row: str(row)[::-1])
    whole = table_hash(rows)
    assert table_hash(shuffled) == whole
    assert -(2**63) <= whole < 2**63
    if rows:
        assert summed((table_hash(rows[1:]), row_hash(rows[0]))) == whole
        assert summed((whole, -row_hash(rows[0]))) == table_hash(rows[1:])


def test_empty_table() -> None:
    """Its hash is 0, and sums turn over as a bigint does."""
    assert table_hash(()) == 0
    assert summed((2**63 - 1, 1)) == -(2**63)
    assert summed((-(2**63), -1)) == 2**63 - 1


@given(TABLES, TABLES)
def test_diff_turns_one_table_into_the_other(
    old: dict[RowKey, FleetRow], new: dict[RowKey, FleetRow]
) -> None:
    """Applied to the old table it gives the new one, and nothing is told twice."""
    both = {**old, **dict(list(new.items())[:2])}
    for begin, end in ((old, new), (old, both), (both, new), (new, new)):
        rows, gone = diff(begin, end)
        assert applied(begin, rows, gone) == end
        assert not {row.key for row in rows} & set(gone)
    assert diff(new, new) == ((), ())


def test_first_of_one_key_is_kept() -> None:
    """Two rows with one key are no table: the first is it."""
    assert list(keyed([row_on(80, "a"), row_on(80, "b")]).values()) == [row_on(80, "a")]
