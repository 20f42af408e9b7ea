"""Debuggers that wait for a client."""

import importlib.metadata
import subprocess
import sys

from bed.server import Place, Server


def _inspector(place: Place) -> list[str]:
    where = f"--inspect={place.address}:{place.port}"
    return ["node", where, "-e", "setInterval(() => {}, 1000)"]


def _node_version() -> str | None:
    said = subprocess.run(["node", "--version"], capture_output=True).stdout.decode()
    return said.strip().removeprefix("v") or None


def _debugpy(place: Place) -> list[str]:
    script = place.write("script.py", "import time\nwhile True:\n    time.sleep(1)\n")
    where = f"{place.address}:{place.port}"
    return [sys.executable, "-Xfrozen_modules=off", "-m", "debugpy", "--listen", where, script]


def _debugpy_version() -> str | None:
    return importlib.metadata.version("debugpy")


SERVERS = [
    Server(
        name="node-inspector",
        packages=("nodejs",),
        start=_inspector,
        default_port=9229,
        protocol="http",
        application="node-inspector",
        product="Node.js inspector",
        version=_node_version,
        quick=True,
    ),
    Server(
        name="debugpy",
        packages=("pip:debugpy",),
        start=_debugpy,
        default_port=5678,
        protocol="dap",
        product="debugpy",
        version=_debugpy_version,
    ),
]
