import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from portbook.model import (
    Assignment,
    EnvironmentFault,
    ImportRefused,
    NotPermitted,
    TableFault,
)
from portbook.registry import install as install_module
from portbook.registry.install import in_use, install, roll_back
from portbook.registry.offer import Offer
from portbook.registry.tables import open_services, read_assignments, shipped, user_folder

BUILT_IN = read_assignments(shipped("assignments.tsv"))
NEW = Assignment("brand-new", 47000, 47000, "tcp", "Was not there before")


def offer(*more: Assignment, source: str = "test") -> Offer:
    """The built-in registry with some rows more."""
    return Offer(source, "csv", [*BUILT_IN, *more])


def table_in_use() -> list[Assignment]:
    """What a lookup would read, fully checked; the built-in table where there is no import."""
    own = Path(user_folder()) / "assignments.tsv"
    return read_assignments(str(own) if own.exists() else shipped("assignments.tsv"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder; the result is its registry folder."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path))
    return tmp_path / "registry"


def test_an_import_is_in_use_at_once_and_found_by_name(home: Path) -> None:
    """Table and name index change together, and what changed is told."""
    changes = install(offer(NEW))
    assert changes is not None
    assert changes.added == [NEW]
    assert changes.removed == changes.changed == []
    assert NEW in table_in_use()
    assert open_services().named("brand-new")
    assert in_use().table == "imported"
    assert sorted(os.listdir(home)) == ["00000001", "current", "lock"]


def test_a_changed_row_counts_as_changed_and_not_as_new(home: Path) -> None:
    """The same service, ports and transport with another description is one change."""
    install(offer(NEW))
    other = NEW._replace(description="Now described otherwise")
    changes = install(offer(other))
    assert changes is not None
    assert changes == ([], [], [other])


def test_the_same_registry_again_changes_nothing(home: Path) -> None:
    """Importing twice does not push the real predecessor out of reach of a rollback."""
    install(offer(NEW))
    install(offer())
    assert install(offer()) is None
    assert roll_back()
    assert NEW in table_in_use()


def test_rolling_back_twice_leads_to_the_built_in_table(home: Path) -> None:
    """One import is kept; below it there is the built-in table, and below that nothing."""
    for number in range(4):
        install(offer(NEW._replace(port=47000 + number, last_port=47000 + number)))
    assert {row.port for row in table_in_use() if row.service == NEW.service} == {47003}
    assert in_use().rollback == "test"
    assert roll_back()
    assert {row.port for row in table_in_use() if row.service == NEW.service} == {47002}
    assert in_use().rollback == "built-in"
    assert roll_back()
    assert table_in_use() == BUILT_IN
    assert in_use().rollback is None
    assert not roll_back()
    assert os.listdir(home) == ["lock"]


def test_nothing_is_written_by_a_rollback_with_nothing_to_roll_back(home: Path) -> None:
    """Asking does not even make the data folder."""
    assert not roll_back()
    assert not home.exists()


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ([], "0-1023"),
        ([row for row in BUILT_IN if (row.port or 0) < 20000], "10000-65535"),
        ([row for row in BUILT_IN if not 4000 <= (row.port or 0) < 8000], "1024-9999"),
        ([row for row in BUILT_IN if (row.port or 0) > 300], "0-1023"),
        (
            BUILT_IN + [NEW._replace(port=p, last_port=p) for p in range(20000, 24000)],
            "10000-65535",
        ),
    ],
)
def test_a_registry_of_another_size_is_refused(
    rows: list[Assignment], part: str, home: Path
) -> None:
    """A fifth more or less in any part of the registry is no update, even if it is well-formed."""
    install(offer(NEW))
    with pytest.raises(ImportRefused, match=part):
        install(Offer("test", "csv", rows))
    assert NEW in table_in_use()


def test_losing_the_names_without_a_port_is_refused(home: Path) -> None:
    """They stand at the end of IANA's file, so that is what a cut between two rows loses."""
    with_port = [row for row in BUILT_IN if row.port is not None]
    names = [Assignment(f"name-{number}", None, None, "tcp") for number in range(5000)]
    assert install(Offer("test", "csv", with_port + names)) is not None
    with pytest.raises(ImportRefused, match="without a port"):
        install(Offer("test", "csv", with_port + names[:3900]))
    assert install(Offer("test", "csv", with_port + names[:4100])) is not None


def test_a_broken_import_can_be_replaced_and_rolled_back(home: Path) -> None:
    """A table that was damaged on the disk does not lock the user out."""
    install(offer(NEW))
    path = home / "00000001" / "assignments.tsv"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(TableFault):
        in_use()
    assert install(offer()) is not None
    assert Counter(table_in_use()) == Counter(BUILT_IN)
    # The damaged one is no place to go back to.
    assert in_use().rollback == "built-in"
    assert roll_back()
    assert in_use().table == "built-in"


def test_leavings_of_killed_updates_are_cleared_away(home: Path) -> None:
    """Half-written folders and a prepared link neither disturb nor stay."""
    install(offer(NEW))
    (home / "00000002.partial").mkdir()
    (home / "00000002.partial" / "assignments.tsv").write_text("half")
    (home / "00000003").mkdir()
    (home / "current.new").symlink_to("00000003")
    install(offer())
    assert sorted(os.listdir(home)) == ["00000001", "00000002", "current", "lock"]
    assert in_use().rollback == "test"


def test_a_data_folder_that_cannot_be_written_is_one_line(home: Path) -> None:
    """A file in the way is an environment fault, and the table in use stays."""
    home.parent.mkdir(exist_ok=True)
    home.write_text("in the way")
    with pytest.raises(EnvironmentFault, match="cannot write"):
        install(offer(NEW))
    assert table_in_use() == BUILT_IN


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Not root: root may read and write everything."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    yield
    os.seteuid(was)


@pytest.fixture
def locked_home(home: Path) -> Path:
    """A data folder that may be read only."""
    home.parent.chmod(0o500)
    return home


def test_a_data_folder_of_somebody_else_is_not_permitted(
    locked_home: Path, unprivileged: None
) -> None:
    """Missing rights have their own exit code."""
    with pytest.raises(NotPermitted, match="cannot write"):
        install(offer(NEW))


def test_a_second_update_waits_for_the_first_and_then_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds the lock is not disturbed."""
    monkeypatch.setattr(install_module, "_WAIT", 0.2)
    home.mkdir()
    with (home / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(EnvironmentFault, match="another portbook update"):
            install(offer(NEW))
    assert install(offer(NEW)) is not None


OFFERS = """
import os, signal, sys
from portbook.model import Assignment
from portbook.registry.install import install
from portbook.registry.offer import Offer
from portbook.registry.tables import read_assignments, shipped
rows = read_assignments(shipped("assignments.tsv"))
offers = [
    Offer(name, "csv", [*rows, Assignment(name, 47000, 47000, "tcp")]) for name in sys.argv[1:]
]
print("ready", flush=True)
"""

WORKER = (
    OFFERS
    + """
while sys.stdin.readline():
    for offer in offers:
        install(offer)
    print("done", flush=True)
"""
)

# CPython announces to audit hooks whatever touches the file system, just before it happens.
DOOMED = (
    OFFERS
    + """
CHANGES = {"os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir"}

def die_before(step):
    left = step
    def hook(event, arguments):
        nonlocal left
        if event in CHANGES or (event == "open" and arguments[2] & os.O_CREAT):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        die_before(int(line))
        install(offers[0])
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
)


@contextmanager
def worker(script: str, *names: str) -> Iterator[tuple[IO[str], IO[str]]]:
    """A process that has an offer per name ready, and acts whenever it is sent a line.

    Yields where lines go to and come from. At the end the process is killed.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", script, *names],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdin is not None and process.stdout is not None
    with process.stdin, process.stdout:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process.stdin, process.stdout
        finally:
            process.kill()
            process.wait()


def names_in_use() -> set[str | None]:
    """The services that the workers have added to the table in use, which must be whole."""
    rows = table_in_use()
    added = set(rows) - set(BUILT_IN)
    assert len(rows) == len(BUILT_IN) + len(added)
    return {row.service for row in added}


def test_a_kill_before_every_single_step_leaves_one_whole_table(home: Path, tmp_path: Path) -> None:
    """The old table up to one step, the new one from then on, and a rollback at every moment."""
    install(offer(NEW._replace(service="older"), source="older"))
    install(offer(NEW._replace(service="old"), source="old"))
    template = tmp_path / "template"
    home.rename(template)
    left: list[set[str | None]] = []
    ended = None
    with worker(DOOMED, "new") as (orders, answers):
        while ended != 0:
            shutil.copytree(template, home, symlinks=True)
            orders.write(f"{len(left) + 1}\n")
            ended = int(answers.readline())
            assert ended in (0, -signal.SIGKILL)
            left.append(names_in_use())
            assert in_use().rollback == ("old" if left[-1] == {"new"} else "older")
            shutil.rmtree(home)
    switched = left.index({"new"})
    assert switched >= 6, "the steps were not seen"
    assert left == [{"old"}] * switched + [{"new"}] * (len(left) - switched)


def test_a_kill_at_any_moment_leaves_one_whole_table(home: Path) -> None:
    """The same at random, with several imports in a row, and with a lookup under way."""
    chance = random.Random(3255)
    seen = set()
    for _ in range(4):
        with worker(WORKER, "one", "two", "three") as (orders, _answers):
            orders.write("go\n" * 50)
            time.sleep(chance.uniform(0.1, 0.6))
            assert names_in_use() <= {"one", "two", "three"}
        left = names_in_use()
        assert len(left) <= 1
        seen |= left
    assert seen, "no round came as far as an import"
    assert install(offer(NEW)) is not None
    assert names_in_use() == {"brand-new"}
    assert not list(home.glob("*.partial"))


@pytest.mark.parametrize("keep", [0, 1, 1000, -1])
def test_a_part_of_a_table_would_be_noticed(keep: int, home: Path) -> None:
    """Proof of the guard above: a table that is cut anywhere does not pass as whole."""
    install(offer(NEW))
    path = home / "00000001" / "assignments.tsv"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TableFault):
        names_in_use()


def test_two_updates_at_once_leave_one_whole_table(home: Path) -> None:
    """They take turns; the last one wins."""
    with worker(WORKER, "one") as one, worker(WORKER, "two") as two:
        for orders, _ in (one, two):
            orders.write("go\n" * 3)
        for _, answers in (one, two):
            assert [answers.readline() for _ in range(3)] == ["done\n"] * 3
    assert names_in_use() in ({"one"}, {"two"})
    assert len(list(home.glob("0*"))) == 2


@pytest.mark.parametrize("way", ["rollback", "import"])
def test_a_folder_that_somebody_put_there_is_set_aside(home: Path, way: str) -> None:
    """A folder `current` made by hand does not stop us, and nothing in it is lost."""
    (home / "current").mkdir(parents=True)
    (home / "current" / "assignments.tsv").write_text("junk", encoding="utf-8")
    if way == "rollback":
        assert roll_back()
        assert table_in_use() == BUILT_IN
    else:
        assert install(offer(NEW)) is not None
        assert NEW in table_in_use()
    (aside,) = home.glob("set-aside-*")
    assert (aside / "assignments.tsv").read_text(encoding="utf-8") == "junk"
