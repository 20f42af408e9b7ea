"""The description of JSON twins and calls is true: schemathesis asks every one of them."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tools.make_openapi import TWINS, WRITTEN, description
from tools.openapi_claims import CALLS

from pages.serving import Serving, serving
from portbook.claims import routes

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
    # Longer ones are refused before anybody looks: 414.
    assume(len(quote(case.formatted_path)) < 1500)
    # Waiting is for others to test: what is drawn here is up to an hour.
    for part in (case.body, case.query):
        if isinstance(part, dict):
            part.pop("wait_ms", None)
    headers = {"Authorization": f"Bearer {described.token}"} if known else {}
    case.call_and_validate(
        base_url=described.url.rstrip("/"),
        headers=headers,
        checks=[status_code_conformance, content_type_conformance, response_schema_conformance],
    )


def test_every_twin_and_call_was_asked() -> None:
    """The description lists exactly these."""
    paths = {twin.path for twin in TWINS} | {call.path for call in CALLS}
    assert paths == set(description()["paths"])
    assert len(CALLS) == sum(map(len, paths_below_v1().values()))


def test_every_call_of_the_desk_is_described() -> None:
    """And nothing that it does not answer, but for the three that are views."""
    views = {"/v1/listeners", "/v1/ports/{port}"}
    described = {
        (method.upper(), re.sub(r"\{.*?\}", "x", path))
        for path, methods in paths_below_v1().items()
        for method in methods
        if path not in views
    }
    listed = set(
        re.findall(r"^    (GET|PUT|POST|DELETE) +(/v1/[^ ?]*)", routes.__doc__ or "", re.MULTILINE)
    )
    assert described == {(method, re.sub(r"\{.*?\}", "x", path)) for method, path in listed}


def paths_below_v1() -> dict[str, dict[str, Any]]:
    """The description of the calls."""
    found = description()["paths"]
    return {path: found[path] for path in found if path.startswith("/v1/")}
