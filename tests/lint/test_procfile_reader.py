"""Procfiles: each process a program of its own."""

from hypothesis import given
from hypothesis import strategies as st

from lint.command_damage import bears_a_megabyte_of, bears_commands
from lint.reader_damage import damaged, reading_of, told


def test_processes_are_programs_of_their_own() -> None:
    """Comments and lines that are no process are passed over."""
    reading = reading_of(
        "procfile",
        "api/Procfile.dev",
        "# web: vite --port 1\nweb: vite --port 3000\r\n\nno process\njobs: rake jobs\n"
        "api_2-x:gunicorn -b :8000 a",
    )
    assert told(reading) == [
        "2:18 3000/tcp listen web http",
        "6:22 8000/tcp listen api_2-x 0.0.0.0 http",
    ]
    assert [each.runs for each in reading.declared] == [
        "folder:api#Procfile.dev#web",
        "folder:api#Procfile.dev#api_2-x",
    ]


@given(st.binary(max_size=200))
def test_any_bytes_pass_through_procfiles(data: bytes) -> None:
    """Reading or Unreadable, never another exception."""
    bears_commands("procfile", "Procfile", data)
    bears_commands("procfile", "Procfile", b"web: vite --port " + data)


@given(damaged("procfile-plain/Procfile"))
def test_damaged_procfiles_are_borne(data: bytes) -> None:
    """And every number stands where it is said to stand."""
    bears_commands("procfile", "Procfile", data)


def test_a_quarter_of_a_megabyte_of_processes_is_read_in_time() -> None:
    """Many lines, and one long one."""
    bears_a_megabyte_of("procfile", "Procfile", "", "web: vite --port 3000\n", part=4)
    bears_a_megabyte_of("procfile", "Procfile", "web: vite", " --port=3000", part=4)
