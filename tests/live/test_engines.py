"""Container engines that really answer: a server process on a Unix socket, and Podman itself."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.stage import NOBODY, holding, port_of, rows
from portbook.host import Host
from portbook.host.local_http import exchange
from portbook.model import EnvironmentFault, Gap, NotPermitted
from portbook.owners.contained import Contained, Engines
from portbook.owners.docker_proxy import proxied_container
from portbook.owners.engine_api import stop_container
from portbook.owners.engines import container_of, engines_of
from portbook.owners.published import missing_listeners, published_on

pytestmark = pytest.mark.live

REPLIES = Path(__file__).parent.parent / "replies" / "engines"
SCRIPT = Path(__file__).parent / "servers" / "engine.py"
ID = "4ce1f0d2b7a98c3e5f6071829304a5b6c7d8e9f00112233445566778899aabbc"


@pytest.fixture(autouse=True)
def _only_this_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No context and no variable of the user leads to another engine."""
    for name in ("CONTAINER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


class Engine(NamedTuple):
    """A running server process and the requests that it has seen when it ended."""

    process: "subprocess.Popen[str]"
    api: str

    def requests(self) -> list[str]:
        """End it and tell what it was asked."""
        return self.process.communicate()[0].splitlines()


@contextmanager
def engine(mode: str, *, tcp: bool = False) -> Iterator[Engine]:
    """An engine of that kind, in a folder with a short name (a socket's has 107 bytes at most)."""
    with tempfile.TemporaryDirectory(prefix="pb") as folder:
        address = "tcp" if tcp else f"{folder}/e.sock"
        with subprocess.Popen(
            [sys.executable, SCRIPT, address, mode, REPLIES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            made = Engine(process, process.stdout.readline().strip())
            os.chmod(folder, 0o711)  # noqa: S103 - another user may come in and meet the socket
            yield made
            if process.stdin and not process.stdin.closed:
                process.communicate()


def asked(
    monkeypatch: pytest.MonkeyPatch, api: str, deadline: float = 1.0
) -> tuple[list[Contained], list[Gap], float]:
    """The containers and gaps of the engine at `api`, and the seconds that it took."""
    monkeypatch.setenv("DOCKER_HOST", api)
    begun = time.monotonic()
    engines = engines_of(Host(), deadline=deadline)
    took = time.monotonic() - begun
    mine = [each for each in engines.containers if each.api == api]
    return mine, [gap for gap in engines.gaps if api in gap.why], took


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "loopback"])
def test_docker_is_asked_once_and_only_read(monkeypatch: pytest.MonkeyPatch, *, tcp: bool) -> None:
    """One request tells everything, over a Unix socket or loopback."""
    with engine("docker", tcp=tcp) as made:
        found, gaps, _ = asked(monkeypatch, made.api)
        names = {"shop-web-1", "shop-db-1", "dns", "metrics", "sidecar"}
        assert {each.name for each in found} == names
        assert {each.engine for each in found} == {"docker"}
        assert gaps == []
        assert made.requests() == ["GET /containers/json HTTP/1.1"]


def test_podman_is_asked_for_what_its_list_leaves_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says by its Server header that it is Podman, whatever the socket is called."""
    with engine("podman") as made:
        found, gaps, _ = asked(monkeypatch, made.api)
        assert {each.name: each.host_network for each in found} == {
            "pages": False,
            "quiet": True,
            "rootless": False,
        }
        assert {each.engine for each in found} == {"podman"}
        assert gaps == []
        requests = made.requests()
        assert len(requests) == 3
        assert all(line.startswith("GET ") for line in requests)


def test_a_chunked_answer_is_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines send long lists so."""
    with engine("chunked") as made:
        found, gaps, _ = asked(monkeypatch, made.api)
        assert (len(found), gaps) == (5, [])


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("hang", "no answer within"),
        ("drip", "no answer within"),
        ("drip-headers", "no answer within"),
        ("continue", "too long an answer"),
        ("huge", "too long an answer"),
        ("huge-chunks", "too long an answer"),
        ("garbage", "no HTTP"),
        ("not-json", "no JSON"),
        ("not-a-list", "no list"),
        ("odd-list", "4 entries"),
        ("deep", "no JSON"),
        ("many", "entries"),
        ("cut-off", "cut off"),
        ("cut-off-chunks", "no HTTP"),
        ("half-json", "no JSON"),
        ("negative-chunk", ""),
        ("closes", ""),
        ("denies", "permission denied"),
        ("not-found", "answered 404"),
        ("broken", "answered 500"),
        ("redirects", "answered 302"),
        ("never", "no answer within"),
    ],
)
def test_an_engine_that_misbehaves_is_a_gap_in_time(
    monkeypatch: pytest.MonkeyPatch, mode: str, says: str
) -> None:
    """Whatever it does, within the second that one source may add, and nothing is made up."""
    with engine(mode) as made:
        found, gaps, took = asked(monkeypatch, made.api)
        assert found == []
        (gap,) = gaps
        assert says in gap.why
        assert "\n" not in gap.why
        assert took < 1.3  # the second, and the slack of a loaded machine


def test_one_engine_that_hangs_takes_no_time_from_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are asked at the same time."""
    with engine("hang") as bad, engine("podman") as good:
        monkeypatch.setenv("CONTAINER_HOST", good.api)
        _, gaps, took = asked(monkeypatch, bad.api)
        assert len(gaps) == 1
        engines = engines_of(Host())
        assert "pages" in {each.name for each in engines.containers}
        assert took < 1.3


def test_a_socket_that_nobody_serves_any_more_is_no_gap(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The engine does not run, so it has no containers; a socket that is not there is the same."""
    path = str(tmp_path / "e.sock")[-100:]
    monkeypatch.chdir("/")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    for api in (f"unix://{path}", f"unix://{path}.not-there", "tcp://127.0.0.1:1"):
        assert asked(monkeypatch, api)[:2] == ([], [])


@pytest.mark.root
def test_a_socket_that_we_may_not_use_is_a_gap_with_its_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As for a user outside of the group docker: named, and not taken for an empty engine."""
    with engine("docker") as made:
        os.chmod(made.api.removeprefix("unix://"), 0o600)
        assert len(asked(monkeypatch, made.api)[0]) == 5
        os.seteuid(NOBODY)
        try:
            found, (gap,), _ = asked(monkeypatch, made.api)
        finally:
            os.seteuid(0)
        assert found == []
        assert gap.why.endswith("permission denied")
        assert "root" in str(gap.hint)


def test_a_full_queue_is_waited_for_and_then_given_up() -> None:
    """A Unix socket says so at once, where TCP would let us wait."""
    with tempfile.TemporaryDirectory(prefix="pb") as folder, socket.socket(socket.AF_UNIX) as busy:
        busy.bind(f"{folder}/e.sock")
        busy.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(f"{folder}/e.sock")
            begun = time.monotonic()
            with pytest.raises(TimeoutError):
                exchange(f"{folder}/e.sock", "GET", "/", until=begun + 0.2)
            assert 0.2 <= time.monotonic() - begun < 0.5


HTTP = st.sampled_from(
    [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 204 x\r\n", b"\r\n", b"Transfer-Encoding: chunked\r\n",
     b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"5\r\n[]   \r\n", b"0\r\n", b"fffff\r\n"]
)  # fmt: skip


@given(st.lists(st.binary(max_size=20) | HTTP, max_size=10).map(b"".join))
def test_any_bytes_of_a_server_are_an_answer_or_a_known_error(data: bytes) -> None:
    """Whatever comes before it hangs up."""

    def serve() -> None:
        with listener.accept()[0] as peer:
            peer.recv(4096)
            peer.sendall(data)

    listener = socket.socket(socket.AF_UNIX)
    with tempfile.TemporaryDirectory(prefix="pb") as folder, listener:
        listener.bind(f"{folder}/e.sock")
        listener.listen(1)
        thread = threading.Thread(target=serve)
        thread.start()
        begun = time.monotonic()
        with suppress(OSError, ValueError):
            reply = exchange(f"{folder}/e.sock", "GET", "/", until=begun + 5)
            assert len(reply.body) <= len(data)
        assert time.monotonic() - begun < 5
        thread.join()


def test_stopping_a_container_is_one_post() -> None:
    """To the engine that knows it, by its whole id."""
    with engine("docker") as made:
        known = Engines((Contained("docker", ID, "web", api=made.api),), ())
        stop_container(known, ID[:12])
        assert made.requests() == [f"POST /containers/{ID}/stop HTTP/1.1"]


@pytest.mark.parametrize(
    ("mode", "error"),
    [("denies", NotPermitted), ("broken", EnvironmentFault), ("hang", EnvironmentFault),
     ("closes", EnvironmentFault), ("garbage", EnvironmentFault)],
)  # fmt: skip
def test_an_engine_that_does_not_stop_a_container_is_an_error(
    mode: str, error: type[Exception]
) -> None:
    """One line that names the container."""
    with engine(mode) as made:
        known = Engines((Contained("docker", ID, "web", api=made.api),), ())
        with pytest.raises(error, match="web"):
            stop_container(known, ID, deadline=0.3)


# From here on: a real Podman with real containers, in a mount namespace of its own, which
# gets a plain cgroup v2 tree. Only networks that leave the host's alone are used.

PODMAN = """
set -e
mount --make-rprivate /
umount -R -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup
P="podman --root $1/root --runroot $1/run --tmpdir $1/tmp --storage-driver vfs"
P="$P --cgroup-manager cgroupfs --events-backend file --log-level error"
R="$P run -d --privileged --ulimit nofile=1024:1024 --ulimit nproc=1000:1000 --pids-limit=0"
R="$R --cgroup-parent $3 --stop-timeout 1"
SERVE="--rootfs $1/fs /bin/busybox httpd -f"
$R --name own --network host $SERVE -p 127.0.0.1:$2 >&2
LABEL="--label com.docker.compose.project=shop --label com.docker.compose.service=pages"
KIT="slirp4netns:port_handler=rootlesskit"
$R --name kit $LABEL --network $KIT -p 127.0.0.1::80 $SERVE >&2
$R --name slirp --network slirp4netns:port_handler=slirp4netns -p 127.0.0.1::80 $SERVE >&2
$P system service -t 0 unix://$1/e.sock >&2 &
service=$!
while ! [ -S $1/e.sock ]; do sleep 0.05; done
echo ready
read hangup || true
kill $service || true
$P rm -fa -t 0 >&2
for try in 1 2 3 4 5; do
    find /sys/fs/cgroup$3 -depth -type d -exec rmdir {} + 2>/dev/null && break || sleep 0.1
done
"""


@pytest.fixture(scope="module")
def podman() -> Iterator[tuple[str, int]]:
    """Where a real Podman answers that runs `own`, `kit` and `slirp`, and the port of `own`."""
    busybox = shutil.which("busybox")
    tools = [name for name in ("podman", "slirp4netns", "unshare") if not shutil.which(name)]
    if os.geteuid() != 0 or tools or not busybox:
        pytest.skip(f"needs root, busybox and {', '.join(tools) or 'podman'}")
    folder = tempfile.mkdtemp(prefix="pb")
    for name in ("bin", "proc", "sys", "dev", "etc", "tmp", "run"):
        os.makedirs(f"{folder}/fs/{name}")
    shutil.copy(busybox, f"{folder}/fs/bin/busybox")
    group = f"/{os.path.basename(folder)}"
    with holding() as free:
        port = port_of(free)
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", PODMAN, "sh", folder, str(port), group],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        try:
            if process.stdout.readline() != "ready\n":
                complaints.seek(0)
                pytest.skip(f"Podman cannot run here: {complaints.read()[-300:]}")
            yield f"unix://{folder}/e.sock", port
        finally:
            try:
                process.communicate("\n", timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
            shutil.rmtree(folder, ignore_errors=True)


def test_real_podman_tells_its_containers(
    podman: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, the compose project, published ports, the host's network, the process."""
    found, gaps, took = asked(monkeypatch, podman[0])
    assert gaps == []
    by_name = {each.name: each for each in found}
    assert set(by_name) == {"own", "kit", "slirp"}
    assert by_name["own"].host_network is True
    assert (by_name["kit"].project, by_name["kit"].service) == ("shop", "pages")
    assert by_name["kit"].host_network is False
    assert [(each.host_ip, each.container_port) for each in by_name["kit"].ports] == [
        ("127.0.0.1", 80)
    ]
    assert isinstance(by_name["own"].pid, int)
    assert took < 1.3


def test_a_real_host_network_container_is_found_by_its_cgroup_once(
    podman: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its socket is an ordinary one of the host: one row, no proxy, no published port."""
    monkeypatch.setenv("DOCKER_HOST", podman[0])
    engines = engines_of(Host())
    (row,) = rows(podman[1])
    (owner,) = row.owners
    assert proxied_container(owner, row.socket, engines) is None
    found = container_of(owner, engines)
    assert found is not None
    assert (found.engine, found.name, found.how) == ("podman", "own", "cgroup")
    assert found.container_port is None
    assert published_on(podman[1], "tcp", None, engines) == []


@pytest.mark.parametrize(("name", "program"), [("kit", "rootlessport"), ("slirp", "slirp4netns")])
def test_a_real_proxy_leads_to_its_container(
    podman: tuple[str, int], monkeypatch: pytest.MonkeyPatch, name: str, program: str
) -> None:
    """Podman's port forwarders, as they are."""
    monkeypatch.setenv("DOCKER_HOST", podman[0])
    engines = engines_of(Host())
    container = next(each for each in engines.containers if each.name == name)
    (port,) = container.ports
    (row,) = rows(port.host_port)
    assert program in {owner.name for owner in row.owners}
    for owner in row.owners:
        found = proxied_container(owner, row.socket, engines)
        assert found == container.matched("proxy", 80)
    missing = missing_listeners(engines, [row.socket])
    assert port.host_port not in {each.port.host_port for each in missing}
    assert published_on(port.host_port, "tcp", "127.0.0.1", engines) == [
        container.matched("published", 80)
    ]


def test_a_real_container_is_stopped_by_its_engine(
    podman: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one, for it is gone then: its proxy stops listening and the engine forgets it."""
    monkeypatch.setenv("DOCKER_HOST", podman[0])
    engines = engines_of(Host())
    slirp = next(each for each in engines.containers if each.name == "slirp")
    stop_container(engines, slirp.id)
    assert "slirp" not in {each.name for each in engines_of(Host()).containers}
    assert rows(slirp.ports[0].host_port) == []
