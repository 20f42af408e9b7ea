"""The server over stdin and stdout: what it survives, how it ends, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from agents.agent_talk import HELLO, Talk, argv, talk, text_of
from claims.served import service
from command import portbook

pytestmark = pytest.mark.live


def claims() -> list[Any]:
    """The claims of the machine, as a user sees them."""
    found = portbook("claims", "--json").document["claims"]
    assert isinstance(found, list)
    return found


def gone(seconds: float = 5.0) -> bool:
    """Whether all claims end within some seconds."""
    until = time.monotonic() + seconds
    while claims():
        if time.monotonic() > until:
            return False
    return True


JSON: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
METHODS = st.sampled_from(
    ("tools/call", "tools/list", "ping", "initialize", "notifications/cancelled", "server/discover")
)
ALMOST = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | JSON, "method": METHODS | st.text(max_size=9)},
    optional={
        "id": st.integers() | JSON,
        "params": JSON
        | st.fixed_dictionaries(
            {"name": st.sampled_from(("explain_port", "free_port")) | JSON, "arguments": JSON}
        ),
    },
).map(lambda made: json.dumps(made).encode())


@pytest.fixture(scope="module")
def steady() -> Iterator[Talk]:
    """One server for all that is thrown at it."""
    with talk() as made:
        yield made


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lines=st.lists(st.binary(max_size=200) | ALMOST, max_size=5))
def test_whatever_comes_it_goes_on_and_says_json_alone(steady: Talk, lines: list[bytes]) -> None:
    """Any bytes in any lines: only JSON-RPC comes back, and the next question is answered."""
    for line in lines:
        steady.send(line + b"\n")
    number = steady.request("ping")
    while True:
        answer = steady.read()
        assert answer["jsonrpc"] == "2.0"
        if answer.get("id") == number and "result" in answer:
            return


def test_a_line_without_end_takes_no_memory_and_is_no_message() -> None:
    """Forty megabytes in one line: it is thrown away, and the next line is answered."""
    with talk() as made:
        before = memory(made.process.pid)
        for _ in range(40):
            made.send(b'{"a":"' + b"x" * (1 << 20))
        made.send(b'"}\n')
        assert_no_json(made.read())
        assert "result" in made.ask("ping")
        assert memory(made.process.pid) - before < 20_000


def assert_no_json(answer: Any) -> None:
    """JSON-RPC's answer to what cannot be read: it cannot know the id."""
    assert answer.keys() == {"jsonrpc", "id", "error"}
    assert (answer["jsonrpc"], answer["id"], answer["error"]["code"]) == ("2.0", None, -32700)


@pytest.mark.parametrize(
    "line",
    [b"garbage", b"\xff\xfe", b'{"jsonrpc":"2.0","id":1', b"[" * 5000, b'"' + b"x" * (1 << 21)],
)
def test_a_line_that_is_no_json_is_answered(line: bytes) -> None:
    """With -32700 and no id, each time, and the next question is answered."""
    with talk() as made:
        for _ in range(2):
            made.send(line + b"\n")
            assert_no_json(made.read())
        assert "result" in made.ask("ping")


def memory(pid: int) -> int:
    """The resident memory of a process in KB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def test_only_the_protocol_is_on_stdout_and_nothing_on_stderr() -> None:
    """Every line of a session with mistakes is one JSON message."""
    made = Talk("--allow-claims").hello()
    made.send(b"garbage\n\xff\xfe\n{}\n[]\n")
    for _ in range(2):
        assert_no_json(made.read())
    assert made.call("explain_port", port=99999)["isError"]
    assert made.call("claim_port")["isError"] is False
    assert "error" in made.ask("tools/call", {"name": "nothing"})
    run = made.end()
    assert (run.code, run.err) == (0, "")
    for line in run.out.splitlines():
        json.loads(line)


SLOW = (
    "import sys, time\n"
    "from portbook.mcp import asking\n"
    "usual = asking.explain\n"
    "asking.explain = lambda asked: time.sleep(asked['port']) or usual(asked)\n"
    "sys.argv[1:] = ['mcp']\n"
    "from portbook.cli import run\n"
    "run()\n"
)


STRAY = (
    "import os, subprocess, sys\n"
    "from portbook.mcp import asking\n"
    "usual = asking.explain\n"
    "def loud(asked):\n"
    "    print('stray', flush=True); os.write(1, b'stray\\n')\n"
    "    subprocess.run(['sh', '-c', 'echo stray; timeout 5 cat'], check=True)\n"
    "    return usual(asked)\n"
    "asking.explain = loud\n"
    "from portbook.cli import main\n"
    "sys.exit(main(['mcp']))\n"
)


def test_what_something_else_prints_is_not_on_stdout() -> None:
    """A stray print, a write to the descriptor, a program: stderr, and none reads the messages."""
    made = Talk(line=[sys.executable, "-c", STRAY]).hello()
    try:
        result = made.call("explain_port", port=3255)
        assert result["isError"] is False, text_of(result)
        assert "result" in made.ask("ping")
        run = made.end()
    finally:
        made.kill()
    assert (run.code, run.out) == (0, "")
    assert run.err.count("stray") >= 3


def test_questions_from_a_file_are_answered_before_it_ends() -> None:
    """Who writes everything at once and closes gets all answers, and exit code 0."""
    asked = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call"}
        | {"params": {"name": "explain_port", "arguments": {"port": 1}}},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call"}
        | {"params": {"name": "who_holds_port", "arguments": {}}},
    ]
    given = "".join(f"{json.dumps(each)}\n" for each in asked)
    line = [sys.executable, "-c", SLOW]  # the second one takes a second
    done = subprocess.run(line, input=given, capture_output=True, text=True, check=True)
    answers = {each["id"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert set(answers) == {1, 2, 3}
    assert answers[2]["result"]["structuredContent"]["port"] == 1


@pytest.mark.parametrize(
    ("given", "answers"), [(b"", 0), (b"\n\n", 0), (b"no json", 1), (b'{"jsonrpc":"2.0","id":1', 1)]
)
def test_a_closed_stdin_ends_it(given: bytes, answers: int) -> None:
    """However little was said before."""
    done = subprocess.run(argv(), input=given, capture_output=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    said = done.stdout.splitlines()
    assert len(said) == answers
    for line in said:
        assert_no_json(json.loads(line))


def test_a_stdin_that_was_never_open_ends_it() -> None:
    """A descriptor that is closed is a client that says nothing."""
    line = ["sh", "-c", 'exec "$0" -m portbook mcp <&-', sys.executable]
    done = subprocess.run(line, capture_output=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (0, b"")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)]
)
def test_a_signal_ends_it_while_it_waits(number: signal.Signals, code: int) -> None:
    """At once, though its stdin stays open, and the claims end with it."""
    with talk("--allow-claims") as made:
        assert made.call("claim_port")["isError"] is False
        begin = time.monotonic()
        made.process.send_signal(number)
        assert made.process.wait(timeout=10) == code
        assert time.monotonic() - begin < 3
        assert claims() == []


def test_a_signal_ends_it_though_the_client_reads_nothing() -> None:
    """A full pipe holds one write up for ever, but not the end."""
    with talk() as made:
        for _ in range(40):
            made.request("tools/list")
        time.sleep(0.5)
        made.process.terminate()
        assert made.process.wait(timeout=10) == 0


def test_a_client_that_closes_its_ears_ends_it() -> None:
    """Nobody reads the answers any more: it ends without a word."""
    with talk() as made:
        assert made.process.stdout is not None
        assert made.process.stderr is not None
        made.process.stdout.close()
        made.request("ping")
        made.process.stdout = None
        assert made.process.wait(timeout=10) == 0
        assert made.process.stderr.read() == b""


@pytest.mark.parametrize("via", ["store", "service"])
def test_claims_last_as_long_as_the_client(own_home: Path, via: str) -> None:
    """They outlive the call, are there for everybody else, and end when stdin is closed."""
    if via == "service":
        with service(own_home):
            _claim_and_leave()
    else:
        _claim_and_leave()


def _claim_and_leave() -> None:
    made = Talk("--allow-claims").hello()
    result = made.call("claim_port", name="web")
    [claim] = result["structuredContent"]["claims"]
    assert "as long as this connection lasts" in text_of(result)
    [seen] = claims()
    assert (seen["id"], seen["port"], seen["name"]) == (claim["id"], claim["port"], "web")
    # It is bound to no process: what the agent starts on it is no squatter.
    assert seen["owner"]["pid"] is None
    refused = portbook("claim", "--port", str(claim["port"]))
    assert (refused.code, refused.out) == (1, "")
    assert made.end().code == 0
    assert claims() == []


def test_a_client_that_is_killed_has_no_claims_any_more() -> None:
    """An agent that starts the server and dies: the pipe ends, and so does the rest."""
    program = (
        "import json, subprocess, sys, time\n"
        "hello, *line = sys.argv[1:]\n"
        "server = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "def ask(method, params):\n"
        "    said = dict(jsonrpc='2.0', id=1, method=method, params=params)\n"
        "    server.stdin.write(json.dumps(said).encode() + b'\\n')\n"
        "    server.stdin.flush()\n"
        "    return server.stdout.readline()\n"
        "ask('initialize', json.loads(hello))\n"
        'server.stdin.write(b\'{"jsonrpc":"2.0","method":"notifications/initialized"}\\n\')\n'
        "ask('tools/call', dict(name='claim_port', arguments={}))\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    line = [sys.executable, "-c", program, json.dumps(HELLO), *argv("--allow-claims")]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        server = int(agent.stdout.readline())
        assert len(claims()) == 1
        agent.kill()
    assert gone()
    until = time.monotonic() + 5
    while is_running(server):
        assert time.monotonic() < until


def is_running(pid: int) -> bool:
    """Whether a process is there, and no zombie that nobody waits for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_only_the_claims_of_this_connection_are_released() -> None:
    """Not those of another agent, nor of the user, by number or by id."""
    portbook("claim", "--port", "5999")
    [other] = claims()
    with talk("--allow-claims") as one, talk("--allow-claims") as two:
        [mine] = one.call("claim_port")["structuredContent"]["claims"]
        for arguments in ({"port": mine["port"]}, {"claim": mine["id"]}, {"claim": other["id"]}):
            refused = two.call("release_port", **arguments)
            assert refused["isError"]
            assert "was not claimed over this connection" in text_of(refused)
        assert len(claims()) == 2
        done = one.call("release_port", port=mine["port"])
        assert done["structuredContent"]["released"][0]["released"] is True
        assert [each["port"] for each in claims()] == [5999]


def test_a_claim_that_is_held_says_who_has_it() -> None:
    """One line with the holder, for the model to tell its user."""
    with talk("--allow-claims") as one, talk("--allow-claims") as two:
        [mine] = one.call("claim_port")["structuredContent"]["claims"]
        refused = two.call("claim_port", port=mine["port"])
        assert refused["isError"]
        assert f"{mine['port']}/tcp is held by agent (uid {os.getuid()})" in text_of(refused)


def test_claims_of_one_client_are_bounded() -> None:
    """An agent in a loop does not take the whole port space."""
    with talk("--allow-claims") as made:
        for _ in range(32):
            assert made.call("claim_port")["isError"] is False
        refused = made.call("claim_port")
        assert refused["isError"]
        assert "32 claims already" in text_of(refused)


def test_a_call_that_was_cancelled_leaves_no_claim() -> None:
    """Nobody reads the answer, so nobody would give the port back."""
    with talk("--allow-claims") as made:
        for _ in range(20):
            number = made.request("tools/call", {"name": "claim_port", "arguments": {}})
            params = {"requestId": number}
            said = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
            made.send(json.dumps(said).encode() + b"\n")
        last = made.request("ping")
        answered = []
        while (answer := made.read())["id"] != last:
            answered.append(answer)
        time.sleep(0.5)
        given = [each["result"]["structuredContent"] for each in answered if "result" in each]
        ports = {each["claims"][0]["port"] for each in given}
        assert {each["port"] for each in claims()} == ports


def test_a_slow_call_that_was_cancelled_holds_up_nobody() -> None:
    """Twenty of them, more than are worked on at a time: the next question is answered at once."""
    made = Talk(line=[sys.executable, "-c", SLOW]).hello()
    try:
        time.sleep(1)
        begin = time.monotonic()
        for _ in range(20):
            call = {"name": "explain_port", "arguments": {"port": 30}}
            params = {"requestId": made.request("tools/call", call)}
            said = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
            made.send(json.dumps(said).encode() + b"\n")
        number = made.request("tools/call", {"name": "free_port", "arguments": {}})
        while (answer := made.read())["id"] != number:
            assert "error" in answer
        assert answer["result"]["isError"] is False
        assert made.end().code == 0
        assert time.monotonic() - begin < 10
    finally:
        made.kill()


def test_a_hundred_calls_leak_no_file() -> None:
    """Open descriptors and threads stay what they were."""
    with talk("--allow-claims") as made:
        folder = f"/proc/{made.process.pid}"
        tools = ("explain_port", "why_cannot_bind", "who_holds_port", "free_port", "claim_port")
        for round_number in range(25):
            for tool in tools:
                port = {"port": 8080} if tool in ("explain_port", "why_cannot_bind") else {}
                result = made.call(tool, **port)
                assert result["isError"] is False, text_of(result)
            [claim] = result["structuredContent"]["claims"]
            assert not made.call("release_port", claim=claim["id"])["isError"]
            if round_number == 4:
                before = len(os.listdir(f"{folder}/fd")), len(os.listdir(f"{folder}/task"))
        after = len(os.listdir(f"{folder}/fd")), len(os.listdir(f"{folder}/task"))
        assert after[0] <= before[0]
        assert after[1] <= before[1] + 1
