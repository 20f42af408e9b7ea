from struct import pack

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.traffic import columns_options, tcp_options
from portbook.traffic.columns import packets_of
from portbook.traffic.columns_window import Window
from portbook.traffic.dissect import Row, dissect
from portbook.traffic.packets import (
    OPTIONS_BSD,
    OPTIONS_LINUX,
    OPTIONS_MSS,
    OPTIONS_NONE,
    OPTIONS_ODD,
    OPTIONS_OS_PROBE,
    OPTIONS_OTHER_STACK,
    OPTIONS_WINDOWS,
)
from traffic import frames_made as made

ENDS = "c6336409 c0000207"
"""From 198.51.100.9 to 192.0.2.7, in every packet below."""

SYNS = {
    # Name: IPv4 header up to the addresses, TCP header, options; shape, maximum segment size.
    "Linux 6.1": (
        "4500003c 1c464000 40060000",
        "9c400cb7 8f3a2c11 00000000 a002faf0 00000000",
        "020405b4 0402080a 9a4f1c23 00000000 01030307",
        (OPTIONS_LINUX, 1460),
    ),
    "Windows 11": (
        "45000034 5d2a4000 80060000",
        "c3510cb7 14d08e70 00000000 8002faf0 00000000",
        "020405b4 01030308 01010402",
        (OPTIONS_WINDOWS, 1460),
    ),
    "macOS 14": (
        "45000040 00004000 40060000",
        "c0150cb7 6a11b03f 00000000 b002ffff 00000000",
        "020405b4 01030306 0101080a 7d2a11c0 00000000 04020000",
        (OPTIONS_BSD, 1460),
    ),
    "FreeBSD 14": (
        "4500003c 00004000 40060000",
        "d8310cb7 0bd71e52 00000000 a002ffff 00000000",
        "020405b4 01030306 0402080a 3c8ee2b0 00000000",
        (OPTIONS_OTHER_STACK, 1460),
    ),
    "Linux over a tunnel, no timestamps": (
        "45000034 77e14000 3f060000",
        "a1f20cb7 2c55d0aa 00000000 8002f890 00000000",
        "02040578 01010402 01030307",
        (OPTIONS_OTHER_STACK, 1400),
    ),
    "ZMap 2": (
        "45000028 d4310000 f4060000",
        "b3c70cb7 5e01fa93 00000000 5002ffff 00000000",
        "",
        (OPTIONS_NONE, 0),
    ),
    "ZMap 4.0": (
        "4500002c d4310000 f4060000",
        "b3c70cb7 5e01fa93 00000000 6002ffff 00000000",
        "020405b4",
        (OPTIONS_MSS, 1460),
    ),
    "ZMap 4.1": (
        "45000034 91be0000 f4060000",
        "b3c70cb7 5e01fa93 00000000 8002ffff 00000000",
        "020405b4 01030308 01010402",
        (OPTIONS_WINDOWS, 1460),
    ),
    "masscan 1.3.2": (
        "45000028 a6c10000 f5060000",
        "e9a10cb7 7f3da871 00000000 50020400 00000000",
        "",
        (OPTIONS_NONE, 0),
    ),
    "masscan of 2024": (
        "4500002c a6c10000 f5060000",
        "e9a10cb7 7f3da871 00000000 60020401 00000000",
        "020405b4",
        (OPTIONS_MSS, 1460),
    ),
    "Mirai": (
        "45000028 3f9b0000 2e060000",
        "8d120017 c0000207 00000000 50023908 00000000",
        "",
        (OPTIONS_NONE, 0),
    ),
    "nmap -sS": (
        "4500002c 6bd70000 2b060000",
        "d2fb0cb7 8a11c3e5 00000000 60020400 00000000",
        "020405b4",
        (OPTIONS_MSS, 1460),
    ),
    "nmap -O, first": (
        "4500003c 1d910000 36060000",
        "9a330cb7 8a11c3e5 00000000 a0020001 00000000",
        "03030a01 020405b4 080affff ffff0000 00000402",
        (OPTIONS_OS_PROBE, 1460),
    ),
    "nmap -O, second": (
        "4500003c 1d920000 36060000",
        "9a340cb7 8a11c3e6 00000000 a002003f 00000000",
        "02040578 03030004 02080aff ffffff00 00000000",
        (OPTIONS_OS_PROBE, 1400),
    ),
    "nmap -O, third": (
        "4500003c 1d930000 36060000",
        "9a350cb7 8a11c3e7 00000000 a0020004 00000000",
        "080affff ffff0000 00000101 03030501 02040280",
        (OPTIONS_OS_PROBE, 640),
    ),
    "nmap -O, fourth": (
        "45000038 1d940000 36060000",
        "9a360cb7 8a11c3e8 00000000 90020004 00000000",
        "0402080a ffffffff 00000000 03030a00",
        (OPTIONS_OS_PROBE, 0),
    ),
    "nmap -O, sixth": (
        "45000038 1d960000 36060000",
        "9a380cb7 8a11c3ea 00000000 90020200 00000000",
        "02040109 0402080a ffffffff 00000000",
        (OPTIONS_OS_PROBE, 265),
    ),
    "nmap -O, SYN FIN PSH URG": (
        "4500003c 1d980000 36060000",
        "9a3a0cb7 8a11c3ec 00000000 a02b0100 00000000",
        "03030a01 02040109 080affff ffff0000 00000402",
        (OPTIONS_OS_PROBE, 265),
    ),
    "nmap -O, for congestion notification": (
        "45000034 1d970000 36060000",
        "9a390cb7 8a11c3eb 00000000 80c20003 0000f7f5",
        "03030a01 020405b4 04020101",
        (OPTIONS_OTHER_STACK, 1460),
    ),
}


def packet(name: str) -> bytes:
    """Return the bytes of one of `SYNS`."""
    ip, tcp, options, _ = SYNS[name]
    return bytes.fromhex(ip + ENDS + tcp + options)


@pytest.mark.parametrize("name", SYNS)
def test_syns_as_they_are_sent(name: str) -> None:
    """Each stack's and tool's SYN has its shape, and its header is read as it stands."""
    data = packet(name)
    assert int.from_bytes(data[2:4]) == len(data) == 20 + (data[32] >> 4) * 4, "bytes mistyped"
    read = dissect(made.RAW, data, len(data), 0)
    assert isinstance(read, Row)
    assert (read.options, read.mss) == SYNS[name][3]
    assert read.ip_id == int.from_bytes(data[4:6])
    assert read.window == int.from_bytes(data[34:36])
    assert read.dont_fragment == (data[6] == 0x40)
    assert read.payload == 0


def test_the_same_in_one_batch() -> None:
    """All of them at once have the same shapes, in order."""
    read = packets_of(made.frames(made.RAW, [packet(name) for name in SYNS]), {})
    shapes = zip(read.options.tolist(), read.mss.tolist(), strict=True)
    assert list(shapes) == [row[3] for row in SYNS.values()]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("020405b4 00000000", (OPTIONS_ODD, 1460)),
        ("020405b4 01010101", (OPTIONS_ODD, 1460)),
        ("01010101", (OPTIONS_ODD, 0)),
        ("0402020405b40000", (OPTIONS_OTHER_STACK, 1460)),
        ("0402020405b40204", (OPTIONS_ODD, 1460)),  # the last runs past the end
        ("0402020405b40100", (OPTIONS_OTHER_STACK, 1460)),
        ("0402020405b4fe01", (OPTIONS_ODD, 1460)),  # no option is one byte long
        ("0402020405b400fe", (OPTIONS_OTHER_STACK, 1460)),  # nothing is read behind the end
        ("020405b4 02040200 0402 0101", (OPTIONS_OTHER_STACK, 1460)),  # the first counts
        ("0204ffff 0402080a ffffffff 00000000 01030300", (OPTIONS_LINUX, 65535)),
        ("080affff ffff0000 00000208", (OPTIONS_ODD, 0)),
        ("010101010101010101010108", (OPTIONS_ODD, 0)),  # a kind without its length
    ],
)
def test_other_options(options: str, expected: tuple[int, int]) -> None:
    """What has no layout of its own is another stack's, or nobody's."""
    data = bytes.fromhex(options)
    assert tcp_options.read(data) == expected
    shape, mss = columns_options.shapes(
        Window(data), np.zeros(1, np.int64), np.array([len(data)], np.uint8)
    )
    assert (int(shape[0]), int(mss[0])) == expected


def test_others_than_syns_have_no_shape() -> None:
    """A SYN-ACK and a segment with a timestamp of all ones are no SYN."""
    options = bytes.fromhex("03030a01 020405b4 080affff ffff0000 00000402")
    for flags in (0x12, 0x10, 0x00, 0x29):
        read = dissect(made.RAW, made.ipv4(made.tcp(flags, options=options)), 60, 0)
        assert isinstance(read, Row)
        assert (read.options, read.mss) == (OPTIONS_NONE, 0)


OPTION = st.one_of(
    st.sampled_from([b"\x01", b"\x00", b"\x04\x02", b"\x03\x03\x07", b"\x02\x04\x05\xb4"]),
    st.sampled_from([b"\x08\x0a\xff\xff\xff\xff" + bytes(4), b"\x08\x0a" + bytes(8)]),
    st.tuples(st.integers(0, 255), st.binary(max_size=8)).map(
        lambda pair: pack("BB", pair[0], len(pair[1]) + 2) + pair[1]
    ),
    st.binary(max_size=4),
)
OPTIONS = st.one_of(
    st.lists(OPTION, max_size=12).map(b"".join),
    st.sampled_from([bytes.fromhex(row[2]) for row in SYNS.values()]),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(OPTIONS.map(lambda options: options[:40]), min_size=1, max_size=12))
def test_many_at_once_as_one_by_one(options: list[bytes]) -> None:
    """Both ways of reading options agree, whatever the options are, next to each other or not."""
    buffer = b"".join(options)
    sizes = np.array([len(each) for each in options], np.uint8)
    starts = np.cumsum(sizes, dtype=np.int64) - sizes
    shape, mss = columns_options.shapes(Window(buffer), starts, sizes)
    read = list(zip(shape.tolist(), mss.tolist(), strict=True))
    assert read == [tcp_options.read(each) for each in options]
