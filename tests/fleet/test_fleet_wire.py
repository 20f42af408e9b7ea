import json
import random
import time
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.fleet_drawn import ANSWERS, QUESTIONS, RECEIPTS, REPORTS, full_report, row_on
from portbook.fleet import wire
from portbook.fleet.bus import LARGEST
from portbook.model.fleet import Acknowledged, FleetReport, HostAnswer, Question

DECODERS: tuple[Callable[[bytes], object], ...] = (
    wire.decode_report,
    wire.decode_acknowledged,
    wire.decode_question,
    wire.decode_answer,
)
SAMPLE = full_report("web-1", (row_on(80), row_on(443, None)), labels=(("role", "web"),))


def refused(data: bytes, decode: Callable[[bytes], object] = wire.decode_report) -> str:
    """The one line of why."""
    with pytest.raises(wire.Malformed) as caught:
        decode(data)
    said = str(caught.value)
    assert said.isprintable() and len(said) < 300
    return said


def as_object(report: FleetReport = SAMPLE) -> dict[str, Any]:
    """A message as JSON has it, to be spoilt."""
    data = wire.encode_report(report)
    found: dict[str, Any] = json.loads(zlib.decompress(data) if data[:1] == b"x" else data)
    return found


def spoilt(**fields: object) -> bytes:
    """The sample with other fields."""
    return json.dumps({**as_object(), **fields}).encode()


@given(REPORTS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_report_there_and_back(report: FleetReport) -> None:
    """What was encoded is decoded, whether it was packed or not."""
    assert wire.decode_report(wire.encode_report(report)) == report


@given(RECEIPTS)
def test_receipt_there_and_back(receipt: Acknowledged) -> None:
    """The same for what a hub answers."""
    assert wire.decode_acknowledged(wire.encode_acknowledged(receipt)) == receipt


@given(QUESTIONS)
def test_question_there_and_back(question: Question) -> None:
    """The same for a question."""
    assert wire.decode_question(wire.encode_question(question)) == question


@given(ANSWERS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_answer_there_and_back(answer: HostAnswer) -> None:
    """The same for an answer."""
    assert wire.decode_answer(wire.encode_answer(answer)) == answer


def test_short_is_plain_and_long_is_packed() -> None:
    """A receipt can be read on the bus; a table is a tenth of its size."""
    assert wire.encode_acknowledged(Acknowledged("a", 1, "kept")).startswith(b'{"schema"')
    rows = tuple(row_on(port) for port in range(1, 200))
    packed = wire.encode_report(full_report("a", rows))
    assert packed[0] == 0x78 and len(packed) < 8_000


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """No message of ours is made by chance, and nothing else than Malformed comes of it."""
    for decode in DECODERS:
        refused(data, decode)
        refused(b"\x78\x9c" + data, decode)
        refused(zlib.compress(data), decode)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)


@given(st.sampled_from(sorted(set(FleetReport._fields))), JSON)
def test_any_value_in_any_field(field: str, value: object) -> None:
    """A field of another type or out of bounds is refused, or it is a report again."""
    try:
        found = wire.decode_report(spoilt(**{field: value}))
    except wire.Malformed as error:
        assert str(error).isprintable()  # noqa: PT017 - either of two ends is right
    else:
        assert wire.decode_report(wire.encode_report(found)) == found


@given(st.integers(0, 20), JSON)
def test_any_value_in_a_row(place: int, value: object) -> None:
    """The same for the arrays."""
    rows = as_object()["rows"]
    rows[0][place : place + 1] = [value]
    try:
        found = wire.decode_report(spoilt(rows=rows))
    except wire.Malformed as error:
        assert str(error).isprintable()  # noqa: PT017 - as above
    else:
        assert wire.decode_report(wire.encode_report(found)) == found


def test_cut_anywhere() -> None:
    """A message that lost its end is none, packed or plain."""
    plain = json.dumps(as_object()).encode()
    packed = zlib.compress(plain)
    for data in (plain, packed):
        wire.decode_report(data)
        for end in range(len(data)):
            refused(data[:end])


def test_flipped_bits() -> None:
    """Packed bytes carry a checksum: a report that is another one never comes of them."""
    report = full_report("a", tuple(map(row_on, range(1, 100))))
    packed = bytearray(wire.encode_report(report))
    draw = random.Random(3255)
    found = 0
    for _ in range(500):
        place, bit = draw.randrange(len(packed)), 1 << draw.randrange(8)
        packed[place] ^= bit
        try:
            # A few bits mean nothing: the rest of the last byte before the checksum.
            assert wire.decode_report(bytes(packed)) == report
        except wire.Malformed:
            found += 1
        packed[place] ^= bit
    assert found > 480


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b" " * 2_000_000, id="2 MB"),
        pytest.param(zlib.compress(b"[" * 500_000_000, 9), id="a bomb of 500 MB"),
        pytest.param(zlib.compress(b"[" * 15_000_000, 9), id="deep"),
        pytest.param(b"[" * 900_000, id="deep and plain"),
        pytest.param(b'{"a":' * 150_000, id="deep objects"),
        pytest.param(zlib.compress(b"[" + b"[]," * 5_000_000 + b"0]", 9), id="many lists"),
        pytest.param(zlib.compress(b"[" + b'"ab",' * 3_000_000 + b"0]", 9), id="many texts"),
        pytest.param(zlib.compress(b'{"schema":' + b"1" * 15_000_000 + b"}", 9), id="a number"),
        pytest.param(zlib.compress(b'"' + b"\xf0\x9f\x90\x9f" * 3_900_000 + b'"'), id="a text"),
        pytest.param(zlib.compress(b'"' + b"\\u0041" * 2_600_000 + b'"'), id="escapes"),
        pytest.param(zlib.compress(zlib.compress(b" " * 10_000_000)), id="packed twice"),
        pytest.param(wire.encode_report(SAMPLE) + b"{}", id="more after it"),
        pytest.param(zlib.compress(spoilt()) + b"more", id="more after the packing"),
    ],
)
def test_hostile_sizes(data: bytes) -> None:
    """Whatever is sent, it takes less than 200 MB and a few seconds to say no."""
    tracemalloc.start()
    begin = time.monotonic()
    try:
        refused(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200_000_000
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", "portbook/fleet-report/2"),
        ("schema", wire.ANSWER),
        ("host", "A"),
        ("host", "a b"),
        ("host", ""),
        ("host", "a\n"),
        ("seq", 0),
        ("seq", True),
        ("seq", 1.0),
        ("seq", "1"),
        ("seq", 2**63),
        ("base", -(2**63) - 1),
        ("after", 10**4000),
        ("full", 1),
        ("full", None),
        ("age_ms", -1),
        ("age_ms", wire.OLDEST_MS + 1),
        ("every_ms", 0),
        ("total", -1),
        ("total", 200_001),
        ("name", "a\x00b"),
        ("name", "a\x1b[31m"),
        ("name", "\ud800"),
        ("name", "x" * 256),
        ("gaps", ["x" * 4_097]),
        ("gaps", "x"),
        ("gaps", [1]),
        ("labels", []),
        ("labels", {"a": 1}),
        ("labels", {"a b": "c"}),
        ("labels", {f"a{number}": "b" for number in range(33)}),
        ("rows", {}),
        ("rows", [[]]),
        ("rows", [None]),
        ("rows", ["x" * 20]),
        ("rows", [[*row_on(80), 1]]),
        ("rows", [list(row_on(True))]),
        ("rows", [list(row_on(65_536))]),
        ("rows", [list(row_on(80, pid=2**31))]),
        ("rows", [list(row_on(80, address=None))]),
        ("rows", [list(row_on(80, process="x" * 256))]),
        ("rows", [list(row_on(80, exe="x" * 4_097))]),
        ("rows", [list(row_on(80)), list(row_on(81, user="\udfff"))]),
        ("rows", [list(row_on(80))] * 5_001),
        ("gone", [["", "tcp", "::", 80]]),
        ("gone", [["", "tcp", "::", "80", 0]]),
    ],
)
def test_what_does_not_fit(field: str, value: object) -> None:
    """Each field has its type and its bounds."""
    refused(spoilt(**{field: value}))


def test_other_ways_to_be_wrong() -> None:
    """A field twice, one that is missing, numbers that are none, bytes that are no UTF-8."""
    refused(b'{"schema":"portbook/fleet-report/1","host":"a","host":"b"}')
    assert "instance is missing" in refused(
        json.dumps({k: v for k, v in as_object().items() if k != "instance"}).encode()
    )
    refused(spoilt(age_ms=float("nan")))
    refused(spoilt(age_ms=float("inf")))
    refused(b"[1]")
    refused(spoilt(name="caf\xe9").decode().replace("\\u00e9", "\xe9").encode("latin-1"))
    refused(json.dumps(as_object()).encode("utf-16"))


def test_what_a_newer_portbook_adds_is_left_out() -> None:
    """Fields are only ever added; escapes that other writers of JSON make are read."""
    assert wire.decode_report(spoilt(colour="blue")) == SAMPLE
    assert wire.decode_report(spoilt(name="\u202e é 🐟")).name == "\u202e é 🐟"


def test_only_known_forms_are_questions() -> None:
    """A question is one of a closed set."""
    asked = {"schema": wire.QUESTION, "id": "a", "form": "who", "port": 3255}
    assert wire.decode_question(json.dumps(asked).encode()) == Question("a", "who", 3255)
    for form in ("run", "WHO", "", None, ["who"], {"who": 1}):
        refused(json.dumps({**asked, "form": form}).encode(), wire.decode_question)


def test_what_cannot_be_sent_says_so() -> None:
    """The sender learns of it, not the hub."""
    draw = random.Random(1)
    noise = ["".join(chr(draw.randrange(0x4E00, 0x9000)) for _ in range(600)) for _ in range(3000)]
    rows = tuple(row_on(port, exe=text) for port, text in enumerate(noise))
    with pytest.raises(wire.Malformed, match="more than a bus carries"):
        wire.encode_report(full_report("a", rows))
    with pytest.raises(wire.Malformed, match="no Unicode"):
        wire.encode_report(SAMPLE._replace(name="\ud800"))
    assert LARGEST == 1_000_000
