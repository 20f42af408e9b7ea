from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.host import Host
from portbook.model import Ancestor, Unknown
from portbook.owners.processes import Processes, Stat, full_name, parse_stat

TAIL = "S 17 100 100 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 4096 100"


@pytest.mark.parametrize(
    "name", ["bash", "a b", ") R 1 (", "a) (b", "", "(((", ")))", "two\nlines", "x\x0by", "\udcff"]
)
def test_any_name_is_read_out_of_its_parentheses(name: str) -> None:
    """The name may hold what separates the fields; the last parenthesis ends it."""
    assert parse_stat(f"4242 ({name}) {TAIL}\n") == Stat(name, 17, 98765)


@given(st.text(max_size=200))
def test_arbitrary_text_is_a_stat_or_a_value_error(text: str) -> None:
    """Nothing but ValueError is raised."""
    with suppress(ValueError):
        parse_stat(text)


@given(st.text(max_size=15))
def test_every_name_survives(name: str) -> None:
    """Whatever the kernel has as a name comes back unchanged."""
    assert parse_stat(f"1 ({name}) {TAIL}") == Stat(name, 17, 98765)


@pytest.mark.parametrize(
    "text", ["", "1 (a", "1 a) S 1", "1 (a) S 1", "1 (a) S " + "x " * 20, ") " + TAIL + " ("]
)
def test_what_is_no_stat_line_is_refused(text: str) -> None:
    """Too few fields, no parentheses, no numbers."""
    with pytest.raises(ValueError, match=r".+"):
        parse_stat(text)


@pytest.mark.parametrize(
    ("comm", "cmdline", "exe", "name"),
    [
        ("nginx", ("nginx: master",), "/usr/sbin/nginx", "nginx"),
        ("systemd-resolve", (), "/usr/lib/systemd/systemd-resolved", "systemd-resolved"),
        ("gunicorn-worker", ("/srv/gunicorn-worker-eu",), "/usr/bin/python3", "gunicorn-worker-eu"),
        ("fifteen-bytes-x", ("other",), "/bin/other", "fifteen-bytes-x"),
        ("fifteen-bytes-x", Unknown("denied"), Unknown("denied"), "fifteen-bytes-x"),
        ("\udcff\udcfe", (), None, "\ufffd\ufffd"),
    ],
)
def test_a_name_that_the_kernel_cut_is_completed(
    comm: str, cmdline: tuple[str, ...] | Unknown, exe: str | None | Unknown, name: str
) -> None:
    """Fifteen bytes are all that the kernel keeps; executable or argv may have the rest."""
    assert full_name(comm, cmdline, exe) == name


def host_with(folder: Path, parents: dict[int, int]) -> Host:
    """A recorded host whose processes have these parents."""
    for pid, parent in parents.items():
        (folder / f"proc/{pid}").mkdir(parents=True)
        tail = TAIL.replace("17", str(parent), 1)
        (folder / f"proc/{pid}/stat").write_text(f"{pid} (p{pid}) {tail}\n")
    return Host(str(folder))


@pytest.mark.parametrize(
    ("parents", "above"),
    [
        ({9: 5, 5: 1, 1: 0}, [5, 1]),
        ({9: 5, 5: 6, 6: 5}, [5, 6]),
        ({9: 9}, []),
        ({9: 5}, []),
        ({9: 0}, []),
        ({}, []),
    ],
    ids=["whole", "loop", "itself", "hidden", "none", "gone"],
)
def test_ancestors_end_at_the_top_at_a_loop_and_where_one_is_hidden(
    tmp_path: Path, parents: dict[int, int], above: list[int]
) -> None:
    """Each process once, the parent first."""
    (tmp_path / "proc").mkdir()
    found = Processes(host_with(tmp_path, parents)).ancestry(9)
    assert found == tuple(Ancestor(pid, f"p{pid}") for pid in above)


@given(st.binary(max_size=15), st.binary(max_size=40))
def test_a_name_is_always_text(comm: bytes, argument: bytes) -> None:
    """Invalid UTF-8 in either becomes text that UTF-8 can carry."""
    raw = comm.decode("utf-8", "surrogateescape")
    full_name(raw, (argument.decode("utf-8", "replace"),), None).encode("utf-8")
