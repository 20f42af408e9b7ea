"""What is sent as feedback, and how often: bytes to fields, addresses to pages, a window."""

import asyncio
import json
import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.host.feedback_reader import feedback_of
from portbook.host.feedback_store import Outcome
from portbook.model import LAST_PORT, PortbookError
from portbook.model.feedback import LONGEST_COMMENT, Vote
from portbook.pages.addresses import spelled
from portbook.pages.answering import Refused
from portbook.pages.feedback import FeedbackDesk, Limits, Visitor
from portbook.pages.given import Given, read
from portbook.pages.rate import Rate

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def refused(body: bytes, *, plain: bool) -> int:
    """The status with which a body is refused."""
    with pytest.raises(Refused) as error:
        read(body, plain=plain)
    return error.value.status_code


@settings(deadline=None)
@given(page=TEXT, useful=st.booleans(), comment=TEXT)
def test_both_forms_say_the_same(page: str, useful: bool, comment: str) -> None:  # noqa: FBT001
    """What a browser sends as a form and what the module sends are read alike."""
    fields = {"page": page, "useful": "yes" if useful else "no", "comment": comment}
    form = read(urlencode(fields).encode(), plain=True)
    assert form == read(json.dumps(fields).encode(), plain=False)
    assert (form.page, form.useful) == (page, useful)
    assert form.comment is None or (form.comment == form.comment.strip() and form.comment)


@settings(max_examples=500, deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=60).map(lambda tail: b"page=/3255&useful=yes&comment=" + tail),
        st.binary(max_size=60).map(lambda tail: b'{"page":"/3255","useful":"no",' + tail),
        st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(
            lambda value: json.dumps({"page": value, "useful": "yes"}).encode()
        ),
    ),
    plain=st.booleans(),
)
def test_any_bytes_are_an_answer_or_refused(body: bytes, plain: bool) -> None:  # noqa: FBT001
    """Never another error, and what is accepted fits the store."""
    try:
        found = read(body, plain=plain)
    except Refused:
        assert refused(body, plain=plain) == 422
        return
    assert found.comment is None or 0 < len(found.comment) <= LONGEST_COMMENT
    f"{found.page}{found.comment}".encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"page=/3255",
        b"useful=yes",
        b"page=/3255&useful=maybe",
        b"page=/3255&useful=YES",
        b"page=/3255&useful=yes&useful=no",
        b"page=/3255&useful=yes&comment=a&comment=b",
        b"page=/3255&useful=yes&visitor=me",
        b"page=/3255&useful=yes&comment",
        b"page=/3255&useful=yes&comment=%ff",
        b"page=/3255&useful=yes&comment=%ed%a0%80",
        b"page=/3255&useful=yes&comment=" + b"x" * 501,
        b"page=/" + b"9" * 300 + b"&useful=yes",
        b"page=/3255;useful=yes",
        b"&".join([b"page=/3255"] * 400),
    ],
)
def test_a_form_with_a_fault_is_refused(body: bytes) -> None:
    """Missing, repeated, unknown or unreadable fields, and too long ones: 422."""
    assert refused(body, plain=True) == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"page"',
        b'[["page","/3255"],["useful","yes"]]',
        b'{"page":"/3255","useful":true}',
        b'{"page":3255,"useful":"yes"}',
        b'{"page":"/3255","useful":"yes","comment":null}',
        b'{"page":"/3255","useful":"yes","comment":["x"]}',
        b'{"page":"/3255","useful":"yes","useful":"no"}',
        b'{"page":"/3255","useful":"yes","more":1}',
        b'{"page":"/3255","useful":"yes","comment":"\\ud800"}',
        b'{"page":"/3255","useful":"yes"} x',
        b"[" * 8192,
        b'{"page":' * 1000,
        b"9" * 8192,
        b"\xff\xfe",
    ],
)
def test_json_with_a_fault_is_refused(body: bytes) -> None:
    """The same for the module's requests, however deep or long: 422."""
    assert refused(body, plain=False) == 422


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("", None),
        (" \r\n\t ", None),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\x00\x1b[31mb\x85", "a  [31mb"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("é" * 500, "é" * 500),
        ("x" * 500 + "\r\n", "x" * 500),
        ("\U0001f600" * 500, "\U0001f600" * 500),
    ],
)
def test_a_comment_is_kept_without_controls(sent: str, kept: str | None) -> None:
    """Line breaks of one kind, blanks for other controls, nothing around it; 500 of any script."""
    body = f"page=/3255&useful=yes&comment={quote_plus(sent)}".encode()
    assert len(body) <= 8192
    assert read(body, plain=True) == Given("/3255", True, kept)


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/", "/"),
        ("/0", "/0"),
        ("/65535", "/65535"),
        ("/3255/udp", "/3255/udp"),
        ("/map", "/map"),
        ("/orphans", "/orphans"),
        ("/orphans/49", "/orphans/49"),
        ("/year/2002", "/year/2002"),
        ("/assignee/Jay_Eckles", "/assignee/Jay_Eckles"),
        ("/assignee/jay eckles", "/assignee/Jay_Eckles"),
        ("/redis", "/name/redis"),
        ("/name/Redis", "/name/redis"),
        ("/name/search", "/name/search"),
        ("/name/914C/G", "/name/914c/g"),
    ],
)
def test_pages_of_the_book_have_one_spelling(path: str, known: str) -> None:
    """Votes on one page are counted together."""
    assert spelled(path) == known
    assert spelled(known) == known


@pytest.mark.parametrize(
    "path",
    [
        *("", "3255", "/65536", "/-1", "/03255", "/3255/", "/3255/xyz", "/3255/TCP", "/3255.json"),
        *("/orphans/50", "/orphans/003", "/year/1803", "/year/2002/1", "/assignee/Nobody_Ever"),
        *(
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/nl/3255",
            "/../etc/passwd",
        ),
        *("/no-such-service", "/name/", "/feedback", "/healthz", "/٣٢٥٥", "/3255\n", "/assignee/"),
    ],
)
def test_what_is_no_page_takes_no_votes(path: str) -> None:
    """Nor does it become an address that anybody is sent to."""
    assert spelled(path) is None


@settings(max_examples=300, deadline=None)
@given(path=st.text(max_size=40).map(lambda rest: f"/{rest}"))
def test_any_address_is_a_page_or_none(path: str) -> None:
    """Never an error, and what is a page is spelled as itself."""
    found = spelled(path)
    assert found is None or (found.startswith("/") and spelled(found) == found)


@given(port=st.integers(0, LAST_PORT + 5000))
def test_every_port_has_a_page(port: int) -> None:
    """And no number beyond them."""
    assert spelled(f"/{port}") == (f"/{port}" if port <= LAST_PORT else None)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.floats(0, 6)), min_size=1, max_size=60
    )
)
def test_the_window_slides(steps: list[tuple[bytes, float]]) -> None:
    """As a list of all times would have it: three within ten seconds, for each key."""
    rate, past, now = Rate(3, 10.0), list[tuple[bytes, float]](), 1000.0
    for key, pause in steps:
        now += pause
        recent = [at for other, at in past if other == key and now - at < 10.0]
        wait = rate.wait(key, now)
        assert (wait == 0.0) == (len(recent) < 3)
        if wait:
            assert wait == pytest.approx(10.0 - (now - recent[0]))
        else:
            rate.count(key, now)
            past.append((key, now))


def test_the_window_remembers_so_many_keys_and_no_idle_ones() -> None:
    """A flood of other visitors takes no more memory than the limit."""
    rate = Rate(3, 10.0, keys=50)
    for number in range(1000):
        rate.count(number.to_bytes(2), 0.001 * number)
    assert len(rate) == 50
    rate.count(b"late", 100.0)
    assert len(rate) == 1


def test_a_desk_admits_visitors_addresses_and_everybody(tmp_path: Path) -> None:
    """Each has its own limit, and a refused attempt counts for none of them."""
    desk = FeedbackDesk(str(tmp_path / "f"), Limits((2, 60.0), (4, 60.0), (6, 60.0)))

    def many(address: bytes, agent: bytes) -> int:
        """How many of ten attempts are admitted."""
        return sum(desk.admit(Visitor(address, agent)) == 0.0 for _ in range(10))

    assert many(b"1", b"x") == 2
    assert many(b"1", b"y") == 2
    assert many(b"1", b"z" * 60_000) == 0
    assert many(b"2", b"x") == 2
    assert many(b"3", b"x") == 0
    assert 50 < desk.admit(Visitor(b"3", b"x")) <= 60


def test_a_desk_keeps_what_comes_at_once_and_lets_go(tmp_path: Path) -> None:
    """A hundred votes that wait for one thread, exactly counted; closing writes them all."""
    path = str(tmp_path / "feedback.sqlite")
    desk = FeedbackDesk(path)
    vote = Vote("/3255", True, None, "en")

    async def votes() -> list[Outcome]:
        visitors = [Visitor(b"1", str(number // 2).encode()) for number in range(100)]
        return await asyncio.gather(*(desk.add(vote, visitor) for visitor in visitors))

    outcomes = asyncio.run(votes())
    assert outcomes.count(Outcome.KEPT) == outcomes.count(Outcome.ALREADY) == 50
    desk.close()
    desk.close()
    assert not os.path.exists(f"{path}-wal")
    assert feedback_of(path).totals.yes == 50
    assert asyncio.run(desk.add(vote, Visitor(b"2", b""))) is Outcome.KEPT
    desk.close()


def test_a_desk_says_once_why_nothing_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every vote fails with the reason, one line tells who runs the server; then it works again."""
    place = tmp_path / "feedback.sqlite"
    place.mkdir()
    desk = FeedbackDesk(str(place))
    vote = Vote("/3255", True, None, "en")
    for number in range(5):
        with pytest.raises(PortbookError):
            asyncio.run(desk.add(vote, Visitor(b"1", str(number).encode())))
    place.rmdir()
    assert asyncio.run(desk.add(vote, Visitor(b"1", b""))) is Outcome.KEPT
    desk.close()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("portbook: error: feedback is not kept: ")


def test_a_desk_refuses_more_than_it_can_hold(tmp_path: Path) -> None:
    """While the disk hangs, votes beyond the queue are refused at once; the others are kept."""
    desk = FeedbackDesk(str(tmp_path / "feedback.sqlite"))
    desk._jobs.maxsize = 3
    vote = Vote("/3255", True, None, "en")
    asyncio.run(desk.add(vote, Visitor(b"1", b"first")))

    async def votes(hanging: sqlite3.Connection) -> list[Any]:
        given = [desk.add(vote, Visitor(b"1", str(number).encode())) for number in range(40)]
        tasks = [asyncio.ensure_future(each) for each in given]
        await asyncio.sleep(0.3)
        refused_at_once = sum(task.done() for task in tasks)
        assert refused_at_once in (36, 37)
        hanging.execute("ROLLBACK")
        return await asyncio.gather(*tasks, return_exceptions=True)

    hanging = sqlite3.connect(desk.path, isolation_level=None)
    hanging.execute("BEGIN IMMEDIATE")
    found = asyncio.run(votes(hanging))
    hanging.close()
    desk.close()
    kept = found.count(Outcome.KEPT)
    assert kept in (3, 4)
    assert all(isinstance(each, PortbookError) for each in found if each is not Outcome.KEPT)
    assert feedback_of(desk.path).totals.yes == 1 + kept
