"""Hosts of a fleet on one machine: network namespaces with real listeners, and bad links to them.

The engines are in the namespace `centre`; tools/fleet_nets.py makes the namespaces. What listens on
a host is asked of `ss`, which knows nothing of us.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Self

import pytest
from tools.fleet_nets import Nets, missing

_LISTENERS = Path(__file__).parents[2] / "tools" / "fleet_listeners.py"
_ROAD = Path(__file__).parents[2] / "tools" / "traffic_road.py"

Place = tuple[str, str, int]
"""Transport, address, port."""


def require_namespaces() -> None:
    """Skip the test where none can be made."""
    lacking = missing()
    if lacking:
        pytest.skip(f"network namespaces need {', '.join(lacking)}")


def until(true: Callable[[], bool], seconds: float, why: Callable[[], object]) -> float:
    """Wait until something is so; how long that took.

    Raises:
        AssertionError: it is not so in time.
    """
    begun = monotonic()
    while not true():
        assert monotonic() - begun < seconds, why()
        sleep(0.05)
    return monotonic() - begun


class Listeners:
    """A process on a host that opens and closes what it is told, under a name."""

    def __init__(self, inside: list[str], name: str, *places: str) -> None:
        self.process = subprocess.Popen(
            [*inside, sys.executable, str(_LISTENERS), name, *places],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
        )
        self.places = self._answer().split()[1:]

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def _say(self, words: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        said = self._answer()
        assert said and not said.startswith("error"), said
        return said

    def open(self, place: str) -> str:
        """Open `tcp/0.0.0.0/3255`, or a free one with port 0; the place."""
        return self._say(f"open {place}")

    def close(self, place: str) -> None:
        """Close what `open` gave."""
        self._say(f"close {place}")

    def end(self) -> None:
        """Kill it: everything that it listened on goes."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Hosts(Nets):
    """The namespaces, with links that can be cut one by one."""

    _road: "subprocess.Popen[bytes] | None" = None
    _slow = ""

    def __enter__(self) -> Self:
        require_namespaces()
        super().__enter__()
        self._nft("add table inet cut", *(f"add chain inet cut {each}" for each in _CHAINS))
        return self

    def truth(self, host: str) -> set[Place]:
        """What listens there, TCP and UDP, by `ss`."""
        shown = subprocess.run(
            [*self.inside(host), "ss", "-HOtuln"], capture_output=True, text=True, check=True
        ).stdout
        found = set()
        for line in shown.splitlines():
            transport, _, _, _, local, *_ = line.split()
            address, _, port = local.rpartition(":")
            found.add((transport, address.strip("[]"), int(port)))
        return found

    def drop(self, host: str, *, outgoing: bool = True, incoming: bool = True) -> None:
        """Lose what the host sends, what is sent to it, or both; nobody is told."""
        rules = []
        if outgoing:
            rules.append(f"add rule inet cut from_hosts iifname {self.link(host)} drop")
        if incoming:
            rules.append(f"add rule inet cut to_hosts oifname {self.link(host)} drop")
        self._nft(*rules)

    def pull(self, host: str) -> None:
        """Pull the plug of its link."""
        self.ip("centre", f"link set {self.link(host)} down")

    def mend(self, *hosts: str) -> None:
        """All links work again; those of `hosts` were pulled."""
        self._nft("flush table inet cut")
        for host in hosts:
            self.ip("centre", f"link set {self.link(host)} up")

    def slow(self, host: str, *, delay: float, jitter: float, loss: float) -> None:
        """From now on its packets, both ways, are late, out of order, or lost.

        The kernel's netem does the same; kernels without it are many, so it is done by a process.
        """
        pids = str(self.pids[host]), str(self.pids["centre"])
        options = (str(delay), str(jitter), str(loss))
        self._road = subprocess.Popen(
            [sys.executable, str(_ROAD), *pids, options[2], *options[:2]], stdout=subprocess.PIPE
        )
        assert self._road.stdout is not None
        assert self._road.stdout.readline(), "the slow road did not open"
        self._slow = host
        mine = self.address(host)
        self.ip(host, "link set road up", f"route replace default dev road src {mine}")
        self.ip("centre", "link set road up", f"route add {mine}/32 dev road src {self.centre}")

    def fast(self) -> None:
        """End what `slow` began."""
        if self._road is None:
            return
        via = self.address(self._slow).rpartition(".")
        self._road.kill()
        self._road.wait()
        assert self._road.stdout is not None
        self._road.stdout.close()
        self._road = None
        # Its devices went with it, and their routes.
        self.ip(self._slow, f"route replace default via {via[0]}.{int(via[2]) - 1}")

    def _nft(self, *commands: str) -> None:
        subprocess.run(
            [*self.inside("centre"), "nft", "-f", "-"],
            input="\n".join(commands),
            text=True,
            check=True,
        )

    def close(self) -> None:
        """End them."""
        self.fast()
        super().close()


_CHAINS = (
    "from_hosts { type filter hook input priority 0; }",
    "to_hosts { type filter hook output priority 0; }",
)
