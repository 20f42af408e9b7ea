"""Write src/portbook/pages/openapi.json, what `/openapi.json` answers: make_openapi.py [--check].

The documents are those of docs/schema/, so the description cannot drift from the command line.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tools.make_schemas import Document, Schema, documents
from tools.openapi_claims import paths, schemas

from portbook.model.version import __version__

WRITTEN = Path(__file__).parent.parent / "src" / "portbook" / "pages" / "openapi.json"


class Parameter(NamedTuple):
    """One part of an address, or one field of a query."""

    name: str
    about: str
    schema: dict[str, Any]
    where: str = "path"
    required: bool = True


class Twin(NamedTuple):
    """One JSON twin: its documents by the middle part of their schema ids."""

    path: str
    name: str
    about: str
    documents: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[int, ...] = ()
    token: bool = False


_PORT = Parameter("port", "A port number.", {"type": "integer", "minimum": 0, "maximum": 65535})
_TRANSPORT = Parameter("transport", "One transport.", {"enum": ["tcp", "udp", "sctp", "dccp"]})
_SERVICE = Parameter(
    "service",
    "A service name as IANA registered it, in any case.",
    {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z][A-Za-z0-9-]*$"},
)
_TEXT = Parameter(
    "q", "What to look for.", {"type": "string", "minLength": 1, "maxLength": 100}, "query"
)
_ASSIGNEE = Parameter(
    "assignee",
    "The id of an assignee as IANA has it.",
    {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z][A-Za-z0-9_.-]*$"},
)
_YEAR = Parameter("year", "A year.", {"type": "integer", "minimum": 1000, "maximum": 9999})
_BY = Parameter("by", "The colouring.", {"enum": ["life", "year", "range", "here"]}, "query", False)
_LAYOUT = Parameter("layout", "The layout.", {"enum": ["hilbert", "rows"]}, "query", False)
_PROCESS = Parameter(
    "process",
    "Only listeners of that program; empty: of one that is not known.",
    {"type": "string", "maxLength": 100},
    "query",
    False,
)
_VERDICT = Parameter(
    "verdict",
    "Only listeners with that verdict.",
    {"type": "string", "maxLength": 40},
    "query",
    False,
)
_PAGE = Parameter(
    "page",
    "Which hundred of them.",
    {"type": "integer", "minimum": 1, "maximum": 10_000},
    "query",
    False,
)
_STATE = Parameter(
    "state",
    "Only hosts of that state.",
    {"enum": ["fresh", "silent", "duplicate", "never"]},
    "query",
    False,
)
_DAYS = Parameter("days", "How far back.", {"enum": [1, 7, 30, 90]}, "query", False)
_HOST = Parameter(
    "host",
    "The id of a host.",
    {"type": "string", "pattern": "^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$"},
)

TWINS = (
    Twin(
        "/{port}.json",
        "port",
        "Everything about one port. Without the token this machine is left out, and `incomplete`"
        " says so.",
        ("answer",),
        (_PORT,),
        (404,),
    ),
    Twin(
        "/{port}/{transport}.json",
        "port-over-transport",
        "The same about one transport alone.",
        ("answer",),
        (_PORT, _TRANSPORT),
        (404,),
    ),
    Twin(
        "/name/{service}.json",
        "service",
        "The port, or the ports, of a service.",
        ("answer", "answers"),
        (_SERVICE,),
        (404,),
    ),
    Twin(
        "/search.json",
        "search",
        "Services and products that fit a text.",
        ("search",),
        (_TEXT,),
        (400,),
    ),
    Twin("/orphans.json", "orphans", "Registrations without a public trace.", ("orphans",)),
    Twin("/census.json", "census", "The census of all registrations.", ("census",)),
    Twin(
        "/assignee/{assignee}.json",
        "assignee",
        "The registrations of an assignee.",
        ("orphans",),
        (_ASSIGNEE,),
        (404,),
    ),
    Twin(
        "/year/{year}.json",
        "year",
        "The registrations of a year.",
        ("orphans",),
        (_YEAR,),
        (404,),
    ),
    Twin(
        "/map.json",
        "map",
        "Every port with its kind, run-length encoded. Coloured by what listens here it needs"
        " the token.",
        ("map",),
        (_BY, _LAYOUT),
        (400, 401, 404),
    ),
    Twin(
        "/here.json",
        "here",
        "Every listener of this machine.",
        ("listeners",),
        (),
        (401, 404, 503),
        token=True,
    ),
    Twin(
        "/feedback.json",
        "feedback",
        "How useful each page was.",
        ("feedback",),
        (),
        (401, 503),
        token=True,
    ),
    Twin(
        "/fleet.json",
        "fleet",
        "All hosts of a fleet in numbers, where a store of many machines is named.",
        ("fleet-overview",),
        (),
        (401, 404, 503),
        token=True,
    ),
    Twin(
        "/fleet/hosts.json",
        "fleet-hosts",
        "The hosts of a fleet, a hundred of them.",
        ("fleet-hosts",),
        (_STATE, _PAGE),
        (400, 401, 404, 503),
        token=True,
    ),
    Twin(
        "/fleet/port/{port}.json",
        "fleet-port",
        "A port across the hosts of a fleet.",
        ("fleet-port",),
        (_PORT, _PROCESS, _VERDICT, _PAGE),
        (400, 401, 404, 503),
        token=True,
    ),
    Twin(
        "/fleet/host/{host}.json",
        "fleet-host",
        "A host of a fleet through time.",
        ("fleet-host",),
        (_HOST, _DAYS, _PAGE),
        (400, 401, 404, 503),
        token=True,
    ),
    Twin(
        "/fleet/map.json",
        "fleet-map",
        "How many hosts of a fleet use each port.",
        ("fleet-map",),
        (),
        (401, 404, 503),
        token=True,
    ),
)

_OWN = ("Run",)
"""Names that several documents give to different parts."""

_EVERYWHERE = (414,)
"""Told before a view is asked."""

_REFUSALS = {
    400: "What was asked for cannot be understood.",
    401: "The token is needed.",
    404: "There is no such thing.",
    414: "The address is too long.",
    503: "It cannot be had now.",
}


def description() -> dict[str, Any]:
    """The whole OpenAPI 3.1 description."""
    known = documents()
    components: dict[str, Any] = {"Refusal": _REFUSAL}
    for name in sorted({name for twin in TWINS for name in twin.documents}):
        for part, schema in _parts(name, known[name]).items():
            if components.setdefault(part, schema) != schema:
                raise ValueError(f"two different parts of documents are called {part}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "portbook",
            "version": __version__,
            "description": "The pages of the book as JSON, the documents that the command line"
            " prints with --json; and below /v1/ the claims of ports and semaphores.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {twin.path: {"get": _operation(twin)} for twin in TWINS} | paths(),
        "components": {
            "schemas": dict(sorted((components | schemas()).items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _parts(name: str, document: Document) -> dict[str, Any]:
    """The schema of one document, and of what it is made of, by their names here.

    A part is called after its document where documents have different parts of one name.
    """
    schema = Schema()
    properties = {field: schema.of(kind) for field, kind in document.fields}
    identifier = {"schema": {"const": f"portbook/{name}/1"}}
    body = Schema.body(document.about, identifier | properties, document.optional)
    told = json.dumps({f"portbook.{name}": body, **schema.definitions})
    for part in schema.definitions:
        own = f"{name}.{part}" if part in _OWN else part
        told = told.replace(f'"#/$defs/{part}"', f'"#/components/schemas/{own}"')
    parts: dict[str, Any] = json.loads(told)
    return {f"{name}.{part}" if part in _OWN else part: body for part, body in parts.items()}


def _operation(twin: Twin) -> dict[str, Any]:
    kinds = [{"$ref": f"#/components/schemas/portbook.{name}"} for name in twin.documents]
    described: dict[str, Any] = {
        "operationId": twin.name,
        "summary": twin.about,
        "parameters": [
            {
                "name": each.name,
                "in": each.where,
                "required": each.required,
                "description": each.about,
                "schema": each.schema,
            }
            for each in twin.parameters
        ],
        "responses": {
            "200": _response("The document.", kinds[0] if len(kinds) == 1 else {"anyOf": kinds}),
            **{
                str(status): _response(_REFUSALS[status], {"$ref": "#/components/schemas/Refusal"})
                for status in sorted({*twin.refusals, *_EVERYWHERE})
            },
        },
    }
    if twin.token:
        described["security"] = [{"token": []}]
    return described


def _response(about: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


_REFUSAL = {
    "description": "Why there is no document; `message` is a sentence for people.",
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "hint": {"type": "string"},
            },
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}


def main() -> int:
    """Write the description, or with --check say whether it differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    check = parser.parse_args().check
    text = json.dumps(description(), indent=1) + "\n"
    stale = not WRITTEN.exists() or WRITTEN.read_text(encoding="utf-8") != text
    if stale and not check:
        WRITTEN.write_text(text, encoding="utf-8")
    print(f"{'stale' if check else 'written'}: {WRITTEN.name if stale else 'none'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
