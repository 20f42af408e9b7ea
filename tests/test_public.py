"""The public names, and what importing them costs."""

import subprocess
import sys
from pathlib import Path

import pytest

import portbook
from portbook import lookup, search


def test_the_public_names_are_complete_and_load_on_demand() -> None:
    """Every name in __all__ is there."""
    for name in portbook.__all__:
        assert getattr(portbook, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        portbook.nothing  # noqa: B018


def test_lookup_answers_by_number_name_and_transport() -> None:
    """The library's three forms of the question."""
    assert lookup(3255).life.verdict == "orphan"
    assert [entry.port for entry in lookup("redis")] == [6379]
    assert {row.transport for row in lookup(53, "udp").assignments} == {"udp"}


def test_search_finds_through_a_slip_of_the_pen() -> None:
    """The best match comes first."""
    assert search("semaphor")[0].service == "semaphore"


def test_look_joins_the_registry_with_this_machine() -> None:
    """The front door of the library."""
    answer = portbook.look(3255)
    assert answer.port == 3255
    assert set(answer.bindable) == {"tcp", "udp"}


def test_importing_portbook_loads_next_to_nothing() -> None:
    """`import portbook` itself loads no module of ours and nothing costly."""
    script = (
        "import sys; before = set(sys.modules); import portbook; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert [name for name in loaded if name.startswith("portbook")] == ["portbook"]
    assert not {"dataclasses", "pathlib", "sqlite3", "argparse", "socket"} & set(loaded)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="typing makes the records there")
def test_an_answer_loads_nothing_costly() -> None:
    """Modules that would cost a tenth of the start-up budget each stay unloaded."""
    script = (
        "import sys; from portbook.cli import main; main(['3255', '--json', '--no-probe']); "
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": str(Path(portbook.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    costly = {"typing", "dataclasses", "pathlib", "sqlite3", "socket", "shutil", "urllib.request"}
    assert not costly & set(done.stderr.split())


def test_the_core_needs_no_third_party_package_on_linux() -> None:
    """An answer imports nothing from site-packages but portbook."""
    script = (
        "import sys; from portbook.cli import main; main(['3255', '--json']); "
        "print([name for name, module in sys.modules.items() "
        "if 'site-packages' in (getattr(module, '__file__', None) or '') "
        "and not name.startswith(('_', 'portbook', 'sitecustomize', 'coverage'))], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip().splitlines()[-1] == "[]"
