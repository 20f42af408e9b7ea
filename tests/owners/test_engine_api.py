"""What engines answer, from bytes to values; all bytes are from outside."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model import EnvironmentFault, Unknown
from portbook.owners.contained import Contained, Engines, PublishedPort
from portbook.owners.engine_api import place_of_api, stop_container
from portbook.owners.engine_replies import (
    BadAnswer,
    containers_in,
    described,
    in_own_file,
    looked_at,
)

REPLIES = Path(__file__).parent.parent / "replies" / "engines"
ID = "4ce1f0d2b7a98c3e5f6071829304a5b6c7d8e9f00112233445566778899aabbc"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def docker() -> dict[str, Contained]:
    """The containers of the Docker reply by name."""
    data = (REPLIES / "docker.json").read_bytes()
    return {each.name: each for each in containers_in(data, "docker").containers}


def test_every_network_and_every_published_port_is_told() -> None:
    """Addresses in user-defined networks count, and a port that is only exposed does not."""
    web = docker()["shop-web-1"]
    assert web.addresses == ("172.20.0.3", "fd00:20::3", "172.21.0.4")
    assert web.ports == (
        PublishedPort("0.0.0.0", 8080, "tcp", 80),
        PublishedPort("::", 8080, "tcp", 80),
    )
    assert (web.image, web.project, web.service) == ("nginx:1.27", "shop", "web")


def test_a_container_with_the_hosts_network_is_told_apart() -> None:
    """Docker says it with the mode; where nothing says it, it is unknown."""
    found = docker()
    assert found["metrics"].host_network is True
    assert found["dns"].host_network is False
    assert found["sidecar"].host_network is False
    podman = containers_in((REPLIES / "podman.json").read_bytes(), "podman").containers
    assert [isinstance(each.host_network, Unknown) for each in podman] == [False, True, True]
    detail = json.loads((REPLIES / "podman-inspect.json").read_bytes())
    quiet, rootless = (looked_at(each, detail[each.id]) for each in podman[1:])
    assert (quiet.host_network, quiet.pid) == (True, 4711)
    assert (rootless.host_network, rootless.netns) == (False, "/run/user/1000/netns/netns-6c2a")
    assert podman[0].project == "site"


def test_dockers_own_file_tells_the_same_as_its_api() -> None:
    """config.v2.json has the name, networks and ports, and the process id on top."""
    found = in_own_file((REPLIES / "config.v2.json").read_bytes())
    asked = docker()["shop-web-1"]
    assert found is not None
    assert found.pid == 2211
    assert found._replace(pid=asked.pid, netns=None) == asked


def test_a_stopped_container_in_dockers_file_is_none() -> None:
    """It can hold no socket."""
    text = (REPLIES / "config.v2.json").read_text().replace('"Running": true', '"Running": false')
    assert in_own_file(text.encode()) is None


@pytest.mark.parametrize(
    "data", [b"", b"{", b"{}", b"null", b"\xff\xfe", b"[" * 100_000, b"1" * 10_000, b'"x"']
)
def test_what_is_no_list_of_containers_is_refused(data: bytes) -> None:
    """With the one error that callers expect, whatever the parser makes of it."""
    with pytest.raises(BadAnswer):
        containers_in(data, "docker")


@given(st.binary())
def test_random_bytes_are_refused_or_read(data: bytes) -> None:
    """Never another error."""
    try:
        containers_in(data, "docker")
        in_own_file(data)
    except BadAnswer:
        pass


@given(
    st.dictionaries(
        st.sampled_from(
            ["Names", "Image", "Labels", "Ports", "NetworkSettings", "HostConfig", "State"]
        ),
        JSON | st.dictionaries(st.sampled_from(["Networks", "NetworkMode", "Ports", "Pid"]), JSON),
    )
)
def test_every_value_may_be_of_another_type(row: dict[str, Any]) -> None:
    """A container stays one, its text can be printed, and its ports are ports."""
    found = described({**row, "Id": ID}, "docker")
    assert found is not None
    found = looked_at(found, row)
    for text in (found.name, found.image, found.project or "", *found.addresses):
        assert len(text.encode()) <= 1024
    for port in found.ports:
        assert 0 < port.host_port < 65536
        assert 0 < port.container_port < 65536
        assert port.transport in ("tcp", "udp", "sctp")


@pytest.mark.parametrize("id_", ["", None, 7, "../../etc", "abc", "x" * 64, f"{ID}/stop?", "\n"])
def test_an_id_that_could_not_be_put_into_a_path_is_none(id_: object) -> None:
    """What an engine calls a container becomes part of a request."""
    assert described({"Id": id_}, "docker") is None


def test_half_a_character_does_not_survive() -> None:
    """JSON can hold one; the terminal and our own JSON cannot."""
    found = described(json.loads(f'{{"Id": "{ID}", "Names": ["/\\ud800"]}}'), "docker")
    assert found is not None
    assert found.name == "?"


def test_the_own_name_is_chosen_among_the_names_of_links() -> None:
    """A linked container is also known as /other/alias."""
    found = described({"Id": ID, "Names": ["/other/db", "/shop-db"]}, "docker")
    assert found is not None
    assert found.name == "shop-db"
    assert described({"Id": ID}, "docker") == Contained(
        "docker", ID, ID[:12], host_network=Unknown("unreadable", "the engine did not say")
    )


def test_an_address_of_an_api_is_a_path_or_a_pair() -> None:
    """As socket.connect() wants it."""
    assert place_of_api("unix:///run/docker.sock") == "/run/docker.sock"
    assert place_of_api("tcp://[::1]:2375") == ("::1", 2375)


def test_a_container_without_an_engine_that_answers_cannot_be_stopped() -> None:
    """It is known from a file only, or not at all."""
    with pytest.raises(EnvironmentFault):
        stop_container(Engines((), ()), ID)
    with pytest.raises(EnvironmentFault):
        stop_container(Engines((Contained("docker", ID, "web"),), ()), ID)


def test_a_container_is_found_by_its_short_id_too() -> None:
    """A cgroup may have 12 characters; fewer would be a guess."""
    engines = Engines((Contained("docker", ID, "web"), Contained("nspawn", "box", "box")), ())
    for known in (ID, ID[:12], ID[:40]):
        found = engines.by_id(known)
        assert found is not None
        assert found.name == "web"
    assert engines.by_id(ID[:11]) is None
    assert engines.by_id("box") == engines.containers[1]
    assert engines.by_id("boxes-of-apples") is None
