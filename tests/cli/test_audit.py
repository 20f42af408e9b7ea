"""`portbook audit` on recorded hosts, and its baseline file."""

import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import portbook, recorded
from portbook.cli.audit_baseline import parse, read_baseline, write_baseline
from portbook.host.baseline_file import BadBaseline
from portbook.model import EnvironmentFault, Unknown, document
from portbook.model.finding import Holder, Kept

ROOT = recorded("debian12-root")
NOBODY = recorded("debian12-nobody")

KEPT = (
    Kept("tcp", "any", 80, (Holder(None, "nginx.service", None, "dpkg/nginx", "/usr/sbin/nginx"),)),
    Kept("udp", "any", 51820, (Holder(None, None, None, None, None, "wireguard"),)),
    Kept("tcp", "loopback", 9, (Holder(Unknown("denied")),), ("temporary-folder",)),
)


def test_an_audit_says_what_it_looked_at() -> None:
    """The last line counts listeners and findings; the exit code is honest."""
    run = portbook("audit", "--root", ROOT)
    assert "listeners: " in run.out
    assert run.err == ""
    assert run.code in (0, 1, 3)


def test_an_audit_without_rights_is_incomplete() -> None:
    """As nobody other users' processes are hidden: exit code 3, with the gap named."""
    run = portbook("audit", "--root", NOBODY, "--json")
    assert run.code == 3
    assert run.document["schema"] == "portbook/audit/1"
    assert run.document["incomplete"]
    assert run.document["drift"] == {"added": [], "gone": [], "changed": []}


def test_findings_come_worst_first_and_one_to_a_line() -> None:
    """--jsonl prints the findings of --json as documents of their own."""
    whole = portbook("audit", "--root", ROOT, "--json").document["findings"]
    lines = portbook("audit", "--root", ROOT, "--jsonl").out.splitlines()
    assert [json.loads(line)["rule"] for line in lines] == [each["rule"] for each in whole]
    ranks = [("high", "medium", "low", "info").index(each["severity"]) for each in whole]
    assert ranks == sorted(ranks)
    for each in whole:
        assert each["listener"]["port"] and each["reason"] and each["next"]


def test_what_was_taken_for_granted_is_no_drift(tmp_path: Path) -> None:
    """A baseline of a host compared with the same host is quiet."""
    file = tmp_path / "baseline.json"
    wrote = portbook("audit", "--root", ROOT, "--write-baseline", str(file))
    assert wrote.code in (0, 3)
    assert "pid" not in file.read_text(encoding="utf-8")
    again = portbook("audit", "--root", ROOT, "--baseline", str(file), "--json")
    assert again.code == wrote.code
    assert again.document["drift"] == {"added": [], "gone": [], "changed": []}
    assert all(each["known"] for each in again.document["findings"])
    assert "no drift" in portbook("audit", "--root", ROOT, "--baseline", str(file)).out


def test_a_baseline_of_root_compared_without_root_has_no_drift(tmp_path: Path) -> None:
    """What is hidden now is no change: the same host, recorded as root and as nobody."""
    file = tmp_path / "baseline.json"
    portbook("audit", "--root", ROOT, "--write-baseline", str(file))
    drift = portbook("audit", "--root", NOBODY, "--baseline", str(file), "--json").document["drift"]
    assert drift["changed"] == []


def changed_baseline(tmp_path: Path) -> Path:
    """A baseline of the recorded host, without one listener and with another holder of one."""
    file = tmp_path / "baseline.json"
    portbook("audit", "--root", ROOT, "--write-baseline", str(file))
    body = json.loads(file.read_text(encoding="utf-8"))
    rows = [row for row in body["listeners"] if row["transport"] == "tcp" and row["reach"] == "any"]
    body["listeners"].remove(rows[0])
    for holder in rows[1]["holders"]:
        holder |= {"unit": "other.service", "package": "dpkg/other", "container": None}
    body["listeners"].append({**rows[1], "port": 7})
    file.write_text(json.dumps(body), encoding="utf-8")
    return file


def test_drift_is_told_and_fails_the_audit(tmp_path: Path) -> None:
    """Added, gone and changed; the first and the last are findings of severity medium."""
    file = changed_baseline(tmp_path)
    run = portbook("audit", "--root", ROOT, "--baseline", str(file), "--json")
    drift = run.document["drift"]
    assert (len(drift["added"]), len(drift["gone"]), len(drift["changed"])) == (1, 1, 1)
    rules = {each["rule"]: each["severity"] for each in run.document["findings"]}
    assert rules["drift-added"] == rules["drift-changed"] == "medium"
    assert run.code == 1
    text = portbook("audit", "--root", ROOT, "--baseline", str(file)).out
    assert "\n+ " in text and "\n- 7/tcp" in text and "\n~ " in text


def test_fail_on_says_from_which_severity_an_audit_fails(tmp_path: Path) -> None:
    """Drift is medium: with --fail-on high it does not fail."""
    file = str(changed_baseline(tmp_path))
    assert portbook("audit", "--root", ROOT, "--baseline", file, "--fail-on", "high").code != 1
    assert portbook("audit", "--root", ROOT, "--baseline", file, "--fail-on", "low").code == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"schema":"portbook/baseline/2","listeners":[]}', "portbook/baseline/2"),
        ('{"schema":"portbook/listeners/1","listeners":[]}', "portbook/listeners/1"),
        ("", "not JSON"),
        ("[]", "names no schema"),
        ('{"schema":"portbook/baseline/1"}', "no list"),
        ('{"schema":"portbook/baseline/1","listeners":[7]}', "listener 1"),
        ('{"schema":"portbook/baseline/1","listeners":[{"port":true}]}', "port is none"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_is_no_baseline_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    """Another schema version too: exit code 5, what is wrong, and the way out."""
    file = tmp_path / "b.json"
    file.write_text(text, encoding="utf-8")
    run = portbook("audit", "--root", ROOT, "--baseline", str(file))
    assert (run.code, run.out) == (5, "")
    error, hint = run.err.splitlines()
    assert error.startswith("portbook: error: ") and says in error
    assert hint.startswith("hint: ")


def test_a_baseline_that_is_not_there_or_never_ends_is_one_line(tmp_path: Path) -> None:
    """A missing file, a folder, a pipe without a writer, a device without an end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path / "none", tmp_path, pipe, Path("/dev/zero")):
        with pytest.raises(EnvironmentFault):
            read_baseline(str(path))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """It is a baseline or BadBaseline."""
    with contextlib.suppress(BadBaseline):
        parse(data)


_json: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("port/0", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("unkow", max_size=7), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["transport", "reach", "port", "holders", "findings"]),
        _json | st.lists(st.dictionaries(st.sampled_from(Holder._fields), _json), max_size=2),
    )
)
def test_no_damage_to_an_entry_breaks_the_reader(row: dict[str, Any]) -> None:
    """Fields of the wrong kind are told, with the number of the listener."""
    text = json.dumps({"schema": "portbook/baseline/1", "listeners": [row]}).encode()
    try:
        assert len(parse(text)) == 1
    except BadBaseline as bad:
        assert "listener 1" in str(bad)  # noqa: PT017 - both outcomes are right


def test_what_is_written_is_read_back() -> None:
    """Facts, absence and what is unknown survive; why it was unknown does not matter."""
    text = json.dumps(document("baseline", {"host": "h", "at": "t", "listeners": KEPT}))
    assert parse(text.encode()) == KEPT


def test_a_baseline_is_replaced_in_one_step(tmp_path: Path) -> None:
    """Nothing is left beside it, its mode stays, and a link to it stays a link."""
    file, link = tmp_path / "real.json", tmp_path / "link.json"
    file.write_text("old", encoding="utf-8")
    file.chmod(0o600)
    link.symlink_to(file)
    write_baseline(str(link), KEPT, host="h", at="t")
    assert read_baseline(str(link)) == KEPT
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["link.json", "real.json"]


def test_a_baseline_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """A folder that is missing, a folder, a device: one line, and nothing was changed."""
    for path in (tmp_path / "none" / "b.json", tmp_path, Path("/dev/null")):
        with pytest.raises(EnvironmentFault):
            write_baseline(str(path), KEPT, host="h", at="t")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--hidden", "--root", ROOT),
        ("--hidden", "--no-probe"),
        ("--sarif", "--json"),
        ("--fail-on", "nothing"),
    ],
)
def test_options_that_contradict_each_other_are_refused(arguments: tuple[str, ...]) -> None:
    """Exit code 2 and one line."""
    run = portbook("audit", *arguments)
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("portbook: error: ")
