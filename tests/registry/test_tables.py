"""The table files: what is written is read back, and nothing broken is read as if it were whole."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.model import Assignment, TableFault
from portbook.registry.tables import (
    ASSIGNMENT_COLUMNS,
    SERVICE_COLUMNS,
    Table,
    open_assignments,
    open_services,
    read_assignments,
    shipped,
    user_folder,
    write_assignments,
    write_table,
)

PROVENANCE = {"what": "a test", "as_of": "2026-11-23"}

ROWS = [
    Assignment("ssh", 22, 22, "tcp", "The Secure Shell"),
    Assignment("http", 80, 80, "udp", registered="2021-10-01", reference="RFC9110"),
    Assignment("http", 80, 80, "tcp"),
    Assignment(None, 24, 24, "tcp", "any private mail system"),
    Assignment("flex-lm", 27000, 27009, None, "FLEX LM (1-10)"),
    Assignment("x11", 6000, 6063, "tcp", "X Window System"),
    Assignment(None, 41798, 42507, None, "Unassigned", unauthorized_use="42000"),
    Assignment("1password", None, None, "tcp", "a name without a port"),
    Assignment("last", 65535, 65535, "udp", "Miele@home, ë and 中文"),
    Assignment(None, 0, 0, "tcp", "Reserved"),
]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """An assignments table of ROWS, with its name index beside it."""
    where = str(tmp_path / "assignments.tsv")
    write_assignments(where, ROWS, PROVENANCE)
    return where


def names(table: Table, port: int) -> list[str]:
    """The services of the rows that cover `port`."""
    return [row[3] for row in table.rows(port)]


def test_what_is_written_is_read_back(path: str) -> None:
    """Every assignment survives the file, whatever its shape."""
    assert sorted(map(repr, read_assignments(path))) == sorted(map(repr, ROWS))


def test_the_same_rows_in_another_order_give_the_same_bytes(path: str, tmp_path: Path) -> None:
    """The file depends on the rows alone."""
    other = tmp_path / "other" / "assignments.tsv"
    other.parent.mkdir()
    write_assignments(str(other), reversed(ROWS), PROVENANCE)
    assert other.read_bytes() == Path(path).read_bytes()
    assert (other.parent / "services.tsv").read_bytes() == (
        Path(path).parent / "services.tsv"
    ).read_bytes()


def test_a_port_is_found_alone_in_a_range_and_in_a_wide_range(path: str) -> None:
    """Both ends of a range belong to it, and the numbers beside it do not."""
    table = Table(path, ASSIGNMENT_COLUMNS)
    assert names(table, 80) == ["http", "http"]
    assert [names(table, port) for port in (26999, 27000, 27009, 27010)] == [
        [],
        ["flex-lm"],
        ["flex-lm"],
        [],
    ]
    assert [names(table, port) for port in (5999, 6000, 6063, 6064)] == [[], ["x11"], ["x11"], []]
    assert names(table, 42000) == [""]
    assert names(table, 0) == [""]
    assert names(table, 65535) == ["last"]
    assert names(table, 4711) == []


def test_reading_everything_finds_what_bisection_finds(path: str) -> None:
    """`by_port` and `rows` agree about every number."""
    table = Table(path, ASSIGNMENT_COLUMNS)
    whole = table.by_port()
    assert all(whole.get(port, []) == table.rows(port) for port in range(65536))


def test_a_name_is_found_in_any_case_with_its_ports(path: str) -> None:
    """The name index has every service, one without a port included."""
    table = Table(str(Path(path).parent / "services.tsv"), SERVICE_COLUMNS)
    table.verify()
    assert table.named("HTTP") == [["http", "80/tcp 80/udp"]]
    assert table.named("flex-lm") == [["flex-lm", "27000-27009"]]
    assert table.named("x11") == [["x11", "6000-6063/tcp"]]
    assert table.named("1Password") == [["1password", ""]]
    assert table.named("") == table.named("zzz") == table.named("htt") == []


def test_the_header_carries_provenance_and_counts(path: str) -> None:
    """Who opens the table knows where it comes from and how much there is."""
    header = Table(path, ASSIGNMENT_COLUMNS).header
    assert header["what"] == "a test"
    assert header["rows"] == str(len(ROWS))
    assert header["widest"] == "10"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"# rows: ", b"# lines: ", "no number for 'rows'"),
        (b"\tservice\t", b"\tname\t", "other columns"),
        (b"# what: ", b"# what ", "header line"),
        (b"a test", b"a \xff\xfet", "is no UTF-8"),
        (b"Secure", b"S\xff\xfeure", "is no UTF-8"),
        (b"22\t22\t", b"22\t2\t\t", "13 cells instead of 12"),
        (b"22\t22\t", b"ab\t22\t", "without a port number"),
        (b"22\t22\t", b"22\t21\t", "ports are none"),
        (b"65535\t65535", b"65536\t65536", "ports are none"),
        (b"\ttcp\tssh", b"\ttpc\tssh", "unknown transport"),
        (b"22\t22\t", b"90\t90\t", "out of order"),
        (b"rows: 10", b"rows: 11", "10 rows instead of 11"),
        (b"widest: 10", b"widest: 09", "out of order"),
    ],
)
def test_damage_is_a_fault_of_one_line(path: str, old: bytes, new: bytes, words: str) -> None:
    """A table that is mixed up or no table is refused, with the file's name."""
    text = Path(path).read_bytes()
    assert old in text
    Path(path).write_bytes(text.replace(old, new))
    with pytest.raises(TableFault) as caught:
        read_assignments(path)
    message = str(caught.value)
    assert path in message
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("left", [0, 1, 40, 300, -20, -1])
def test_a_cut_table_is_noticed_when_it_is_opened(path: str, left: int) -> None:
    """The header says how long the table is, so that no row has to be read to know."""
    text = Path(path).read_bytes()
    Path(path).write_bytes(text[:left])
    with pytest.raises(TableFault):
        Table(path, ASSIGNMENT_COLUMNS)


def test_a_missing_table_is_a_fault_with_the_system_s_reason(tmp_path: Path) -> None:
    """The caller learns which file is not there."""
    with pytest.raises(TableFault, match="No such file"):
        Table(str(tmp_path / "none.tsv"), ASSIGNMENT_COLUMNS)
    with pytest.raises(TableFault, match="Is a directory"):
        Table(str(tmp_path), ASSIGNMENT_COLUMNS)


def test_rows_out_of_order_are_noticed_while_reading(path: str) -> None:
    """A lookup that meets unsorted rows says so rather than missing some."""
    text = Path(path).read_bytes()
    Path(path).write_bytes(text.replace(b"24\t24\ttcp", b"14\t14\ttcp"))
    with pytest.raises(TableFault, match="out of order"):
        Table(path, ASSIGNMENT_COLUMNS).rows(22 + 5)


@pytest.mark.parametrize("cell", ["tab\there", "line\nbreak"])
def test_a_cell_that_would_break_the_format_is_not_written(tmp_path: Path, cell: str) -> None:
    """The writer refuses what the reader could not read back."""
    with pytest.raises(ValueError, match="breaks the table"):
        write_table(str(tmp_path / "t.tsv"), ("id", "text"), [("a", cell)], PROVENANCE)
    with pytest.raises(ValueError, match="provenance"):
        write_table(str(tmp_path / "t.tsv"), ("id",), [], {"what": "two\nlines"})


def test_writing_leaves_a_mapped_table_readable(path: str) -> None:
    """A process that has the old table open goes on reading the old rows."""
    table = Table(path, ASSIGNMENT_COLUMNS)
    write_assignments(path, ROWS[:1], PROVENANCE)
    assert names(table, 65535) == ["last"]
    assert names(Table(path, ASSIGNMENT_COLUMNS), 65535) == []


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_a_fault_or_a_table(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    """Nothing but `TableFault` comes out of a file with whatever rows."""
    path = tmp_path_factory.mktemp("fuzz") / "assignments.tsv"
    columns = ("port", "last_port", "transport")
    head = f"# rows: 1\n# bytes: {len(body)}\n# widest: 3\n".encode()
    for content in (body, head + "\t".join(columns).encode() + b"\n" + body):
        path.write_bytes(content)
        try:
            table = Table(str(path), columns)
            for port in (0, 1, 80, 65535):
                table.rows(port)
            table.by_port()
            table.verify()
        except TableFault as fault:
            assert "\n" not in str(fault)  # noqa: PT017


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_one_changed_byte_is_a_fault_or_another_table(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A flipped byte never ends in an error of another kind, by number or by name."""
    folder = tmp_path_factory.mktemp("flip")
    write_assignments(str(folder / "assignments.tsv"), ROWS, PROVENANCE)
    for file, columns in (("assignments", ASSIGNMENT_COLUMNS), ("services", SERVICE_COLUMNS)):
        path = folder / f"{file}.tsv"
        text = bytearray(path.read_bytes())
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(text)
        try:
            table = Table(str(path), columns)
            for port in (0, 80, 27005):
                table.rows(port) if file == "assignments" else table.named("http")
            table.verify()
        except TableFault:
            continue


def test_the_user_s_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable of portbook first, then XDG's when it is absolute, then the home folder."""
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("PORTBOOK_DATA_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert user_folder() == "/home/ada/.local/share/portbook/registry/current"
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert user_folder() == "/data/portbook/registry/current"
    monkeypatch.setenv("PORTBOOK_DATA_HOME", "/own")
    assert user_folder() == "/own/registry/current"


def test_the_user_s_own_registry_goes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where there is a newer registry of the user's, it answers; a broken one has a hint."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path))
    assert open_assignments().path == shipped("assignments.tsv")
    own = tmp_path / "registry" / "current"
    own.mkdir(parents=True)
    write_assignments(str(own / "assignments.tsv"), ROWS, PROVENANCE)
    assert names(open_assignments(), 65535) == ["last"]
    assert open_services().named("last") == [["last", "65535/udp"]]
    (own / "assignments.tsv").write_bytes(b"# what: no table\n")
    with pytest.raises(TableFault) as caught:
        open_assignments()
    assert caught.value.hint == "portbook update --rollback"
