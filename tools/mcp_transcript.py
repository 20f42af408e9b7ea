"""Write the session in docs/mcp.md: python -m tools.mcp_transcript [--write].

A real server, the SDK's own client, and a project with two services on one port, one of which runs.
The numbers are of the machine and the moment, so the test compares what was asked and how each
answer begins.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import randrange
from typing import Any

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from portbook.survey.picking import Wanted, suggest

PAGE = Path(__file__).parent.parent / "docs" / "mcp.md"
BEGIN, END = "<!-- transcript -->\n", "<!-- end of the transcript -->\n"
_SERVER = (
    "import http.server as h, sys; "
    "s = h.HTTPServer(('127.0.0.1', int(sys.argv[1])), h.SimpleHTTPRequestHandler); "
    "print(s.server_port, flush=True); s.serve_forever()"
)
_WIDTH = 110


def compose(port: int) -> str:
    """Two services that want one port."""
    return (
        "services:\n"
        f'  web:\n    image: nginx\n    ports: ["127.0.0.1:{port}:80"]\n'
        f'  docs:\n    image: httpd\n    ports: ["127.0.0.1:{port}:80"]\n'
    )


def transcript() -> str:
    """The session as text: each request behind `>`, and below it what the model reads."""
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder, "shop")
        shop.mkdir()
        with subprocess.Popen(
            # Not that of our virtual environment: it would be seen as a part of this project.
            [os.path.realpath(sys.executable), "-c", _SERVER, str(_number())],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=shop,
        ) as running:
            assert running.stdout is not None
            try:
                port = int(running.stdout.readline())
                (shop / "compose.yaml").write_text(compose(port), encoding="utf-8")
                environment = {**os.environ, "PORTBOOK_DATA_HOME": f"{folder}/data"}
                return asyncio.run(_session(str(shop), port, environment))
            finally:
                running.kill()


def _number() -> int:
    """A number below the kernel's own, of which the lint would say that it is one."""
    return suggest(Wanted(first=20_000, last=30_000, near=randrange(20_000, 30_000))).ports[0].port


async def _session(folder: str, port: int, environment: dict[str, str]) -> str:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "portbook", "mcp", "--allow-claims"],
        env=environment,
        cwd=folder,
    )
    async with Client(stdio_client(server), mode="auto") as client:
        told = client.server_info
        assert told is not None
        lines = ["> connect", f"{told.name} {told.version}, protocol {client.protocol_version}", ""]
        claimed = 0
        tools = [each.name for each in (await client.list_tools()).tools]
        lines += ["> tools/list", *_wrapped(", ".join(tools)), ""]
        for tool, arguments in (
            ("explain_port", {"port": 3255}),
            ("why_cannot_bind", {"port": port, "transport": "tcp"}),
            ("who_holds_port", {"port": port}),
            ("lint_folder", {}),
            ("free_port", {}),
            ("claim_port", {"name": "docs"}),
            ("release_port", {"port": 0}),
            ("explain_port", {"port": 99999}),
        ):
            asked: dict[str, Any] = dict(arguments)
            if tool == "release_port":
                asked["port"] = claimed
            answer = await client.call_tool(tool, asked)
            if tool == "claim_port":
                claimed = answer.structured_content["claims"][0]["port"]
            lines += [f"> {tool} {json.dumps(asked)}"]
            for block in answer.content:
                for line in block.text.splitlines() if block.type == "text" else ():
                    lines += _wrapped(line)
            lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def _wrapped(line: str) -> list[str]:
    from textwrap import wrap

    return wrap(line, _WIDTH, subsequent_indent="    ", break_long_words=False) or [""]


def main() -> None:
    """Print it, or put it into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true")
    text = f"```text\n{transcript()}```\n" if parser.parse_args().write else ""
    if not text:
        sys.stdout.write(transcript())
        return
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(before + BEGIN + text + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
