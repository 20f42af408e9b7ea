"""The files of a watched port's last hour: what is written is read, and nothing else."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from command import portbook
from portbook.host import clock
from portbook.model.document import document
from portbook.model.traffic import Ours, PortSeen, SourceSeen, TopSource, Traffic, TrafficHour
from portbook.survey import look_at, watched
from portbook.survey.watched import HourFiles, hours_of, read_hour, read_hours
from test_documents import validator

PORT = 3255


def hour(at: float, port: int = PORT, *, watching: bool = True, top: int = 2) -> TrafficHour:
    """An hour as a watch writes it, until `at`."""
    source = TopSource("2001:db8::1", "scan", "syn", "zmap", 3, clock.iso(at))
    return TrafficHour(
        *(port, clock.iso(at - 600), clock.iso(at), watching),
        f"{port}: no service here; 14 sources in an hour, 13 scans (9 ZMap-like), 1 unknown",
        *(False, 14, {"scan": 13, "unknown": 1}, {"zmap": 9}),
        *((source,) * top, 1234, 0),
    )


def put(text: str | bytes, home: Path, port: int = PORT) -> None:
    """Any file in the place of a port."""
    (home / "traffic").mkdir(exist_ok=True)
    data = text if isinstance(text, bytes) else text.encode()
    (home / "traffic" / f"{port}.json").write_bytes(data)


def test_what_is_written_is_read_and_fits_its_schema(own_home: Path) -> None:
    """All of it; the folder and the file are for their owner where the state folder is."""
    now = clock.now()
    os.chmod(own_home, 0o700)
    HourFiles().write([hour(now)])
    assert read_hour(PORT) == hour(now)
    file = own_home / "traffic" / f"{PORT}.json"
    validator("traffic-hour").validate(json.loads(file.read_bytes()))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert os.listdir(file.parent) == [file.name]


def test_others_may_read_it_where_they_may_read_the_state_folder(own_home: Path) -> None:
    """And only there."""
    os.chmod(own_home, 0o755)  # noqa: S103 - that is what is tested
    HourFiles().write([hour(clock.now())])
    file = own_home / "traffic" / f"{PORT}.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o755


def test_a_file_is_told_for_an_hour_after_its_watch_has_ended() -> None:
    """First as watched, then as watched until then, then not at all; never from the future."""
    now = clock.now()
    HourFiles().write([hour(now)])
    for later, watching in ((100, True), (200, False), (3500, False)):
        found = read_hour(PORT, now + later)
        assert found is not None
        assert (found.watching, found.until) == (watching, clock.iso(now))
    assert read_hour(PORT, now + 3700) is None
    assert read_hour(PORT, now - 300) is None
    HourFiles().write([hour(now, watching=False)])
    found = read_hour(PORT, now)
    assert found is not None and not found.watching


def test_of_two_services_the_newest_file_counts(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Our own may have ended, and that of the machine still watch."""
    now = clock.now()
    HourFiles().write([hour(now - 500)])
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path))
    HourFiles().write([hour(now)])
    monkeypatch.delenv("PORTBOOK_DATA_HOME")
    monkeypatch.setattr("portbook.host.folders.SYSTEM_STATE", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(own_home.parent))
    own_home.rename(own_home.parent / "portbook")
    found = read_hour(PORT, now)
    (own_home.parent / "portbook").rename(own_home)
    assert found is not None and found.until == clock.iso(now)


def test_many_ports_are_read_as_well_as_one() -> None:
    """Those that are watched, whatever their number."""
    now = clock.now()
    HourFiles().write([hour(now, port) for port in (80, 3255, 60000)])
    assert set(read_hours(range(65536))) == {80, 3255, 60000}
    assert set(read_hours((79, 80))) == {80}


def test_the_answer_has_it(own_home: Path) -> None:
    """In JSON by its schema, and as a line for people; where nothing is watched it is null."""
    assert portbook(str(PORT), "--json").document["traffic"] is None
    assert "Last hour" not in portbook(str(PORT)).out
    now = clock.now()
    HourFiles().write([hour(now)])
    answer = portbook(str(PORT), "--json").document
    validator("answer").validate(answer)
    assert answer["traffic"] == json.loads(json.dumps(hour(now)._asdict())) | {
        "top": [each._asdict() for each in hour(now).top]
    }
    text = " ".join(portbook(str(PORT)).out.split())
    assert "Last hour no service here; 14 sources in an hour, 13 scans" in text
    assert f"1 unknown (watched since {clock.iso(now - 600)})" in text
    HourFiles().write([hour(now)._replace(since=clock.iso(now - 3600))])
    assert "watched since" not in portbook(str(PORT)).out
    HourFiles().write([hour(now - 1000)])
    text = " ".join(portbook(str(PORT)).out.split())
    assert f"(watched until {clock.iso(now - 1000)})" in text
    assert look_at(range(3250, 3260))[5].traffic is not None


def test_where_nothing_is_watched_nothing_is_loaded() -> None:
    """The start of `portbook PORT` is a budget."""
    import subprocess
    import sys

    code = (
        "import sys; from portbook.survey import look_at; look_at([3255]);"
        "print([name for name in sys.modules if name.startswith('numpy')"
        " or name.startswith('portbook.traffic') or name == 'portbook.survey.watched'"
        " or name == 'portbook.model.traffic'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.stdout == b"[]\n", done.stderr


@pytest.mark.parametrize(
    "damage",
    [
        lambda found: found.pop("sentence"),
        lambda found: found.update(schema="portbook/traffic-hour/2"),
        lambda found: found.update(port=80),
        lambda found: found.update(port=True),
        lambda found: found.update(sentence="x" * 5000),
        lambda found: found.update(sentence=None),
        lambda found: found.update(listening="yes"),
        lambda found: found.update(listening=2),
        lambda found: found.update(sources=-1),
        lambda found: found.update(sources=1.5),
        lambda found: found.update(sources=10**400),
        lambda found: found.update(verdicts={"\x1b[2J": 1}),
        lambda found: found.update(verdicts=[]),
        lambda found: found.update(tools={"<script>": 1}),
        lambda found: found.update(top=found["top"] * 20),
        lambda found: found.update(top={}),
        lambda found: found["top"][0].update(address="<b>"),
        lambda found: found["top"][0].update(verdict=["scan"]),
        lambda found: found["top"][0].update(last="never"),
        lambda found: found["top"].append(None),
        lambda found: found.update(until="0001-01-01T00:00:00Z"),
        lambda found: found.update(since="yesterday"),
        lambda found: found.update(since="2026-11-23T09:00:00+00:00" + " " * 2000),
    ],
)
def test_a_damaged_file_is_ignored(damage: Any, own_home: Path) -> None:
    """One field that is not what it should be, and the file says nothing."""
    found = document("traffic-hour", hour(clock.now()))
    put(json.dumps(found), own_home)
    assert read_hour(PORT) is not None
    damage(found)
    put(json.dumps(found), own_home)
    assert read_hour(PORT) is None


def test_what_is_no_such_file_is_ignored(own_home: Path) -> None:
    """Too large, a link, a folder, a FIFO that nobody writes to; none of them is waited for."""
    text = json.dumps(document("traffic-hour", hour(clock.now())))
    file = own_home / "traffic" / f"{PORT}.json"
    put(text + " " * watched.MOST_BYTES, own_home)
    assert read_hour(PORT) is None
    file.rename(own_home / "elsewhere")
    put(text, own_home, 80)
    file.symlink_to(own_home / "traffic" / "80.json")
    assert read_hour(PORT) is None
    file.unlink()
    file.mkdir()
    assert read_hour(PORT) is None
    file.rmdir()
    os.mkfifo(file)
    assert read_hour(PORT) is None
    put("[" * 60_000, own_home, 81)
    assert read_hour(81) is None


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_bytes_are_read_without_harm(data: st.DataObject, own_home: Path) -> None:
    """Cut, changed or made up: a whole hour or nothing."""
    text = json.dumps(document("traffic-hour", hour(clock.now()))).encode()
    cut = data.draw(st.integers(0, len(text)))
    more = data.draw(st.one_of(st.binary(max_size=200), st.just(text[cut:])))
    put(text[:cut] + more, own_home)
    found = read_hour(PORT)
    assert found is None or isinstance(found, TrafficHour)


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_value_in_any_field_is_read_without_harm(data: st.DataObject, own_home: Path) -> None:
    """What is read then prints by the schema."""
    found = document("traffic-hour", hour(clock.now()))
    name = data.draw(st.sampled_from(sorted(found)))
    found[name] = data.draw(_JSON)
    put(json.dumps(found), own_home)
    read = read_hour(PORT)
    if read is not None:
        validator("traffic-hour").validate(document("traffic-hour", read))


def test_what_a_watch_reports_becomes_hours() -> None:
    """Counts over both transports, the sources of that port, and no more than are told."""
    now = clock.now()

    def source(number: int, *ports: int) -> SourceSeen:
        return SourceSeen(
            *(f"192.0.2.{number}", "scan", "syn", "masscan", "certain", 2, ports, len(ports)),
            *(clock.iso(now), "2026-11-23T09:00:00.123Z", (), (), (), None, 2, 0),
        )

    traffic = Traffic(
        (*(source(number, 80, 81) for number in range(30)), source(99, 82)),
        (
            PortSeen(80, "tcp", False, (), 30, (("scan", 30),), (("masscan", 30),), ""),
            PortSeen(80, "udp", None, (), 2, (("scan", 1), ("unknown", 1)), (), ""),
        ),
        *(77, 31, (("scan", 31),), Ours((), "given"), None, None, 0.0, (), 5, ()),
    )
    found = hours_of(traffic, {80, 83}, now - 60, now)
    assert set(found) == {80, 83}
    eighty = found[80]
    assert (eighty.sources, eighty.verdicts) == (32, {"scan": 31, "unknown": 1})
    assert (eighty.tools, eighty.listening) == ({"masscan": 30}, False)
    assert (len(eighty.top), eighty.packets, eighty.dropped) == (20, 77, 5)
    assert eighty.sentence.startswith("80: no service here; 30 sources in a minute")
    assert (found[83].sources, found[83].top, found[83].listening) == (0, (), None)
    HourFiles().write(found.values())
    assert read_hour(80, now) == eighty._replace(
        top=tuple(each._replace(last="2026-11-23T09:00:00Z") for each in eighty.top)
    )
    assert len(json.dumps(document("traffic-hour", eighty))) < watched.MOST_BYTES


def test_what_was_too_much_is_told() -> None:
    """Whose packets were not told apart may have come to any port that is watched."""
    now = clock.now()
    traffic = Traffic(
        *((), (PortSeen(80, "tcp", False, (), 0, (), (), ""),), 77, 0, (), Ours((), "given")),
        *(None, None, 0.0, (("other-port", 5), ("too-many-sources", 1234)), 5, ()),
    )
    for port, hour in hours_of(traffic, {80, 83}, now - 7200, now).items():
        more = f"Since {clock.iso(now - 7200)} 1,234 packets of further sources: too many"
        assert hour.sentence.startswith(f"{port}: ")
        assert hour.sentence.endswith(more)
    few = traffic._replace(passed=(("other-port", 5),))
    assert "too many" not in hours_of(few, {80}, now - 7200, now)[80].sentence


def test_a_scan_of_more_ports_than_are_listed_is_told_for_each_of_them() -> None:
    """Its own list ends with its lowest ports; nobody is told where all came that are counted."""
    now = clock.now()
    first = tuple(range(1, 33))

    def source(number: int, verdict: str, ports: tuple[int, ...], total: int) -> SourceSeen:
        return SourceSeen(
            *(f"192.0.2.{number}", verdict, None, None, "certain", total, ports, total),
            *(clock.iso(now), clock.iso(now), (), (), (), None, total, 0),
        )

    def seen(port: int, *verdicts: tuple[str, int]) -> PortSeen:
        return PortSeen(port, "tcp", None, (), sum(each for _, each in verdicts), verdicts, (), "")

    traffic = Traffic(
        (
            source(1, "scan", first, 199),
            source(2, "scan", (100,), 1),
            source(3, "client", first, 40),
            source(4, "scan", first, 32),
            source(5, "scan", tuple(range(70, 102)), 40),
        ),
        (
            seen(20, ("scan", 2), ("client", 1)),
            seen(50, ("scan", 1)),
            seen(100, ("scan", 3)),
            seen(101, ("scan", 1)),
        ),
        *(77, 5, (("scan", 4), ("client", 1)), Ours((), "given"), None, None, 0.0, (), 0, ()),
    )
    hours = hours_of(traffic, {20, 50, 100, 101, 300}, now - 60, now)
    told = {port: [each.address[-1] for each in hour.top] for port, hour in hours.items()}
    assert told == {20: ["1", "3", "4"], 50: ["1"], 100: ["2", "5", "1"], 101: ["5"], 300: []}
