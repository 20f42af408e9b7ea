"""Which scanning tool the first packets, or the openers, give away, and how surely."""

from portbook.model.record import Record
from portbook.model.traffic import TOOLS
from portbook.traffic.judging_seen import Seen

PRECEDENCE = ("mirai", "masscan", "zmap", "unicornscan", "nmap")
"""Of tools that are equally sure, the first: by the chance of a false match, the lowest first."""

SURE = ("guess", "likely", "certain")

MANY = 12
"""So many marks of 2^-16 are no chance, whatever else the source sends (unless it scans as nmap,
with thousands of packets that could carry one by chance: see `_weighs`)."""


class Given(Record):
    """A tool and how sure it is; `by` is the mark, or `opener`.

    `shape` is true where only the look of the packets speaks for it, without a formula.
    """

    tool: str
    sure: str
    by: str
    shape: bool = False


def _by_number(count: int) -> str:
    """One mark of 2^-16 may be chance, two are not."""
    return "certain" if count >= 2 else "likely"


def _weighs(seen: Seen, count: int) -> bool:
    """Whether marks of 2^-16 are more than chance among so many first packets."""
    if not count:
        return False
    if count * 4 < seen.firsts and (count < MANY or count * 4 < seen.mark["nmap-shape"]):
        return False
    # A small device without DF, whose every packet takes the chance anew, and which talks to us.
    lone = count == 1 and seen.facts.syns > 1 and not seen.kind["half-open"]
    return not (seen.talks and lone)


def _nmap(seen: Seen) -> Given | None:
    shape, pairs, system = (seen.mark[name] for name in ("nmap-shape", "nmap-pair", "nmap-os"))
    if seen.talks_raw:
        # Its own packets hold no conversation: these are a small device's.
        pairs = 0
    if pairs >= 3 or (pairs and pairs * 8 >= seen.mark["raw"]):
        sure = "certain" if pairs >= 2 or shape >= 2 else "likely"
        return Given("nmap", sure, "nmap-pair")
    if system and not (seen.talks and system == 1 and seen.facts.syns > 1):
        return Given("nmap", _by_number(system), "nmap-os")
    # A port found open is often asked again, by connections of the scanner's own stack.
    if shape * 4 >= seen.firsts or (shape and seen.kind["half-open"]):
        return Given("nmap", "likely" if shape >= 2 else "guess", "nmap-shape", shape=True)
    return None


def given_away(seen: Seen) -> list[Given]:
    """Every tool that something speaks for, surest first, then by `PRECEDENCE`."""
    mark, found = seen.mark, []
    # Tools of raw packets cannot have sent packets that are all of one system's own stack.
    possible = mark["raw"] > 0 or mark["stack"] < max(1, seen.facts.syns)
    if possible:
        if mark["mirai"]:
            found.append(Given("mirai", "certain", "mirai"))
        if _weighs(seen, mark["masscan-id"]):
            found.append(Given("masscan", _by_number(mark["masscan-id"]), "masscan-id"))
        if _weighs(seen, mark["zmap-id"]):
            found.append(Given("zmap", _by_number(mark["zmap-id"]), "zmap-id"))
        # Retries of nmap to neighbouring ports fulfil the relation of unicornscan, too.
        if mark["unicornscan-pair"] and mark["nmap-shape"] * 2 < max(1, mark["raw"]):
            found.append(Given("unicornscan", "certain", "unicornscan-pair"))
        nmap = _nmap(seen)
        if nmap:
            found.append(nmap)
    shape = mark["zmap-shape"]
    if shape * 4 >= seen.firsts and not any(one.tool == "zmap" for one in found):
        sure = "likely" if shape >= 2 else "guess"
        found.append(Given("zmap", sure, "zmap-shape", shape=True))
    told = seen.facts.told_tool
    if 0 < told <= len(TOOLS) and not any(one.tool == TOOLS[told - 1] for one in found):
        found.append(Given(TOOLS[told - 1], "likely", "opener"))
    return sorted(found, key=lambda one: (-SURE.index(one.sure), PRECEDENCE.index(one.tool)))
