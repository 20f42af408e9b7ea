"""What `portbook watch` says of a labelled capture, beside the truth: a matrix and three bars."""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from portbook.model.traffic import VERDICTS

TOP = Path(__file__).resolve().parents[1]
_SCANNING = ("probe", "scan")
_UNSEEN = "(not listed)"
_HEAD = """# Client or probe: the confusion matrix

Written by `python -m tools.make_traffic --write`, which lets real scanners and real clients visit
real servers in network namespaces of its own, labels every source, and asks
`portbook watch --pcap` about the capture. What Debian does not have (ZMap from 3 on, masscan since
November 2023, the Mirai family, unicornscan) and backscatter are sent as packets of their shape.

"""


class Told(NamedTuple):
    """One labelled source and what was said of it."""

    address: str
    label: Mapping[str, Any]
    verdict: str
    tool: str | None
    scan_type: str | None
    evidence: tuple[str, ...]

    @property
    def scanning(self) -> bool:
        """Whether it is a probe or a scan, in truth."""
        return self.label["truth"] in _SCANNING

    @property
    def harmless(self) -> bool:
        """Whether it is a client or a health check, in truth."""
        return self.label["truth"] in ("client", "health-check")


class Matrix(NamedTuple):
    """Every labelled source with what was said of it."""

    told: list[Told]

    @property
    def accused(self) -> list[Told]:
        """Clients and health checks that were called a scan."""
        return [each for each in self.told if each.harmless and each.verdict == "scan"]

    @property
    def missed(self) -> list[Told]:
        """Probes and scans that were not named so."""
        return [each for each in self.told if each.scanning and each.verdict not in _SCANNING]

    @property
    def misnamed(self) -> list[Told]:
        """Sources with a mark whose tool was not named, and those that were named a wrong one."""
        return [
            each
            for each in self.told
            if (each.label["marked"] and each.tool != each.label["tool"])
            or (each.tool is not None and each.tool != each.label["tool"] and not _own(each))
        ]

    def bars(self) -> list[tuple[str, bool]]:
        """Each demand in words, with its figures, and whether it is met."""
        scanning = sum(each.scanning for each in self.told)
        harmless = sum(each.harmless for each in self.told)
        marked = sum(each.label["marked"] for each in self.told)
        accused, missed, misnamed = map(len, (self.accused, self.missed, self.misnamed))
        accusing = f"{accused} of {harmless} clients and health checks were called a scan"
        finding = f"{scanning - missed} of {scanning} scanning sources were named probe or scan"
        naming = f"{marked - misnamed} of {marked} sources with a mark had their tool named right"
        return [
            (f"{accusing} (allowed: none)", not accused),
            (f"{finding} (asked for: 99 %)", missed * 100 <= scanning),
            (f"{naming} (asked for: 99 %)", misnamed * 100 <= marked),
        ]


def _own(told: Told) -> bool:
    """A tool that what it said gave away, such as zgrab, and that the label's name holds."""
    return bool(told.tool) and str(told.tool) in told.label["name"]


def judged(capture: str, labels: Mapping[str, Any]) -> Matrix:
    """Ask `portbook watch` about a capture.

    Raises:
        RuntimeError: it did not answer.
    """
    hosts = [part for host in labels["host"] for part in ("--host", host)]
    argv = [sys.executable, "-m", "portbook", "watch", "--pcap", capture, *hosts]
    path = os.pathsep.join(filter(None, (str(TOP / "src"), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [*argv, "--json", "--top", "0"], capture_output=True, env={**os.environ, "PYTHONPATH": path}
    )
    if done.returncode not in (0, 1, 3):
        raise RuntimeError(f"watch ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    answer = json.loads(done.stdout)
    return compared({each["address"]: each for each in answer["sources"]}, labels["sources"])


def compared(answers: Mapping[str, Any], labels: Mapping[str, Any]) -> Matrix:
    """The labels, each with its answer."""
    none = {"verdict": _UNSEEN, "tool": None, "scan_type": None, "evidence": ()}
    told = []
    for address, label in labels.items():
        said = answers.get(address, none)
        facts = said["verdict"], said["tool"], said["scan_type"], tuple(said["evidence"])
        told.append(Told(address, label, *facts))
    return Matrix(told)


def page(matrix: Matrix, labels: Mapping[str, Any]) -> str:
    """The page as Markdown."""
    total = len(matrix.told)
    made = f"Made on {labels['made']} with {', '.join(labels['with'])}.\n"
    lines = [_HEAD + made]
    lines.append(f"## Truth and verdict\n\n{total} sources; a row for each truth.\n")
    verdicts = [*VERDICTS]
    if any(each.verdict == _UNSEEN for each in matrix.told):
        verdicts.append(_UNSEEN)
    lines += _table(["truth", *verdicts], _rows(matrix, verdicts))
    lines.append("")
    lines += [f"- {text}{'' if met else ' **missed**'}" for text, met in matrix.bars()]
    lines.append("\n## By program\n")
    lines.append(
        "**Tool** counts the sources whose tool was named right, where it leaves a mark.\n"
    )
    lines += _table(["program", "truth", "sources", "verdicts", "tool"], _programs(matrix))
    lines.append("\n## Every source that was judged otherwise\n")
    others = sorted(set(_others(matrix)))
    lines += _table(["program", "truth", "verdict", "how"], others) if others else ["None."]
    return "\n".join(lines) + "\n"


def _table(head: list[str], rows: list[tuple[str, ...]]) -> list[str]:
    made = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return made + [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]


def _rows(matrix: Matrix, verdicts: list[str]) -> list[tuple[str, ...]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for each in matrix.told:
        counts[each.label["truth"]][each.verdict] += 1
    return [
        (f"**{truth}**", *(str(counts[truth][verdict] or "·") for verdict in verdicts))
        for truth in VERDICTS
        if truth in counts
    ]


def _programs(matrix: Matrix) -> list[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for each in matrix.told:
        groups[each.label["name"], each.label["truth"]].append(each)
    rows: list[tuple[str, ...]] = []
    for (name, truth), group in sorted(groups.items(), key=lambda item: (item[0][1], item[0][0])):
        verdicts = Counter(each.verdict for each in group).most_common()
        said = ", ".join(f"{count} {verdict}" for verdict, count in verdicts)
        marked = [each for each in group if each.label["marked"]]
        right = sum(each.tool == each.label["tool"] for each in marked)
        rows.append(
            (name, truth, str(len(group)), said, f"{right}/{len(marked)}" if marked else "")
        )
    return rows


def _others(matrix: Matrix) -> Iterator[tuple[str, ...]]:
    for each in matrix.told:
        same = each.verdict == each.label["truth"]
        if not same and not (each.scanning and each.verdict in _SCANNING):
            yield each.label["name"], each.label["truth"], each.verdict, f"`{each.label['how']}`"
