"""Keys to rows: the same as a dict, whatever the keys."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from portbook.traffic.keyed import Addresses, Index, among, distinct

_KEYS = st.lists(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 40), max_size=60), max_size=8)


def _array(keys: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    return np.array(keys, np.uint64)


@given(_KEYS, st.integers(0, 2**64 - 1))
def test_it_is_what_a_dict_is(batches: list[list[int]], salt: int) -> None:
    """Each key has one row, rows are numbered without gaps, and unknown keys have none."""
    index = Index(salt)
    known: dict[int, int] = {}
    for keys in batches:
        before = index.size
        rows = index.find_or_add(_array(keys)).tolist()
        for key, row in zip(keys, rows, strict=True):
            assert known.setdefault(key, row) == row
            assert (row >= before) == (key not in known or known[key] >= before)
        assert sorted(known.values()) == list(range(index.size))
    asked = [key for keys in batches for key in keys] + [7, 2**63, 12345]
    assert index.find(_array(asked)).tolist() == [known.get(key, -1) for key in asked]


def test_a_table_grows_under_keys_that_want_one_place() -> None:
    """Keys that differ in their upper bits alone, many times the first room, all at once."""
    keys = (np.arange(30_000, dtype=np.uint64) << np.uint64(40)) | np.uint64(5)
    index = Index()
    first = index.find_or_add(keys)
    assert len(set(first.tolist())) == index.size == 30_000
    assert (index.find_or_add(keys[::-1])[::-1] == first).all()


@given(st.sets(st.integers(0, 2**64 - 1), max_size=200))
def test_rebuilt_rows_are_in_the_order_given(keys: set[int]) -> None:
    """After rebuild the keys have rows 0, 1, 2 ... and nothing else is known."""
    ordered = sorted(keys)
    index = Index(3)
    index.find_or_add(_array([1, 2, 3]))
    index.rebuild(_array(ordered))
    assert index.find(_array(ordered)).tolist() == list(range(len(ordered)))
    assert index.size == len(ordered)
    assert index.find_or_add(_array([*ordered, 99])).tolist()[:-1] == list(range(len(ordered)))


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=40), max_size=5),
    st.integers(0, 2**64 - 1),
)
def test_addresses_are_told_apart_by_both_halves(
    batches: list[list[tuple[int, int]]], salt: int
) -> None:
    """128 bits make a row, and each row gives its address back."""
    addresses = Addresses(salt)
    known: dict[tuple[int, int], int] = {}
    for batch in batches:
        high, low = _array([each[0] for each in batch]), _array([each[1] for each in batch])
        rows = addresses.find_or_add(high, low).tolist()
        for pair, row in zip(batch, rows, strict=True):
            assert known.setdefault(pair, row) == row
            assert (int(addresses.high[row]), int(addresses.low[row])) == pair
    assert len(known) == addresses.size


def test_two_addresses_of_one_key_are_two() -> None:
    """An address made to have another's key has a row of its own, also in later batches."""
    addresses = Addresses(11)
    high = _array([0x20010DB800000000])
    twin = addresses._mixed(high) ^ _array([9])
    for _ in range(2):
        rows = [
            addresses.find_or_add(high, _array([9]))[0],
            addresses.find_or_add(_array([0]), twin)[0],
        ]
        assert sorted(rows) == [0, 1]
        assert [int(addresses.high[row]) for row in rows] == [int(high[0]), 0]


@given(st.lists(st.integers(-(2**40), 2**40)))
def test_distinct_values_are_those_of_a_set(values: list[int]) -> None:
    """Ascending, each once."""
    assert distinct(np.array(values, np.int64)).tolist() == sorted(set(values))


@given(
    st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 3), max_size=20),
    st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 3), max_size=60),
)
def test_few_among_many_are_those_of_a_set(few: list[int], many: list[int]) -> None:
    """Also numbers that share their upper bits, and none at all."""
    found = among(_array(few), _array([*many, *few[:3]])).tolist()
    assert found == [each in {*many, *few[:3]} for each in few]
