"""Listeners that behave strangely: each is told for what it did, within the promised bounds."""

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.servers import strange as strangers
from live.servers.strange import Behave, strange
from live.stage import run_portbook
from portbook.identify import Options, identify
from portbook.identify.limits import CONNECTIONS_AT_A_TIME, CONNECTIONS_IN_ALL, SENT_BYTES
from portbook.model import Clues, Speaks, Target

pytestmark = pytest.mark.live


def asked(port: int, *, patience: float | None = None, **known: object) -> Speaks:
    """What a listener on loopback speaks."""
    target = Target("tcp", "127.0.0.1", port, **known)  # type: ignore[arg-type]
    return identify([target], Options(patience=patience))[0]


@pytest.mark.parametrize(
    ("behave", "behaviour"),
    [
        (strangers.silent, "silent"),
        (strangers.closes, "closes"),
        (strangers.resets, "resets"),
        (strangers.floods, "floods"),
        (strangers.babbles, "answers"),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_a_strange_behaviour_is_named(behave: Behave, behaviour: str) -> None:
    """Nothing is recognised, what it did is said, and it is spared what was promised."""
    with strange(behave) as server:
        said = asked(server.port)
    assert (said.protocol, said.behaviour) == (None, behaviour)
    assert said.evidence
    assert len(server.received) <= said.sent_bytes <= SENT_BYTES
    # The server sees our end of a connection a moment after we do.
    assert server.most <= CONNECTIONS_AT_A_TIME + 1
    assert server.connections <= CONNECTIONS_IN_ALL


def test_half_a_handshake_is_likely_tls() -> None:
    """It answers in TLS, and never finishes: nothing waits for it for longer than was promised."""
    with strange(strangers.half_tls) as server:
        said = asked(server.port)
    assert (said.protocol, said.behaviour, said.confidence) == ("tls", "tls-only", "likely")
    assert said.sent_bytes <= SENT_BYTES


def test_a_closed_port_refuses() -> None:
    """Nobody listens: one connection is enough to know."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        said = asked(bound.getsockname()[1])
    assert (said.protocol, said.behaviour, said.connections) == (None, "refuses", 1)


def test_the_first_bytes_of_an_unknown_answer_are_shown() -> None:
    """What nobody knows is quoted, escaped."""
    with strange(strangers.babbles) as server:
        said = asked(server.port)
    assert any(r"\xfe\xed\xbe\xef strange" in each for each in said.evidence)


def test_an_echo_is_told_for_one() -> None:
    """What sends our own words back speaks none of their protocols."""
    with strange(strangers.echoes) as server:
        said = asked(server.port)
    assert said.protocol == "echo"


def test_a_greeting_that_dribbles_is_read_to_its_end() -> None:
    """One byte at a time makes no other protocol, and no cut version."""
    with strange(strangers.dribbles) as server:
        said = asked(server.port)
    assert (said.protocol, said.product, said.version) == ("ssh", "OpenSSH", "9.2p1")


def test_a_late_greeting_is_waited_for_where_the_process_is_known_to_greet() -> None:
    """Three seconds are more than silence may take, unless an sshd is behind it."""
    with strange(strangers.greets_late) as server:
        silent = asked(server.port, patience=0.5)
        said = asked(server.port, clues=Clues(("sshd",)))
    assert silent.behaviour == "silent"
    assert (said.protocol, said.version, said.confidence) == ("ssh", "9.2p1", "certain")


def test_silence_with_a_telling_process_is_likely_that_and_a_number_a_guess() -> None:
    """Confidence is earned: the wire gives nothing here."""
    with strange(strangers.silent) as server:
        by_process = asked(server.port, patience=0.4, clues=Clues(("redis-server",)))
    assert (by_process.protocol, by_process.confidence) == ("redis", "likely")
    assert by_process.behaviour == "silent"


def test_a_full_backlog_is_named() -> None:
    """Nobody accepts, the queue is full, and a SYN is not answered any more."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        place = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(place)
        said = asked(place[1])
        for each in waiting:
            each.close()
    assert (said.protocol, said.behaviour) == (None, "full")


def test_two_programs_behind_one_port_are_both_told() -> None:
    """SO_REUSEPORT: the kernel spreads connections over the sockets."""
    first = strangers.greets(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    second = strangers.greets(b"SSH-2.0-dropbear_2022.83\r\n")
    with strange(first) as one, strange(second, one.port):
        said = asked(one.port, sharing=2)
    assert {said.product, *(each.product for each in said.also)} == {"OpenSSH", "Dropbear"}


@pytest.mark.parametrize(
    "address", ["239.255.255.250", "224.0.0.251", "255.255.255.255", "ff02::fb"]
)
def test_a_group_of_hosts_is_not_asked(address: str) -> None:
    """What is bound to a multicast address would have us ask the network."""
    said = identify([Target("udp", address, 1900)])[0]
    assert (said.behaviour, said.sent_bytes, said.connections) == ("not-asked", 0, 0)


def test_a_datagram_that_nobody_takes_is_refused() -> None:
    """An ICMP port unreachable decides at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    said = identify([Target("udp", "127.0.0.1", port)])[0]
    assert (said.behaviour, said.connections) == ("refuses", 1)


def test_what_cannot_be_reached_is_not_called_a_refusal() -> None:
    """The system's own no is told as such, and not as the listener's behaviour."""
    said = identify([Target("udp", "fe80::1%999999", 53)])[0]
    assert said.behaviour == "not-asked"
    assert "cannot be reached" in said.evidence[0]


def test_many_sockets_of_one_port_are_spared_together() -> None:
    """SO_REUSEPORT: as much for each as for one alone, whatever the number of tries."""
    with strange(strangers.silent) as one, strange(strangers.silent, one.port) as two:
        said = asked(one.port, sharing=2)
    assert said.behaviour == "silent"
    assert len(one.received) + len(two.received) <= said.sent_bytes <= SENT_BYTES
    assert one.connections + two.connections <= CONNECTIONS_IN_ALL


def test_a_fault_of_one_judge_does_not_sink_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault is told where it happened, and the other listener is still answered."""
    from portbook.identify import engine

    real = engine.tell  # type: ignore[attr-defined]

    def planted(target: Target, *known: object) -> Speaks:
        if target.registered == ("planted",):
            raise RuntimeError("planted")
        return real(target, *known)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "tell", planted)
    greets = strangers.greets(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    with strange(greets) as server:
        faulty = Target("tcp", "127.0.0.1", server.port, registered=("planted",))
        good = Target("tcp", "127.0.0.1", server.port)
        broken, said = identify([faulty, good])
    assert broken.behaviour == "not-asked" and "planted" in broken.evidence[0]
    assert said.protocol == "ssh"


def test_printers_are_not_asked_unless_wanted() -> None:
    """Not a byte, not even a connection, to ports 9100-9107; the number is worth a guess."""
    for port in (9100, 9107):
        said = asked(port, clues=Clues(("redis-server",)))
        assert (said.behaviour, said.connections, said.sent_bytes) == ("not-asked", 0, 0)
        assert (said.protocol, said.confidence) == ("redis", "likely")
    options = Options(printers=True, patience=0.3)
    assert identify([Target("tcp", "127.0.0.1", 9105)], options)[0].behaviour == "refuses"


@pytest.mark.parametrize(
    ("clues", "protocol"),
    [
        (Clues(("rsyslogd",)), "syslog"),
        (Clues(("carbon-cache",)), "carbon"),
        (Clues(("gdbserver",)), "gdbserver"),
        (Clues(("java",), "java -agentlib:jdwp=transport=dt_socket,server=y,address={}"), "jdwp"),
    ],
    ids=("syslog", "carbon", "gdbserver", "jdwp"),
)
def test_what_a_visitor_would_change_is_left_alone(clues: Clues, protocol: str) -> None:
    """Data sinks and debuggers: not a connection, and the process tells."""
    with strange(strangers.silent) as server:
        said = asked(server.port, clues=clues._replace(command=clues.command.format(server.port)))
        assert server.connections == 0
    assert (said.protocol, said.behaviour, said.confidence) == (protocol, "not-asked", "likely")


def test_a_server_of_one_client_at_a_time_is_not_kept_waiting() -> None:
    """Who listens for a greeting hangs up soon enough for the next question to be served."""

    def web(connection: socket.socket) -> None:
        if connection.recv(4096).startswith(b"GET / HTTP/1.1"):
            connection.sendall(b"HTTP/1.0 200 OK\r\nServer: nginx/1.22.1\r\n\r\n")

    with strange(web, serial=True) as server:
        said = asked(server.port)
    assert (said.protocol, said.product) == ("http", "nginx")


def test_the_command_names_a_strange_listener() -> None:
    """Through the command line, with its exit code."""
    with strange(strangers.closes) as server:
        ran = run_portbook("identify", "--json", "--wire-only", f"127.0.0.1:{server.port}")
    said = ran.document["targets"][0]["speaks"]
    assert (said["protocol"], said["behaviour"]) == (None, "closes")
    assert ran.code in (1, 3)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=400), max_size=4), st.sampled_from((0, 1, 2)))
def test_no_bytes_from_a_listener_raise_or_break_the_bounds(script: list[bytes], end: int) -> None:
    """Arbitrary bytes in answer to anything, then silence, an end or a reset."""

    def behave(connection: socket.socket) -> None:
        for data in script:
            connection.recv(4096)
            connection.sendall(data)
        if end == 1:
            strangers.resets(connection)
        elif end == 0:
            strangers.drain(connection)

    with strange(behave) as server:
        said = asked(server.port, patience=0.25)
    assert said.protocol or said.behaviour
    assert len(server.received) <= SENT_BYTES
    assert server.most <= CONNECTIONS_AT_A_TIME + 1
