"""What /proc tells of a process: name, command line, user, start, ancestors (proc(5))."""

from portbook.host import Host
from portbook.model import NOT_ASKED, Ancestor, Container, Owner, Said, Unknown
from portbook.model.record import Record
from portbook.owners.cgroups import place_of

_HIDDEN = Unknown("denied", Said("run as root"))
_GONE = Unknown("vanished")

MOST_ENVIRONMENT = 1 << 18
MOST_ARGUMENTS = 1 << 16
"""Bytes of a command line that are read; the kernel allows megabytes."""


class Stat(Record):
    """The fields of /proc/PID/stat that matter: comm, parent, start in clock ticks since boot."""

    name: str
    ppid: int
    start_ticks: int


def parse_stat(text: str) -> Stat:
    """/proc/PID/stat. The name stands in parentheses and may itself hold `) (` and newlines.

    Raises:
        ValueError: the text is no such line.
    """
    opening, closing = text.find("("), text.rfind(")")
    fields = text[closing + 1 :].split()
    if opening < 0 or closing < opening or len(fields) < 20:
        raise ValueError("not a stat line")
    return Stat(text[opening + 1 : closing], int(fields[1]), int(fields[19]))


class Processes:
    """The processes of one host, each read once."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._stats: dict[int, Stat | None] = {}
        self._owners: dict[int, Owner | None] = {}

    def stat(self, pid: int) -> Stat | None:
        """The process's stat, or None where it is gone or hidden."""
        if pid not in self._stats:
            try:
                self._stats[pid] = parse_stat(self._host.text(f"/proc/{pid}/stat"))
            except (OSError, ValueError):
                self._stats[pid] = None
        return self._stats[pid]

    def ancestry(self, pid: int) -> tuple[Ancestor, ...]:
        """The processes above `pid`, its parent first, PID 1 last.

        It ends early at a process that is hidden or in another PID namespace. A changing table
        could show a loop, so no process is visited twice.
        """
        above: list[Ancestor] = []
        seen = {pid}
        here = self.stat(pid)
        while here and here.ppid and here.ppid not in seen:
            seen.add(here.ppid)
            parent = self.stat(here.ppid)
            if parent is None:
                break
            above.append(Ancestor(here.ppid, _readable(parent.name)))
            here = parent
        return tuple(above)

    def owner(self, pid: int, fds: tuple[int, ...] | Unknown) -> Owner | None:
        """Everything about the holder `pid`; None where it is gone.

        `fds` are the descriptors in which the socket was seen.
        """
        if pid not in self._owners:
            self._owners[pid] = self._read(pid)
        known = self._owners[pid]
        return known._replace(fds=fds) if known else None

    def _read(self, pid: int) -> Owner | None:
        host = self._host
        stat = self.stat(pid)
        if stat is None:
            return None
        cmdline = self._cmdline(pid)
        exe, deleted = self._exe(pid)
        try:
            started: str | Unknown = host.started(stat.start_ticks)
        except (OSError, ValueError):
            started = Unknown("unreadable")
        unit, container = self._place(pid)
        return Owner(
            pid=pid,
            ppid=stat.ppid,
            name=full_name(stat.name, cmdline, exe),
            exe=exe,
            exe_deleted=deleted,
            cmdline=cmdline,
            user=self._user(pid),
            cwd=self._link(pid, "cwd"),
            started=started,
            fds=(),
            proof="fd",
            unit=unit,
            activated_by=NOT_ASKED,
            container=container,
            package=NOT_ASKED,
            ancestry=self.ancestry(pid),
            project=NOT_ASKED,
            unit_facts=NOT_ASKED,
            engine_container=NOT_ASKED,
            preloads=self._preloads(pid),
        )

    def _preloads(self, pid: int) -> str | None | Unknown:
        """LD_PRELOAD as the process was started with it (ld.so(8))."""
        try:
            environ = self._host.read(f"/proc/{pid}/environ", MOST_ENVIRONMENT)
        except PermissionError:
            return _HIDDEN
        except OSError:
            return _GONE
        for setting in environ.split(b"\0"):
            if setting.startswith(b"LD_PRELOAD=") and len(setting) > 11:
                return setting[11:].decode("utf-8", "replace")
        return None

    def _cmdline(self, pid: int) -> tuple[str, ...] | Unknown:
        try:
            data = self._host.read(f"/proc/{pid}/cmdline", MOST_ARGUMENTS)
        except PermissionError:
            return _HIDDEN
        except OSError:
            return _GONE
        # Bytes that are no UTF-8 are shown as replacement characters: JSON must stay valid.
        text = data.decode("utf-8", "replace")
        return tuple(text.removesuffix("\0").split("\0")) if text else ()

    def _exe(self, pid: int) -> tuple[str | None | Unknown, bool | Unknown]:
        link = self._link(pid, "exe")
        if isinstance(link, Unknown):
            # A kernel thread has no executable: the link is there and leads nowhere.
            return (None, False) if link is _GONE and self._cmdline(pid) == () else (link, link)
        # A program may really be called so, and then it is still there.
        if link.endswith(" (deleted)") and not self._exists(link):
            return link.removesuffix(" (deleted)"), True
        return link, False

    def _link(self, pid: int, name: str) -> str | Unknown:
        try:
            target = self._host.link(f"/proc/{pid}/{name}")
        except PermissionError:
            return _HIDDEN
        except OSError:
            return _GONE
        return target.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    def _exists(self, path: str) -> bool:
        try:
            self._host.inode(path)
        except OSError:
            return False
        return True

    def _user(self, pid: int) -> str | Unknown:
        # The owner of /proc/PID is root for processes that may not be dumped, so status it is.
        try:
            status = self._host.text(f"/proc/{pid}/status")
        except OSError:
            return _HIDDEN
        # Not splitlines(): a name may hold `\x0b` and the like, and would forge a line.
        for line in status.split("\n"):
            if line.startswith("Uid:"):
                return self._host.user(int(line.split()[2]))
        return Unknown("unreadable")

    def _place(self, pid: int) -> tuple[str | None | Unknown, Container | None | Unknown]:
        try:
            return place_of(self._host, pid)
        except OSError:
            return _HIDDEN, _HIDDEN


def full_name(comm: str, cmdline: tuple[str, ...] | Unknown, exe: str | None | Unknown) -> str:
    """The kernel keeps 15 bytes of a name; the executable or argv may have the whole of it."""
    if len(comm.encode("utf-8", "surrogateescape")) < 15:
        return _readable(comm)
    first = cmdline[0] if not isinstance(cmdline, Unknown) and cmdline else ""
    for path in (exe, first):
        if isinstance(path, str):
            base = path.rsplit("/", 1)[-1]
            if base.startswith(_readable(comm)):
                return base
    return _readable(comm)


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
