"""`portbook history`: what it reads back, and what it says where there is nothing."""

import json
import sqlite3
from pathlib import Path

import pytest

from command import Run, portbook, recorded
from portbook.host.history_store import HistoryWriter
from portbook.model import Unknown
from portbook.model.timeline import Change, Holder

NIGHT = 1_795_410_000.0  # 2026-11-23T05:00:00Z
HOLDER = Holder(7, "web\x1b[2J", "/usr/bin/web", "alice", "web.service", None, Unknown("denied"))


def change(kind: str, port: int, *, exact: bool = True, inode: int = 1) -> Change:
    """A change of one listener."""
    row = ("tcp", "127.0.0.1", port, "listen", 1, inode, HOLDER)
    return Change(kind, "", exact, *row)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A record of an hour with a pause in it."""
    path = str(tmp_path / "history.sqlite")
    with HistoryWriter(path, limit=1 << 22) as writer:
        writer.begin(NIGHT, 10.0, "boot")
        writer.write(NIGHT, [change("appeared", 80, exact=False), change("appeared", 81)])
        writer.write(NIGHT + 600, [change("gone", 81)])
        writer.write(
            NIGHT + 2000,
            [change("gone", 80, exact=False), change("appeared", 82, exact=False)],
            last=NIGHT + 700,
            pause="asleep",
            step=3600.0,
        )
        writer.write(NIGHT + 3600)
    return path


def history(file: str, *arguments: str) -> Run:
    """Run it on that file."""
    return portbook("history", "--database", file, *arguments)


def test_without_a_record_it_says_how_to_make_one(own_home: Path) -> None:
    """Exit code 1, where it looked, and the command."""
    run = portbook("history")
    assert run.code == 1
    assert run.err.splitlines() == [
        f"portbook: error: there is no record at {own_home}/history.sqlite",
        "hint: portbook record",
    ]


def test_periods_are_told_newest_last_with_what_is_known_of_their_ends(file: str) -> None:
    """Seen, before the record began, after the last sight, still."""
    run = history(file)
    assert run.code == 3
    lines = run.out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["80/tcp", "81/tcp", "82/tcp"]
    assert "before 2026-11-23 05:00:00" in lines[1] and "after 2026-11-23 05:11:40" in lines[1]
    assert lines[2].endswith("2026-11-23 05:10:00")
    assert lines[3].endswith("still")
    assert "\x1b" not in run.out
    assert "not recorded: 2026-11-23 05:11:40 to 2026-11-23 05:33:20, the machine was" in run.out
    assert "the clock was set by +3600 s" in run.out
    assert "recorded from 2026-11-23 05:00:00 to 2026-11-23 06:00:00 UTC" in run.out


def test_json_has_the_same_and_its_gaps(file: str) -> None:
    """One document; nobody records now, so what is since is incomplete."""
    document = history(file, "--json").document
    assert document["schema"] == "portbook/history/1"
    assert document["recorded"] == {
        "since": "2026-11-23T05:00:00Z",
        "until": "2026-11-23T06:00:00Z",
        "every": 10.0,
        "running": False,
    }
    assert [period["port"] for period in document["periods"]] == [80, 81, 82]
    assert document["periods"][0]["holder"]["started"] == {"unknown": "denied", "hint": None}
    assert [gap["why"] for gap in document["incomplete"]] == ["no recorder is running"]
    lines = [json.loads(line) for line in history(file, "--jsonl").out.splitlines()]
    assert [line["schema"] for line in lines] == ["portbook/period/1"] * 3


@pytest.mark.parametrize(
    ("arguments", "ports"),
    [
        (("80",), [80]),
        (("80-81",), [80, 81]),
        (("80/udp",), []),
        (("http",), [80]),
        (("--since", "2026-11-23T05:30"), [82]),
        (("--until", "2026-11-23T05:01"), [80, 81]),
        (("--since", "2026-11-23T05:05", "--until", "2026-11-23T05:09"), [80, 81]),
        (("--limit", "1"), [82]),
        (("--limit", "0"), [80, 81, 82]),
    ],
)
def test_ports_and_times_narrow_it(file: str, arguments: tuple[str, ...], ports: list[int]) -> None:
    """A period counts where it touches the time asked about."""
    document = history(file, *arguments, "--json").document
    assert [period["port"] for period in document["periods"]] == ports


def test_a_time_that_the_record_covers_is_complete(file: str) -> None:
    """Exit code 0, or 1 where nothing was there; 3 for a time before the record."""
    covered = ("--since", "2026-11-23T05:00:00", "--until", "2026-11-23T05:30")
    assert history(file, "80", *covered).code == 0
    assert history(file, "9999", *covered).code == 1
    early = history(file, "--since", "2026-11-22", "--until", "2026-11-23T05:30", "--json")
    assert early.code == 3
    assert early.document["incomplete"][0]["why"] == "the record begins then"


@pytest.mark.parametrize(
    "arguments",
    [("--since", "yesterday"), ("--since", "1d", "--until", "2d"), ("--limit", "-1"), ("nope",)],
)
def test_words_that_mean_nothing_are_usage_errors(file: str, arguments: tuple[str, ...]) -> None:
    """Exit code 2 and one line."""
    run = history(file, *arguments)
    assert run.code == 2
    assert run.err.startswith("portbook: error: ")


def test_a_foreign_damaged_or_newer_file_is_one_line_and_not_touched(
    file: str, tmp_path: Path
) -> None:
    """Exit code 5 for each."""
    newer, damaged, foreign = (tmp_path / name for name in ("newer", "damaged", "foreign"))
    image = bytearray(Path(file).read_bytes())
    damaged.write_bytes(image[:4096] + b"\xff" * (len(image) - 4096))
    image[60:64] = (9).to_bytes(4, "big")
    newer.write_bytes(image)
    with sqlite3.connect(foreign) as link:
        link.execute("CREATE TABLE mail (text)")
    link.close()
    for path, said in ((newer, "version 9"), (damaged, "damaged"), (foreign, "no history")):
        before = path.read_bytes()
        run = history(str(path))
        assert run.code == 5
        assert said in run.err
        assert len(run.err.splitlines()) <= 2
        assert path.read_bytes() == before


def test_a_recording_of_another_host_is_read_back() -> None:
    """What `record --root` kept comes out again."""
    portbook("record", "--once", "--root", recorded("debian12-root"))
    periods = portbook("history", "redis", "--json").document["periods"]
    assert {period["holder"]["user"] for period in periods} == {"redis"}
    assert all(period["holder"]["unit"] == "redis-server.service" for period in periods)
