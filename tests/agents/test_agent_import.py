"""The quick way to load the SDK, against the plain one."""

import json
import subprocess
import sys
from typing import Any

import pytest

from agents.agent_talk import HELLO

pytestmark = pytest.mark.live

START = (
    "import sys; from portbook.mcp import quick_import as q; {before}; "
    "print(q.load_sdk(http=False), file=sys.stderr); "
    "from portbook.cli import main; sys.exit(main(['mcp', '--allow-claims']))"
)
PLAIN = "import mcp"
"""What is loaded already is not loaded quickly."""
CHANGED = (
    "q.PathFinder = None",
    "q._SERVER = 'mcp.server.other'",
    "q._PACKAGES = ('mcp', 'mcp.nothing')",
    "q._late_models = lambda: (_ for _ in ()).throw(AttributeError('changed'))",
)
"""An SDK or a pydantic that is not as we know it."""


def session(before: str, *, modern: bool = False) -> tuple[str, dict[int, Any]]:
    """What a server says of its import, and its answers to one of each request."""
    call = {"name": "explain_port", "arguments": {"port": 3255, "transport": "tcp"}}
    requests: list[tuple[str, dict[str, Any]]] = [
        ("initialize", HELLO),
        ("tools/list", {}),
        ("tools/call", call),
        ("tools/call", {"name": "explain_port", "arguments": {"port": -1}}),
        ("tools/call", {"name": "nothing"}),
        ("tools/call", {"name": 7}),
        ("resources/list", {}),
        ("ping", {}),
    ]
    if modern:
        requests[0] = ("server/discover", {})
        prefix = "io.modelcontextprotocol/"
        meta = {
            f"{prefix}protocolVersion": "2026-07-28",
            f"{prefix}clientInfo": HELLO["clientInfo"],
            f"{prefix}clientCapabilities": {},
        }
        requests = [(method, {**params, "_meta": meta}) for method, params in requests]
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        for number, (method, params) in enumerate(requests)
    ]
    done = subprocess.run(
        [sys.executable, "-c", START.format(before=before)],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = {each["id"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert set(answers) == set(range(len(requests)))
    return done.stderr.strip(), answers


@pytest.mark.parametrize("modern", [False, True], ids=["legacy", "2026-07-28"])
def test_both_ways_answer_the_same(*, modern: bool) -> None:
    """Every request, right and wrong, in both generations; and the quick way is the one taken."""
    quick, answers = session("pass", modern=modern)
    plain, expected = session(PLAIN, modern=modern)
    assert (quick, plain) == ("True", "False")
    assert answers == expected
    assert "result" in answers[1]
    assert "error" in answers[4]


@pytest.mark.parametrize("before", CHANGED)
def test_an_sdk_that_has_changed_is_loaded_as_usual(before: str) -> None:
    """Slower, and right."""
    said, answers = session(before)
    assert said == "False"
    assert len(answers[1]["result"]["tools"]) == 7


def test_nothing_of_it_stays_behind() -> None:
    """Models that are made later are built as usual, and the packages are whole when asked for."""
    program = (
        "import os; from portbook.mcp.quick_import import load_sdk; assert load_sdk()\n"
        "import mcp, mcp.server, pydantic\n"
        "assert 'mcp.client' not in __import__('sys').modules\n"
        "assert 'PYDANTIC_DISABLE_PLUGINS' not in os.environ\n"
        "assert 'defer_build' not in pydantic.BaseModel.model_config\n"
        "class Later(pydantic.BaseModel):\n    a: int = 1\n"
        "assert Later.__pydantic_complete__\n"
        "assert pydantic.TypeAdapter(int).pydantic_complete\n"
        "assert mcp.Client.__name__ == 'Client'\n"
        "assert mcp.server.MCPServer.__name__ == 'MCPServer'\n"
        "from mcp import Tool\n"
        "assert Tool(name='a', input_schema={}).model_dump()['name'] == 'a'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")


def test_nothing_empty_is_left_where_it_could_be_used() -> None:
    """Only the SDK's server has such names, of its HTTP; a later import gets the real modules."""
    program = (
        "import sys; from portbook.mcp import quick_import as q; assert q.load_sdk(http=False)\n"
        "assert 'starlette' not in sys.modules\n"
        "assert not any(isinstance(each, q._Empty) for each in sys.modules.values())\n"
        "for name, module in list(sys.modules.items()):\n"
        "    for value in list(vars(module).values()):\n"
        "        if isinstance(value, type) and value.__module__ in q._FOR_HTTP:\n"
        "            assert name == q._SERVER, (name, value)\n"
        "from mcp.server.streamable_http_manager import StreamableHTTPSessionManager as s\n"
        "import inspect; assert inspect.isclass(s) and len(vars(s)) > 10\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")


def test_without_the_sdk_one_line_says_what_to_install() -> None:
    """Exit code 5, and the way out."""
    program = (
        "import sys; sys.modules['mcp'] = None; sys.modules['pydantic'] = None\n"
        "from portbook.cli import main; sys.exit(main(['mcp']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (5, "")
    assert "which is not installed" in done.stderr
    assert 'hint: pip install "portbook[mcp]"' in done.stderr
    assert "Traceback" not in done.stderr
