"""The server over HTTP: the token, who may ask at all, and sessions with claims."""

import http.client
import json
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp.client.client import Client

from agents.agent_talk import HELLO, MODES, Serving, argv, over_http, text_of
from command import portbook

pytestmark = pytest.mark.live

ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
INITIALIZE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO})


@pytest.fixture
def server(own_home: Path) -> Iterator[Serving]:
    """A server that also claims."""
    with over_http(own_home, "--allow-claims") as made:
        yield made


def ask(
    server: Serving, body: str | bytes = INITIALIZE, method: str = "POST", **fields: str | None
) -> tuple[int, dict[str, str], bytes]:
    """One request with the token; a field that is None is left out, `_` is a dash."""
    sent: dict[str, str | None] = {**ACCEPT, "Authorization": f"Bearer {server.token}"}
    path = fields.pop("path", "/mcp") or ""
    sent |= {name.replace("_", "-"): value for name, value in fields.items()}
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        link.request(method, path, body, {name: v for name, v in sent.items() if v is not None})
        answer = link.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        link.close()


def claims() -> list[Any]:
    """The claims of the machine, as a user sees them."""
    found = portbook("claims", "--json").document["claims"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("mode", MODES)
def test_the_tools_answer_over_http(server: Serving, mode: str) -> None:
    """The same list and the same documents as over stdin, in both generations."""

    async def work(client: Client) -> None:
        assert len((await client.list_tools()).tools) == 7
        answer = await client.call_tool("explain_port", {"port": 3255})
        assert answer.structured_content["schema"] == "portbook/answer/1"
        refused = await client.call_tool("explain_port", {"port": -1})
        assert refused.is_error

    server.talk(work, mode)


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x"],
)
def test_without_the_token_nothing_is_told(server: Serving, authorization: str | None) -> None:
    """Not even whether there is such an address: 401, and how to come in."""
    given_token = None if authorization is None else authorization.format(token=server.token)
    for path in ("/mcp", "/", "/nothing"):
        status, headers, body = ask(server, path=path, Authorization=given_token)
        assert status == 401
        assert headers["www-authenticate"] == 'Bearer realm="portbook"'
        assert b"jsonrpc" not in body


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("Host", "attacker.example", 421),
        ("Host", "attacker.example:{port}", 421),
        ("Host", "127.0.0.1:1", 421),
        ("Origin", "http://attacker.example", 403),
        ("Origin", "null", 403),
        ("Origin", "http://127.0.0.1:1", 403),
        ("Sec-Fetch-Site", "cross-site", 403),
        ("Sec-Fetch-Site", "same-site", 403),
    ],
)
def test_a_page_of_another_site_gets_nothing(
    server: Serving, field: str, value: str, status: int
) -> None:
    """DNS rebinding and requests from elsewhere are refused, even with the token."""
    told = ask(server, **{field.replace("-", "_"): value.format(port=server.port)})
    assert told[0] == status


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}"])
def test_its_own_names_are_taken(server: Serving, host: str) -> None:
    """The address that it listens on, and localhost."""
    assert ask(server, Host=host.format(port=server.port))[0] == 200


def test_only_one_address_is_there(server: Serving) -> None:
    """Everything else is not found; a message that is none is a bad request."""
    assert ask(server, path="/")[0] == 404
    assert ask(server, path="/mcp/")[0] == 404
    assert ask(server, "no json")[0] == 400
    assert ask(server, method="PUT")[0] == 405


def test_what_is_too_much_is_refused(server: Serving) -> None:
    """A body of more than 64 KiB, one in pieces, a head without end."""
    assert ask(server, "x" * 70_000)[0] == 413
    assert ask(server, "", Transfer_Encoding="chunked", Content_Length=None)[0] == 501
    assert ask(server, X="y" * 20_000)[0] == 431


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.binary(max_size=300))
def test_any_body_is_answered(server: Serving, body: bytes) -> None:
    """With a refusal, and the server is there for the next."""
    assert 400 <= ask(server, body)[0] < 500


def test_claims_end_with_the_session(server: Serving) -> None:
    """Each client has its own; the end of one session ends its claims alone."""

    async def outer(client: Client) -> None:
        kept = await client.call_tool("claim_port", {})
        assert "as long as this connection lasts" in text_of(kept)
        [mine] = kept.structured_content["claims"]

        async def inner(other: Client) -> None:
            await other.call_tool("claim_port", {})
            for arguments in ({"port": mine["port"]}, {"claim": mine["id"]}):
                refused = await other.call_tool("release_port", arguments)
                assert refused.is_error
            assert len(claims()) == 2

        import anyio.to_thread

        await anyio.to_thread.run_sync(server.talk, inner)
        assert [each["id"] for each in claims()] == [mine["id"]]
        released = await client.call_tool("release_port", {"port": mine["port"]})
        assert not released.is_error
        assert claims() == []

    server.talk(outer)


def test_without_a_session_a_claim_ends_by_its_time(server: Serving) -> None:
    """The newer protocol has none over HTTP: ten minutes, and only its id gives it back."""

    async def work(client: Client) -> None:
        made = await client.call_tool("claim_port", {})
        assert "10 minutes: without a session nobody renews it" in text_of(made)
        [mine] = made.structured_content["claims"]
        assert mine["ttl_ms"] == 600_000
        refused = await client.call_tool("release_port", {"port": mine["port"]})
        assert "released by its id" in text_of(refused)
        done = await client.call_tool("release_port", {"claim": mine["id"]})
        assert done.structured_content["released"][0]["released"] is True

    server.talk(work, "auto")
    assert claims() == []


def test_an_end_ends_streams_and_claims(server: Serving) -> None:
    """SIGTERM while a client waits for news: exit code 0, at once, and nothing is left."""
    session = open_session(server)
    call = {"name": "claim_port", "arguments": {}}
    body = json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call})
    status, _, told = ask(server, body, Mcp_Session_Id=session)
    assert (status, json.loads(told)["result"]["isError"]) == (200, False)
    with socket.create_connection(("127.0.0.1", server.port)) as waiting:
        waiting.sendall(
            f"GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nMcp-Session-Id: {session}\r\n"
            f"Accept: text/event-stream\r\nAuthorization: Bearer {server.token}\r\n\r\n".encode()
        )
        assert waiting.recv(4096).startswith(b"HTTP/1.1 200")
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=10) == 0
        assert time.monotonic() - begin < 5
    assert claims() == []


def open_session(server: Serving) -> str:
    """The id of a new session."""
    status, headers, _ = ask(server)
    assert status == 200
    session = headers["mcp-session-id"]
    body = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert ask(server, body, Mcp_Session_Id=session)[0] == 202
    return session


SLOW = (
    "import sys, time\n"
    "from portbook.mcp import asking\n"
    "usual = asking.explain\n"
    "asking.explain = lambda asked: time.sleep(asked['port']) or usual(asked)\n"
    "sys.argv[1:] = ['mcp', '--http']\n"
    "from portbook.cli import run\n"
    "run()\n"
)


@contextmanager
def slow(home: Path) -> Iterator[Serving]:
    """A server whose explain_port takes as many seconds as the number of the port."""
    line = [sys.executable, "-c", SLOW]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            url = process.stderr.readline().strip()
            yield Serving(url, (home / "token").read_text().strip(), process)
        finally:
            process.kill()


def explain(server: Serving, session: str, name: object, port: int) -> tuple[int, bytes]:
    """A call with this id: the status and the body."""
    call = {"name": "explain_port", "arguments": {"port": port}}
    body = json.dumps({"jsonrpc": "2.0", "id": name, "method": "tools/call", "params": call})
    status, _, told = ask(server, body, Mcp_Session_Id=session)
    return status, told


def test_an_id_that_is_at_work_is_refused_and_the_end_is_quiet(own_home: Path) -> None:
    """409 in that session alone, and for as long as the first call lasts; then SIGTERM ends it."""
    with slow(own_home) as server:
        session, other = open_session(server), open_session(server)
        first: list[tuple[int, bytes]] = []
        asking = threading.Thread(target=lambda: first.append(explain(server, session, 7, 3)))
        asking.start()
        time.sleep(0.7)
        for name in (7, "7"):
            status, told = explain(server, session, name, 0)
            assert (status, b"same id" in told) == (409, True)
        assert explain(server, session, 8, 0)[0] == 200
        assert explain(server, other, 7, 0)[0] == 200
        asking.join(timeout=20)
        assert first[0][0] == 200
        assert json.loads(first[0][1])["id"] == 7
        assert explain(server, session, 7, 0)[0] == 200
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0
        assert time.monotonic() - begin < 5
        assert server.process.stderr is not None
        assert "graceful" not in server.process.stderr.read()


def test_the_count_of_tasks_is_not_told() -> None:
    """uvicorn's sentence about calls that did not end in time is for its authors."""
    from portbook.mcp.http import _is_no_count_of_tasks

    for said, told in (
        ("Cancel %s running task(s), timeout graceful shutdown exceeded", False),
        ("Exception in ASGI application", True),
    ):
        record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, said, (), None)
        assert _is_no_count_of_tasks(record) is told


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.fixed_dictionaries({"id": inner, "method": inner}),
        max_leaves=4,
    ).map(lambda made: json.dumps(made).encode())
)
def test_the_id_of_any_body_is_a_text_or_none(body: bytes) -> None:
    """Whatever is sent, and equal ids are equal texts."""
    from portbook.mcp.http import _request_id

    found = _request_id(body)
    assert found is None or isinstance(found, str)
    assert _request_id(b'{"id": 1.0, "method": "x"}') == _request_id(b'{"method": "x", "id": "1"}')


def test_a_session_needs_the_token_too(server: Serving) -> None:
    """Its id alone opens nothing, and one that is not there is not found."""
    session = open_session(server)
    body = json.dumps({"jsonrpc": "2.0", "id": 5, "method": "ping"})
    assert ask(server, body, Mcp_Session_Id=session, Authorization=None)[0] == 401
    assert ask(server, body, Mcp_Session_Id=session)[0] == 200
    assert ask(server, body, Mcp_Session_Id="0" * 32)[0] == 404


def test_what_it_says_is_where_it_is_and_where_the_token_is(own_home: Path) -> None:
    """On stderr, and never the token itself; nothing is on stdout."""
    with subprocess.Popen(
        argv("--http", "127.0.0.1:0"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        url, where, way_out = (process.stderr.readline() for _ in range(3))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert url.startswith("http://127.0.0.1:")
    assert (out, err, process.returncode) == ("", "", 130)
    assert where == f"the token is in {own_home}/token\n"
    assert "Ctrl-C" in way_out
    token = (own_home / "token").read_text().strip()
    assert token not in url + where + way_out
    assert (own_home / "token").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0.0.0.0:0", "reached from other machines"),
        ("192.0.2.1:80", "reached from other machines"),
        ("[::]:80", "reached from other machines"),
        ("host.example:80", "is no HOST:PORT"),
        ("127.0.0.1:70000", "70000 is no port"),
        ("127.0.0.1:", "is no port"),
    ],
)
def test_it_listens_on_loopback_alone(value: str, said: str) -> None:
    """Anything else is refused in one line, exit code 2."""
    run = portbook("mcp", "--http", value)
    assert (run.code, run.out) == (2, "")
    assert said in run.err


def test_a_port_that_is_taken_says_so(server: Serving) -> None:
    """One line, exit code 1."""
    run = portbook("mcp", "--http", f"127.0.0.1:{server.port}")
    assert (run.code, run.out) == (1, "")
    assert "is taken" in run.err


def test_json_is_no_option_of_it() -> None:
    """The protocol has its own."""
    assert portbook("mcp", "--json").code == 2
