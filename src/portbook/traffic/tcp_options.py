"""Which stack or tool a SYN's TCP options look like, one SYN at a time.

Layouts as the stacks send them: Linux (net/ipv4/tcp_output.c, tcp_syn_options), Windows since 8,
macOS (xnu, bsd/netinet/tcp_output.c); numbers and lengths of options: RFC 9293, 3.1 (0, 1, 2) and
RFC 7323 (3, 8), RFC 2018 (4).
"""

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

END, NOP, MSS, WINDOW_SCALE, SACK_PERMITTED, TIMESTAMPS = 0, 1, 2, 3, 4, 8

LAYOUTS = (
    (OPTIONS_MSS, "0204...."),
    (OPTIONS_LINUX, "0204.... 0402 080a........ ........ 01 0303.."),
    (OPTIONS_WINDOWS, "0204.... 01 0303.. 01 01 0402"),
    (OPTIONS_BSD, "0204.... 01 0303.. 01 01 080a........ ........ 0402 0000"),
)
"""The layouts that have a shape of their own: bytes in hexadecimal, dots where values vary."""


def layout(pattern: str) -> tuple[bytes, bytes]:
    """Return the bytes of a layout and its mask, both as long as the options."""
    digits = pattern.replace(" ", "")
    pairs = [digits[place : place + 2] for place in range(0, len(digits), 2)]
    values = bytes(0 if pair == ".." else int(pair, 16) for pair in pairs)
    return values, bytes(0 if pair == ".." else 0xFF for pair in pairs)


_MASKED = {
    len(values): (shape, int.from_bytes(values), int.from_bytes(mask))
    for shape, (values, mask) in ((shape, layout(pattern)) for shape, pattern in LAYOUTS)
}
"""By the length of the options, which no two layouts share: shape, value and mask as integers."""


def read(options: bytes) -> tuple[int, int]:
    """Return the shape of a SYN's options and its maximum segment size, 0 where it has none.

    A named layout is named even where its timestamp is 0xffffffff, as a real one is once in 2^32.
    Options that run past their end are OPTIONS_ODD, whatever stood before.
    """
    if not options:
        return OPTIONS_NONE, 0
    named = _MASKED.get(len(options))
    if named is not None and int.from_bytes(options) & named[2] == named[1]:
        return named[0], options[2] << 8 | options[3]
    return _walk(options)


def _walk(options: bytes) -> tuple[int, int]:
    """Return shape and maximum segment size of options that have no named layout."""
    place, size, mss = 0, len(options), 0
    has_mss = has_sack = os_probe = False
    while place < size:
        kind = options[place]
        if kind == END:
            break
        if kind == NOP:
            place += 1
            continue
        long = options[place + 1] if place + 1 < size else 0
        if long < 2 or place + long > size:
            return OPTIONS_ODD, mss
        if kind == MSS and long == 4 and not has_mss:
            has_mss, mss = True, options[place + 2] << 8 | options[place + 3]
        elif kind == SACK_PERMITTED and long == 2:
            has_sack = True
        elif kind == TIMESTAMPS and long == 10:
            os_probe |= options[place + 2 : place + 6] == b"\xff\xff\xff\xff"
        place += long
    if os_probe:
        return OPTIONS_OS_PROBE, mss
    return (OPTIONS_OTHER_STACK if has_mss and has_sack else OPTIONS_ODD), mss
