"""`portbook ls`: the table, its filters and orders, on recorded hosts."""

import os
import signal
import subprocess
import sys

import pytest

from command import portbook, recorded

ROOT = recorded("debian12-root")
NOBODY = recorded("debian12-nobody")


def ports(*arguments: str) -> list[str]:
    """PORT/TRANSPORT of each line."""
    rows = portbook("ls", "--root", ROOT, "--json", *arguments).document["listeners"]
    return [f"{row['port']}/{row['transport']}" for row in rows]


def test_bare_portbook_is_the_overview() -> None:
    """Without a command every listener is printed, one line each."""
    bare = portbook("--root", ROOT)
    assert bare.out == portbook("ls", "--root", ROOT).out
    assert bare.code == 0
    assert len(bare.out.splitlines()) == 1 + 11


def test_the_table_names_owner_unit_and_verdict() -> None:
    """A recorded Debian host with real servers reads as it should."""
    rows = portbook("ls", "--root", ROOT, "--json").document["listeners"]
    found = {(row["port"], row["address"]): row for row in rows}
    nginx = found[80, "0.0.0.0"]
    assert [owner["name"] for owner in nginx["owners"]] == ["nginx"] * 3
    assert nginx["owners"][0]["unit"] == "nginx.service"
    assert nginx["verdict"]["value"] == "expected"
    redis = found[6379, "127.0.0.1"]
    assert redis["owners"][0]["user"] == "redis"
    assert redis["reach"] == "loopback"
    web = found[8080, "::"]
    assert web["dual_stack"] is True
    assert web["owners"][0]["container"]["engine"] == "docker"
    assert found[80, "::"]["dual_stack"] is False
    held = found[7001, "127.0.0.1"]
    assert held["state"] == "bound"
    assert held["owners"][0]["unit"] == "hold.service"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (("--udp",), ["53/udp"]),
        (("--tcp", "--port", "53"), ["53/tcp"]),
        (("--port", "22", "--port", "6379"), ["22/tcp", "22/tcp", "6379/tcp", "6379/tcp"]),
        (("--port", "7000-8100"), ["7001/tcp", "8080/tcp"]),
        (("--port", "redis"), ["6379/tcp", "6379/tcp"]),
        (("--user", "postgres"), ["5432/tcp"]),
        (("--unit", "hold"), ["7001/tcp"]),
        (("--unit", "dnsmasq.service"), ["53/tcp", "53/udp"]),
        (("--process", "POSTGR"), ["5432/tcp"]),
        (("--tcp", "--user", "redis", "--port", "22"), []),
    ],
)
def test_filters_of_one_kind_add_up_and_kinds_narrow(
    filters: tuple[str, ...], expected: list[str]
) -> None:
    """Each filter keeps what it names."""
    assert ports(*filters) == expected


def test_a_filter_that_keeps_nothing_exits_1() -> None:
    """Scripts can ask whether something listens."""
    assert portbook("ls", "--root", ROOT, "--port", "4444").code == 1
    assert portbook("ls", "--root", ROOT, "--port", "22").code == 0


def test_sorting_by_process_and_by_user() -> None:
    """--sort orders by the named column."""
    by_user = portbook("ls", "--root", ROOT, "--sort", "user", "--json").document["listeners"]
    users = [row["user"] for row in by_user]
    assert users == sorted(users)
    by_process = ports("--sort", "process")
    assert by_process[0].startswith("53/")


def test_piped_output_is_plain_and_whole() -> None:
    """Without a terminal no colour and nothing cut."""
    out = portbook("ls", "--root", NOBODY).out
    assert "\x1b" not in out
    assert "…" not in out
    assert "postgresql@15-main.service" in out


def test_colour_is_asked_for_or_off() -> None:
    """--color=always paints a pipe; NO_COLOR never stops an explicit wish."""
    painted = portbook("ls", "--root", ROOT, "--color", "always", env={"NO_COLOR": "1"}).out
    assert "\x1b[32mexpected\x1b[0m" in painted


def test_wide_prints_one_line_per_owner() -> None:
    """--wide shows every process of a prefork server with its command."""
    out = portbook("ls", "--wide", "--root", ROOT).out
    lines = [line for line in out.splitlines() if "  80/tcp  0.0.0.0" in f"  {line.strip()}"]
    assert len(lines) == 3
    assert all("nginx.service" in line for line in lines)


def test_watch_goes_on_until_it_is_interrupted() -> None:
    """--watch prints a document each time and ends with exit code 130."""
    process = subprocess.Popen(
        [sys.executable, "-m", "portbook", "ls", "--watch", "0.1", "--json", "--root", ROOT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    first, second = process.stdout.readline(), process.stdout.readline()
    assert first.startswith(b'{"schema": "portbook/listeners/1"')
    assert second.startswith(b'{"schema": "portbook/listeners/1"')
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == b""
