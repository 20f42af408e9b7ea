"""Claims by the service: the same words as the store's, and bytes from it that are not trusted."""

import os
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claims.served import service
from portbook.claims import places
from portbook.claims.exchange import MOST_BODY, Gone, connect, read_body, read_head
from portbook.claims.remote import Remote
from portbook.model import EnvironmentFault, NotPermitted
from portbook.model.claim import (
    Claim,
    ClaimRefused,
    ClaimRequest,
    Permit,
    PermitRequest,
    ReservationRequest,
    Waiter,
)
from portbook.survey.claiming import open_claims

pytestmark = pytest.mark.live

Remotes = Callable[[str], Remote]
CLAIM = (
    b'{"id":"00000000000000aa","token":7,"epoch":1,"port":8080,"count":1,"transport":"tcp",'
    b'"address":"*","name":null,"key":null,"owner":{"uid":0,"pid":null,"start":null,"pidns":null,'
    b'"netns":null,"label":null},"state":"reserved","ttl_ms":30000,"expires_in_ms":30000,'
    b'"created":"2026-11-23T09:00:00Z","renewed":"2026-11-23T09:00:00Z","hold":false,'
    b'"bound":null,"labels":{}}'
)


@pytest.fixture
def remote() -> Iterator[Callable[[str], Remote]]:
    """Makes access to the service behind a socket, hung up at the end."""
    made: list[Remote] = []

    def make(path: str) -> Remote:
        made.append(Remote(path))
        return made[-1]

    yield make
    for each in made:
        each.close()


@contextmanager
def impostor(path: str, *answers: bytes, fds: tuple[int, ...] = ()) -> Iterator[list[bytes]]:
    """A server that gives these answers, one a connection, whatever it is asked."""
    met: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def serve() -> None:
            for answer in answers:
                link, _ = server.accept()
                with link:
                    met.append(link.recv(65536))
                    if fds:
                        socket.send_fds(link, [answer], list(fds))
                    else:
                        link.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield met
        finally:
            thread.join(5)
            os.unlink(path)


def answer(body: bytes, status: bytes = b"200 OK", *headers: bytes) -> bytes:
    """A whole HTTP answer."""
    length = b"Content-Length: %d" % len(body)
    return b"HTTP/1.1 " + b"\r\n".join((status, length, *headers)) + b"\r\n\r\n" + body


def refused(code: str) -> "pytest.RaisesExc[ClaimRefused]":
    """Expects a refusal with this code."""
    return pytest.RaisesExc(ClaimRefused, check=lambda error: error.code == code)


def test_every_call_works_over_the_socket(own_home: Path, remote: Remotes) -> None:
    """The real service, one connection: claims, permits, reservations, fencing and refusals."""
    with service(own_home):
        access = remote(places.own_socket())
        [mine] = access.claim(ClaimRequest(name="a b/ü", watch_pid=os.getpid(), request_id="r"))
        assert access.claim(ClaimRequest(name="a b/ü", request_id="r"))[0].id == mine.id
        assert [each.id for each in access.claims()] == [mine.id]
        with refused("held"):
            access.claim(ClaimRequest(port=mine.port, wait_ms=50))
        with refused("bad_token"):
            access.renew(mine.id, mine.token + 1)
        assert access.renew(mine.id, mine.token, 5_000).ttl_ms == 5_000
        assert access.fence(f"{mine.port}/tcp", mine.token).current
        moved = access.transfer(mine.id, mine.token, os.getppid())
        assert moved.token > mine.token
        assert moved.owner.pid == os.getppid()
        assert access.release(mine.id, moved.token)
        assert not access.release(mine.id, moved.token)
        kept = access.reserve(ReservationRequest("a project/with ü:web"))
        assert access.reservations() == (kept,)
        assert access.unreserve(kept.key)
        assert not access.unreserve(kept.key)
        permit = access.acquire(PermitRequest("a sem/ü", 1))
        assert isinstance(permit, Permit)
        with refused("limit_mismatch"):
            access.acquire(PermitRequest("a sem/ü", 2))
        waiter = access.acquire(PermitRequest("a sem/ü", 1, request_id="q/1", wait_ms=50))
        assert isinstance(waiter, Waiter)
        assert [each.request_id for each in access.semaphores()[0].waiting] == ["q/1"]
        assert access.cancel_wait("q/1")
        assert access.renew_permit(permit.id, permit.token).id == permit.id
        assert access.release_permit(permit.id, permit.token)
        access.close()


def test_a_held_port_is_handed_over_as_a_socket(own_home: Path, remote: Remotes) -> None:
    """SCM_RIGHTS: the descriptor is the service's bound socket; without a hold there is none."""
    with service(own_home):
        access = remote(places.own_socket())
        [mine] = access.claim(ClaimRequest(hold=True, watch_pid=os.getpid()))
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", mine.port))
        with refused("bad_token"):
            access.fetch_socket(mine.id, mine.token + 1)
        with socket.socket(fileno=access.fetch_socket(mine.id, mine.token)) as held:
            assert not os.get_inheritable(held.fileno())
            held.listen()
            assert held.getsockname()[1] == mine.port
            with socket.create_connection(("127.0.0.1", mine.port)):
                pass
        [plain] = access.claim(ClaimRequest())
        with refused("not_held"):
            access.fetch_socket(plain.id, plain.token)


def test_a_path_longer_than_a_socket_address_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """sun_path has 108 bytes (unix(7)): a longer one goes by way of its folder."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "d" * 120)
        home.mkdir()
        with monkeypatch.context() as here:
            here.setenv("PORTBOOK_DATA_HOME", str(home))
            with service(home):
                access = open_claims()
                assert access.via == "service"
                access.close()


def test_nobody_behind_the_socket_is_no_service(own_home: Path, remote: Remotes) -> None:
    """No file, no listener, no folder, and one that is not ours to ask."""
    path = f"{own_home}/s"
    assert connect(path) is None
    assert connect(f"{own_home}/{'x' * 200}/s") is None
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    assert connect(path) is None
    with pytest.raises(Gone):
        remote(path).claims()
    assert open_claims().claims() == ()


def test_a_lost_connection_is_made_again(own_home: Path, remote: Remotes) -> None:
    """The service hangs up after an answer, or before one: the same request goes out again."""
    path = f"{own_home}/s"
    good = answer(b'{"claims":[%s]}' % CLAIM)
    with impostor(path, b"", good, good) as met:
        access = remote(path)
        assert access.claims()[0].port == 8080
        assert access.claims()[0].port == 8080
        assert met[0] == met[1]


def test_a_service_that_hangs_is_told_and_not_passed_by(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, remote: Remotes
) -> None:
    """It has the store: after the deadline there is one line with a way out."""
    monkeypatch.setattr("portbook.claims.remote.PATIENCE", 0.2)
    path = f"{own_home}/s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        with pytest.raises(EnvironmentFault, match="does not answer"):
            remote(path).claims()


BAD: list[bytes] = [
    b"SSH-2.0-OpenSSH\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 20x OK\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MOST_BODY + 1),
    b"HTTP/1.1 200 OK\r\nbroken line\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 10_000,
    answer(b"no json"),
    answer(b"[" * 100_000),
    answer(b"[]"),
    answer(b'{"claims":7}'),
    answer(b'{"claims":[7]}'),
    answer(b'{"claims":[{}]}'),
    answer(b'{"claims":[%s]}' % CLAIM.replace(b'"token":7', b'"token":"7"')),
    answer(b'{"claims":[%s]}' % CLAIM.replace(b'"token":7', b'"token":true')),
    answer(b'{"claims":[%s]}' % CLAIM.replace(b'"uid":0', b'"uid":null')),
    answer(b'{"claims":[%s]}' % CLAIM.replace(b'"bound":null', b'"bound":[]')),
    answer(b'{"claims":[%s]}' % CLAIM.replace(b'"labels":{}', b'"labels":7')),
    answer(b"{}", b"500 Broken"),
    answer(b'{"error":{}}', b"409 Conflict"),
    answer(b'{"error":{"code":"fault","message":"it broke"}}', b"500 Broken"),
    answer(b'{"error":{"code":"not_written","message":"full"}}', b"507 Full"),
]


@pytest.mark.parametrize("sent", BAD[:8], ids=range(8))
def test_a_head_that_is_none_is_refused_by_itself(sent: bytes) -> None:
    """RFC 9112: one length, no coding of transfers, whatever the body would be."""
    with pytest.raises(EnvironmentFault):
        read_head(sent.partition(b"\r\n\r\n")[0])


@pytest.mark.parametrize("sent", BAD, ids=range(len(BAD)))
def test_what_cannot_be_understood_is_a_fault(own_home: Path, sent: bytes, remote: Remotes) -> None:
    """Never a claim, never a traceback: exit code 5."""
    path = f"{own_home}/s"
    with impostor(path, sent), pytest.raises(EnvironmentFault):
        remote(path).claims()


def test_descriptors_that_nobody_asked_for_are_closed(own_home: Path, remote: Remotes) -> None:
    """Two where one was asked for, or one with a refusal: none stays open."""
    path = f"{own_home}/s"
    before = set(os.listdir("/proc/self/fd"))
    for sent, fds in (
        (answer(b"{}"), (0, 0)),
        (answer(b"{}"), ()),
        (answer(b'{"error":{"code":"not_held","message":"no"}}', b"409 No"), (0,)),
        (answer(b"no json"), (0,)),
    ):
        with impostor(path, sent, fds=fds):
            access = remote(path)
            with pytest.raises((EnvironmentFault, ClaimRefused)):
                access.fetch_socket("00000000000000aa", 7)
            access.close()
    assert set(os.listdir("/proc/self/fd")) == before


@given(st.binary(max_size=400))
def test_any_bytes_are_a_head_or_a_fault(data: bytes) -> None:
    """Fuzzed: read_head and read_body answer or raise EnvironmentFault."""
    for read in (read_head, read_body):
        with suppress(EnvironmentFault):
            read(data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    field=st.sampled_from(
        ("id", "token", "port", "count", "owner", "bound", "labels", "created", "expires_in_ms")
    ),
    value=_JSON,
)
def test_a_field_of_any_kind_is_a_claim_or_a_fault(field: str, value: object) -> None:
    """Fuzzed: one field is something else; what comes out has the types that it should have."""
    import json

    from portbook.claims import answers
    from portbook.claims.remote import _one

    found = {**json.loads(CLAIM), field: value}
    try:
        made = _one(found, answers.claim_of)
    except EnvironmentFault:
        return
    assert isinstance(made, Claim)
    assert type(made.token) is int
    assert type(made.port) is int
    assert type(made.id) is str


@pytest.mark.root
def test_a_socket_that_is_not_ours_to_ask_is_told() -> None:
    """Permission denied is no absence: exit code 4."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        os.chmod(folder, 0o711)  # noqa: S103 - another user goes through it
        path = f"{folder}/s"
        server.bind(path)
        server.listen()
        os.chmod(path, 0o600)
        assert forked(lambda: connect(path)) == "NotPermitted"


def forked(act: Callable[[], object]) -> str:
    """The type of what this raises as another user."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresuid(65534, 65534, 65534)
            try:
                act()
            except NotPermitted as error:
                os.write(write, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with open(read, encoding="utf-8") as file:
        return file.read()


def test_a_real_peer_is_known_by_the_kernel(own_home: Path) -> None:
    """Who asks is what SO_PEERCRED says: without a token we may renew what is ours."""
    with service(own_home):
        link = connect(places.own_socket())
        assert link is not None
        peer = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        link.close()
        assert peer[1] == os.getuid()
