"""Let every visit of a corpus happen on a stage, many at once, and label each source."""

import ipaddress
import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, NamedTuple

from tools import (
    traffic_clients,
    traffic_openers,
    traffic_shapes,
    traffic_tools,
)
from tools.traffic_servers import start_servers
from tools.traffic_stage import OURS, TARGET, TARGET6, TARGETS, Stage
from tools.traffic_visit import Visit

_TOGETHER = 8
_LONGEST = 90.0
_FOLDER = os.path.dirname(__file__)
_ROADS = ("near", "far", "six", "stack")
_SCANNERS = ("nmap", "masscan", "zmap", "hping3", "ncat")
_PROGRAMS = {
    *("nmap", "masscan", "zmap", "hping3", "ncat", "nc", "bash"),
    *("curl", "wget", "chromium", "ssh", "psql", "redis-cli", "mosquitto_sub", "mosquitto_pub"),
    *("git", "rsync", "dig", "chronyd", "logger", "haproxy", "node", "openssl"),
    "/usr/bin/python3",
}


class Run(NamedTuple):
    """One visit of one source: its addresses (two where it has both families)."""

    visit: Visit
    addresses: tuple[str, ...]
    user: int = 0


class Corpus(NamedTuple):
    """What was made: labels by address, what could not be started, seconds."""

    labels: dict[str, Any]
    told: list[str]
    seconds: float


def all_visits() -> list[Visit]:
    """Every kind of visit."""
    modules = (traffic_tools, traffic_shapes, traffic_openers, traffic_clients)
    return [visit for module in modules for visit in module.visits()]


def needed(visit: Visit) -> set[str]:
    """The programs that a visit runs."""
    words = shlex.split(visit.command)
    if words and words[0] in ("sh", "bash"):
        words += re.split(r"[\s;()]+", words[2])
    return set(words) & _PROGRAMS


def missing_programs() -> list[str]:
    """The programs that visits run and that are not there."""
    return sorted(program for program in _PROGRAMS if shutil.which(program) is None)


def make(path: str, *, short: bool, seed: int, only: Sequence[str] = ()) -> Corpus:
    """Make a corpus and capture it into `path`.

    Raises:
        OSError, subprocess.CalledProcessError: the stage cannot be built.
    """
    began = time.monotonic()
    chance = Random(seed)
    with Stage() as stage:
        far = os.path.exists("/dev/net/tun")
        if far:
            stage.bad_road(0.05, 0.15, 0.1)
        told = start_servers(stage)
        gone = missing_programs()
        told += [f"{program}: not installed" for program in gone]
        wanted = [
            visit
            for visit in all_visits()
            if (far or visit.road != "far")
            and not needed(visit) & set(gone)
            and (not only or any(part in visit.name for part in only))
            for _ in range(visit.short if short else visit.full)
        ]
        runs = [run for road in _ROADS for run in _cast(stage, road, wanted)]
        chance.shuffle(runs)
        with stage.capture(path):
            told += _play(stage, runs, chance, 6.0 if short else 30.0)
        if stage.lost:
            told.append(f"{stage.lost} packets were not captured")
    came = _sources(path)
    labels = {}
    for run in runs:
        for address in run.addresses:
            if ipaddress.ip_address(address).packed in came:
                labels[address] = _label(run)
            else:  # three questions may all get lost on the bad road
                told.append(f"{address} ({run.visit.name}) never came")
    made = {"made": time.strftime("%Y-%m-%d"), "with": _versions()}
    return Corpus({**made, "host": list(OURS), "sources": labels}, told, time.monotonic() - began)


def _sources(path: str) -> set[bytes]:
    """Who sent a packet in a capture of tcpdump, Ethernet."""
    with open(path, "rb") as file:
        data = file.read()
    found = set()
    at = 24
    while at + 16 <= len(data):
        frame = at + 16
        six = data[frame + 12 : frame + 14] == b"\x86\xdd"
        found.add(data[frame + 22 : frame + 38] if six else data[frame + 26 : frame + 30])
        at = frame + int.from_bytes(data[at + 8 : at + 12], sys.byteorder)
    return found


def _versions() -> list[str]:
    """The packages of the scanners, with their versions."""
    argv = ["dpkg-query", "-W", "-f", "${Package} ${source:Upstream-Version}\n", *_SCANNERS]
    return subprocess.run(argv, capture_output=True, check=False).stdout.decode().splitlines()


def _cast(stage: Stage, road: str, visits: Sequence[Visit]) -> list[Run]:
    """The runs on one road, with addresses, and with a user where a program needs one."""
    wanted = [visit for visit in visits if visit.road == road]
    sources = stage.sources(road, len(wanted))
    seconds = iter(stage.sources("six", sum(visit.both for visit in wanted)))
    made = [
        Run(visit, (source, next(seconds)) if visit.both else (source,))
        for visit, source in zip(wanted, sources, strict=True)
    ]
    users = [run for run in made if run.visit.command and not run.visit.raw]
    ids = stage.users(road, [run.addresses for run in users])
    numbered = [run._replace(user=user) for run, user in zip(users, ids, strict=True)]
    return [run for run in made if not run.visit.command or run.visit.raw] + numbered


def _play(stage: Stage, runs: Sequence[Run], chance: Random, span: float) -> list[str]:
    through = [_start(stage, i, run) for i, run in enumerate(runs) if run.visit.through]
    helpers = [
        _visitors(stage, "world", _on(runs, "near", "six"), chance, span),
        _visitors(stage, "far", _on(runs, "far"), chance, span),
        _visitors(stage, "world", _on(runs, "stack"), chance, span, "traffic_stacks.py"),
        _sender(stage, [run for run in runs if run.visit.shape], chance, span),
    ]
    told: list[str] = []
    ordinary = [
        (i, run) for i, run in enumerate(runs) if run.visit.command and not run.visit.through
    ]
    with ThreadPoolExecutor(_TOGETHER) as pool:
        told += [each for each in pool.map(lambda item: _program(stage, *item), ordinary) if each]
    for helper in helpers:
        if helper.wait(timeout=180):
            told.append(f"{helper.args!r} ended with {helper.returncode}")
    for process in through:
        if process.poll() is not None:
            told.append(f"{process.args!r} ended early")
        process.terminate()
    return told


def _on(runs: Sequence[Run], *roads: str) -> list[Run]:
    return [run for run in runs if run.visit.road in roads]


def _program(stage: Stage, number: int, run: Run) -> str | None:
    """Run a program to its end: None, or why it could not run."""
    process = _start(stage, number, run)
    try:
        process.wait(_LONGEST)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return f"{run.visit.name}: not done in {_LONGEST:.0f} seconds"
    if process.returncode in (126, 127):
        return f"{run.visit.name}: cannot be run: {run.visit.command.split()[0]}"
    return None


def _start(stage: Stage, number: int, run: Run) -> subprocess.Popen[bytes]:
    home = os.path.join(stage.folder, f"home-{number}")
    os.mkdir(home)
    if run.user:
        os.chown(home, run.user, run.user)
    words = shlex.split(_filled(run, number, stage, home))
    with open(os.path.join(stage.folder, f"said-{number}"), "wb") as said:
        return stage.start(
            "far" if run.visit.road == "far" else "world",
            words,
            user=run.user or None,
            output=said,
            folder=home,
        )


def _filled(run: Run, number: int, stage: Stage, home: str) -> str:
    return run.visit.command.format(
        source=run.addresses[0],
        target=TARGET,
        target6=TARGET6,
        targets=TARGETS,
        mac=stage.mac,
        empty=stage.empty,
        home=home,
        number=20000 + number,
    )


def _visitors(
    stage: Stage,
    where: str,
    runs: Sequence[Run],
    chance: Random,
    span: float,
    script: str = "traffic_visitors.py",
) -> subprocess.Popen[bytes]:
    plans = [
        {
            "source": run.addresses[0],
            "target": TARGET6 if run.visit.road == "six" else TARGET,
            "at": round(chance.uniform(0, span), 3),
            **({"mac": stage.mac} if run.visit.road == "stack" else {}),
            **run.visit.plan,
        }
        for run in runs
        if run.visit.plan
    ]
    return _fed(stage, where, script, json.dumps(plans).encode())


def _sender(
    stage: Stage, runs: Sequence[Run], chance: Random, span: float
) -> subprocess.Popen[bytes]:
    mac = bytes.fromhex(stage.mac.replace(":", ""))
    frames: list[tuple[float, bytes]] = []
    for run in runs:
        assert run.visit.shape
        begin = chance.uniform(0, span)
        source = int(ipaddress.IPv4Address(run.addresses[0]))
        for after, rows in run.visit.shape(source, chance):
            frames += [(begin + after, mac + row.tobytes()[6:]) for row in rows]
    frames.sort(key=lambda item: item[0])
    data = b"".join(struct.pack("<dI", at, len(frame)) + frame for at, frame in frames)
    return _fed(stage, "world", "traffic_sender.py", data)


def _fed(stage: Stage, where: str, script: str, data: bytes) -> subprocess.Popen[bytes]:
    """Start one of our scripts in a namespace with this on its standard input."""
    path = os.path.join(stage.folder, f"{where}-{script}.input")
    with open(path, "wb") as file:
        file.write(data)
    command = f'exec "{sys.executable}" "{os.path.join(_FOLDER, script)}" <"{path}"'
    with open(f"{path}.said", "wb") as said:
        return stage.start(where, ["sh", "-c", command], output=said)


def _label(run: Run) -> dict[str, Any]:
    visit = run.visit
    if visit.command:
        how = " ".join(visit.command.split())
    elif visit.plan:
        how = ", ".join(f"{key} {_shown(value)}" for key, value in visit.plan.items())
    else:
        how = "frames of that shape"
    return {
        "truth": visit.truth,
        "tool": visit.tool,
        "marked": visit.marked,
        "scan_type": visit.scan_type,
        "name": visit.name,
        "how": how,
    }


def _shown(value: object) -> str:
    """An argument in words; of long bytes the beginning."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:24]}..."
