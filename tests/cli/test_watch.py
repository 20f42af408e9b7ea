"""`portbook watch --pcap`: the sources and ports of a capture, in every form of the answer."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from command import Run, portbook
from test_documents import validator
from traffic.watched_capture import (
    CLIENTS,
    MIRAIS,
    NMAP,
    OURS,
    PROBER,
    VICTIM,
    ZMAPS,
    written,
)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The capture of half a minute."""
    return written(tmp_path_factory.mktemp("captures") / "half.pcap")


def watched(capture: str, *arguments: str) -> Run:
    """`portbook watch --pcap`, which found something."""
    run = portbook("watch", *arguments, "--pcap", capture)
    assert run.code == 0, run.err
    assert run.err == ""
    return run


def test_every_source_has_its_verdict(capture: str) -> None:
    """Clients, scanners by tool, the probe and the victim of somebody else, in one document."""
    document = watched(capture, "--json").document
    validator("traffic").validate(document)
    found = {each["address"]: (each["verdict"], each["tool"]) for each in document["sources"]}
    assert found == {
        **dict.fromkeys(CLIENTS, ("client", None)),
        **dict.fromkeys(ZMAPS, ("scan", "zmap")),
        **dict.fromkeys(MIRAIS, ("scan", "mirai")),
        NMAP: ("scan", "nmap"),
        PROBER: ("probe", None),
        VICTIM: ("backscatter", None),
    }
    assert document["verdicts"] == {"client": 5, "probe": 1, "scan": 10, "backscatter": 1}
    assert (document["sources_total"], document["dropped"]) == (17, None)
    assert document["first"] == "2025-11-23T09:00:00.010Z"
    assert document["incomplete"] == []


def test_a_port_is_told_in_a_sentence_with_its_tools(capture: str) -> None:
    """Only the named port is judged, and packets of others are counted."""
    document = watched(capture, "3255/tcp", "--json").document
    (port,) = document["ports"]
    assert port["tools"]["zmap"] == 6
    assert port["listening"] is False
    assert port["sentence"].startswith("3255: no service here; 7 sources")
    assert {each["address"] for each in document["sources"]} == {*ZMAPS, NMAP}
    assert document["passed"] == {"other-port": document["packets"] - 14}


def test_what_a_port_speaks_is_heard_from_its_own_replies(capture: str) -> None:
    """Nobody is asked: the judges of identify read what the capture has."""
    document = watched(capture, "80", "--json").document
    assert document["ports"][0]["speaks"] == ["http"]
    client = next(each for each in document["sources"] if each["address"] == CLIENTS[0])
    assert client["openers"][0]["protocol"] == "http"
    assert client["openers"][0]["details"]["host"] == "a.example"


def test_which_side_is_ours_is_told_and_can_be_given(capture: str) -> None:
    """Inferred with a sentence; `given` with --host; turned round, everything is another story."""
    inferred = watched(capture, "--json").document["ours"]
    assert inferred["addresses"] == [OURS]
    assert " " in inferred["how"]
    given = watched(capture, "--json", "--host", "198.51.100.0/24").document
    assert given["ours"] == {"addresses": ["198.51.100.0/24"], "how": "given"}
    assert given["sources_total"] == 17
    turned = portbook("watch", "--pcap", capture, "--json", "--host", CLIENTS[0])
    assert turned.code == 1
    assert turned.document["sources"] == []


def test_a_mapped_address_is_the_address(capture: str) -> None:
    """IPv4 in the form that IPv6 sockets show it."""
    document = watched(capture, "--json", "--host", f"::ffff:{OURS}").document
    assert document["ours"]["addresses"] == [OURS]


def test_text_has_the_sentences_the_table_and_the_basis(capture: str) -> None:
    """In a pipe nothing is cut: one line for each source, its evidence at the end."""
    out = watched(capture, "3255").out
    lines = out.splitlines()
    assert lines[0].startswith("3255: no service here; 7 sources in")
    rows = [line for line in lines if line.startswith("scan (syn, zmap)")]
    assert len(rows) == 6
    assert all("IP ID 54321" in line for line in rows)
    assert any(line.startswith(f"ours: {OURS} (") for line in lines)


def test_a_narrow_terminal_gets_evidence_on_lines_of_its_own(capture: str) -> None:
    """At 80 columns no line is longer, and each source has its whole reason below."""
    run = portbook("watch", "--pcap", capture, "--color", "always", env={"COLUMNS": "80"})
    plain = [line for line in run.out.splitlines() if "\x1b" not in line]
    assert max(map(len, plain)) <= 80
    said = " ".join(run.out.replace("\x1b[2m", "").replace("\x1b[0m", "").split())
    for each in watched(capture, "--json").document["sources"]:
        assert f"{each['confidence']}: {each['evidence'][0]}" in said
    assert run.out.count("likely: ") + run.out.count("certain: ") >= 17
    assert "\x1b[31mscan\x1b[0m (syn, zmap)" in run.out


def test_what_speaks_against_a_verdict_is_told(capture: str) -> None:
    """The strongest below its source, and with --verbose every reason of the document."""
    sources = watched(capture, "--json").document["sources"]
    reasons = [each["against"] for each in sources if each["against"]]
    assert reasons
    lines = watched(capture).out.splitlines()
    assert [line for line in lines if line.startswith("  against: ")] == [
        f"  against: {each[0]}" for each in reasons
    ]
    assert not any(line.startswith("  also: ") for line in lines)
    told = watched(capture, "--verbose").out
    for each in sources:
        assert all(f"  also: {reason}\n" in told for reason in each["evidence"][1:])
        assert all(f"  against: {reason}\n" in told for reason in each["against"])


def test_standard_input_that_says_nothing_ends_at_the_second_signal() -> None:
    """The first is kept for the end of the capture; who does not wait for it asks again."""
    argv = [sys.executable, "-m", "portbook", "watch", "--pcap", "-"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        for _ in range(100):
            caught = Path(f"/proc/{process.pid}/status").read_text().partition("SigCgt:\t")[2]
            if int(caught[:16], 16) & 1 << 14:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.6)
        process.send_signal(signal.SIGTERM)
        assert process.wait(50) == -signal.SIGTERM


def test_a_named_pipe_is_read_as_it_comes(capture: str, tmp_path: Path) -> None:
    """Plain, gzip and zstd: the same document as of the file."""
    whole = watched(capture, "--json").document
    plain = Path(capture).read_bytes()
    for number, data in enumerate((plain, gzip.compress(plain), _zstd(plain))):
        pipe = tmp_path / f"pipe{number}"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=(data,))
        writer.start()
        assert watched(str(pipe), "--json").document == whole
        writer.join()


def _zstd(data: bytes) -> bytes:
    zstandard = pytest.importorskip("zstandard")
    return bytes(zstandard.ZstdCompressor().compress(data))


def test_the_top_is_what_was_asked_for(capture: str) -> None:
    """What is not listed is counted; a choice is no gap, so the exit code stays 0."""
    run = watched(capture, "--top", "2")
    assert "and 15 more sources (--top 0 lists all of them)" in run.out
    document = watched(capture, "--top", "2", "--json").document
    assert len(document["sources"]) == 2
    assert (document["sources_total"], document["incomplete"]) == (17, [])
    assert len(watched(capture, "--top", "0", "--json").document["sources"]) == 17


def test_a_stream_has_a_line_for_each_source_and_the_summary_last(capture: str) -> None:
    """Every line is a document of its schema."""
    lines = [json.loads(line) for line in watched(capture, "--jsonl").out.splitlines()]
    for line in lines[:-1]:
        assert line["schema"] == "portbook/traffic-event/1"
        validator("traffic-event").validate(line)
    assert {line["source"]["address"] for line in lines[:-1]} >= {*ZMAPS, *CLIENTS}
    validator("traffic").validate(lines[-1])
    assert (lines[-1]["sources"], lines[-1]["sources_total"]) == ([], 17)


def test_standard_input_and_packed_files_are_the_same(capture: str, tmp_path: Path) -> None:
    """`-` reads a pipe; gzip is told by its bytes."""
    plain = Path(capture).read_bytes()
    whole = watched(capture, "--json").document
    argv = [sys.executable, "-m", "portbook", "watch", "--pcap", "-", "--json"]
    done = subprocess.run(argv, input=plain, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == whole
    packed = tmp_path / "packed.bin"
    packed.write_bytes(gzip.compress(plain))
    assert watched(str(packed), "--json").document == whole


def test_a_cut_capture_is_judged_as_far_as_it_goes(capture: str, tmp_path: Path) -> None:
    """Exit code 3, the gap on stderr, and the sources that were there."""
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(Path(capture).read_bytes()[:-31])
    run = portbook("watch", "--pcap", str(cut))
    assert run.code == 3
    assert run.err.startswith("incomplete: ")
    assert "scan (syn, zmap)" in run.out
    document = portbook("watch", "--pcap", str(cut), "--json").document
    validator("traffic").validate(document)
    assert document["incomplete"]


def test_nobody_at_the_port_is_a_no(capture: str) -> None:
    """Exit code 1, and it says how many packets it looked at."""
    run = portbook("watch", "7777", "--pcap", capture)
    assert (run.code, run.err) == (1, "")
    assert "nobody came" in run.out
    assert "packets" in run.out


def test_calibration_says_what_it_rests_on(capture: str) -> None:
    """So few contacts carry no estimate, and the defaults stay, said in sentences."""
    run = watched(capture, "--calibrate")
    assert "rates: theta0 stays 0.8" in run.out
    document = watched(capture, "--calibrate", "--json").document
    validator("traffic").validate(document)
    assert document["calibration"]["theta1"] == 0.2
    assert document["calibration"]["basis"]
    assert "calibration" not in watched(capture, "--json").document


def test_rates_change_when_the_sequential_test_decides(capture: str) -> None:
    """Eight failures decide with the defaults, and do not with rates that are almost equal."""
    sharp = watched(capture, "--json").document["sources"]
    flat = watched(capture, "--json", "--rates", "0.51,0.49").document["sources"]
    after = [
        next(each["decided_after"] for each in rows if each["address"] == NMAP)
        for rows in (sharp, flat)
    ]
    assert after == [4, None]


def test_text_of_visitors_cannot_steer_the_terminal(capture: str) -> None:
    """The user agent of these clients has an escape sequence in it."""
    for arguments in ((), ("--json",), ("--jsonl",)):
        assert "\x1b" not in watched(capture, *arguments).out
