"""The token's file, one-time codes and sessions."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.stage import NOBODY, environment
from portbook.host import clock
from portbook.model import EnvironmentFault, NotPermitted
from portbook.pages import tokens as module
from portbook.pages.tokens import Tokens, default_path, kept_token, read_token


def request(**headers: str) -> Any:
    """Whatever a request shows to `admits`: its header."""
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return SimpleNamespace(scope={"headers": pairs})


def session_of(value: str | None) -> Any:
    """A request with the cookie of a session."""
    return request(cookie=f"theme=dark; portbook-session={value}; other=1")


def test_the_file_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    """0600 in a folder of 0700, 256 bits; the second time it is read."""
    path = str(tmp_path / "new" / "token")
    token = kept_token(path)
    assert len(token) == 43
    assert kept_token(path) == token
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o700
    assert os.listdir(tmp_path / "new") == ["token"]


def test_a_wide_umask_makes_no_wide_file(tmp_path: Path) -> None:
    """The mode is given when the file is made, so there is no moment in which others can read."""
    path = str(tmp_path / "token")
    before = os.umask(0)
    try:
        kept_token(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_ten_that_start_at_once_have_the_same_token(tmp_path: Path) -> None:
    """Whoever is first makes it whole."""
    path = tmp_path / "token"
    code = f"from portbook.pages.tokens import *; print(kept_token({str(path)!r}))"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment())
        for _ in range(10)
    ]
    told = {each.communicate(timeout=30)[0] for each in running}
    assert told == {f"{read_token(str(path)).token}\n".encode()}
    assert os.listdir(tmp_path) == ["token"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o620, 0o601])
def test_a_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    """What is in it is known; the way out makes a new one."""
    path = tmp_path / "token"
    kept_token(str(path))
    path.chmod(mode)
    with pytest.raises(EnvironmentFault, match="others can read") as told:
        kept_token(str(path))
    assert told.value.hint == f"remove it, and a new one is made: rm {path}"


@pytest.mark.parametrize("text", ["", "short", "x" * 43 + "y", "x" * 42 + "!", "x" * 5000])
def test_what_is_no_token_is_refused(tmp_path: Path, text: str) -> None:
    """An empty file must not be a token that everybody knows."""
    path = tmp_path / "token"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(EnvironmentFault, match="holds no token"):
        kept_token(str(path))


def test_links_folders_and_pipes_are_refused(tmp_path: Path) -> None:
    """Also where they lead to a good file; and nothing waits for the other end of a pipe."""
    kept_token(str(tmp_path / "good"))
    (tmp_path / "link").symlink_to(tmp_path / "good")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, said in (
        ("link", "it is a link"),
        ("nowhere", "it is a link"),
        ("folder", "no plain file"),
        ("pipe", "no plain file"),
    ):
        with pytest.raises(EnvironmentFault, match=said):
            kept_token(str(tmp_path / name))
    assert not (tmp_path / "missing").exists()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_another_users_file_is_refused_and_named(tmp_path: Path) -> None:
    """Its owner knows it. Root may read it for whoever runs there, and learns whose it is."""
    path = tmp_path / "token"
    token = kept_token(str(path))
    os.chown(path, NOBODY, NOBODY)
    with pytest.raises(EnvironmentFault, match="belongs to user nobody"):
        kept_token(str(path))
    assert read_token(str(path), foreign=True) == (token, NOBODY)


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    """A file is in the way, or the folder takes no files."""
    (tmp_path / "file").write_text("")
    for path in (str(tmp_path / "file" / "token"), "/proc/token"):
        with pytest.raises((EnvironmentFault, NotPermitted), match=rf"{path}: [A-Z]\w+"):
            kept_token(path)


def test_where_the_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables, in this order; a relative XDG_STATE_HOME is none."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", "/data")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    monkeypatch.setenv("HOME", "/home/me")
    assert default_path() == "/data/token"
    monkeypatch.delenv("PORTBOOK_DATA_HOME")
    assert default_path() == "/state/portbook/token"
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    assert default_path() == "/home/me/.local/state/portbook/token"


def test_the_token_admits_as_bearer_and_nothing_near_it_does(tmp_path: Path) -> None:
    """The scheme in any case (RFC 9110); never an empty token, a part, or the token elsewhere."""
    path = str(tmp_path / "token")
    known, token = Tokens(path), kept_token(path)
    assert known.admits(request(authorization=f"Bearer {token}"))
    assert known.admits(request(authorization=f"bearer  {token} "))
    for wrong in ("", "Bearer", "Bearer ", f"Basic {token}", token, f"Bearer {token[:-1]}"):
        assert not known.admits(request(authorization=wrong))
    assert not known.admits(request(cookie=f"portbook-session={token}"))
    assert not known.admits(request(x_token=token))
    assert not known.admits(request())


@given(st.text(max_size=200))
def test_no_text_gets_in(text: str) -> None:
    """As a header, a cookie, a code: never an exception, never a session."""
    known = Tokens()
    header = text.encode("utf-8", "replace").decode("latin-1")
    assert known.enter(text) is None
    assert not known.admits(request(authorization=header, cookie=header))
    assert not known.admits(request(cookie=f"portbook-session={header}"))


def test_a_code_opens_one_session(tmp_path: Path) -> None:
    """Whose cookie admits, among others, until it is left."""
    known = Tokens(str(tmp_path / "token"))
    session = known.enter(known.make_code())
    assert session is not None
    assert known.admits(session_of(session))
    assert not known.admits(request(authorization=f"Bearer {session}"))
    known.leave(session_of(session))
    assert not known.admits(session_of(session))


def test_a_code_that_comes_twice_ends_what_it_opened() -> None:
    """Somebody else has seen it: neither of the two keeps a session."""
    known = Tokens()
    code = known.make_code()
    session = known.enter(code)
    assert known.enter(code) is None
    assert not known.admits(session_of(session))


def test_the_token_itself_opens_sessions(tmp_path: Path) -> None:
    """As often as it is typed in."""
    path = str(tmp_path / "token")
    known = Tokens(path)
    first, second = known.enter(kept_token(path)), known.enter(kept_token(path))
    assert first != second
    assert known.admits(session_of(first)) and known.admits(session_of(second))


def test_codes_and_sessions_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code after a minute; a session twelve hours after it was last used."""
    now = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    known = Tokens()
    code, late = known.make_code(), known.make_code()
    now[0] += 59
    session = known.enter(code)
    now[0] += 2
    assert known.enter(late) is None
    for _ in range(3):
        now[0] += 11 * 3600
        assert known.admits(session_of(session))
    now[0] += 12 * 3600 + 1
    assert not known.admits(session_of(session))


def test_neither_codes_nor_sessions_grow_without_end() -> None:
    """The oldest code goes first, and the session that is longest unused."""
    known = Tokens()
    codes = [known.make_code() for _ in range(module.MOST_CODES + 1)]
    assert known.enter(codes[0]) is None
    sessions = [known.enter(known.make_code()) for _ in range(module.MOST_SESSIONS)]
    assert known.admits(session_of(sessions[0]))
    known.enter(known.make_code())
    assert known.admits(session_of(sessions[0]))
    assert not known.admits(session_of(sessions[1]))
    assert len(known._sessions) == module.MOST_SESSIONS


def test_a_file_that_is_gone_comes_back_the_same(tmp_path: Path) -> None:
    """With its folder and for its owner alone; where nothing can be written nothing happens."""
    path = tmp_path / "folder" / "token"
    known, token = Tokens(str(path)), read_token(str(path)).token
    path.unlink()
    path.parent.rmdir()
    known.keep_file()
    assert read_token(str(path)).token == token
    path.write_text("another")
    known.keep_file()
    assert path.read_text() == "another"
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("in the way")
    known.keep_file()
    assert path.parent.is_file()


def test_without_a_file_nobody_knows_the_token() -> None:
    """A server whose folder cannot be written lets nobody in, and two do not share one."""
    assert Tokens()._token != Tokens()._token
