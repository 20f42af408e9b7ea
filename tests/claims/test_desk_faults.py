"""What goes wrong around the desk: commits, descriptors, ends seen late, processes of others."""

import asyncio
import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from claims.serving_claims import Claims, serving_claims, until
from free_ports import free_port
from portbook.claims.desk import Desk
from portbook.claims.routes import Asked, Reply
from portbook.claims.sqlite import SqliteStore
from portbook.host import clock, lives
from portbook.model.claim import Bound, Caller
from portbook.survey.choosing import in_use

pytestmark = pytest.mark.live

ME = Caller(0)
NOBODY = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


class BrokenStore(SqliteStore):
    """A store whose commits raise `broken` while it is set: what is changed is then taken back."""

    broken: Exception | None = None

    def commit(self) -> None:
        """As far as it is whole."""
        if self.broken is not None:
            self._undo()
            raise self.broken
        super().commit()


class Later(Desk):
    """A desk whose clock is ahead by `ahead` milliseconds, as if its loop had been busy so long."""

    ahead = 0

    def now(self) -> int:
        """Milliseconds of the claims' clock."""
        return super().now() + self.ahead


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BrokenStore]:
    """A real store."""
    now = int(clock.boottime() * 1000)
    made = BrokenStore(str(tmp_path / "c.sqlite"), now, "boot", clock.now, durable=False, home=None)
    yield made
    made.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Claims]:
    """One service for these tests."""
    with serving_claims(tmp_path_factory.mktemp("faults")) as made:
        yield made


def at_desk(store: SqliteStore, act: Callable[[Later], Awaitable[None]]) -> None:
    """Run one coroutine with a desk."""

    async def run() -> None:
        desk = Later(store, lambda _: range(5000, 5010), in_use, asyncio.get_running_loop())
        await act(desk)
        desk.close()

    asyncio.run(run())


def post(path: str, **body: Any) -> Asked:
    """A POST of root on the Unix socket."""
    return Asked("POST", path, "", json.dumps(body).encode(), ME, admitted=True, over_unix=True)


GET_CLAIMS = Asked("GET", "/v1/claims", "", b"", ME, admitted=True)


@contextmanager
def sleeping(*argv: str, user: int | None = None) -> "Iterator[subprocess.Popen[bytes]]":
    """A process that lives until the end of the block."""
    with subprocess.Popen([*argv, "sleep", "600"], user=user) as process:
        try:
            yield process
        finally:
            process.kill()


# Commits that fail.


@pytest.mark.parametrize(
    "broken", [RuntimeError("x"), KeyError("x"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x")]
)
def test_whatever_a_commit_raises_everyone_is_answered(
    store: BrokenStore, broken: Exception
) -> None:
    """Claims and permits of the turn with a fault, a reader with what there is; then it goes on."""

    async def act(desk: Later) -> None:
        got: list[Reply] = []
        shown: list[Reply] = []
        store.broken = broken
        desk.handle(post("/v1/claims", port=7000), got.append)
        desk.handle(post("/v1/sems/s/acquire", limit=1), got.append)
        desk.handle(GET_CLAIMS, shown.append)
        desk.handle(post("/v1/sems/s/acquire", limit=1, wait_ms=5000), got.append)
        await asyncio.sleep(0.02)
        # Who would have waited is told in other words.
        assert [each.status for each in got] == [500, 500, 507]
        assert all("error" in json.loads(each.body) for each in got)
        assert json.loads(shown[0].body) == {"claims": []}
        assert len(desk.queues) == 0
        store.broken = None
        desk.handle(post("/v1/claims", port=7000), got.append)
        await asyncio.sleep(0.02)
        assert got[-1].status == 201

    at_desk(store, act)


def test_a_reader_that_has_gone_takes_no_answer_of_others_with_it(store: BrokenStore) -> None:
    """Its connection breaks as it is told; who comes after it in the turn is told all the same."""

    async def act(desk: Later) -> None:
        noted: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: noted.append(told))
        got: list[Reply] = []

        def fails(_: Reply) -> None:
            raise ConnectionResetError

        desk.handle(post("/v1/claims", port=7000), got.append)
        desk.handle(GET_CLAIMS, fails)
        desk.handle(post("/v1/claims", port=7001), got.append)
        await asyncio.sleep(0.02)
        assert [each.status for each in got] == [201, 201]
        assert isinstance(noted[0]["exception"], ConnectionResetError)
        assert desk.committed == store.last_event()

    at_desk(store, act)


def test_leases_of_the_dead_end_after_a_failed_commit(tmp_path: Path) -> None:
    """The end of a process is told once: where it could not be written, it is looked for again."""
    with serving_claims(tmp_path) as service, sleeping() as owner:
        mine = {"watch_pid": owner.pid}
        claim = service.ask(
            "POST", "/v1/claims", {"port": free_port(), "hold": True, **mine}, unix=True
        ).claim
        permit = {"limit": 1, **mine}
        assert service.ask("POST", "/v1/sems/q/acquire", permit, unix=True).status in (200, 201)
        database = tmp_path / "claims.sqlite"
        away = database.rename(tmp_path / "away")
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        time.sleep(0.5)
        assert service.claim(port=free_port()).status >= 500
        away.rename(database)

        def has_ended() -> bool:
            """By itself: neither of these calls ends anything."""
            shown = service.ask("GET", f"/v1/claims/{claim['id']}").document
            found = service.ask("GET", "/v1/sems").document["semaphores"]
            return shown.get("state") not in ("reserved", "bound", "squatted") and not found

        until(has_ended, 2)
        assert service.claim(port=claim["port"]).status == 201
        assert service.ask("POST", "/v1/sems/q/acquire", {"limit": 1}).status in (200, 201)


# Ends that are seen late.


@pytest.mark.parametrize("seen_by", ["fd", "mark"])
def test_an_end_is_acted_on_by_whoever_sees_it_first(store: BrokenStore, seen_by: str) -> None:
    """POST .../fd, or the look at who listens: the hold is freed, a waiter told, all of it kept."""

    async def act(desk: Later) -> None:
        got: list[Reply] = []
        waited: list[Reply] = []
        port = free_port()
        desk.handle(post("/v1/claims", port=port, hold=True, ttl_ms=60_000), got.append)
        desk.handle(post("/v1/claims", port=free_port(), ttl_ms=600_000), got.append)
        desk.handle(post("/v1/sems/q/acquire", limit=1, ttl_ms=60_000), got.append)
        await asyncio.sleep(0.02)
        wait = {"limit": 1, "ttl_ms": 600_000, "wait_ms": 600_000}
        desk.handle(post("/v1/sems/q/acquire", **wait), waited.append)
        await asyncio.sleep(0.02)
        assert (len(desk.holds), waited) == (1, [])
        first, other = (json.loads(each.body)["claims"][0] for each in got[:2])
        desk.ahead = 61_000
        if seen_by == "fd":
            path = f"/v1/claims/{other['id']}/fd"
            desk.handle(post(path, token=other["token"]), got.append)
        else:
            found = store.claim(other["id"])
            assert found is not None
            desk.mark([found._replace(state="bound", bound=Bound(1, 2))])
        await asyncio.sleep(0.05)
        assert [each.status for each in waited] in ([200], [201])
        assert json.loads(waited[0].body)["permit"]["semaphore"] == "q"
        assert len(desk.holds) == 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", port))
        assert desk.committed == store.last_event()
        kinds = [each.kind for each in desk.events_after(0)]
        assert {"expired", "permit-expired"} <= set(kinds)
        ended = store.claim(first["id"])
        assert ended is not None and ended.state == "expired"

    at_desk(store, act)


# No descriptors left.


class _Line(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=10)
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(path)

    def claim(self, body: dict[str, Any]) -> tuple[int, Any]:
        """POST /v1/claims on this connection."""
        told = {"Content-Type": "application/json"}
        self.request("POST", "/v1/claims", json.dumps(body).encode(), told)
        answer = self.getresponse()
        return answer.status, json.loads(answer.read())


def _limit_for_one_more(pid: int) -> int:
    """The limit of descriptors that leaves room for exactly one more."""
    taken = {int(each) for each in os.listdir(f"/proc/{pid}/fd")}
    free = [number for number in range(max(taken) + 3) if number not in taken]
    return free[0] + 1


def _two_free_ports() -> int:
    while True:
        port = free_port()
        if port < 65535 and in_use("tcp", "*", port) is in_use("tcp", "*", port + 1) is None:
            return port


def test_a_claim_that_could_not_be_held_may_be_asked_for_again(tmp_path: Path) -> None:
    """With the same request_id: nothing was given, so nothing is lost."""
    with serving_claims(tmp_path) as service:
        port = _two_free_ports()
        asked = {"port": port, "count": 2, "contiguous": True, "hold": True, "request_id": "r"}
        line = _Line(service.told["socket"])
        assert line.claim({"port": free_port()})[0] == 201
        soft, hard = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)
        few = _limit_for_one_more(service.pid)
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (few, hard))
        for _ in range(2):
            status, said = line.claim(asked)
            assert (status, said["error"]["code"]) == (409, "in_use"), said
            assert "cannot be held" in said["error"]["message"]
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (soft, hard))
        status, made = line.claim(asked)
        assert status == 201, made
        assert made["claims"][0]["port"] == port
        again, same = line.claim(asked)
        assert (again, same["claims"][0]["token"]) == (201, made["claims"][0]["token"])
        line.close()
        service.kill()
        service.start()
        kept = service.ask("POST", "/v1/claims", asked, unix=True).claim
        assert kept["id"] == made["claims"][0]["id"]


# Requests that come again for something else.


def test_a_request_that_comes_again_is_for_the_same(store: BrokenStore) -> None:
    """Another semaphore or another port is a mistake; what it was given first it is given again."""

    async def act(desk: Later) -> None:
        got: list[Reply] = []
        port, other = free_port(), free_port()
        for each in (port, other, port):
            desk.handle(post("/v1/claims", port=each, request_id="c"), got.append)
        desk.handle(post("/v1/claims", request_id="c"), got.append)
        for name in ("a", "b", "a"):
            desk.handle(post(f"/v1/sems/{name}/acquire", limit=1, request_id="s"), got.append)
        await asyncio.sleep(0.02)
        assert [each.status for each in got[:4]] == [201, 422, 201, 201]
        told = [json.loads(each.body) for each in got]
        assert told[1]["error"]["code"] == told[5]["error"]["code"] == "invalid"
        assert len({told[at]["claims"][0]["token"] for at in (0, 2, 3)}) == 1
        assert got[5].status == 422
        for at in (4, 6):
            del told[at]["permit"]["expires_in_ms"]  # what is left goes on falling
        assert told[4]["permit"] == told[6]["permit"]
        assert [each.name for each in store.semaphores()] == ["a"]
        assert [each.port for each in store.claims()] == [port]

    at_desk(store, act)


# Processes of others.


def _inner(outer: int) -> int:
    """The process that `unshare -f` has started."""
    path = Path(f"/proc/{outer}/task/{outer}/children")
    until(lambda: path.read_text().split())
    return int(path.read_text().split()[0])


def test_our_own_processes_are_near() -> None:
    """This one and a child; one that is no more is not."""
    assert lives.is_near(os.getpid())
    with sleeping() as child:
        assert lives.is_near(child.pid)
    assert not lives.is_near(child.pid)


_NEAR = """
import os, sys
from portbook.host import lives
if len(sys.argv) > 2:
    os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
pids = [int(each) for each in sys.argv[1].split(",")] + [os.getpid()]
print([(lives.namespace_of(each, "pid") is None, lives.is_near(each)) for each in pids])
"""


@pytest.mark.root
@AS_ROOT
def test_processes_of_another_pid_namespace_are_not_near() -> None:
    """Seen by root, and by a user from whom /proc/PID/ns is hidden."""
    with sleeping() as plain, sleeping("unshare", "-pf", "--kill-child") as outer:
        inner = _inner(outer.pid)
        assert lives.is_near(plain.pid)
        assert lives.is_near(outer.pid)
        assert not lives.is_near(inner)
        pids = f"{plain.pid},{outer.pid},{inner}"
        for user, hidden in ((), False), ((str(NOBODY),), True):
            done = subprocess.run(
                [sys.executable, "-c", _NEAR, pids, *user],
                capture_output=True,
                text=True,
                timeout=20,
            )
            assert done.returncode == 0, done.stderr
            want = [(hidden, True), (hidden, True), (hidden, False), (False, True)]
            assert done.stdout.strip() == str(want)


@pytest.mark.root
@AS_ROOT
def test_who_asks_from_another_pid_namespace_names_no_process(service: Claims) -> None:
    """A PID means another process there."""
    program = (
        "import socket, sys\n"
        "link = socket.socket(socket.AF_UNIX)\n"
        "link.connect(sys.argv[1])\n"
        "body = b'{\"watch_pid\": 1}'\n"
        "link.sendall(b'POST /v1/claims HTTP/1.1\\r\\nHost: localhost\\r\\n'\n"
        "    b'Content-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n%s'\n"
        "    % (len(body), body))\n"
        "print(link.recv(65536).decode())\n"
    )
    argv = [sys.executable, "-c", program, service.told["socket"]]
    for prefix, status in ((), "201"), (("unshare", "-pf", "--kill-child"), "422"):
        done = subprocess.run([*prefix, *argv], capture_output=True, text=True, timeout=20)
        assert done.stdout.split()[1] == status, done


@pytest.mark.root
@AS_ROOT
def test_root_gives_a_claim_to_the_user_whose_process_it_is(service: Claims) -> None:
    """The process of another is the new owner with its user; one of root's own stays root's."""
    claim = service.claim(port=free_port(), ttl_ms=60_000).claim
    path = f"/v1/claims/{claim['id']}/transfer"
    with sleeping() as own, sleeping(user=NOBODY) as theirs:
        token = claim["token"]
        for process, uid in ((own, 0), (theirs, NOBODY)):
            asked = {"token": token, "to_pid": process.pid}
            given = service.ask("POST", path, asked, unix=True).document
            assert (given["owner"]["uid"], given["owner"]["pid"]) == (uid, process.pid)
            token = given["token"]
        found = service.ask("GET", f"/v1/claims?owner={NOBODY}").document["claims"]
        assert [each["id"] for each in found] == [claim["id"]]
    until(lambda: service.ask("GET", f"/v1/claims?owner={NOBODY}").document == {"claims": []}, 2)
