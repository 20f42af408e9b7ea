"""A program that calls itself a thread of the kernel.

The kernel's threads have neither an executable nor a command line. Other programs may well put
brackets around their names (celery does), so the name between them has to be one of the kernel's.
"""

from portbook.model import Facts, Said, Suspicion, Unknown
from portbook.verdict.programs import base_name

ID = "kernel-look-alike"
SUMMARY = "the process calls itself a kernel thread, but has an executable or a command line"

_NEXT = "look at the real file: ls -l /proc/PID/exe; then find out what started it"

# Names that nobody gives to a program of his own, with or without brackets around them.
_STARTS = (
    *("kworker/", "ksoftirqd/", "migration/", "cpuhp/", "watchdog/", "idle_inject/", "jbd2/"),
    *("xfsaild/", "xfs-", "irq/", "scsi_eh_", "scsi_tmf_", "rcu_", "rcuop/", "rcuos/", "kcompactd"),
    *("kswapd", "dm-", "md0_", "md1_", "btrfs-", "ext4-rsv", "nvme-", "loop", "card0-"),
)
_ALONE = frozenset(("kthreadd", "kdevtmpfs", "kauditd", "khungtaskd", "khugepaged", "kintegrityd"))
_ALONE |= {"kblockd", "ksmd", "oom_reaper", "kthrotld", "kpsmoused", "kstrp", "watchdogd"}
_IN_BRACKETS = _ALONE | {
    "writeback",
    "netns",
    "mld",
    "md",
    "crypto",
    "bioset",
    "ata_sff",
    "devfreq_wq",
}
_IN_BRACKETS |= {"edac-poller", "ipv6_addrconf", "inet_frag_wq", "mm_percpu_wq", "slub_flushwq"}
_PLAIN_STARTS = ("kworker/", "ksoftirqd/", "migration/", "cpuhp/", "rcu_", "jbd2/", "irq/")


def weigh(facts: Facts) -> Suspicion | None:
    """The evidence, or nothing."""
    command = () if isinstance(facts.cmdline, Unknown) else facts.cmdline
    # A real one has no executable; where that cannot be seen, it still has no command line.
    if not isinstance(facts.exe, str) and not (isinstance(facts.exe, Unknown) and any(command)):
        return None
    if isinstance(facts.exe, str) and base_name(facts.exe) == facts.process:
        names = [command[0]] if command else []
    else:
        names = [facts.process or "", *command[:1]]
    for name in names:
        if _is_kernels(name.strip()):
            real = facts.exe if isinstance(facts.exe, str) else Said("a program")
            reason = Said("%(program)s calls itself %(name)s", program=real, name=name.strip())
            return Suspicion(ID, "high", reason, _NEXT)
    return None


def _is_kernels(name: str) -> bool:
    if name.startswith("[") and name.endswith("]"):
        inner = name[1:-1]
        return inner in _IN_BRACKETS or inner.startswith(_STARTS)
    return name in _ALONE or name.startswith(_PLAIN_STARTS) or _numbered(name)


def _numbered(name: str) -> bool:
    """`kswapd0`, `kcompactd1`."""
    stem = name.rstrip("0123456789")
    return stem in ("kswapd", "kcompactd") and stem != name
