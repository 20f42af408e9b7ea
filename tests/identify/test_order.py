"""In which order a listener is asked: derived from local evidence, the number, and the probes."""

import pytest

from portbook.identify.clues import suggested
from portbook.identify.limits import SENT_BYTES
from portbook.identify.order import inside, ladder, plan
from portbook.identify.probes import all_probes, probe_named
from portbook.model import Clues, Target


def _names(port: int, *programs: str, command: str = "", transport: str = "tcp") -> list[str]:
    clues = Clues(programs, command)
    target = Target(transport, "127.0.0.1", port, clues)
    steps = plan(target, suggested(clues, transport, port))
    return [step.probe.name if step.probe else "-" for step in steps]


def test_the_process_comes_before_the_greeting_the_number_and_the_ladder() -> None:
    """redis-server on port 80: redis, then listening, then HTTP, then everything else."""
    assert _names(80, "redis-server")[:3] == ["redis", "-", "http"]


def test_a_program_that_greets_is_listened_to_first_and_once() -> None:
    """sshd is not asked anything before it had its chance to greet."""
    names = _names(41001, "sshd")
    assert names[0] == "ssh"
    assert "-" not in names


def test_without_a_clue_it_begins_with_listening() -> None:
    """The usual protocol of the number is the second step."""
    assert _names(6379)[:2] == ["-", "redis"]


def test_the_registered_service_counts_as_the_number_does() -> None:
    """A number whose registered service a probe knows is asked in its words."""
    target = Target("tcp", "127.0.0.1", 1, registered=("redis",))
    steps = [step.probe.name for step in plan(target, ()) if step.probe]
    assert steps[0] == "redis"


def test_a_version_in_a_name_is_no_obstacle() -> None:
    """`postgresql-15` and `redis-server7` are what they were."""
    found = [probe.name for probe in suggested(Clues(("redis-server7",)), "tcp")]
    assert found[:1] == ["redis"]


def test_a_command_line_tells_what_an_interpreter_runs() -> None:
    """The main class of a Java program is a clue, `java` is none."""
    clues = Clues(("java",), "java -cp x org.apache.zookeeper.server.quorum.QuorumPeerMain zoo.cfg")
    assert [probe.name for probe in suggested(clues, "tcp")][:1] == ["zookeeper"]


def test_a_printer_is_asked_its_own_question_alone() -> None:
    """With the option: neither a greeting, nor the ladder, nor TLS; what would print it."""
    assert _names(9100) == ["jetdirect"]
    assert _names(9100, "prometheus-node-exporter") == ["http"]


def test_a_program_that_answers_no_stranger_is_asked_for_a_web_page_at_most() -> None:
    """It cannot be recognised on the wire, so the ladder would be in vain."""
    assert _names(41001, "ktorrent") == ["-", "http", "tls"]


@pytest.mark.parametrize(
    ("command", "port", "expected"),
    [
        ("java -agentlib:jdwp=transport=dt_socket,server=y,address=*:8000 app", 8000, "jdwp"),
        ("java -agentlib:jdwp=transport=dt_socket,server=y,address=*:8000 app", 80, None),
        ("java -agentlib:jdwp=transport=dt_socket,server=y,address=*:8000 app", 800, None),
        ("python3 /srv/my-org.apache.zookeeper.server/x.py", 1, None),
        ("java org.apache.zookeeper.serverless", 1, None),
    ],
)
def test_a_part_of_a_command_line_counts_as_a_whole_only(
    command: str, port: int, expected: str | None
) -> None:
    """Not as the end or the beginning of another word, and a number not in a longer one."""
    found = [probe.name for probe in suggested(Clues(("x",), command), "tcp", port)]
    assert found[:1] == ([expected] if expected else [])


@pytest.mark.parametrize("program", ["python3", "java", "node", "perl", "ruby", "beam.smp", "php"])
def test_an_interpreter_is_no_clue(program: str) -> None:
    """What an interpreter runs is told by its command line alone."""
    assert suggested(Clues((program,)), "tcp") == ()
    assert suggested(Clues((program,)), "udp") == ()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_the_ladder_has_every_opener_once_and_no_printer(transport: str) -> None:
    """Nothing is asked twice; what may print, or does something, is never on it."""
    names = [probe.name for probe in ladder(transport)]
    assert len(names) == len(set(names))
    assert not any(probe.opt_in for probe in ladder(transport))
    expected = {
        probe.name
        for probe in all_probes()
        if not (probe.opt_in or probe.expected)
        and (probe.datagram if transport == "udp" else probe.opener or probe.tls)
    }
    assert set(names) == expected


def test_the_ladder_begins_with_what_tells_most_for_its_cost() -> None:
    """What many protocols react to, or many programs serve, before what only itself knows."""
    names = [probe.name for probe in ladder("tcp")]
    assert {"http", "tls", "redis"} <= set(names[:5])
    assert names.index("mqtt") < names.index("nsq")


def test_inside_tls_the_suggested_come_first_and_the_web_second() -> None:
    """Then what usually lives inside TLS."""
    names = [probe.name for probe in inside((probe_named("redis"),))]
    assert names[:2] == ["redis", "http"]
    assert all(probe_named(name).secure_ports for name in names[2:])


@pytest.mark.parametrize("probe", all_probes(), ids=lambda probe: probe.name)
def test_a_probe_keeps_to_the_form(probe: object) -> None:
    """Names, sizes and references that the engine and the documentation rely on."""
    from portbook.identify.probe import Probe

    assert isinstance(probe, Probe)
    assert probe.name == probe.name.lower() and " " not in probe.name
    assert probe.title and probe.source
    assert all(name == name.lower() for name in (*probe.programs, *probe.commands))
    assert len(probe.opener or b"") <= SENT_BYTES and len(probe.datagram or b"") <= SENT_BYTES
    known = {each.name for each in all_probes()}
    assert set(probe.reacts_to) <= known
    assert probe.over("tcp") or probe.over("udp")
    if probe.judge is None:
        assert not (probe.opener or probe.datagram or probe.speaks_first)
    else:
        assert not (probe.sink or probe.fragile)
    if probe.judge is None:
        assert probe.programs or probe.commands or probe.ports
