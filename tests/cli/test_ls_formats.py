"""`portbook ls --format`: csv, tsv, markdown and Prometheus' text, whatever the machine says."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

from command import portbook, recorded
from portbook.cli import ls_formats
from portbook.cli.ls import FORMATS
from portbook.cli.render import safe
from portbook.host import Host
from portbook.model import Listener, Verdict
from portbook.survey import survey

ROOT = recorded("debian12-root")
NOBODY = recorded("debian12-nobody")
FOUND = survey(Host(ROOT)).listeners
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="=+-@|\\`*_[]<>&~$#\"',;\t\r\n{}\x1b\u202e\u2028 a", max_size=40),
)


def named(row: Listener, name: str, command: str) -> Listener:
    """The listener with an owner that calls itself so, runs this, and a reason that quotes it."""
    owner = row.owners[0]._replace(name=name, cmdline=(command, name), unit=command)
    verdict = Verdict("unknown", (name, command))
    return row._replace(owners=(owner,), user=name, verdict=verdict, namespace=command)


@st.composite
def listeners(draw: st.DrawFn) -> Listener:
    """A listener of the recorded host in which every text is somebody else's."""
    return named(draw(st.sampled_from(FOUND)), draw(HOSTILE), draw(HOSTILE))


@given(st.lists(listeners(), max_size=4))
def test_any_text_comes_back_from_a_csv_reader(rows: list[Listener]) -> None:
    """The records are those that were meant, and no cell is a formula or steers a terminal."""
    text = "".join(f"{line}\n" for line in ls_formats.csv_lines(rows, None, header=True))
    assert text.count("\r\n") == text.count("\n") == len(rows) + 1
    header, *records = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert tuple(header) == ls_formats.COLUMNS
    assert [tuple(record) for record in records] == [ls_formats.cells_of(row) for row in rows]
    for record in records:
        assert len(record) == len(ls_formats.COLUMNS)
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in record)
        assert all(cell == "" or cell.isprintable() for cell in record)


@given(st.lists(listeners(), max_size=4))
def test_any_text_is_one_cell_of_tsv(rows: list[Listener]) -> None:
    """Splitting at tabs and ends of lines gives the cells again: nothing needs quotes."""
    lines = ls_formats.tsv_lines(rows, "2026-11-23T09:00:00Z", header=True)
    text = "".join(f"{line}\n" for line in lines)
    records = [tuple(line.split("\t")) for line in text.splitlines()]
    assert records[0] == ("at", *ls_formats.COLUMNS)
    assert records[1:] == [("2026-11-23T09:00:00Z", *ls_formats.cells_of(row)) for row in rows]


class _Cells(HTMLParser):
    """The text of each cell of a table, and every tag that there is."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """A cell begins."""
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        """Text, of the newest cell."""
        if self.cells and data != "\n":
            self.cells[-1] += data


@given(listeners())
def test_any_text_is_shown_as_it_is_by_markdown(row: Listener) -> None:
    """A real reader of GFM finds seven cells, the name among them, and no markup that was not ours.

    Links that are no markup (`www.example.org`) are the reader's own doing and stay text.
    """
    page = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(
        "\n".join(ls_formats.markdown_lines([row]))
    )
    read = _Cells()
    read.feed(page)
    assert len(read.cells) == 2 * 7
    assert read.tags == {"table", "thead", "tbody", "tr", "th", "td"}
    assert read.cells[7 + 3] == " ".join(safe(str(row.user)).split())


@given(st.lists(listeners(), max_size=4))
def test_any_text_is_a_label_for_prometheus(rows: list[Listener]) -> None:
    """The parser of prometheus_client reads the labels again; no series comes twice."""
    text = "".join(f"{line}\n" for line in ls_formats.prom_lines(rows, ()))
    families = {family.name: family for family in text_string_to_metric_families(text)}
    said = [sample.labels for sample in families["portbook_listener_info"].samples]
    assert len({tuple(sorted(labels.items())) for labels in said}) == len(said)
    assert {labels["process"] for labels in said} == {safe(str(row.owners[0].name)) for row in rows}
    counts = families["portbook_listeners"].samples
    assert sum(sample.value for sample in counts) == len(rows)
    assert families["portbook_incomplete"].samples[0].value == 0


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_say() -> None:
    """The exposition is what Prometheus' own linter takes, hostile names among it."""
    rows = [*FOUND, named(FOUND[0], 'a"b\\c\n# TYPE x y', "}")]
    text = "".join(f"{line}\n" for line in ls_formats.prom_lines(rows, ()))
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text.encode(), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_prints_each_listener_and_keeps_the_exit_codes(form: str) -> None:
    """0 for all of them, 1 where a filter keeps none, 3 and stderr where something is hidden."""
    whole = portbook("ls", "--root", ROOT, "--format", form)
    assert (whole.code, whole.err) == (0, "")
    assert whole.out.count("nginx") >= 2
    assert portbook("ls", "--root", ROOT, "--format", form, "--port", "4444").code == 1
    partly = portbook("ls", "--root", NOBODY, "--format", form)
    assert partly.code == 3
    assert ("incomplete:" in partly.err) == (form not in ("json", "jsonl"))
    assert "incomplete:" not in partly.out


@pytest.mark.parametrize(("option", "form"), [("--json", "json"), ("--jsonl", "jsonl")])
def test_the_old_options_mean_the_same(option: str, form: str) -> None:
    """Byte for byte, but for the moment."""

    def said(*arguments: str) -> list[dict[str, object]]:
        lines = portbook("ls", "--root", ROOT, *arguments).out.splitlines()
        return [{**json.loads(line), "at": ""} for line in lines]

    assert said(option) == said("--format", form) == said(option, "--format", form)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "--format", "csv"),
        ("--jsonl", "--format", "json"),
        ("--format", "xml"),
        ("--format", "csv", "--template", "{port}"),
        ("--json", "--template", "{port}"),
        ("--format", "prom", "--watch", "1"),
    ],
)
def test_two_forms_at_once_are_a_usage_error(arguments: tuple[str, ...]) -> None:
    """One line says so, and nothing is printed."""
    run = portbook("ls", "--root", ROOT, *arguments)
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("portbook: error: ")


def test_a_watched_csv_has_one_header_and_the_moment_of_each_look() -> None:
    """So that a spreadsheet or a database can read the whole of it."""
    argv = [sys.executable, "-m", "portbook", "ls", "--watch", "0.1", "--format", "csv"]
    process = subprocess.Popen(
        [*argv, "--root", ROOT, "--port", "6379"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(7)]
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[1] == ""
    assert process.returncode == 130
    header, *records = csv.reader(lines)
    assert header[:3] == ["at", "port", "transport"]
    assert [record[1:3] for record in records] == [["6379", "tcp"]] * 6
