"""Was this page useful? From a real server's form to the counts, over real sockets."""

import ctypes
import http.client
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tools.make_schemas import SCHEMAS

from command import portbook
from pages.serving import Reply, Serving, serving
from portbook.host.feedback_reader import feedback_of
from portbook.pages.addresses import spelled

pytestmark = pytest.mark.live

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)> \x1b[31m {{ 7*7 }} %(page)s"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the server below."""
    return tmp_path_factory.mktemp("voted")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Serving]:
    """One server; every test comes from an address of its own, as its rate is limited by that."""
    with serving(home) as found:
        yield found


def post(
    server: Serving, body: bytes | dict[str, str], *, source: str = "127.0.0.1", **headers: str
) -> Reply:
    """A form as a browser sends it, from the loopback address `source`, or JSON."""
    path = headers.pop("path", "/feedback")
    sent = {"Content-Type": FORM, "Origin": server.url.rstrip("/")}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {name: value for name, value in sent.items() if value}
    if isinstance(body, dict):
        coded = json.dumps(body) if sent.get("Content-Type") == JSON else urlencode(body)
        body = coded.encode()
    link = http.client.HTTPConnection(
        "127.0.0.1", server.port, timeout=20, source_address=(source, 0)
    )
    try:
        link.request("POST", path, body, sent)
        answer = link.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, told, answer.read())
    finally:
        link.close()


def counts(server: Serving, page: str) -> tuple[int, int]:
    """Yes and no of a page, as the server tells who has the token."""
    reply = server.ask("/feedback.json", known=True)
    assert reply.status == 200
    found = [each for each in reply.document["pages"] if each["page"] == page]
    return (found[0]["yes"], found[0]["no"]) if found else (0, 0)


def answer(page: str, useful: str = "yes", **more: str) -> dict[str, str]:
    """The fields of the form."""
    return {"page": page, "useful": useful, **more}


@pytest.mark.parametrize(("tag", "said"), [("en", "Thank you"), ("nl", "Bedankt")])
def test_a_plain_form_is_counted_and_thanked(server: Serving, tag: str, said: str) -> None:
    """303 to a page in the language of the form, which may be loaded again; then 409."""
    page = f"/{3200 + len(said)}"
    shown = server.ask(f"/{tag}{page}").text
    form = re.search(r'<form class="feedback".*?</form>', shown, re.DOTALL)
    assert form
    assert f'action="/{tag}/feedback"' in form[0]
    assert f'name="page" value="{page}"' in form[0]
    source = f"127.0.1.{len(said)}"
    reply = post(server, answer(page, comment=""), source=source, path=f"/{tag}/feedback")
    assert (reply.status, reply.body) == (303, b"")
    assert reply.headers["location"] == f"/{tag}/feedback/thanks?page={page}"
    for _ in range(2):
        thanks = server.ask(reply.headers["location"])
        assert thanks.status == 200
        assert said in thanks.text
        assert f'href="/{tag}{page}"' in thanks.text
        assert thanks.headers["cache-control"] == "no-store"
    again = post(server, answer(page, "no"), source=source, path=f"/{tag}/feedback")
    assert again.status == 409
    assert again.headers["content-language"] == tag
    assert counts(server, page) == (1, 0)


def test_the_module_gets_json_and_counts_with_the_form(server: Serving) -> None:
    """201 with the sentence to show; the form of the same visitor is the second answer."""
    kind = {"Content_Type": JSON, "source": "127.0.2.1", "path": "/nl/feedback"}
    reply = post(server, answer("/81", "no", comment="Wat?"), **kind)
    assert reply.status == 201
    assert reply.document["outcome"] == "kept"
    assert "Bedankt" in reply.document["message"]
    again = post(server, answer("/81"), **kind)
    assert again.status == 409
    assert again.document["error"]["code"] == "conflict"
    assert post(server, answer("/81"), source="127.0.2.1").status == 409
    other = post(server, answer("/81"), source="127.0.2.1", User_Agent="another browser")
    assert other.status == 303
    assert counts(server, "/81") == (1, 1)


def test_who_sends_twice_at_once_counts_once(server: Serving) -> None:
    """Twenty threads, ten visitors, each twice at the same moment: exactly ten."""
    found: list[int] = []

    def vote(number: int) -> None:
        agent = f"browser {number // 2}"
        found.append(post(server, answer("/82"), source="127.0.3.1", User_Agent=agent).status)

    threads = [Thread(target=vote, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [303] * 10 + [409] * 10
    assert counts(server, "/82") == (10, 0)


def test_the_counts_are_for_who_has_the_token(server: Serving) -> None:
    """401 and no number without it; with it the page, the document and the command agree."""
    for path in ("/feedback", "/feedback.json", "/nl/feedback"):
        refused = server.ask(path)
        assert refused.status == 401
        assert "/8888" not in refused.text
    assert post(server, answer("/8888", comment="hello"), source="127.0.4.1").status == 303
    shown = server.ask("/feedback", known=True)
    assert shown.status == 200
    assert shown.headers["cache-control"] == "no-store"
    assert "/8888" in shown.text
    told = server.ask("/feedback.json", known=True).document
    schema = json.loads((SCHEMAS / "feedback.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(told)
    command = portbook("feedback", "--json", env={"PORTBOOK_DATA_HOME": str(home_of(server))})
    assert command.code == 0
    assert command.document == told


def home_of(server: Serving) -> Path:
    """The data folder that it was given."""
    return Path(server.environment["PORTBOOK_DATA_HOME"])


def test_markup_in_a_comment_stays_text(server: Serving) -> None:
    """On the page, in the document and on a terminal: shown, never obeyed."""
    assert post(server, answer("/83", comment=MARKUP), source="127.0.5.1").status == 303
    shown = server.ask("/feedback", known=True).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown
    assert "{{ 7*7 }} %(page)s" in shown
    told = server.ask("/feedback.json", known=True)
    assert told.headers["content-type"] == JSON
    kept = MARKUP.replace("\x1b", " ")
    comments = [one["comment"] for each in told.document["pages"] for one in each["comments"]]
    assert kept in comments
    home = {"PORTBOOK_DATA_HOME": str(home_of(server))}
    assert "\x1b" not in portbook("feedback", "--comments", env=home).out
    # It comes back in the form that a refused answer is shown with.
    for number in range(25):
        reply = post(server, answer(f"/{9000 + number}", comment=MARKUP), source="127.0.5.1")
    assert reply.status == 429
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in reply.text
    assert "<script>alert" not in reply.text


def test_too_many_answers_of_one_visitor_are_refused_for_a_while(server: Serving) -> None:
    """Twenty in ten minutes, whatever they were; the text is not lost, and others are not held."""
    source = "127.0.6.1"
    found = [post(server, answer(f"/{1000 + n}"), source=source).status for n in range(20)]
    assert found == [303] * 20
    reply = post(server, answer("/1099", "no", comment="my words"), source=source)
    assert reply.status == 429
    assert 0 < int(reply.headers["retry-after"]) <= 600
    assert "my words" in reply.text
    assert 'name="page" value="/1099"' in reply.text
    kind = {"Content_Type": JSON}
    module = post(server, answer("/1099"), source=source, **kind)
    assert (module.status, module.document["error"]["code"]) == (429, "too_many_requests")
    assert post(server, answer("/1099"), source="127.0.6.2").status == 303
    assert counts(server, "/1099") == (1, 0)


@pytest.mark.parametrize("size", [8193, 1 << 20, (4 << 20) + 100_000])
@pytest.mark.parametrize("kind", [FORM, JSON])
def test_a_body_of_a_megabyte_is_refused(server: Serving, size: int, kind: str) -> None:
    """413, and the next request is answered as ever; nothing of it is kept."""
    before = counts(server, "/84")
    body = b"page=/84&useful=yes&comment=".ljust(size, b"x")
    try:
        reply = post(server, body, source="127.0.7.1", Content_Type=kind)
    except (ConnectionError, http.client.HTTPException):
        assert size > 4 << 20
    else:
        assert reply.status == 413
        assert len(reply.body) < 10_000
    assert counts(server, "/84") == before
    assert post(server, b"", source="127.0.7.1").status == 422


@pytest.mark.parametrize(
    "kind",
    [
        *("", "text/plain", "multipart/form-data; boundary=x", "application/jsonp", "*/*"),
        *(f"{FORM}; charset=utf-16", "application/json; charset=latin1", "text/html"),
    ],
)
def test_other_types_are_refused(server: Serving, kind: str) -> None:
    """415: a form or JSON in UTF-8, and nothing else."""
    body = urlencode(answer("/85")).encode()
    assert post(server, body, source="127.0.8.1", Content_Type=kind).status == 415
    packed = post(server, body, source="127.0.8.1", Content_Encoding="gzip")
    assert packed.status == 415
    assert counts(server, "/85") == (0, 0)


@pytest.mark.parametrize(
    "sent",
    [
        answer("/70000"),
        answer("/nothing-of-that-name"),
        answer("//evil.example/"),
        answer("https://evil.example/"),
        answer("/86", "perhaps"),
        answer("/86", comment="x" * 501),
        answer("/86", admin="1"),
        {"page": "/86"},
        {"useful": "yes"},
    ],
)
def test_fields_that_do_not_fit_are_refused(server: Serving, sent: dict[str, str]) -> None:
    """422, as a page for the form and as an error for the module; nothing is kept."""
    for kind in (FORM, JSON):
        reply = post(server, sent, source="127.0.9.1", Content_Type=kind)
        assert reply.status == 422
        if kind == JSON:
            assert reply.document["error"]["code"]
        else:
            assert "<h1>" in reply.text
    assert counts(server, "/86") == (0, 0)
    assert "evil" not in server.ask("/feedback/thanks?page=//evil.example/").text


def test_a_form_of_another_site_is_refused(server: Serving) -> None:
    """A foreign or hidden origin, a cross-site request, and a form that does not say: 403."""
    own = server.url.rstrip("/")
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": own.replace("127.0.0.1", "127.0.0.2")},
        {"Origin": own, "Sec_Fetch_Site": "cross-site"},
        {"Origin": own, "Sec_Fetch_Site": "same-site"},
        {"Origin": "", "Sec_Fetch_Site": "cross-site"},
        {"Origin": ""},
        {"Origin": "", "Sec_Fetch_Site": "none"},
    ):
        reply = post(server, answer("/87"), source="127.0.10.1", **headers)
        assert reply.status == 403, headers
    assert post(server, answer("/87"), source="127.0.10.1", Host="evil.example").status == 421
    assert counts(server, "/87") == (0, 0)
    for headers in ({"Origin": own}, {"Origin": "", "Sec_Fetch_Site": "same-origin"}):
        reply = post(server, answer("/87"), source=f"127.0.10.{2 + len(headers)}", **headers)
        assert reply.status == 303, headers


def test_reading_changes_nothing(server: Serving) -> None:
    """A GET with the fields of an answer is a GET."""
    server.ask("/feedback?page=/88&useful=yes", known=True)
    server.ask("/feedback/thanks?page=/88&useful=yes")
    assert counts(server, "/88") == (0, 0)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.one_of(
        st.binary(max_size=300),
        st.fixed_dictionaries(
            {"page": st.text(max_size=20).map(lambda s: f"/{s}"), "useful": st.text(max_size=4)},
            optional={"comment": st.text(max_size=600), "x": st.text(max_size=4)},
        ),
    ),
    kind=st.sampled_from([FORM, JSON, f"{FORM}; charset=UTF-8"]),
    number=st.integers(0, 10**9),
)
def test_no_body_makes_the_server_fail(
    server: Serving, body: bytes | dict[str, str], kind: str, number: int
) -> None:
    """Any bytes and any fields get one of the answers that are meant."""
    if isinstance(body, dict):
        coded = json.dumps(body) if kind == JSON else urlencode(body, errors="surrogatepass")
        body = coded.encode()
    source = f"127.{1 + number % 200}.{number // 200 % 250}.1"
    reply = post(server, body, source=source, Content_Type=kind)
    assert reply.status in (201, 303, 409, 422)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/0", "/3255", "/3255/udp", "/3255/sctp", "/65535", "/map", "/orphans", "/method"),
        *("/orphans/3", "/orphans/50", "/year/2002", "/year/1803", "/assignee/Jay_Eckles"),
        *("/assignee/Nobody_Ever", "/name/http", "/name/none-such", "/65536", "/search"),
    ],
)
def test_what_takes_answers_is_what_has_a_page(server: Serving, path: str) -> None:
    """The list of pages agrees with the server."""
    assert (spelled(path) is not None) == (server.ask(path).status == 200)


def test_after_a_restart_an_answer_still_counts_once(tmp_path: Path) -> None:
    """Another process of the same day knows its visitors, and the counts are all there."""
    with serving(tmp_path) as first:
        assert post(first, answer("/3255")).status == 303
        assert post(first, answer("/3255", "no"), User_Agent="other").status == 303
    assert feedback_of(str(tmp_path / "feedback.sqlite")).totals[1:3] == (1, 1)
    with serving(tmp_path) as second:
        assert post(second, answer("/3255")).status == 409
        assert counts(second, "/3255") == (1, 1)


def test_killed_in_the_middle_nothing_that_was_thanked_is_lost(tmp_path: Path) -> None:
    """SIGKILL right after the last answer."""
    with serving(tmp_path) as running:
        for number in range(15):
            assert post(running, answer(f"/{number}")).status == 303
        running.process.kill()
        running.process.wait()
    assert feedback_of(str(tmp_path / "feedback.sqlite")).totals.yes == 15


def apart(work: Callable[[], None]) -> None:
    """Do it in a thread with mounts of its own, which the programs that it starts share."""
    raised: list[BaseException] = []

    def enter() -> None:
        try:
            libc: Any = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(0x20000):  # CLONE_NEWNS
                pytest.skip("needs root to mount")
            run("mount", "--make-rprivate", "/")
            work()
        except BaseException as error:  # noqa: BLE001 - raised again in the test
            raised.append(error)

    thread = Thread(target=enter)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def run(*argv: str) -> None:
    """A program that has to succeed."""
    subprocess.run(argv, check=True)


@pytest.mark.root
def test_a_folder_that_cannot_be_written_refuses_and_keeps_serving(tmp_path: Path) -> None:
    """503 with the text in the form; pages and counts work on, and afterwards votes do, too."""
    kept = tmp_path / "kept"
    kept.mkdir()
    env = {"PORTBOOK_DATA_HOME": str(kept)}
    with serving(tmp_path, env=env) as running:
        assert post(running, answer("/3255")).status == 303

    def work() -> None:
        run("mount", "--bind", str(kept), str(kept))
        run("mount", "-o", "remount,ro,bind", str(kept))
        with serving(tmp_path, env=env) as running:
            for agent in ("one", "two"):
                reply = post(running, answer("/80", comment="my words"), User_Agent=agent)
                assert reply.status == 503
                assert "my words" in reply.text
            module = post(running, answer("/80"), Content_Type=JSON, User_Agent="three")
            assert (module.status, bool(module.document["error"]["message"])) == (503, True)
            assert running.ask("/3255").status == 200
            assert counts(running, "/3255") == (1, 0)
            run("umount", "--lazy", str(kept))
            assert post(running, answer("/80")).status == 303
            assert post(running, answer("/3255")).status == 409
            assert counts(running, "/80") == (1, 0)
        said = (tmp_path / "serve.log").read_text()
        assert said.count("feedback is not kept") == 1

    apart(work)


@pytest.mark.root
def test_a_full_disk_refuses_and_works_again_when_there_is_room(tmp_path: Path) -> None:
    """507 while a tiny file system is full; what was kept stays, and later votes are kept."""

    def work() -> None:
        run("mount", "-t", "tmpfs", "-o", "size=256k", "none", str(tmp_path))
        with serving(tmp_path) as running:
            assert post(running, answer("/3255")).status == 303
            ballast = tmp_path / "ballast"
            with ballast.open("wb", buffering=0) as file:
                for size in (4096, 512, 1):
                    try:
                        while True:
                            file.write(bytes(size))
                    except OSError:
                        continue
            found = []
            for number in range(60):
                sent = answer("/80", comment="x" * 500)
                source = f"127.0.11.{1 + number % 20}"
                found.append(post(running, sent, source=source, User_Agent=str(number)).status)
            assert set(found) <= {303, 507}
            assert found[-1] == 507
            kept = found.count(303)
            assert running.ask("/3255").status == 200
            assert counts(running, "/3255") == (1, 0)
            assert counts(running, "/80") == (kept, 0)
            ballast.unlink()
            assert post(running, answer("/81")).status == 303
            assert counts(running, "/80") == (kept, 0)
            assert counts(running, "/81") == (1, 0)

    apart(work)
