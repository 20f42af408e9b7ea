"""No page of another site, and nobody without the token, changes anything (S10)."""

import contextlib
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claims.serving_claims import Claims, Said, one_answer, serving_claims

pytestmark = pytest.mark.live

PAUSED = settings(
    deadline=None,
    max_examples=250,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Claims]:
    """One service for these tests."""
    with serving_claims(tmp_path_factory.mktemp("defence")) as made:
        yield made


def said(service: Claims, message: bytes) -> list[Said]:
    """The answer to raw bytes, and that to the same bytes behind a request with the same header."""
    with service.connect() as link:
        link.sendall(message)
        return [one_answer(link)]


def events(service: Claims) -> int:
    """How many changes there were."""
    return int(service.ask("GET", "/v1/status").document["last_event"])


def fields(service: Claims) -> dict[str, list[str | None]]:
    """For each field of a header what it may say; the first is what we would say."""
    port = service.port
    own = f"127.0.0.1:{port}"
    return {
        "Host": [
            *(own, f"localhost:{port}", "evil.example", f"{own}.evil.example", f"evil.{own}"),
            *(f"evil.localhost:{port}", f"127.0.0.1:{port + 1}", "127.0.0.1", "", None),
            *(f"{own}\r\nHost: {own}", f"127.0.0.1.evil.example:{port}", f"evil{own}"),
        ],
        "Origin": [
            *(None, f"http://{own}", "null", "http://evil.example", f"https://{own}", ""),
            *(f"http://127.0.0.1:{port + 1}", f"http://{own}.evil.example", f"http://evil.{own}"),
        ],
        "Sec-Fetch-Site": [None, "same-origin", "none", "cross-site", "same-site", ""],
        "Content-Type": [
            *("application/json", "Application/JSON; charset=utf-8", None, "text/plain"),
            *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
            *("text/plain; application/json", "application/jsonp"),
        ],
        "Authorization": [
            *(f"Bearer {service.token}", None, "Bearer ", "Basic Og==", "Bearer x"),
            *(f"Bearer {service.token}x", f"Bearer {service.token[:-1]}", service.token),
        ],
        "Cookie": [None, "portbook-session=x", f"portbook-session-{port}=x"],
    }


_GOOD = {"Host": 2, "Origin": 2, "Sec-Fetch-Site": 3, "Content-Type": 2, "Authorization": 1}


def test_one_wrong_field_is_enough(service: Claims) -> None:
    """Each value that is not ours, with everything else as it should be."""
    known = fields(service)
    right = {name: values[0] for name, values in known.items()}
    for name, good in _GOOD.items():
        for value in known[name][good:]:
            told = {**right, name: value}
            lines = [f"{key}: {each}" for key, each in told.items() if each is not None]
            head = "\r\n".join(("POST /v1/claims HTTP/1.1", "Content-Length: 2", *lines, "", ""))
            before = events(service)
            with service.connect() as link:
                link.sendall(head.encode() + b"{}")
                link.settimeout(5)
                status = int(link.recv(65536).split()[1])
            assert status in (400, 401, 403, 415, 421), (name, value)
            assert events(service) == before


@given(st.data())
@PAUSED
def test_only_an_own_request_with_the_token_changes_anything(
    service: Claims, data: st.DataObject
) -> None:
    """Over Host, Origin, Sec-Fetch-Site, Content-Type, Authorization, Cookie and method."""
    chosen = {
        name: data.draw(st.sampled_from(values), name) for name, values in fields(service).items()
    }
    method = data.draw(st.sampled_from(METHODS))
    path = data.draw(st.sampled_from(["/v1/claims", "/v1/sems/s/acquire", "/v1/reservations/k"]))
    body = b'{"limit":1000}' if "sems" in path else b"{}"
    own = fields(service)
    good = (
        (chosen["Host"] or "").lower() in (own["Host"][0], own["Host"][1])
        and chosen["Origin"] in (None, f"http://{chosen['Host']}")
        and chosen["Sec-Fetch-Site"] in (None, "same-origin", "none")
        and chosen["Content-Type"] in own["Content-Type"][:2]
        and chosen["Authorization"] == own["Authorization"][0]
    )
    right = {"/v1/reservations/k": ("PUT", "DELETE")}.get(path, ("POST",))
    lines = [f"{method} {path} HTTP/1.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in chosen.items() if value is not None]
    message = "\r\n".join((*lines, "", "")).encode() + body
    before = events(service)
    with service.connect() as link:
        link.sendall(message)
        link.settimeout(5)
        with contextlib.suppress(ConnectionResetError, KeyError):
            head = b""
            while b"\r\n\r\n" not in head and (part := link.recv(65536)):
                head += part
            status = int(head.split()[1])
            assert (status < 300) <= (good or method in ("GET", "HEAD", "OPTIONS"))
            assert b"access-control" not in head.lower()
            if status != 400:
                assert b"x-content-type-options: nosniff" in head
    if not good or method not in right:
        assert events(service) == before


def test_the_order_of_the_checks(service: Claims) -> None:
    """Host 421, Origin 403, Sec-Fetch-Site 403, type 415, token 401; each refusal is JSON."""
    own = f"127.0.0.1:{service.port}"
    wrong = {
        "Host": "evil.example",
        "Origin": "null",
        "Sec-Fetch-Site": "cross-site",
        "Content-Type": "text/plain",
        "Authorization": "Bearer x",
    }
    right = {
        "Host": own,
        "Origin": f"http://{own}",
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {service.token}",
    }
    told = dict(wrong)
    for name, status in zip(wrong, (421, 403, 403, 415, 401), strict=True):
        lines = [f"{key}: {value}" for key, value in told.items()]
        head = "\r\n".join(("POST /v1/claims HTTP/1.1", "Content-Length: 2", *lines, "", ""))
        (answer,) = said(service, head.encode() + b"{}")
        assert answer.status == status, name
        assert answer.headers["content-type"] == "application/json"
        assert answer.document["error"]["message"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        told[name] = right[name]


def test_what_needs_the_token(service: Claims) -> None:
    """Everything but the barest status, which names no process."""
    for path in ("claims", "claims/00", "reservations", "sems", "events?since=0"):
        refused = service.ask("GET", f"/v1/{path}", known=False)
        assert (refused.status, refused.code) == (401, "denied")
        assert refused.headers["www-authenticate"].startswith("Bearer")
    bare = service.ask("GET", "/v1/status", known=False).document
    assert set(bare) == {"version", "via"}


def test_a_session_may_look_and_not_touch(service: Claims) -> None:
    """Browsers send a cookie to every port of the host, so it opens nothing that changes."""
    entered = service.ask(
        "POST",
        "/enter",
        f"secret={service.token}".encode(),
        known=False,
        Content_Type="application/x-www-form-urlencoded",
    )
    cookie = entered.headers["set-cookie"].partition(";")[0]
    assert service.ask("GET", "/v1/claims", known=False, Cookie=cookie).status == 200
    assert service.ask("POST", "/v1/claims", {}, known=False, Cookie=cookie).status == 401


@given(st.data())
@PAUSED
def test_both_ways_to_read_a_request_agree(service: Claims, data: st.DataObject) -> None:
    """What a connection has learned answers as the parser does, whatever follows."""
    header = (
        f"Host: 127.0.0.1:{service.port}\r\nAuthorization: Bearer {service.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n"
    )
    method = data.draw(st.sampled_from([*METHODS, "get", "G", "POST "]))
    target = data.draw(
        st.one_of(
            st.sampled_from(["/v1/claims?port=70000", "/v1/claims/%ff", "/v1/../v1/status"])
            | st.sampled_from(["/v1/status#x", "/v1/claims?x", "//v1/status", "/v1/st%61tus"]),
            st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12).map(
                lambda text: f"/v1/{text}"
            ),
        )
    )
    version = data.draw(st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "X"]))
    ending = data.draw(st.sampled_from(["", "\r\n", "\n", " "]))
    extra = data.draw(
        st.sampled_from(["", "", "\n", "X: y\n", "X:\r\n y\r\n", "Connection: close\r\n"])
    )
    body = data.draw(st.sampled_from([b"{}", b"[]", b"{", b"{}{}", b""]))
    message = f"{method} {target} {version}{ending}\r\n{header}{extra}\r\n".encode() + body
    answers = []
    for warm in (False, True):
        with service.connect() as link:
            if warm:
                learned = f"GET /v1/status HTTP/1.1\r\n{header}{extra}\r\n".encode() + b"{}"
                link.sendall(learned)
                with contextlib.suppress(OSError, KeyError, ValueError):
                    one_answer(link, 1)
                plain = f"GET /v1/status HTTP/1.1\r\n{header}\r\n".encode() + b"{}"
                if not extra:
                    link.sendall(plain)
                    one_answer(link, 1)
            answers.append(_status(link, message))
    if answers[0] is not None and answers[1] is not None:
        assert answers[0] == answers[1]


def _status(link: socket.socket, message: bytes) -> tuple[int, str] | None:
    """Status and code; None where nothing came, as from a connection that had ended before."""
    with contextlib.suppress(OSError):
        link.sendall(message)
        link.settimeout(0.4)
        got = link.recv(65536)
        if got:
            return int(got.split()[1]), got.partition(b'"code":"')[2].partition(b'"')[0].decode()
    return None
