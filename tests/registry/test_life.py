"""The verdict on a number and on each of its assignments; and the figures of docs/life.md."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portbook.model import Assignment, Evidence, Life, UnofficialUse
from portbook.registry.life import Trace, life_of, life_of_assignment
from portbook.registry.lookup import evidence_rows, lookup, reload

sys.path.insert(0, str(Path(__file__).parents[2]))

from tools import measure_life

AS_OF = "2026-11-23"


@pytest.fixture(autouse=True)
def _shipped_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No registry of whoever runs the tests, and no answer kept from another test."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path))
    reload()
    yield
    reload()


def row(service: str | None, transport: str | None = "tcp", **rest: str) -> Assignment:
    """An assignment of port 7."""
    return Assignment(service, 7, 7, transport, **rest)


def trace(
    product: str, transport: str | None = "tcp", *, source: str = "s", kind: str = "fingerprint"
) -> Trace:
    """A piece of evidence on port 7."""
    return Evidence(source, 7, transport, product), kind


def judge(*assignments: Assignment, found: list[Trace] | None = None, port: int = 7) -> str:
    """The verdict on the number."""
    life, _ = life_of(port, assignments, found or [], sources_checked=3, as_of=AS_OF)
    return life.verdict


def unofficial(*assignments: Assignment, found: list[Trace]) -> tuple[UnofficialUse, ...]:
    """The unofficial uses of the number."""
    return life_of(7, assignments, found, sources_checked=3, as_of=AS_OF)[1]


def test_evidence_that_names_the_service_makes_it_alive() -> None:
    """One trace is enough, whatever else is found."""
    assert judge(row("redis"), found=[trace("node-red"), trace("redis")]) == "alive"


def test_evidence_only_of_something_else_makes_it_overtaken() -> None:
    """8086 is registered for d-s-n and used by InfluxDB."""
    assert judge(row("d-s-n"), found=[trace("influxdb")]) == "overtaken"


def test_without_a_trace_it_is_an_orphan_or_young() -> None:
    """Under three years the software may just not be known yet."""
    assert judge(row("x-old", registered="2002-02")) == "orphan"
    assert judge(row("x-old")) == "orphan"
    assert judge(row("x-new", registered="2023-11-24")) == "young"
    assert judge(row("x-new", registered="2023-11-22")) == "orphan"


def test_a_coarse_date_is_compared_as_coarse_as_it_is() -> None:
    """A row of 2023-11, three years before to the month, may still be young."""
    assert judge(row("x-new", registered="2023-11")) == "young"
    assert judge(row("x-new", registered="2023-10")) == "orphan"
    assert judge(row("x-new", registered="2023")) == "young"


def test_one_assignment_alive_makes_the_number_alive() -> None:
    """On 2049 NFS is alive, and that shilp is not says only its own verdict."""
    both = (row("shilp"), row("nfs"))
    found = [trace("nfs")]
    assert judge(*both, found=found) == "alive"
    assert life_of_assignment(both[0], both, found, as_of=AS_OF) == "overtaken"
    assert life_of_assignment(both[1], both, found, as_of=AS_OF) == "alive"


def test_a_trace_on_a_twin_transport_counts() -> None:
    """SSH is registered on udp as well; its traces on tcp speak for it."""
    twins = (row("ssh", "tcp"), row("ssh", "udp"))
    assert life_of_assignment(twins[1], twins, [trace("ssh", "tcp")], as_of=AS_OF) == "alive"


def test_a_trace_on_a_transport_that_the_service_lacks_does_not_count() -> None:
    """Syncthing on tcp says nothing of a service that is registered on udp only."""
    only = (row("marathontp", "udp"),)
    found = [trace("syncthing", "tcp")]
    assert life_of_assignment(only[0], only, found, as_of=AS_OF) == "orphan"
    assert judge(*only, found=found) == "overtaken", "the number itself is in use"


def test_a_transport_not_given_fits_all() -> None:
    """Some sources and some registry rows name no transport."""
    assert judge(row("bzflag", "udp"), found=[trace("BZFlag", None)]) == "alive"
    assert judge(row("swx", None), found=[trace("swx", "udp")]) == "alive"


def test_a_name_copied_by_a_policy_counts_only_while_nothing_contradicts_it() -> None:
    """Policies spell port types as IANA does, whatever uses the port."""
    copied = trace("commplex_main", kind="policy")
    assert judge(row("commplex-main"), found=[copied]) == "alive"
    exporter = trace("X exporter", kind="exporter")
    assert judge(row("commplex-main"), found=[copied, exporter]) == "alive"
    assert judge(row("commplex-main"), found=[copied, trace("flask")]) == "overtaken"


def test_a_number_without_a_name_is_unassigned_reserved_or_dynamic() -> None:
    """A nameless row keeps a number back, unless it says that it gives the number back."""
    assert judge() == "unassigned"
    assert judge(row(None, description="Reserved")) == "reserved"
    assert judge(row(None, description="any private mail system")) == "reserved"
    assert judge(row(None, description="Unassigned")) == "unassigned"
    assert judge(row(None, description="De-registered (2001 June 07)")) == "unassigned"
    assert judge(port=49152) == "dynamic"
    assert judge(port=49151) == "unassigned"


def test_the_life_carries_its_evidence_and_how_far_was_looked() -> None:
    """Every verdict can be checked."""
    found = [trace("redis"), trace("other", "udp")]
    life, _ = life_of(7, [row("redis")], found, sources_checked=3, as_of=AS_OF)
    assert life == Life("alive", 3, AS_OF, tuple(each for each, _ in found))


def test_unofficial_uses_are_the_products_that_name_no_service() -> None:
    """Spellings of one product are one use, with every source that has it."""
    found = [
        trace("redis"),
        trace("influxdb2", source="b"),
        trace("InfluxDB", source="a"),
        trace("influxdb", source="a"),
    ]
    assert unofficial(row("redis"), found=found) == (UnofficialUse("InfluxDB", "tcp", ("a", "b")),)


def test_unofficial_uses_with_more_sources_come_first_then_the_better_kind() -> None:
    """An exporter's reservation is the weakest sign of a use."""
    found = [
        trace("late exporter", kind="exporter"),
        trace("game", kind="firewall-profile"),
        trace("app", kind="self-hosted"),
        trace("both", source="a", kind="exporter"),
        trace("both", source="b", kind="exporter"),
    ]
    names = [each.product for each in unofficial(found=found)]
    assert names == ["both", "app", "game", "late exporter"]


def test_a_use_on_several_transports_is_listed_without_one() -> None:
    """A transport is told where all sources that give one agree."""
    assert unofficial(found=[trace("a", "tcp"), trace("a", "udp")])[0].transport is None
    assert unofficial(found=[trace("a", None), trace("a", "udp")])[0].transport == "udp"


@pytest.mark.parametrize(
    ("port", "verdict"),
    [
        (22, "alive"),
        (80, "alive"),
        (443, "alive"),
        (5432, "alive"),
        (6379, "alive"),
        (11434, "alive"),
        (3000, "overtaken"),
        (5000, "overtaken"),
        (8086, "overtaken"),
        (3255, "orphan"),
        (31337, "orphan"),
        (1023, "reserved"),
        (4, "unassigned"),
        (61616, "dynamic"),
    ],
)
def test_well_known_numbers(port: int, verdict: str) -> None:
    """The shipped tables give the verdict that a person would."""
    assert lookup(port).life.verdict == verdict


def test_the_number_agrees_with_its_assignments() -> None:
    """A number is alive exactly when one of its names is, and an orphan only if all are."""
    for port in range(0, 49152, 7):
        entry = lookup(port)
        named = [each for each in entry.assignments if each.service]
        verdicts = {
            life_of_assignment(each, named, evidence_rows(port), as_of=entry.life.as_of)
            for each in named
        }
        if named:
            assert (entry.life.verdict == "alive") == ("alive" in verdicts), port
            assert entry.life.verdict != "orphan" or verdicts == {"orphan"}, port


def test_the_labels_are_many_distinct_and_of_both_splits() -> None:
    """The figures rest on at least 160 rows, some of them without a trace."""
    labels = measure_life.judged()
    assert len({each[:3] for each in labels}) == len(labels) >= 160
    assert {each.split for each in labels} == {"dev", "test"}
    assert sum(each.label in ("orphan", "young") for each in labels) >= 25


def test_the_figures_in_the_docs_are_the_measured_ones() -> None:
    """docs/life.md cannot rot: write it anew with `python tools/measure_life.py --write`."""
    page = measure_life.PAGE.read_text(encoding="utf-8")
    assert measure_life.filled(page, measure_life.measured()) == page


def test_the_match_stays_as_good_as_it_was() -> None:
    """Precision and recall of naming the registered service stay above 0.97 on the test rows."""
    labels = [each for each in measure_life.judged() if each.split == "test"]
    right = sum(each.label == each.verdict == "alive" for each in labels)
    assert right / sum(each.verdict == "alive" for each in labels) > 0.97
    assert right / sum(each.label == "alive" for each in labels) > 0.97


def test_a_wrong_figure_in_the_docs_is_found() -> None:
    """The check is no empty one: a page with other figures differs, one without marks fails."""
    begin, end = (mark.format("x") for mark in measure_life.MARKS)
    assert measure_life.filled(f"a{begin}1\n{end}b", {"x": "2\n"}) == f"a{begin}2\n{end}b"
    with pytest.raises(ValueError, match="no place for 'x'"):
        measure_life.filled("nothing", {"x": "2\n"})
