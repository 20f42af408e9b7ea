"""docs/lint/formats.md tells of every reader."""

import re
from pathlib import Path

from portbook.lint.readers import FORMS

PAGE = Path(__file__).parents[2] / "docs" / "lint" / "formats.md"


def test_every_form_has_a_row_and_every_row_a_form() -> None:
    """A reader that is added is documented, and none is that is gone."""
    rows = re.findall(r"^\| `(\w+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) == set(FORMS)
