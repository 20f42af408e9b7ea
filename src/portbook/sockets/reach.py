"""Who can reach a local address."""


def reach_of(address: str) -> str:
    """`loopback`, `link-local`, `private` or `any` for an address in text form.

    `any` covers the wildcards and every public address. Private: RFC 1918, RFC 6598 (carrier
    NAT), RFC 4193 (fc00::/7).
    """
    text = address.removeprefix("::ffff:") if "." in address else address
    # Other addresses with dots are IPv6 still: glibc prints all of ::/96 as ::1.2.3.4.
    if "." in text and ":" not in text:
        first, second = (int(part) for part in text.split(".")[:2])
        if first == 127:
            return "loopback"
        if (first, second) == (169, 254):
            return "link-local"
        private = (
            first == 10
            or (first, second) == (192, 168)
            or (first == 172 and 16 <= second <= 31)
            or (first == 100 and 64 <= second <= 127)
        )
        return "private" if private else "any"
    if text == "::1":
        return "loopback"
    first_group = text.partition(":")[0]
    if len(first_group) < 4:
        return "any"  # leading zeros are not written: fe8::1 is 0fe8::1
    if first_group[:3] in ("fe8", "fe9", "fea", "feb"):
        return "link-local"
    return "private" if first_group[:2] in ("fc", "fd") else "any"
