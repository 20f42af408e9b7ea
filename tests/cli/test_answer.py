"""`portbook PORT`: the joined answer, for people and as JSON."""

import socket

import pytest

from command import portbook, recorded

ROOT = recorded("debian12-root")


def test_3255_is_the_orphan_that_started_it_all() -> None:
    """The registered and long-orphaned Semaphore Connection Port."""
    answer = portbook("3255", "--json").document
    assert [row["transport"] for row in answer["assignments"]] == ["tcp", "udp"]
    first = answer["assignments"][0]
    assert first["service"] == "semaphore"
    assert first["description"] == "Semaphore Connection Port"
    assert first["assignee"] == "Jay_Eckles"
    assert first["registered"] == "2002-02"
    assert answer["life"]["verdict"] == "orphan"
    assert answer["life"]["evidence"] == []
    assert answer["life"]["sources_checked"] >= 12
    assert answer["range"] == {"name": "user", "first": 1024, "last": 49151}


@pytest.mark.parametrize(
    ("port", "life"),
    [
        ("22", "alive"),
        ("443", "alive"),
        ("5432", "alive"),
        ("6379", "alive"),
        ("8086", "overtaken"),
        ("3255", "orphan"),
        ("49152", "dynamic"),
        ("0", "reserved"),
        ("8089", "unassigned"),
    ],
)
def test_the_life_of_well_known_numbers(port: str, life: str) -> None:
    """Number and name both have to match before a registration counts as alive."""
    assert portbook(port, "--json").document["life"]["verdict"] == life


def test_the_text_says_no_public_trace_and_never_dead() -> None:
    """An orphan is reported with the number of sources and their date."""
    out = portbook("3255").out
    assert "no public trace in" in out
    assert "as of 20" in out
    assert "dead" not in out


def test_a_listener_is_the_first_candidate_and_makes_the_port_taken() -> None:
    """What was found is said before what might be."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = portbook(str(port), "--json").document
    assert "it listens here on 127.0.0.1" in answer["candidates"][0]["why"]
    (listener,) = answer["listeners"]
    assert listener["reach"] == "loopback"
    assert answer["bindable"]["tcp"]["free"] is False
    assert answer["bindable"]["udp"]["free"] is True
    kinds = [reason["kind"] for reason in answer["bindable"]["tcp"]["reasons"]]
    assert kinds == ["listening", "address"]


def test_no_probe_tries_no_bind() -> None:
    """With --no-probe the table alone answers, and says so."""
    bindable = portbook("3255", "--no-probe", "--json").document["bindable"]
    assert {kind: row["probe"] for kind, row in bindable.items()} == {
        "tcp": "not-asked",
        "udp": "not-asked",
    }


def test_several_ports_are_one_table_in_the_order_asked() -> None:
    """`portbook 80 443 8080-8090` prints a line per port."""
    out = portbook("80", "443", "8080-8090", "--root", ROOT).out.splitlines()
    ports = [line.split()[0] for line in out[1:]]
    assert ports == ["80", "443", *map(str, range(8080, 8091))]
    assert "nginx (" in out[1]


def test_a_port_asked_twice_is_answered_once() -> None:
    """Overlapping ranges and names are merged."""
    answers = portbook("80", "http", "79-81", "--json").document["answers"]
    assert [answer["port"] for answer in answers] == [80, 79, 81]


def test_a_transport_narrows_the_answer() -> None:
    """`53/udp` speaks of UDP alone."""
    answer = portbook("53/udp", "--root", ROOT, "--json").document
    assert {row["transport"] for row in answer["assignments"]} == {"udp"}
    assert set(answer["bindable"]) == {"udp"}
    assert {row["transport"] for row in answer["listeners"]} == {"udp"}


def test_a_service_name_stands_for_its_ports() -> None:
    """Names are looked up without regard to case."""
    assert portbook("Redis", "--json").document["port"] == 6379
    ports = {answer["port"] for answer in portbook("http-alt", "--json").document["answers"]}
    assert 8080 in ports


def test_a_name_without_a_port_says_so() -> None:
    """Some services are registered for service discovery alone."""
    run = portbook("airplay")
    assert run.code == 2
    assert "registered without a port" in run.err


def test_the_whole_number_space_is_answered() -> None:
    """A range of everything is one document with 65,536 answers."""
    answers = portbook("0-65535", "--no-probe", "--json").document["answers"]
    assert len(answers) == 65536
    assert all(answer["candidates"] for answer in answers)


def test_what_is_hidden_is_said_and_the_exit_code_is_3() -> None:
    """A recording made without root has a gap and a hint."""
    run = portbook("22", "--root", recorded("debian12-nobody"), "--json")
    assert run.code == 3
    assert run.document["incomplete"][0]["hint"] == "run as root"
    owner = run.document["listeners"][0]["owners"][0]
    assert owner["proof"] == "cgroup"
    assert owner["unit"] == "ssh.service"
    assert owner["pid"] == {"unknown": "denied", "hint": "run as root"}
