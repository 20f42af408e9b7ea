"""The demo that the README names: one command, every question answered, nothing left behind."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fleet.engines import PROGRAMS, require
from fleet.namespaces import require_namespaces

TOP = Path(__file__).parents[2]
pytestmark = [pytest.mark.live, pytest.mark.root, pytest.mark.timeout(150)]


def test_the_demo_shows_a_fleet_and_leaves_nothing(tmp_path: Path) -> None:
    """Each question has an answer of the three hosts; processes, names and files are gone."""
    require_namespaces()
    require("nats-server", f"{PROGRAMS}/postgres")
    if not list(TOP.glob(".venv/lib/python3*/site-packages/psycopg")):
        pytest.skip("./scripts/portbook fleet has not installed what it needs yet")
    if (TOP / ".venv" / "fleet-demo.json").exists():
        pytest.skip("a demo runs")
    tmp_path.chmod(0o755)
    for each in tmp_path.parents:
        if "pytest" in str(each):
            each.chmod(0o755)
    done = subprocess.run(
        [str(TOP / "scripts" / "fleet-demo"), "--show"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    answers = dict(part.split("\n", 1) for part in done.stdout.split("$ portbook ")[1:])
    for asked in ("fleet who 3255", "fleet who 3255 --live"):
        assert "web1 (vm)" in answers[asked].replace(f"({os.uname().nodename})", "(vm)")
        assert len(answers[asked].strip().splitlines()) == 3, answers[asked]
    assert all(each in answers["fleet hosts"] for each in ("web1", "web2", "db1"))
    (drift,) = [text for asked, text in answers.items() if asked.startswith("fleet drift")]
    assert "3333/tcp" in drift and "opened" in drift
    assert "error" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
    ip = shutil.which("ip") or "ip"
    names = subprocess.run([ip, "netns", "list"], capture_output=True, text=True, check=True)
    assert "portbook-" not in names.stdout
    assert not (TOP / ".venv" / "fleet-demo.json").exists()


def test_stopping_what_does_not_run_says_so() -> None:
    """Exit code 1, one line."""
    if (TOP / ".venv" / "fleet-demo.json").exists():
        pytest.skip("a demo runs")
    done = subprocess.run(
        [str(TOP / "scripts" / "fleet-demo"), "--stop"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (1, "fleet-demo: none runs\n")
