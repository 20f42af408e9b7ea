"""Many shells at once: every one gets a number of its own."""

import subprocess
import sys
from pathlib import Path

import pytest


def test_32_shells_get_32_numbers() -> None:
    """All of a range of 32, none twice, in two rounds; run_race.py makes as many as it is told."""
    script = str(Path(__file__).with_name("run_race.py"))
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, script, "2"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.stderr.startswith("unshare:"):
        pytest.skip(f"no namespaces here: {done.stderr.strip()}")
    assert done.stdout == "2 rounds of 32 shells, 0 bad\n", done.stdout + done.stderr
