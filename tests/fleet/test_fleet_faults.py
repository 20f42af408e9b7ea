"""What must not matter to a fleet: a copied host, a wrong clock, bad reports, a full disk."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import psycopg
import pytest

from fleet.namespaces import Hosts, until
from fleet.running import Fleet, end
from portbook.fleet import wire
from portbook.fleet.ingest import keep_reports
from portbook.fleet.table import table_hash
from portbook.model.fleet import FleetReport, FleetRow

pytestmark = [pytest.mark.live, pytest.mark.root, pytest.mark.timeout(90)]

NAMES = ("alpha", "beta", "gamma", "twin")
INTERVAL, SLACK = 1.0, 3.0
_AGES = """SELECT port, extract(epoch FROM clock_timestamp() - as_of)::float8,
    extract(epoch FROM clock_timestamp() - since)::float8
    FROM portbook.host JOIN portbook.listener ON host.number = listener.host"""
_SEND = """
import asyncio, sys
import nats
async def main(url, seed, inbox, subject):
    entry = {"nkeys_seed": seed, "inbox_prefix": inbox.encode(), "allow_reconnect": False}
    client = await nats.connect(url, **entry)
    try:
        found = await client.request(subject, sys.stdin.buffer.read(), timeout=1.5)
        sys.stdout.buffer.write(found.data)
    finally:
        await client.close()
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Four hosts with a listener each; alpha and twin write to the store, the others to a hub."""
    folder = tmp_path_factory.mktemp("faults")
    with (
        Hosts(NAMES) as hosts,
        Fleet(
            folder,
            hosts,
            every=f"{INTERVAL:g}s",
            direct=("alpha", "twin"),
            settings={"fsync": "off"},
        ) as made,
    ):
        made.start_hub()
        for number, host in enumerate(NAMES):
            made.listen(host, "server", f"tcp/127.0.0.1/{6000 + number}")
        yield made


def test_a_copied_host_is_found_out(fleet: Fleet) -> None:
    """Two machines under one id: the store says so, and the table is never a mixture."""
    fleet.start_agent("alpha")
    until(lambda: not fleet.differences().get("alpha"), 15, lambda: fleet.log("alpha"))
    copy = fleet.folder / "homes" / "copy"
    shutil.copytree(fleet.folder / "homes" / "alpha", copy)
    for left in copy.glob("fleet-agent.state*"):
        left.unlink()
    fleet.start_agent("twin", name="copy")
    try:
        until(
            lambda: any(each["state"] == "duplicate" for each in fleet.ask("hosts")["hosts"]),
            20,
            lambda: (fleet.log("alpha"), fleet.log("copy"), fleet.ask("hosts")),
        )
        until(
            lambda: "two machines report" in fleet.log("alpha") + fleet.log("copy"),
            20,
            lambda: (fleet.log("alpha"), fleet.log("copy")),
        )
        stored = fleet.stored()["alpha"]
        assert stored in (fleet.hosts.truth("alpha"), fleet.hosts.truth("twin"))
    finally:
        end(fleet.agents["copy"])
        end(fleet.agents["alpha"])


@pytest.mark.parametrize("shift", ["+1h", "-1h"])
def test_a_clock_that_is_an_hour_off_moves_nothing(fleet: Fleet, shift: str) -> None:
    """Moments in the store are the server's, whatever an agent's process believes."""
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed")
    program = fleet.listeners["gamma server"]
    faked = ("env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", shift)
    shown = subprocess.run([*faked, "date", "+%s"], capture_output=True, text=True, check=True)
    now = subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True)
    assert abs(abs(int(shown.stdout) - int(now.stdout)) - 3600) < 5, "the clock was not faked"
    fleet.start_agent("gamma", *faked)
    try:
        opened = program.open("tcp/127.0.0.1/0")
        port = opened.rpartition("/")[2]
        until(lambda: not fleet.differences().get("gamma"), 15, lambda: fleet.log("gamma"))
        found = fleet.store.query(_AGES)
        ((age, since),) = [each[1:] for each in found if each[0] == int(port)]
        assert 0 <= float(str(age)) < 30 and 0 <= float(str(since)) < 30
        (host,) = [each for each in fleet.ask("hosts")["hosts"] if each["host"] == "gamma"]
        assert host["state"] == "fresh"
        program.close(opened)
        until(lambda: not fleet.differences().get("gamma"), 15, lambda: fleet.log("gamma"))
    finally:
        end(fleet.agents["gamma"])


def row(port: int) -> FleetRow:
    """A listener that is made up."""
    return FleetRow(
        *("tcp", "127.0.0.1", port, "", 7, "listen", "loopback", "made-up", 1, None, "root"),
        *(None, None, None, None, "unknown", None, "", None, ""),
    )


def report(host: str, seq: int, *rows: FleetRow) -> FleetReport:
    """A full report of a machine that is made up."""
    return FleetReport(
        *(host, "made-up", "made-up:1", seq, True, 0, table_hash(rows), len(rows), 0, 1_000, "0"),
        rows=rows,
    )


def sent(fleet: Fleet, host: str, data: bytes) -> str:
    """What becomes of bytes that a host sends with its own key; `silence` where nobody says."""
    seed = str(fleet.folder / "homes" / host / "bus.seed")
    done = subprocess.run(
        [
            *(sys.executable, "-c", _SEND, fleet.bus.url, seed, f"_INBOX_{host}"),
            f"portbook.report.{host}",
        ],
        input=data,
        capture_output=True,
        timeout=30,
    )
    return wire.decode_acknowledged(done.stdout).result if done.returncode == 0 else "silence"


def test_bad_reports_over_the_bus_change_nothing(fleet: Fleet) -> None:
    """Replayed, cut off anywhere, about somebody else, far too long: the hub goes on."""
    good = wire.encode_report(report("beta", 10, row(1111), row(2222)))
    until(lambda: sent(fleet, "beta", good) in ("kept", "again"), 15, lambda: fleet.log("hub"))
    assert len(fleet.stored()["beta"]) == 2
    assert sent(fleet, "beta", wire.encode_report(report("beta", 11, row(3333)))) == "kept"
    assert sent(fleet, "beta", good) == "again", "a replayed report was taken"
    bad = [good[:length] for length in (0, 1, len(good) // 2, len(good) - 1)]
    bad.append(wire.encode_report(report("gamma", 1 << 40, row(4444))))
    # The bus itself takes no more than a megabyte.
    bad += [b"x" * 1_000_001, b"x" * 2_000_000]
    for each in bad:
        assert sent(fleet, "beta", each) in ("refused", "silence"), each[:80]
    assert {port for _, _, port in fleet.stored()["beta"]} == {3333}
    assert 4444 not in {port for _, _, port in fleet.stored()["gamma"]}
    assert fleet.hub is not None and fleet.hub.poll() is None
    assert sent(fleet, "beta", wire.encode_report(report("beta", 12))) == "kept"


def test_bad_reports_into_the_store_change_nothing(fleet: Fleet) -> None:
    """A replay, a table that is not what its hash says, and another's id, with a host's login."""
    settings = (fleet.folder / "homes" / "twin" / "fleet.toml").read_text()
    (url,) = [line[9:-1] for line in settings.splitlines() if line.startswith("store = ")]
    options = "-c search_path=portbook,public -c timezone=UTC"
    with psycopg.connect(url, autocommit=True, options=options) as link:

        def keep(each: FleetReport) -> str:
            return keep_reports(link, (each,))[0].result

        first = report("twin", 5, row(1111))
        assert keep(first) == "kept"
        assert keep(report("twin", 6, row(2222))) == "kept"
        assert keep(first) == "again"
        assert keep(report("twin", 7, row(3333))._replace(after=1)) in ("full", "refused")
        assert keep(report("twin", 8, row(3333))._replace(total=2)) in ("full", "refused")
        assert keep(report("alpha", 1 << 50, row(4444))) == "refused"
        assert {port for _, _, port in fleet.stored()["twin"]} == {2222}
        assert 4444 not in {port for _, _, port in fleet.stored()["alpha"]}


def test_a_disk_that_is_full_stops_no_agent(fleet: Fleet, tmp_path: Path) -> None:
    """It says so once, goes on in memory, reports everything, and writes again when it can."""
    home = fleet.folder / "homes" / "gamma"
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(disk)], check=True)
    try:
        for each in home.iterdir():
            if each.is_file() and each.suffix in (".toml", ".seed"):
                shutil.copy(each, disk)
        filler = disk / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(b"x" * 65_536)
        (fleet.folder / "homes" / "full").symlink_to(disk)
        fleet.start_agent("gamma", name="full")
        until(lambda: not fleet.differences().get("gamma"), 15, lambda: fleet.log("full"))
        program = fleet.listeners["gamma server"]
        opened = program.open("tcp/127.0.0.1/0")
        until(
            lambda: not fleet.differences().get("gamma"),
            INTERVAL + SLACK,
            lambda: fleet.log("full"),
        )
        assert fleet.log("full").count("No space left on device") == 1, fleet.log("full")
        filler.unlink()
        program.close(opened)
        until(
            lambda: "can be written again" in fleet.log("full"),
            INTERVAL + SLACK,
            lambda: fleet.log("full"),
        )
        assert fleet.agents["full"].poll() is None
    finally:
        if "full" in fleet.agents:
            end(fleet.agents["full"])
        sleep(0.1)
        subprocess.run(["umount", str(disk)], check=True)
