"""The description of the JSON twins is true: schemathesis asks every one of them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tools.make_openapi import TWINS, WRITTEN, description

from pages.serving import Serving, serving

pytestmark = pytest.mark.live

schema = schemathesis.openapi.from_dict(json.loads(WRITTEN.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for these tests."""
    with serving(tmp_path_factory.mktemp("described")) as found:
        yield found


def test_description_is_up_to_date(described: Serving) -> None:
    """What is committed is what the types say, and what the server answers."""
    assert json.loads(WRITTEN.read_text(encoding="utf-8")) == description()
    assert described.ask("/openapi.json").document == description()


@pytest.mark.parametrize("known", [False, True])
@schema.parametrize()
@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
def test_twin_answers_as_described(case: Any, described: Serving, *, known: bool) -> None:
    """Status, type and document are those described, for what fits the parameters and what not."""
    # A question mark in a part of the path ends the path: that asks for another page.
    assume("?" not in case.formatted_path)
    headers = {"Authorization": f"Bearer {described.token}"} if known else {}
    case.call_and_validate(
        base_url=described.url.rstrip("/"),
        headers=headers,
        checks=[status_code_conformance, content_type_conformance, response_schema_conformance],
    )


def test_every_twin_was_asked() -> None:
    """The description lists exactly the twins."""
    assert {twin.path for twin in TWINS} == set(description()["paths"])
