"""`portbook env`: the numbers of a project as variables."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import portbook
from portbook.survey.numbers_kept import checked_variable, variable_for


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, and the test's working folder."""
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@given(st.text(min_size=1, max_size=30))
def test_every_name_has_a_variable_that_a_shell_takes(name: str) -> None:
    """Whatever the name is: nothing of it can be read as a command."""
    assert checked_variable(variable_for(name)) == variable_for(name)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("web", "WEB_PORT"),
        ("my-api", "MY_API_PORT"),
        ("port", "PORT"),
        ("web-port", "WEB_PORT"),
        ("2nd", "_2ND_PORT"),
        ("é", "PORT"),
        ("web/DB_PORT", "DB_PORT"),
        ("web/api", "WEB_API_PORT"),
    ],
)
def test_variables_of_names(name: str, variable: str) -> None:
    """NAME_PORT, and no PORT twice."""
    assert variable_for(name) == variable


def test_eval_in_a_real_shell() -> None:
    """`eval "$(portbook env --name web)"` sets it, --export hands it on, and twice is the same."""
    command = f"{sys.executable} -m portbook env --name web --name db=DB"
    script = f'eval "$({command})"; echo $WEB_PORT $DB; eval "$({command} --export)"; env'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    first, *rest = done.stdout.splitlines()
    web, db = first.split()
    assert web.isdigit()
    assert db.isdigit()
    assert web != db
    assert {f"WEB_PORT={web}", f"DB={db}"} <= set(rest)
    assert portbook("env").out == f"DB_PORT={db}\nWEB_PORT={web}\n"


def test_nothing_reserved_is_a_no(own_home: Path) -> None:
    """Exit code 1, nothing on stdout, and no store is made by asking."""
    run = portbook("env")
    assert (run.code, run.out) == (1, "")
    assert "portbook env --name web" in run.err
    assert not (own_home / "claims.sqlite").exists()


def test_neighbours_have_a_variable_each() -> None:
    """WEB_PORT, WEB_PORT_2, WEB_PORT_3."""
    first = int(portbook("reserve", "web", "--count", "3").out)
    assert portbook("env").out == "".join(
        f"WEB_PORT{end}={first + at}\n" for at, end in enumerate(("", "_2", "_3"))
    )


def test_two_worktrees_have_two_numbers_and_each_keeps_its_own(project: Path) -> None:
    """The folder is what counts, not the branch."""
    tree = project.parent / "tree"
    tree.mkdir()
    (tree / ".git").write_text("gitdir: x\n", encoding="utf-8")
    here = portbook("env", "--name", "web").out
    there = portbook("env", "--name", "web", "--project", str(tree)).out
    assert here != there
    assert portbook("env", "--name", "web").out == here
    assert portbook("env", "--project", str(tree)).out == there


def test_the_file_is_merged_and_the_second_time_untouched(project: Path) -> None:
    """The numbers in the project's own .env are ours, and no reason for others."""
    file = project / ".env"
    file.write_bytes(b"# shop\r\nSECRET='a=b'\r\nWEB_PORT=1")
    run = portbook("env", "--name", "web", "--name", "db", "--dotenv", ".env", "--json")
    assert run.code == 0
    found = {each["variable"]: each["port"] for each in run.document["variables"]}
    assert run.document["dotenv"] == {"path": ".env", "added": ["DB_PORT"], "changed": ["WEB_PORT"]}
    data = file.read_bytes()
    assert (
        data
        == (
            f"# shop\r\nSECRET='a=b'\r\nWEB_PORT={found['WEB_PORT']}\r\nDB_PORT={found['DB_PORT']}"
        ).encode()
    )
    before = file.stat()
    again = portbook("env", "--name", "web", "--name", "db", "--dotenv", ".env")
    assert again.code == 0
    assert again.out == ""
    assert again.err.count("(as it was)") == 2
    assert (before.st_ino, before.st_mtime_ns) == (file.stat().st_ino, file.stat().st_mtime_ns)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--name", "web=1BAD"),
        ("--name", "web=A B"),
        ("--name", "web=$(id)"),
        ("--name", "=X"),
        ("--name", "8080"),
        ("--name", "web-x", "--name", "web_x"),
        ("--name", "web=A", "--name", "db=A"),
        ("--dotenv", ".env", "--export"),
    ],
)
def test_what_cannot_be_understood_changes_nothing(
    arguments: tuple[str, ...], own_home: Path, project: Path
) -> None:
    """Exit code 2, no store, no file."""
    run = portbook("env", *arguments)
    assert (run.code, run.out) == (2, "")
    assert not (own_home / "claims.sqlite").exists()
    assert os.listdir(project) == [".git"]


def test_a_file_that_cannot_be_written_is_one_line(project: Path) -> None:
    """The number is reserved all the same, and the next run gives it again."""
    (project / "folder").mkdir()
    run = portbook("env", "--name", "web", "--dotenv", "folder")
    assert run.code == 5
    assert run.err.startswith("portbook: error: ")
    assert portbook("env").code == 0


def test_the_variables_of_run_are_those_of_env() -> None:
    """`run --name web --env WEB_PORT --env DB_PORT`, and the same two; two of a kind are told."""
    run = portbook(
        *("run", "--quiet", "--name", "web", "--env", "WEB_PORT", "--env", "DB_PORT", "--"),
        *("sh", "-c", "echo DB_PORT=$DB_PORT; echo WEB_PORT=$WEB_PORT"),
    )
    assert sorted(portbook("env").out.splitlines()) == sorted(run.out.splitlines())
    portbook("reserve", "api/DB_PORT")
    assert [each.partition("=")[0] for each in portbook("env").out.splitlines()] == [
        "API_DB_PORT",
        "WEB_PORT",
        "WEB_DB_PORT",
    ]


def test_a_lost_store_does_not_change_the_numbers_of_the_file(own_home: Path) -> None:
    """What the file has for this very variable is reserved anew, unless somebody else has it."""
    wanted = ("env", "--name", "web", "--name", "db", "--dotenv", ".env")
    first = portbook(*wanted, "--json").document["variables"][0]["port"]
    for each in own_home.glob("claims.sqlite*"):
        each.unlink()
    portbook("reserve", "other", "--port", str(first))
    again = portbook(*wanted, "--json").document
    web, db = (each["port"] for each in again["variables"])
    assert again["dotenv"]["changed"] == ["WEB_PORT"]
    assert f"DB_PORT={db}\n" in Path(".env").read_text(encoding="utf-8")
    assert web != db
    assert portbook("unreserve", "web").code == 0
    assert portbook(*wanted, "--json").document["dotenv"]["changed"] == []
    Path(".env").write_text("WEB_PORT=80\n", encoding="utf-8")
    assert portbook(*wanted, "--json").document["variables"][0]["port"] == web
