"""Real servers, all asked in one call: the quick part of the test bed (scripts/testbed)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bed.running import all_servers
from bed.server import Server
from live.stage import environment
from portbook.identify.limits import SENT_BYTES
from portbook.registry.lookup import lookup

TOP = Path(__file__).parents[2]
BED = TOP / ".venv-bed/bin/python"
PYTHON = BED if BED.exists() else Path(sys.executable)
QUICK = [server for server in all_servers() if server.quick]
AT_LEAST = 25

pytestmark = [
    pytest.mark.live,
    pytest.mark.root,
    pytest.mark.timeout(400),
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]


@pytest.fixture(scope="module")
def bed() -> dict[str, Any]:
    """One run over every quick server that is installed, in all its places.

    Where a server did not start at all, which says nothing of portbook, there is a second run.
    """
    found = _run()
    return _run() if found["failed"] else found


def _run() -> dict[str, Any]:
    done = subprocess.run(
        [str(PYTHON), "-m", "tools.testbed", "--quick", "--json"],
        cwd=TOP,
        env=environment(),
        capture_output=True,
        timeout=180,
    )
    assert done.stdout, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_enough_servers_take_part(bed: dict[str, Any]) -> None:
    """As many as are installed, all of them started, and enough to be worth it."""
    assert bed["failed"] == []
    wanted = {server.name for server in QUICK} - set(bed["missing"])
    assert {each["name"] for each in bed["results"]} == wanted
    if len(wanted) < AT_LEAST:
        pytest.skip(f"only {len(wanted)} of {len(QUICK)} servers are installed")


@pytest.mark.parametrize("server", QUICK, ids=lambda server: server.name)
def test_a_real_server_is_identified_and_survives(bed: dict[str, Any], server: Server) -> None:
    """Protocol, product and version are right everywhere, and it is alive and calm after it."""
    mine = [each for each in bed["results"] if each["name"] == server.name]
    if not mine:
        pytest.skip(f"not installed: {' '.join(server.packages)}")
    for each in mine:
        said = each["said"]
        place = f"{each['kind']} {each['port']}: {said}"
        expected = ("silent", "not-asked") if each["silent"] else (None,)
        assert said.get("behaviour") in expected, place
        assert said["protocol"] == each["protocol"], place
        assert each["product"] in (None, said["product"]), place
        assert each["version"] in (None, said["version"]), place
        assert said["sent_bytes"] <= SENT_BYTES, place
        assert each["alive"], place
        assert each["complaint"] is None, place


def test_what_is_misplaced_is_a_conflict(bed: dict[str, Any]) -> None:
    """On another protocol's famous port, registry and wire disagree, and it is said."""
    misplaced = [
        each
        for each in bed["results"]
        if each["kind"] == "famous"
        and any(row.service for row in lookup(each["port"], each["transport"]).assignments)
    ]
    assert len(misplaced) >= 5
    silent = [each["name"] for each in misplaced if not each["said"]["conflicts"]]
    assert silent == []
