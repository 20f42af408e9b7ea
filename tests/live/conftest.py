"""Which live tests can run here, and why the others cannot."""

import os
import sys
from collections.abc import Iterator

import pytest

from live.stage import NOBODY, PACKAGE, Actor, actor, cgroup2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, what this machine or user cannot do."""
    for item in items:
        if item.get_closest_marker("live") and sys.platform != "linux":
            item.add_marker(pytest.mark.skip(reason="live tests need Linux"))
        elif item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture
def stranger() -> Iterator[Actor]:
    """A process of the user nobody that can run portbook: the sources are loaded beforehand."""
    folder = PACKAGE
    while folder != "/":
        if not os.stat(folder).st_mode & 0o001:
            pytest.skip(f"{folder} cannot be entered by other users")
        folder = os.path.dirname(folder)
    with actor() as made:
        made("load")
        made("become", NOBODY)
        yield made


@pytest.fixture
def island() -> Iterator[Actor]:
    """A process in a network namespace of its own, with loopback up."""
    with actor() as made:
        made("load")
        made("enter", "net")
        made("loopback_up")
        yield made


@pytest.fixture
def groups() -> str:
    """Where cgroup v2 groups can be made."""
    found = cgroup2()
    if found is None:
        pytest.skip("no writable cgroup v2 hierarchy is mounted")
    return found


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which every live test was skipped has shown nothing, so it fails."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or sys.platform != "linux":
        return
    reports = {
        outcome: [each for each in reporter.stats.get(outcome, ()) if "live" in each.keywords]
        for outcome in ("passed", "failed", "skipped")
    }
    if reports["skipped"] and not reports["passed"] and not reports["failed"]:
        reporter.write_line(f"all {len(reports['skipped'])} live tests were skipped", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
