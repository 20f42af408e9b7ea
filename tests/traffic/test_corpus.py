"""The labelled corpus, in short: real scanners and clients visit real servers; `watch` judges."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tools.make_traffic import PAGE
from tools.traffic_matrix import Matrix, compared, judged, page
from tools.traffic_running import all_visits, missing_programs
from tools.traffic_servers import missing_servers
from tools.traffic_stage import missing

TOP = Path(__file__).parents[2]
AT_LEAST = 60
WHOLE = 400


def _why_not() -> str | None:
    """What is missing for a corpus; a scanner or client that is missing only makes it smaller."""
    if os.geteuid() != 0:
        return "namespaces need root"
    if gone := missing():
        return f"not there: {', '.join(gone)}"
    alone = ["unshare", "--net", "--pid", "--fork", "--mount-proc", "true"]
    if subprocess.run(alone, capture_output=True).returncode:
        return "no network and process namespaces may be made here"
    if gone := missing_servers():
        return f"servers of the test bed are not installed: {', '.join(gone)}"
    if len(gone := missing_programs()) > 6:
        return f"too many programs are not there: {', '.join(gone)}"
    return None


_WHY_NOT = _why_not()
real = [
    pytest.mark.live,
    pytest.mark.root,
    pytest.mark.timeout(300),
    pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT)),
]


def _marked(function: Any) -> Any:
    for mark in real:
        function = mark(function)
    return function


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of the short form, as somebody would make it."""
    file = tmp_path_factory.mktemp("corpus") / "short.pcap"
    done = subprocess.run(
        [sys.executable, "-m", "tools.make_traffic", str(file), "--short"],
        cwd=TOP,
        capture_output=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr.decode()
    return file


@pytest.fixture(scope="module")
def matrix(capture: Path) -> Matrix:
    """What `watch` says of it."""
    labels = json.loads(Path(f"{capture}.json").read_text())
    return judged(str(capture), labels)


@_marked
def test_everyone_came(matrix: Matrix) -> None:
    """There are enough sources of each truth, and the capture has packets of each of them."""
    assert len(matrix.told) >= AT_LEAST
    truths = {each.label["truth"] for each in matrix.told}
    assert truths == {"client", "health-check", "probe", "scan", "backscatter"}
    assert [each.label["how"] for each in matrix.told if each.verdict == "(not listed)"] == []


@_marked
def test_no_client_is_called_a_scan(matrix: Matrix) -> None:
    """Neither is a health check."""
    assert [(each.label["how"], each.evidence) for each in matrix.accused] == []


@_marked
def test_scanners_are_found(matrix: Matrix) -> None:
    """At most one in a hundred is taken for something else than a probe or a scan."""
    scanning = [each for each in matrix.told if each.scanning]
    missed = [(each.label["how"], each.verdict, each.evidence) for each in matrix.missed]
    assert len(missed) * 100 <= len(scanning), missed


@_marked
def test_tools_are_named(matrix: Matrix) -> None:
    """A tool that leaves a mark is named, and none is named where it is another."""
    marked = [each for each in matrix.told if each.label["marked"]]
    wrong = [(each.label["how"], each.tool, each.evidence) for each in matrix.misnamed]
    assert len(marked) >= AT_LEAST // 4
    assert len(wrong) * 100 <= len(marked), wrong


@_marked
def test_check_says_the_same(capture: Path, matrix: Matrix) -> None:
    """--check prints the matrix and ends with 1 where a bar is missed."""
    done = subprocess.run(
        [*(sys.executable, "-m", "tools.make_traffic"), "--check", capture, f"{capture}.json"],
        cwd=TOP,
        capture_output=True,
    )
    labels = json.loads(Path(f"{capture}.json").read_text())
    assert done.stdout.decode().startswith(page(matrix, labels))
    assert done.returncode == (0 if all(met for _, met in matrix.bars()) else 1)


def _labels(*rows: tuple[str, str, str | None]) -> dict[str, dict[str, Any]]:
    return {
        f"192.0.2.{i}": {
            "truth": truth,
            "tool": tool,
            "marked": tool is not None,
            "scan_type": None,
            "name": name,
            "how": name,
        }
        for i, (name, truth, tool) in enumerate(rows)
    }


def _answers(*rows: tuple[str, str | None]) -> dict[str, dict[str, Any]]:
    return {
        f"192.0.2.{i}": {"verdict": verdict, "tool": tool, "scan_type": None, "evidence": []}
        for i, (verdict, tool) in enumerate(rows)
    }


@pytest.mark.parametrize(
    ("truth", "tool", "verdict", "named", "missed"),
    [
        ("client", None, "client", None, []),
        ("client", None, "probe", None, []),
        ("client", None, "scan", None, [0]),
        ("health-check", None, "scan", None, [0]),
        ("client", None, "unknown", "nmap", [2]),
        ("scan", "zmap", "probe", "zmap", []),
        ("scan", "zmap", "unknown", "zmap", [1]),
        ("probe", None, "client", None, [1]),
        ("scan", "zmap", "scan", "masscan", [2]),
        ("scan", "zmap", "scan", None, [2]),
        ("backscatter", None, "scan", None, []),
    ],
)
def test_bars(
    truth: str, tool: str | None, verdict: str, named: str | None, missed: list[int]
) -> None:
    """Each bar is missed by what it forbids and by nothing else."""
    matrix = compared(_answers((verdict, named)), _labels(("a", truth, tool)))
    assert [i for i, (_, met) in enumerate(matrix.bars()) if not met] == missed


def test_one_in_a_hundred_is_forgiven() -> None:
    """99 of 100 scanners found is enough; a source that is not listed is not found."""
    labels = _labels(*[("a", "scan", "zmap")] * 100)
    answers = _answers(*[("scan", "zmap")] * 99)
    assert all(met for _, met in compared(answers, labels).bars())
    del answers["192.0.2.7"]
    assert [met for _, met in compared(answers, labels).bars()] == [True, False, False]


def test_page_counts_everyone() -> None:
    """The page has the verdicts by truth and by program, and names what was judged otherwise."""
    labels = _labels(("curl", "client", None), ("curl", "client", None), ("a | b", "scan", "nmap"))
    answers = _answers(("client", None), ("unknown", None), ("scan", "nmap"))
    text = page(compared(answers, labels), {"made": "2026-11-23", "with": ["nmap 7.93"]})
    assert "| **client** | 1 | · | · | · | · | 1 |" in text
    assert "| curl | client | 2 | 1 client, 1 unknown |  |" in text
    assert "| a / b | scan | 1 | 1 scan | 1/1 |" in text
    assert "| curl | client | unknown | `curl` |" in text


def test_page_in_the_docs_is_of_the_whole_corpus() -> None:
    """It has 400 sources at least and meets every bar, and knows every program that is run."""
    text = PAGE.read_text()
    sources = int(text.partition("## Truth and verdict\n\n")[2].split()[0])
    assert sources >= WHOLE
    assert "**missed**" not in text
    assert [v.name for v in all_visits() if v.full and f"| {v.name} |" not in text] == []
