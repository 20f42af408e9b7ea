"""Measure how well portbook tells a registered service from another use of its number.

    python tools/measure_life.py            print the figures
    python tools/measure_life.py --write    put them into docs/life.md

The labels are tests/registry/labels.tsv, given by hand; docs/life.md says how.
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from portbook.model import Assignment
from portbook.registry.life import KINDS, Trace, life_of_assignment
from portbook.registry.lookup import evidence_rows, lookup
from portbook.registry.orphans import VERDICTS
from portbook.registry.tables import open_assignments

ROOT = Path(__file__).parents[1]
LABELS = ROOT / "tests/registry/labels.tsv"
PAGE = ROOT / "docs/life.md"
MARKS = ("<!-- {}: measured -->\n", "<!-- {}: end -->\n")


class Label(NamedTuple):
    """One assignment judged by hand, and what the rules say of it."""

    port: int
    service: str
    transport: str
    label: str
    split: str
    drawn: str
    reason: str
    verdict: str


def judged() -> list[Label]:
    """Every label with the verdict of the rules.

    Raises:
        LookupError: a label is of an assignment that the registry does not have.
    """
    with LABELS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = []
    for row in rows:
        port = int(row["port"])
        key = (row["service"], row["transport"] or None)
        for each in lookup(port).assignments:
            if (each.service, each.transport) == key:
                break
        else:
            raise LookupError(f"no assignment {key} on {port}")
        verdict = _verdict(port, each, evidence_rows(port))
        row |= {"verdict": verdict}
        found.append(Label(port, **{name: row[name] for name in Label._fields[1:]}))
    return found


def _verdict(port: int, assignment: Assignment, evidence: Sequence[Trace]) -> str:
    entry = lookup(port)
    return life_of_assignment(assignment, entry.assignments, evidence, as_of=entry.life.as_of)


def report(labels: Sequence[Label]) -> str:
    """Precision, recall, the confusion matrix and every misjudged row, as Markdown."""
    parts = [
        ("labelled while the rules were written", [x for x in labels if x.split == "dev"]),
        ("labelled after they were frozen", [x for x in labels if x.split == "test"]),
        (
            "of these, drawn at random",
            [x for x in labels if (x.split, x.drawn) == ("test", "random")],
        ),
        ("all", list(labels)),
    ]
    lines = ["| rows | labelled | precision | recall |", "|---|---|---|---|"]
    for name, part in parts:
        right = sum(each.label == each.verdict == "alive" for each in part)
        said = sum(each.verdict == "alive" for each in part)
        true = sum(each.label == "alive" for each in part)
        lines.append(f"| {name} | {len(part)} | {_share(right, said)} | {_share(right, true)} |")
    lines += ["", "Down: the label. Across: the verdict of the rules.", ""]
    lines += ["| | " + " | ".join(VERDICTS) + " |", "|---" * (len(VERDICTS) + 1) + "|"]
    counts = Counter((each.label, each.verdict) for each in labels)
    for label in VERDICTS:
        cells = " | ".join(str(counts[label, verdict]) for verdict in VERDICTS)
        lines.append(f"| **{label}** | {cells} |")
    lines += ["", "Misjudged:", ""]
    for each in labels:
        if each.label != each.verdict:
            key = f"{each.port}/{each.transport or '-'} `{each.service}`"
            lines.append(
                f"- {key} is {each.label}, judged {each.verdict}: {each.reason} ({each.split})."
            )
    return "\n".join(lines) + "\n"


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} = {part / whole:.3f}" if whole else "-"


def kinds() -> str:
    """How many verdicts on named assignments change when one kind is left out, as Markdown."""
    ports = sorted({int(row[0]) for row in open_assignments().all_rows() if row[0] and row[3]})
    total = 0
    moved = {kind: Counter[tuple[str, str]]() for kind in KINDS}
    for port in ports:
        evidence = evidence_rows(port)
        for each in _one_per_service(lookup(port).assignments):
            total += 1
            verdict = _verdict(port, each, evidence)
            for kind in {kind for _, kind in evidence}:
                less = _verdict(port, each, [trace for trace in evidence if trace[1] != kind])
                moved[kind][verdict, less] += less != verdict
    columns = (("alive", "orphan"), ("alive", "overtaken"), ("overtaken", "orphan"))
    lines = [
        f"| of {total:,} services, without | " + " | ".join(map(", now ".join, columns)) + " |"
    ]
    lines.append("|---" * (len(columns) + 1) + "|")
    told = sorted((kind for kind in KINDS if moved[kind]), key=lambda kind: -moved[kind].total())
    lines += [
        f"| {kind} | " + " | ".join(str(moved[kind][each]) for each in columns) + " |"
        for kind in told
    ]
    return "\n".join(lines) + "\n"


def measured() -> dict[str, str]:
    """Every measured part of docs/life.md by its name."""
    return {"match": report(judged()), "kinds": kinds()}


def filled(page: str, parts: dict[str, str]) -> str:
    """`page` with the text between each pair of marks replaced.

    Raises:
        ValueError: the page has no such marks.
    """
    for name, part in parts.items():
        begin, end = (mark.format(name) for mark in MARKS)
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"no place for {name!r} in the page")
        page = before + begin + part + end + after
    return page


def _one_per_service(assignments: Iterable[Assignment]) -> Iterable[Assignment]:
    return {each.service: each for each in assignments if each.service is not None}.values()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print or write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--write", action="store_true", help="put the figures into docs/life.md")
    options = parser.parse_args(arguments)
    parts = measured()
    if options.write:
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), parts), encoding="utf-8")
    print("\n".join(parts.values()), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
