"""Network namespaces for one corpus: our host, the world around it, a bad road; and what is seen.

A namespace lives in a process that dies with its parent, and everything else is ended when the
stage is left; make_traffic.py puts all of it into a process namespace besides. Nothing touches the
host's own network.

    far (10.65.0.0/16) --bad road-- world (10.64.0.0/16, 2001:db8:64::/64) --wire-- ours

Every visitor has a source address of its own. A program that cannot be told one runs as a user of
its own, whose packets are routed with that source.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import IO

from tools.staged import Staged

TARGET = "198.51.100.10"
TARGETS = "198.51.100.8/29"
"""Our host answers at its own address and at every other of this network."""
TARGET6 = "2001:db8:1::10"
GONE6 = "2001:db8:1::66"
"""An address of ours that nothing answers at: the road drops what is sent there."""
OURS = (TARGETS, "2001:db8:1::/64")
_WORLD, _WORLD6 = "198.51.100.1", "2001:db8:1::1"
_FIRST_USER = 3_000_000
_NEEDED = ("ip", "nsenter", "setpriv", "unshare", "tcpdump", "sysctl")


class Stage(Staged):
    """The namespaces, while the context is open. `folder` is where programs may leave files."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="portbook-traffic-")
        os.chmod(self.folder, 0o755)
        self.empty = os.path.join(self.folder, "empty")
        with open(self.empty, "w"):
            pass
        self.mac = ""
        self.lost = 0
        self._pids: dict[str, int] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._used = dict.fromkeys(("near", "far", "six", "stack"), 0)

    def _build(self) -> None:
        for name in ("ours", "world", "far"):
            argv = ["unshare", "--net", "setpriv", "--pdeathsig", "KILL", "sleep", "infinity"]
            self._pids[name] = self._keep(subprocess.Popen(argv)).pid
        self._wait_for_namespaces()
        ours = self._pids["ours"]
        self.ip("world", f"link add wire type veth peer name wire netns {ours}")
        self.ip("world", "link set lo up", "link set wire up", f"addr add {_WORLD}/24 dev wire")
        self.ip("world", f"addr add {_WORLD6}/64 dev wire nodad")
        self.ip("world", "route add local 10.64.0.0/16 dev lo")
        # Another stack than the kernel's answers there: traffic_stacks.py.
        self.ip("world", "route add blackhole 10.67.0.0/16")
        self.ip("ours", "link set lo up", "link set wire up", f"addr add {TARGET}/24 dev wire")
        self.ip("ours", f"addr add {TARGET6}/64 dev wire nodad", f"route add default via {_WORLD}")
        self.ip("ours", f"-6 route add default via {_WORLD6}")
        self.ip("ours", f"route add local {TARGETS} dev lo")
        self.set("ours", "net.core.somaxconn=4096", "net.ipv4.tcp_max_syn_backlog=4096")
        self.set("world", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0")
        self.mac = self._address_of("ours")
        # Both know the other's link address before the first packet: no wait for ARP.
        self.ip("world", f"neigh replace {TARGET} lladdr {self.mac} dev wire")
        self.ip("world", f"neigh replace {TARGET6} lladdr {self.mac} dev wire")
        self.ip("world", f"neigh replace {GONE6} lladdr 02:00:00:00:00:66 dev wire")
        world = self._address_of("world")
        self.ip("ours", f"neigh replace {_WORLD} lladdr {world} dev wire")
        self.ip("ours", f"neigh replace {_WORLD6} lladdr {world} dev wire")

    def _wait_for_namespaces(self) -> None:
        own = os.readlink("/proc/self/ns/net")
        until = time.monotonic() + 10
        for pid in self._pids.values():
            while os.readlink(f"/proc/{pid}/ns/net") == own:
                if time.monotonic() > until:
                    raise TimeoutError("no network namespace was made")
                time.sleep(0.01)

    def bad_road(self, loss: float, delay: float, jitter: float) -> None:
        """Open the road from `far`: both ways it loses, delays and reorders packets."""
        script = os.path.join(os.path.dirname(__file__), "traffic_road.py")
        pids = [str(self._pids["far"]), str(self._pids["world"])]
        self._keep(
            subprocess.Popen(
                [sys.executable, script, *pids, str(loss), str(delay), str(jitter)],
                stdout=subprocess.PIPE,
            )
        )
        road = self._processes[-1].stdout
        assert road
        if not road.readline():
            raise OSError("the bad road did not open")
        self.ip("far", "link set lo up", "link set road up", "addr add 10.66.0.2/30 dev road")
        self.ip("far", "route add default dev road", "route add local 10.65.0.0/16 dev lo")
        self.ip("world", "link set road up", "addr add 10.66.0.1/30 dev road")
        self.ip("world", "route add 10.65.0.0/16 dev road")

    def ip(self, where: str, *commands: str) -> None:
        """Run `ip` commands in a namespace.

        Raises:
            subprocess.CalledProcessError: one of them failed.
        """
        for six in (False, True):
            wanted = [
                each.removeprefix("-6 ") for each in commands if each.startswith("-6 ") == six
            ]
            if wanted:
                argv = self.argv(where, ["ip", *(["-6"] if six else []), "-batch", "-"])
                subprocess.run(argv, input="\n".join(wanted).encode(), check=True)

    def set(self, where: str, *settings: str) -> None:
        """Set kernel parameters of a namespace; one that this kernel lacks is left."""
        subprocess.run(self.argv(where, ["sysctl", "-q", "-e", "-w", *settings]), check=False)

    def argv(self, where: str, argv: Sequence[str], user: int | None = None) -> list[str]:
        """A command line that runs in a namespace, as a user where one is given."""
        inside = ["nsenter", f"--net=/proc/{self._pids[where]}/ns/net", "--"]
        if user is not None:
            inside += ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"]
        return [*inside, *argv]

    def start(
        self,
        where: str,
        argv: Sequence[str],
        *,
        user: int | None = None,
        output: IO[bytes] | int = subprocess.DEVNULL,
        folder: str | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program in a namespace; it is ended with the stage."""
        home = folder or self.folder
        return self._keep(
            subprocess.Popen(
                self.argv(where, argv, user),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=home,
                env={**os.environ, "HOME": home, "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            )
        )

    def sources(self, road: str, number: int) -> list[str]:
        """The next addresses that nobody used yet, of a road (see tools/traffic_visit.py)."""
        first = self._used[road] + 1
        self._used[road] += number
        if road == "six":
            made = [f"2001:db8:64::{i:x}" for i in range(first, first + number)]
            self.ip("world", *(f"-6 addr add {each}/128 dev lo nodad" for each in made))
            return made
        net = {"near": 64, "far": 65, "stack": 67}[road]
        return [f"10.{net}.{1 + i // 250}.{1 + i % 250}" for i in range(first, first + number)]

    def users(self, road: str, addresses: Sequence[Sequence[str]]) -> list[int]:
        """A user for each group of addresses: what it runs comes from the one of the family."""
        users = []
        commands = []
        device = "road" if road == "far" else "wire"
        for group in addresses:
            user = _FIRST_USER + _number(group[0])
            users.append(user)
            for address in group:
                rule = f"rule add uidrange {user}-{user} lookup {user}"
                if ":" in address:
                    way = f"2001:db8:1::/64 dev wire src {address}"
                    commands += [f"-6 {rule}", f"-6 route add {way} table {user}"]
                else:
                    way = f"198.51.100.0/24 dev {device} src {address}"
                    commands += [rule, f"route add {way} table {user}"]
        self.ip("far" if road == "far" else "world", *commands)
        return users

    @contextlib.contextmanager
    def capture(self, path: str) -> Iterator[None]:
        """Capture what our host sends and receives, until the context is left."""
        big = ["-U", "-B", "65536", "-s", "0", "-Z", "root"]
        argv = ["tcpdump", "-i", "wire", "-n", *big, "-w", path, "ip or ip6"]
        with open(os.path.join(self.folder, "tcpdump"), "wb") as said:
            process = self.start("ours", argv, output=said)
        until = time.monotonic() + 10
        while not os.path.exists(path) or os.path.getsize(path) < 24:
            if time.monotonic() > until or process.poll() is not None:
                raise OSError("tcpdump does not capture")
            time.sleep(0.02)
        try:
            yield
        finally:
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
            with open(os.path.join(self.folder, "tcpdump")) as said:
                lost = [line.split()[0] for line in said if "dropped by kernel" in line]
            self.lost = int(lost[0]) if lost else 0

    def _address_of(self, where: str) -> str:
        argv = self.argv(where, ["ip", "-o", "link", "show", "wire"])
        shown = subprocess.run(argv, capture_output=True, check=True).stdout.decode()
        return shown.partition("link/ether ")[2].split()[0]

    def _keep(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End everything that was started here and remove its files."""
        for process in reversed(self._processes):
            with contextlib.suppress(OSError):
                if os.getpgid(process.pid) == process.pid:
                    os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def missing() -> list[str]:
    """The programs that a stage needs and that are not there."""
    return [program for program in _NEEDED if shutil.which(program) is None]


def _number(address: str) -> int:
    if ":" in address:
        return 0x40000 + int(address.rpartition(":")[2], 16)
    parts = [int(part) for part in address.split(".")]
    return (parts[1] - 64) * 0x10000 + parts[2] * 256 + parts[3]
