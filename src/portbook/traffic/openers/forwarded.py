"""The PROXY protocol's header, which a load balancer puts before its client's first bytes.

HAProxy's proxy-protocol.txt, versions 1 (a line) and 2 (a signature and a length).
"""

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_LONGEST_LINE = 107


def split(data: bytes) -> tuple[str, bytes]:
    """The version of the header, empty where there is none, and what comes behind it."""
    if data.startswith(b"PROXY "):
        end = data.find(b"\r\n", 0, _LONGEST_LINE)
        if end > 0 and data[6:10] in (b"TCP4", b"TCP6", b"UNKN"):
            return "1", data[end + 2 :]
    elif data.startswith(_SIGNATURE) and len(data) >= 16 and data[12] >> 4 == 2:
        return "2", data[16 + (data[14] << 8 | data[15]) :]
    return "", data
