"""The queue on disk: killed, damaged, on a full disk, it is whole or it is set aside."""

import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.test_fleet_queue import Store, a_look, drain
from portbook.fleet import queue_file
from portbook.fleet.queue import Queue
from portbook.fleet.queue_file import Damaged, QueueFile, is_open, lines_of, peek, restored
from portbook.fleet.table import table_hash
from portbook.model import EnvironmentFault

BOOT = "0e3b:4026531840"


class Told(list[str]):
    """The lines that were said."""

    def __call__(self, line: str) -> None:
        """One more."""
        self.append(line)


def filled(file: QueueFile, store: Store) -> Queue:
    """A queue with a kept base and two changes that wait, written as an agent writes it."""
    queue = file.open()
    queue.look(a_look({80: "nginx"}, 1))
    file.rewrite(queue)
    drain(queue, store)
    file.rewrite(queue)
    for moment, ports in ((2, {80: "nginx", 81: "redis"}), (3, {81: "redis"})):
        file.added(queue, queue.look(a_look(ports, moment)))
    return queue


def test_what_was_written_is_there_again() -> None:
    """Base, changes and moments come back, and what was kept meanwhile is not sent again."""
    told, store = Told(), Store()
    file = QueueFile("web-1", BOOT, told)
    queue = filled(file, store)
    out = queue.next(0)
    assert out is not None
    assert store.take(out) == "kept"
    file.kept(queue, out, change=queue.kept(out))
    file.close()
    other = QueueFile("web-1", BOOT, told)
    again = other.open()
    assert again.newest == queue.newest
    assert again.hash == queue.hash
    assert [delta.at_ms for delta in again.deltas] == [3]
    drain(again, store)
    assert store.moments == [1, 2, 3]
    other.close()
    assert not told


def test_another_start_of_the_machine_begins_anew() -> None:
    """Moments of another boot mean nothing, so nothing of it is used and nobody is troubled."""
    told = Told()
    first = QueueFile("web-1", BOOT, told)
    filled(first, Store())
    first.close()
    second = QueueFile("web-1", "other:4026531840", told)
    assert second.open().base is None
    second.close()
    assert not told


def test_another_hosts_file_is_set_aside() -> None:
    """A state that was copied with an image is not ours."""
    told = Told()
    first = QueueFile("web-1", BOOT, told)
    filled(first, Store())
    first.close()
    second = QueueFile("web-2", BOOT, told)
    assert second.open().base is None
    second.close()
    assert len(told) == 1
    assert "is that of host web-1: set aside as" in told[0]
    assert Path(f"{second.path}.damaged").exists()


def test_one_agent_at_a_time() -> None:
    """A second agent with the same state is refused, and status sees the first."""
    first = QueueFile("web-1", BOOT, Told())
    assert not is_open(first.path)
    first.open()
    assert is_open(first.path)
    with pytest.raises(EnvironmentFault, match="another agent runs"):
        QueueFile("web-1", BOOT, Told()).open()
    first.close()
    assert not is_open(first.path)


def _written() -> bytes:
    store, queue = Store(), Queue()
    queue.look(a_look({80: "nginx", 443: "nginx"}, 1))
    drain(queue, store)
    for moment in range(2, 6):
        queue.look(a_look({80: "nginx", moment: "redis"}, moment))
    return b"".join(lines_of(queue, "web-1", BOOT))


WRITTEN = _written()


@given(st.integers(0, len(WRITTEN)))
def test_any_cut_is_a_queue_or_damage(at: int) -> None:
    """A file that ends anywhere gives the changes before that point, never half of one."""
    data = WRITTEN[:at]
    lines = data.count(b"\n")
    if lines < 2:
        with pytest.raises(Damaged):
            restored(data, "web-1", BOOT)
        return
    queue, good = restored(data, "web-1", BOOT)
    assert queue is not None
    assert len(queue.deltas) == lines - 2
    assert good == data.rfind(b"\n") + 1
    assert table_hash(queue.newest.values()) == queue.hash


@given(
    st.integers(0, WRITTEN.rfind(b"\n") - 1),
    st.integers(1, 255),
)
def test_any_changed_byte_is_damage(at: int, flip: int) -> None:
    """A checksum over each line: no wrong row ever gets in."""
    data = bytearray(WRITTEN)
    data[at] ^= flip
    with pytest.raises(Damaged):
        restored(bytes(data), "web-1", BOOT)


def signed(texts: list[str]) -> bytes:
    """Lines with right checksums around any text."""
    lines = [text.encode("utf-8", "replace").replace(b"\n", b" ") for text in texts]
    return b"".join(b"%08x %s\n" % (zlib.crc32(line), line) for line in lines)


@given(st.one_of(st.binary(max_size=300), st.lists(st.text(max_size=40)).map(signed)))
def test_any_bytes_are_damage(data: bytes) -> None:
    """What is no file of ours is refused in one line, also with right checksums."""
    with pytest.raises(Damaged):
        restored(data, "web-1", BOOT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["base", "delta", "kept", "schema", "host"]), inner)
    ),
    max_leaves=12,
)


@given(st.lists(JSON, min_size=1, max_size=4))
def test_right_checksums_around_wrong_things_are_damage(entries: list[object]) -> None:
    """Lines that another program signed as we do, with our heading before them."""
    heading = WRITTEN.partition(b"\n")[0] + b"\n"
    lines = [queue_file._line(each) for each in entries]  # type: ignore[arg-type] # wrong ones
    try:
        restored(heading + b"".join(lines), "web-1", BOOT)
    except Damaged:
        return
    assert "base" in entries[0]  # type: ignore[operator] # an empty table with hash 0 fits


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(min_size=1, max_size=80))
def test_garbage_is_set_aside_and_the_agent_begins_anew(own_home: Path, garbage: bytes) -> None:
    """One line says so, the file is kept for who wants to look, and a new one is written."""
    told = Told()
    file = QueueFile("web-1", BOOT, told)
    Path(file.path).write_bytes(garbage)
    queue = file.open()
    assert queue.base is None
    assert len(told) == 1
    assert "everything is reported again" in told[0]
    assert Path(f"{file.path}.damaged").read_bytes() == garbage
    queue.look(a_look({80: "nginx"}, 1))
    file.rewrite(queue)
    file.close()
    found = peek(file.path)
    assert found is not None
    assert found[0].newest == queue.newest
    assert own_home in Path(file.path).parents


WRITER = """
import sys
sys.path[:0] = sys.argv[1:3]
from fleet.test_fleet_queue import Store, a_look
from portbook.fleet.queue_file import QueueFile
file = QueueFile("web-1", "0e3b:4026531840", print)
queue, store, moment = file.open(), Store(), 0
if queue.base is None:
    queue.look(a_look({80: "nginx"}, 1))
    file.rewrite(queue)
base = queue.base
store.table, store.hash, store.seq = dict(base.table), base.hash, base.seq
print("ready", flush=True)
while True:
    moment += 1
    file.added(queue, queue.look(a_look({80: "nginx", 90 + moment % 300: "x" * 300}, moment)))
    if moment % 3 == 0:
        out = queue.next(10**9)
        queue.kept(out)
        file.kept(queue, out, change=True) if queue.base.synced else file.rewrite(queue)
    if len(queue.deltas) > 40:
        queue.merge(keep=0)
        file.rewrite(queue)
"""


def test_killed_while_it_writes_the_file_is_whole(own_home: Path) -> None:
    """SIGKILL at moments of chance, one start after the other: never damage, only a shorter end."""
    tests, source = Path(__file__).parents[1], Path(__file__).parents[2] / "src"
    path = own_home / "fleet-agent.state"
    for number in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tests), str(source)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        with writer.stdout:
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(0.01 + 0.037 * number % 0.1)
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        found = peek(str(path))
        assert found is not None
        assert table_hash(found[0].newest.values()) == found[0].hash
    assert not path.with_name("fleet-agent.state.damaged").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], capture_output=True
    )
    if done.returncode:
        pytest.skip("no tmpfs may be mounted here")
    yield folder
    # Lazily: where the test failed a file there may still be open.
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_told_once_and_nothing_is_lost(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue goes on in memory, what is on disk stays whole, and room is used again."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(small_disk))
    told, store = Told(), Store()
    file = QueueFile("web-1", BOOT, told)
    queue = filled(file, store)
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(bytes(100_000))
    for moment in range(4, 40):
        ports = dict.fromkeys(range(moment), "redis")
        file.added(queue, queue.look(a_look(ports, moment)))
    assert told == [f"{file.path}: No space left on device; what waits is kept in memory alone"]
    kept = peek(file.path)
    assert kept is not None
    assert kept[0].deltas
    ballast.unlink()
    drain(queue, store)
    queue.look(a_look({80: "nginx"}, 50))
    file.rewrite(queue)
    assert told[1:] == [f"{file.path} can be written again"]
    assert store.moments == list(range(1, 40))
    file.close()


def test_a_folder_that_cannot_be_written_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any state the agent works all the same."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", "/proc/no-such-folder")
    told = Told()
    file = QueueFile("web-1", BOOT, told)
    queue = filled(file, Store())
    assert len(told) == 1
    assert len(queue.deltas) == 2
    file.close()


def test_the_journal_does_not_grow_without_end() -> None:
    """Thousands of reports without a change leave a file of its usual size."""
    store = Store()
    file = QueueFile("web-1", BOOT, Told())
    queue = filled(file, store)
    for moment in range(10, 4_000):
        queue.look(a_look({81: "redis"}, moment))
        out = queue.next(0)
        assert out is not None
        assert store.take(out) == "kept"
        file.kept(queue, out, change=queue.kept(out))
    assert Path(file.path).stat().st_size < 80_000
    file.close()
    found = peek(file.path)
    assert found is not None
    assert found[0].base is not None
    assert found[0].base.seq == store.seq


def test_a_planted_row_is_found() -> None:
    """A line with a right checksum and another row does not fit the table's hash.

    Also the row of port 443, which the first change takes away again.
    """
    for port in (80, 443):
        queue, _ = restored(WRITTEN, "web-1", BOOT)
        assert queue is not None
        assert queue.base is not None
        (key,) = (key for key in queue.base.table if key[3] == port)
        queue.base.table[key] = queue.base.table[key]._replace(process="other")
        data = b"".join(lines_of(queue, "web-1", BOOT))
        with pytest.raises(Damaged):
            restored(data, "web-1", BOOT)


def test_a_line_without_its_end_does_not_spoil_the_next() -> None:
    """Killed within a write: what follows is written in its place, not behind it."""
    told = Told()
    file = QueueFile("web-1", BOOT, told)
    filled(file, Store())
    file.close()
    with Path(file.path).open("ab") as torn:
        torn.write(WRITTEN[:60])
    again = QueueFile("web-1", BOOT, told)
    queue = again.open()
    again.added(queue, queue.look(a_look({82: "x"}, 9)))
    again.close()
    found = peek(file.path)
    assert found is not None
    assert found[0].newest == queue.newest
    assert len(found[0].deltas) == 3
    assert not told
