"""Below a scan: who holds a conversation is a client, who wants to find something out a probe."""

from portbook.model.traffic import TOOLS
from portbook.traffic.judging_scans import FEW
from portbook.traffic.judging_seen import Seen


def client(seen: Seen) -> str | None:
    """How sure it is that a source is a client; None where it is none."""
    facts, kind = seen.facts, seen.kind
    if not seen.talks or facts.told_tool > len(TOOLS):
        return None
    if facts.wrong and not facts.right and facts.wrong >= facts.unknown_bytes:
        # What nobody recognises, beside what is wrong, is no conversation.
        return None
    asked = kind["udp-closed"] if facts.decision == 1 else 0
    if asked >= FEW and seen.missed_ports >= FEW and seen.hard >= 2 * seen.talk:
        # A scan by UDP gets answers, too, where it asks as a client does.
        return None
    void = kind["udp-empty"] >= 2 and kind["udp-empty"] + kind["udp-closed"] >= FEW
    if void and seen.missed_ports >= FEW and seen.missed >= 2 * seen.talk:
        # The same where most errors were held back: hardly a client sends empty datagrams.
        return None
    if facts.right:
        clean = not facts.wrong and not seen.impossible and facts.decision != 1
        return "certain" if clean else "likely"
    if facts.decision == 1 or facts.wrong:
        return "guess"
    if facts.unknown_bytes or kind["midstream"] or kind["udp-answered"]:
        return "likely"
    # Bytes without an answer (logs are sent so), or no more of SCTP than its INIT.
    return "guess"


def probe(seen: Seen) -> str | None:
    """How sure it is that a source wants to find something out; None where nothing says so."""
    facts, kind = seen.facts, seen.kind
    if facts.wrong or facts.told_tool > len(TOOLS):
        # Wrong bytes, or bytes that name a scanning program without marks (zgrab).
        return "likely"
    mute = seen.total(("empty", "empty-reset", "half-open", "greeted"))
    if seen.raw and (kind["half-open"] or kind["half-silent"]):
        return "likely"
    if mute:
        return "likely" if mute >= 2 and facts.contacts >= 2 else "guess"
    if seen.impossible or kind["udp-empty"]:
        return "guess"
    if seen.raw and seen.quiet:
        return "guess"
    if seen.strays >= 2 or (seen.quiet and (seen.mark["nmap-shape"] or seen.mark["zmap-shape"])):
        return "guess"
    if seen.retries:
        return None
    # A system's own stack: one refusal says nothing, different closed ports do.
    several = kind["refused"] > 0 and seen.missed >= 2
    once = kind["udp-closed"] + kind["sctp-init"] > 0
    many = seen.missed >= FEW or facts.decision == 1
    return "guess" if several or once or many else None
