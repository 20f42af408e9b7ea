"""Getting in: the form, codes, the cookie, `portbook open`, and whom it does not give the token."""

import http.client
import json
import os
import re
import shutil
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.stage import NOBODY, Ran, run_portbook
from pages.certificates import make_certificate
from pages.serving import Reply, Serving, serving
from portbook.cli.open import entrance
from portbook.pages.views.enter import local_path

pytestmark = pytest.mark.live
FORM = "application/x-www-form-urlencoded"
IMPOSTOR = str(Path(__file__).parent / "impostor.py")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server of its own."""
    with serving(tmp_path_factory.mktemp("entered")) as made:
        yield made


def enter(server: Serving, secret: str, onward: str = "/", path: str = "/enter") -> Reply:
    """Post the form as a browser without JavaScript does."""
    body = urlencode({"secret": secret, "next": onward}).encode()
    origin = server.url.rstrip("/")
    return server.ask(path, "POST", body, Content_Type=FORM, Origin=origin)


def code_of(server: Serving) -> str:
    """A one-time code, for the token."""
    reply = server.ask("/enter/code", "POST", known=True, Content_Type="application/json")
    assert reply.status == 200
    assert reply.document["schema"] == "portbook/code/1"
    assert reply.document["seconds"] == 60
    return str(reply.document["code"])


def cookie_of(reply: Reply) -> str:
    """The Cookie header that a browser makes of the answer."""
    (found,) = SimpleCookie(reply.headers["set-cookie"]).values()
    assert found["httponly"] and found["samesite"].lower() == "strict" and found["path"] == "/"
    assert not found["domain"] and not found["expires"]
    return f"{found.key}={found.value}"


def opened(server: Serving, *arguments: str, **env: str) -> Ran:
    """`portbook open` with that server's data folder."""
    home = server.environment["PORTBOOK_DATA_HOME"]
    named = ("open", "--port", str(server.port), *arguments)
    return run_portbook(*named, env={"PORTBOOK_DATA_HOME": home, **env})


@pytest.mark.parametrize("language", ["", "/en", "/nl"])
def test_the_form_lets_in_without_javascript(server: Serving, language: str) -> None:
    """The page has the form; its answer is a cookie and the way on."""
    page = server.ask(f"{language}/enter?next=/here")
    assert page.status == 200
    assert f'action="{language}/enter" method="post"' in page.text
    assert 'name="next" value="/here"' in page.text
    reply = enter(server, code_of(server), "/here", f"{language}/enter")
    assert (reply.status, reply.headers["location"]) == (303, "/here")
    cookie = cookie_of(reply)
    assert "secure" not in reply.headers["set-cookie"].lower()
    assert server.ask("/here").status == 401
    assert server.ask("/here", Cookie=cookie).status == 200
    start = enter(server, server.token, "/", f"{language}/enter")
    assert start.headers["location"] == f"{language}/"


def test_a_code_is_good_once_and_a_second_use_ends_the_session(server: Serving) -> None:
    """Who saw the code on a command line gains nothing that stays."""
    code = code_of(server)
    cookie = cookie_of(enter(server, code))
    assert server.ask("/here", Cookie=cookie).status == 200
    again = enter(server, code)
    assert again.status == 403
    assert "set-cookie" not in again.headers
    assert 'role="alert"' in again.text
    assert server.ask("/here", Cookie=cookie).status == 401


def test_leaving_ends_the_session_on_the_server_too(server: Serving) -> None:
    """The cookie is deleted, and a copy of it opens nothing."""
    cookie = cookie_of(enter(server, server.token))
    page = server.ask("/nl/enter", Cookie=cookie)
    assert 'action="/nl/leave" method="post"' in page.text
    origin = server.url.rstrip("/")
    left = server.ask("/nl/leave", "POST", b"", Content_Type=FORM, Origin=origin, Cookie=cookie)
    assert (left.status, left.headers["location"]) == (303, "/nl/")
    assert "max-age=0" in left.headers["set-cookie"].lower()
    assert server.ask("/here", Cookie=cookie).status == 401
    assert server.ask("/leave").status in (404, 405)


@pytest.mark.parametrize("secret", ["", "x", "x" * 43, "ü" * 20, "x" * 5000, "\x00"])
def test_anything_else_gets_the_form_again(server: Serving, secret: str) -> None:
    """403, no cookie, and nothing of what was sent on the page."""
    reply = enter(server, secret, "/map")
    assert reply.status == 403
    assert "set-cookie" not in reply.headers
    assert "xxx" not in reply.text


def test_another_site_cannot_send_the_form(server: Serving) -> None:
    """Else it could log a browser in as somebody else."""
    body = urlencode({"secret": server.token}).encode()
    for origin in ("http://evil.example", "null"):
        reply = server.ask("/enter", "POST", body, Content_Type=FORM, Origin=origin)
        assert reply.status == 403
    crossed = server.ask("/enter", "POST", body, Content_Type=FORM, Sec_Fetch_Site="cross-site")
    assert crossed.status == 403


def test_two_servers_on_one_host_leave_each_other_their_sessions(
    server: Serving, tmp_path: Path
) -> None:
    """A browser sends the cookies of both to both, and keeps one of each name."""
    with serving(tmp_path) as other:
        jar = {}
        for each in (server, other):
            name, _, value = cookie_of(enter(each, each.token)).partition("=")
            jar[name] = value
        both = "; ".join(f"{name}={value}" for name, value in jar.items())
        assert sorted(jar) == sorted(f"portbook-session-{each.port}" for each in (server, other))
        for each in (server, other):
            assert each.ask("/here", Cookie=both).status == 200


def test_the_token_survives_its_folder(tmp_path: Path) -> None:
    """Whoever removes the data folder of a running server can still get in, and twice."""
    home = tmp_path / "home"
    home.mkdir()
    with serving(tmp_path, env={"PORTBOOK_DATA_HOME": str(home)}) as server:
        token = server.token
        shutil.rmtree(home)
        assert server.ask("/3255").status == 200
        assert not home.exists()  # nobody needs it yet
        ran = opened(server, "--print")
        assert ran.code == 0, ran.err
        assert server.token == token
        assert stat.S_IMODE(server.token_file.stat().st_mode) == 0o600
        assert server.ask("/here", known=True).status == 200
        # What somebody else put there is neither replaced nor used.
        server.token_file.unlink()
        server.token_file.symlink_to("/etc/hostname")
        assert server.ask("/enter").status == 200
        assert server.token_file.is_symlink()
        assert opened(server, "--print").code == 5


def test_a_code_is_only_for_the_token_itself(server: Serving) -> None:
    """Not for a session, nobody, or a plain form."""
    cookie = cookie_of(enter(server, server.token))
    for shown, token in (("", ""), (cookie, ""), ("", "Bearer x")):
        asked = server.ask(
            *("/enter/code", "POST"),
            Content_Type="application/json",
            Cookie=shown,
            Authorization=token,
        )
        assert asked.status == 401
    asked = server.ask("/enter/code", "POST", known=True, Content_Type=FORM)
    assert asked.status == 415
    assert server.ask("/enter/code", known=True).status in (404, 405)


@pytest.mark.parametrize(
    "away",
    [
        *("//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example"),
        *("/\t/evil.example", "/\n/evil.example", "javascript:alert(1)", "evil", "", " /x"),
        *("/a b", "/ü", "/" + "a" * 600, "/x\r\nSet-Cookie: a=b"),
    ],
)
def test_the_way_on_never_leads_away(server: Serving, away: str) -> None:
    """What is no path of this server is the start."""
    reply = enter(server, server.token, away)
    assert (reply.status, reply.headers["location"]) == (303, "/")


@given(st.text(alphabet=st.sampled_from("/\\ev.:?#%0aä\t\r\n@ "), max_size=12))
def test_a_path_is_local_whoever_reads_it(text: str) -> None:
    """A browser takes the slash and the backslash for the same, and drops tabs and line ends."""
    path = local_path(text)
    read = re.sub(r"[\t\r\n]", "", path).replace("\\", "/")
    assert read.startswith("/") and not read.startswith("//")
    assert urlsplit(path).netloc == "" and urlsplit(path).scheme == ""


def test_open_prints_an_address_that_lets_in_once(server: Serving) -> None:
    """The code stands behind #, which no browser sends and no log has."""
    ran = opened(server, "--print", "/here")
    assert (ran.code, ran.err) == (0, "")
    address = urlsplit(ran.out.strip())
    assert f"{address.scheme}://{address.netloc}/" == server.url
    assert (address.path, address.query) == ("/enter", "next=/here")
    assert enter(server, address.fragment, "/here").status == 303
    assert enter(server, address.fragment).status == 403


def test_open_without_a_browser_says_so(server: Serving) -> None:
    """The address is printed, and that it does not last."""
    ran = opened(server, "3255", DISPLAY="", WAYLAND_DISPLAY="", BROWSER="")
    assert ran.code == 0
    assert "/enter?next=/3255#" in ran.out
    assert "no browser is known here" in ran.err
    told = opened(server, "--json", "--print").document
    assert told["schema"] == "portbook/open/1"
    assert told["url"].startswith(f"{server.url}enter#")
    assert told["opened"] is False


def browser(folder: Path) -> str:
    """A browser that writes down what it is to open; for $BROWSER."""
    script = folder / "browser"
    script.write_text(
        f'#!/bin/sh\nprintf %s "$1" >{folder}/asked.new\nmv {folder}/asked.new {folder}/asked\n'
    )
    script.chmod(0o755)
    return str(script)


def asked_of(folder: Path) -> str:
    """What the browser was asked to open."""
    for _ in range(100):
        if (folder / "asked").exists():
            return (folder / "asked").read_text()
        time.sleep(0.05)
    raise AssertionError("no browser was started")


def test_open_starts_the_users_browser(server: Serving, tmp_path: Path) -> None:
    """With the address as its argument; nothing secret is printed then."""
    ran = opened(server, "/map?by=here", BROWSER=browser(tmp_path))
    assert (ran.code, ran.out) == (0, "")
    address = urlsplit(asked_of(tmp_path))
    assert address.query == "next=/map%3Fby%3Dhere"
    assert address.fragment not in ran.err
    assert enter(server, address.fragment).status == 303


def test_serve_opens_a_browser_that_is_in(tmp_path: Path) -> None:
    """--open: with a code of its own."""
    with serving(tmp_path, "--open", env={"BROWSER": browser(tmp_path)}) as server:
        address = urlsplit(asked_of(tmp_path))
        assert address.path == "/enter"
        assert enter(server, address.fragment).status == 303


def test_open_leads_into_a_book_without_live_parts_directly(tmp_path: Path) -> None:
    """There is nothing to enter, so no token is sent."""
    (tmp_path / "token").write_text("unused")
    with serving_publicly(tmp_path) as url:
        port = str(urlsplit(url).port)
        ran = run_portbook("open", "--port", port, "--print", "/3255")
        assert (ran.code, ran.out) == (0, f"{url}3255\n")


@contextmanager
def serving_publicly(folder: Path) -> Iterator[str]:
    """A server with --no-live; its address."""
    argv = [sys.executable, "-m", "portbook", "serve", "--port", "0", "--json", "--no-live"]
    env = {**os.environ, "PORTBOOK_DATA_HOME": str(folder)}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=env) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert told["token_file"] is None and told["live"] is False
            yield told["url"]
        finally:
            process.terminate()


def test_open_works_over_tls(tmp_path: Path) -> None:
    """The certificate need not be known: whose server it is says the kernel. Cookies are Secure."""
    certificate, key = make_certificate(tmp_path)
    with serving(tmp_path, "--tls-cert", certificate, "--tls-key", key) as server:
        ran = opened(server, "--tls", "--print")
        assert ran.code == 0
        assert ran.out.startswith(f"{server.url}enter#")
        assert server.url.startswith("https://")
        context = ssl.create_default_context(cafile=certificate)
        link = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=10)
        secret = ran.out.strip().partition("#")[2]
        link.request("POST", "/enter", urlencode({"secret": secret}), {"Content-Type": FORM})
        answer = link.getresponse()
        assert answer.status == 303
        assert "secure" in (answer.headers["set-cookie"] or "").lower()
        link.close()
        plain = opened(server, "--print")
        assert plain.code == 5
        assert "portbook open --tls" in plain.err


def test_what_is_there_and_no_portbook_is_named(tmp_path: Path) -> None:
    """Nothing, something else, something that speaks no HTTP."""
    with serving(tmp_path) as server:
        port = server.port
    nothing = run_portbook("open", "--port", str(port))
    assert nothing.code == 5
    assert nothing.err == (
        f"portbook: error: nothing answers on 127.0.0.1:{port}\nhint: portbook serve\n"
    )
    argv = [sys.executable, "-u", "-m", "http.server", "-b", "127.0.0.1", "0"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tmp_path, text=True
    ) as other:
        try:
            assert other.stdout is not None
            found = re.search(r"port (\d+)", other.stdout.readline())
            assert found
            ran = run_portbook("open", "--port", found[1])
        finally:
            other.terminate()
    assert ran.code == 5
    assert f"127.0.0.1:{found[1]} is held by " in ran.err
    assert f"(pid {other.pid}, " in ran.err
    assert "no portbook that can be asked" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--port", "x"), 2, "x is no port"),
        (("a b",), 2, "is no path of the book"),
        (("\\\\evil",), 2, "is no path of the book"),
        (("--host", "192.0.2.1"), 2, "192.0.2.1 is no address of this machine"),
    ],
)
def test_what_cannot_be_opened_is_one_line(
    arguments: tuple[str, ...], code: int, said: str
) -> None:
    """Before anything is asked."""
    ran = run_portbook("open", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_a_server_with_another_token_is_said(tmp_path: Path) -> None:
    """Nothing to be done about it but to name the file."""
    (tmp_path / "one").mkdir()
    with serving(tmp_path / "one") as server:
        none = opened(server, PORTBOOK_DATA_HOME=str(tmp_path / "two"))
        assert none.code == 5
        assert f"there is no token in {tmp_path}/two/token" in none.err
        (tmp_path / "two").mkdir()
        (tmp_path / "two" / "token").write_text("x" * 43)
        (tmp_path / "two" / "token").chmod(0o600)
        other = opened(server, PORTBOOK_DATA_HOME=str(tmp_path / "two"))
        assert other.code == 5
        assert "does not take the token" in other.err
        (tmp_path / "two" / "token").chmod(0o644)
        assert "others can read" in opened(server, PORTBOOK_DATA_HOME=str(tmp_path / "two")).err


@contextmanager
def impostor(file: Path, *uid: str) -> Iterator[str]:
    """Something that says it is a portbook; its port."""
    argv = [sys.executable, IMPOSTOR, str(file), *uid]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to run a server as somebody else")
def test_another_users_server_does_not_get_the_token(tmp_path: Path) -> None:
    """Though its socket was opened by root: the kernel tells who took this very connection."""
    (tmp_path / "token").write_text(token := "x" * 43)
    (tmp_path / "token").chmod(0o600)
    home = {"PORTBOOK_DATA_HOME": str(tmp_path)}
    with impostor(tmp_path / "sent", str(NOBODY)) as port:
        ran = run_portbook("open", "--port", port, "--print", env=home)
    assert ran.code == 5
    assert f"127.0.0.1:{port} belongs to user nobody; it is not given the token" in ran.err
    sent = (tmp_path / "sent").read_text()
    assert "GET /healthz" in sent and token not in sent


def test_our_own_server_does_get_it(tmp_path: Path) -> None:
    """The test above does not pass for another reason."""
    (tmp_path / "token").write_text(token := "x" * 43)
    (tmp_path / "token").chmod(0o600)
    with impostor(tmp_path / "sent") as port:
        ran = run_portbook(
            "open", "--port", port, "--print", env={"PORTBOOK_DATA_HOME": str(tmp_path)}
        )
    assert ran.code == 5  # it has no code to give
    assert f"Authorization: Bearer {token}" in (tmp_path / "sent").read_text()


def test_the_address_to_enter_by() -> None:
    """The path is quoted whole, the start is not named."""
    assert entrance("http://a/", "/", "c") == "http://a/enter#c"
    assert entrance("http://a/", "/map?by=here&x", "c") == (
        "http://a/enter?next=/map%3Fby%3Dhere%26x#c"
    )


def test_health_and_metrics_tell_of_the_server_alone(server: Serving) -> None:
    """Without the token; no port, process or visitor is named."""
    server.ask("/nl/3255")
    server.ask("/nowhere/at/all")
    server.ask("/3255", Host="evil.example")
    health = server.ask("/healthz")
    assert health.status == 200
    assert health.document["status"] == "ok"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", health.document["evidence"])
    assert health.document["records"] > 10000
    told = server.ask("/metrics")
    assert told.headers["content-type"].startswith("text/plain; version=")
    lines = told.text.splitlines()
    assert 'portbook_requests_total{language="nl",page="port",status="200"} 1.0' in lines
    assert any('page="refused",status="421"' in line for line in lines)
    assert any(line.startswith("portbook_response_seconds_bucket") for line in lines)
    assert "portbook_connections_evicted_total 0.0" in lines
    assert "portbook_snapshot_age_seconds" in told.text
    for secret in ("3255", "127.0.0.1", "evil", str(server.process.pid)):
        assert not any(secret in line.partition(" ")[0] for line in lines if line[0] != "#")
