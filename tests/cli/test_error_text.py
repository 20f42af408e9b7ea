"""Reading a program's output: which port it complains of, in the words of many programs."""

import re
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portbook.survey.error_text import LONGEST, MOST, read_errors

USED, DENIED, AWAY = "in-use", "denied", "unavailable"

WRITTEN: dict[str, dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "error_texts.toml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", WRITTEN)
def test_the_port_is_found_in_what_programs_write(name: str) -> None:
    """One port, with its transport, address, error and program; a line of the text shows it."""
    row = WRITTEN[name]
    (found,) = read_errors(row["text"].encode()).mentions
    said = (found.port, found.transport, found.address, found.error, found.program)
    usual = (row.get("transport", "tcp"), row.get("address"), row.get("error", USED))
    assert said == (row["port"], *usual, row.get("program"))
    assert "\x1b" not in found.line
    plain = re.sub("\x1b\\[[0-9]*m", "", row["text"])
    assert found.line.strip("…") in plain


@pytest.mark.parametrize(
    "text",
    [
        "Error: EACCES: permission denied, open '/etc/shadow'",
        "connect EACCES /var/run/docker.sock port 80",
        "connect EADDRNOTAVAIL 127.0.0.1:3000 - Local (0.0.0.0:0)",
        "connect ECONNREFUSED 127.0.0.1:5432",
        "dial tcp 10.0.0.1:443: connect: permission denied",
        "git@example.org: Permission denied (publickey). port 22",
        'Conflict. The container name "/db" is already in use by container "0f1e2d3c".',
        "umount: /mnt: target is busy. /dev/sda1 is in use",
        "Server listening on 0.0.0.0 port 22.",
        "12:34:56 everything is fine, 98 files, 48 warnings (99)",
        "port 99999 is already in use",
        "Cannot bind any address.",
        "port 3000 is not already in use",
        "Is port 3000 already in use? checking... no",
        "dial tcp 127.0.0.1:45000->10.0.0.5:443: bind: address already in use",
        "",
        "\0\x1b[",
    ],
)
def test_what_is_no_error_about_a_port_is_not_taken_for_one(text: str) -> None:
    """Files, connections and other names may be denied or in use, too."""
    assert read_errors(text.encode()).mentions == ()


def test_an_error_without_a_number_says_which_line_it_was() -> None:
    """The user can then name the port."""
    read = read_errors(b"nc: Address already in use\nbye")
    assert read.mentions == ()
    assert read.unnumbered == "nc: Address already in use"


def test_a_number_from_elsewhere_says_where_it_is_from() -> None:
    """And the lines of connections to others are passed over."""
    text = (
        "Starting server at http://127.0.0.1:8000/\nConnected to database at 127.0.0.1:5432\n"
        "OSError: [Errno 98] Address already in use"
    )
    (found,) = read_errors(text.encode()).mentions
    assert (found.port, found.line) == (8000, "OSError: [Errno 98] Address already in use")
    assert found.number_line == "Starting server at http://127.0.0.1:8000/"


def test_an_error_beside_one_with_a_number_is_the_same_one() -> None:
    """No number is looked for then: it would be that of something else."""
    text = "Port 3000 is in use\nListening on port 7000\nOSError: [Errno 98] Address already in use"
    assert [each.port for each in read_errors(text.encode()).mentions] == [3000]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            (
                "listening on http://localhost:3000\nError: listen EADDRINUSE: address already in "
                "use /srv/x.sock\n  code: 'EADDRINUSE',\n  errno: -98,"
            ),
            "/srv/x.sock",
        ),
        ("listening on port 3000 ok\nbind(): /run/x.sock: Address already in use", "/run/x.sock"),
        (
            (
                'LOG:  could not bind Unix address "/run/.s.PGSQL.5432": Address already in use\n'
                "HINT:  Is another postmaster already running on port 5432?"
            ),
            "/run/.s.PGSQL.5432",
        ),
        ("Bind on unix socket: Address already in use\nsocket: mysql.sock  port: 3306", None),
        (
            "port: 6379\nFailed opening Unix socket: bind: Address already in use\nport: 6379",
            None,
        ),
        ("port 8000\nConnection in use: /run/gunicorn.sock", "/run/gunicorn.sock"),
        ('port 8000\n  s.bind("/srv/a")\nOSError: [Errno 98] Address already in use', "/srv/a"),
    ],
)
def test_a_unix_socket_has_no_port_whatever_stands_near_it(text: str, path: str | None) -> None:
    """Its path is told, and no number is looked for."""
    read = read_errors(text.encode())
    assert (read.mentions, read.unnumbered) == ((), None)
    assert [each.path for each in read.sockets] == [path]


@pytest.mark.parametrize(
    "text",
    [
        "db-1  | listening on port 5432\nweb-1  | Error: Address already in use",
        "DB_PORT=5432\nREDIS_PORT=6379\nOSError: [Errno 98] Address already in use",
        "admin interface listening on http://127.0.0.1:9000/\nError: Address already in use",
        "metrics pushed to http://10.0.0.1:9091/push\nError: Address already in use",
        "Error: Address already in use\nSee http://localhost:8080/help",
        "java -jar a.jar --server.port=8080\nERROR: transport error 202: bind failed",
    ],
)
def test_a_number_of_something_else_is_not_guessed(text: str) -> None:
    """No answer is better than one about another port."""
    read = read_errors(text.encode())
    assert read.mentions == ()
    assert read.unnumbered is not None


def test_of_a_range_the_first_few_are_told() -> None:
    """Nobody wants eleven answers."""
    read = read_errors(b"All ports in range 3000-3010 are already in use")
    assert [each.port for each in read.mentions] == [3000, 3001, 3002]


def test_of_a_long_line_the_part_with_the_number_is_shown() -> None:
    """JSON logs are long; the error may stand anywhere in them."""
    error = "listen tcp :8080: bind: address already in use"
    for before, after in ((0, 5000), (5000, 0), (900, 900), (20_000, 20_000)):
        text = "a " * before + error + " b" * after
        (found,) = read_errors(text.encode()).mentions
        assert error in found.line
        assert len(found.line) <= 242


def test_several_ports_are_told_once_each_the_errors_own_first() -> None:
    """Numbers that had to be looked for come last, and there is an end to it."""
    text = "Listening on port 7000\nError: Address already in use\n" + "quiet\n" * 100
    text += "listen tcp :80: bind: permission denied\n" * 3
    text += "Port 3000 is in use\n" * 2
    assert [each.port for each in read_errors(text.encode()).mentions] == [80, 3000, 7000]
    many = "".join(f"Port {port} is already in use\n" for port in range(1, 60_000))
    assert len(read_errors(many.encode()).mentions) == MOST


@given(st.binary(max_size=300))
@example("Port 3000 is in use".encode("utf-16"))
def test_any_bytes_are_read_without_a_fault(data: bytes) -> None:
    """Whatever it is, ports are ports and lines are lines."""
    for each in read_errors(data).mentions:
        assert 0 < each.port < 65536
        assert "\n" not in each.line


PIECES = st.sampled_from(
    [
        *(
            "Address already in use",
            "EADDRINUSE",
            " bind ",
            "('",
            "', ",
            "[",
            "]",
            "::",
            ":",
            "port",
        ),
        *(
            "3000",
            "99999",
            "127.0.0.1",
            "\n",
            "\r",
            "\x1b[",
            "denied",
            " ",
            "tcp ",
            "{",
            "udp",
            "é",
        ),
        *("Os { code: 98", "-nio-", "://", "localhost", "*", "ports: [{8080 80}]", "\u0130"),
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_mixture_of_the_known_words_is_read_without_a_fault(text: str) -> None:
    """As programs interleave their lines."""
    for each in read_errors(text.encode()).mentions:
        assert 0 < each.port < 65536
        assert each.error in (USED, DENIED, AWAY)


@pytest.mark.parametrize(
    "piece",
    [
        *(
            b"\n",
            b"in use ",
            b"in use\n",
            b"address already in use\n",
            b"in use ('1",
            b"in use [[[1",
        ),
        *(
            b"in use port 1x port: ",
            b"in use 1.1.1.1.1",
            b"\x1b[",
            b"\x1b]",
            b"\x1b[0",
            b"in use 1:::::",
        ),
        *(
            b"eaddrinuse 1 tcp a a tcp :",
            b"bind to bind 1 to ",
            b"in use 1-nio-nio-",
            b"bind 1://a.a.",
        ),
        *(
            b"is port in use unix /run/",
            b"in use:  ports 1-1,000",
            b"a  | errno 98\n",
            b"errno 98 unix\n",
        ),
        *(
            b"port 70000 is in use\n",
            b"denied bind 1 aaaa:",
            b"errno 98\nport 70000\n",
            b"\xc4\xb0bind",
        ),
    ],
)
def test_the_worst_text_takes_linear_time(piece: bytes) -> None:
    """Four times as much takes about four times as long; 1 MiB took 0.5 s at most (measured)."""

    def took(size: int) -> float:
        data = (piece * (size // len(piece) + 1))[:size]
        best = 60.0
        for _ in range(2):
            began = time.process_time()
            read_errors(data)
            best = min(best, time.process_time() - began)
        return best

    part, whole = took(LONGEST // 8), took(LONGEST // 2)
    assert whole < 10 * part + 0.2
