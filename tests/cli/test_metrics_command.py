"""`portbook metrics`: the text, the file for node_exporter, and what neither may tell."""

import getpass
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from command import Run, portbook, recorded
from free_ports import free_port
from test_documents import validator

ROOT = recorded("debian12-root")
NOBODY = recorded("debian12-nobody")


def values(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Each series with its value."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    """The sum of the series that have these labels."""
    wanted = set(labels.items())
    found = [n for (each, said), n in values(text).items() if each == name and wanted <= said]
    assert found, name
    return sum(found)


def test_a_recorded_host_in_numbers() -> None:
    """Every listener is counted once, and what is possible and is not there is 0."""
    run = portbook("metrics", "--root", ROOT)
    assert (run.code, run.err) == (0, "")
    rows = portbook("ls", "--root", ROOT, "--json").document["listeners"]
    assert value(run.out, "portbook_listeners") == len(rows)
    for verdict in ("expected", "unknown", "suspicious"):
        there = sum(row["verdict"]["value"] == verdict for row in rows)
        assert value(run.out, "portbook_listeners", verdict=verdict) == there
    assert value(run.out, "portbook_listeners", transport="udp", reach="loopback") == 1
    assert value(run.out, "portbook_incomplete") == 0
    assert "portbook_claims" not in run.out  # a recording says nothing of them
    assert portbook("ls", "--root", ROOT, "--format", "prom").out.count("portbook_listeners{") == (
        run.out.count("portbook_listeners{")
    )


def test_what_could_not_be_seen_is_a_number_too() -> None:
    """Exit code 3, the reasons on stderr."""
    run = portbook("metrics", "--root", NOBODY)
    assert run.code == 3
    assert "incomplete: the processes behind" in run.err
    assert value(run.out, "portbook_incomplete") == 1


def test_claims_are_counted_by_what_the_kernel_shows(own_home: Path) -> None:
    """reserved, bound and squatted; permits that are held and free. No store is made for it."""
    assert value(portbook("metrics").out, "portbook_claims") == 0
    assert not any(own_home.glob("claims*"))
    port = free_port()
    # The claim is this very process's, so that listening makes it bound.
    for arguments in (
        ("claim", "--port", str(port), "--pid", str(os.getpid())),
        ("claim", "--ttl", "10m"),
        ("sem", "acquire", "gpu", "--limit", "3", "--n", "2", "--ttl", "10m"),
        ("reserve", "web"),
    ):
        assert portbook(*arguments).code == 0
    with socket.create_server(("127.0.0.1", port)):
        text = portbook("metrics").out
    assert value(text, "portbook_claims", state="bound") == 1
    assert value(text, "portbook_claims", state="reserved") == 1
    assert value(text, "portbook_claims", state="squatted") == 0
    assert value(text, "portbook_reservations") == 1
    assert value(text, "portbook_semaphores") == 1
    assert value(text, "portbook_semaphore_permits", state="held") == 2
    assert value(text, "portbook_semaphore_permits", state="free") == 1
    assert value(text, "portbook_semaphore_waiting") == 0
    for secret in ("gpu", "web", str(port), str(os.getpid()), getpass.getuser(), str(own_home)):
        assert not any(f'"{secret}"' in line for line in text.splitlines()), secret


def test_a_store_that_cannot_be_read_is_a_gap(own_home: Path) -> None:
    """The listeners are told all the same; exit code 3."""
    (own_home / "claims.sqlite").write_bytes(b"no database" * 1000)
    run = portbook("metrics")
    assert run.code == 3
    assert "incomplete: claims:" in run.err
    assert "portbook_claims{" not in run.out
    assert value(run.out, "portbook_incomplete") >= 1
    assert value(run.out, "portbook_listeners") >= 0


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say() -> None:
    """Names, types and helps are as Prometheus' own linter wants them."""
    text = portbook("metrics").out
    argv = ["promtool", "check", "metrics"]
    checked = subprocess.run(argv, input=text.encode(), capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    planted = text + "# TYPE portbook_x counter\nportbook_x 1\n"
    wrong = subprocess.run(argv, input=planted.encode(), capture_output=True, check=False)
    assert b"portbook_x" in wrong.stdout + wrong.stderr


def test_the_textfile_is_for_other_users_to_read(tmp_path: Path) -> None:
    """0644 whatever the umask; nothing on stdout; nothing else is left in the folder."""
    path = tmp_path / "portbook.prom"
    script = f"umask 077; {sys.executable} -m portbook metrics --root {ROOT} --textfile {path}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.read_text() == portbook("metrics", "--root", ROOT).out
    assert os.listdir(tmp_path) == ["portbook.prom"]


def test_a_textfile_is_whole_at_every_moment(tmp_path: Path) -> None:
    """Who reads while it is written again and again never sees a part of it."""
    path = tmp_path / "portbook.prom"
    assert portbook("metrics", "--root", ROOT, "--textfile", str(path)).code == 0
    whole = path.read_bytes()
    seen: set[bytes] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(5):
            assert portbook("metrics", "--root", ROOT, "--textfile", str(path)).code == 0
    finally:
        ended.set()
        reader.join()
    assert seen == {whole}


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("portbook", 2, "hint: --textfile {at}/portbook.prom"),
        ("portbook.txt", 2, "node_exporter reads *.prom alone"),
        ("none/portbook.prom", 5, "cannot write metrics"),
        ("folder.prom", 5, "cannot write metrics"),
    ],
)
def test_a_file_that_cannot_be_is_an_error_in_one_line(
    tmp_path: Path, name: str, code: int, said: str
) -> None:
    """A name that node_exporter would pass over, a folder that is not there, one that is."""
    (tmp_path / "folder.prom").mkdir()
    run = portbook("metrics", "--root", ROOT, "--textfile", str(tmp_path / name))
    assert (run.code, run.out) == (code, "")
    assert said.format(at=tmp_path) in run.err
    assert os.listdir(tmp_path) == ["folder.prom"]


def test_the_document_has_the_families_and_the_file(tmp_path: Path) -> None:
    """It fits its schema, with and without a file."""
    run = portbook("metrics", "--root", ROOT, "--json")
    validator("metrics").validate(run.document)
    assert run.document["file"] is None
    names = [family["name"] for family in run.document["families"]]
    assert names == ["portbook", "portbook_listeners", "portbook_incomplete"]
    path = str(tmp_path / "a.prom")
    run = portbook("metrics", "--root", ROOT, "--textfile", path, "--json")
    validator("metrics").validate(run.document)
    assert run.document["file"] == path


def test_without_its_library_it_says_what_to_install(tmp_path: Path) -> None:
    """Exit code 5, as the other parts with packages of their own."""
    (tmp_path / "prometheus_client.py").write_text(
        "raise ModuleNotFoundError('none', name='prometheus_client')\n"
    )
    run: Run = portbook("metrics", env={"PYTHONPATH": str(tmp_path)})
    assert (run.code, run.out) == (5, "")
    assert run.err.splitlines() == [
        "portbook: error: metrics need prometheus_client, which is not installed",
        'hint: pip install "portbook[metrics]"',
    ]


def test_it_needs_nothing_of_the_pages() -> None:
    """prometheus_client alone: who installs portbook[metrics] has no web server."""
    probe = (
        "import sys; from portbook.cli import main; main(['metrics', '--root', sys.argv[1]]);"
        "print([n for n in ('starlette', 'uvicorn', 'jinja2', 'numpy') if n in sys.modules],"
        " file=sys.stderr)"
    )
    argv = [sys.executable, "-c", probe, ROOT]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=True)
    assert done.stderr == b"[]\n"
