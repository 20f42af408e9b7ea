"""Who a person means: the chain of an answer's owner block, and the owner column of `ls`."""

import json
import shutil
from pathlib import Path

import pytest

from command import portbook, recorded
from portbook.cli.chain import ago

ROOT = recorded("debian12-root")
NOBODY = recorded("debian12-nobody")
SYSTEMD = recorded("debian12-systemd")


def block(*arguments: str) -> str:
    """The sentence, unwrapped."""
    return " ".join(portbook(*arguments, "--why").out.split())


def test_the_chain_leads_from_the_process_to_its_unit() -> None:
    """Process, user, unit, how many share the socket, since when, where it listens."""
    text = block("80", "--root", ROOT)
    assert "nginx (pid 8, root) ← nginx.service" in text
    assert "shared by 3 processes" in text
    assert "listening on every IPv4 address" in text
    assert "Expected: registered as http" in text


def test_what_is_hidden_is_left_out_of_the_chain_and_named_beside_it() -> None:
    """Without root the unit still stands, and the gap is told on stderr."""
    run = portbook("22", "--why", "--root", NOBODY)
    assert "a hidden process of root ← ssh.service" in run.out
    assert "run as root" in run.err


def test_a_socket_that_systemd_holds_names_the_service_behind_it() -> None:
    """Not PID 1 but the socket unit, and the service even if it was never started."""
    rows = portbook("ls", "--root", SYSTEMD, "--json").document["listeners"]
    echo = next(row for row in rows if row["port"] == 7007)
    assert echo["activation"] == {
        "socket": "echo.socket",
        "service": "repeat.service",
        "running": False,
    }
    assert echo["owners"][0]["activated_by"] == "echo.socket"
    assert "repeat.service (echo.socket)" in portbook("ls", "--root", SYSTEMD).out
    assert "activated by echo.socket for repeat.service (not started)" in block(
        "7007", "--root", SYSTEMD
    )


def test_a_unit_of_a_users_own_manager_is_the_innermost_one() -> None:
    """`own.service` of the user, not user@65534.service."""
    rows = portbook("ls", "--root", SYSTEMD, "--json").document["listeners"]
    own = next(row for row in rows if row["port"] == 8098)
    assert own["owners"][0]["unit"] == "own.service"


def test_a_container_is_named_by_the_system_alone_where_no_engine_answers() -> None:
    """What the cgroup says stays apart from what an engine would say."""
    rows = portbook("ls", "--root", ROOT, "--json").document["listeners"]
    web = next(row for row in rows if row["port"] == 8080)
    assert web["owners"][0]["container"]["engine"] == "docker"
    assert web["owners"][0]["engine_container"] is None
    assert "docker container 0123456789ab" in block("8080", "--root", ROOT)


def test_a_published_port_without_a_socket_is_a_row_of_its_own(tmp_path: Path) -> None:
    """What only an engine says: the kernel forwards the port, and no process can be seen."""
    host = tmp_path / "host"
    shutil.copytree(ROOT, host)
    (host / "engines").mkdir()
    container = {
        "Id": "ab" * 32,
        "Names": ["/shop"],
        "Image": "shop:1.2",
        "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8443, "Type": "tcp"}],
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.2"}}},
    }
    (host / "engines" / "docker.json").write_text(json.dumps([container]), encoding="utf-8")
    rows = portbook("ls", "--root", str(host), "--json").document["listeners"]
    (row,) = [row for row in rows if row["port"] == 8443]
    assert row["state"] == "published"
    assert row["owners"] == []
    assert row["published_by"]["name"] == "shop"
    assert row["published_by"]["container_port"] == 80
    out = portbook("ls", "--root", str(host)).out
    assert "shop (docker)" in out
    assert "0.0.0.0 (published)" in out
    why = portbook("why", "8443/tcp", "--root", str(host)).out
    assert "other-netns-publish" in why
    assert portbook("audit", "--root", str(host)).code in (0, 1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (30, "30 seconds ago"),
        (60, "1 minute ago"),
        (7200, "2 hours ago"),
        (86400, "1 day ago"),
        (3 * 86400 + 5, "3 days ago"),
        (-50, "just now"),
    ],
)
def test_how_long_ago_is_said_in_the_largest_unit(seconds: int, text: str) -> None:
    """Plural where it belongs, and a clock that went back is no negative time."""
    assert ago("2026-11-23T00:00:00Z", 1795392000 + seconds) == text
