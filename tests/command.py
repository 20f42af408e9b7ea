"""Running portbook as a user would: a process of its own, real streams."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

RECORDINGS = Path(__file__).parent / "recordings"


class Run(NamedTuple):
    """What one run printed and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """stdout as one JSON document."""
        return json.loads(self.out)


def portbook(*arguments: str, env: dict[str, str] | None = None) -> Run:
    """Run `portbook` with these arguments; the environment is the test's own plus `env`."""
    done = subprocess.run(
        [sys.executable, "-m", "portbook", *arguments],
        capture_output=True,
        env={**os.environ, **(env or {})},
        timeout=60,
        check=False,
    )
    return Run(
        done.returncode,
        done.stdout.decode("utf-8", "surrogateescape"),
        done.stderr.decode("utf-8", "surrogateescape"),
    )


def recorded(name: str) -> str:
    """The folder of a recorded host."""
    return str(RECORDINGS / name)
