"""HAProxy's configuration: binds, servers, checks, modes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.reader_damage import bears, bears_a_megabyte, damaged, reading_of, told


def read(text: str) -> list[str]:
    """The declarations of one configuration."""
    return told(reading_of("haproxy", "haproxy.cfg", text))


@pytest.mark.parametrize(
    ("bind", "declares"),
    [
        ("*:80", ["2:9 80/tcp listen frontend web 0.0.0.0"]),
        (":80", ["2:8 80/tcp listen frontend web"]),
        ("127.0.0.1:80 ssl", ["2:17 80/tcp listen frontend web 127.0.0.1"]),
        (":::80 v4v6", ["2:10 80/tcp listen frontend web ::"]),
        ("[::1]:80", ["2:13 80/tcp listen frontend web ::1"]),
        ("ipv4@*:80", ["2:14 80/tcp listen frontend web 0.0.0.0"]),
        ("ipv6@:80", ["2:13 80/tcp listen frontend web"]),
        ("quic4@:443", ["2:14 443/udp listen frontend web"]),
        ("udp@:53", ["2:12 53/udp listen frontend web"]),
        (":8000-8010", ["2:8 8000-8010/tcp listen frontend web"]),
        (
            ":80,10.0.0.1:81",
            [
                "2:8 80/tcp listen frontend web",
                "2:20 81/tcp listen frontend web 10.0.0.1",
            ],
        ),
        ('"${IP}:80"', ["2:14 80/tcp listen frontend web"]),
        ('":${PORT-8080}"', ["2:16 8080/tcp listen frontend web"]),
        ('":${PORT}"', []),
        ("/run/haproxy.sock", []),
        ("unix@/run/a:80", []),
        ("abns@a:80", []),
        ("fd@3", []),
        ("*", []),
        ("# :80", []),
        (":0", []),
    ],
)
def test_what_a_frontend_binds(bind: str, declares: list[str]) -> None:
    """Every form of the manual's section on addresses."""
    assert read(f"frontend web\n bind {bind}\n") == declares


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        ("frontend a\n bind :80\n", None),
        ("frontend a\n mode http\n bind :80\n", "http"),
        ("frontend a\n bind :80\n mode http\n", "http"),
        ("frontend a\n bind :80 ssl crt x\n mode http\n", "https"),
        ("defaults\n mode http\nfrontend a\n bind :80\n", "http"),
        ("defaults\n mode http\nlisten a\n mode tcp\n bind :80\n", None),
        ("defaults\n mode http\ndefaults\n mode tcp\nlisten a\n bind :80\n", None),
        ("defaults\n mode http\nlisten a :80\n", "http"),
    ],
)
def test_the_mode_says_what_is_spoken(text: str, speaks: str | None) -> None:
    """Of the section, before or behind the bind, or of the defaults before it."""
    (found,) = reading_of("haproxy", "haproxy.cfg", text).declared
    assert (found.first, found.speaks) == (80, speaks)


@pytest.mark.parametrize(
    ("line", "declares"),
    [
        ("server a 10.0.0.1:8080 check", ["2:20 8080/tcp client backend app 10.0.0.1"]),
        ("server a 10.0.0.1 check port 8081", ["2:31 8081/tcp client backend app check"]),
        ("server a 10.0.0.1:+80", []),
        ("server a ipv4@b:1", ["2:18 1/tcp client backend app b"]),
        ("server a unix@/run/b:1", []),
        (
            "server a b:1 agent-check agent-port 2",
            [
                "2:13 1/tcp client backend app b",
                "2:38 2/tcp client backend app check",
            ],
        ),
        ("server-template a 1-3 b:1", ["2:26 1/tcp client backend app b"]),
        ("default-server port 8082", ["2:22 8082/tcp client backend app check"]),
        ("http-request set-header port 80", []),
        ("option httpchk GET http://a:1/", []),
    ],
)
def test_the_servers_of_a_backend(line: str, declares: list[str]) -> None:
    """Their addresses and the ports of their checks."""
    assert read(f"backend app\n {line}\n") == declares


def test_other_sections_have_ports_too() -> None:
    """Peers, resolvers, mailers and the socket of the statistics."""
    text = (
        "global\n stats socket ipv4@127.0.0.1:9999\npeers p\n bind :10000\n"
        " peer a 10.0.0.1:10000\nresolvers r\n nameserver n 10.0.0.2:53\n"
        "mailers m\n mailer x smtp:25\nring r\n server l syslog:514\n"
    )
    assert read(text) == [
        "2:30 9999/tcp listen stats socket 127.0.0.1",
        "4:8 10000/tcp listen peers p",
        "5:18 10000/tcp client peers p 10.0.0.1",
        "7:24 53/udp client resolvers r 10.0.0.2",
        "9:16 25/tcp client mailers m smtp",
        "11:18 514/tcp client ring r syslog",
    ]


@given(st.binary(max_size=300))
def test_any_bytes_pass_through_haproxy(data: bytes) -> None:
    """Reading or Unreadable, never another exception."""
    bears("haproxy", "haproxy.cfg", data)
    bears("haproxy", "haproxy.cfg", b"frontend a\n bind " + data)


@given(damaged("haproxy-frontends/haproxy.cfg"))
def test_damaged_configurations_of_haproxy_are_borne(data: bytes) -> None:
    """And every number stands where it is said to stand."""
    bears("haproxy", "haproxy.cfg", data)


@pytest.mark.parametrize(
    ("before", "again"),
    [
        ("frontend a\n bind ", ":1,"),
        ("frontend a\n bind ", ":"),
        ("frontend a\n bind ", '"'),
        ("frontend a\n bind ", "'\\"),
        ("frontend a\n", " bind :1\n"),
        ("backend a\n server a b:1 ", "port 1 "),
        ("backend a\n server a ", "${a-"),
    ],
)
def test_a_megabyte_of_haproxy_is_read_in_time(before: str, again: str) -> None:
    """Nothing costs the square of its length."""
    bears_a_megabyte("haproxy", "haproxy.cfg", before, again)
