"""The same tables as the engine's, kept packet by packet in dicts: slow, and easy to believe."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from traffic.packets_made import ACK, FIN, OURS, PSH, RST, SYN, TCP, UDP, URG, Sent

Key = tuple[str, int, int, int]

REFLECTORS = {
    *(17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 520, 1434, 1900, 3283, 3702),
    *(5353, 5683, 10001, 11211, 27015, 37810),
}


def flows_of(sent: Iterable[Sent]) -> dict[Key, list[tuple[bool, Sent]]]:
    """Return packets by (source, its port, our port, protocol); True for the source's."""
    found: dict[Key, list[tuple[bool, Sent]]] = defaultdict(list)
    for each in sent:
        inbound = each.destination == OURS
        if not inbound and each.source != OURS:
            continue
        key = (
            (each.source, each.source_port, each.destination_port, each.protocol)
            if inbound
            else (each.destination, each.destination_port, each.source_port, each.protocol)
        )
        found[key].append((inbound, each))
    return found


def kind_of(flow: list[tuple[bool, Sent]], source_port: int, own_port: int) -> str:
    """Say how a flow ended, by the definitions of `facts.KINDS`."""
    if flow[0][1].protocol == UDP:
        return _udp_kind(flow, source_port, own_port)
    core = [(way, each.flags & 63, each) for way, each in flow]
    theirs = [(flags, each) for way, flags, each in core if way]
    ours = [(flags, each) for way, flags, each in core if not way]

    def shook(flags: int) -> int:
        return flags & (SYN | ACK | FIN | RST)

    syn = any(shook(flags) == SYN and not flags & (PSH | URG) for flags, _ in theirs)
    our_syn = any(shook(flags) == SYN for flags, _ in ours)
    if our_syn and not syn:
        return "own"
    said = any(each.data for _, each in theirs)
    answered = any(each.data for _, each in ours)
    impossible = _impossible({flags for flags, _ in theirs})
    if impossible and not (said and answered):
        return impossible
    syn_ack = any(shook(flags) == SYN | ACK for flags, _ in ours)
    acked = any(flags & ACK and not flags & (SYN | RST) for flags, _ in theirs)
    our_ack = any(flags & ACK and not flags & (SYN | RST) for flags, _ in ours)
    reset = any(flags & RST and not flags & SYN for flags, _ in theirs)
    refused = any(flags & RST and not flags & SYN for flags, _ in ours)
    closed = any(flags & FIN and flags & ACK and not flags & (SYN | RST) for flags, _ in theirs)
    if syn:
        if syn_ack and said:
            return "conversed"
        if acked and (syn_ack or not refused):
            if said:
                return "conversed"
            if answered:
                return "greeted"
            return "empty-reset" if reset else "empty" if closed else "open"
        if syn_ack:
            return "half-open" if reset and not said else "half-silent"
        return "refused" if refused else "ignored"
    if syn_ack:
        if said or answered:
            return "midstream"
        if acked or our_ack:
            return "empty-reset" if reset else "empty" if closed else "open"
        return "half-open" if reset else "half-silent"
    if said and answered:
        other_way = any(shook(flags) == SYN | ACK for flags, _ in theirs)
        return "own" if other_way else "midstream"
    first_in, first_flags, _ = core[0]
    nobody_asked = not first_flags & SYN and (
        not first_in or (first_flags & ACK and not first_flags & RST)
    )
    client_ports = source_port < 32768 <= own_port
    return _stray_kind(core, left_over=bool(nobody_asked and client_ports))


def _impossible(theirs: set[int]) -> str | None:
    """Name flags that no stack sends; of several the last of null, xmas, syn-fin, odd."""
    found = None
    for flags in theirs:
        shook = flags & (SYN | ACK | FIN | RST)
        if shook in (SYN | ACK, RST, RST | ACK, ACK, ACK | FIN) or flags in (SYN, FIN):
            continue
        if shook & RST and not shook & SYN:
            continue
        kinds = {
            0: "null",
            FIN | PSH | URG: "xmas",
            SYN | FIN: "syn-fin",
            SYN | FIN | PSH: "syn-fin",
        }
        kind = kinds.get(flags, "odd")
        order = (None, "null", "xmas", "syn-fin", "odd")
        found = max(found, kind, key=order.index)
    return found


def _stray_kind(core: list[tuple[bool, int, Sent]], *, left_over: bool) -> str:
    """Name a flow without a SYN from the source, a SYN-ACK of ours, or bytes of both sides."""
    theirs = [flags for way, flags, _ in core if way]
    ours = [flags for way, flags, _ in core if not way]
    said = any(each.data for way, _, each in core if way)
    answered = any(each.data for way, _, each in core if not way)
    pure = [flags for flags in theirs if flags & ACK and not flags & (SYN | RST | FIN)]
    ends = [flags for flags in theirs if flags & ACK and flags & FIN and not flags & (SYN | RST)]
    resets = [flags for flags in theirs if flags & RST and not flags & SYN]
    shaken = any(flags & SYN and flags & ACK and not flags & (FIN | RST) for flags in theirs)
    our_reset = any(flags & RST and not flags & SYN for flags in ours)
    our_ack = any(flags & ACK and not flags & (SYN | RST) for flags in ours)
    if FIN in theirs and not (pure and (our_ack or said or answered)):
        return "fin"
    if left_over:
        return "own"
    if shaken:
        return "own" if our_ack or said or answered else "back-syn-ack"
    if said or answered:
        return "midstream"
    if our_ack:
        return "midstream" if pure or ends or resets else "open"
    if not core[0][0]:
        # Ours came first: a refusal, unless the source was in a connection.
        return "own" if not our_reset else "midstream" if pure or ends else "refused"
    began = bool(core[0][1] & ACK) and not core[0][1] & (SYN | RST)
    if pure and (our_reset or began):
        return "ack"
    if ends and not pure and began:
        return "maimon"
    # A RST, and whatever came after it.
    return "back-rst" if resets else "refused"


def _udp_kind(flow: list[tuple[bool, Sent]], source_port: int, own_port: int) -> str:
    if not flow[0][0]:
        return "own"
    if any(not way for way, _ in flow):
        return "udp-answered"
    if not any(each.data for _, each in flow):
        return "udp-empty"
    # A server's side of a flow that we began, a service's above all.
    server = source_port < 32768 <= own_port
    reflector = source_port in REFLECTORS and own_port >= 1024 and own_port != source_port
    return "reflection" if server or reflector else "udp-silent"


def tallied(sent: Iterable[Sent]) -> dict[str, Counter[str]]:
    """Count the flows of each source by kind."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (source, source_port, own_port, _), flow in flows_of(sent).items():
        counts[source][kind_of(flow, source_port, own_port)] += 1
    return dict(counts)


def begins_again(sent: Iterable[Sent]) -> bool:
    """Say whether a source sends a SYN on a flow after its end."""
    for flow in flows_of(sent).values():
        ended, fins = False, set()
        for inbound, each in flow:
            core = each.flags & (SYN | ACK | FIN | RST)
            if each.protocol == TCP and inbound and core & (SYN | ACK) == SYN and ended:
                return True
            if core & FIN and core & ACK and not core & (SYN | RST):
                fins.add(inbound)
            ended = ended or bool(core & RST and not core & SYN) or len(fins) == 2
    return False


def visits_of(sent: Iterable[Sent]) -> list[Sent]:
    """Return the packets of flows that we did not begin ourselves."""
    visits = []
    for flow in flows_of(sent).values():
        inbound, first = flow[0]
        began = first.protocol == UDP or first.flags & (SYN | ACK) == SYN
        if inbound or not began:
            visits += [each for _, each in flow]
    return visits
