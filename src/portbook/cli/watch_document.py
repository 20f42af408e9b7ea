"""The JSON of `portbook watch`: pairs of a name and a number become objects, bytes become text."""

from portbook.model.document import document, plain
from portbook.model.record import Record
from portbook.model.traffic import SourceSeen, Traffic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from portbook.survey.watching import Calibration

_SHOWN_BYTES = 96


class TrafficEvent(Record):
    """One line of a stream: a source whose verdict is new or has changed.

    `at` is when it was said, ISO 8601 UTC; for a capture, when the source was last seen. `before`
    is the verdict that it had, None for a source that is new. Where more changed at once than are
    told one by one, `source` is None and `more` says how many.
    """

    at: str
    before: str | None
    source: SourceSeen | None
    more: int = 0


def traffic_document(
    traffic: Traffic, calibration: "Calibration | None" = None
) -> "dict[str, Any]":
    """`portbook/traffic/1`; `calibration` is there where it was asked for."""
    body = document("traffic", traffic)
    body["sources"] = [_source(each) for each in traffic.sources]
    for shown, port in zip(body["ports"], traffic.ports, strict=True):
        shown["verdicts"] = dict(port.verdicts)
        shown["tools"] = dict(port.tools)
    body["verdicts"] = dict(traffic.verdicts)
    body["passed"] = dict(traffic.passed)
    if calibration is not None:
        body["calibration"] = plain(calibration)
    return body


def event_document(
    at: str, before: str | None, source: SourceSeen | None, more: int = 0
) -> "dict[str, Any]":
    """`portbook/traffic-event/1`."""
    body = document("traffic-event", TrafficEvent(at, before, None, more))
    body["source"] = _source(source) if source is not None else None
    return body


def _source(source: SourceSeen) -> "dict[str, Any]":
    shown: dict[str, Any] = plain(source._replace(openers=()))
    shown["openers"] = [
        {**plain(each._replace(details=(), shows=b"")), "details": dict(each.details)}
        | {"shows": escaped(each.shows)}
        for each in source.openers
    ]
    return shown


def escaped(data: bytes) -> str:
    """Bytes as printable ASCII, everything else as in Python's bytes; cut with an ellipsis."""
    text = data[:_SHOWN_BYTES].decode("latin-1").encode("unicode_escape").decode("ascii")
    return text + ("..." if len(data) > _SHOWN_BYTES else "")
