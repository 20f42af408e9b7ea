"""What a file that is no pcap and no pcapng looks like by its first bytes, for one clear line.

Only forms that somebody is likely to hand in by mistake are told apart. Sources: the magic numbers
are those of each form's specification (snoop: RFC 1761; LZ4: the frame format 1.6; ERF: the type
and length fields of its 16-byte record header; ETL: the buffer header WMI_BUFFER_HEADER).
"""

_MAGICS = (
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data"),
    (b"\x04\x22\x4d\x18", "LZ4 data"),
    (b"\x02\x21\x4c\x18", "LZ4 data of the old form"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\x00", "xz data"),
    (b"\x5d\x00\x00", "LZMA data"),
    (b"\x1f\x9d", "data of the program compress"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"snoop\x00\x00\x00", "a snoop capture (RFC 1761)"),
    (b"GMBU", "a capture of Microsoft Network Monitor 2"),
    (b"RTSS", "a capture of Microsoft Network Monitor 1"),
    (b"TRSNIFF data", "a capture of the Network General Sniffer"),
    (b"XCP\x00", "a capture of NetXRay or Sniffer Basic"),
    (b"\x7fver", "a capture of EtherPeek or OmniPeek"),
    (b"btsnoop\x00", "a Bluetooth capture (btsnoop)"),
    (b"\x7fELF", "a program (ELF)"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture (PNG)"),
)

_UNPACK = "unpack it first; gzip and Zstandard are read as they are"
_CONVERT = "convert it first: editcap FILE capture.pcapng"
_ETL = "convert it first: pktmon etl2pcap FILE, or etl2pcapng FILE capture.pcapng"

PEEK = 96
"""As many first bytes as `resembles` looks at."""


def resembles(first: bytes) -> tuple[str, str | None]:
    """What `first` (up to `PEEK` bytes) looks like, and the way out of it where there is one."""
    for magic, name in _MAGICS:
        if first.startswith(magic):
            if "capture" in name:
                return name, _CONVERT
            return name, _UNPACK if name.endswith(("data", "form", "archive")) else None
    if not first.strip(b"\x00"):
        return "zero bytes", None
    if _is_text(first):
        return f"text: {first[:24].decode('ascii', 'replace').split(chr(10))[0].strip()!r}", None
    if _is_etl(first):
        return "an event trace log of Windows (.etl)", _ETL
    if _is_erf(first):
        return "an ERF capture", _CONVERT
    return f"unknown: {first[:8].hex(' ')}", None


def _is_text(first: bytes) -> bool:
    return all(32 <= byte < 127 or byte in b"\t\r\n" for byte in first)


def _is_erf(first: bytes) -> bool:
    """Whether a 16-byte ERF record header stands there, with a time between 1990 and 2100."""
    if len(first) < 16:
        return False
    seconds = int.from_bytes(first[4:8], "little")
    kind = first[8] & 0x7F
    total = int.from_bytes(first[10:12], "big")
    return 631_152_000 < seconds < 4_102_444_800 and 1 <= kind <= 48 and 16 <= total <= 65_535


def _is_etl(first: bytes) -> bool:
    """Whether a buffer header of 72 bytes stands there, and the mark of a trace header after it."""
    if len(first) < 76:
        return False
    size, saved = int.from_bytes(first[0:4], "little"), int.from_bytes(first[4:8], "little")
    return 4096 <= size <= 1 << 24 and not size % 1024 and 72 <= saved <= size and first[75] == 0xC0
