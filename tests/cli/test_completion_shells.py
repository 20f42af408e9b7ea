"""The scripts in the real shells: sourced, checked by each shell, and with TAB on a terminal."""

import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import portbook
from portbook.cli import COMMANDS
from portbook.cli.completion import SHELLS, script

_PATIENCE = 20.0
_SEQUENCES = r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()=>][0-9A-B]?|\][^\x07]*\x07)|\r"
"""What a terminal does not show."""


@pytest.fixture(name="place")
def fixture_place(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the scripts, and a project in it that is the working directory.

    On PATH `portbook` runs these sources, and `zotpb` is a program with a completion of its own.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, line in (("portbook", f'exec "{sys.executable}" -m portbook "$@"'), ("zotpb", ":")):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
    for shell in SHELLS:
        (tmp_path / f"portbook.{shell}").write_text(script(shell))
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "notes one.txt").touch()
    (project / "notes-folder").mkdir()
    monkeypatch.chdir(project)
    for name in ("HOME", "ZDOTDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("SHELL", "/bin/sh")
    return tmp_path


def needs(shell: str) -> None:
    """Skip where a shell is not there."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_reads_its_script(shell: str, place: Path) -> None:
    """Its own syntax check has nothing to say, and reading it prints nothing."""
    needs(shell)
    file = str(place / f"portbook.{shell}")
    checked = subprocess.run([shell, "-n", file], capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_script_for_bash_has_no_finding(place: Path) -> None:
    """As shellcheck sees it, at its strictest usual level."""
    needs("shellcheck")
    done = subprocess.run(
        ["shellcheck", str(place / "portbook.bash")], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")


# Without a terminal: the same lines in bash and fish

_BASH = r"""
source "$1"
_zotpb() { COMPREPLY=($(compgen -W "alpha beta" -- "$2")); }
complete -F _zotpb zotpb
[[ $3 != narrow ]] || COMP_WORDBREAKS=${COMP_WORDBREAKS//[=:]/}
COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=()
rest=$2
breaks=${COMP_WORDBREAKS//[^=:@]/}
while [[ -n $rest ]]; do
    rest=${rest#"${rest%%[! ]*}"}
    if [[ -n $breaks && $rest == [$breaks]* ]]; then
        word=${rest:0:1}
    elif [[ -n $breaks ]]; then
        word=${rest%%[ $breaks]*}
    else
        word=${rest%% *}
    fi
    COMP_WORDS+=("$word")
    rest=${rest#"$word"}
    [[ $rest != " " ]] || { COMP_WORDS+=(""); break; }
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_portbook portbook
[[ ${#COMPREPLY[@]} == 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
"""


def bash(place: Path, line: str, breaks: str = "") -> set[str]:
    """What bash is given for a line, with its words apart as readline takes them apart."""
    done = subprocess.run(
        ["bash", "--norc", "-c", _BASH, "-", str(place / "portbook.bash"), line, breaks],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode in (0, 1), done.stderr) == (True, "")
    return set(done.stdout.splitlines())


def fish(place: Path, line: str) -> set[str]:
    """What fish offers for a line, without the descriptions."""
    needs("fish")
    asked = 'source $argv[1]; complete -c zotpb -f -a "alpha beta"; complete -C $argv[2]'
    done = subprocess.run(
        ["fish", "--no-config", "-c", asked, str(place / "portbook.fish"), line],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return {each.partition("\t")[0] for each in done.stdout.splitlines()}


_OFFERED = [
    ("portbook l", {"ls", "lint"}),
    ("portbook --json --color never l", {"ls", "lint"}),
    ("portbook --color=never sem r", {"run", "renew", "release"}),
    ("portbook http-a", {"http-alt"}),
    ("portbook 80 http-a", {"http-alt"}),
    ("portbook -- http-a", {"http-alt"}),
    ("portbook why http-a", {"http-alt"}),
    ("portbook --color al", {"always"}),
    ("portbook ls --sort pr", {"process"}),
    ("portbook ls --source p", {"procnet", "psutil"}),
    ("portbook orphans --range s", {"system"}),
    ("portbook completion ", set(SHELLS)),
    ("portbook ls --po", {"--port"}),
    ("portbook ls --port 80 --po", {"--port"}),
    ("portbook ls --port 80 --tc", {"--tcp"}),
    ("portbook ls --tcp --tc", set()),
    ("portbook ls --user root --us", set()),
    ("portbook --tcp ls --tc", set()),
    ("portbook claim --near 5000 --ra", set()),
    ("portbook claim --near=5000 --po", set()),
    ("portbook audit --fail-on=h --js", {"--json", "--jsonl"}),
    ("portbook sem run --li", {"--limit"}),
    ("portbook sem --li", set()),
    ("portbook run --quiet zotp", {"zotpb"}),
    ("portbook run --name web --ready 5s zotpb al", {"alpha"}),
    ("portbook run -- zotpb al", {"alpha"}),
    ("portbook run zotpb --name al", {"alpha"}),
    ("portbook sem run gpu --limit 2 -- zotpb al", {"alpha"}),
    ("portbook ls nothing", set()),
    ("portbook claim --count ", set()),
]


@pytest.mark.parametrize(("line", "offered"), _OFFERED, ids=[line for line, _ in _OFFERED])
def test_bash_and_fish_offer_the_same(place: Path, line: str, offered: set[str]) -> None:
    """Commands, options, values and other programs' own completions."""
    assert bash(place, line) == offered
    # fish knows that an option of one's own is meant where nothing else fits.
    assert fish(place, line) == offered


def test_nothing_typed_offers_every_command_and_what_listens_here(place: Path) -> None:
    """With the cursor behind `portbook `."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = str(held.getsockname()[1])
        assert {*COMMANDS, port} <= bash(place, "portbook ")
        assert {*COMMANDS, port} <= fish(place, "portbook ")
        for command in ("stop", "why", "identify", "ls --port"):
            assert port in bash(place, f"portbook {command} ")
            assert port in fish(place, f"portbook {command} ")


def test_a_value_behind_an_equals_sign_is_completed(place: Path) -> None:
    """bash replaces what stands behind the sign, unless it is no word break of the user's."""
    assert bash(place, "portbook --color=al") == {"always"}
    assert bash(place, "portbook --color=al", "narrow") == {"--color=always"}
    assert bash(place, "portbook --color=") == {"auto", "always", "never"}
    assert fish(place, "portbook --color=al") == {"--color=always"}


def test_a_name_with_a_colon_is_completed_as_a_whole(place: Path) -> None:
    """As far as bash has not taken it apart at the colon."""
    assert portbook("reserve", "web:api").code == 0
    assert bash(place, "portbook unreserve we") == {"web:api"}
    assert bash(place, "portbook unreserve web:a") == {"api"}
    assert bash(place, "portbook unreserve web:a", "narrow") == {"web:api"}
    assert bash(place, "portbook claim --name=web:a") == {"api"}
    assert fish(place, "portbook unreserve web:a") == {"web:api"}


def test_files_and_folders(place: Path) -> None:
    """Where a FILE or a DIR is due, and nowhere else."""
    assert bash(place, "portbook audit --baseline no") == {"notes one.txt", "notes-folder"}
    assert bash(place, "portbook reserve --project no") == {"notes-folder"}
    assert fish(place, "portbook audit --baseline no") >= {"notes-folder/"}
    assert fish(place, "portbook reserve --project no") == {"notes-folder/"}
    assert bash(place, "portbook ls notes") == fish(place, "portbook ls notes") == set()


def test_without_portbook_on_the_path_commands_and_options_remain(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is said about it."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    if shutil.which("portbook"):
        pytest.skip("portbook is installed for everybody here")
    assert bash(place, "portbook w") == fish(place, "portbook w") == {"why", "watch"}
    assert bash(place, "portbook http-") == fish(place, "portbook http-") == set()


_NASTY = [
    "portbook '",
    'portbook "a b',
    "portbook \\",
    "portbook $(false) ",
    "portbook `x",
    "portbook *",
    "portbook ls --port=[",
    "portbook --=x",
    "portbook = : @",
    "portbook -",
    "portbook -- -- ",
    "portbook sem run x -- ",
    "portbook run -- 'zotpb al",
    "portbook --color",
    "portbook é",
    "portbook --root=~/x y:z=@ ",
]


@pytest.mark.parametrize("line", _NASTY)
def test_an_odd_line_is_no_error(place: Path, line: str) -> None:
    """Neither shell writes anything but words; `bash` and `fish` look at stderr."""
    assert all(bash(place, line))
    # What fish makes of a word behind a backslash is its own affair.
    assert isinstance(fish(place, line), set)


# On a terminal


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, *argv: str) -> None:
        self.shown = ""
        self._pid, self._fd = pty.fork()
        if self._pid == 0:  # pragma: no cover - another process
            os.environ.update(COLUMNS="120", LINES="60")
            os.execvp(argv[0], argv)  # noqa: S606 - a shell of its own is what is tried

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._fd, text.encode())

    def until(self, *expected: str) -> str:
        """What is shown from here on, as soon as all of that is."""
        deadline, seen = time.monotonic() + _PATIENCE, ""
        while time.monotonic() < deadline:
            if select.select([self._fd], [], [], 0.1)[0]:
                try:
                    seen += os.read(self._fd, 65536).decode("utf-8", "replace")
                except OSError:
                    break
            plain = re.sub(_SEQUENCES, "", seen)
            if all(each in plain for each in expected):
                return plain
        missing = [each for each in expected if each not in seen]
        raise AssertionError(f"{missing} not in {seen!r}")

    def close(self) -> None:
        """End the shell."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._fd)


@pytest.fixture(name="terminals")
def fixture_terminals() -> Iterator[list[Terminal]]:
    """Those that a test opened; they end with it."""
    opened: list[Terminal] = []
    yield opened
    for each in opened:
        each.close()


def started(shell: str, place: Path, terminals: list[Terminal]) -> Terminal:
    """A shell with our script that waits for keys."""
    needs(shell)
    arguments = {"bash": ("--norc", "--noprofile"), "zsh": ("-f",), "fish": ("--no-config",)}
    terminal = Terminal(shell, *arguments[shell], "-i")
    terminals.append(terminal)
    terminal.type(_SETUP[shell].format(place=place) + "\n")
    terminal.until("we are here 2")
    return terminal


_SETUP = {
    "bash": "bind 'set bell-style none'; bind 'set page-completions off';"
    " bind 'set completion-query-items 0'; source {place}/portbook.bash; echo we are here $((1+1))",
    "zsh": "PS1='> '; autoload -Uz compinit; compinit -u -d {place}/dump;"
    " source {place}/portbook.zsh; setopt autolist nobeep; bindkey '^I' complete-word;"
    " LISTMAX=1000; echo we are here $((1+1))",
    "fish": "function fish_prompt; echo '> '; end; source {place}/portbook.fish;"
    " echo we are here (math 1+1)",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_lists_commands_on_a_terminal(
    shell: str, place: Path, terminals: list[Terminal]
) -> None:
    """With what they do, in the shells that show it."""
    terminal = started(shell, place, terminals)
    terminal.type("portbook re\t\t")
    shown = terminal.until("record", "release", "renew", "reserve")
    assert "redis" not in shown
    assert ("who listens" in shown) == (shell != "bash")


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_completes_a_word_on_a_terminal(
    shell: str, place: Path, terminals: list[Terminal]
) -> None:
    """A service, a value behind `=`, a name with a colon in it."""
    assert portbook("reserve", "web:api").code == 0
    terminal = started(shell, place, terminals)
    for typed, completed in (
        ("portbook why http-a", "portbook why http-alt"),
        ("portbook --color=al", "portbook --color=always"),
        ("portbook unreserve web:a", "portbook unreserve web:api"),
        ("portbook explain-er", "portbook explain-error"),
    ):
        # With ^A and `echo` in front the line is printed instead of run.
        terminal.type(f"{typed}\t")
        terminal.type("\x01echo said \x05\n")
        terminal.until(f"\nsaid {completed}")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_tab_lists_listeners_with_their_owners(
    shell: str, place: Path, terminals: list[Terminal]
) -> None:
    """The number, and the process beside it."""
    terminal = started(shell, place, terminals)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)):
        terminal.type("portbook stop \t\t")
        terminal.until(str(one.getsockname()[1]), f"({os.getpid()})")


def test_zsh_loads_the_script_by_itself(place: Path, terminals: list[Terminal]) -> None:
    """As _portbook in a folder of its functions, where the wheel puts it."""
    needs("zsh")
    folder = place / "site-functions"
    folder.mkdir()
    shutil.copy(place / "portbook.zsh", folder / "_portbook")
    terminal = Terminal("zsh", "-f", "-i")
    terminals.append(terminal)
    terminal.type(
        f"PS1='> '; fpath=({folder} $fpath); autoload -Uz compinit;"
        f" compinit -u -d {place}/dump; setopt autolist nobeep; echo we are here $((1+1))\n"
    )
    terminal.until("we are here 2")
    terminal.type("portbook sem r\t")
    terminal.until("begin its lease anew")
