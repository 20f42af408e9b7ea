"""`portbook watch` as it happens, in a network namespace of its own with real connections."""

import json
import signal
import socket
from collections.abc import Iterator

import pytest

from test_documents import validator
from traffic.own_network import OwnNetwork
from traffic.watch_running import (
    IN_A_NETWORK,
    Caller,
    Watch,
    can_run_as_nobody,
    fetch,
    knock,
    watched_network,
    web_server,
)

pytestmark = IN_A_NETWORK


@pytest.fixture
def network() -> Iterator[OwnNetwork]:
    """A namespace with loopback up; no watch of it outlives the test."""
    with watched_network() as made:
        yield made


def test_changes_are_told_as_they_come_and_summed_up(network: OwnNetwork) -> None:
    """A line for the client while the watch goes on; Ctrl-C brings the summary and exit code 0."""
    with web_server(network) as port:
        watch = Watch(network, str(port))
        with Caller(fetch, network, port):
            first = watch.line()
        assert "127.0.0.2" in first
        assert " client " in first
        code, out, err = watch.end()
    assert (code, err) == (0, f"watching {port} on every interface; Ctrl-C ends it\n")
    assert f"{port}: http; 1 source" in out
    assert "the kernel dropped 0" in out
    assert "(interfaces)" in out


def test_a_stream_has_events_and_the_document_last(network: OwnNetwork) -> None:
    """Both sources, the wrong protocol as a probe, every line of its schema."""
    with web_server(network) as port:
        watch = Watch(network, str(port), "--jsonl")
        seen: dict[str, str] = {}
        with Caller(fetch, network, port), Caller(knock, network, port):
            while len(seen) < 2:
                event = json.loads(watch.line())
                validator("traffic-event").validate(event)
                seen[event["source"]["address"]] = event["source"]["verdict"]
        code, out, err = watch.end(signal.SIGTERM)
    assert (code, err) == (0, f"watching {port} on every interface; Ctrl-C ends it\n")
    document = json.loads(out.splitlines()[-1])
    validator("traffic").validate(document)
    found = {each["address"]: each["verdict"] for each in document["sources"]}
    assert found["127.0.0.2"] == "client"
    assert found["127.0.0.3"] in ("probe", "scan")
    assert document["dropped"] == 0


def test_nobody_came_in_the_time_that_was_given(network: OwnNetwork) -> None:
    """--for ends it: exit code 1, one document and no line before it."""
    watch = Watch(network, "3255", "--for", "1", "--json")
    out, err = watch.process.communicate(timeout=50)
    assert watch.process.returncode == 1
    assert err == "watching 3255 on every interface; Ctrl-C ends it\n"
    document = json.loads(out)
    assert document["sources"] == []
    assert document["ports"][0]["port"] == 3255
    assert document["ports"][0]["listening"] is False


def test_one_interface_hears_nothing_of_another(network: OwnNetwork) -> None:
    """A watch of another device does not see what loopback carries."""
    network.ip("link", "add", "quiet0", "type", "veth", "peer", "name", "quiet1")
    network.ip("link", "set", "quiet0", "up")
    with web_server(network) as port:
        watch = Watch(network, str(port), "--interface", "quiet0", "--for", "3", "--json")
        with Caller(fetch, network, port):
            out, _ = watch.process.communicate(timeout=50)
    assert json.loads(out)["sources"] == []


def test_a_stranger_sees_connections_and_is_told_what_not(network: OwnNetwork) -> None:
    """Without CAP_NET_RAW: who holds a connection, exit code 3, and the way to see more."""
    if not can_run_as_nobody():
        pytest.skip("this Python cannot be entered by other users")
    with network.server("127.0.0.1") as server:
        port = int(server.getsockname()[1])
        with network.client("127.0.0.1") as link:
            link.bind(("127.0.0.2", 0))
            link.connect(("127.0.0.1", port))
            accepted, _ = server.accept()
            link.sendall(b"unread")
            watch = Watch(network, str(port), "--for", "2", "--json", nobody=True)
            out, err = watch.process.communicate(timeout=50)
            accepted.close()
    assert watch.process.returncode == 3
    assert err == f"watching the connections of {port}; Ctrl-C ends it\n"
    document = json.loads(out)
    validator("traffic").validate(document)
    (source,) = document["sources"]
    assert (source["address"], source["verdict"]) == ("127.0.0.2", "client")
    assert source["evidence"][1] == "up to 6 bytes waited to be read or acknowledged"
    assert document["ports"][0]["listening"] is True
    assert "CAP_NET_RAW" in document["incomplete"][0]["why"]
    assert "docs/watch.md" in document["incomplete"][0]["hint"]


def test_a_stranger_is_told_in_text_too(network: OwnNetwork) -> None:
    """The gap is one `incomplete` on stderr; stdout has the answer."""
    if not can_run_as_nobody():
        pytest.skip("this Python cannot be entered by other users")
    watch = Watch(network, "3255", "--for", "0.5", nobody=True)
    out, err = watch.process.communicate(timeout=50)
    assert watch.process.returncode == 3
    assert err.splitlines()[1].startswith("incomplete: scans, probes")
    assert out.startswith("3255: no service here; nobody came")
    assert "\nconnections were looked at for 0." in out
    assert "no packet in" not in out


def test_a_stranger_names_an_interface_that_nobody_knows(network: OwnNetwork) -> None:
    """Without CAP_NET_RAW too it is a usage error, and the names that there are follow."""
    if not can_run_as_nobody():
        pytest.skip("this Python cannot be entered by other users")
    watch = Watch(network, "3255", "--interface", "eth9", "--for", "9", nobody=True)
    out, err = watch.process.communicate(timeout=50)
    assert (watch.process.returncode, out) == (2, "")
    assert err.splitlines() == [
        "portbook: error: no interface is called 'eth9'",
        "hint: there are: lo",
    ]


def test_an_address_family_of_its_own(network: OwnNetwork) -> None:
    """IPv6 clients are told by their own address."""
    with network.server("::1") as server:
        port = int(server.getsockname()[1])
        watch = Watch(network, f"{port}/tcp", "--jsonl")

        def call() -> None:
            with network.client("::1") as link:
                link.connect(("::1", port))
                accepted, _ = server.accept()
                with accepted:
                    accepted.sendall(b"SSH-2.0-bed\r\n")
                    link.sendall(b"SSH-2.0-client\r\n")
                    accepted.recv(64)
                    link.shutdown(socket.SHUT_WR)

        with Caller(call):
            event = json.loads(watch.line())
        code, _, _ = watch.end()
    assert code == 0
    assert event["source"]["address"] == "::1"
