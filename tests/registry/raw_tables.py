"""The shipped tables read with the csv module alone: the second opinion of tests that count."""

import csv
import itertools

from portbook.registry.tables import shipped


def raw(name: str) -> list[dict[str, str]]:
    """The rows of a table as columns and cells."""
    with open(shipped(f"{name}.tsv"), encoding="utf-8", newline="") as file:
        lines = itertools.dropwhile(lambda line: line.startswith("# "), file)
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def span(row: dict[str, str]) -> range:
    """The numbers of a row that has some."""
    return range(int(row["port"]), int(row["last_port"]) + 1)


def named() -> list[dict[str, str]]:
    """The assignments with a name and a number."""
    return [row for row in raw("assignments") if row["service"] and row["port"]]


def named_ports() -> set[int]:
    """The numbers that have a service."""
    return {port for row in named() for port in span(row)}


def traced() -> dict[int, set[str]]:
    """The sources that name each number."""
    found: dict[int, set[str]] = {}
    for row in raw("evidence"):
        found.setdefault(int(row["port"]), set()).add(row["source"])
    return found
