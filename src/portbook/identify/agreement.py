"""Whether what was heard is what the registry and the process let one expect."""

from functools import cache

from portbook.identify.probe import Probe
from portbook.identify.probes import all_probes
from portbook.model.speaks import Clues, Speaks

_CARRIERS = frozenset(("http", "http2", "grpc", "websocket", "tls", "sunrpc"))

_STAND_INS = {
    "forwards to somewhere else": (
        *("haproxy", "sslh", "stunnel4", "stunnel", "hitch", "envoy", "socat", "docker-proxy"),
        *("rinetd", "redir", "tcpproxy", "ghostunnel", "autossh", "kubectl", "slirp4netns"),
    ),
    "is a honeypot, so what it says of itself is a pretence": (
        *("cowrie", "conpot", "dionaea", "opencanary", "heralding", "endlessh", "honeyd"),
    ),
}
"""Programs that answer for others: what they say is not about themselves."""


_WEB = frozenset(("http2", "grpc", "websocket"))
"""What shares HTTP's numbers."""


@cache
def _by_name() -> dict[str, Probe]:
    return {probe.name: probe for probe in all_probes()}


def is_carrier(protocol: str) -> bool:
    """Whether the protocol carries others, so that it tells little of what they are."""
    return protocol in _CARRIERS


def services_of(speaks: Speaks) -> tuple[str, ...]:
    """The registry's names for what was heard: those of the application, else of the protocol.

    An application over HTTP is on a number of HTTP as well.
    """
    names = dict.fromkeys((speaks.application, speaks.protocol))
    if speaks.protocol in _WEB:
        names["http"] = None
    probes = _by_name()
    return tuple(
        dict.fromkeys(
            service for name in names if name in probes for service in probes[name].services
        )
    )


def is_usual(speaks: Speaks, port: int) -> bool:
    """Whether what was heard usually lives on this number, whoever registered it."""
    names = (speaks.application, speaks.protocol)
    return any(
        port in probe.ports or port in probe.secure_ports
        for probe in all_probes()
        if probe.name in names
    )


def agrees_with_process(speaks: Speaks, port: int) -> bool:
    """Whether what was heard is something that the process is known for, or may well serve.

    A daemon of another protocol may have a web interface, but not on that protocol's own number.
    """
    heard = {speaks.protocol, speaks.application}
    if not speaks.process or not heard.isdisjoint(speaks.process):
        return True
    probes = _by_name()
    suggested = [probes[name] for name in speaks.process if name in probes]
    if speaks.protocol in _CARRIERS:
        own = any(port in probe.ports or port in probe.secure_ports for probe in suggested)
        return not own or any(_over_http(probe) or probe.tls for probe in suggested)
    # A program behind TLS termination, or a multi-protocol one, names its services alike.
    mine = set(services_of(speaks))
    return any(not mine.isdisjoint(probe.services) or probe.tls for probe in suggested)


def _over_http(probe: Probe) -> bool:
    """Whether the protocol is an application over HTTP: it asks in HTTP, or listens to HTTP's."""
    opener = probe.opener or b""
    return opener.startswith((b"GET ", b"POST ", b"PRI ")) or (
        not opener and not probe.speaks_first and "http" in probe.reacts_to
    )


def stand_in(clues: Clues) -> str | None:
    """A remark on a program that answers for others, or None."""
    words = {word.rpartition("/")[2].casefold() for word in clues.command.split()[:8]}
    names = {*clues.programs, *words}
    for what, programs in _STAND_INS.items():
        for program in programs:
            if program in names or any(part.startswith(f"{program}.") for part in words):
                return f"{program} {what}"
    return None
