"""Run inside the namespaces of systemd_boot.sh: do one thing, print the answer as JSON.

The arguments: the user id to become first, the command, its arguments as a JSON object.
"""

import ctypes
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import time
from typing import Any

import portbook
from portbook.host import Host
from portbook.model import PortbookError, Socket, plain
from portbook.owners import owners_of
from portbook.owners.activation import activation_of, activations_of
from portbook.owners.cgroups import paths_of
from portbook.owners.systemd import stop_unit, unit_facts_of, units_of
from portbook.sockets import read_table

HOST = Host()
PR_SET_DUMPABLE = 4


def _sockets(port: int) -> list[Socket]:
    return [row for row in read_table(HOST).sockets if row.port == port and row.state == "listen"]


def units(**named: Any) -> Any:
    """What systemd says of some units, and how long the answer took."""
    start = time.perf_counter()
    answer = units_of(HOST, **named)
    return {"units": plain(answer), "took": time.perf_counter() - start}


def listener(port: int) -> Any:
    """The socket on a port: its cgroup's path, owners, their units, and the activation."""
    found = _sockets(port)
    owners = owners_of(HOST, found)
    ids = [row.cgroup for row in found if isinstance(row.cgroup, int)]
    return {
        "paths": list(paths_of(HOST, ids).values()),
        "owners": [plain([owner.unit for owner in each]) for each in owners],
        "facts": plain(unit_facts_of(HOST, list(zip(found, owners, strict=True)))),
        "activations": plain(activations_of(HOST, found)),
    }


def activation(**named: Any) -> Any:
    """The service behind a socket unit."""
    return plain(activation_of(HOST, **named))


def connect(port: int) -> Any:
    """Connect and say something, so that the service is started; wait until it is."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"anybody there?\n")
        if port == 7008:
            return client.recv(100).decode()
        for _ in range(200):
            if activation_of(HOST, "echo.socket").running is True:
                return True
            time.sleep(0.05)
    return False


def kill(port: int) -> Any:
    """Kill the process that listens on a port."""
    ((owner,),) = owners_of(HOST, _sockets(port))
    assert isinstance(owner.pid, int)
    os.kill(owner.pid, signal.SIGKILL)


def stop(**named: Any) -> Any:
    """Stop a unit; an error as its class and text."""
    try:
        return stop_unit(HOST, **named)
    except PortbookError as error:
        return [type(error).__name__, str(error), error.hint]


def ready() -> Any:
    """Whether the bus answers and every server is up."""
    facts = units_of(HOST, ["web.service"])["web.service"]
    up = [bool(_sockets(port)) for port in (7007, 7008, 8099, 8098)]
    return {"facts": plain(facts), "up": up}


def main() -> None:
    """Do what the arguments say."""
    uid, name, arguments = sys.argv[1:]
    # The files may be out of reach once privileges are dropped.
    for module in pkgutil.walk_packages(portbook.__path__, "portbook."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    if uid != "0":
        os.setgroups([])
        os.setresgid(*[int(uid)] * 3)
        os.setresuid(*[int(uid)] * 3)
        # As after a real login, our own /proc entries stay readable.
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    print(json.dumps(globals()[name](**json.loads(arguments))))


main()
