from pathlib import Path

import pytest

from portbook.traffic.captures import Capture, CaptureFault
from traffic import capture_forms as forms
from traffic.capture_forms import BASE, MICRO, MODIFIED, NANO, Seen, read_bytes

PACKETS = [bytes([number]) * (14 + number * 37 % 90) for number in range(40)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [MICRO, NANO, MODIFIED])
def test_pcap_of_every_magic_number_and_byte_order_is_read(
    tmp_path: Path, order: str, magic: int
) -> None:
    """Times, lengths and bytes are those that were written."""
    seen, gaps = read_bytes(tmp_path, forms.pcap(PACKETS, order, magic, link=101))
    tick = 1 if magic == NANO else 1000
    assert seen == [
        Seen(BASE * 10**9 + 7 * number * tick, len(data), data, 101)
        for number, data in enumerate(PACKETS)
    ]
    assert gaps == []


def test_upper_bits_of_the_link_type_are_no_part_of_it(tmp_path: Path) -> None:
    """A frame check sequence of 4 bytes is told in the upper bits: still Ethernet."""
    data = forms.pcap_header(link=0x2400_0001) + forms.pcap_record(b"x" * 64)
    assert [one.link for one in read_bytes(tmp_path, data)[0]] == [1]


def test_snap_length_cuts_are_told_by_two_lengths(tmp_path: Path) -> None:
    """`length` is what was on the wire, the bytes are what was kept."""
    data = forms.pcap_header() + forms.pcap_record(b"abcd", length=1500)
    (one,) = read_bytes(tmp_path, data)[0]
    assert (one.length, one.data) == (1500, b"abcd")


def test_seconds_after_2038_are_not_negative(tmp_path: Path) -> None:
    """The seconds are unsigned, so they last until 2106."""
    data = forms.pcap_header() + forms.pcap_record(b"", seconds=0xF000_0000, fraction=5)
    assert read_bytes(tmp_path, data)[0][0].at == 0xF000_0000 * 10**9 + 5000


@pytest.mark.parametrize("snaplen", [0, 65_535, 0x7FFF_FFFF, 0xFFFF_FFFF])
def test_records_up_to_the_usual_limit_are_read_whatever_the_snap_length(
    tmp_path: Path, snaplen: int
) -> None:
    """Files say 0 or 2^31 - 1 where they mean everything."""
    data = forms.pcap_header(snaplen=snaplen) + forms.pcap_record(b"x" * 262_144)
    seen, gaps = read_bytes(tmp_path, data)
    assert (len(seen[0].data), gaps) == (262_144, [])


def test_a_longer_record_is_read_where_the_file_announces_it(tmp_path: Path) -> None:
    """A snap length of 3 MB allows records of 3 MB, as long as a window can hold them."""
    big = bytes(3_000_000)
    data = forms.pcap_header(snaplen=3_000_000)
    data += b"".join(forms.pcap_record(big, fraction=number) for number in range(9))
    seen, gaps = read_bytes(tmp_path, data)
    assert ([len(one.data) for one in seen], gaps) == ([3_000_000] * 9, [])


def test_a_record_that_cannot_be_ends_the_capture_with_its_place(tmp_path: Path) -> None:
    """Everything before is kept, and the gap says at which byte the file is damaged."""
    good = forms.pcap(PACKETS[:3])
    bad = forms.pcap_record(b"").replace(bytes(8), b"\xff\xff\xff\x7f" * 2)
    seen, (gap,) = read_bytes(tmp_path, good + bad + bytes(500))
    assert len(seen) == 3
    assert f"damaged at byte {len(good):,}: a record of 2,147,483,647 bytes" in gap.why


def test_a_cut_record_is_told_with_its_place_and_the_rest_is_given(tmp_path: Path) -> None:
    """The last packet is missing, the others are not."""
    whole = forms.pcap(PACKETS[:3])
    seen, (gap,) = read_bytes(tmp_path, whole + forms.pcap_record(b"x" * 100)[:-1])
    assert len(seen) == 3
    assert gap.why == f"the capture ends in the middle of a record at byte {len(whole):,}"


def test_a_capture_without_packets_is_whole(tmp_path: Path) -> None:
    """A header alone is a capture of nothing."""
    assert read_bytes(tmp_path, forms.pcap([])) == ([], [])
    assert read_bytes(tmp_path, forms.pcapng([])) == ([], [])


def test_batches_have_a_bound_and_stay_as_they_are(tmp_path: Path) -> None:
    """A batch that was handed out does not change while the next are read."""
    path = tmp_path / "many.pcap"
    path.write_bytes(
        forms.pcap_header()
        + b"".join(forms.pcap_record(number.to_bytes(4, "big")) for number in range(500_000))
    )
    with Capture(str(path)) as capture:
        batches = list(capture.frames())
        assert capture.position == capture.size == path.stat().st_size
    assert max(len(batch) for batch in batches) == 32_768
    read = [
        bytes(batch.buffer[start : start + 4])
        for batch in batches
        for start in batch.start.tolist()
    ]
    assert read == [number.to_bytes(4, "big") for number in range(500_000)]


@pytest.mark.parametrize(
    ("first", "says"),
    [
        (b"", "no capture: it is empty"),
        (b"\xa1\xb2", "unknown: a1 b2"),
        (forms.pcap_header()[:23], "ends in the middle of its file header"),
        (forms.section()[:15], "ends in the middle of its first section header"),
        (forms.pcap_header().replace(b"\x02\x00\x04", b"\x03\x00\x04"), "pcap of version 3"),
        (forms.section(major=7), "version of a section is 7"),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "byte order of a section is 00 00 00 00"),
        (b"\x04\x22\x4d\x18" + bytes(99), "LZ4 data"),
        (b"BZh91AY&SY", "bzip2 data"),
        (b"\xfd7zXZ\x00\x00", "xz data"),
        (b"PK\x03\x04" + bytes(30), "a ZIP archive"),
        (b"snoop\x00\x00\x00\x00\x00\x00\x02", "a snoop capture (RFC 1761)"),
        (b"GMBU\x00\x02" + bytes(90), "Network Monitor 2"),
        (bytes(4) + BASE.to_bytes(4, "little") + b"\x02\x04\x00\x58\x00\x00\x00\x40", "ERF"),
        (b"12:01:02 IP 10.0.0.1 > 10.0.0.2: ICMP\nmore", "text: '12:01:02 IP 10.0.0.1 > 1'"),
        (bytes(500), "zero bytes"),
        (b"\x00\x00\x01\x00" + b"\x60\x00\x00\x00" + bytes(67) + b"\xc0" + bytes(40), ".etl"),
        (b"\x7fELF\x02\x01\x01\x00", "a program (ELF)"),
        (b"\x01\x02\x03\x04\xff\xfe\xfd\xfc\xfb", "unknown: 01 02 03 04 ff fe fd fc"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_line_that_names_it(
    tmp_path: Path, first: bytes, says: str
) -> None:
    """The message says what the first bytes look like."""
    with pytest.raises(CaptureFault) as refused:
        read_bytes(tmp_path, first)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value) and refused.value.exit_code == 5


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    """A missing file, a folder and an impossible name are faults of the environment."""
    for path in (str(tmp_path / "missing"), str(tmp_path), "a\x00b"):
        with pytest.raises(CaptureFault, match="cannot be"):
            Capture(path)
