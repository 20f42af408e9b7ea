"""Readings that are kept by content: the same again, and never a wrong one."""

import json
import os
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.lint import cache as caching
from portbook.lint.cache import Cache, cache_folder, digest
from portbook.lint.parts import KEPT, EnvFile, Variable, Written
from portbook.lint.reading import Fault, Reading
from portbook.model.declared import Declared, Place

places = st.builds(Place, st.text(max_size=5), *([st.integers(1, 9)] * 3))
declarations = st.builds(
    Declared,
    places,
    st.integers(0, 70_000),
    st.integers(0, 70_000),
    st.sampled_from(("listen", "client")),
    st.text(max_size=5),
    st.just("dotenv"),
    address=st.none() | st.text(max_size=3),
    profiles=st.lists(st.text(max_size=2), max_size=2).map(tuple),
    sources=st.lists(places, max_size=2).map(tuple),
    written=st.booleans(),
)
variables = st.builds(
    Variable, st.text(max_size=4), st.none() | st.builds(Written, st.text(max_size=4), places)
)
readings = st.builds(
    Reading,
    st.lists(declarations, max_size=3).map(tuple),
    st.lists(st.builds(EnvFile, st.lists(variables, max_size=2).map(tuple)), max_size=1).map(tuple),
    st.lists(st.builds(Fault, st.none() | st.integers(1, 9), st.text(max_size=4)), max_size=2).map(
        tuple
    ),
)


@given(readings)
def test_a_kept_reading_is_the_reading(reading: Reading) -> None:
    """Types of every level come back: records as records, tuples as tuples."""
    plain = json.loads(json.dumps(caching._encode(reading)))
    again = caching._decode(plain)
    assert again == reading
    assert type(again) is Reading
    assert [type(each) for each in again.declared] == [Declared] * len(reading.declared)


def test_every_kind_of_part_can_be_kept() -> None:
    """What a reader may give is in KEPT, or a warm run would lose its type."""
    from portbook.lint import parts

    every = {
        value
        for value in vars(parts).values()
        if isinstance(value, type)
        and issubclass(value, tuple)
        and value.__module__ == parts.__name__
    }
    assert every == set(KEPT)


READING = Reading(faults=(Fault(3, "nothing"),))


def filled(folder: Path) -> Cache:
    """A cache on disk with one reading under `name`."""
    kept = Cache("/project", str(folder))
    kept.put("name", READING)
    kept.save()
    return kept


def test_what_was_kept_is_there_the_next_time(tmp_path: Path) -> None:
    """In a file that nobody else may read."""
    filled(tmp_path / "c")
    assert Cache("/project", str(tmp_path / "c")).get("name") == READING
    assert Cache("/other", str(tmp_path / "c")).get("name") is None
    (file,) = (tmp_path / "c").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_is_no_longer_used_is_forgotten(tmp_path: Path) -> None:
    """Or a cache would grow with every edit."""
    filled(tmp_path)
    second = Cache("/project", str(tmp_path))
    second.put("other", READING)
    second.save()
    third = Cache("/project", str(tmp_path))
    assert third.get("name") is None
    assert third.get("other") == READING


@given(st.data())
def test_a_damaged_cache_is_an_empty_one(data: st.DataObject) -> None:
    """Any byte changed, any cut: nothing is kept, nothing is raised."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        filled(folder)
        (file,) = folder.iterdir()
        body = bytearray(file.read_bytes())
        at = data.draw(st.integers(0, len(body) - 1))
        if data.draw(st.booleans()):
            body[at] ^= data.draw(st.integers(1, 255))
        else:
            del body[at:]
        file.write_bytes(bytes(body))
        assert Cache("/project", name).get("name") is None


@pytest.mark.parametrize(
    "body",
    [b"[]", b'{"of": 3}', b"\xff", b"[" * 100_000, b'{"readings": {"name": [99, 1]}}'],
)
def test_a_whole_but_foreign_cache_is_an_empty_one(tmp_path: Path, body: bytes) -> None:
    """Even with the right checksum."""
    filled(tmp_path)
    (file,) = tmp_path.iterdir()
    if body.startswith(b'{"readings"'):
        body = json.dumps({"of": caching._stamp(), **json.loads(body)}).encode()
    file.write_bytes(blake2b(body, digest_size=16).digest() + body)
    assert Cache("/project", str(tmp_path)).get("name") is None


def test_another_portbook_reads_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that was changed may say something else of the same bytes."""
    filled(tmp_path)
    monkeypatch.setattr(caching, "__version__", "999")
    assert Cache("/project", str(tmp_path)).get("name") is None


def test_a_cache_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    """A file in the way of its folder, or a folder in the way of its file."""
    (tmp_path / "c").write_text("")
    filled(tmp_path / "c")
    (tmp_path / "d").mkdir()
    kept = Cache("/project", str(tmp_path / "d"))
    os.mkdir(kept._path)
    kept.put("name", READING)
    kept.save()
    assert [path.name for path in (tmp_path / "d").iterdir()] == [os.path.basename(kept._path)]


def test_the_name_of_a_reading_is_its_content_path_and_form() -> None:
    """Each of them makes another."""
    names = {
        digest(*each)
        for each in (("a", "b", b"c"), ("a", "b", b"d"), ("a", "x", b"c"), ("y", "b", b"c"))
    }
    assert len(names) == 4


def test_the_cache_is_where_caches_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """PORTBOOK_DATA_HOME, XDG_CACHE_HOME if absolute, ~/.cache."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", "/own")
    assert cache_folder() == "/own/lint-cache"
    monkeypatch.delenv("PORTBOOK_DATA_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == "/caches/portbook/lint"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder() == "/home/somebody/.cache/portbook/lint"
