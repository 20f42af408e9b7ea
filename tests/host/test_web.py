import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopback import LAST_MODIFIED, Server, serving
from portbook.host.web import CHUNK, Limits, Reply, fetch
from portbook.model import DownloadFault

BODY = bytes(range(256)) * 1000


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy the environment names is not for loopback."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server at work with a body."""
    with serving(Server()) as made:
        made.body = BODY
        yield made


def body(reply: Reply) -> bytes:
    """All bytes of a reply."""
    assert reply.chunks is not None
    return b"".join(reply.chunks)


@pytest.mark.parametrize("manner", ["whole", "endless", "chunked/", "to/whole", "to/to/to/whole"])
def test_a_body_arrives_whole_in_small_pieces(manner: str, server: Server) -> None:
    """With a length, without, in chunks, and behind redirects."""
    reply = fetch(server.address(manner))
    assert reply.chunks is not None
    pieces = list(reply.chunks)
    assert b"".join(pieces) == BODY
    assert max(map(len, pieces)) <= CHUNK


def test_validators_are_handed_over_and_honoured(server: Server) -> None:
    """ETag and Last-Modified come back with the next question, and 304 is no body."""
    reply = fetch(server.address("whole"))
    assert (reply.etag, reply.last_modified) == ('"one"', LAST_MODIFIED)
    again = fetch(server.address("whole"), etag=reply.etag, last_modified=reply.last_modified)
    assert again.chunks is None
    assert server.seen[-1].headers["If-None-Match"] == '"one"'
    assert fetch(server.address("since"), last_modified=LAST_MODIFIED).chunks is None
    server.etag = '"two"'
    assert body(fetch(server.address("whole"), etag=reply.etag)) == BODY


def test_nothing_is_told_but_the_programs_name(server: Server) -> None:
    """No cookies, no system, no user."""
    body(fetch(server.address("whole")))
    (seen,) = server.seen
    assert seen.headers.pop("User-Agent").startswith("portbook/")
    assert set(seen.headers) <= {"Host", "Accept-Encoding", "Connection"}


def test_validators_that_no_honest_server_sends_are_dropped(server: Server) -> None:
    """They would have to be stored and sent back."""
    reply = fetch(server.address("etag"))
    assert (reply.etag, reply.last_modified) == (None, None)


def test_progress_counts_bytes_up_to_the_end(server: Server) -> None:
    """The expected number is known only where the server says it."""
    received: list[int] = []
    expected: list[int | None] = []

    def tell(now: int, whole: int | None) -> None:
        received.append(now)
        expected.append(whole)

    body(fetch(server.address("whole"), progress=tell))
    assert received == sorted(received)
    assert (received[-1], expected[-1]) == (len(BODY), len(BODY))
    body(fetch(server.address("endless"), progress=tell))
    assert (received[-1], expected[-1]) == (len(BODY), None)


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("status/404", r"404 Not Found$"),
        ("status/500", r"500 Internal Server Error$"),
        ("status/204", r"204 No Content$"),
        ("status/304", r"304 Not Modified$"),
        ("status/599", r"599$"),
        ("loop/1", "redirects too often"),
        ("to/ftp://127.0.0.1/x", "no http"),
        ("to/file:///etc/passwd", "no http address"),
        ("to/http://user:secret@127.0.0.1/", "user name"),
        ("cut", "broke off after 128000 of 256000 bytes"),
        ("chunked/cut", "broke off|HTTP"),
        ("announce/999999999999", "announces"),
        ("announce/257000", "broke off"),
        ("encoded/gzip", "gzip"),
        ("garbage", "HTTP"),
    ],
)
def test_what_goes_wrong_is_one_line_with_a_way_out(
    manner: str, reason: str, server: Server
) -> None:
    """Nothing but DownloadFault, on one line, in our own words, never with a password."""
    with pytest.raises(DownloadFault, match=reason) as fault:
        body(fetch(server.address(manner)))
    message = str(fault.value)
    assert message.isprintable()
    assert "secret" not in message
    assert fault.value.hint == "portbook update --from FILE"


def test_redirects_are_few(server: Server) -> None:
    """A server that redirects for ever is left soon."""
    with pytest.raises(DownloadFault):
        fetch(server.address("loop/1"))
    assert len(server.seen) < 10


@pytest.mark.parametrize("manner", ["whole", "endless", "chunked/"])
def test_more_bytes_than_allowed_are_not_taken(manner: str, server: Server) -> None:
    """Announced or not, the limit holds."""
    with pytest.raises(DownloadFault, match="100000"):
        body(fetch(server.address(manner), limits=Limits(size=100_000)))


def test_a_silent_server_is_left_after_a_while(server: Server) -> None:
    """Silence has a limit."""
    with pytest.raises(DownloadFault, match=r"silent for 0\.2 s"):
        fetch(server.address("silent"), limits=Limits(silence=0.2))


def test_a_dripping_server_is_left_after_a_while(server: Server) -> None:
    """A byte now and then is no silence, so there is a limit to the whole, too."""
    with pytest.raises(DownloadFault, match=r"longer than 0\.3 s"):
        body(fetch(server.address("drip"), limits=Limits(total=0.3)))


def test_a_server_that_is_not_there_is_one_line() -> None:
    """A refused connection and a name that does not exist."""
    with serving(Server()) as gone:
        address = gone.address("whole")
    with pytest.raises(DownloadFault, match=r"cannot reach .*refused"):
        fetch(address)
    with pytest.raises(DownloadFault, match="no network, or no such host: nowhere"):
        fetch("http://nowhere.invalid/")


@pytest.mark.parametrize(
    "address",
    [
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "data:text/plain,x",
        "http://",
        "http:///path",
        "http://127.0.0.1:port/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y",
        "http://[::1",
        "http://b\u00fccher.example/",
        "",
    ],
)
def test_only_plain_http_addresses_are_opened(address: str) -> None:
    """Other schemes, broken addresses and smuggled headers are refused before anything is sent."""
    with pytest.raises(DownloadFault, match="no http or https address") as fault:
        fetch(address)
    assert str(fault.value).isprintable()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed, with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=portbook"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path)]
    made = subprocess.run([*command, "-out", "-"], check=True, capture_output=True)
    with path.open("ab") as file:
        file.write(made.stdout)
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[Server]:
    """A server that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    made = Server()
    made.body = BODY
    made.socket = context.wrap_socket(made.socket, server_side=True)
    with serving(made):
        yield made


def test_a_certificate_that_nobody_signed_is_refused(secure: Server) -> None:
    """In one line that says why."""
    with pytest.raises(DownloadFault, match=r"of 127\.0\.0\.1 does not hold: self") as fault:
        fetch(secure.address("whole", "https"))
    assert str(fault.value).isprintable()
    assert secure.seen == []


def test_a_redirect_from_https_to_http_is_refused(
    secure: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    """What was asked for safely is not taken from whoever sits on the way."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert body(fetch(secure.address("whole", "https"))) == BODY
    with pytest.raises(DownloadFault, match="leads from https to http:"):
        fetch(secure.address(f"to/{server.address('whole')}", "https"))
    assert server.seen == []


def test_plain_text_on_an_https_address_is_one_line(server: Server) -> None:
    """TLS faults other than the certificate's have their line, too."""
    with pytest.raises(DownloadFault) as fault:
        fetch(server.address("whole", "https"))
    assert str(fault.value).isprintable()
