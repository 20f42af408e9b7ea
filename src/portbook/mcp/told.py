"""What a tool answers: the document that the command prints, and what a person would read of it."""

from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Told(Record):
    """`document` is JSON that is safe to show; `lines` are a few sentences, made safe later."""

    document: "dict[str, Any]"
    lines: tuple[str, ...]
