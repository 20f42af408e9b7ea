"""From a proxy's socket to the container behind it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model import Container, Owner, Socket, Transport, Unknown
from portbook.owners.contained import Contained, Engines, PublishedPort
from portbook.owners.docker_proxy import proxied_container, proxy_target
from portbook.owners.engine_replies import containers_in
from portbook.owners.unseen import unseen_owner

REPLIES = Path(__file__).parent.parent / "replies" / "engines"
ID, OTHER = "a" * 64, "b" * 64
DOCKER = Engines(containers_in((REPLIES / "docker.json").read_bytes(), "docker").containers, ())


def owner(program: str, *arguments: str, container: Container | None = None) -> Owner:
    """A process with that executable and command line."""
    empty = unseen_owner(Unknown("denied"), user="root", unit=None, container=container)
    return empty._replace(
        name=program[:15], exe=f"/usr/bin/{program}", cmdline=(program, *arguments)
    )


def socket(port: int, address: str = "0.0.0.0", transport: str = "tcp") -> Socket:
    """A listening socket."""
    return Socket(
        Transport(transport), address, port, "ipv4", False, "listen", 1, 2, 0, 128, 0, None, 3
    )


def proxy(port: int, address: str, inside: int, transport: str = "tcp") -> Owner:
    """A docker-proxy as dockerd starts it."""
    return owner(
        "docker-proxy", "-proto", transport, "-host-ip", "0.0.0.0", "-host-port", str(port),
        "-container-ip", address, "-container-port", str(inside), "-use-listen-fd",
    )  # fmt: skip


@pytest.mark.parametrize("address", ["172.20.0.3", "172.21.0.4", "fd00:20::3"])
def test_docker_proxy_leads_to_the_container_in_any_network(address: str) -> None:
    """A compose project has networks of its own, and none of them is the default bridge."""
    found = proxied_container(proxy(8080, address, 80), socket(8080), DOCKER)
    assert found is not None
    assert (found.name, found.image, found.container_port) == ("shop-web-1", "nginx:1.27", 80)
    assert (found.engine, found.how) == ("docker", "proxy")


def test_udp_is_told_from_tcp() -> None:
    """The same number may lead elsewhere."""
    made = proxy(5353, "172.17.0.2", 53, "udp")
    found = proxied_container(made, socket(5353, transport="udp"), DOCKER)
    assert found is not None
    assert found.name == "dns"


def test_two_engines_with_one_address_are_told_apart_by_the_port() -> None:
    """A rootless engine gives out the same ones; if the port does not tell, nothing is said."""
    ports = (PublishedPort("0.0.0.0", 8080, "tcp", 80),)
    first = Contained("docker", ID, "first", addresses=("172.17.0.2",))
    second = Contained("docker", OTHER, "second", addresses=("172.17.0.2",), ports=ports)
    made = proxy(8080, "172.17.0.2", 80)
    found = proxied_container(made, socket(8080), Engines((first, second), ()))
    assert found is not None
    assert found.name == "second"
    both = Engines((first._replace(ports=ports), second), ())
    assert proxied_container(made, socket(8080), both) is None


def test_an_address_that_no_engine_knows_falls_back_to_the_published_port() -> None:
    """The container may just have got another address."""
    found = proxied_container(proxy(8080, "172.29.0.9", 80), socket(8080), DOCKER)
    assert found is not None
    assert found.name == "shop-web-1"
    assert proxied_container(proxy(9999, "172.29.0.9", 80), socket(9999), DOCKER) is None


def test_a_proxy_of_an_engine_inside_a_container_is_not_matched() -> None:
    """Its containers are not ours, though they may have the same addresses."""
    nested = proxy(8080, "172.20.0.3", 80)._replace(container=Container("docker", ID))
    assert proxied_container(nested, socket(8080), DOCKER) is None


def test_a_hidden_command_line_leaves_the_published_port() -> None:
    """Without root the arguments of another user's process may be hidden."""
    hidden = proxy(15432, "x", 1)._replace(exe=Unknown("denied"), cmdline=Unknown("denied"))
    found = proxied_container(hidden, socket(15432, "127.0.0.1"), DOCKER)
    assert found is not None
    assert (found.name, found.container_port) == ("shop-db-1", 5432)


def test_a_program_with_another_executable_is_no_proxy() -> None:
    """Anyone can take the name."""
    fake = proxy(8080, "172.20.0.3", 80)._replace(exe="/home/eve/server")
    assert proxied_container(fake, socket(8080), DOCKER) is None
    assert proxied_container(owner("nginx"), socket(8080), DOCKER) is None


@pytest.mark.parametrize("program", ["rootlessport", "rootlesskit", "dockerd", "pasta.avx2"])
def test_a_proxy_that_says_nothing_is_matched_by_the_published_port(program: str) -> None:
    """If one container publishes it on that address."""
    found = proxied_container(owner(program), socket(15432, "127.0.0.1"), DOCKER)
    assert found is not None
    assert found.name == "shop-db-1"
    assert proxied_container(owner(program), socket(15432, "192.0.2.1"), DOCKER) is None


def test_conmon_and_slirp4netns_name_the_container() -> None:
    """Also where two containers publish the same port on different addresses."""
    ports = (PublishedPort("0.0.0.0", 8080, "tcp", 80),)
    engines = Engines(
        (
            Contained("podman", ID, "one", ports=ports),
            Contained("podman", OTHER, "two", ports=ports),
        ),
        (),
    )
    conmon = owner("conmon", "--api-version", "1", "-c", OTHER, "-u", OTHER)
    slirp = owner("slirp4netns", "-c", "--api-socket", f"/run/libpod/{ID}.net", "tap0")
    for made, name in ((conmon, "two"), (slirp, "one")):
        found = proxied_container(made, socket(8080), engines)
        assert found is not None
        assert (found.name, found.container_port) == (name, 80)
    # conmon runs in a cgroup that has the container's id: it is a proxy all the same.
    inside = conmon._replace(container=Container("podman", OTHER))
    assert proxied_container(inside, socket(8080), engines) is not None


def test_a_container_that_no_engine_told_of_is_not_taken_for_another() -> None:
    """Another user's Podman, say: that a Docker container publishes the port is no reason."""
    conmon = owner("conmon", "--api-version", "1", "-c", OTHER)
    assert proxied_container(conmon, socket(8080), DOCKER) is None


def test_pasta_names_the_network_namespace() -> None:
    """Podman says which container has it."""
    one = Contained("podman", ID, "one", netns="/run/user/1000/netns/netns-6c2a")
    made = owner("pasta", "-t", "8080-8080:80-80", "--netns", "/run/user/1000/netns/netns-6c2a")
    found = proxied_container(made, socket(8080), Engines((one,), ()))
    assert found is not None
    assert (found.name, found.container_port) == ("one", None)


def test_a_pod_is_named_by_its_one_member_or_by_itself() -> None:
    """Podman lets every member publish the pod's ports."""
    ports = (PublishedPort("0.0.0.0", 8080, "tcp", 80),)
    names = ("shop-infra", "web", "log")
    infra, web, log = (
        Contained("podman", str(n) * 64, name, ports=ports) for n, name in enumerate(names)
    )
    made = owner("rootlessport")
    alone = proxied_container(made, socket(8080), Engines((infra, web), ()))
    several = proxied_container(made, socket(8080), Engines((infra, web, log), ()))
    assert alone is not None
    assert several is not None
    assert (alone.name, several.name) == ("web", "shop-infra")


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        (["p", "-proto=udp", "--host-port=53", "-container-ip=::1", "-container-port=5"],
         ("::1", 5, "udp", 53)),
        (["p", "-host-port", "1", "-container-ip", "10.0.0.1", "-container-port", "2"],
         ("10.0.0.1", 2, "tcp", 1)),
        (["p", "-container-ip"], None),
        (["p", "-host-port", "0", "-container-ip", "a", "-container-port", "2"], None),
        (["p", "-host-port", "70000", "-container-ip", "a", "-container-port", "2"], None),
        ([], None),
    ],
)  # fmt: skip
def test_the_command_line_of_docker_proxy_is_read(
    arguments: list[str], target: tuple[str, int, str, int] | None
) -> None:
    """Both ways in which Go programs take flags."""
    assert proxy_target(arguments) == target


WORDS = st.text() | st.sampled_from(["-host-port", "-container-ip", "-container-port", "8080"])


@given(st.lists(WORDS), st.sampled_from(["docker-proxy", "conmon", "pasta"]))
def test_any_command_line_is_survived(arguments: list[str], program: str) -> None:
    """It belongs to a process that anyone may have started."""
    proxied_container(owner(program, *arguments), socket(8080), DOCKER)
