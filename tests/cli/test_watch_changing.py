"""`portbook watch` while the machine changes below it: addresses, interfaces, signals, rights."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from live.stage import environment
from test_documents import validator
from traffic.own_network import OwnNetwork
from traffic.watch_running import (
    IN_A_NETWORK,
    Caller,
    Watch,
    can_run_as_nobody,
    fetch,
    watched_network,
    web_server,
)

pytestmark = IN_A_NETWORK


@pytest.fixture
def network() -> Iterator[OwnNetwork]:
    """A namespace with loopback up, and a pair of devices of which `near0` is watched."""
    with watched_network() as made:
        made.ip("link", "add", "near0", "type", "veth", "peer", "name", "far0")
        made.ip("link", "set", "near0", "up")
        made.ip("link", "set", "far0", "up")
        yield made


def test_an_address_that_comes_later_is_ours(network: OwnNetwork) -> None:
    """As by DHCP: its visitors are seen, and the answer names it."""
    watch = Watch(network, "9/udp", "--jsonl")
    watch.ready()
    network.ip("addr", "add", "10.9.0.1/32", "dev", "lo")
    with network.client("10.9.0.1", socket.SOCK_DGRAM) as link:
        with Caller(lambda: link.sendto(b"x", ("10.9.0.1", 9))):
            event = json.loads(watch.line())
        code, out, _ = watch.end()
    assert code == 0
    assert event["source"]["address"] == "10.9.0.1"
    assert "10.9.0.1" in json.loads(out.splitlines()[-1])["ours"]["addresses"]


def test_an_interface_that_goes_away_ends_the_watch(network: OwnNetwork) -> None:
    """Also where it went down and up before: what was seen is summed up, exit code 3."""
    watch = Watch(network, "3255", "--interface", "near0", "--json")
    watch.ready()
    for state in ("down", "up"):
        network.ip("link", "set", "near0", state)
        time.sleep(1.5)
    network.ip("link", "set", "near0", "down")
    network.ip("link", "del", "near0")
    out, _ = watch.process.communicate(timeout=50)
    assert watch.process.returncode == 3
    document = json.loads(out)
    validator("traffic").validate(document)
    down, gone = document["incomplete"]
    assert down["what"] == "packets while the interface near0 was down"
    assert down["why"].startswith("it was down from 2")
    assert " s, from 2" in down["why"]
    assert gone["what"].startswith("packets after 2")
    assert gone["why"] == "the interface near0 is gone, and the watch ended with it"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_signals_end_it_with_the_answer(network: OwnNetwork, number: int) -> None:
    """The summary, and the exit code of the answer."""
    watch = Watch(network, "3255/tcp", "--interface", "near0", "--for", "1h")
    watch.ready()
    code, out, _ = watch.end(number)
    assert code == 1
    assert out.startswith("3255: ")
    assert "nobody came" in out


def test_the_right_can_be_given_to_this_program_alone(network: OwnNetwork) -> None:
    """The setpriv command of docs/watch.md: another user, one ambient capability, packets seen."""
    if not can_run_as_nobody():
        pytest.skip("this Python cannot be entered by other users")
    become = ["setpriv", "--reuid", "65534", "--regid", "65534", "--init-groups"]
    become += ["--inh-caps", "+net_raw", "--ambient-caps", "+net_raw", "--"]
    with web_server(network) as port:
        argv = [
            *become,
            sys.executable,
            "-m",
            "portbook",
            "watch",
            str(port),
            "--for",
            "4",
            "--json",
        ]
        process = network(
            subprocess.Popen, argv, stdout=subprocess.PIPE, text=True, env=environment()
        )
        with Caller(fetch, network, port):
            out, _ = process.communicate(timeout=50)
    assert process.returncode == 0
    document = json.loads(out)
    assert (document["dropped"], document["incomplete"]) == (0, [])
    assert [each["verdict"] for each in document["sources"]] == ["client"]
