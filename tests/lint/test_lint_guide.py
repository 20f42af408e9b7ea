"""The guide of `portbook lint` shows what is really printed, and settings that are really taken."""

import re
import tomllib
from pathlib import Path

import pytest

from command import portbook
from portbook.lint.settings import read_settings

GUIDE = (Path(__file__).parent.parent.parent / "docs" / "lint.md").read_text(encoding="utf-8")
FILES = {
    "compose.yaml": """\
services:
  web:
    build: .
    ports:
      - "127.0.0.1:8080:3000"
  mail:
    image: mailhog/mailhog
    ports:
      - "127.0.0.1:${MAIL_PORT:-8080}:8025"
""",
    "Dockerfile": 'FROM node:22\nWORKDIR /app\nCOPY . .\nEXPOSE 8000\nCMD ["node", "server.js"]\n',
    ".env": "MAIL_PORT=8080\n",
    "README.md": "# Shop\n\nOpen <http://localhost:8080/>.\n",
    ".portbook.toml": "",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project of the guide, which is the working folder."""
    (tmp_path / ".git").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(command: str) -> str:
    """What the guide shows for a command."""
    found = re.search(rf"```console\n\$ {re.escape(command)}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_first_example_is_what_is_printed(shop: Path) -> None:
    """Line by line."""
    assert portbook("lint").out == shown("portbook lint")


def test_the_fix_is_what_is_shown(shop: Path) -> None:
    """The diff, the reason, and what was left alone; then the question."""
    run = portbook("lint", "--fix", "--diff")
    assert run.out + run.err + "Change 2 files? [y/N]\n" == shown("portbook lint --fix")


def test_the_settings_of_the_guide_are_taken() -> None:
    """Every key of the example is one."""
    found = re.search(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    table = tomllib.loads(found[1])["tool"]["portbook"]["lint"]
    settings = read_settings(table, "/shop/pyproject.toml", "/shop")
    assert settings.fail_on == "error"
    assert len(settings.allow) == 2
    for key in table:
        assert f"`{key}`" in GUIDE or f"{key} =" in GUIDE or f".{key}]" in GUIDE
