"""Tokens that only grow: the sidecar, the wall clock, and what becomes of them in a fault."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.claims.tokens import BLOCK, LAST, Mark, Tokens, read_mark
from portbook.host.database import NotWritten
from portbook.model import EnvironmentFault


def test_s2_tokens_begin_with_the_wall_clock(tmp_path: Path) -> None:
    """Without a database and a sidecar the microseconds since 1970 are what is left."""
    tokens = Tokens(str(tmp_path / "t"), 0, lambda: 1_000.5)
    assert [tokens.draw(), tokens.draw()] == [1_000_500_001, 1_000_500_002]


def test_s2_tokens_grow_though_the_clock_was_set_back(tmp_path: Path) -> None:
    """The sidecar says how far they came, and is at most a block ahead."""
    path = str(tmp_path / "t")
    first = Tokens(path, 0, lambda: 5_000.0)
    given_out = [first.draw() for _ in range(10)]
    first.secure(1, 7)
    assert first.high == given_out[-1] + BLOCK
    first.close()
    second = Tokens(path, 0, lambda: 1.0)
    assert second.draw() > given_out[-1]
    assert second.found == Mark(1, first.high, 7)
    second.close()


def test_s2_tokens_grow_though_the_sidecar_was_taken_away(tmp_path: Path) -> None:
    """The database knows the newest one that it wrote."""
    tokens = Tokens(str(tmp_path / "t"), 77_000_000_000, lambda: 1.0)
    assert tokens.found is None
    assert tokens.draw() == 77_000_000_001


def test_a_block_is_written_once_for_a_million_tokens(tmp_path: Path) -> None:
    """Between two blocks the disk has nothing to do."""
    path = tmp_path / "t"
    tokens = Tokens(str(path), 0, lambda: 1.0)
    tokens.draw()
    tokens.secure(1, 1)
    before = path.read_bytes()
    for _ in range(1000):
        tokens.draw()
        tokens.secure(1, 2)
    assert path.read_bytes() == before
    tokens.last = tokens.high
    tokens.draw()
    tokens.secure(1, 3)
    assert path.read_bytes() != before
    assert read_mark(str(path)) == Mark(1, tokens.last + BLOCK, 3)
    tokens.close()


def test_what_is_secured_is_on_the_disk_before_it_is_told(tmp_path: Path) -> None:
    """Every token that was secured is below the mark in the file."""
    path = str(tmp_path / "t")
    tokens = Tokens(path, 0, lambda: 1.0)
    for _ in range(5):
        token = tokens.draw()
        tokens.secure(1, 1)
        found = read_mark(path)
        assert found is not None
        assert token < found.high
    tokens.close()


def test_notes_of_events_need_no_new_block(tmp_path: Path) -> None:
    """The newest event is written beside the mark, which stays."""
    path = str(tmp_path / "t")
    tokens = Tokens(path, 0, lambda: 1.0)
    tokens.note(1, 5)
    assert read_mark(path) is None
    tokens.draw()
    tokens.secure(1, 1)
    tokens.note(1, 6)
    assert read_mark(path) == Mark(1, tokens.high, 6)
    tokens.close()


@given(text=st.binary(max_size=300))
def test_a_damaged_sidecar_counts_as_none(
    tmp_path_factory: pytest.TempPathFactory, text: bytes
) -> None:
    """Whatever is in it, tokens are given; nothing is believed that is not whole."""
    path = tmp_path_factory.mktemp("t") / "t"
    path.write_bytes(text)
    tokens = Tokens(str(path), 3, lambda: 1.0)
    assert tokens.found is None
    assert tokens.draw() == 1_000_001


@given(mark=st.builds(Mark, *[st.integers(0, 9_999_999)] * 3))
def test_a_mark_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, mark: Mark
) -> None:
    """Writing and reading are inverse."""
    path = str(tmp_path_factory.mktemp("t") / "t")
    tokens = Tokens(path, mark.high, lambda: 0.0)
    tokens.draw()
    tokens.secure(mark.epoch, mark.event)
    assert read_mark(path) == Mark(mark.epoch, tokens.high, mark.event)
    tokens.close()


def test_a_mark_beyond_the_last_token_is_not_believed(tmp_path: Path) -> None:
    """It would be the end of all claims."""
    path = tmp_path / "t"
    path.write_bytes(b"portbook-tokens 1 epoch 0000000001 high %016d event %016d\n" % (LAST + 1, 1))
    assert read_mark(str(path)) is None


def test_the_last_token_is_the_last(tmp_path: Path) -> None:
    """Beyond 2**53 readers of JSON would round it: then it is better to stop."""
    tokens = Tokens(str(tmp_path / "t"), LAST - 1, lambda: 1.0)
    assert tokens.draw() == LAST
    with pytest.raises(EnvironmentFault, match="no more tokens"):
        tokens.draw()


def test_a_sidecar_that_cannot_be_written_stops_the_commit(tmp_path: Path) -> None:
    """A folder in its place, or none around it, is a refusal and no token is allowed."""
    tokens = Tokens(str(tmp_path / "none" / "t"), 0, lambda: 1.0)
    tokens.draw()
    with pytest.raises(NotWritten):
        tokens.secure(1, 1)
    assert tokens.high == 0


def test_a_link_in_place_of_the_sidecar_is_not_followed(tmp_path: Path) -> None:
    """Nobody can have us write elsewhere."""
    other = tmp_path / "other"
    other.write_text("keep me")
    (tmp_path / "t").symlink_to(other)
    with pytest.raises(EnvironmentFault):
        Tokens(str(tmp_path / "t"), 0, lambda: 1.0)
    assert other.read_text() == "keep me"
