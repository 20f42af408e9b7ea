"""The store in real faults: killed, full, read-only, deleted, damaged, restored, held by others.

Each is done to the real file with real means; what was acknowledged has to be there afterwards.
"""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portbook.claims.journal import KIND
from portbook.claims.sqlite import SqliteStore, lock, open_store, read_store
from portbook.host.database import NotWritten
from portbook.model import EnvironmentFault, NotPermitted
from portbook.model.claim import (
    LOCK_DELAY,
    Caller,
    Claim,
    ClaimRefused,
    ClaimRequest,
    Permit,
    PermitRequest,
    ReservationRequest,
)

ME = Caller(1000)


def free(_transport: str, _address: str, _port: int) -> str | None:
    """A kernel that refuses nothing."""
    return None


def take(store: SqliteStore, port: int, now: int = 0, **wanted: object) -> Claim:
    """Claim a port."""
    request = ClaimRequest(port=port, **wanted)  # type: ignore[arg-type] # tests know
    (made,) = store.acquire(request, ME, ME, now, lambda: (), free)
    return made


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the store is."""
    return str(tmp_path / "claims.sqlite")


@contextlib.contextmanager
def opened(path: str, now: int = 0, boot: str = "one", **how: object) -> Iterator[SqliteStore]:
    """An open store, closed at the end without a commit."""
    store = open_store(path, now=now, boot_id=boot, **how)  # type: ignore[arg-type] # tests know
    try:
        yield store
    finally:
        store.close()


def test_s7_what_was_committed_is_there_and_what_was_not_is_not(path: str) -> None:
    """Claims, permits, waiters, reservations and the memory of what ended come back."""
    with opened(path) as store:
        kept = take(store, 8080, request_id="r", labels=(("a", "b"),))
        gone = take(store, 8081, request_id="gone")
        store.release(gone.id, gone.token, ME, 0)
        late = take(store, 8082, ttl_ms=1000)
        store.reserve(ReservationRequest("k", port=9000), ME, 0, lambda: (), free)
        for name in "abc":
            store.acquire_permit(PermitRequest("s", 1, request_id=name), ME, ME, 0, wait=True)
        store.sweep(1500, lambda _: None)
        store.commit()
        kept = store.renew(kept.id, kept.token, 60_000, ME, 1500)
        store.commit()
        before = (store.claims(), store.reservations(), store.semaphores(), store.events(0))
        take(store, 8083)
    with opened(path, 1500) as store:
        assert before == (
            store.claims(),
            store.reservations(),
            store.semaphores(),
            store.events(0),
        )
        assert read_store(path, 1500, "one") == before[:3]
        assert take(store, 8080, 1500, request_id="r") == kept
        with pytest.raises(ClaimRefused) as seen:
            take(store, 8081, 1500, request_id="gone")
        assert seen.value.code == "lost"
        assert store.release(gone.id, gone.token, ME, 1500) is False
        with pytest.raises(ClaimRefused) as seen:
            take(store, 8082, late.expires_ms + LOCK_DELAY)
        assert seen.value.code == "held"
        assert take(store, 8082, late.expires_ms + LOCK_DELAY + 1)


def test_a_new_boot_voids_leases_and_keeps_reservations(path: str) -> None:
    """The clock of the boot before means nothing; its lock-delays are over."""
    with opened(path, 1_000_000) as store:
        made = take(store, 8080, 1_000_000, request_id="r")
        take(store, 8081, 1_000_000, ttl_ms=1000)
        store.reserve(ReservationRequest("k", port=9000), ME, 0, lambda: (), free)
        permit = store.acquire_permit(PermitRequest("s", 1), ME, ME, 1_000_000, wait=False)
        assert isinstance(permit, Permit)
        store.sweep(1_001_500, lambda _: None)
        store.commit()
    assert read_store(path, 5, "two").claims == ()
    with opened(path, 5, "two") as store:
        assert (store.claims(), store.semaphores()) == ((), ())
        assert [each.port for each in store.reservations()] == [9000]
        assert [each.kind for each in store.events(0)][-2:] == ["voided", "voided"]
        assert take(store, 8080, 5).token > made.token
        assert take(store, 8081, 5)
        with pytest.raises(ClaimRefused) as seen:
            take(store, 8080, 5, request_id="r")
        assert seen.value.code == "lost"
        store.sweep(600_006, lambda _: None)
        assert store.claim(made.id) is None


_WRITER = """
import sys
from portbook.claims.sqlite import lock, open_store
from portbook.model.claim import Caller, ClaimRequest
path, begin = sys.argv[1], int(sys.argv[2])
held = lock(path)
store = open_store(path, now=0, boot_id="one")
me, number = Caller(1), begin
print("ready", flush=True)
while True:
    made = []
    for _ in range(number % 7 + 1):
        number += 1
        request = ClaimRequest(port=number % 60000 + 1, request_id=str(number))
        made += store.acquire(request, me, me, 0, lambda: (), lambda *_: None)
    store.commit()
    print(*(f"{each.id}:{each.token}" for each in made), flush=True)
"""


def test_s7_nothing_acknowledged_is_lost_when_the_writer_is_killed(path: str) -> None:
    """SIGKILL at any moment, also within a commit, twelve times in a row; tokens grow."""
    told: dict[str, int] = {}
    chance = random.Random(3255)
    for turn in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, path, str(turn * 5000)],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.001, 0.08))
            writer.send_signal(signal.SIGKILL)
            lines = writer.stdout.read().split("\n")[:-1]
        new = [one.split(":") for line in lines for one in line.split()]
        tokens = [int(token) for _, token in new]
        assert tokens == sorted(tokens)
        assert not told or not tokens or tokens[0] > max(told.values())
        told |= dict(zip((name for name, _ in new), tokens, strict=True))
    with opened(path) as store:
        there = {each.id: each.token for each in store.claims()}
        assert told.items() <= there.items()
        events = store.events(0, 1_000_000)
        assert [each.id for each in events] == list(range(1, len(events) + 1))
        assert {each.body["id"] for each in events} == set(there)
    assert len(told) > 100


def test_a_deleted_database_is_noticed_and_nothing_is_acknowledged(path: str) -> None:
    """The commit fails, memory is as before, and it goes on failing until it is opened anew."""
    with opened(path) as store:
        kept = take(store, 8080)
        store.commit()
        Path(path).unlink()
        take(store, 8081)
        with pytest.raises(EnvironmentFault, match="taken away"):
            store.commit()
        assert store.claims() == (kept,)
        take(store, 8082)
        with pytest.raises(EnvironmentFault):
            store.commit()
        assert store.claims() == (kept,)
    with opened(path) as store:
        assert store.claims() == ()
        assert store.epoch == 2
        assert take(store, 8080).token > kept.token


def test_a_replaced_database_is_not_written_to(path: str, tmp_path: Path) -> None:
    """A file that somebody put in its place stays as it is."""
    with opened(path) as store:
        take(store, 8080)
        store.commit()
        other = tmp_path / "other"
        other.write_bytes(b"something else")
        os.replace(other, path)
        take(store, 8081)
        with pytest.raises(EnvironmentFault, match="replaced"):
            store.commit()
    assert Path(path).read_bytes() == b"something else"


def test_s2_a_restored_backup_is_noticed_and_tokens_still_grow(path: str, tmp_path: Path) -> None:
    """The epoch tells that the store is not what it was, though the wall clock was set back too."""
    backup = tmp_path / "backup"
    with opened(path, wall=lambda: 9_000.0) as store:
        take(store, 8080)
        store.commit()
        epoch = store.epoch
    shutil.copyfile(path, backup)
    with opened(path, wall=lambda: 9_000.0) as store:
        assert store.epoch == epoch
        newest = take(store, 8081).token
        store.commit()
    for left in (f"{path}-wal", f"{path}-shm"):
        Path(left).unlink(missing_ok=True)
    shutil.copyfile(backup, path)
    with opened(path, wall=lambda: 1.0) as store:
        assert store.epoch == epoch + 1
        assert [each.port for each in store.claims()] == [8080]
        assert take(store, 8081).token > newest
        store.commit()
    with opened(path, wall=lambda: 1.0) as store:
        assert store.epoch == epoch + 1


def test_s2_a_backup_of_the_same_run_is_noticed_after_a_kill(path: str, tmp_path: Path) -> None:
    """Not only what a tidy end leaves behind shows that a file is old."""
    with opened(path) as store:
        take(store, 8080)
        store.commit()
        link = sqlite3.connect(path)
        with contextlib.closing(link), contextlib.closing(sqlite3.connect(tmp_path / "b")) as to:
            link.backup(to)
        made = take(store, 8081)
        store.release(made.id, made.token, ME, 0)
        store.commit()
        epoch = store.epoch
    Path(f"{path}-wal").unlink(missing_ok=True)
    Path(f"{path}-shm").unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "b", path)
    with opened(path) as store:
        assert store.epoch == epoch + 1


def test_s2_tokens_grow_without_sidecar_or_without_database(path: str) -> None:
    """Either is enough, and the epoch tells that something was lost."""
    with opened(path, wall=lambda: 50.0) as store:
        first = take(store, 8080).token
        store.commit()
    Path(f"{path}.tokens").unlink()
    with opened(path, wall=lambda: 50.0) as store:
        assert store.epoch == 2
        second = take(store, 8081).token
        assert second > first
        store.commit()
    Path(path).unlink()
    with opened(path, wall=lambda: 50.0) as store:
        assert store.epoch == 3
        assert take(store, 8080).token > second


@pytest.mark.parametrize("cut", [0, 1, 31, 33, 4_000, 5_000, 9_000, 20_000])
def test_a_truncated_log_loses_its_end_and_no_more(path: str, cut: int, tmp_path: Path) -> None:
    """What a power cut leaves: the claims are the first ones that were made, and tokens grow."""
    with opened(path) as store:
        made = []
        for number in range(20):
            made.append(take(store, 2000 + number))
            store.commit()
        for name in ("", "-wal", ".tokens"):
            shutil.copyfile(path + name, tmp_path / f"cut.sqlite{name}")
    copy = str(tmp_path / "cut.sqlite")
    log = Path(f"{copy}-wal")
    os.truncate(log, min(cut, log.stat().st_size))
    with opened(copy) as store:
        there = store.claims()
        assert there == tuple(made[: len(there)])
        assert store.epoch == (1 if len(there) == len(made) else 2)
        assert take(store, 3000).token > made[-1].token


def test_garbage_is_refused_and_left_alone(path: str) -> None:
    """A file of another kind, and ours with its middle overwritten."""
    Path(path).write_bytes(b"garbage" * 1000)
    with pytest.raises(EnvironmentFault, match="not touched"), opened(path):
        pass
    assert Path(path).read_bytes() == b"garbage" * 1000
    Path(path).unlink()
    with opened(path) as store:
        for number in range(200):
            take(store, 2000 + number)
        store.commit()
    with Path(path).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 20_000)
    before = Path(path).read_bytes()
    with pytest.raises(EnvironmentFault, match="damaged"), opened(path):
        pass
    assert Path(path).read_bytes() == before


def test_a_foreign_writer_delays_and_then_fails_the_commit(path: str) -> None:
    """SQLITE_BUSY: none of the batch has happened, and it works again afterwards."""
    with opened(path) as store, contextlib.closing(sqlite3.connect(path)) as foreign:
        take(store, 8080)
        store.commit()
        foreign.execute("BEGIN IMMEDIATE")
        take(store, 8081)
        with pytest.raises(NotWritten):
            store.commit()
        assert [each.port for each in store.claims()] == [8080]
        assert store.last_event() == 1
        foreign.execute("ROLLBACK")
        made = take(store, 8082)
        store.commit()
        assert made in store.claims()
        assert [each.body["port"] for each in store.events(0)] == [8080, 8082]


def test_a_foreign_reader_holds_nobody_up(path: str) -> None:
    """One who reads the log for long sees its moment; commits go on."""
    with opened(path) as store, contextlib.closing(sqlite3.connect(path)) as foreign:
        take(store, 8080)
        store.commit()
        foreign.execute("BEGIN")
        count = "SELECT count(*) FROM claim"
        assert foreign.execute(count).fetchone() == (1,)
        for number in range(3000):
            take(store, 10_000 + number)
            if number % 50 == 0:
                store.commit()
        store.commit()
        assert foreign.execute(count).fetchone() == (1,)
        assert len(store.claims()) == 3001


def test_two_openers_the_second_is_told_who_has_it(path: str) -> None:
    """The lock names its holder, and is free when that one is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, path, "0"], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(EnvironmentFault, match=rf"python.* \(PID {writer.pid}\) is at work"):
            lock(path)
        writer.kill()
        writer.stdout.read()
    lock(path).close()


def test_durable_waits_for_the_disk_at_every_commit(path: str) -> None:
    """SQLite's own word for it: FULL is 2, NORMAL is 1."""
    for durable, level in ((True, 2), (False, 1)):
        with opened(path, durable=durable) as store:
            assert store._link.execute("PRAGMA synchronous").fetchone() == (level,)


def test_old_events_are_compacted_in_blocks(path: str) -> None:
    """The last 100,000 are kept; who asks for older ones is told so."""
    with opened(path) as store:
        take(store, 8080)
        store.commit()
    with contextlib.closing(sqlite3.connect(path)) as foreign, foreign:
        foreign.executemany(
            "INSERT INTO event VALUES (?, 0.0, 'renewed', '{}')",
            ((number,) for number in range(2, 104_097)),
        )
    with opened(path) as store:
        assert store.events(0, 1)[0].id == 1
        take(store, 8081)
        store.commit()
        assert store.last_event() == 104_097
        with pytest.raises(ClaimRefused) as seen:
            store.events(0)
        assert seen.value.code == "compacted"
        assert len(store.events(4_097, 200_000)) == 100_000
        newest = store.events(104_000)
        assert [each.id for each in newest] == list(range(104_001, 104_098))
    with opened(path) as store, pytest.raises(ClaimRefused):
        store.events(10)


def test_a_reader_needs_no_lock_and_makes_no_file(path: str) -> None:
    """It sees what is committed while the writer is at work, and nothing where nothing is."""
    assert read_store(path).claims == ()
    assert not Path(path).exists()
    with opened(path) as store:
        made = take(store, 8080, ttl_ms=1000)
        assert read_store(path, 0, "one").claims == ()
        store.commit()
        assert read_store(path, 1000, "one").claims == (made,)
        assert read_store(path, 1001, "one").claims == ()
        assert read_store(path).claims == (made,)


def test_a_table_of_another_shape_is_refused(path: str) -> None:
    """A store that somebody changed by hand is not guessed at."""
    with opened(path):
        pass
    with contextlib.closing(sqlite3.connect(path)) as foreign, foreign:
        foreign.execute("ALTER TABLE claim ADD COLUMN more")
    with pytest.raises(EnvironmentFault, match="shape"), opened(path):
        pass
    assert KIND.version == 1


_LIMITED = """
import resource, signal, sys
from portbook.claims.sqlite import open_store
from portbook.host.database import NotWritten
from portbook.model.claim import Caller, ClaimRequest
path = sys.argv[1]
store = open_store(path, now=0, boot_id="one")
me, told = Caller(1), set()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
ports = lambda: range(1, 60000)
fill = lambda: store.acquire(ClaimRequest(size=20), me, me, 0, ports, lambda *_: None)
try:
    for _ in range(500):
        made = fill()
        store.commit()
        told |= {each.id for each in made}
    raise SystemExit("it never failed")
except NotWritten:
    assert {each.id for each in store.claims()} == told, "memory is not what was told"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
told |= {each.id for each in fill()}
store.commit()
store.close()
store = open_store(path, now=0, boot_id="one")
assert {each.id for each in store.claims()} == told, "the file is not what was told"
print(len(told))
"""


def test_a_write_that_fails_undoes_its_batch(path: str) -> None:
    """EFBIG from the kernel, as EIO would be: memory goes back, and later it works again."""
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


_FULL = _LIMITED.replace(
    "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))", ""
).replace(
    "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))",
    "import os; os.unlink(os.path.dirname(path) + '/ballast')",
)


def in_mount(script: str, folder: Path, before: str) -> subprocess.CompletedProcess[str]:
    """Run a Python script with a small disk of its own at `folder`."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a small disk")
    shell = (
        f"mount -t tmpfs -o size=1m none {folder} && {before} exec {sys.executable} -c '{script}'"
    )
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{shell} {folder}/claims.sqlite"],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def test_a_full_disk_undoes_its_batch(tmp_path: Path) -> None:
    """ENOSPC on a small tmpfs; when room is made it works again and all that was told is there."""
    done = in_mount(
        _FULL.replace("'", '"'),
        tmp_path,
        f"dd if=/dev/zero of={tmp_path}/ballast bs=1k count=600 2>/dev/null;",
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


_READ_ONLY = """
import os, subprocess, sys
from portbook.claims.sqlite import open_store, read_store
from portbook.model import PortbookError
from portbook.model.claim import Caller, ClaimRequest
path = sys.argv[1]
store = open_store(path, now=0, boot_id="one")
me = Caller(1)
take = lambda port: store.acquire(ClaimRequest(port=port), me, me, 0, lambda: (), lambda *_: None)
kept = take(8080)
store.commit()
store.close()
subprocess.run(["mount", "-o", "remount,ro", os.path.dirname(path)], check=True)
assert read_store(path, 0, "one").claims == kept
for act in (lambda: open_store(path, now=0, boot_id="one"), lambda: (take(8081), store.commit())):
    try:
        act()
        raise SystemExit("it was written")
    except PortbookError as error:
        print(type(error).__name__)
    try:
        store = open_store(path, now=0, boot_id="one")
    except PortbookError:
        break
"""


def test_a_read_only_disk_can_be_read_and_not_written(tmp_path: Path) -> None:
    """The listing works; opening to write is refused, in one line and by the right error."""
    done = in_mount(_READ_ONLY, tmp_path, "")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["NotPermitted"]


def test_a_folder_that_cannot_be_entered_is_not_permitted(tmp_path: Path) -> None:
    """Without root: the message names the file, and nothing is made."""
    if os.geteuid() == 0:
        pytest.skip("root may enter every folder")
    tmp_path.chmod(0o500)
    with pytest.raises(NotPermitted), opened(str(tmp_path / "claims.sqlite")):
        pass
