"""The JSON that commands really print, against the schemas that are published."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from tools.make_schemas import SCHEMAS, documents, schema_of

from command import portbook, recorded

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
    "search": (("search", "semaphor"), ("search", "nothing has this name")),
    "update": (("update", "--status"), ("update", "--rollback")),
    "orphans": (("orphans", "--year", "2002"), ("orphans", "--assignee", "nobody at all")),
}

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
    assert (run.code == 3) == bool(document.get("incomplete") and name != "why") or run.code == 1


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
