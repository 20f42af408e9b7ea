"""The JSON that commands really print, against the schemas that are published."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from tools.make_schemas import SCHEMAS, documents, schema_of

from command import portbook, recorded
from live.stage import actor

ROOT = recorded("debian12-root")
NOBODY = recorded("debian12-nobody")

COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "answer": (
        ("3255",),
        ("80", "--root", ROOT),
        ("22", "--root", NOBODY),
        ("7001", "--root", ROOT),
        ("0",),
        ("49152",),
        ("8086", "--no-probe"),
    ),
    "answers": (("80", "443", "8080-8090"), ("1-200", "--root", ROOT)),
    "listeners": (
        ("ls",),
        ("ls", "--root", ROOT),
        ("--root", NOBODY),
        ("ls", "--source", "procnet"),
    ),
    "why": (("why", "3255"), ("why", "7001", "--root", ROOT), ("why", "80/tcp", "--root", NOBODY)),
    "free": (("free",), ("free", "3", "--near", "8080"), ("free", "--root", ROOT)),
    "reserve": (("reserve", "web"), ("reserve", "web", "--kernel")),
    "env": (("env", "--name", "web", "--name", "db=DB"),),
    "search": (("search", "semaphor"), ("search", "nothing has this name")),
    "sources": (("sources",),),
    "audit": (("audit",), ("audit", "--root", ROOT), ("audit", "--root", NOBODY)),
    "update": (("update", "--status"), ("update", "--rollback")),
    "map": (
        ("map",),
        ("map", "--by", "year", "--port", "80"),
        ("map", "--by", "here", "--root", ROOT),
    ),
    "orphans": (("orphans", "--year", "2002"), ("orphans", "--assignee", "nobody at all")),
}

NOTHING_FOUND = ("search", "orphans", "audit")
"""Documents whose command may say no with exit code 1."""

CASES = [(name, arguments) for name, runs in COMMANDS.items() for arguments in runs]


def closed(schema: Any) -> Any:
    """The schema with every object closed: a field that is in no schema is a fault here."""
    if isinstance(schema, dict):
        shut = {key: closed(value) for key, value in schema.items()}
        if "properties" in shut:
            shut["additionalProperties"] = False
        return shut
    return [closed(item) for item in schema] if isinstance(schema, list) else schema


def validator(name: str) -> Draft202012Validator:
    """The published schema, closed."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(closed(schema))


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=lambda value: str(value)[:40])
def test_real_output_fits_the_published_schema(name: str, arguments: tuple[str, ...]) -> None:
    """One document, of the schema it names, with no field that is not published."""
    run = portbook(*arguments, "--json")
    assert run.err == ""
    document = run.document
    assert document["schema"] == f"portbook/{name}/1"
    validator(name).validate(document)
    expected = 3 if document.get("incomplete") else 0
    if (name, arguments[0]) in (("why", "why"), ("update", "update")) or name in NOTHING_FOUND:
        assert run.code in (expected, 1)
    else:
        assert run.code == expected


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("answer", ("80", "443", "--jsonl")),
        ("listener", ("ls", "--root", ROOT, "--jsonl")),
        ("match", ("search", "redis", "--jsonl")),
        ("tombstone", ("orphans", "--year", "2002", "--jsonl")),
    ],
)
def test_streams_print_one_document_per_line(name: str, arguments: tuple[str, ...]) -> None:
    """Each line of --jsonl is a document of its own schema."""
    lines = portbook(*arguments).out.splitlines()
    assert len(lines) > 1
    check = validator(name)
    for line in lines:
        document = json.loads(line)
        assert document["schema"] == f"portbook/{name}/1"
        check.validate(document)


def test_claims_and_permits_fit_their_schemas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each command about claims prints, from the claim to its release."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path))

    def said(name: str, *arguments: str) -> Any:
        run = portbook(*arguments)
        assert run.code == 0, run.err
        document = json.loads(run.out.splitlines()[0])
        assert document["schema"] == f"portbook/{name}/1"
        validator(name).validate(document)
        return document

    claim = said("claim", "claim", "--name", "web", "--label", "a=b", "--json")["claims"][0]
    permit = said("sem", "sem", "acquire", "gpu", "--limit", "2", "--json")["permit"]
    assert said("claims", "claims", "--json")["claims"][0]["id"] == claim["id"]
    said("sem", "sem", "list", "--json")
    said("renew", "renew", claim["id"], "--token", str(claim["token"]), "--json")
    said("release", "release", claim["id"], "--json")
    said("sem", "sem", "release", "gpu", permit["id"], "--json")
    said("unreserve", "unreserve", "web", "--json")
    said("run", "run", "--json", "--", "true")


def test_a_record_and_its_history_fit_their_schemas() -> None:
    """What a recorder prints and what is read back, with a real listener in it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        once = portbook("record", "--once", "--json")
        validator("record").validate(once.document)
        found = portbook("history", port, "--json")
    validator("history").validate(found.document)
    assert [period["port"] for period in found.document["periods"]] == [int(port)]
    for line in portbook("history", port, "--jsonl").out.splitlines():
        validator("period").validate(json.loads(line))


def test_a_plan_to_stop_fits_its_schema() -> None:
    """The dry run names what it would end, and ends nothing."""
    with actor() as served:
        port = str(served("bind")["port"])
        planned = portbook("stop", port, "--dry-run", "--json")
        validator("stop").validate(planned.document)
        assert planned.document["dry_run"] is True
        assert planned.document["steps"]
        assert portbook("ls", "--port", port).code in (0, 3)


def test_the_published_schemas_are_those_of_the_code() -> None:
    """docs/schema is generated: tools/make_schemas.py writes it."""
    for name, document in documents().items():
        text = (SCHEMAS / f"{name}.json").read_text(encoding="utf-8")
        assert json.loads(text) == schema_of(name, document), f"stale: {name}"
    assert {file.stem for file in Path(SCHEMAS).glob("*.json")} == set(documents())


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: document["listeners"][0].pop("netns"),
        lambda document: document["listeners"][0].update(port="80"),
        lambda document: document["listeners"][0]["verdict"].update(value="fine"),
        lambda document: document["listeners"][0]["owners"][0].update(surprise=1),
        lambda document: document["listeners"][0].update(uid=None),
    ],
)
def test_the_schemas_notice_a_planted_fault(damage: Callable[[Any], object]) -> None:
    """A missing field, a wrong type, an unknown word or a null-as-shrug does not pass."""
    document = portbook("ls", "--root", ROOT, "--json").document
    validator("listeners").validate(document)
    damage(document)
    with pytest.raises(ValidationError):
        validator("listeners").validate(document)
