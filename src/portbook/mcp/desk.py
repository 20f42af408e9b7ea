"""Answers calls: finds the tool, checks the arguments, runs it, and tells every failure in words.

Knows nothing of the protocol but the two lists it answers with, so it is quick to load. What a tool
refuses is an answer too (`isError`), so that the model can read why and do better.
"""

import os

from portbook.mcp import catalogue
from portbook.mcp.arguments import checked
from portbook.mcp.plain_text import error_text, safe
from portbook.mcp.promising import EVERYBODY, Leases
from portbook.model.errors import EnvironmentFault, NotPermitted, PortbookError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from portbook.mcp.catalogue import Tool
    from portbook.mcp.told import Told

    Schema = dict[str, Any]

_LONGEST_LINE = 1200
_MOST_LINES = 260
"""Lines of the text: as many listeners as can be asked for, and what is said around them."""


_SWITCHED_OFF = NotPermitted(
    "claiming is switched off: this server only reads",
    hint="the user can start it as portbook mcp --allow-claims",
)


class Desk:
    """The tools of one server. `claims`: whether those that claim ports are among them."""

    def __init__(self, *, claims: bool = False) -> None:
        self.claims = claims
        self.leases = Leases()

    def tools(self) -> "list[Schema]":
        """The tools that are there, as `tools/list` tells them."""
        return [_described(each) for each in catalogue.TOOLS if self.claims or not each.claims]

    def call(self, tool: "Tool", given: "Mapping[str, Any] | None", session: str) -> "Schema":
        """The result of one call; never raises, and never a traceback."""
        if tool.claims and not self.claims:
            return failure(_SWITCHED_OFF)
        try:
            told = self._work(tool, session)(checked(tool, given))
        except PortbookError as error:
            return failure(error)
        except OSError as error:
            where = f"{error.filename}: " if isinstance(error.filename, str) else ""
            return failure(EnvironmentFault(where + (error.strerror or type(error).__name__)))
        except Exception as error:  # noqa: BLE001 - the last line of defence against a traceback
            return failure(own_fault(error))
        return result(told)

    def _work(self, tool: "Tool", session: str) -> "Callable[[dict[str, Any]], Told]":
        """What answers a tool; its modules are loaded with the first call."""
        if tool.name == "claim_port":
            return lambda asked: self.leases.claim(asked, session)
        if tool.name == "release_port":
            return lambda asked: self.leases.release(asked, session)
        if tool.name == "lint_folder":
            from portbook.mcp.checking_files import lint

            return lint
        from portbook.mcp import asking

        return {
            "explain_port": asking.explain,
            "who_holds_port": asking.who_holds,
            "why_cannot_bind": asking.why_not,
            "free_port": asking.free,
        }[tool.name]

    def give_back(self, tool: "Tool", made: "Schema") -> None:
        """Undo a call whose answer nobody will read."""
        if tool.name == "claim_port" and not made["isError"]:
            self.leases.give_back(made["structuredContent"]["claims"])

    def warm_up(self) -> None:
        """Load what the first call would have to wait for; what goes wrong is told then."""
        for name, given in _FIRST_CALLS:
            tool = catalogue.tool_called(name)
            if tool is not None:
                self.call(tool, given, EVERYBODY)


_FIRST_CALLS: "tuple[tuple[str, dict[str, Any]], ...]" = (
    ("explain_port", {"port": 3255}),
    ("who_holds_port", {"limit": 1}),
    ("why_cannot_bind", {"port": 3255}),
    ("free_port", {}),
    ("lint_folder", {"folder": os.path.dirname(__file__)}),
)


def result(told: "Told") -> "Schema":
    """An answer as the protocol has it."""
    lines = [safe(line, _LONGEST_LINE) for line in told.lines[:_MOST_LINES]]
    return {
        "content": [{"type": "text", "text": "\n".join(lines)}],
        "structuredContent": told.document,
        "isError": False,
    }


def failure(error: PortbookError) -> "Schema":
    """A refusal as the protocol has it: the line and the hint."""
    return {"content": [{"type": "text", "text": error_text(error)}], "isError": True}


def own_fault(error: Exception) -> PortbookError:
    """A fault of portbook's own in one line; with PORTBOOK_TRACEBACK=1 stderr shows where."""
    if os.environ.get("PORTBOOK_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    said = f"{type(error).__name__}: {error}".partition("\n")[0]
    return EnvironmentFault(
        f"a fault in portbook itself: {said}",
        hint="with PORTBOOK_TRACEBACK=1 the server shows where on stderr; please report it",
    )


def _described(tool: "Tool") -> "Schema":
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.about,
        "inputSchema": tool.input_schema(),
        "outputSchema": tool.output_schema(),
        "annotations": {
            "title": tool.title,
            "readOnlyHint": not tool.claims,
            "destructiveHint": False,
            "idempotentHint": tool.repeats,
            "openWorldHint": False,
        },
    }
