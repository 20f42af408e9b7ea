"""Six runs of the fault loop; docs/fleet.md tells what 200 of them gave."""

from pathlib import Path

import pytest

from fleet.engines import require
from fleet.namespaces import require_namespaces
from fleet.proof.fault_loop import HOSTS, Run, loop, summary

pytestmark = [pytest.mark.live, pytest.mark.root, pytest.mark.timeout(180)]


def test_nothing_acknowledged_is_lost_when_parts_are_killed(tmp_path: Path) -> None:
    """Store, bus, hub or agents die at random moments, and come back to what is true."""
    require_namespaces()
    require("nats-server")
    told: list[Run] = []
    # With this seed every part dies once at least, the store twice.
    done = loop(tmp_path, 6, 25, told.append)
    assert told == done and len(done) == 6
    assert [run.lost for run in done] == [()] * 6
    tokens = [run.token for run in done]
    assert tokens == sorted(tokens) and tokens[-1] > 0
    counts = summary(done)
    assert counts["lost"] == 0
    assert all(counts["kills"][part] for part in ("store", "bus", "hub"))
    assert any(counts["kills"][host] for host in HOSTS)
