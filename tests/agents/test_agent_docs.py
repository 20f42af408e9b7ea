"""What docs/mcp.md and the benchmark say, against the server that there is."""

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from tools.mcp_transcript import BEGIN, END, PAGE, transcript

from portbook.mcp.catalogue import TOOLS
from portbook.mcp.promising import MOST_CLAIMS

pytestmark = pytest.mark.live

TOP = Path(__file__).parent.parent.parent


def page() -> str:
    """The page."""
    return PAGE.read_text(encoding="utf-8")


def shape(text: str) -> list[str]:
    """What was asked, and the first words of each answer, without numbers."""
    lines = re.sub(r"\d+", "N", text).splitlines()
    found = []
    for line, after in pairwise(lines):
        if line.startswith("> "):
            found += [line, " ".join(after.split()[:3])]
    return found


def test_the_session_in_the_docs_is_one_that_happens() -> None:
    """The same requests, and answers that begin alike; each tool is in it."""
    written = page().partition(BEGIN)[2].partition(END)[0]
    found = shape(transcript())
    assert shape(written) == found
    assert len(found) >= 2 * (len(TOOLS) + 2)
    assert all(any(line.startswith(f"> {tool.name} ") for line in found) for tool in TOOLS)


def test_the_table_has_every_tool_with_its_arguments() -> None:
    """And no other."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", page(), re.MULTILINE)
    assert [name for name, _, _ in rows] == [tool.name for tool in TOOLS]
    for tool, (_, takes, answers) in zip(TOOLS, rows, strict=True):
        named = set(re.findall(r"`(\w+)`", takes))
        assert named == set(tool.takes) - {"command_lines"}
        assert f"`portbook/{tool.document}/1`" in answers


def test_what_an_agent_is_told_to_start_is_a_command() -> None:
    """The JSON of the page is JSON, and its options are ones that there are."""
    [block] = re.findall(r"```json\n(.*?)```", page(), re.DOTALL)
    server = json.loads(block)["mcpServers"]["portbook"]
    assert server == {"command": "portbook", "args": ["mcp"]}
    done = subprocess.run(
        [sys.executable, "-m", "portbook", "mcp", "--help"], capture_output=True, check=True
    )
    assert b"--allow-claims" in done.stdout
    assert b"--http" in done.stdout
    assert f"at most {MOST_CLAIMS} claims" in page()


def test_the_benchmark_runs() -> None:
    """Its short form ends well; time is never judged."""
    done = subprocess.run(
        [sys.executable, "bench/mcp_tools.py", "--short"],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mcp, start to initialize" in done.stdout
