"""`portbook identify`: what may be named, what is refused, and how an answer is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import RECORDINGS, portbook
from portbook.cli.identify_targets import MOST_PLACES, There, parse_targets
from portbook.cli.identify_text import answer_lines
from portbook.cli.listing import speaks_text
from portbook.cli.render import Style
from portbook.model import PortbookError, Speaks, Tls, UsageError

PLAIN = Style(width=100, color=False, cut=True)


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("127.0.0.1:6379", There("127.0.0.1", 6379, "tcp")),
        ("localhost:53/udp", There("localhost", 53, "udp")),
        ("[::1]:8080", There("::1", 8080, "tcp")),
        ("db.example.org:5432/TCP", There("db.example.org", 5432, "tcp")),
    ],
)
def test_a_host_with_a_port_is_one_listener(text: str, there: There) -> None:
    """HOST:PORT, the address of IPv6 in brackets."""
    assert parse_targets([text]) == ([], [there])


def test_everything_else_is_a_port_of_this_machine() -> None:
    """The same PORT arguments as everywhere."""
    here, there = parse_targets(["3255", "8000-8002/tcp", "redis"])
    assert there == []
    assert [each.ports[0] for each in here] == [3255, 8000, 6379]
    assert here[1].ports == (8000, 8001, 8002)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10.0.0.0/8", "no scanner"),
        ("192.0.2.1/32", "no scanner"),
        ("2001:db8::/64", "no scanner"),
        ("10.0.0.*:80", "no scanner"),
        ("10.0.0.1-9:80", "range of hosts"),
        ("10.0.0.1,10.0.0.2:80", "no scanner"),
        ("db.example.org:1-1024", "no scanner"),
        ("::1:80", "in brackets"),
        (":80", "names no host"),
        ("[::1]", "names no port"),
        ("[::1", "closing bracket"),
        ("localhost:0", "port 0"),
        ("localhost:99999", "is no port"),
        ("localhost:80/sctp", "can be asked"),
    ],
)
def test_networks_patterns_and_ranges_are_refused_with_the_reason(text: str, says: str) -> None:
    """A usage error: one line that says why, and nothing is connected."""
    with pytest.raises(UsageError, match=says):
        parse_targets([text])


def test_many_hosts_are_a_scan() -> None:
    """A shell that expands a pattern makes a scan of single names."""
    names = [f"h{number}.example:80" for number in range(MOST_PLACES + 1)]
    assert len(parse_targets(names[:-1])[1]) == MOST_PLACES
    with pytest.raises(UsageError, match="are a scan"):
        parse_targets(names)


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    """Any text is a target or one of portbook's own errors."""
    try:
        parse_targets([text])
    except PortbookError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said


def test_the_command_refuses_a_network_with_exit_code_2() -> None:
    """As the issue has it: identify 10.0.0.0/8."""
    ran = portbook("identify", "10.0.0.0/8")
    assert ran.code == 2
    error, hint = ran.err.splitlines()
    assert error.startswith("portbook: error: 10.0.0.0/8 is a network, and portbook is no scanner")
    assert hint == "hint: name listeners one by one: portbook identify HOST:PORT"


def test_a_host_that_does_not_exist_is_an_environment_error() -> None:
    """RFC 6761 keeps .invalid free of names."""
    ran = portbook("identify", "nowhere.invalid:80")
    assert ran.code == 5
    assert "nowhere.invalid" in ran.err


def test_a_recorded_host_is_told_by_local_evidence_alone() -> None:
    """Nothing of a recording can be asked: the process and the number suggest what they can."""
    ran = portbook("identify", "--json", "--root", str(RECORDINGS / "debian12-root"))
    targets = ran.document["targets"]
    assert targets
    for each in targets:
        assert each["speaks"]["behaviour"] == "not-asked"
        assert each["speaks"]["confidence"] in (None, "likely", "guess")
        assert each["speaks"]["connections"] == 0
    by_port = {(each["transport"], each["port"]): each["speaks"] for each in targets}
    assert by_port["tcp", 22]["protocol"] == "ssh"


def test_a_host_cannot_be_asked_without_a_probe() -> None:
    """--no-probe forbids the only thing that could be done."""
    ran = portbook("identify", "--no-probe", "127.0.0.1:1")
    assert ran.code == 2


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (None, "-"),
        (Speaks("redis", product="Redis", version="7.0.15"), "Redis 7.0.15"),
        (Speaks("http", product="nginx", version="1.22.1"), "http (nginx 1.22.1)"),
        (
            Speaks("imap", tls=Tls("TLSv1.3", None, (), None, None)),
            "imap in TLS",
        ),
        (
            Speaks("imap", tls=Tls("TLSv1.3", None, (), None, None, upgraded=True)),
            "imap",
        ),
        (
            Speaks("tls", tls=Tls("TLSv1.3", None, (), None, None), behaviour="tls-only"),
            "tls, nothing known inside",
        ),
        (Speaks(None, behaviour="silent"), "silent"),
        (Speaks("wireguard", behaviour="silent"), "silent, perhaps wireguard"),
        (Speaks(None, behaviour="answers"), "answers, but in nothing known"),
    ],
)
def test_what_is_spoken_is_told_in_words(said: Speaks | None, text: str) -> None:
    """Product and version where the service tells them, else the protocol or the behaviour."""
    assert speaks_text(said) == text


def test_a_lone_target_is_told_with_everything() -> None:
    """Evidence, TLS, conflicts, what was sent; outside text is escaped at the edge."""
    from portbook.cli.identify import Row

    said = Speaks(
        "ssh",
        product="Evil\x1b[2J",
        version="1",
        tls=Tls("TLSv1.3", "http/1.1", ("bed.example",), "CN=x", "2026-12-24T00:00:00Z"),
        confidence="certain",
        evidence=('it greeted with "SSH-2.0-Evil"',),
        notes=("a remark",),
        conflicts=("registered: http, process: sshd, wire: ssh",),
        asked=("greeting",),
        connections=1,
    )
    row = Row(None, "tcp", "::1", 80, "sshd", ("http",), "mismatch", said)
    text = "\n".join(answer_lines([row], PLAIN))
    for part in (
        *("80/tcp on [::1]", "confidence  certain", "conflict    registered: http"),
        *("bed.example, until 2026-12-24", "ALPN http/1.1", "a remark", "on 1 connection,"),
    ):
        assert part in text
    assert "\x1b" not in text


def test_a_conflict_is_told_once_below_the_table() -> None:
    """IPv4 and IPv6 rows of one program disagree alike."""
    from portbook.cli.identify import Row

    said = Speaks("ssh", confidence="certain", conflicts=("registered: http, wire: ssh",))
    rows = [
        Row(None, "tcp", address, 80, "sshd", ("http",), "mismatch", said)
        for address in ("0.0.0.0", "::")
    ]
    lines = answer_lines(rows, PLAIN)
    assert sum("conflict on 80/tcp" in line for line in lines) == 1
    assert lines[0].split() == ["PORT", "ADDRESS", "PROCESS", "REGISTERED", "SPEAKS", "SURE"]
