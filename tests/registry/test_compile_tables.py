"""The committed tables: whole, complete, and free of what must not be in them."""

import re
from pathlib import Path

import pytest

from portbook.model import DYNAMIC, Assignment
from portbook.registry.since import CHANGE_COLUMNS
from portbook.registry.tables import SERVICE_COLUMNS, Table, read_assignments, shipped
from portbook.registry.tables import write_assignments as write

COLUMNS = {
    "browser_blocked": ("port", "service"),
    "changes": CHANGE_COLUMNS,
    "ephemeral_ranges": ("system", "first", "last", "setting"),
    "evidence": ("port", "transport", "source", "product", "note", "kind"),
    "services": SERVICE_COLUMNS,
    "sources": ("id", "title", "version", "licence", "link"),
    "suspicious": ("port", "transport", "name", "category", "confidence", "source"),
}
KINDS = {
    "container-image",
    "dev-server",
    "exporter",
    "fingerprint",
    "firewall-profile",
    "policy",
    "protocol-decoder",
    "self-hosted",
    "services-file",
}
SYNTAX = re.compile(r"(?=.{1,15}$)(?=.*[A-Za-z])[A-Za-z0-9]+(-[A-Za-z0-9]+)*")


@pytest.fixture(scope="module")
def rows() -> list[Assignment]:
    """Every row of the registry."""
    return read_assignments(shipped("assignments.tsv"))


@pytest.fixture(scope="module")
def evidence() -> list[list[str]]:
    """Every trace."""
    return list(Table(shipped("evidence.tsv"), COLUMNS["evidence"]).all_rows())


@pytest.mark.parametrize("name", COLUMNS)
def test_every_table_is_whole_and_tells_where_it_is_from(name: str) -> None:
    """Order, counts and cells are right; what, sources, licence and date stand on top."""
    table = Table(shipped(f"{name}.tsv"), COLUMNS[name])
    table.verify()
    assert {"what", "sources", "licence", "as_of"} <= set(table.header)


def test_no_table_is_forgotten_here() -> None:
    """Every file of the data folder is checked above."""
    files = {path.stem for path in Path(shipped("")).glob("*.tsv")}
    assert files == {*COLUMNS, "assignments"}


def test_the_registry_is_complete(rows: list[Assignment]) -> None:
    """As many names and ports as the registry of 2026-08-17 has."""
    triples = {
        (row.service, port, row.transport)
        for row in rows
        if row.service and row.port is not None and row.last_port is not None
        for port in range(row.port, row.last_port + 1)
    }
    ports = {port for _, port, _ in triples}
    assert len(triples) == 12_043
    assert len(ports) == 6_350
    assert sum(port < 1024 for port in ports) == 686
    assert sum(1024 <= port < DYNAMIC.first for port in ports) == 5_664
    assert max(ports) < DYNAMIC.first


def test_the_name_index_fits_the_registry(rows: list[Assignment], tmp_path: Path) -> None:
    """It is made of the same rows, every name with every port of it."""
    table = Table(shipped("services.tsv"), COLUMNS["services"])
    provenance = {
        key: value
        for key, value in table.header.items()
        if key not in ("portbook table", "rows", "bytes", "widest")
    }
    write(str(tmp_path / "assignments.tsv"), rows, provenance)
    for name in ("assignments.tsv", "services.tsv"):
        assert (tmp_path / name).read_bytes() == Path(shipped(name)).read_bytes()


def test_the_rows_of_every_odd_shape_are_there(rows: list[Assignment]) -> None:
    """Names without a port, ports without a transport, several names, letters beyond ASCII."""
    assert sum(row.port is None for row in rows) > 800
    assert len([r for r in rows if r.service and r.port is not None and r.transport is None]) == 16
    pairs: dict[tuple[int, str | None], set[str]] = {}
    for row in rows:
        if row.service and row.port is not None:
            pairs.setdefault((row.port, row.transport), set()).add(row.service)
    assert sum(len(names) > 1 for names in pairs.values()) == 226
    odd = {row.service for row in rows if row.service and row.port is not None}
    assert len([name for name in odd if not SYNTAX.fullmatch(name)]) == 97
    assert len([row for row in rows if any(not str(cell).isascii() for cell in row)]) == 19
    undated = [row for row in rows if row.service and row.port is not None and not row.registered]
    assert 0.6 < len(undated) / 11_739 < 0.7


def test_nothing_of_the_inputs_notation_is_left(rows: list[Assignment]) -> None:
    """No `=`, `-` or brackets where a value should be."""
    for row in rows:
        for cell in row:
            assert cell not in ("", "-", "=")
        assert not re.search(r"[\[\]]", f"{row.assignee}{row.contact}")


def test_no_mail_address_is_shipped() -> None:
    """In no table, not even in the disguise that one reference of the registry uses."""
    for path in Path(shipped("")).glob("*.tsv"):
        text = path.read_text("utf-8")
        assert not re.search(r"[\w.+-]+@[\w-]+\.[A-Za-z]|<[^<>\n]*[@&]", text), path.name


def test_evidence_names_a_known_source_kind_and_port(evidence: list[list[str]]) -> None:
    """At least 12 sources, each used, each trace on a real port with a product."""
    sources = [row[0] for row in Table(shipped("sources.tsv"), COLUMNS["sources"]).all_rows()]
    assert len(sources) >= 12
    assert {row[2] for row in evidence} == set(sources)
    assert {row[5] for row in evidence} == KINDS
    for port, _, _, product, note, _ in evidence:
        assert 0 < int(port) < 65536
        assert product == product.strip() and 0 < len(product) <= 60
        assert note
        assert "/" not in product.partition(" ")[0] or "." not in product.partition("/")[0]
    header = Table(shipped("evidence.tsv"), COLUMNS["evidence"]).header
    assert header["sources checked"] == str(len(sources))


def test_no_source_takes_a_long_run_of_ports(evidence: list[list[str]]) -> None:
    """Ranges of more than 16 ports are no evidence, however a source writes them."""
    runs: dict[tuple[str, ...], set[int]] = {}
    for number, transport, source, product, *_ in evidence:
        runs.setdefault((transport, source, product), set()).add(int(number))
    for key, ports in runs.items():
        for first in ports:
            assert not set(range(first, first + 17)) <= ports, key


def test_no_trace_stands_twice(evidence: list[list[str]]) -> None:
    """Neither the same row nor the same without its transport."""
    keys = [(row[0], row[1], row[2], row[3]) for row in evidence]
    assert len(set(keys)) == len(keys)
    known = {(port, source, product) for port, transport, source, product in keys if transport}
    assert not any((k[0], k[2], k[3]) in known for k in keys if not k[1])


def test_the_nmap_data_and_copies_of_iana_are_no_source() -> None:
    """Neither may be read, and a copy of the registry is no trace of use."""
    for row in Table(shipped("sources.tsv"), COLUMNS["sources"]).all_rows():
        assert not re.search(r"\bnmap\b|netutils", " ".join(row), re.IGNORECASE)


def test_the_browsers_list_has_the_known_numbers() -> None:
    """83 with port 0, 6000 among them and 8080 not."""
    rows = list(Table(shipped("browser_blocked.tsv"), COLUMNS["browser_blocked"]).all_rows())
    ports = {int(row[0]) for row in rows}
    assert len(ports) == len(rows) == 83
    assert {0, 1, 22, 25, 6000, 6667, 10080} <= ports
    assert not {80, 443, 8080} & ports


def test_the_ranges_of_the_systems_are_ranges() -> None:
    """Linux begins lower than the RFC's dynamic range."""
    rows = {
        row[0]: (int(row[1]), int(row[2]))
        for row in Table(shipped("ephemeral_ranges.tsv"), COLUMNS["ephemeral_ranges"]).all_rows()
    }
    assert rows["linux"] == (32768, 60999)
    assert rows["rfc6335"] == (DYNAMIC.first, DYNAMIC.last)
    assert all(first < last for first, last in rows.values())
