"""Unit files: sockets, services and their commands, Quadlet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.reader_damage import bears, bears_a_megabyte, damaged, reading_of, told
from portbook.lint.readers.systemd import wants
from portbook.lint.source import Source


def read(path: str, text: str) -> list[str]:
    """The declarations of one unit."""
    return told(reading_of("systemd", path, text))


@pytest.mark.parametrize(
    ("line", "declares"),
    [
        ("ListenStream=80", ["2:14 80/tcp listen a.socket"]),
        ("ListenStream = 80 ", ["2:16 80/tcp listen a.socket"]),
        ("ListenStream=0.0.0.0:81", ["2:22 81/tcp listen a.socket 0.0.0.0"]),
        ("ListenStream=[::1]:82", ["2:20 82/tcp listen a.socket ::1"]),
        ("ListenStream=[fe80::1]:83%eth0", ["2:24 83/tcp listen a.socket fe80::1"]),
        ("ListenDatagram=84", ["2:16 84/udp listen a.socket"]),
        ("ListenSequentialPacket=/run/a", []),
        ("ListenSequentialPacket=85", []),
        ("ListenStream=/run/8080", []),
        ("ListenStream=@8080", []),
        ("ListenStream=vsock::1234", []),
        ("ListenStream=vsock:2:1234", []),
        ("ListenStream=%i", []),
        ("ListenStream=0", []),
        ("#ListenStream=80", []),
        ("; ListenStream=80", []),
        ("ListenNetlink=kobject-uevent 1", []),
        ("ListenStream=70000", ["2:14 70000/tcp listen a.socket"]),
    ],
)
def test_what_a_socket_listens_on(line: str, declares: list[str]) -> None:
    """A number, an address with one; paths, names, other families and 0 declare none."""
    assert read("a.socket", f"[Socket]\n{line}\n") == declares


def test_an_empty_value_takes_back_all_kinds() -> None:
    """systemd.socket(5): prior assignments of any of the options have no effect."""
    text = "[Socket]\nListenDatagram=1\nListenStream=2\nListenStream=\nListenStream=3\n"
    assert read("a.socket", text) == ["5:14 3/tcp listen a.socket"]


def test_only_keys_of_the_section_count() -> None:
    """The same key elsewhere is a mistake that systemd ignores."""
    assert read("a.socket", "[Unit]\nListenStream=1\n[Socket]\nListenStream=2\n") == [
        "4:14 2/tcp listen a.socket"
    ]


def test_sctp_and_ipv6_only_are_taken_from_other_keys() -> None:
    """`SocketProtocol` changes the transport, `BindIPv6Only` the address of a number alone."""
    text = "[Socket]\nListenStream=9\nSocketProtocol=sctp\nBindIPv6Only=ipv6-only\n"
    assert read("a.socket", text) == ["2:14 9/sctp listen a.socket ::"]


@pytest.mark.parametrize(
    ("socket", "text", "runs"),
    [
        ("x/a.socket", "[Socket]\nListenStream=1\n", "unit:x/a"),
        ("x/a.socket", "[Socket]\nListenStream=1\nService=b.service\n", "unit:x/b"),
        ("x/b.service", "[Service]\nExecStart=/b --port 80\n", "unit:x/b"),
        ("a@.service", "[Service]\nExecStart=/b --port 80\n", "unit:/a"),
    ],
)
def test_a_socket_and_its_service_are_one_program(socket: str, text: str, runs: str) -> None:
    """By the name they share, or by `Service=`."""
    assert [each.runs for each in reading_of("systemd", socket, text).declared] == [runs]


def test_a_command_over_lines_keeps_its_places() -> None:
    """Backslashes join lines, and comments between them are left out."""
    text = (
        "[Service]\nExecStart=-/usr/bin/env \\\n# --port 1\n"
        "  uvicorn a:b \\\r\n  --port 8000\nExecStop=/bin/x --port 9\n"
    )
    assert read("a.service", text) == ["5:10 8000/tcp listen a.service http"]


def test_variables_of_a_service_are_settings() -> None:
    """`PORT` and what ends in it, in every way of quoting; others and variables are none."""
    text = (
        '[Service]\nEnvironment=PORT=1 "A_PORT=2" B_PORT="3" C=4\n'
        "Environment='D_PORT=5' E_PORT=$PORT SUPPORT=6\n"
    )
    assert read("a.service", text) == [
        "2:18 1/tcp setting PORT",
        "2:28 2/tcp setting A_PORT",
        "2:39 3/tcp setting B_PORT",
        "3:21 5/tcp setting D_PORT",
    ]


@pytest.mark.parametrize(
    ("value", "declares"),
    [
        ("80", ["2:13 80/tcp container a.container"]),
        ("8080:80", ["2:13 8080/tcp publish a.container", "2:18 80/tcp container a.container"]),
        (
            "127.0.0.1:8080:80/udp",
            [
                "2:23 8080/udp publish a.container 127.0.0.1",
                "2:28 80/udp container a.container",
            ],
        ),
        (
            "[::1]:90-91:92-93",
            [
                "2:19 90-91/tcp publish a.container ::1",
                "2:25 92-93/tcp container a.container",
            ],
        ),
        ("127.0.0.1::80", ["2:24 80/tcp container a.container"]),
        ("$P:80", ["2:16 80/tcp container a.container"]),
        ("%i", []),
        ("", []),
    ],
)
def test_what_quadlet_publishes(value: str, declares: list[str]) -> None:
    """As `podman run -p` takes it; what systemd puts in is no number."""
    reading = reading_of("systemd", "a.container", f"[Container]\nPublishPort={value}\n")
    assert told(reading) == declares
    assert reading.faults == ()


def test_a_publication_that_nobody_understands_is_told() -> None:
    """With its line, and the next one is read."""
    text = "[Container]\nPublishPort=a:b:c:d\nPublishPort=1:2\n"
    reading = reading_of("systemd", "a.container", text)
    assert [fault.line for fault in reading.faults] == [2]
    assert len(reading.declared) == 2


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        (b"[Service]\n", True),
        (b"# x\n [Container]\n", True),
        (b"[D-BUS Service]\nExec=/x\n", False),
        (b"<service-group><port>22</port></service-group>", False),
        (b"=head1 NAME\n\n[Socket\n", False),
    ],
)
def test_other_files_end_in_the_same_words(text: bytes, ours: bool) -> None:  # noqa: FBT001 - a row
    """D-Bus, Avahi and the documentation of Perl are left alone."""
    assert wants(Source("a.service", text)) is ours


@given(st.binary(max_size=300))
def test_any_bytes_are_borne(data: bytes) -> None:
    """Reading or Unreadable, never another exception."""
    bears("systemd", "a.service", data)
    bears("systemd", "a.socket", b"[Socket]\n" + data)
    bears("systemd", "a.container", b"[Container]\nPublishPort=" + data)


@given(
    damaged("systemd-sockets/units/echo.socket")
    | damaged("systemd-services/api.service")
    | damaged("systemd-quadlet/containers/web.container")
)
def test_damaged_units_are_borne(data: bytes) -> None:
    """And every number stands where it is said to stand."""
    bears("systemd", "a.service", data)


@pytest.mark.parametrize(
    ("before", "again"),
    [
        ("", "\\\n"),
        ("[Service]\nExecStart=", '"a'),
        ("[Service]\nEnvironment=", "\"'"),
        ("[Service]\nEnvironment=", "A_PORT=1 "),
        ("[Socket]\n", "ListenStream=1\n"),
        ("[Socket]\n", "ListenStream=1\nListenStream=\n"),
        ("[Container]\nPublishPort=", "1:"),
    ],
)
def test_a_megabyte_is_read_in_time(before: str, again: str) -> None:
    """Nothing costs the square of its length."""
    bears_a_megabyte("systemd", "a.service", before, again)
