"""Whether process and wire agree, and programs that answer for others."""

import pytest

from portbook.identify import agrees_with_process, services_of
from portbook.identify.agreement import stand_in
from portbook.model import Clues, Speaks


@pytest.mark.parametrize(
    ("protocol", "process", "agrees"),
    [
        ("redis", ("redis",), True),
        ("http", ("redis",), False),
        ("memcached", ("redis",), False),
        ("ssh", (), True),
        ("redis", ("tls",), True),
        ("http", ("http", "docker"), True),
        ("ssh", ("http",), False),
    ],
)
def test_what_is_heard_against_what_the_process_is_known_for(
    protocol: str, process: tuple[str, ...], *, agrees: bool
) -> None:
    """A process that is known for nothing contradicts nothing; a TLS wrapper may carry anything."""
    assert agrees_with_process(Speaks(protocol, process=process), 6379) is agrees


def test_a_web_interface_on_another_number_is_no_conflict() -> None:
    """RabbitMQ's management on 15672, NATS' monitoring on 8222."""
    assert agrees_with_process(Speaks("http", process=("redis",)), 15672)
    assert not agrees_with_process(Speaks("memcached", process=("redis",)), 15672)


def test_the_services_of_an_application_come_with_those_of_its_protocol() -> None:
    """Redis is registered as redis; an application over HTTP is HTTP as well."""
    assert services_of(Speaks("redis")) == ("redis",)
    assert "http" in services_of(Speaks("http", application="docker"))
    assert services_of(Speaks(None)) == ()


@pytest.mark.parametrize(
    ("clues", "remark"),
    [
        (Clues(("haproxy",), "haproxy -f x"), "haproxy forwards to somewhere else"),
        (Clues(("python3",), "/x/bin/python3 /x/bin/twistd -n cowrie"), "cowrie is a honeypot"),
        (Clues(("sshd",), "sshd -D"), None),
    ],
)
def test_a_program_that_answers_for_others_is_remarked(clues: Clues, remark: str | None) -> None:
    """What a forwarder or a honeypot says is not about itself."""
    said = stand_in(clues)
    assert (said is None) if remark is None else (said is not None and remark in said)
