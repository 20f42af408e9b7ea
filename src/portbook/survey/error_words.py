"""By which words a line of output tells that a port could not be had, and why not. Pure."""

import re

TRIGGERS = (
    *("in use", "inuse", "eaddr", "eacces", "denied", "assign requested", "notavail"),
    *("not available", "errno", "os error", "error 10048", "error 10013", "error 10049"),
    *("already allocated", "already running", "only one usage", "access permissions"),
    *("bind", "(98", "(48", "(13", "(99", "code: 98", "code: 48", "is taken", "to listen"),
    *("listen to port", "already listening", "available port", "not valid in its context"),
    *("privileged port", "being used", "listening socket", "already used", "in use by"),
)
"""A line without any of these is not looked at."""

_USED = (
    *("address already in use", "address in use", "eaddrinuse", "addrinuse", "errno 98"),
    *("os error 98", "errno=98", "(98:", "(98)", "code: 98", "errno 48", "os error 48"),
    *("errno=48", "(48:", "code: 48", "error 10048", "only one usage of each socket address"),
    *("port is already in use", "port is already allocated", "port already in use"),
)
"""Sure, whatever else the line says. The numbers are errno's of Linux, macOS and Windows: messages
are translated, numbers are not."""
_USED_PERHAPS = (
    *("already in use", "is in use", "in use by", "connection in use", "already allocated"),
    *("already running on port", "already running at port", "running on port", "is taken"),
    *("failed to bind", "could not bind", "cannot bind", "can't bind", "unable to bind"),
    *("bind failed", "unable to listen on", "cannot listen to port", "already listening"),
    *("failed to listen on", "unable to find an available port", "ports are not available"),
    *("already being used", "is being used", "already used", "failed to create listening socket"),
    *("could not create server tcp listening socket", "bind to port", "not available"),
    *("could not listen on", "cannot open"),
)
"""Only where the line names a port, too."""
_DENIED = (
    *("eacces", "permission denied", "access permissions", "errno 13", "os error 13", "(13:"),
    *("(13)", "error 10013", "code: 13", "privileged port"),
)
_BINDING = ("bind", "listen", "port", "socket", "make_sock", "address")
_FILES = (
    *("open '", "open /", "mkdir", "scandir", "unlink", "rename", "docker.sock", "/dev/", "unix"),
    *("connect ", "connecting", "dial ", "spawn", "publickey", "execve"),
)
_UNAVAILABLE = (
    *("eaddrnotavail", "addrnotavail", "assign requested address", "errno 99", "os error 99"),
    *("errno 49", "os error 49", "(99:", "(49:", "(99)", "code: 99", "error 10049"),
    *("not valid in its context", "address not available"),
)
_NOT = re.compile(
    r"(?:\bnot|n't|\bno longer|\bnever)(?: (?:already|currently|yet|being)){0,2}"
    r" (?:in use|used|taken|allocated)"
)
_ASKED = re.compile(r"\bis (?:the |that )?(?:port|address)\b[^?\n]{0,40}?\bin use\b ?\?")
_FAILED = ("fail", "error", "cannot", "can't", "could not", "couldn't", "unable")


def kind_of(line: str, above: list[str]) -> tuple[str, bool] | None:
    """(`in-use`, `denied` or `unavailable`, sure without a number) of a line in lower case.

    `above` are the lines before it: a trace shows the call that failed before it names the error.
    None where the line tells of no such error.
    """
    line = _NOT.sub("", line)
    if not any(word in line for word in _FAILED):
        line = _ASKED.sub("", line)
    if ("dial tcp" in line or "dial udp" in line) and "listen " not in line:
        return None  # a connection's own end

    def has(words: tuple[str, ...]) -> bool:
        return any(word in line for word in words)

    binds = has(_BINDING)
    if has(_UNAVAILABLE):
        outgoing = "connect" in line and "bind" not in line and "listen" not in line
        return None if outgoing else ("unavailable", True)
    if has(_USED):
        return "in-use", True
    if has(_DENIED):
        if binds and not has(_FILES):
            return "denied", True
        called = any("bind(" in each or "listen(" in each for each in above)
        return ("denied", True) if called and not has(_FILES) else None
    return ("in-use", "transport error 202" in line) if has(_USED_PERHAPS) else None
