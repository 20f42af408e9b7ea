"""What was sent as an answer to "Was this page useful?": bytes in, checked fields out. Pure."""

import json
import re
import unicodedata
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from portbook.model.feedback import LONGEST_COMMENT, LONGEST_PAGE
from portbook.model.record import Record
from portbook.pages.answering import Refused

_FIELDS = frozenset(("page", "useful", "comment"))
_BLANK_LINES = re.compile(r"\n{3,}")


class Given(Record):
    """What was sent, checked but for the page."""

    page: str
    useful: bool
    comment: str | None


def read(body: bytes, *, plain: bool) -> Given:
    """The fields of a form or of a JSON object: each at most once, and no other.

    Raises:
        Refused: 422.
    """
    try:
        text = body.decode()
        where, useful, comment = _fields(_pairs_of_form(text) if plain else _pairs_of_json(text))
        f"{where}{comment}".encode()
    except (KeyError, TypeError, ValueError, RecursionError):
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "An answer has a page, yes or no, and perhaps a comment.",
        ) from None
    comment = _clean(comment)
    if len(where) > LONGEST_PAGE:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "There is no such page in this book.")
    if len(comment) > LONGEST_COMMENT:
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "A comment has at most %(most)s characters.",
            most=LONGEST_COMMENT,
        )
    return Given(where, useful == "yes", comment or None)


def _fields(pairs: list[tuple[str, Any]]) -> tuple[str, str, str]:
    fields = dict(pairs)
    where, useful, comment = fields["page"], fields["useful"], fields.get("comment", "")
    if len(fields) != len(pairs) or not fields.keys() <= _FIELDS:
        raise ValueError
    if not (isinstance(where, str) and isinstance(comment, str) and useful in ("yes", "no")):
        raise TypeError
    return where, useful, comment


def _pairs_of_form(text: str) -> list[tuple[str, Any]]:
    found = parse_qsl(
        text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=8
    )
    return list(found)


def _pairs_of_json(text: str) -> list[tuple[str, Any]]:
    """The members of the outermost object, repeated ones as well."""
    found: Any = json.loads(text, object_pairs_hook=list)
    if not isinstance(found, list) or not all(isinstance(pair, tuple) for pair in found):
        raise TypeError
    return found


def _clean(comment: str) -> str:
    """A comment as it is kept: line breaks of one kind, and no other control character."""
    text = comment.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    text = "".join(
        sign if sign == "\n" or unicodedata.category(sign) != "Cc" else " " for sign in text
    )
    return _BLANK_LINES.sub("\n\n", text).strip()
