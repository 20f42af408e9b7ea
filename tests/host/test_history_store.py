import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.test_timeline import TABLES
from portbook.host import clock
from portbook.host.database import NotWritten, is_locked
from portbook.host.history_reader import HistoryReader
from portbook.host.history_store import HistoryWriter
from portbook.model import EnvironmentFault, Unknown
from portbook.model.timeline import Held, Holder, compare

LIMIT = 8 << 20
NOBODY = Unknown("denied", "run as root")
HOLDER = Holder(7, "web", "/usr/bin/web", "root", None, None, NOBODY)


def row(port: int, inode: int = 1, holder: Holder = HOLDER) -> Held:
    """A listener."""
    return Held("tcp", "127.0.0.1", port, "listen", 1, inode, holder)


def add(
    writer: HistoryWriter, at: float, before: list[Held], after: list[Held], last: float | None
) -> None:
    """Write one sample."""
    old, new = ({each.identity: each for each in rows} for rows in (before, after))
    said = None if last is None else clock.iso(last)
    writer.write(at, compare(old, new, at=clock.iso(at), last=said), last=last)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where a history will be."""
    return str(tmp_path / "folder" / "history.sqlite")


def test_periods_are_read_back_as_they_were_written(path: str) -> None:
    """Beginning, end, and whether they were seen or lie in a pause."""
    with HistoryWriter(path, limit=LIMIT) as writer:
        assert writer.left() is None
        writer.begin(1000.0, 10.0, "boot")
        add(writer, 1000.0, [], [row(80), row(81)], 1000.0)
        add(writer, 1010.0, [row(80), row(81)], [row(80), row(82)], None)
        writer.write(2000.0, last=1010.0, pause="asleep", step=60.0)
        assert is_locked(f"{path}.lock")
        with HistoryReader(path) as reader:
            assert reader.recording().running  # type: ignore[union-attr]
    with HistoryWriter(path, limit=LIMIT) as writer:
        left = writer.left()
        assert left is not None
        assert (left.last, left.boot) == (2000.0, "boot")
        assert set(left.rows.values()) == {row(80), row(82)}
        add(writer, 3000.0, list(left.rows.values()), [row(82)], left.last)
    with HistoryReader(path) as reader:
        found = {period.port: period for period in reader.periods(0, 9e9)}
        assert (found[80].since_exact, found[80].until, found[80].until_exact) == (
            False,
            clock.iso(2000),
            False,
        )
        assert (found[81].until, found[81].until_exact) == (clock.iso(1010), True)
        assert (found[82].since, found[82].since_exact, found[82].until) == (
            clock.iso(1010),
            True,
            None,
        )
        assert found[82].holder == HOLDER
        assert [pause.why for pause in reader.pauses(0, 9e9)] == ["asleep"]
        assert [step.seconds for step in reader.clock_steps(0, 9e9)] == [60.0]
        assert [period.port for period in reader.periods(2500, 9e9)] == [82]
        assert [period.port for period in reader.periods(0, 1005, (80, 80))] == [80]
        assert not reader.recording().running  # type: ignore[union-attr]
    assert os.stat(path).st_mode & 0o777 == 0o600


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables=st.lists(TABLES, min_size=1, max_size=5))
def test_what_is_left_is_always_the_last_sample(
    tmp_path_factory: pytest.TempPathFactory, tables: list[dict[Any, Held]]
) -> None:
    """Reopened after every sample, the record holds exactly that one as open."""
    path = str(tmp_path_factory.mktemp("store") / "history.sqlite")
    before: dict[Any, Held] = {}
    for turn, table in enumerate(tables):
        with HistoryWriter(path, limit=LIMIT) as writer:
            left = writer.left()
            assert (left.rows if left else {}) == before
            writer.begin(float(turn), 1.0, "boot")
            writer.write(float(turn), compare(before, table, at=clock.iso(turn)))
        before = table


def test_the_oldest_is_forgotten_and_the_file_stays_below_its_limit(path: str) -> None:
    """Twenty times as much as fits: what is open stays, what is over goes, oldest first."""
    limit = 1 << 20
    now = [row(1)]
    with HistoryWriter(path, limit=limit) as writer:
        writer.begin(0.0, 1.0, "boot")
        add(writer, 0.0, [], now, None)
        for at in range(1, 400):
            holder = HOLDER._replace(pid=at, exe="x" * 200)
            after = [row(1), *(row(2 + n, at, holder) for n in range(200))]
            add(writer, float(at), now, after, None)
            now = after
            size = sum(os.path.getsize(path + end) for end in ("", "-wal"))
            assert size <= limit, at
    with HistoryReader(path) as reader:
        kept = list(reader.periods(0, 9e9))
        recording = reader.recording()
    assert recording is not None
    assert [period.port for period in kept if period.until is None and period.port == 1] == [1]
    # Only the oldest tenth goes at a time, so most of the room is always in use.
    assert 1000 < len(kept) < 40_000
    assert os.path.getsize(path) > limit // 3
    assert recording.since > clock.iso(200)
    assert all(period.until is None or period.until >= recording.since for period in kept)


def test_a_write_that_failed_is_made_up_for_by_the_next(path: str) -> None:
    """A full file refuses a change; when there is room, the period ends and the new one begins."""
    before, after = [row(80)], [row(number) for number in range(1000, 1400)]
    with HistoryWriter(path, limit=LIMIT) as writer:
        writer.begin(0.0, 1.0, "boot")
        add(writer, 0.0, [], before, None)
        (pages,) = writer._link.execute("PRAGMA page_count").fetchone()
        writer._link.execute(f"PRAGMA max_page_count = {pages}")
        for _ in range(2):
            with pytest.raises(NotWritten, match="full"):
                add(writer, 1.0, before, after, None)
        writer._link.execute("PRAGMA max_page_count = 100000")
        add(writer, 2.0, before, after, None)
    with HistoryReader(path) as reader:
        periods = {period.port: period.until for period in reader.periods(0, 9e9)}
    assert periods == {80: clock.iso(2)} | dict.fromkeys(range(1000, 1400))


def test_what_is_held_now_is_never_forgotten(path: str) -> None:
    """More open periods than the limit has room for: refused, and what was there stays."""
    with HistoryWriter(path, limit=1 << 20) as writer:
        writer.begin(0.0, 1.0, "boot")
        add(writer, 0.0, [], [row(80)], None)
        many = [row(number, number) for number in range(1, 20_000)]
        with pytest.raises(NotWritten, match="limit-size"):
            add(writer, 1.0, [row(80)], [row(80), *many], None)
        left = writer.left()
    assert left is not None
    assert set(left.rows.values()) == {row(80)}


def test_two_recorders_do_not_write_one_record(path: str) -> None:
    """The second is told, in one line."""
    with (
        HistoryWriter(path, limit=LIMIT),
        pytest.raises(EnvironmentFault, match="another recorder"),
    ):
        HistoryWriter(path, limit=LIMIT)
    HistoryWriter(path, limit=LIMIT).__exit__()


@pytest.mark.parametrize("content", [b"", b"x", b"SQLite format 3\0" + bytes(200), bytes(8192)])
def test_a_foreign_file_is_refused_and_not_touched(path: str, content: bytes) -> None:
    """Neither reading nor recording changes a byte of it."""
    os.mkdir(os.path.dirname(path))
    Path(path).write_bytes(content)
    for opens in (lambda: HistoryReader(path), lambda: HistoryWriter(path, limit=LIMIT)):
        with pytest.raises(EnvironmentFault, match="no history"):
            opens()
    assert Path(path).read_bytes() == content


def test_another_version_and_another_program_are_refused(path: str) -> None:
    """By the header alone, which names both."""
    HistoryWriter(path, limit=LIMIT).__exit__()
    with sqlite3.connect(path) as link:
        link.execute("PRAGMA user_version = 2")
    link.close()
    with pytest.raises(EnvironmentFault, match="version 2"):
        HistoryReader(path)
    with sqlite3.connect(path) as link:
        link.execute("PRAGMA application_id = 7")
    link.close()
    with pytest.raises(EnvironmentFault, match="no history"):
        HistoryWriter(path, limit=LIMIT)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_one_line_or_a_sound_answer(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Bytes overwritten anywhere, or the end cut off: an EnvironmentFault and nothing else."""
    path = str(tmp_path_factory.mktemp("damaged") / "history.sqlite")
    with HistoryWriter(path, limit=LIMIT) as writer:
        writer.begin(0.0, 1.0, "boot")
        add(writer, 1.0, [], [row(port) for port in range(1, 120)], None)
    image = bytearray(Path(path).read_bytes())
    at = data.draw(st.integers(0, len(image) - 1))
    image[at : at + 64] = data.draw(st.binary(min_size=1, max_size=64))
    del image[data.draw(st.integers(len(image) // 2, len(image) + 5)) :]
    Path(path).write_bytes(image)
    said = ""
    try:
        with HistoryReader(path) as reader:
            reader.recording()
            list(reader.periods(0, 9e9))
            reader.pauses(0, 9e9)
            reader.clock_steps(0, 9e9)
    except EnvironmentFault as fault:
        said = str(fault)
    assert "\n" not in said
    assert Path(path).read_bytes() == image
