"""What is listed twice is generated or tested: commands, exit codes, links of the docs."""

import re
from pathlib import Path

import pytest
from tools import make_protocols
from tools.make_reference import FILE, reference

from portbook.cli import COMMANDS

TOP = Path(__file__).parent.parent
PAGES = sorted([*TOP.glob("*.md"), *(TOP / "docs").glob("*.md")])


def test_the_command_reference_is_what_the_commands_say() -> None:
    """docs/commands.md is generated: python -m tools.make_reference."""
    assert FILE.read_text(encoding="utf-8") == reference()


def test_the_table_of_protocols_is_what_the_probes_say() -> None:
    """docs/protocols.md is generated: python -m tools.make_protocols."""
    assert make_protocols.FILE.read_text(encoding="utf-8") == make_protocols.page()


def test_every_command_has_its_section() -> None:
    """A new command cannot stay out of the reference."""
    text = FILE.read_text(encoding="utf-8")
    for word in COMMANDS:
        assert f"## portbook {word}\n" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A relative link names a file or folder that is there."""
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
