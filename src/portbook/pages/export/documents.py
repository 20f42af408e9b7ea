"""The JSON twins: the documents that the command line prints, in as few bytes as they need."""

import json

from portbook.model import document

_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encoded(name: str, body: object) -> bytes:
    """The document `portbook/<name>/1` in one line."""
    return f"{_encoded(document(name, body))}\n".encode("utf-8", "replace")
