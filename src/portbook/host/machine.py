"""One host: this machine, or a recording of one."""

import os
import sys

from portbook.host import clock
from portbook.host.files import LiveFiles
from portbook.host.privileges import Privileges

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.host.door import Files


class Host:
    """The files of a host, its users, its kernel's answers and our privileges on it.

    `root` is `/` for this machine, or the folder of a recording. The methods that read files are
    those of `host.door.Files`.
    """

    def __init__(self, root: str = "/") -> None:
        self.live = root == "/"
        files = self._files_below(root)
        self.read = files.read
        self.regular = files.regular
        self.stamp = files.stamp
        self.on_disk = files.on_disk
        self.names = files.names
        self.link = files.link
        self.folders = files.folders
        self.inode = files.inode
        self.owner_uid = files.owner_uid
        self.open_links = files.open_links
        self._users: dict[int, str] | None = None
        self._privileges: Privileges | None = None
        self._boot_time: float | None = None

    @staticmethod
    def _files_below(root: str) -> "Files":
        if root == "/":
            return LiveFiles()
        from portbook.host.recording import RecordedFiles

        return RecordedFiles(root)

    def text(self, path: str, limit: int = 1 << 24) -> str:
        """A file as text; bytes that are no UTF-8 survive as surrogates."""
        return self.read(path, limit).decode("utf-8", "surrogateescape")

    @property
    def name(self) -> str:
        """The host's name."""
        if self.live:
            return os.uname().nodename if hasattr(os, "uname") else ""
        try:
            return self.text("/etc/hostname").strip()
        except OSError:
            return ""

    @property
    def linux(self) -> bool:
        """Whether the host has Linux' /proc; recordings always do."""
        return not self.live or sys.platform == "linux"

    @property
    def privileges(self) -> Privileges:
        """What this process may do. A recording answers what its recorder could."""
        if self._privileges is None:
            try:
                status = self.text("/proc/self/status")
            except OSError:
                status = ""
            self._privileges = Privileges(status)
        return self._privileges

    def now(self) -> float:
        """The time on that host, in seconds since 1970: a recording stands still."""
        if self.live:
            return clock.now()
        return float(self.text("/recorded_at").strip())

    def started(self, ticks: int) -> str:
        """`ticks` since boot (field 22 of /proc/PID/stat, proc(5)) as an ISO 8601 UTC time."""
        if self._boot_time is None:
            for line in self.text("/proc/stat").splitlines():
                if line.startswith("btime "):
                    self._boot_time = float(line.split()[1])
                    break
            else:
                raise OSError("no btime in /proc/stat")
        # USER_HZ is 100 on every Linux that is in use; sysconf asks the live one.
        hertz = os.sysconf("SC_CLK_TCK") if self.live else 100
        return clock.iso(self._boot_time + ticks / hertz)

    def user(self, uid: int) -> str:
        """The user's name, or the number as text where no name is known."""
        if self._users is None:
            self._users = {}
            try:
                for line in self.text("/etc/passwd").splitlines():
                    fields = line.split(":")
                    if len(fields) > 2 and fields[2].isdecimal():
                        self._users.setdefault(int(fields[2]), fields[0])
            except OSError:
                pass
        if uid not in self._users:
            self._users[uid] = self._directory_user(uid)
        return self._users[uid]

    def _directory_user(self, uid: int) -> str:
        """A name from LDAP and the like, which /etc/passwd does not have."""
        if self.live:
            import pwd

            try:
                return pwd.getpwuid(uid).pw_name
            except KeyError:
                pass
        return str(uid)

    def sock_diag(
        self, family: int, protocol: int, states: int, port: int | None = None
    ) -> list[bytes]:
        """The kernel's socket dump as raw netlink datagrams; a recording plays its own back.

        Raises:
            OSError: netlink is refused, missing, or not recorded.
        """
        if self.live:
            from portbook.host import netlink

            return netlink.dump(family, protocol, states, port)
        return [self.read(f"/sock_diag/{family}-{protocol}-{states:x}.bin")]

    def setting(self, name: str) -> str:
        """A kernel setting by its path below /proc/sys, such as `net/ipv4/ip_local_port_range`."""
        return self.text(f"/proc/sys/{name}").strip()
