"""What the marks of first packets say, in sentences with their chances of a false match."""

from portbook.model.traffic import TOOLS
from portbook.traffic.evidence_words import number
from portbook.traffic.judging_seen import Seen

_ONE_IN_2_16 = "chance 1 in 65,536 each"
_ONE_IN_2_24 = "chance 1 in 16,777,216 each"
_ONE_IN_2_32 = "chance 1 in 4,294,967,296 each"

_SAID = {
    "mirai": f"a sequence number equal to the address asked, as Mirai sends ({_ONE_IN_2_32})",
    "masscan-id": "the IP ID that masscan computes of address, port and sequence number"
    f" ({_ONE_IN_2_16})",
    "masscan-old": "masscan's header up to 1.3.2 (window 1024, no options)",
    "masscan-mss": "masscan's header since 2023-11 (window 1025, MSS 1460)",
    "zmap-id": f"IP ID 54321, which ZMap up to 4.0 sends ({_ONE_IN_2_16})",
    "zmap-shape": "the look of ZMap (window 65535, no DF, TTL above 128), which is no proof",
    "nmap-shape": "the look of nmap (window 1024, no DF, TTL up to 64), which is no proof",
    "nmap-os": "the options or flags of nmap's OS detection",
}
_PAIRS = {
    "nmap-pair": f"sequence numbers under one mask, as nmap -sS sends ({_ONE_IN_2_24})",
    "unicornscan-pair": "sequence numbers that are one key over the ports, as unicornscan sends"
    f" ({_ONE_IN_2_32})",
}
_OF_TOOL = {
    "mirai": ("mirai",),
    "masscan": ("masscan-id", "masscan-mss", "masscan-old"),
    "zmap": ("zmap-id", "zmap-shape"),
    "unicornscan": ("unicornscan-pair",),
    "nmap": ("nmap-pair", "nmap-os", "nmap-shape"),
}


def of_marks(seen: Seen, tool: str | None) -> list[str]:
    """What speaks for this tool: a sentence for each of its marks, and its own name in bytes."""
    if tool is None:
        return []
    told = seen.facts.told_tool
    found = [_sentence(seen, mark) for mark in _OF_TOOL[tool]]
    if 0 < told <= len(TOOLS) and TOOLS[told - 1] == tool:
        found.append(f"its bytes name {tool}")
    return [sentence for sentence in found if sentence]


def of_other_tools(seen: Seen, tool: str | None) -> list[str]:
    """What speaks for other tools than this one: chance, or two programs behind one address."""
    return [s for other in TOOLS if other != tool for s in of_marks(seen, other)]


def of_raw(seen: Seen) -> list[str]:
    """SYN packets that no stack sends. What began without SYN tells nothing of the kind."""
    syns = seen.facts.syns
    made = min(seen.mark["raw"], syns - seen.mark["stack"])
    if made <= 0:
        return []
    have = "has" if made == 1 else "have"
    return [f"{made:,} of {number(syns, 'SYN packet')} {have} a header that no stack sends"]


def _sentence(seen: Seen, mark: str) -> str:
    count = seen.mark[mark]
    if not count:
        return ""
    have = "has" if count == 1 else "have"
    if mark in _PAIRS:
        return f"{number(count, 'pair')} of first packets {have} {_PAIRS[mark]}"
    packets = "SYN packet" if seen.facts.syns >= seen.firsts else "first packet"
    whole = number(max(seen.firsts, count), packets)
    verb = "carries" if count == 1 else "carry"
    return f"{count:,} of {whole} {verb} {_SAID[mark]}"
