"""`portbook reserve` and `unreserve`: numbers for good, for us and for the kernel."""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from pwd import getpwuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from command import portbook
from portbook.host import reserved_ports
from portbook.host.reserved_ports import merged, parse_ranges, spelled

RANGES = st.lists(
    st.tuples(st.integers(-5, 60) | st.integers(65_500, 66_000), st.integers(0, 9)).map(
        lambda two: (two[0], sum(two))
    ),
    max_size=30,
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, and the test's working folder."""
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    (folder / "src").mkdir()
    monkeypatch.chdir(folder)
    return folder


def numbers(ranges: list[tuple[int, int]]) -> set[int]:
    """The set model of ranges."""
    return {port for a, b in ranges for port in range(max(a, 0), min(b, 65_535) + 1)}


@example([(1, 2)], [(3, 4)])
@given(RANGES, RANGES)
def test_merging_is_the_union_of_sets(
    first: list[tuple[int, int]], more: list[tuple[int, int]]
) -> None:
    """The same numbers, in order, apart by more than one, and read back as they were written."""
    found = merged([*first, *more])
    assert numbers(list(found)) == numbers(first) | numbers(more)
    for (_, before), (after, _) in itertools.pairwise(found):
        assert before + 1 < after
    assert merged(parse_ranges(spelled(found))) == found
    assert merged(found) == found


@given(st.text(alphabet="0123456789-, \n²x", max_size=60))
def test_no_setting_is_a_fault(text: str) -> None:
    """Whatever stands there, ranges of numbers come out."""
    assert all(0 <= a <= b <= 65_535 for a, b in merged(parse_ranges(text)))


def test_a_number_is_the_same_in_the_whole_project(project: Path) -> None:
    """In every folder of it, again and again; another name or project has another one."""
    first = portbook("reserve", "web")
    assert first.code == 0
    again = portbook("reserve", "web", "--project", str(project / "src"))
    other = portbook("reserve", "db")
    assert again.out == first.out
    assert other.out != first.out
    tree = project.parent / "tree"
    tree.mkdir()
    (tree / ".git").write_text("gitdir: ../shop/.git/worktrees/tree\n", encoding="utf-8")
    assert portbook("reserve", "web", "--project", str(tree)).out not in (first.out, other.out)


def test_reserve_list_and_give_back() -> None:
    """By name and by number; what is gone is gone."""
    port = portbook("reserve", "web", "--near", "8080", "--count", "2", "--json").document
    [made] = port["reservations"]
    assert made["count"] == 2
    listed = portbook("reserve", "--list")
    assert f"{made['port']}-{made['port'] + 1}" in listed.out
    assert "USER" in listed.out
    assert getpwuid(os.geteuid()).pw_name in listed.out
    assert portbook("unreserve", str(made["port"] + 1)).code == 0
    assert portbook("reserve", "--list").code == 1
    portbook("reserve", "web")
    gone = portbook("unreserve", "web", "--json")
    assert gone.code == 0
    assert gone.document["reservations"][0]["name"] == "web"
    number = portbook("reserve", "web").out.strip()
    assert portbook("unreserve", "web").out == f"{number} was web's, and is nobody's now\n"
    assert portbook("unreserve", "web").code == 1


def test_a_number_asked_for_moves_the_reservation() -> None:
    """`--port` is the number, even a registered one; that of another name is refused."""
    portbook("reserve", "web")
    assert portbook("reserve", "web", "--port", "28123").out == "28123\n"
    assert portbook("reserve", "web").out == "28123\n"
    refused = portbook("reserve", "db", "--port", "28123")
    assert refused.code == 1
    assert refused.err.startswith("portbook: error: ")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("web", "--list"),
        ("web", "--apply"),
        ("web", "--force"),
        ("--kernel", "--systemd-unit", "-"),
        ("web", "--kernel", "--systemd-unit", "-"),
        ("web", "--port", "0"),
        ("web", "--port", "70000"),
        ("web", "--count", "0"),
        ("web", "--project", "/nowhere/at/all"),
        ("a\nb",),
        ("",),
        ("8080",),
        ("8080/tcp",),
    ],
)
def test_what_does_not_go_together_changes_nothing(
    arguments: tuple[str, ...], own_home: Path
) -> None:
    """Exit code 2 and one line; there is no store afterwards."""
    run = portbook("reserve", *arguments)
    assert run.code == 2
    assert run.out == ""
    assert run.err.startswith("portbook: error: ")
    assert not (own_home / "claims.sqlite").exists()


def test_a_socket_unit_is_written_once(tmp_path: Path) -> None:
    """To a file that is not there yet; systemd-analyze accepts it."""
    unit = tmp_path / "web.socket"
    port = portbook("reserve", "web", "--systemd-unit", str(unit)).out.strip()
    text = unit.read_text(encoding="utf-8")
    assert f"ListenStream={port}\n" in text
    refused = portbook("reserve", "web", "--systemd-unit", str(unit))
    assert refused.code == 5
    assert "--force" in refused.err
    unit.write_text("old", encoding="utf-8")
    assert portbook("reserve", "web", "--systemd-unit", str(unit), "--force").code == 0
    assert unit.read_text(encoding="utf-8") == text
    assert portbook("reserve", "web", "--systemd-unit", "-").out == text
    if analyze := shutil.which("systemd-analyze"):
        (tmp_path / "web.service").write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
        done = subprocess.run(
            [analyze, "verify", str(unit)], capture_output=True, text=True, check=False
        )
        assert "web.socket" not in done.stderr


def test_the_kernel_line_keeps_what_is_there() -> None:
    """The line has what the kernel keeps back already, and every reservation; nothing is set."""
    before = reserved_ports.reserved_now()
    port = int(portbook("reserve", "web").out)
    run = portbook("reserve", "--kernel")
    expected = merged([*before, (port, port)])
    assert run.out == f"net.ipv4.ip_local_reserved_ports = {spelled(expected)}\n"
    assert "--apply" in run.err
    assert reserved_ports.reserved_now() == before


_APPLY = """
import os, subprocess, sys
from portbook.host import reserved_ports
from portbook.host.reserved_ports import apply, merged, reserved_now
apply(merged([(8000, 8010), (30000, 30000)]))
run = subprocess.run(
    [sys.executable, "-m", "portbook", "reserve", "web", "--kernel", "--apply"],
    capture_output=True, text=True, check=True)
print(run.stdout, end="")
with open("/proc/sys/net/ipv4/ip_local_reserved_ports") as file:
    print(file.read(), end="")
many = merged((port, port) for port in range(1024, 60000, 2))
apply(many)
print(reserved_now() == many)
apply(())
print(reserved_now())
"""


def test_applied_for_real_in_a_namespace_of_its_own() -> None:
    """`unshare -n`: what was reserved stays, ours is added, 30,000 ranges fit."""
    before = reserved_ports.reserved_now()
    done = subprocess.run(
        ["unshare", *(() if os.geteuid() == 0 else ("-r",)), "-n", sys.executable, "-c", _APPLY],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "unshare" in done.stderr:
        pytest.skip("no namespaces here")
    assert done.returncode == 0, done.stderr
    line, now, many, none = done.stdout.splitlines()
    assert line == f"net.ipv4.ip_local_reserved_ports = {now}"
    kept = numbers(parse_ranges(now))
    assert {*range(8000, 8011), 30_000} < kept
    assert len(kept) == 13
    assert (many, none) == ("True", "()")
    assert reserved_ports.reserved_now() == before
