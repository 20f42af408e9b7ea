"""Compose files as written, and what is made of damaged, hostile and enormous ones."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.lint.parts import ComposeFile, ComposeService
from portbook.lint.readers import compose
from portbook.lint.reading import Reading
from portbook.lint.source import MOST_BYTES, Source, Unreadable
from portbook.lint.stacks import stacks_of

REAL = b"""\
x-common: &common
  restart: always
  environment: {PORT: 80}
services:
  web:
    <<: *common
    build: {context: ./web, target: "${STAGE:-prod}"}
    ports:
      - "${WEB_PORT:-8080}:80"
      - {target: 443, published: 8443, host_ip: "::1"}
      - 127.0.0.1:9000-9010:9000-9010/udp
    env_file: [{path: web.env, required: false}]
    healthcheck: {test: [CMD, curl, "http://localhost:80/"]}
  job:
    extends: {service: web}
    profiles: [jobs]
    scale: 2
    ports: !reset []
include: [other.yaml]
"""


def service_of(text: str) -> ComposeService:
    """The only service of a compose file."""
    reading = compose.read(Source("compose.yaml", text.encode()))
    (part,) = reading.parts
    assert isinstance(part, ComposeFile)
    (service,) = part.services
    return service


def through(data: bytes) -> None:
    """Read it and make stacks of it, as often as its name is loaded."""
    try:
        reading = compose.read(Source("compose.yaml", data))
    except Unreadable:
        return
    found = stacks_of({"compose.yaml": reading}, lambda *_: None)
    lines = data.decode("utf-8-sig").split("\n")
    for each in found.declared:
        if each.written:
            place = each.place
            text = lines[place.line - 1][place.column - 1 : place.column - 1 + place.length]
            first, _, last = text.partition("-")
            assert (int(first), int(last or first)) == (each.first, each.last)


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No exception but Unreadable, whatever comes."""
    through(b"services:\n  a:\n    ports:\n" + data)
    through(data)


@settings(max_examples=400)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    """Parts of a real one cut out, doubled or put elsewhere; each place stays exact."""
    text = REAL
    for _ in range(data.draw(st.integers(1, 4))):
        first = data.draw(st.integers(0, len(text)))
        last = data.draw(st.integers(first, min(len(text), first + 40)))
        new = data.draw(
            st.sampled_from([b"", text[first:last] * 2, b"${", b"}", b"-", b":", b"&a"])
        )
        text = text[:first] + new + text[last:]
    through(text)


def test_a_port_written_like_a_time_is_two_numbers() -> None:
    """22:22 without quotes is 1342 for YAML 1.1; here it is what stands there."""
    service = service_of("services:\n  a:\n    ports:\n      - 22:22\n")
    (port,) = service.ports
    assert port.short is not None
    assert port.short.text == "22:22"


def test_reset_takes_away_and_override_replaces() -> None:
    """What is marked !reset is not read; what is marked !override is, in the other's place."""
    text = "services:\n  a:\n    ports: !reset ['1:1']\n    expose: !override ['2']\n"
    service = service_of(text)
    assert set(service.reset) == {"ports", "expose"}
    assert service.ports == ()
    assert [each.text for each in service.expose] == ["2"]


def test_environment_is_a_map_or_a_list() -> None:
    """Both give the same names, values and places; a name alone has no value."""
    as_map = service_of("services:\n  a:\n    environment:\n      PORT: 80\n      OTHER:\n")
    as_list = service_of("services:\n  a:\n    environment:\n      - PORT=80\n      - OTHER\n")
    for service, column in ((as_map, 13), (as_list, 14)):
        port, other = service.environment
        assert port.value is not None
        assert (port.name, port.value.text, port.value.place.column) == ("PORT", "80", column)
        assert (other.name, other.value) == ("OTHER", None)


@pytest.mark.parametrize(
    "text", ["services:\n", "services: []\n", "services: {a: }\n", "include: x"]
)
def test_a_file_without_services_declares_nothing(text: str) -> None:
    """Empty values are no faults: half-written files are common."""
    reading = compose.read(Source("compose.yaml", text.encode()))
    assert not reading.faults
    assert not stacks_of({"compose.yaml": reading}, lambda *_: None).declared


def test_files_of_other_kinds_are_not_wanted() -> None:
    """The first form, which had services at the top, and files that only share the name."""
    assert not compose.wants(Source("compose.yaml", b"web:\n  image: nginx\n"))
    assert compose.wants(Source("compose.yaml", b"{services: {web: {image: nginx}}}"))


HEAD = "services:\n"
HOSTILE = {
    "merged maps": "x0: &x0 {a: b}\n"
    + "".join(f"x{n + 1}: &x{n + 1}\n  <<: [{', '.join([f'*x{n}'] * 9)}]\n" for n in range(30))
    + HEAD
    + "".join(f" s{n}: *x30\n" for n in range(20000)),
    "one environment": "x: &x\n"
    + "".join(f"  A{n}: 1\n" for n in range(20000))
    + HEAD
    + "".join(f" s{n}: {{image: a, environment: *x}}\n" for n in range(15000)),
    "one service extended": HEAD
    + " b: {image: x, ports: ["
    + ",".join(f"'{n + 1}:1'" for n in range(30000))
    + "]}\n"
    + "".join(f" s{n}: {{extends: b}}\n" for n in range(20000)),
    "variables in variables": HEAD + " s:\n  ports:\n   - '" + "${A:-" * 200000 + "'\n",
    "ranges of every port": HEAD
    + "".join(f" s{n}: {{ports: ['1-65535:1-65535']}}\n" for n in range(15000)),
    "addresses in a value": HEAD
    + " s:\n  image: x\n  environment:\n   A: "
    + "http://s:1," * 80000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_takes_bounded_time(name: str) -> None:
    """What grows with the square of the file takes minutes; this takes at most some seconds."""
    data = HOSTILE[name].encode()[:MOST_BYTES]
    start = time.process_time()
    try:
        reading = compose.read(Source("compose.yaml", data))
    except Unreadable:
        reading = Reading()
    stacks_of({"compose.yaml": reading}, lambda *_: None)
    assert time.process_time() - start < 15
