"""The votes on pages: once a day, exact, bounded, and nobody can be followed."""

import multiprocessing
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.host.database import NotWritten, is_locked
from portbook.host.feedback_reader import feedback_of
from portbook.host.feedback_store import FeedbackStore, Full, Outcome, default_path
from portbook.model import EnvironmentFault, NotPermitted
from portbook.model.feedback import Vote

NOON = 1_795_435_200.0  # 2026-11-23T12:00:00Z
MIDNIGHT = NOON + 12 * 3600
ALICE, BOB = b"127.0.0.1\0Firefox", b"127.0.0.1\0Chromium"
YES, NO = Vote("/3255", True, None, "en"), Vote("/3255", False, "Wie?", "nl")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the votes will be."""
    return str(tmp_path / "folder" / "feedback.sqlite")


def counted(path: str, page: str | None = None) -> tuple[int, int]:
    """Yes and no."""
    totals = feedback_of(path, page=page).totals
    return totals.yes, totals.no


def rows(path: str, query: str) -> list[Any]:
    """What SQLite itself finds in the file."""
    link = sqlite3.connect(path)
    try:
        return link.execute(query).fetchall()
    finally:
        link.close()


def test_votes_are_read_back_as_they_were_given(path: str) -> None:
    """Counts per page, most votes first, the newest comment first."""
    with FeedbackStore(path) as store:
        assert store.add(YES, ALICE, NOON) is Outcome.KEPT
        assert store.add(NO, BOB, NOON + 1) is Outcome.KEPT
        assert store.add(NO._replace(comment="Later"), b"eve", NOON + 2) is Outcome.KEPT
        assert store.add(YES._replace(page="/3255/udp"), ALICE, NOON) is Outcome.KEPT
        found = feedback_of(path)
    assert [(each.page, each.yes, each.no) for each in found.pages] == [
        ("/3255", 1, 2),
        ("/3255/udp", 1, 0),
    ]
    assert [(each.at, each.useful, each.language, each.comment) for each in found.pages[0][3]] == [
        ("2026-11-23T12:00:02Z", False, "nl", "Later"),
        ("2026-11-23T12:00:01Z", False, "nl", "Wie?"),
    ]
    assert tuple(found.totals) == (2, 2, 2, 2)
    assert counted(path, "/3255/udp") == (1, 0)
    assert counted(path, "/1") == (0, 0)
    assert feedback_of(path, since=NOON + 2).totals.no == 1
    short = feedback_of(path, limit=1)
    assert [gap.hint for gap in short.incomplete] == ["--limit 0"]
    assert short.totals.comments == 2
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_visitor_counts_once_a_page_and_day_also_after_a_restart(path: str) -> None:
    """The first answer stays; another page, another browser and another address are others."""
    for turn in range(3):
        with FeedbackStore(path) as store:
            assert store.add(YES, ALICE, NOON + turn) is (Outcome.ALREADY if turn else Outcome.KEPT)
            assert store.add(NO, ALICE, NOON + turn) is Outcome.ALREADY
    assert counted(path) == (1, 0)
    with FeedbackStore(path) as store:
        assert store.add(YES._replace(page="/80"), ALICE, NOON) is Outcome.KEPT
        assert store.add(YES, BOB, NOON) is Outcome.KEPT
        assert store.add(YES, b"127.0.0.2\0Firefox", NOON) is Outcome.KEPT


def test_the_day_ends_at_midnight_utc(path: str) -> None:
    """A second before and at midnight are two days; a clock that is set back is one day less."""
    with FeedbackStore(path) as store:
        assert store.add(YES, ALICE, MIDNIGHT - 1) is Outcome.KEPT
        assert store.add(YES, ALICE, MIDNIGHT - 0.001) is Outcome.ALREADY
        assert store.add(YES, ALICE, MIDNIGHT) is Outcome.KEPT
        assert store.add(YES, ALICE, MIDNIGHT + 5) is Outcome.ALREADY
    assert [row for (row,) in rows(path, "SELECT day FROM vote ORDER BY at")] == [
        "2026-11-23",
        "2026-11-24",
    ]


def test_nobody_can_be_followed_to_the_next_day(path: str) -> None:
    """After midnight the key and the hashes of the day before are in no byte of the files."""
    with FeedbackStore(path) as store:
        for number in range(1200):
            store.add(YES._replace(page=f"/{number}"), ALICE, NOON)
        [(salt,)] = rows(path, "SELECT salt FROM today")
        [(visitor,)] = rows(path, "SELECT DISTINCT visitor FROM vote")
        assert {len(salt), len(visitor)} == {32, 16}
        assert visitor in whole(path)
        assert salt in whole(path)
        store.tidy(MIDNIGHT)
        assert rows(path, "SELECT count(*) FROM vote WHERE visitor IS NULL") == [(1200,)]
        assert rows(path, "SELECT * FROM today") == []
        assert visitor not in whole(path)
        assert salt not in whole(path)
        store.add(YES, ALICE, MIDNIGHT)
        [(other,)] = rows(path, "SELECT visitor FROM vote WHERE visitor IS NOT NULL")
    assert other != visitor
    assert counted(path) == (1201, 0)


def test_a_restart_on_the_next_day_forgets_as_well(path: str) -> None:
    """Also where nobody votes any more, and where the file was closed in between."""
    with FeedbackStore(path) as store:
        store.add(YES, ALICE, NOON)
    with FeedbackStore(path) as store:
        store.tidy(NOON + 60)
        assert len(rows(path, "SELECT * FROM today")) == 1
        [(salt,)] = rows(path, "SELECT salt FROM today")
    with FeedbackStore(path) as store:
        store.tidy(MIDNIGHT + 60)
    assert salt not in whole(path)
    assert rows(path, "SELECT visitor FROM vote") == [(None,)]


def test_neither_address_nor_browser_is_written_anywhere(path: str) -> None:
    """Not in the file and not in its log."""
    with FeedbackStore(path) as store:
        store.add(NO, b"203.0.113.77\0Mozilla/5.0 (peculiar)", NOON)
        for needle in (b"203.0.113.77", b"peculiar"):
            assert needle not in whole(path)
        assert b"Wie?" in whole(path)


def whole(path: str) -> bytes:
    """Every byte of the file and what lies beside it."""
    return b"".join(file.read_bytes() for file in sorted(Path(path).parent.iterdir()))


def test_tidying_makes_no_file(path: str) -> None:
    """Who never had a vote has no file."""
    with FeedbackStore(path) as store:
        store.tidy(NOON)
    assert not os.path.exists(os.path.dirname(path))
    assert feedback_of(path).pages == ()


def test_twenty_threads_and_three_processes_count_exactly(path: str) -> None:
    """Each has a store of its own on the one file, and most of them come at the same moment."""
    start = Barrier(20)
    outcomes: list[Outcome] = []

    def vote(number: int) -> None:
        with FeedbackStore(path) as store:
            start.wait()
            for turn in range(10):
                page = YES._replace(page=f"/{turn}", useful=number % 2 == 0)
                # Every visitor twice: only one of the two may count.
                outcomes.append(store.add(page, f"{number // 2}".encode(), NOON))

    threads = [Thread(target=vote, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 200
    assert outcomes.count(Outcome.KEPT) == outcomes.count(Outcome.ALREADY) == 100
    assert feedback_of(path).totals[:1] == (10,)
    assert sum(counted(path)) == 100
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=many, args=(path, name)) for name in (b"x", b"y", b"z")]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
        assert other.exitcode == 0
    assert sum(counted(path)) == 100 + 3 * 40


def many(path: str, name: bytes) -> None:
    """Forty visitors of one process."""
    with FeedbackStore(path) as store:
        for number in range(40):
            assert store.add(YES, name + bytes([number]), NOON) is Outcome.KEPT


def test_what_was_kept_survives_kill_9(path: str) -> None:
    """A process that dies right after a vote loses none."""
    program = (
        "import os, sys\n"
        "from portbook.host.feedback_store import FeedbackStore\n"
        "from portbook.model.feedback import Vote\n"
        "store = FeedbackStore(sys.argv[1])\n"
        "for number in range(25):\n"
        f"    store.add(Vote('/80', True, None, 'en'), bytes([number]), {NOON})\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], check=False)
    assert done.returncode == -9
    assert counted(path) == (25, 0)
    assert not is_locked(f"{path}.lock")
    with FeedbackStore(path) as store:
        assert store.add(YES, b"\0", NOON) is Outcome.KEPT
        assert store.add(YES._replace(page="/80"), b"\0", NOON) is Outcome.ALREADY


def test_a_full_file_refuses_votes_and_keeps_the_old_ones(path: str) -> None:
    """Up to the limit everything is kept; the next vote is refused and nothing is forgotten."""
    limit = 1 << 20
    with FeedbackStore(path, limit=limit) as store:
        kept = until_refused(store, NOON, limit)
        assert counted(path) == (0, kept)
        assert 200 < kept < 1000
        # Who voted already is told that, and the day still ends.
        assert store.add(YES, (0).to_bytes(4), NOON) is Outcome.ALREADY
        store.tidy(MIDNIGHT)
        assert rows(path, "SELECT count(*) FROM vote WHERE visitor IS NOT NULL") == [(0,)]
        assert counted(path) == (0, kept)
        # The hashes of the day before made a little room, and no more than that.
        more = until_refused(store, MIDNIGHT, limit)
        assert more < 50
    assert counted(path) == (0, kept + more)


def until_refused(store: FeedbackStore, at: float, limit: int) -> int:
    """Votes of new visitors until one is refused for want of room; how many were kept."""
    for number in range(5000):
        try:
            store.add(NO._replace(comment="é" * 500), number.to_bytes(4), at)
        except Full:
            return number
        assert sum(os.path.getsize(store.path + end) for end in ("", "-wal")) <= limit, number
    raise AssertionError("never full")


def test_a_day_has_only_so_many_votes(path: str) -> None:
    """The rest of the day is refused, the next day is not, and a refused vote leaves no trace."""
    with FeedbackStore(path, daily=5) as store:
        for number in range(5):
            assert store.add(YES, bytes([number]), NOON) is Outcome.KEPT
        for number in range(5, 9):
            assert store.add(YES, bytes([number]), NOON) is Outcome.ENOUGH
        assert store.add(YES, bytes([3]), NOON) is Outcome.ALREADY
        assert rows(path, "SELECT votes FROM today") == [(5,)]
        assert store.add(YES, bytes([7]), MIDNIGHT) is Outcome.KEPT
    assert counted(path) == (6, 0)


def test_a_disk_that_is_full_refuses_and_works_again_when_there_is_room(path: str) -> None:
    """SQLite's own answer to a full disk; what was there stays."""
    with FeedbackStore(path) as store:
        store.add(YES, ALICE, NOON)
        assert store._link is not None
        (pages,) = store._link.execute("PRAGMA page_count").fetchone()
        store._link.execute(f"PRAGMA max_page_count = {pages}")
        refused = 0
        for number in range(100):
            try:
                store.add(NO._replace(comment="x" * 500), number.to_bytes(4), NOON)
            except NotWritten as fault:
                refused += "full" in str(fault)
        before = counted(path)
        assert refused == 100 - before[1] > 50
        store._link.execute("PRAGMA max_page_count = 100000")
        assert store.add(NO, BOB, NOON) is Outcome.KEPT
    assert counted(path) == (before[0], before[1] + 1)


def test_a_file_that_may_not_grow_is_one_error_and_stays_sound(path: str) -> None:
    """The kernel refuses the write (RLIMIT_FSIZE): told as such, and nothing is broken."""
    with FeedbackStore(path) as store:
        store.add(YES, ALICE, NOON)
    program = (
        "import resource, signal, sys\n"
        "from portbook.host.database import NotWritten\n"
        "from portbook.host.feedback_store import FeedbackStore\n"
        "from portbook.model.feedback import Vote\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40960, 40960))\n"
        "store, kept = FeedbackStore(sys.argv[1]), 0\n"
        "try:\n"
        "    for number in range(500):\n"
        f"        store.add(Vote('/1', False, 'x' * 500, 'en'), b'%d' % number, {NOON})\n"
        "        kept += 1\n"
        "except NotWritten as fault:\n"
        "    print(kept, str(fault).count('\\n'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    kept, breaks = map(int, done.stdout.split())
    assert breaks == 0
    assert counted(path) == (1, kept)
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
@pytest.mark.parametrize("at_work", [False, True])
def test_a_folder_that_cannot_be_written_is_a_clear_error(path: str, *, at_work: bool) -> None:
    """Mounted read-only: refused with a way out, readable, and writable again afterwards.

    With another process at work there is a log beside the file, and SQLite opens it read-only.
    """
    store = FeedbackStore(path)
    store.add(YES, ALICE, NOON)
    if not at_work:
        store.close()
    program = (
        "import os, subprocess, sys\n"
        "from portbook.host.feedback_reader import feedback_of\n"
        "from portbook.host.feedback_store import FeedbackStore\n"
        "from portbook.model import PortbookError\n"
        "from portbook.model.feedback import Vote\n"
        "def add(store):\n"
        "    try:\n"
        f"        return store.add(Vote('/1', True, None, 'en'), b'', {NOON})\n"
        "    except PortbookError as error:\n"
        "        return f'{type(error).__name__} {error} | {error.hint}'\n"
        "path = sys.argv[1]\n"
        "stores = [FeedbackStore(path), FeedbackStore(path + '.other')]\n"
        "for store in stores:\n"
        "    print(add(store))\n"
        "    print(feedback_of(store.path).totals.yes)\n"
        "folder = os.path.dirname(path)\n"
        "subprocess.run(['mount', '-o', 'remount,rw,bind', folder], check=True)\n"
        "print(*map(add, stores))\n"
    )
    folder = os.path.dirname(path)
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, folder, sys.executable, "-c", program, path],
        capture_output=True,
        text=True,
        check=True,
    )
    first, yes, second, none, afterwards = done.stdout.splitlines()
    assert (yes, none, afterwards) == ("1", "0", "kept kept")
    assert first.startswith("NotPermitted ")
    assert "Read-only file system" in second
    for line in (first, second):
        assert line.endswith("| name another file with --database, or set PORTBOOK_DATA_HOME")
    store.close()
    assert counted(path) == (2, 0)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_another_users_folder_is_not_permitted(path: str, tmp_path: Path) -> None:
    """Somebody else cannot vote there, and nothing of the file can be read."""
    with FeedbackStore(path) as store:
        store.add(YES, ALICE, NOON)
    for above in (*tmp_path.parents[:-2], tmp_path, Path(path).parent):
        if above.stat().st_uid == os.geteuid() and "pytest" in str(above):
            above.chmod(0o755)
    code: Any = {}

    def try_it() -> None:
        try:
            FeedbackStore(path).add(YES, BOB, NOON)
        except NotPermitted as error:
            code["write"] = error.hint
        try:
            feedback_of(path)
        except NotPermitted as error:
            code["read"] = error.exit_code

    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try_it()
        os._exit(0 if code.get("read") == 4 and "PORTBOOK_DATA_HOME" in code["write"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert counted(path) == (1, 0)


def test_a_file_that_is_taken_away_is_made_anew(path: str) -> None:
    """Votes never go to a file that has no name any more."""
    with FeedbackStore(path) as store:
        store.add(YES, ALICE, NOON)
        os.rename(path, f"{path}.away")
        # Its log stays behind, and must not be taken for the new file's.
        assert store.add(NO, ALICE, NOON) is Outcome.KEPT
        assert counted(path) == (0, 1)
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]
        shutil.rmtree(os.path.dirname(path))
        assert store.add(YES, ALICE, NOON) is Outcome.KEPT
        assert counted(path) == (1, 0)


def test_a_store_that_could_not_be_opened_is_tried_again(path: str) -> None:
    """A file stands where the folder belongs; when it is gone the next vote is kept."""
    Path(os.path.dirname(path)).write_bytes(b"")
    with FeedbackStore(path) as store:
        for _ in range(2):
            with pytest.raises(EnvironmentFault):
                store.add(YES, ALICE, NOON)
        os.unlink(os.path.dirname(path))
        assert store.add(YES, ALICE, NOON) is Outcome.KEPT


@pytest.mark.parametrize(
    "vote",
    [
        YES._replace(page="/" + "9" * 200),
        YES._replace(comment="x" * 501),
        YES._replace(comment="\ud800"),
        YES._replace(page="/\udcff"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_file_is_touched(path: str, vote: Vote) -> None:
    """Too long, or nothing that UTF-8 can say."""
    with FeedbackStore(path) as store, pytest.raises(ValueError, match=r"long|surrogates"):
        store.add(vote, ALICE, NOON)
    assert not os.path.exists(path)


@pytest.mark.parametrize("content", [b"", b"x", b"SQLite format 3\0" + bytes(200), bytes(8192)])
def test_a_foreign_file_is_refused_and_left_alone(path: str, content: bytes) -> None:
    """Neither reading nor voting changes a byte of it."""
    os.mkdir(os.path.dirname(path))
    Path(path).write_bytes(content)
    with FeedbackStore(path) as store:
        for use in (lambda: feedback_of(path), lambda: store.add(YES, ALICE, NOON)):
            with pytest.raises(EnvironmentFault, match="no feedback"):
                use()
    assert Path(path).read_bytes() == content


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_feedback_is_one_line_or_a_sound_answer(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Bytes overwritten anywhere, or the end cut off: an EnvironmentFault and nothing else."""
    path = str(tmp_path_factory.mktemp("damaged") / "feedback.sqlite")
    with FeedbackStore(path) as store:
        for number in range(80):
            store.add(NO._replace(page=f"/{number % 7}"), bytes([number]), NOON)
    image = bytearray(Path(path).read_bytes())
    at = data.draw(st.integers(0, len(image) - 1))
    image[at : at + 64] = data.draw(st.binary(min_size=1, max_size=64))
    del image[data.draw(st.integers(len(image) // 2, len(image) + 5)) :]
    Path(path).write_bytes(image)
    said = ""
    try:
        feedback_of(path)
    except EnvironmentFault as fault:
        said = str(fault)
    assert "\n" not in said
    assert Path(path).read_bytes() == image


def test_the_file_lies_beside_the_history(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PORTBOOK_DATA_HOME, else XDG_DATA_HOME where it is absolute."""
    assert default_path() == f"{own_home}/feedback.sqlite"
    monkeypatch.delenv("PORTBOOK_DATA_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/xdg")
    assert default_path() == "/xdg/portbook/feedback.sqlite"
