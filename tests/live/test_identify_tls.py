"""TLS on loopback: what is inside, the certificate's names, ALPN, and handshakes that fail."""

import contextlib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from live.servers import strange as strangers
from live.servers.strange import Behave, strange
from portbook.identify import Options, identify
from portbook.identify.limits import SENT_BYTES
from portbook.identify.tls import context, facts
from portbook.model import Clues, Speaks, Target, Unknown

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate with its key, for two names."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
            *("ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
            *("-keyout", f"{path}.key", "-out", f"{path}.crt", "-subj", "/CN=bed.example"),
            *("-addext", "subjectAltName=DNS:bed.example,IP:192.0.2.7"),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(Path(f"{path}.key").read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


def wrapped(certificate: Path, inside: Behave, **settings: object) -> Behave:
    """A server that speaks TLS, and then behaves."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    if "alpn" in settings:
        made.set_alpn_protocols(settings["alpn"])  # type: ignore[arg-type]
    if settings.get("wants_client"):
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(certificate)
    if "version" in settings:
        made.set_ciphers("ALL:@SECLEVEL=0")
        made.minimum_version = made.maximum_version = settings["version"]  # type: ignore[assignment]

    def behave(connection: socket.socket) -> None:
        raw = connection._connection  # type: ignore[attr-defined]
        with contextlib.suppress(ssl.SSLError), made.wrap_socket(raw, server_side=True) as talk:
            inside(talk)

    return behave


@contextlib.contextmanager
def said_of(behave: Behave, **known: object) -> Iterator[Speaks]:
    """What such a server is said to speak."""
    with strange(behave) as server:
        target = Target("tcp", "127.0.0.1", server.port, **known)  # type: ignore[arg-type]
        yield identify([target], Options())[0]


def test_a_greeting_inside_tls_is_heard_with_the_names_of_the_certificate(
    certificate: Path,
) -> None:
    """What greets inside is identified; names come from subjectAltName."""
    inside = strangers.greets(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    with said_of(wrapped(certificate, inside), clues=Clues(("stunnel4",))) as said:
        assert said.tls is not None
        assert said.tls.names == ("bed.example", "192.0.2.7")
        assert said.tls.issuer == "CN=bed.example"
        assert isinstance(said.tls.expires, str) and said.tls.expires.endswith("Z")
        assert said.tls.version == "TLSv1.3"
        assert not said.tls.upgraded
        assert said.sent_bytes <= SENT_BYTES


def test_nothing_known_inside_is_tls_only(certificate: Path) -> None:
    """TLS is certain; what is inside stays open, and the bytes are bounded."""
    with said_of(wrapped(certificate, strangers.silent)) as said:
        assert (said.protocol, said.behaviour) == ("tls", "tls-only")
        assert said.confidence == "certain"
        assert said.sent_bytes <= SENT_BYTES


def test_a_client_that_is_not_asked_first_is_answered_inside(certificate: Path) -> None:
    """HTTP inside TLS: we speak on the same connection when nobody greets."""

    def web(connection: socket.socket) -> None:
        if connection.recv(4096).startswith(b"GET / HTTP/1.1\r\n"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n\r\n")

    with said_of(wrapped(certificate, web, alpn=["http/1.1"])) as said:
        assert (said.protocol, said.product, said.version) == ("http", "nginx", "1.22.1")
        assert said.tls is not None and said.tls.alpn == "http/1.1"


def test_old_tls_is_spoken_to(certificate: Path) -> None:
    """TLS 1.2 alone, and 1.0 where the library still can."""
    with said_of(wrapped(certificate, strangers.silent, version=ssl.TLSVersion.TLSv1_2)) as said:
        assert said.tls is not None and said.tls.version == "TLSv1.2"


def test_a_server_that_wants_a_certificate_of_ours_is_tls_only(certificate: Path) -> None:
    """The handshake tells, and then an alert ends it."""
    with said_of(wrapped(certificate, strangers.silent, wants_client=True)) as said:
        assert (said.protocol, said.behaviour) == ("tls", "tls-only")


def test_a_malformed_certificate_is_a_gap() -> None:
    """What the library cannot read is named, and nothing is raised."""

    class Talk:
        def getpeercert(self, *, binary_form: bool) -> bytes:
            assert binary_form
            return b"\x30\x03\x02\x01\x01"

        def version(self) -> str:
            return "TLSv1.3"

        def selected_alpn_protocol(self) -> None:
            return None

    told = facts(Talk(), upgraded=False)  # type: ignore[arg-type]
    assert isinstance(told.names, Unknown)
    assert told.names.unknown == "unreadable"


def test_the_first_message_of_tls_is_small() -> None:
    """It counts towards what a listener is sent: without padding, with few ciphers."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    talk = context(("http/1.1",)).wrap_bio(incoming, outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        talk.do_handshake()
    assert len(outgoing.read()) < 330


def test_a_handshake_without_end_is_left() -> None:
    """Records of HelloRequest, which OpenSSL skips without limit: only so many are read."""
    sent = 0

    def endless(connection: socket.socket) -> None:
        nonlocal sent
        while connection.recv(4096)[:1] == b"\x16":
            while True:
                connection.sendall(b"\x16\x03\x03\x00\x04\x00\x00\x00\x00" * 1000)
                sent += 9000

    with said_of(endless) as said:
        assert said.protocol in (None, "tls")
        assert said.sent_bytes <= SENT_BYTES
    # What is read, and what the kernel's buffers hold of each connection (6 MB at the most).
    assert sent < 24_000_000
