"""One real agent in a process of its own, and a store that one host may write to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from fleet.engines import Postgres
from portbook.fleet import migrating

PASSWORD = "agent"


def enrolled(store: Postgres, host: str = "web-1") -> str:
    """A schema in an empty database with this host; the URL with which its agent enters."""
    if not store.query("SELECT 1 FROM pg_namespace WHERE nspname = 'portbook'"):
        migrating.migrate(store.url)
    login = f"portbook_host_{host.replace('-', '_')}"
    store.query(f"DROP ROLE IF EXISTS {login}")
    store.query(f"CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' IN ROLE portbook_agent")
    values = f"('{host}', '', '{login}')"
    store.query(f"INSERT INTO portbook.host (id, name, login) VALUES {values}")  # noqa: S608 - ours
    return store.url_for(login, PASSWORD)


def until(is_so: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something that has to become true."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


class AgentProcess:
    """`portbook fleet agent` with these options, while the context is open."""

    def __init__(self, folder: Path, *arguments: str, host: str = "web-1") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "stderr"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "portbook", "fleet", "agent", "--host-id", host),
                    *("--jitter", "0.2s", *arguments),
                ],
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "PORTBOOK_DATA_HOME": str(folder)},
            )

    @property
    def lines(self) -> list[str]:
        """What it said so far."""
        return self._log.read_text().splitlines()

    def said(self, text: str) -> bool:
        """Whether a line has this text in it."""
        return any(text in line for line in self.lines)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send it a signal; its exit code, and the seconds until it had ended."""
        begin = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(20)
        return code, time.monotonic() - begin

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if error is not None:
            print("\n".join(self.lines))
