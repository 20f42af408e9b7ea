"""Network namespaces for a fleet on one machine: one for the engines, one for each host.

    this machine --- centre (engines, at one address) --- host, host, ...

Every link is a veth pair with a network of its own; hosts reach the centre alone. Networks are of
198.18.0.0/15, which nobody uses (RFC 2544), and nothing else of this machine's network is touched.
A namespace lives in a process that dies with its parent; `ip netns exec NAME` works where they are
given names.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Sequence

from tools.staged import Staged

NEEDED = ("ip", "nsenter", "setpriv", "unshare")
MOST_HOSTS = 60


def missing() -> list[str]:
    """What is needed and not there: programs, or root."""
    found = [program for program in NEEDED if shutil.which(program) is None]
    return found if os.geteuid() == 0 else ["root", *found]


class Nets(Staged):
    """The namespaces, while the context is open."""

    def __init__(self, hosts: Sequence[str], *, names: str | None = None) -> None:
        """One for each of `hosts`; `names` is put before their names for `ip netns`."""
        if len(hosts) > MOST_HOSTS:
            raise ValueError(f"{len(hosts)} hosts: {MOST_HOSTS} at most")
        self.hosts = tuple(hosts)
        self.names = names
        self.prefix = ""
        self.pids: dict[str, int] = {}
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def centre(self) -> str:
        """The address at which hosts and this machine reach what runs in `centre`."""
        return f"{self.prefix}.1"

    def address(self, host: str) -> str:
        """That of a host on its link."""
        return f"{self.prefix}.{self._base(host) + 2}"

    def link(self, host: str) -> str:
        """The device of a host's link in `centre`; within the host it is `wire`."""
        return f"to{self.hosts.index(host)}"

    def inside(self, where: str) -> list[str]:
        """What is put before a command line to run it in a namespace."""
        return ["nsenter", f"--net=/proc/{self.pids[where]}/ns/net", "--"]

    def ip(self, where: str, *commands: str) -> None:
        """Run `ip` commands in a namespace, "" is this machine's own.

        Raises:
            subprocess.CalledProcessError: one of them failed.
        """
        argv = [*(self.inside(where) if where else ()), "ip", "-batch", "-"]
        subprocess.run(argv, input="\n".join(commands).encode(), check=True)

    def _build(self) -> None:
        for where in ("centre", *self.hosts):
            argv = ["unshare", "--net", "setpriv", "--pdeathsig", "KILL", "sleep", "infinity"]
            # A session of its own: Ctrl-C is for who made them.
            self._processes.append(subprocess.Popen(argv, start_new_session=True))
            self.pids[where] = self._processes[-1].pid
        self._wait()
        self.prefix = _unused()
        device = f"pb{self.pids['centre']}"
        self.ip(
            "",
            f"link add {device} type veth peer name machine netns {self.pids['centre']}",
            f"addr add {self.prefix}.5/30 dev {device}",
            f"link set {device} up",
        )
        self.ip("centre", "link set lo up", f"addr add {self.centre}/32 dev lo")
        self.ip("centre", f"addr add {self.prefix}.6/30 dev machine", "link set machine up")
        self.ip("", f"route add {self.centre}/32 via {self.prefix}.6")
        for host in self.hosts:
            base, link = self._base(host), self.link(host)
            self.ip(
                "centre",
                f"link add {link} type veth peer name wire netns {self.pids[host]}",
                f"addr add {self.prefix}.{base + 1}/30 dev {link}",
                f"link set {link} up",
            )
            self.ip(
                host,
                "link set lo up",
                f"addr add {self.address(host)}/30 dev wire",
                "link set wire up",
                f"route add default via {self.prefix}.{base + 1}",
            )
            if self.names is not None:
                name, pid = f"{self.names}{host}", str(self.pids[host])
                subprocess.run(["ip", "netns", "attach", name, pid], check=True)

    def _base(self, host: str) -> int:
        return 8 + 4 * self.hosts.index(host)

    def _wait(self) -> None:
        own = os.readlink("/proc/self/ns/net")
        until = time.monotonic() + 10
        for pid in self.pids.values():
            while os.readlink(f"/proc/{pid}/ns/net") == own:
                if time.monotonic() > until:
                    raise TimeoutError("no network namespace was made")
                time.sleep(0.01)

    def close(self) -> None:
        """End the namespaces; what runs in them keeps its own until it ends."""
        for host in self.hosts if self.names is not None else ():
            remove_name(f"{self.names}{host}")
        if "centre" in self.pids:
            # At once, not when the kernel gets to the last of its namespace.
            device = f"pb{self.pids['centre']}"
            subprocess.run(["ip", "link", "del", device], stderr=subprocess.DEVNULL, check=False)
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()


def remove_name(name: str) -> None:
    """Take a name of `ip netns` away, if it is there."""
    if os.path.exists(f"/run/netns/{name}"):
        with contextlib.suppress(OSError):
            subprocess.run(["ip", "netns", "del", name], check=False)


def _unused() -> str:
    shown = subprocess.run(["ip", "-o", "route", "show"], capture_output=True, check=True).stdout
    for number in range(256):
        prefix = f"198.18.{number}"
        if f"{prefix}.".encode() not in shown:
            return prefix
    raise OSError("no network of 198.18.0.0/16 is unused here")
