"""`lint --here`: what this machine's listeners, claims and reservations say of a project."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from command import portbook
from portbook.survey.linting import LintReport, lint_paths

pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def _own_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("PORTBOOK_SOCKET", raising=False)


def publishing(folder: Path, *ports: str) -> Path:
    """A project with a compose file that publishes some ports."""
    folder.mkdir()
    lines = "".join(f'      - "{port}:80"\n' for port in ports)
    (folder / "compose.yaml").write_text(f"services:\n  web:\n    build: .\n    ports:\n{lines}")
    return folder


def of_rule(report: LintReport, rule: str) -> list[int | None]:
    """The ports that a rule found fault with."""
    return [each.port for each in report.findings if each.rule == rule]


def test_a_number_that_listens_here_is_told(tmp_path: Path) -> None:
    """With who holds it; another address of the machine is not in the way."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        taken = publishing(tmp_path / "a", str(port))
        report = lint_paths([str(taken)], here=True)
        assert of_rule(report, "PB103") == [port]
        (found,) = [each for each in report.findings if each.rule == "PB103"]
        assert str(os.getpid()) in found.message
        assert of_rule(lint_paths([str(taken)]), "PB103") == []
        beside = publishing(tmp_path / "b", f"127.0.0.2:{port}")
        assert of_rule(lint_paths([str(beside)], here=True), "PB103") == []
    assert of_rule(lint_paths([str(taken)], here=True), "PB103") == []


def test_a_number_reserved_for_another_project_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the project's own reservation nothing is said."""
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    port = portbook("reserve", "web", "--json").document["reservations"][0]["port"]
    taken = publishing(tmp_path / "a", str(port))
    assert of_rule(lint_paths([str(taken)], here=True), "PB104") == [port]
    (other / "compose.yaml").write_text((taken / "compose.yaml").read_text())
    assert of_rule(lint_paths([str(other)], here=True), "PB104") == []


def test_a_claimed_number_is_told(tmp_path: Path) -> None:
    """While its holder lives."""
    holder = subprocess.Popen(
        [sys.executable, "-m", "portbook", "run", "--name", "x", "--", "sleep", "30"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
    )
    try:
        port = 0
        for _ in range(100):
            claims = portbook("claims", "--json").document["claims"]
            if claims:
                port = claims[0]["port"]
                break
        taken = publishing(tmp_path / "a", str(port))
        assert of_rule(lint_paths([str(taken)], here=True), "PB103") == [port]
    finally:
        holder.terminate()
        holder.wait()
