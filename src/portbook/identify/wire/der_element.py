"""One element of DER or BER (ITU-T X.690), as Kerberos and SNMP use them."""


def element(message: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the contents of the element at `at` begin and end; zeros where it is another one."""
    if at < 0 or len(message) < at + 2 or message[at] != tag:
        return 0, 0
    length, start = message[at + 1], at + 2
    if length >= 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4:
            return 0, 0
        length, start = int.from_bytes(message[start : start + size]), start + size
    end = start + length
    return (start, end) if end <= len(message) else (0, 0)
