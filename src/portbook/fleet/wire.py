"""The messages of a fleet as bytes, both ways: reports and their receipts, questions and answers.

A message is one JSON object in UTF-8 with its `schema`; rows are arrays in the order of FleetRow.
What is longer than `PACK_ABOVE` bytes is packed by zlib (RFC 1950), whose first byte is 0x78. What
comes in is checked here, field by field, so that nothing else has to: lengths before bytes are
unpacked or read, then types, then bounds. Fields that are unknown are left out, since a newer
portbook may have more. A text that an agent sends was made safe by it (model.printable).
"""

import json
import re
import zlib
from collections.abc import Callable, Mapping

from portbook.fleet.bus import LARGEST
from portbook.fleet.settings import HOST_ID, LABEL
from portbook.model.errors import PortbookError
from portbook.model.fleet import (
    FORMS,
    MOST_ROWS,
    ROWS_A_REPORT,
    Acknowledged,
    FleetReport,
    FleetRow,
    HostAnswer,
    Question,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    _Reader = Callable[[str, Any], Any]

REPORT = "portbook/fleet-report/1"
ACKNOWLEDGED = "portbook/fleet-acknowledged/1"
QUESTION = "portbook/fleet-question/1"
ANSWER = "portbook/fleet-answer/1"
PACK_ABOVE = 2_000
LARGEST_UNPACKED = 16_000_000
MOST_VALUES = 1_000_000
"""Values of one message, by their commas, colons and brackets: an empty list takes 3 bytes of a
message and 64 of memory."""
LONGEST_TEXT = 4_096
LONGEST_INDEXED = 255
"""Characters of a text that is a key of the store: PostgreSQL indexes at most 2,704 bytes."""
OLDEST_MS = 366 * 86_400_000
"""An age beyond this is a mistake."""
LONGEST_EVERY_MS = 86_400_000
MOST_LABELS = 32
MOST_GAPS = 1_000
MOST_TAKEN = 70_000
"""Ranges of ports of one answer."""
RESULTS = ("kept", "again", "full", "duplicate", "refused")
_BIG = 2**63
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Controls, which no terminal should see, NUL among them, which PostgreSQL cannot hold, and lone
surrogates, which are no text. All else is a matter of who prints it: what is unassigned in one
version of Unicode is a letter in the next."""


class Malformed(PortbookError):
    """A message that is none, or does not fit; one line says what of it."""


def encode_report(report: FleetReport) -> bytes:
    """A report as an agent sends it.

    Raises:
        Malformed: it is longer than a bus carries, or has a text that is none.
    """
    return _packed(REPORT, report)


def decode_report(data: bytes) -> FleetReport:
    """A report as a hub takes it.

    Raises:
        Malformed: as the class says; also of the three functions below.
    """
    report: FleetReport = _record(FleetReport, _REPORT, _unpacked(REPORT, data))
    return report


def encode_acknowledged(receipt: Acknowledged) -> bytes:
    """What a hub answers to a report."""
    return _packed(ACKNOWLEDGED, receipt)


def decode_acknowledged(data: bytes) -> Acknowledged:
    """The same, as an agent reads it."""
    receipt: Acknowledged = _record(Acknowledged, _ACKNOWLEDGED, _unpacked(ACKNOWLEDGED, data))
    return receipt


def encode_question(question: Question) -> bytes:
    """A question as it is asked."""
    return _packed(QUESTION, question)


def decode_question(data: bytes) -> Question:
    """The same, as an agent reads it: one of the known forms, or nothing."""
    question: Question = _record(Question, _QUESTION, _unpacked(QUESTION, data))
    return question


def encode_answer(answer: HostAnswer) -> bytes:
    """A host's answer, or a part of it."""
    return _packed(ANSWER, answer)


def decode_answer(data: bytes) -> HostAnswer:
    """The same, as whoever asked reads it."""
    answer: HostAnswer = _record(HostAnswer, _ANSWER, _unpacked(ANSWER, data))
    return answer


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _packed(schema: str, record: "Any") -> bytes:
    fields = record._asdict()
    if "labels" in fields:
        fields["labels"] = dict(record.labels)
    try:
        data = _ENCODER.encode({"schema": schema, **fields}).encode()
    except UnicodeEncodeError:
        raise Malformed(f"{schema}: a text of it is no Unicode") from None
    if len(data) > PACK_ABOVE:
        if len(data) > LARGEST_UNPACKED:
            raise Malformed(f"{schema}: {len(data)} bytes are more than a bus carries")
        # Level 3 takes half the time of zlib's own choice for a tenth more bytes.
        data = zlib.compress(data, 3)
    if len(data) > LARGEST:
        raise Malformed(f"{schema}: {len(data)} bytes are more than a bus carries")
    return data


def _unpacked(schema: str, data: bytes) -> "dict[str, Any]":
    if len(data) > LARGEST:
        raise Malformed(f"{schema}: {len(data)} bytes are too many")
    if data[:1] == b"\x78":
        data = _inflated(schema, data)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Malformed(f"{schema}: it is no UTF-8") from None
    if sum(map(text.count, ",:[")) > MOST_VALUES:
        raise Malformed(f"{schema}: it has too many values")
    try:
        found = _DECODER.decode(text)
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed(f"{schema}: it is no JSON") from None
    if not isinstance(found, dict):
        raise Malformed(f"{schema}: it is no JSON object")
    if found.get("schema") != schema:
        raise Malformed(f"{schema}: its schema is another")
    # Without an escape the texts are parts of the whole: one look at that, mostly, and no more.
    if "\\" in text or not text.isprintable():
        _refuse_steering(found)
    return found


def _inflated(schema: str, data: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        made = stream.decompress(data, LARGEST_UNPACKED + 1)
    except zlib.error:
        raise Malformed(f"{schema}: it does not unpack") from None
    if len(made) > LARGEST_UNPACKED:
        raise Malformed(f"{schema}: it unpacks to more than {LARGEST_UNPACKED} bytes")
    if not stream.eof or stream.unused_data:
        raise Malformed(f"{schema}: it does not end where its packing does")
    return made


def _no_constant(name: str) -> "Any":
    raise Malformed(f"{name} is no JSON")


def _unique(pairs: "list[tuple[str, Any]]") -> "dict[str, Any]":
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Malformed("a field comes twice")
    return made


_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_unique)


def _refuse_steering(found: "dict[str, Any]") -> None:
    left: list[Any] = [found]
    while left:
        each = left.pop()
        if isinstance(each, str):
            if _STEERING.search(each):
                raise Malformed("a text has control characters or is no Unicode")
        elif isinstance(each, list):
            left.extend(each)
        elif isinstance(each, dict):
            left.extend(each)
            left.extend(each.values())


def _record(made: "Any", readers: "Mapping[str, _Reader]", found: "dict[str, Any]") -> "Any":
    """The record of a message, each field read by its reader; those with a default may miss."""
    values = {}
    for field, read in readers.items():
        if field in found:
            values[field] = read(field, found[field])
        elif field not in made._field_defaults:
            raise Malformed(f"{field} is missing")
    return made(**values)


def _whole(least: int, most: int) -> "_Reader":
    def read(name: str, value: "Any") -> int:
        # No bool: JSON's true is no number, though Python's is one.
        if type(value) is not int or not least <= value <= most:
            raise Malformed(f"{name} is no whole number from {least} to {most}")
        return value

    return read


def _text(most: int, form: "re.Pattern[str] | None" = None) -> "_Reader":
    def read(name: str, value: "Any") -> str:
        if type(value) is not str or len(value) > most:
            raise Malformed(f"{name} is no text of up to {most} characters")
        if form is not None and form.fullmatch(value) is None:
            raise Malformed(f"{name} has characters that it cannot have")
        return value

    return read


def _flag(name: str, value: "Any") -> bool:
    if type(value) is not bool:
        raise Malformed(f"{name} is neither true nor false")
    return value


def _one_of(words: tuple[str, ...]) -> "_Reader":
    def read(name: str, value: "Any") -> str:
        if type(value) is not str or value not in words:
            raise Malformed(f"{name} is none of {', '.join(words)}")
        return value

    return read


def _or_none(read: "_Reader") -> "_Reader":
    return lambda name, value: None if value is None else read(name, value)


def _labels(name: str, value: "Any") -> tuple[tuple[str, str], ...]:
    if type(value) is not dict or len(value) > MOST_LABELS:
        raise Malformed(f"{name} is no object of up to {MOST_LABELS} texts")
    return tuple((_LABEL(name, key), _LABEL(name, each)) for key, each in sorted(value.items()))


def _texts(name: str, value: "Any") -> tuple[str, ...]:
    if type(value) is not list or len(value) > MOST_GAPS:
        raise Malformed(f"{name} is no list of up to {MOST_GAPS} texts")
    return tuple(_TEXT(name, each) for each in value)


def _table(columns: "tuple[tuple[str, frozenset[type], int, int], ...]", most: int) -> "_Reader":
    """Reads a list of arrays of the same length, column by column: a microsecond for a row."""
    width = {len(columns)}

    def read(name: str, value: "Any") -> "list[list[Any]]":
        if type(value) is not list or len(value) > most:
            raise Malformed(f"{name} is no list of up to {most} rows")
        if not value:
            return []
        if set(map(type, value)) != {list} or set(map(len, value)) != width:
            raise Malformed(f"{name} has a row that is no array of {len(columns)}")
        turned = zip(*value, strict=True)
        for (field, types, least, bound), column in zip(columns, turned, strict=True):
            if not types.issuperset(map(type, column)):
                raise Malformed(f"{name}: a row's {field} is of another type")
            if str in types:
                fits = max(map(len, filter(None, column)), default=0) <= bound
            else:
                there = [each for each in column if each is not None] or (least,)
                fits = least <= min(there) and max(there) <= bound
            if not fits:
                raise Malformed(f"{name}: a row's {field} is out of bounds")
        return value

    return read


_WHOLE, _WORDS = frozenset({int}), frozenset({str})
_MAYBE_WHOLE, _MAYBE_WORDS = _WHOLE | {type(None)}, _WORDS | {type(None)}
_TEXT_COLUMN = (_WORDS, 0, LONGEST_TEXT)
_MAYBE_COLUMN = (_MAYBE_WORDS, 0, LONGEST_TEXT)
_COLUMNS: "dict[str, tuple[frozenset[Any], int, int]]" = {
    "transport": (_WORDS, 0, 16),
    "address": (_WORDS, 0, LONGEST_INDEXED),
    "port": (_WHOLE, 0, 65_535),
    "netns": (_WORDS, 0, LONGEST_INDEXED),
    "inode": (_WHOLE, 0, _BIG - 1),
    "state": (_WORDS, 0, LONGEST_INDEXED),
    "reach": (_WORDS, 0, LONGEST_INDEXED),
    "process": (_MAYBE_WORDS, 0, LONGEST_INDEXED),
    "pid": (_MAYBE_WHOLE, 0, 2**31 - 1),
    "exe": _MAYBE_COLUMN,
    "user": _MAYBE_COLUMN,
    "unit": _MAYBE_COLUMN,
    "container": _MAYBE_COLUMN,
    "package": _MAYBE_COLUMN,
    "speaks": _MAYBE_COLUMN,
    "verdict": (_WORDS, 0, LONGEST_INDEXED),
    "severity": (_MAYBE_WORDS, 0, LONGEST_INDEXED),
    "rules": _TEXT_COLUMN,
    "started": (_MAYBE_WHOLE, -_BIG, _BIG - 1),
    "unknown": _TEXT_COLUMN,
}
_KEY = ("netns", "transport", "address", "port", "inode")
_ROW_TABLE = _table(tuple((name, *bounds) for name, bounds in _COLUMNS.items()), ROWS_A_REPORT)
_KEY_TABLE = _table(tuple((name, *_COLUMNS[name]) for name in _KEY), ROWS_A_REPORT)
_PORT = (_WHOLE, 0, 65_535)
_TAKEN_TABLE = _table((("first", *_PORT), ("last", *_PORT)), MOST_TAKEN)


def _rows(name: str, value: "Any") -> tuple[FleetRow, ...]:
    return tuple(map(FleetRow._make, _ROW_TABLE(name, value)))


_TEXT = _text(LONGEST_TEXT)
_SHORT = _text(LONGEST_INDEXED)
_LABEL = _text(63, LABEL)
_HOST = _text(63, HOST_ID)
_AGE = _whole(0, OLDEST_MS)
_HASH = _whole(-_BIG, _BIG - 1)
_NUMBER = _or_none(_whole(0, 65_535))
_REPORT: "dict[str, _Reader]" = {
    "host": _HOST,
    "name": _SHORT,
    "instance": _SHORT,
    "seq": _whole(1, _BIG - 1),
    "full": _flag,
    "base": _HASH,
    "after": _HASH,
    "total": _whole(0, MOST_ROWS),
    "age_ms": _AGE,
    "every_ms": _whole(1, LONGEST_EVERY_MS),
    "version": _SHORT,
    "labels": _labels,
    "rows": _rows,
    "gone": lambda name, value: tuple(map(tuple, _KEY_TABLE(name, value))),
    "gaps": _texts,
}
_ACKNOWLEDGED: "dict[str, _Reader]" = {
    "host": _HOST,
    "seq": _whole(0, _BIG - 1),
    "result": _one_of(RESULTS),
    "why": _TEXT,
}
_QUESTION: "dict[str, _Reader]" = {
    "id": _text(64, re.compile(r"[A-Za-z0-9_.-]{1,64}")),
    "form": _one_of(FORMS),
    "port": _NUMBER,
    "transport": _or_none(_text(16, re.compile(r"[a-z0-9-]{1,16}"))),
    "where": _or_none(_TEXT),
    "first": _NUMBER,
    "last": _NUMBER,
    "labels": _labels,
    "within_ms": _whole(1, 600_000),
}
_ANSWER: "dict[str, _Reader]" = {
    "question": _QUESTION["id"],
    "host": _HOST,
    "name": _SHORT,
    "age_ms": _AGE,
    "rows": _rows,
    "taken": lambda name, value: tuple(map(tuple, _TAKEN_TABLE(name, value))),
    "gaps": _texts,
    "last": _flag,
    "why": _TEXT,
}
