"""Server-sent events: what changes comes, once, in order; and a stream costs nobody anything."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pages.serving import Serving, serving

pytestmark = pytest.mark.live


class Stream:
    """One open stream."""

    def __init__(self, served: Serving, query: str = "", **headers: str) -> None:
        self._link = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("Authorization", f"Bearer {served.token}")
        sent["Accept"] = "text/event-stream"
        self._link.request("GET", f"/v1/events{query}", headers=sent)
        self.reply = self._link.getresponse()

    def fields(self) -> dict[str, str]:
        """The next event's, or those of a comment; empty at the end of the stream."""
        found: dict[str, str] = {}
        while line := self.reply.readline().decode():
            if line == "\n":
                return found
            name, _, value = line.rstrip("\n").partition(":")
            found[name] = value.removeprefix(" ")
        return {}

    def events(self, number: int) -> list[dict[str, Any]]:
        """So many events."""
        found: list[dict[str, Any]] = []
        while len(found) < number:
            fields = self.fields()
            assert fields, "the stream ended"
            if "data" in fields:
                event = json.loads(fields["data"])
                assert (str(event["id"]), event["kind"]) == (fields["id"], fields["event"])
                found.append(event)
        return found

    def close(self) -> None:
        """Hang up."""
        self.reply.close()
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One service for these tests."""
    with serving(tmp_path_factory.mktemp("events")) as found:
        yield found


def claim(served: Serving, **wanted: Any) -> dict[str, Any]:
    """A claim that was just made."""
    body = json.dumps(wanted).encode()
    reply = served.ask("/v1/claims", "POST", body, known=True, Content_Type="application/json")
    assert reply.status == 201, reply.text
    made: dict[str, Any] = reply.document["claims"][0]
    return made


def release(served: Serving, made: dict[str, Any]) -> None:
    """End it."""
    path = f"/v1/claims/{made['id']}?token={made['token']}"
    assert served.ask(path, "DELETE", known=True).document == {"released": True}


def last(served: Serving) -> int:
    """The newest event's id."""
    return int(served.ask("/v1/status", known=True).document["last_event"])


def test_events_come_as_they_happen(served: Serving) -> None:
    """Claimed, then released, with the ids of the long poll and nothing in between."""
    before = last(served)
    with Stream(served) as stream:
        assert stream.reply.status == 200
        assert stream.reply.getheader("content-type") == "text/event-stream; charset=utf-8"
        assert stream.reply.getheader("cache-control") == "no-store"
        assert stream.fields() == {"retry": "1000"}
        made = claim(served, name="streamed")
        release(served, made)
        events = stream.events(2)
    assert [each["kind"] for each in events] == ["claimed", "released"]
    assert events[0]["body"]["id"] == made["id"]
    polled = served.ask(f"/v1/events?since={before}", known=True).document["events"]
    assert events == polled


def test_it_begins_where_it_is_told(served: Serving) -> None:
    """`since`, and Last-Event-ID, which is what a client sends that comes back."""
    first = last(served)
    for _ in range(3):
        release(served, claim(served))
    with Stream(served, f"?since={first}") as stream:
        seen = stream.events(6)
    assert [each["id"] for each in seen] == list(range(first + 1, first + 7))
    with Stream(served, f"?since={first}", Last_Event_ID=str(first + 4)) as stream:
        assert [each["id"] for each in stream.events(2)] == [first + 5, first + 6]


def test_many_at_once_lose_nothing(served: Serving) -> None:
    """Eight claim and release while four listen: each hears every event once, in order."""
    first = last(served)
    heard: list[list[int]] = []

    def listen() -> None:
        with Stream(served, f"?since={first}") as stream:
            heard.append([each["id"] for each in stream.events(160)])

    def change() -> None:
        for _ in range(10):
            release(served, claim(served))

    threads = [threading.Thread(target=listen) for _ in range(4)]
    threads += [threading.Thread(target=change) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert heard == [list(range(first + 1, first + 161))] * 4


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        ("", {"Authorization": "Bearer wrong"}, 401, "denied"),
        ("?since=x", {}, 422, "invalid"),
        ("?since=1&since=2", {}, 422, "invalid"),
        ("?until=1", {}, 422, "invalid"),
        ("", {"Last-Event-ID": "-1"}, 422, "invalid"),
        ("?since=9007199254740991", {}, 410, "compacted"),
        ("", {"Origin": "http://evil.example"}, 403, None),
        ("", {"Host": "evil.example"}, 421, None),
        ("", {"Sec-Fetch-Site": "cross-site"}, 403, None),
    ],
)
def test_refusals(
    served: Serving, query: str, headers: dict[str, str], status: int, code: str | None
) -> None:
    """As every call below /v1/ has them; no stream begins."""
    with Stream(served, query, **headers) as stream:
        assert stream.reply.status == status
        if code is not None:
            assert json.loads(stream.reply.read())["error"]["code"] == code


@given(st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=30))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_last_event_id_is_a_number_or_refused(served: Serving, given: str) -> None:
    """Latin-1 in the header, whatever it is."""
    with Stream(served, Last_Event_ID=given) as stream:
        good = given.strip().isascii() and given.strip().isdigit()
        # 400: a control character, which no header may have.
        assert stream.reply.status in ((200, 410, 422) if good else (400, 422))


def test_browsers_session_may_listen(served: Serving) -> None:
    """A page of ours has the cookie, and no token."""
    body = f"secret={served.token}".encode()
    kind = "application/x-www-form-urlencoded"
    entered = served.ask("/enter", "POST", body, Content_Type=kind)
    cookie = entered.headers["set-cookie"].partition(";")[0]
    with Stream(served, Authorization="", Cookie=cookie) as stream:
        assert stream.reply.status == 200


def local(served: Serving, *lines: str) -> socket.socket:
    """A request for the stream on the Unix socket."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(10)
    link.connect(str(served.token_file.parent / "portbook.sock"))
    head = ["GET /v1/events?since=0 HTTP/1.1", "Host: localhost", "Accept: text/event-stream"]
    link.sendall("\r\n".join([*head, *lines, "", ""]).encode())
    return link


def test_unix_socket_needs_no_token(served: Serving) -> None:
    """The kernel says who asks; but not for whom a proxy asks."""
    claim(served)
    with local(served) as link:
        assert link.recv(100).startswith(b"HTTP/1.1 200 ")
    with local(served, "X-Forwarded-For: 192.0.2.1") as link:
        assert link.recv(100).startswith(b"HTTP/1.1 401 ")


def test_who_hangs_up_is_forgotten(served: Serving) -> None:
    """Six hundred one after the other: more than there may be at one time."""
    for _ in range(600):
        with Stream(served) as stream:
            assert stream.reply.status == 200


def test_there_is_a_most(served: Serving) -> None:
    """Beyond it 503, and everything else is answered."""
    with contextlib.ExitStack() as open_ones:
        for _ in range(512):
            found = open_ones.enter_context(Stream(served))
            assert found.reply.status == 200
        with Stream(served) as refused:
            assert refused.reply.status == 503
        made = claim(served)
        release(served, made)
    for _ in range(50):
        with Stream(served) as again:
            if again.reply.status == 200:
                return
        time.sleep(0.1)
    pytest.fail("they were not forgotten")


def test_reader_that_reads_nothing_keeps_nobody_waiting(served: Serving) -> None:
    """Its events wait in the store, not in memory; others hear at once."""
    with local(served) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with Stream(served) as stream:
            for _ in range(100):
                release(served, claim(served))
            assert len(stream.events(200)) == 200


def test_stream_ends_when_the_service_does(tmp_path: Path) -> None:
    """It ends whole, so that the client comes back, and the service need not wait for it."""
    with serving(tmp_path) as own:
        stream = Stream(own)
        assert stream.fields() == {"retry": "1000"}
        began = time.monotonic()
        own.process.terminate()
        assert stream.fields() == {}
        assert own.process.wait(10) == 0
        assert time.monotonic() - began < 5
        stream.close()


def test_service_that_is_killed(tmp_path: Path) -> None:
    """The stream breaks; on the next service of the same store it goes on where it was."""
    with serving(tmp_path) as own:
        stream = Stream(own)
        made = claim(own)
        (seen,) = stream.events(1)
        own.process.kill()
        own.process.wait()
        with contextlib.suppress(OSError, http.client.HTTPException):
            assert stream.fields() == {}
        stream.close()
    with serving(tmp_path) as next_one:
        release(next_one, made)
        with Stream(next_one, Last_Event_ID=str(seen["id"])) as stream:
            assert [each["kind"] for each in stream.events(1)] == ["released"]


def test_without_claims_there_are_no_events(tmp_path: Path) -> None:
    """`--no-claims`: 404, in the form of all calls."""
    with serving(tmp_path, "--no-claims") as own, Stream(own) as stream:
        assert stream.reply.status == 404
        assert json.loads(stream.reply.read())["error"]["code"] == "not_found"
