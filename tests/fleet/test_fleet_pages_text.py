"""Whatever hosts send is text on the pages: no markup, no invisible sign, never a fault."""

import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.engines import Postgres
from fleet.filled import HOSTILE, filled
from pages.reading import Reading
from pages.serving import Serving, serving
from portbook.fleet.host_through import HostThrough
from portbook.fleet.overview import Standing
from portbook.fleet.port_across import PortAcross, PortGroup
from portbook.model.fleet import Asked, FleetHost, FleetListener, FleetPeriod
from portbook.model.unknown import Unknown
from portbook.pages.book import Place, book
from portbook.pages.fleet.timeline import timeline
from portbook.pages.fleet.told import Names, short
from portbook.pages.prose.listeners import visible
from portbook.pages.words import words

AT = "2026-11-23T09:00:00Z"
TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))
FACT = st.one_of(TEXT, st.none(), st.just(Unknown("denied")))


@st.composite
def listeners(draw: st.DrawFn) -> FleetListener:
    """A listener of a host that sends anything that the columns can hold."""
    return FleetListener(
        host="host-1",
        name=draw(TEXT),
        as_of=AT,
        since=AT,
        transport=draw(TEXT),
        address=draw(TEXT),
        port=draw(st.integers(0, 65_535)),
        netns=draw(TEXT),
        state=draw(TEXT),
        reach=draw(TEXT),
        process=draw(FACT),
        pid=draw(st.one_of(st.none(), st.integers(0, 2**31 - 1), st.just(Unknown("denied")))),
        exe=draw(FACT),
        user=draw(FACT),
        unit=draw(FACT),
        container=draw(FACT),
        package=draw(FACT),
        speaks=draw(st.one_of(st.none(), TEXT)),
        verdict=draw(TEXT),
        severity=draw(st.one_of(st.none(), TEXT)),
        rules=tuple(draw(st.lists(TEXT, max_size=2))),
    )


class Marks(HTMLParser):
    """The elements and attributes of a page, without the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.kinds: set[tuple[str, tuple[str, ...]]] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element and the names of its attributes."""
        self.kinds.add((tag, tuple(name for name, _ in attrs)))


def harmless(html: bytes, calm: bytes) -> None:
    """The page has the elements of a calm one alone, and no sign that is not seen."""
    text = html.decode()
    page = Reading(text)
    assert page.open == []
    assert page.inline == []
    assert Marks(text).kinds <= Marks(calm.decode()).kinds
    hidden = {sign for sign in text if unicodedata.category(sign) in ("Cc", "Cf", "Co")} - {"\n"}
    assert hidden == set()


def calm_row() -> FleetListener:
    """One with a unit and a rule, so that every part of the page is there."""
    return FleetListener(
        host="host-1",
        name="One",
        as_of=AT,
        since=AT,
        transport="tcp",
        address="::1",
        port=22,
        netns="",
        state="listen",
        reach="any",
        process="sshd",
        pid=7,
        exe="x",
        user="x",
        unit="ssh.service",
        container="x",
        package="x",
        speaks=None,
        verdict="expected",
        severity=None,
        rules=("r",),
    )


def host_page(row: FleetListener, text: str, language: str = "en") -> bytes:
    """The page of a host that has this listener, with `text` wherever it tells of itself."""
    spoken = words(language)
    names = Names(spoken)
    host = FleetHost("host-1", text, "duplicate", AT, 5, 1, ((text, text),), text, text, (text,))
    periods = (
        FleetPeriod("host-1", text, row, "2026-11-20T09:00:00Z", None, None),
        FleetPeriod("host-1", text, row, "2026-11-18T09:00:00Z", "2026-11-19T09:00:00Z", "closed"),
    )
    found = HostThrough(host, "2026-11-16T09:00:00Z", AT, (row,), periods, ())
    return book(language).render(
        "fleet_host.html",
        Place("/fleet/host/host-1", fleet=True, known=True),
        found=found,
        host=host,
        days=7,
        spans=(1, 7),
        chart=timeline(found),
        rows=[names.line(row)],
        periods=[names.period(each) for each in periods],
        gaps=[names.fact(each) for each in host.gaps],
        known=names.known,
        verdict_name=names.verdict,
        shown=visible,
        short=lambda iso: short(spoken, iso, 7),
        most=400,
        query=lambda part: f"page={part}",
        pages=(1, 2),
    )


def port_page(row: FleetListener, language: str = "en") -> bytes:
    """The page of the port that it listens on."""
    names = Names(words(language))
    process = row.process if isinstance(row.process, str) else None
    group = PortGroup(process, row.verdict, (row.transport,), 1, 1, AT)
    period = FleetPeriod("host-1", row.name, row, AT, AT, "changed")
    asked = Asked(3, 1, ("host-2",), "stored", AT)
    counts = {"fresh": 1, "silent": 1, "duplicate": 1, "never": 1}
    return book(language).render(
        "fleet_port.html",
        Place("/fleet/port/1", fleet=True, known=True),
        port=row.port,
        found=PortAcross(row.port, 1, 1, (group,), 1, (row,), (period,)),
        standing=Standing(asked, counts, 1, (), ()),
        groups=[names.group(group)],
        rows=[names.line(row)],
        periods=[names.period(period)],
        narrowed=True,
        pages=(1, 1),
        query=lambda part: f"page={part}",
    )


@given(row=listeners(), text=TEXT, language=st.sampled_from(["en", "nl"]))
@settings(deadline=None, max_examples=120)
def test_any_text_of_a_host_is_only_text(row: FleetListener, text: str, language: str) -> None:
    """In every column at once: the elements of the page stay those that it has for a calm host."""
    harmless(host_page(row, text, language), host_page(calm_row(), "calm"))
    harmless(port_page(row, language), port_page(calm_row()))


@pytest.fixture(scope="module")
def hostile(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A book over a store in which every text column of every row is hostile."""
    store = filled(postgres.create(), hosts=7)
    texts = (
        *("transport", "address", "netns", "state", "reach", "process", "exe", "unit"),
        *("container", "package", "speaks", "verdict", "severity", "rules", "unknown"),
    )
    import psycopg

    with psycopg.connect(store.url) as link:
        for number, text in enumerate(HOSTILE, 1):
            for table in ("listener", "history"):
                sets = ", ".join(f"{name} = %(text)s" for name in (*texts, '"user"'))
                link.execute(
                    f"UPDATE portbook.{table} SET {sets} WHERE host = %(host)s".encode(),  # noqa: S608 - names of columns
                    {"text": text, "host": number},
                )
            link.execute(
                "UPDATE portbook.host SET name = %(text)s, version = %(text)s, gaps = %(gaps)s,"
                " duplicate_of = %(text)s, duplicate_at = now(),"
                " labels = jsonb_build_object(%(text)s::text, %(text)s::text)"
                " WHERE number = %(host)s",
                {"text": text, "gaps": [text], "host": number},
            )
    with serving(tmp_path_factory.mktemp("hostile"), "--fleet-store", store.url) as found:
        yield found


@pytest.mark.live
def test_hostile_rows_of_a_store_reach_no_reader(hostile: Serving) -> None:
    """Every page of such a fleet is there, with nothing in it that a browser would run."""
    paths = ["fleet", "fleet/hosts", "fleet/port/22", "fleet/map", "fleet/port/3255"]
    paths += [f"fleet/host/host-000{number}?days=90" for number in range(1, 8)]
    for path in paths:
        for language in ("en", "nl"):
            reply = hostile.ask(f"/{language}/{path}", known=True)
            assert reply.status == 200, path
            page = Reading(reply.text)
            assert (page.inline, page.open) == ([], [])
            assert "<img src=x" not in reply.text
            assert "<script>" not in reply.text
            assert "{{ 7 * 7 }}" in page.text or "7 * 7" not in page.text
            hidden = {sign for sign in reply.text if unicodedata.category(sign) in ("Cc", "Cf")}
            assert hidden <= {"\n"}
    for path in (
        "fleet.json",
        "fleet/port/22.json",
        "fleet/host/host-0001.json",
        "fleet/hosts.json",
    ):
        assert hostile.ask(f"/{path}", known=True).document["schema"]
