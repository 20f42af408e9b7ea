"""A shell that holds a listening socket: what a bind shell looks like.

inetd and systemd give a socket to a program as its standard input, and that may be a script.
"""

from portbook.model import Facts, Said, Suspicion, Unknown
from portbook.verdict.programs import base_name, shell_of

ID = "shell-on-socket"
SUMMARY = "a shell has the listening socket as its standard streams, or is its only holder"

_NEXT = "whoever connects may get a command line: end it, and find out what started it"
_LISTEN_FOR_OTHERS = frozenset(
    ("systemd", "inetd", "xinetd", "inetutils-inetd", "openbsd-inetd", "rlinetd", "launchd")
)


def weigh(facts: Facts) -> Suspicion | None:
    """The evidence, or nothing."""
    shell = shell_of(facts)
    if shell is None or isinstance(facts.fds, Unknown) or not facts.fds:
        return None
    if _is_given_by_init(facts) and _runs_a_script(facts):
        return None
    streams = [number for number in facts.fds if number <= 2]
    if streams:
        reason = Said(
            "%(shell)s has the listening socket as file descriptor %(number)s",
            shell=shell,
            number=streams[0],
        )
        return Suspicion(ID, "high", reason, _NEXT)
    if facts.holders > 1:
        return None  # a daemon's child that inherited it: the daemon is the one to judge
    reason = Said(
        "%(shell)s alone holds the listening socket, and a shell serves nothing by itself",
        shell=shell,
    )
    return Suspicion(ID, "medium", reason, _NEXT)


def _is_given_by_init(facts: Facts) -> bool:
    """Whether the parent is a program that listens for others and hands sockets out."""
    if isinstance(facts.ancestry, Unknown) or not facts.ancestry:
        return False
    return base_name(facts.ancestry[0]) in _LISTEN_FOR_OTHERS


def _runs_a_script(facts: Facts) -> bool:
    """Whether the shell was given a file to run, and is no command line for whoever connects."""
    if isinstance(facts.cmdline, Unknown):
        return False
    return any("/" in word and not word.startswith("-") for word in facts.cmdline[1:])
