"""The registry's names in the probes: they exist, and what is on its own number is no mismatch."""

import pytest

from portbook.identify import services_of
from portbook.identify.clues import suggested
from portbook.identify.probe import Probe
from portbook.identify.probes import all_probes
from portbook.model import Clues, Facts, Speaks, Wire
from portbook.registry.lookup import lookup
from portbook.verdict.rules import mismatch

# Its own numbers, where the registry's name plainly means it; a name in every probe would not do,
# for many live on a number that was assigned to something else.
OWN = (
    *(("http", 80), ("http", 443), ("http", 8008), ("http", 8080), ("http2", 443)),
    *(("websocket", 80), ("http-proxy", 8080), ("http-proxy", 8118), ("tls", 993), ("tls", 5671)),
    *(("postgresql", 5432), ("postgresql", 6432), ("ldap", 389), ("ldap", 636), ("ldap", 3268)),
    *(("ldap", 3269), ("opcua", 4840), ("opcua", 4843), ("iec104", 2404), ("iec104", 19998)),
    *(("dnp3", 20000), ("dnp3", 19999), ("oracle", 1521), ("oracle", 2484), ("drda", 446)),
    *(("drda", 448), ("java-rmi", 1099), ("java-rmi", 1098), ("xmpp", 5222), ("xmpp", 5269)),
    *(("xmpp", 5280), ("vnc", 5900), ("irc", 6667), ("irc", 6697), ("ethernet-ip", 44818)),
    *(("stun", 3478), ("stun", 5349), ("rpcbind", 111), ("sunrpc", 111), ("nfs", 2049)),
    *(("redis", 6379), ("ssh", 22), ("smtp", 25), ("smtp", 465), ("smtp", 587), ("ftp", 21)),
    *(("ftp", 990), ("pop3", 110), ("pop3", 995), ("imap", 143), ("imap", 993), ("nntp", 119)),
    *(("nntp", 563), ("amqp", 5672), ("amqp", 5671), ("mqtt", 1883), ("mqtt", 8883)),
)
APPLICATIONS = (("ollama", 11434), ("couchdb", 5984), ("docker", 2375), ("docker", 2376))
NAMES = sorted({(probe.name, name) for probe in all_probes() for name in probe.services})


def _is_mismatch(speaks: Speaks, port: int, transport: str) -> bool:
    registered = tuple(row.service for row in lookup(port, transport).assignments if row.service)
    assert registered
    wire = Wire(str(speaks.protocol), "certain", "what answers", services_of(speaks))
    return mismatch.weigh(Facts(process=None, registered=registered, wire=wire)) is not None


@pytest.mark.parametrize(("probe", "name"), NAMES)
def test_the_registry_knows_each_name(probe: str, name: str) -> None:
    """With a number: a name without one can match nothing."""
    assert lookup(name), (probe, name)


@pytest.mark.parametrize(("protocol", "port"), OWN)
def test_a_protocol_on_its_registered_number_is_no_mismatch(protocol: str, port: int) -> None:
    """The registry's word for it is in the probe."""
    assert not _is_mismatch(Speaks(protocol), port, "tcp")


@pytest.mark.parametrize(("application", "port"), APPLICATIONS)
def test_an_application_on_its_registered_number_is_no_mismatch(
    application: str, port: int
) -> None:
    """It answers in HTTP, and is what the number is for."""
    assert not _is_mismatch(Speaks("http", application=application), port, "tcp")


@pytest.mark.parametrize(
    ("protocol", "port"), [("coap", 5683), ("dtls", 5684), ("dtls", 10161), ("quic", 443)]
)
def test_a_datagram_protocol_on_its_registered_number_is_no_mismatch(
    protocol: str, port: int
) -> None:
    """The same over UDP."""
    assert not _is_mismatch(Speaks(protocol), port, "udp")


@pytest.mark.parametrize(
    ("protocol", "port"), [("redis", 80), ("http", 22), ("lmtp", 2003), ("erlang", 9100)]
)
def test_what_the_registry_does_not_name_is_a_mismatch(protocol: str, port: int) -> None:
    """Redis is no web server."""
    assert _is_mismatch(Speaks(protocol), port, "tcp")


@pytest.mark.parametrize("probe", all_probes(), ids=lambda probe: probe.name)
def test_its_own_numbers_bear_its_names(probe: Probe) -> None:
    """A name of the registry that is the probe's own name or a program's belongs to the probe."""
    own = {probe.name, *probe.programs}
    numbers = {*probe.ports, *probe.secure_ports}
    named = {row.service for port in numbers for row in lookup(port).assignments if row.service}
    assert named & own <= set(probe.services)


@pytest.mark.parametrize(
    ("command", "port", "wrong"),
    [
        ("python3 /srv/rabbit-shop/app.py", 8000, ("amqp", "mqtt", "stomp")),
        ("python3 -m celery --broker=amqp://u@rabbitmq flower", 5555, ("amqp", "mqtt", "stomp")),
        ("python3 /opt/descgi/x.py", 4000, ("scgi", "fastcgi")),
        ("python3 /srv/redis_grpc_bridge.py", 9000, ("grpc",)),
        ("python3 stomp_client.py", 7777, ("stomp",)),
        ("python3 /srv/puma-tracker/app.py", 7777, ("http",)),
        ("java -Dcom.sun.management.jmxremote.port=9010 -jar app.jar", 8080, ("java-rmi",)),
        ("java -jar kafka_exporter.jar --kafka.server=kafka:9092", 9308, ("kafka",)),
        ("python3 -m debugpy --listen 5678 app.py", 8000, ("dap",)),
        ("beam.smp -- -home /root -- -sname shop -s shop", 4000, ("erlang",)),
        ("iperf3 -s", 5201, ("iperf2",)),
        ("qemu-system-x86_64 -vnc :0 -gdb tcp::1234 -S", 5900, ("gdbserver",)),
        ("java -agentlib:jdwp=transport=dt_socket,address=8000 -jar a.jar", 80, ("jdwp",)),
        ("java -Dserver.address=0.0.0.0:8080 -jar a.jar", 8080, ("jdwp",)),
    ],
)
def test_a_word_in_a_command_line_is_no_clue(
    command: str, port: int, wrong: tuple[str, ...]
) -> None:
    """A client, a folder or another number of the same program does not serve the protocol."""
    found = {probe.name for probe in suggested(Clues((), command), "tcp", port)}
    assert found.isdisjoint(wrong)


@pytest.mark.parametrize(
    ("command", "port", "right"),
    [
        ("/usr/lib/erlang/bin/beam.smp -noinput -s rabbit boot -boot start_sasl", 5672, "amqp"),
        ("java -Xmx64m -Dactivemq.home=/x -jar /x/bin/activemq.jar start", 61613, "stomp"),
        ("java -cp x org.apache.activemq.artemis.boot.Artemis run", 61616, "openwire"),
        ("/usr/bin/ruby /usr/bin/puma -p 3000", 3000, "http"),
        ("java -Dcom.sun.management.jmxremote.port=9010 -jar app.jar", 9010, "java-rmi"),
        ("python3 /x/debugpy/adapter --for-server 41234 --port 5678", 5678, "dap"),
        ("erl -kernel inet_dist_listen_min 9150 inet_dist_listen_max 9159", 9150, "erlang"),
        ("/usr/bin/iperf -s -p 5009", 5009, "iperf2"),
        ("qemu-system-x86_64 -gdb tcp::1234 -S", 1234, "gdbserver"),
        ("qemu-system-aarch64 --gdb tcp:127.0.0.1:9999,server=on", 9999, "gdbserver"),
        ("java -agentlib:jdwp=address=5005,transport=dt_socket -jar a.jar", 5005, "jdwp"),
        ("java -Xrunjdwp:transport=dt_socket,address=8787 -jar a.jar", 8787, "jdwp"),
        ("java -agentlib:jdwp=transport=dt_socket,address=*:8000 -jar a.jar", 8000, "jdwp"),
        ("java -agentlib:jdwp=transport=dt_socket,address=[::]:8000 -jar a.jar", 8000, "jdwp"),
    ],
)
def test_what_a_command_line_serves_is_a_clue(command: str, port: int, right: str) -> None:
    """The names that the programs themselves have in it."""
    assert right in [probe.name for probe in suggested(Clues((), command), "tcp", port)]


@pytest.mark.parametrize("program", ["ssh", "git", "samba", "ser2net", "gost"])
def test_a_client_or_a_forwarder_is_no_clue(program: str) -> None:
    """`ssh -L` listens for what somebody else serves."""
    assert suggested(Clues((program,)), "tcp", 8080) == ()
