"""`portbook mcp`: from its start to the answer of `initialize`, and each tool's calls.

    python bench/mcp_tools.py [--runs 11] [--calls 200] [--short]

The client is a pipe and a few lines of JSON, so what is measured is the server. Nobody else answers
these questions, so the goals are absolute; beside the start stands what importing the SDK alone
takes. The first calls are those of a client that asks at once after the handshake, while modules
are still loaded. (The script is not called `mcp`: that is the name of the SDK.)
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Row, interpreter, portbook, report

START_MS = 500
CALL_MS = 50
CALLS: tuple[tuple[str, dict[str, object]], ...] = (
    ("explain_port", {"port": 3255}),
    ("who_holds_port", {}),
    ("why_cannot_bind", {"port": 8080}),
    ("free_port", {}),
    ("claim_port", {}),
    ("release_port", {}),
    ("lint_folder", {"folder": "."}),
)
_HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}
_COMPOSE = 'services:\n  web:\n    image: nginx\n    ports: ["127.0.0.1:8080:80"]\n'


def with_sdk(*arguments: str) -> list[str]:
    """The command line of portbook in the first Python that has the SDK."""
    for python in (interpreter(), sys.executable):
        asked = [python, "-I", "-c", "import mcp_types"]
        if subprocess.run(asked, stderr=subprocess.DEVNULL).returncode == 0:
            return [python, *portbook(*arguments)[1:]]
    sys.exit("the SDK is missing: pip install -r requirements/mcp.txt")


class Client:
    """A server and the pipe to it; `start_ms` is how long it took to answer `initialize`."""

    def __init__(self, folder: str) -> None:
        begin = time.perf_counter()
        self.process = subprocess.Popen(
            _LINE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
        )
        self.ask("initialize", _HELLO)
        self.start_ms = (time.perf_counter() - begin) * 1000
        assert self.process.stdin is not None
        self.process.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        self.process.stdin.flush()

    def ask(self, method: str, params: object) -> dict[str, object]:
        """One request and its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        said = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.process.stdin.write(json.dumps(said).encode() + b"\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "result" not in answer:
            sys.exit(f"{method} was answered with {answer}")
        result: dict[str, object] = answer["result"]
        return result

    def timed(self, tool: str, arguments: dict[str, object]) -> tuple[float, dict[str, object]]:
        """The milliseconds of one call, and its result."""
        begin = time.perf_counter()
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        took = (time.perf_counter() - begin) * 1000
        if result["isError"]:
            sys.exit(f"{tool} was answered with {result['content']}")
        return took, result

    def round(self) -> dict[str, float]:
        """The milliseconds of one call of each tool; what is claimed is released."""
        found = {}
        claimed: dict[str, object] = {}
        for tool, arguments in CALLS:
            found[tool], result = self.timed(tool, arguments | claimed)
            claimed = {}
            if tool == "claim_port":
                document = result["structuredContent"]
                assert isinstance(document, dict)
                claimed = {"claim": document["claims"][0]["id"]}
        return found

    def end(self) -> None:
        """Close the pipe."""
        self.process.communicate(timeout=20)
        if self.process.returncode:
            sys.exit(f"it ended with {self.process.returncode}")


_LINE: list[str] = []


def sdk_alone() -> float:
    """The milliseconds of a Python that imports the SDK's server, and no more."""
    begin = time.perf_counter()
    subprocess.run([_LINE[0], "-I", "-c", "import mcp.server.lowlevel"], check=True)
    return (time.perf_counter() - begin) * 1000


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--short", action="store_true", help="few runs, for CI")
    options = parser.parse_args()
    runs, calls = (2, 5) if options.short else (options.runs, options.calls)
    _LINE[:] = with_sdk("mcp", "--allow-claims")
    starts: list[float] = []
    alone: list[float] = []
    first: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "compose.yaml").write_text(_COMPOSE, encoding="utf-8")
        for turn in range(runs + 1):
            client = Client(folder)
            found = client.round()
            client.end()
            took = sdk_alone()
            if turn:
                starts.append(client.start_ms)
                alone.append(took)
                for tool, ms in found.items():
                    first.setdefault(tool, []).append(ms)
        client = Client(folder)
        client.round()
        rounds = [client.round() for _ in range(calls)]
        client.end()
    rows = [
        Row("mcp, start to initialize", statistics.median(starts), "the goal", START_MS, 1.0),
        Row("mcp, the slowest start", max(starts), "the goal", START_MS, 1.0),
        Row(
            "mcp, start to initialize",
            statistics.median(starts),
            "import mcp.server.lowlevel",
            statistics.median(alone),
            None,
        ),
    ]
    for tool, _ in CALLS:
        times = sorted(each[tool] for each in rounds)
        late = times[min(len(times) - 1, int(len(times) * 0.99))]
        median = f"mcp, {tool}, median"
        rows.append(Row(median, statistics.median(times), "the goal", CALL_MS, 1.0))
        rows.append(Row(f"mcp, {tool}, p99", late, "the goal", CALL_MS, 1.0))
        at_once = statistics.median(first[tool])
        rows.append(Row(f"mcp, {tool}, first call", at_once, "the goal", CALL_MS, 1.0))
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
