"""What a shell is told: the plan of the commands, the words of this machine, the command itself."""

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools import make_completion

from command import portbook
from portbook.cli import COMMANDS, completion_words
from portbook.cli.completion import SHELLS, script
from portbook.cli.completion_plan import PLACES, Command, plan

_GENERATED = [
    (shell, make_completion.FOLDER / name) for shell, name in make_completion.FILES.items()
]


@pytest.fixture(name="listener")
def fixture_listener() -> Iterator[socket.socket]:
    """A socket that listens on a number of its own."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield held


def words(kind: str, prefix: str = "") -> dict[str, str]:
    """What a script gets, as word and description."""
    done = portbook("completion", "--words", kind, prefix)
    assert (done.code, done.err) == (0, "")
    return dict(line.split("\t") for line in done.out.splitlines())


def commands() -> dict[str, Command]:
    """The plan by path."""
    return {each.path: each for each in plan()}


# The plan


def test_every_command_and_action_is_in_the_plan() -> None:
    """A new command cannot stay out of the completion."""
    found = commands()
    assert {*COMMANDS, "", "sem run", "sem list"} <= found.keys()
    assert [word for word, _ in found[""].actions] == list(COMMANDS)


def test_what_is_asked_for_a_place_belongs_to_a_place_that_is_there() -> None:
    """A renamed argument does not silently lose its words."""
    from importlib import import_module

    from portbook.cli import module_of
    from portbook.cli.arguments import parser_for

    for (path, dest), kind in PLACES.items():
        word, _, action = path.partition(" ")
        parser = parser_for(word or None, import_module(module_of(word or None)))
        if action:
            parser = parser._subparsers._group_actions[0].choices[action]  # type: ignore[union-attr,index] # sem has them
        assert dest in {each.dest for each in parser._actions}, (path, dest)
        assert kind in completion_words.KINDS


def test_options_say_whether_they_take_a_value_repeat_and_exclude() -> None:
    """What the generators read is what argparse does."""
    options = {name: each for each in commands()["run"].options for name in each.names}
    assert options["--near"].excludes == ("--port", "--range")
    assert options["--env"].again and not options["--near"].again
    assert (options["--quiet"].takes, options["--near"].takes) == ("never", "always")
    assert options["--ready"].takes == "maybe"
    assert options["--ready-http"].offer.kind == "nothing"
    assert commands()["ls"].options[3].offer.words == ("auto", "always", "never")
    sort = next(each for each in commands()["ls"].options if "--sort" in each.names)
    assert "verdict" in sort.offer.words


def test_files_and_folders_are_told_by_their_metavar() -> None:
    """FILE is a file, DIR a folder, and a hidden option is none at all."""
    audit = {name: each for each in commands()["audit"].options for name in each.names}
    assert audit["--baseline"].offer.kind == "file"
    assert audit["--root"].offer.kind == "folder"
    assert "--keep-hour" not in {
        name for each in commands()["watch"].options for name in each.names
    }


# The command


@pytest.mark.parametrize(("shell", "file"), _GENERATED, ids=SHELLS)
def test_the_scripts_in_the_docs_are_what_the_commands_say(shell: str, file: Path) -> None:
    """docs/completion/ is generated: python -m tools.make_completion."""
    assert file.read_text(encoding="utf-8") == script(shell)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_printed_for_a_named_shell_and_for_that_of_the_user(shell: str) -> None:
    """`completion bash`, and $SHELL where none is named."""
    named = portbook("completion", shell, env={"SHELL": ""})
    own = portbook("completion", env={"SHELL": f"/usr/bin/{shell}"})
    assert named.code == own.code == 0
    assert named.out == own.out == script(shell)
    document = portbook("completion", shell, "--json").document
    assert document == {"schema": "portbook/completion/1", "shell": shell, "script": named.out}


@pytest.mark.parametrize(("own", "said"), [("", "is not set"), ("/bin/tcsh", "is tcsh")])
def test_without_a_known_shell_it_says_which_there_are(own: str, said: str) -> None:
    """One line and a hint, and no script of a shell that was not meant."""
    done = portbook("completion", env={"SHELL": own})
    assert (done.code, done.out) == (2, "")
    assert (
        done.err == f"portbook: error: which shell? $SHELL {said}\nhint: one of bash, zsh, fish\n"
    )


def test_the_help_says_where_a_script_belongs() -> None:
    """A line for each shell."""
    said = portbook("completion", "--help").out
    for shell in SHELLS:
        assert f"portbook completion {shell}" in said
    assert "--words" not in said


# The words of this machine


def test_a_port_is_a_service_by_its_first_letters() -> None:
    """With its numbers beside it, in the case that was typed, and only where it has one."""
    found = words("ports", "http-a")
    assert found == {"http-alt": "591/tcp 591/udp 8008/tcp 8008/udp 8080/tcp 8080/udp"}
    assert words("ports", "HTTP-A").keys() == {"HTTP-Alt"}
    assert "htsp" not in words("ports", "hts")


def test_a_port_is_what_listens_here_with_who_it_is(listener: socket.socket) -> None:
    """By its first digits, for every place of a port."""
    port = str(listener.getsockname()[1])
    for kind in ("ports", "listening"):
        assert f"({os.getpid()})" in words(kind)[port]
        assert set(words(kind, port[:3])) <= {each for each in words(kind) if each[:3] == port[:3]}
        assert port in words(kind, port[:3])
    assert words("ports", f"{port}/") == {
        f"{port}/{kind}": "" for kind in ("tcp", "udp", "sctp", "dccp")
    }


def test_owners_are_offered_by_name_and_user(listener: socket.socket) -> None:
    """Only those that have a listener, for no other gives an answer."""
    import pwd

    assert listener.fileno() > 0
    assert pwd.getpwuid(os.geteuid()).pw_name in words("users")
    name = Path("/proc/self/comm").read_text(encoding="utf-8").strip()
    assert any(each.startswith(name[:4]) for each in words("processes"))
    assert "lo" in words("interfaces")


def test_claims_names_and_semaphores_are_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name, id and number; reservations are those of the folder that we stand in."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    claim = portbook("claim", "--name", "web:api", "--json").document["claims"][0]
    port = str(claim["port"])
    assert words("claims") == {
        "web:api": f"{port}/tcp",
        port: "claim web:api",
        claim["id"]: f"{port}/tcp web:api",
    }
    assert words("claims", "web") == {"web:api": f"{port}/tcp"}
    assert words("reservations") == {"web:api": port}
    permit = portbook("sem", "acquire", "gpu", "--limit", "2", "--json").document["permit"]["id"]
    assert words("semaphores") == {"gpu": "1 of 2"}
    assert words("permits") == {permit: "gpu"}
    (tmp_path / "other" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "other")
    assert words("reservations") == {}


def test_to_ask_for_words_writes_nothing(own_home: Path) -> None:
    """Neither is a store made, nor is one that is there touched."""
    for kind in completion_words.KINDS:
        words(kind)
    assert not own_home.exists() or not list(own_home.iterdir())
    portbook("claim", "--name", "web")

    def marks() -> dict[str, tuple[str, int]]:
        return {
            path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
            for path in own_home.iterdir()
            if path.is_file()
        }

    before = marks()
    assert "claims.sqlite" in before
    for kind in completion_words.KINDS:
        words(kind)
    # SQLite itself puts the index of a reader beside a store.
    after = marks()
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() <= {"claims.sqlite-shm", "claims.sqlite-wal"}


def test_what_goes_wrong_is_silence(own_home: Path) -> None:
    """A broken store, a kind of another version: nothing is said on the terminal."""
    own_home.mkdir(exist_ok=True)
    (own_home / "claims.sqlite").write_bytes(b"no database" * 1000)
    assert words("claims") == words("semaphores") == words("no-such-kind") == {}
    (own_home / "registry" / "current").mkdir(parents=True)
    (own_home / "registry" / "current" / "services.tsv").write_bytes(b"\xff\x00" * 100)
    assert words("ports", "ht") == {}


def test_a_service_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    """Whoever pressed TAB gets an answer without it."""
    path = str(tmp_path / "stuck.sock")
    with socket.socket(socket.AF_UNIX) as stuck:
        stuck.bind(path)
        stuck.listen(1)
        began = time.monotonic()
        done = portbook("completion", "--words", "claims", "", env={"PORTBOOK_SOCKET": path})
        took = time.monotonic() - began
    assert (done.code, done.out, done.err) == (0, "", "")
    assert took < 5


@given(st.sampled_from(sorted(completion_words.KINDS)), st.text(max_size=8))
def test_any_prefix_gets_lines_that_a_shell_can_read(kind: str, prefix: str) -> None:
    """A word, a tab and a description, all printable, and the word begins with the prefix."""
    for line in completion_words.lines(kind, prefix):
        word, about = line.split("\t")
        assert word.startswith(prefix) and word.isprintable() and about.isprintable()


def test_a_word_from_outside_cannot_reach_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A control character would be an instruction to it, and a line end a second word."""
    rows = [("a\x1b[2J", "x"), ("b\nc", "x"), ("good", "d\x1b[2J\n\te"), ("long", "y" * 99)]
    monkeypatch.setitem(completion_words.KINDS, "units", lambda _prefix: iter(rows))
    assert completion_words.lines("units", "") == ["good\td [2J  e", f"long\t{'y' * 59}…"]
