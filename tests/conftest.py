"""Every test has a home of its own, so that no registry that a user imported is ever seen."""

from pathlib import Path

import pytest

from portbook.registry.lookup import reload


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and none of the variables that steer the output."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(home))
    monkeypatch.setenv("PORTBOOK_CACHE_HOME", str(home / "cache"))
    for name in ("NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    reload()
    return home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests last that leave hundreds of closed connections behind.

    Those stay in TIME_WAIT for a minute, and a test that looks at a number of its own would see
    them beside its socket.
    """
    items.sort(key=lambda item: "live/test_identify_" in item.nodeid)
