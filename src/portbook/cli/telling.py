"""Talk on stderr, so that stdout stays data."""

import sys

from portbook.cli.render import encodable, safe


def say(text: str) -> None:
    """One line on stderr, made safe; nothing where stderr is closed."""
    if sys.stderr is not None:
        sys.stderr.write(encodable(f"{safe(text)}\n", sys.stderr))
        sys.stderr.flush()
