"""Record a host as a folder that `portbook --root` can answer from: tools/record_host.py DIR.

What is recorded: the kernel's socket tables (text, and the raw sock_diag answers), the settings
about ports, and of every process that holds a socket, and of its ancestors, the files that say
who it is. What is redacted: the host's name, user names below /home, every argument that looks
like a secret, peers' addresses are left out with their connections. Read what it wrote before
you publish it.
"""

import argparse
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from portbook.host import Host
from portbook.model import Socket
from portbook.owners import owners_of
from portbook.owners.activation import SYSTEM_FOLDERS
from portbook.owners.cgroups import mount_point, path_of_process, paths_of
from portbook.owners.processes import Processes
from portbook.sockets import read_table
from portbook.sockets.inet_diag import BOUND_INACTIVE, CLOSE, LISTEN

SETTINGS = ("ip_local_port_range", "ip_local_reserved_ports", "ip_unprivileged_port_start")
DUMPS = ((6, 1 << LISTEN | 1 << BOUND_INACTIVE), (17, 1 << CLOSE))
FAMILIES = (2, 10)
PROCESS_FILES = ("stat", "status", "cmdline", "comm")
_SECRET = re.compile(rb"(?i)(pass(?:word|wd)?|token|secret|key|auth)([=:])[^\0]+")
_HOME = re.compile(rb"/(?:home/[^/\0\s]+|root)(?=[/\0\s]|$)")


def redact(data: bytes) -> bytes:
    """Paths of people's homes and values of arguments that look secret, replaced."""
    return _HOME.sub(b"/home/user", _SECRET.sub(rb"\1\2REDACTED", data))


class Recorder:
    """Copies single facts of the live host below `target`."""

    def __init__(self, target: Path, name: str) -> None:
        self.host = Host()
        self.target = target
        self.name = name
        self.inodes: dict[str, int] = {}
        self.links: dict[str, str] = {}

    def write(self, path: str, data: bytes) -> None:
        """One file below the target."""
        file = self.target / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def copy(self, path: str) -> None:
        """One file of the host, redacted; what cannot be read is left out."""
        try:
            self.write(path, redact(self.host.read(path)))
        except OSError as error:
            print(f"left out: {path}: {error.strerror}", file=sys.stderr)

    def link(self, path: str) -> bool:
        """One symbolic link of the host, redacted; False where it may not be read."""
        try:
            self.links[path] = os.fsdecode(redact(os.fsencode(self.host.link(path))))
        except PermissionError:
            return False
        except OSError:
            pass
        return True

    def inode(self, path: str) -> None:
        """An inode number, which a copy cannot keep."""
        try:
            self.inodes[path] = self.host.inode(path)
        except OSError as error:
            print(f"left out: inode of {path}: {error.strerror}", file=sys.stderr)


def listeners_only(text: bytes) -> bytes:
    """/proc/net/tcp without the rows of connections: their peers are nobody's business."""
    rows = text.splitlines(keepends=True)
    kept = [row for row in rows[1:] if row.split()[3:4] in ([b"0A"], [b"07"])]
    return b"".join(rows[:1] + kept)


def named_hierarchies(text: bytes) -> bytes:
    """/proc/PID/cgroup with the hierarchies that name units and containers: v2, systemd's."""
    rows = text.splitlines(keepends=True)
    return b"".join(row for row in rows if row.startswith(b"0:") or b":name=systemd:" in row)


def record(target: Path, name: str) -> None:
    """Record this machine below `target`, a folder that must not exist."""
    recorder = Recorder(target, name)
    host = recorder.host
    table = read_table(host)
    recorder.write("/recorded_at", f"{time.time():.0f}\n".encode())
    recorder.write("/etc/hostname", f"{name}\n".encode())
    passwd = [line.split(b":") for line in host.read("/etc/passwd").splitlines()]
    system = [
        b":".join([*row[:4], b"", b"/", b""])
        for row in passwd
        if len(row) > 3 and row[2].isdigit() and (int(row[2]) < 1000 or int(row[2]) == 65534)
    ]
    recorder.write("/etc/passwd", b"\n".join(system) + b"\n")
    for setting in SETTINGS:
        recorder.copy(f"/proc/sys/net/ipv4/{setting}")
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        recorder.write(
            f"/proc/self/net/{kind}", listeners_only(host.read(f"/proc/self/net/{kind}"))
        )
    for protocol, states in DUMPS:
        for family in FAMILIES:
            data = b"".join(host.sock_diag(family, protocol, states))
            recorder.write(f"/sock_diag/{family}-{protocol}-{states:x}.bin", data)
    btime = [line for line in host.read("/proc/stat").splitlines() if line.startswith(b"btime")]
    recorder.write("/proc/stat", b"\n".join(btime) + b"\n")
    recorder.copy("/proc/self/status")
    recorder.inode("/proc/self/ns/net")
    _record_processes(recorder, table.sockets)
    for kept, pairs in (("inodes", recorder.inodes), ("links", recorder.links)):
        lines = "".join(f"{path}\t{value}\n" for path, value in sorted(pairs.items()))
        recorder.write(f"/{kept}.tsv", lines.encode("utf-8", "surrogateescape"))
    manifest = [
        f'kernel = "{platform.release()}"',
        f'distribution = "{_distribution(host)}"',
        f'date = "{time.strftime("%Y-%m-%d", time.gmtime())}"',
        f'command = "tools/record_host.py --name {name}"',
        f"listeners = {len(table.sockets)}",
    ]
    recorder.write("/MANIFEST.toml", "\n".join(manifest).encode() + b"\n")


def _record_processes(recorder: Recorder, sockets: Sequence[Socket]) -> None:
    host = recorder.host
    processes = Processes(host)
    pids = {1, *_processes_of_our_namespace(host)}
    for owners in owners_of(host, sockets):
        pids |= {owner.pid for owner in owners if isinstance(owner.pid, int)}
    for pid in tuple(pids):
        pids |= {ancestor.pid for ancestor in processes.ancestry(pid)}
    denied: list[str] = []
    for pid in sorted(pids):
        folder = f"/proc/{pid}"
        for file in PROCESS_FILES:
            recorder.copy(f"{folder}/{file}")
        recorder.write(f"{folder}/cgroup", named_hierarchies(host.read(f"{folder}/cgroup")))
        links = (f"{folder}/exe", f"{folder}/cwd")
        denied += [path for path in links if not recorder.link(path)]
        try:
            names = host.names(f"{folder}/fd")
        except PermissionError:
            denied.append(f"{folder}/fd")
            continue
        for fd in names:
            if _is_socket(host, f"{folder}/fd/{fd}"):
                recorder.link(f"{folder}/fd/{fd}")
    if denied:
        recorder.write("/denied.txt", "".join(f"{path}\n" for path in denied).encode())
    _record_cgroups(recorder, pids, sockets)


def _is_socket(host: Host, path: str) -> bool:
    try:
        return host.link(path).startswith("socket:")
    except OSError:
        return False


def _processes_of_our_namespace(host: Host) -> set[int]:
    """Programs that share our network namespace, without us and the shells above us."""
    own = host.inode("/proc/self/net/tcp")
    ours = {os.getpid(), *(above.pid for above in Processes(host).ancestry(os.getpid()))}
    found = set()
    for name in host.names("/proc"):
        if name.isdigit() and int(name) not in ours:
            try:
                if host.inode(f"/proc/{name}/net/tcp") == own and host.read(
                    f"/proc/{name}/cmdline"
                ):
                    found.add(int(name))
            except OSError:
                continue
    return found


def _record_cgroups(recorder: Recorder, pids: set[int], sockets: Sequence[Socket]) -> None:
    host = recorder.host
    top = mount_point(host)
    if top is None:
        return
    recorder.write("/proc/self/mounts", f"cgroup2 {top} cgroup2 rw 0 0\n".encode())
    groups = set(paths_of(host, {s.cgroup for s in sockets if isinstance(s.cgroup, int)}).values())
    groups |= {top + path_of_process(host.text(f"/proc/{pid}/cgroup")).rstrip("/") for pid in pids}
    for group in sorted(groups):
        if not os.path.isdir(group):
            continue
        members = sorted(pids & {int(n) for n in host.text(f"{group}/cgroup.procs").split()})
        recorder.write(f"{group}/cgroup.procs", "".join(f"{pid}\n" for pid in members).encode())
        if group.endswith(".socket"):
            _record_unit(recorder, os.path.basename(group))
        folder = group
        while folder.startswith(top):
            recorder.inode(folder)
            folder = os.path.dirname(folder)


def _record_unit(recorder: Recorder, unit: str) -> None:
    """The file of a socket unit: it names the service behind the socket."""
    for folder in SYSTEM_FOLDERS:
        if os.path.isfile(f"{folder}/{unit}"):
            recorder.copy(f"{folder}/{unit}")
            return


def _distribution(host: Host) -> str:
    for line in host.text("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "unknown"


def main() -> int:
    """Record, or refuse to write over something."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("--name", default="recorded", help="the host's name in the recording")
    options = parser.parse_args()
    if options.target.exists():
        print(f"record_host: {options.target} exists already", file=sys.stderr)
        return 2
    try:
        record(options.target, options.name)
    except OSError as error:
        shutil.rmtree(options.target, ignore_errors=True)
        print(f"record_host: {error}", file=sys.stderr)
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main())
