"""Dockerfiles: instructions over lines, stages, variables, and files that mean harm."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.lint.images import image_name, image_of
from portbook.lint.parts import ImageFile
from portbook.lint.readers import dockerfile
from portbook.lint.reading import Reading
from portbook.lint.source import MOST_BYTES, Source, Unreadable

REAL = b"""\
# escape=`
ARG TAG=1.27
FROM nginx:${TAG} AS base
ARG PORT=8080
ENV A=$PORT B="two words"
EXPOSE ${PORT} `
  # between
  9000-9010/udp
RUN <<EOF
EXPOSE 1
EOF
FROM base
HEALTHCHECK CMD curl `
  http://localhost:8080/
CMD ["nginx"]
"""


def read(text: str) -> Reading:
    """The reading of a Dockerfile in the folder app."""
    return dockerfile.read(Source("app/Dockerfile", text.encode()))


def image(text: str) -> ImageFile:
    """What its last stage makes."""
    part = read(text).parts[0]
    assert isinstance(part, ImageFile)
    return part


def test_a_stage_has_what_the_stage_below_it_has() -> None:
    """EXPOSE, ENV, HEALTHCHECK and the image that all of it is made from."""
    found = image(REAL.decode().replace("`", "\\").replace("# escape=\\", "# escape=\\"))
    assert [(each.first, each.last, each.transport) for each in found.exposes] == [
        (8080, 8080, "tcp"),
        (9000, 9010, "udp"),
    ]
    assert [each.first for each in found.listens] == [8080]
    assert found.base == "nginx:1.27"
    assert found.stages == ("base", "")


def test_the_last_stage_is_first_and_named_ones_follow() -> None:
    """So that a compose file's `target` finds its own."""
    parts = read("FROM a AS one\nEXPOSE 1\nFROM b AS two\nEXPOSE 2\nFROM c\nEXPOSE 3\n").parts
    found = [part for part in parts if isinstance(part, ImageFile)]
    assert [(part.stage, [e.first for e in part.exposes]) for part in found] == [
        (None, [3]),
        ("one", [1]),
        ("two", [2]),
    ]


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("EXPOSE 80", [80]),
        ("expose 80 81/TCP", [80, 81]),
        ("EXPOSE 80 \\\n\n# comment\n 81", [80, 81]),
        ("ARG P=80\nEXPOSE $P", [80]),
        ("ARG P\nEXPOSE $P", []),
        ("ARG P\nEXPOSE ${P:-81}", [81]),
        ("ENV P 80\nEXPOSE $P", [80]),
        ("ENV P=80\nARG P=81\nEXPOSE $P", [80]),
        ("ARG P='80 81'\nEXPOSE $P", [80, 81]),
        ("EXPOSE 0", []),
        ("EXPOSE 70000", [70000]),
        ("RUN cat <<A <<-B\nEXPOSE 1\nA\nEXPOSE 2\n\tB\nEXPOSE 3", [3]),
        ("RUN echo $((1<<X))\nEXPOSE 3", [3]),
        ("ONBUILD EXPOSE 80", []),
        ("LABEL a=EXPOSE\\\nEXPOSE 80", []),
    ],
)
def test_what_is_exposed(text: str, ports: list[int]) -> None:
    """Variables, lines that go on, here-documents, other instructions."""
    assert [each.first for each in image(f"FROM alpine\n{text}\n").exposes] == ports


def test_what_is_not_understood_is_told_and_the_rest_is_read() -> None:
    """A pair of ports, an instruction that there is not; no FROM at all is no Dockerfile."""
    reading = read("FROM a\nEXPOSE 80:80\nEXPOSE 81\nHELLO\nWORLD\n")
    assert [fault.line for fault in reading.faults] == [2, 4]
    assert [each.first for each in reading.declared] == [81]
    with pytest.raises(Unreadable):
        read("EXPOSE 80\n")
    assert not dockerfile.wants(Source("Dockerfile.dockerignore", b"node_modules\n"))


def through(data: bytes) -> None:
    """Read it; every number stands where it is said to stand."""
    try:
        source = Source("Dockerfile", data)
        reading = dockerfile.read(source)
    except Unreadable:
        return
    for each in reading.declared:
        for place in each.digits:
            text = source.lines[place.line - 1][place.column - 1 :][: place.length]
            first, _, last = text.partition("-")
            assert (int(first), int(last or first)) == (each.first, each.last)


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_dockerfile_or_none(data: bytes) -> None:
    """No exception but Unreadable."""
    through(b"FROM a\nARG P=1\nEXPOSE " + data)
    through(data)


@settings(max_examples=400)
@given(st.data())
def test_a_damaged_dockerfile_is_read_or_refused(data: st.DataObject) -> None:
    """Parts of a real one cut out, doubled or replaced."""
    text = REAL
    for _ in range(data.draw(st.integers(1, 4))):
        first = data.draw(st.integers(0, len(text)))
        last = data.draw(st.integers(first, min(len(text), first + 30)))
        marks = [b"", text[first:last] * 2, b"`", b"\\", b"$", b'"', b"<<A\n", b"\n", b"\r\n"]
        text = text[:first] + data.draw(st.sampled_from(marks)) + text[last:]
    through(text)


@pytest.mark.parametrize(
    "data",
    [
        b"".join(b"RUN <<A%d\n" % number for number in range(80_000)),
        b"EXPOSE \\\n" * 110_000,
        b"EXPOSE " + b"80 " * 330_000,
        b"ENV A=$A$A\n" * 90_000,
        b"FROM b AS c\n" * 80_000,
        b"ENV A=" + b"\"'\\" * 340_000,
        b"HEALTHCHECK CMD " + b"http://localhost:1 " * 50_000,
    ],
)
def test_a_hostile_megabyte_of_instructions_takes_bounded_time(data: bytes) -> None:
    """Here-documents without an end, lines that always go on, stages upon stages."""
    start = time.process_time()
    through((b"FROM a AS b\n" + data)[:MOST_BYTES])
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("text", "name", "product"),
    [
        ("postgres", "postgres", "postgres"),
        ("postgres:16-alpine", "postgres", "postgres"),
        ("docker.io/library/postgres:16@sha256:ab", "postgres", "postgres"),
        ("localhost:5000/team/redis:7", "team/redis", "redis"),
        ("grafana/grafana:11", "grafana/grafana", "grafana/grafana"),
        ("ghcr.io/team/app", "team/app", None),
        ("team/node", "team/node", None),
        ("", "", None),
        ("a/b/c/d:e@f", "a/b/c/d", None),
    ],
)
def test_images_are_known_without_registry_and_tag(
    text: str, name: str, product: str | None
) -> None:
    """Somebody's postgres is postgres; somebody's node is their own program."""
    assert image_name(text) == name
    found = image_of(text)
    assert (found.product if found else None) == product
