"""The tools as an agent sees and uses them, over the SDK's own client in both generations."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from agents.agent_talk import MODES, over_stdio, text_of
from command import portbook
from test_documents import validator

pytestmark = pytest.mark.live

GENERATIONS = {"legacy": "2025-11-25", "auto": "2026-07-28"}
READING = ("explain_port", "who_holds_port", "why_cannot_bind", "free_port", "lint_folder")
CLAIMING = ("claim_port", "release_port")


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """The generation of the protocol."""
    return str(request.param)


@pytest.fixture
def listener() -> Any:
    """A socket of ours that listens on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made.getsockname()[1]


def test_only_what_reads_is_offered_by_itself(mode: str) -> None:
    """Without --allow-claims no tool changes anything, and the annotations say so."""

    async def work(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert tuple(each.name for each in tools) == READING
        for each in tools:
            assert each.annotations is not None
            hints = each.annotations
            assert (hints.read_only_hint, hints.destructive_hint) == (True, False)
            assert hints.open_world_hint is False
        assert client.protocol_version == GENERATIONS[mode]
        assert client.server_info is not None
        assert client.server_info.name == "portbook"
        assert "never instructions" in (client.instructions or "")

    over_stdio(work, mode=mode)


def test_claiming_is_offered_where_the_user_allows_it(mode: str) -> None:
    """Then two more tools are there, and neither is called destructive."""

    async def work(client: Client) -> None:
        tools = {each.name: each for each in (await client.list_tools()).tools}
        assert tuple(tools) == (*READING, *CLAIMING)
        for name in CLAIMING:
            hints = tools[name].annotations
            assert hints is not None
            assert (hints.read_only_hint, hints.destructive_hint) == (False, False)

    over_stdio(work, "--allow-claims", mode=mode)


def test_a_tool_that_is_switched_off_says_who_can_switch_it_on(mode: str) -> None:
    """It is refused as an answer that a model can read, and nothing is claimed."""

    async def work(client: Client) -> None:
        for name in CLAIMING:
            answer = await client.call_tool(name, {"port": 4242})
            assert answer.is_error
            assert "--allow-claims" in text_of(answer)

    over_stdio(work, mode=mode)
    assert portbook("claims", "--json").document["claims"] == []


def test_descriptions_and_schemas_are_ones_that_an_agent_can_use() -> None:
    """Every argument is described and bounded; unknown ones are not taken."""

    async def work(client: Client) -> None:
        for tool in (await client.list_tools()).tools:
            assert tool.title
            assert 80 < len(tool.description or "") < 700
            Draft202012Validator.check_schema(tool.input_schema)
            Draft202012Validator.check_schema(tool.output_schema or {})
            assert tool.input_schema["additionalProperties"] is False
            for name, each in tool.input_schema["properties"].items():
                assert each["description"], name
                assert each["type"] == "boolean" or {"minimum", "maxLength", "enum"} & set(each)
        listed = await client.list_tools()
        # The list is in every conversation of an agent: it has to stay small.
        assert len(listed.model_dump_json(exclude_none=True)) < 14_000

    over_stdio(work, "--allow-claims")


QUESTIONS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("explain_port", {"port": 3255}, "answer"),
    ("explain_port", {"service": "redis", "transport": "tcp"}, "answer"),
    ("explain_port", {"port": 0}, "answer"),
    ("who_holds_port", {}, "listeners"),
    ("who_holds_port", {"transport": "udp", "limit": 3}, "listeners"),
    ("who_holds_port", {"all_namespaces": True}, "listeners"),
    ("why_cannot_bind", {"port": 80}, "why"),
    ("why_cannot_bind", {"port": 53, "transport": "udp"}, "why"),
    ("free_port", {}, "free"),
    ("free_port", {"count": 3, "contiguous": True, "near": 8080}, "free"),
    ("free_port", {"first": 7000, "last": 7100, "transport": "tcp"}, "free"),
    ("claim_port", {}, "claim"),
    ("claim_port", {"name": "web", "transport": "udp"}, "claim"),
)


def test_the_document_is_that_of_the_command(mode: str) -> None:
    """The SDK checks each against the tool's own schema, and here it meets the published one."""

    async def work(client: Client) -> None:
        await client.list_tools()
        for tool, arguments, document in QUESTIONS:
            answer = await client.call_tool(tool, arguments)
            assert not answer.is_error, text_of(answer)
            found = answer.structured_content
            assert found["schema"] == f"portbook/{document}/1"
            validator(document).validate(found)
            assert text_of(answer)
        claim = found["claims"][0]["id"]
        released = await client.call_tool("release_port", {"claim": claim})
        validator("release").validate(released.structured_content)

    over_stdio(work, "--allow-claims", mode=mode)


def test_a_listener_is_found_with_its_process_and_no_command_line(listener: int) -> None:
    """The command line is shown only when it is asked for: it may hold a password."""
    first = Path("/proc/self/cmdline").read_text().partition("\0")[0]

    async def work(client: Client) -> None:
        answer = await client.call_tool("who_holds_port", {"port": listener})
        [row] = answer.structured_content["listeners"]
        assert row["owners"][0]["pid"] == os.getpid()
        assert row["owners"][0]["cmdline"] == {
            "unknown": "not-asked",
            "hint": "ask with command_lines: true",
        }
        assert f"(pid {os.getpid()}, " in text_of(answer)
        shown = await client.call_tool("who_holds_port", {"port": listener, "command_lines": True})
        [row] = shown.structured_content["listeners"]
        assert row["owners"][0]["cmdline"][0] == first
        why = await client.call_tool("why_cannot_bind", {"port": listener, "transport": "tcp"})
        assert why.structured_content["tcp"]["free"] is False
        assert why.structured_content["tcp"]["reasons"][0]["owner"]["cmdline"]["unknown"]
        assert "listening" in text_of(why)
        told = await client.call_tool("explain_port", {"port": listener})
        assert told.structured_content["listeners"][0]["owners"][0]["pid"] == os.getpid()
        assert str(os.getpid()) in text_of(told)

    over_stdio(work)


def test_a_port_that_nobody_holds_is_no_error(listener: int) -> None:
    """An empty list is an answer, and the text says it in words."""

    async def work(client: Client) -> None:
        answer = await client.call_tool("who_holds_port", {"port": listener, "transport": "udp"})
        assert not answer.is_error
        assert answer.structured_content["listeners"] == []
        assert f"nothing listens on {listener} over udp" in text_of(answer)

    over_stdio(work)


def test_many_listeners_are_cut_and_counted() -> None:
    """So many as were asked for, and how many more there are."""
    made = [socket.create_server(("127.0.0.1", 0)) for _ in range(12)]

    async def work(client: Client) -> None:
        answer = await client.call_tool("who_holds_port", {"limit": 5, "transport": "tcp"})
        assert len(answer.structured_content["listeners"]) == 5
        gap = answer.structured_content["incomplete"][-1]
        more = int(gap["what"].partition(" ")[0])
        assert more >= 7
        assert f"{more} more listeners: only 5 are shown" in text_of(answer)

    over_stdio(work)
    for each in made:
        each.close()


MEANINGLESS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("explain_port", {"port": "80"}, "'80' is not a whole number from 0 to 65535"),
    ("explain_port", {"port": 65536}, "65536 is not a whole number from 0 to 65535"),
    ("explain_port", {"port": True}, "True is not a whole number"),
    ("explain_port", {"port": 80.5}, "80.5 is not a whole number"),
    ("explain_port", {"port": [80]}, "a list is not a whole number"),
    ("explain_port", {}, "either port or service"),
    ("explain_port", {"port": 80, "service": "http"}, "either port or service"),
    ("explain_port", {"service": "no such service"}, "unknown service name"),
    ("explain_port", {"service": "x" * 101}, "101 characters are not"),
    ("explain_port", {"port": 80, "transport": "sctp"}, "one of tcp, udp"),
    ("why_cannot_bind", {}, "needs the argument 'port'"),
    ("why_cannot_bind", {"port": 80, "kill": True}, "takes no argument 'kill'"),
    ("who_holds_port", {"limit": 0}, "from 1 to 200"),
    ("free_port", {"first": 9000}, "both first and last"),
    ("free_port", {"first": 9000, "last": 8000}, "runs backwards"),
    ("free_port", {"folder": "/no/such/folder"}, "is no folder"),
    ("free_port", {"count": 50, "first": 8000, "last": 8010}, "has no 50 numbers"),
    ("lint_folder", {"folder": "/no/such/folder"}, "there is no folder"),
    ("lint_folder", {"folder": "a\0b"}, "there is no folder"),
    ("claim_port", {"port": 80, "near": 81}, "either port or near"),
    ("claim_port", {"name": "8080"}, "is a number, not a name"),
    ("claim_port", {"folder": "/no/such/folder"}, "is no folder"),
    ("release_port", {}, "either port or claim"),
    ("release_port", {"port": 80}, "was not claimed over this connection"),
)


def test_what_cannot_be_meant_is_told_to_the_model() -> None:
    """As a result that is an error, in one line and a hint: then the model can do better."""

    async def work(client: Client) -> None:
        for tool, arguments, said in MEANINGLESS:
            answer = await client.call_tool(tool, arguments)
            assert answer.is_error, (tool, arguments)
            assert answer.structured_content is None
            text = text_of(answer)
            assert text.startswith("error: ")
            assert said in text
            assert len(text.splitlines()) <= 2
            assert "fault in portbook itself" not in text

    over_stdio(work, "--allow-claims")


def test_an_unknown_tool_is_a_fault_of_the_protocol(mode: str) -> None:
    """There is no such thing to call: invalid parameters, as the protocol says."""

    async def work(client: Client) -> None:
        with pytest.raises(MCPError) as raised:
            await client.call_tool("stop_port", {"port": 80})
        assert raised.value.error.code == -32602
        assert "stop_port" in raised.value.error.message

    over_stdio(work, mode=mode)


def test_calls_at_the_same_time_are_all_answered(listener: int) -> None:
    """Thirty at once, of several kinds, each with its own answer."""

    async def work(client: Client) -> None:
        asked = [("explain_port", {"port": port}) for port in range(20, 40)]
        asked += [("who_holds_port", {"port": listener})] * 10
        answers = await asyncio.gather(*(client.call_tool(*each) for each in asked))
        ports = [each.structured_content["port"] for each in answers[:20]]
        assert ports == list(range(20, 40))
        for each in answers[20:]:
            assert each.structured_content["listeners"][0]["port"] == listener

    over_stdio(work)


def test_lint_tells_what_collides(tmp_path: Path) -> None:
    """A compose file with one host port twice: the finding, its file and its rule."""
    (tmp_path / "compose.yaml").write_text(
        "services:\n"
        '  web:\n    image: nginx\n    ports: ["127.0.0.1:8080:80"]\n'
        '  api:\n    image: httpd\n    ports: ["127.0.0.1:8080:80"]\n'
    )

    async def work(client: Client) -> None:
        await client.list_tools()
        answer = await client.call_tool("lint_folder", {"folder": str(tmp_path)})
        assert not answer.is_error, text_of(answer)
        validator("lint").validate(answer.structured_content)
        rules = {each["rule"] for each in answer.structured_content["findings"]}
        assert "PB101" in rules
        assert "compose.yaml:" in text_of(answer)

    over_stdio(work)
    assert os.listdir(tmp_path) == ["compose.yaml"]
