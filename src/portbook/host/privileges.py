"""Who we are, and what the kernel lets us do."""

import os

CAP_NET_BIND_SERVICE = 10
CAP_NET_RAW = 13
CAP_SYS_PTRACE = 19


class Privileges:
    """The effective user id and capabilities of a process, from its /proc/PID/status."""

    def __init__(self, status: str) -> None:
        self.uid = os.geteuid() if hasattr(os, "geteuid") else -1
        self.capabilities = 0
        for line in status.split("\n"):
            if line.startswith("Uid:"):
                self.uid = int(line.split()[2])
            elif line.startswith("CapEff:"):
                self.capabilities = int(line.split()[1], 16)

    def has(self, capability: int) -> bool:
        """Whether the capability with this number is effective."""
        return bool(self.capabilities >> capability & 1)

    @property
    def sees_all_processes(self) -> bool:
        """Whether the open files of other users' processes can be read."""
        return self.has(CAP_SYS_PTRACE)
