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
