"""`portbook feedback`: the votes of visitors as a table, as comments and as a document."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tools.make_schemas import SCHEMAS

from command import Run, portbook
from portbook.host.feedback_store import FeedbackStore
from portbook.model.feedback import Vote

NOON = 1_795_435_200.0  # 2026-11-23T12:00:00Z
DAY = 86400.0
NASTY = "\x1b[31mred\x1b[0m <script>alert(1)</script>\nsecond\u202eline"


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Votes of two days on three pages."""
    path = str(tmp_path / "feedback.sqlite")
    with FeedbackStore(path) as store:
        for number in range(3):
            store.add(Vote("/3255", True, None, "en"), bytes([number]), NOON)
        store.add(Vote("/3255", False, NASTY, "nl"), b"x", NOON + 60)
        store.add(Vote("/3255/udp", False, None, "nl"), b"x", NOON)
        store.add(Vote("/map", True, "clear", "en"), b"x", NOON + DAY)
    return path


def feedback(file: str, *arguments: str) -> Run:
    """Run it on that file."""
    return portbook("feedback", "--database", file, *arguments)


def test_the_table_counts_by_page_most_answers_first(file: str) -> None:
    """Yes, no and comments, and a line with the sums."""
    run = feedback(file)
    assert (run.code, run.err) == (0, "")
    assert [line.split() for line in run.out.splitlines()] == [
        ["PAGE", "YES", "NO", "COMMENTS"],
        ["/3255", "3", "1", "1"],
        ["/3255/udp", "0", "1", "0"],
        ["/map", "1", "0", "1"],
        ["4", "yes,", "2", "no", "on", "3", "pages"],
    ]


def test_comments_are_told_newest_first_and_cannot_steer_a_terminal(file: str) -> None:
    """Controls and overrides are escapes; a line break of the visitor's is one of ours."""
    out = feedback(file, "--comments").out
    assert out.index("2026-11-24 12:00:00  /map  yes  (en)") < out.index(
        "2026-11-23 12:01:00  /3255  no  (nl)"
    )
    assert r"  \x1b[31mred\x1b[0m <script>alert(1)</script>" in out.splitlines()
    assert r"  second\u202eline" in out.splitlines()
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_json_has_everything_and_fits_its_schema(file: str) -> None:
    """One document, with the comments as they were given."""
    document = feedback(file, "--json").document
    schema = json.loads((SCHEMAS / "feedback.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(document)
    assert document["database"] == file
    assert document["since"] is None
    assert document["totals"] == {"pages": 3, "yes": 4, "no": 2, "comments": 2}
    assert document["pages"][0]["comments"] == [
        {"at": "2026-11-23T12:01:00Z", "useful": False, "language": "nl", "comment": NASTY}
    ]
    lines = [json.loads(line) for line in feedback(file, "--jsonl").out.splitlines()]
    schema = json.loads((SCHEMAS / "page-votes.json").read_text(encoding="utf-8"))
    for line in lines:
        Draft202012Validator(schema).validate(line)
    assert [line["page"] for line in lines] == ["/3255", "/3255/udp", "/map"]


@pytest.mark.parametrize(
    ("arguments", "pages"),
    [
        (("--page", "/3255"), ["/3255"]),
        (("--page", "3255/udp"), ["/3255/udp"]),
        (("--page", "/1"), []),
        (("--since", "2026-11-24"), ["/map"]),
        (("--since", "2026-11-23T12:00:30"), ["/3255", "/map"]),
        (("--since", "2026-11-24", "--page", "/3255"), []),
    ],
)
def test_a_page_and_a_time_narrow_it(
    file: str, arguments: tuple[str, ...], pages: list[str]
) -> None:
    """Exit code 1 where nothing is left."""
    run = feedback(file, *arguments, "--json")
    assert [each["page"] for each in run.document["pages"]] == pages
    assert run.code == (0 if pages else 1)
    text = feedback(file, *arguments)
    assert text.code == run.code
    assert bool(pages) != text.out.startswith("no feedback was given")


def test_what_is_left_out_is_told(file: str) -> None:
    """Only the newest comment: exit code 3 and a gap with the way to the rest."""
    short = feedback(file, "--limit", "1", "--json")
    assert short.code == 3
    assert [gap["hint"] for gap in short.document["incomplete"]] == ["--limit 0"]
    assert short.document["totals"]["comments"] == 2
    text = feedback(file, "--limit", "1", "--comments")
    assert text.code == 3
    assert "incomplete: older comments" in text.out
    # The table alone lacks nothing.
    assert feedback(file, "--limit", "1").code == 0
    assert feedback(file, "--limit", "0", "--json").code == 0


def test_without_a_file_nothing_was_given_yet(own_home: Path) -> None:
    """Exit code 1, where it looked, and no file is made."""
    run = portbook("feedback")
    assert (run.code, run.err) == (1, "")
    assert run.out == f"no feedback was given yet ({own_home}/feedback.sqlite)\n"
    document = portbook("feedback", "--json").document
    assert (document["pages"], document["totals"]["yes"]) == ([], 0)
    assert list(own_home.iterdir()) == []


@pytest.mark.parametrize("arguments", [("--since", "yesterday"), ("--limit", "-1"), ("3255",)])
def test_words_that_mean_nothing_are_refused(file: str, arguments: tuple[str, ...]) -> None:
    """Exit code 2 and one line."""
    run = feedback(file, *arguments)
    assert run.code == 2
    assert run.err.startswith("portbook: error: ")


def test_a_file_that_is_none_of_ours_is_one_line(file: str) -> None:
    """Damaged and foreign: exit code 5, and not a byte is changed."""
    image = bytearray(Path(file).read_bytes())
    for damaged in (image[:4096] + b"\xff" * (len(image) - 4096), b"mail"):
        Path(file).write_bytes(damaged)
        run = feedback(file)
        assert run.code == 5
        assert len(run.err.splitlines()) <= 2
        assert Path(file).read_bytes() == damaged


def test_it_reads_while_a_server_writes(file: str) -> None:
    """Counts of one moment, without waiting for the writer."""
    with FeedbackStore(file) as store:
        for number in range(40, 60):
            store.add(Vote("/80", True, None, "en"), bytes([number]), NOON)
            if number % 10 == 0:
                document = feedback(file, "--page", "/80", "--json").document
                assert document["totals"]["yes"] == number - 39
