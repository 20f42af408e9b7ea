"""Responses of protocols that look like HTTP (SIP, RTSP): status line, headers, product."""

from portbook.model.record import Record

_MOST_BYTES = 4096
_MOST_LINES = 64


class Response(Record):
    """The beginning of a response; `complete` where the blank line after the headers was seen."""

    line: bytes
    status: int
    headers: dict[str, str]
    complete: bool


def read_response(data: bytes, protocol: bytes) -> Response | None:
    """Read `protocol NNN reason` and the headers; None where it does not begin so."""
    if not data.startswith(protocol + b" "):
        return None
    head, end, _ = data[:_MOST_BYTES].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n", _MOST_LINES)
    number = lines[0][len(protocol) + 1 :][:3]
    after = lines[0][len(protocol) + 4 :][:1]
    if len(number) != 3 or not number.isdigit() or after not in (b" ", b""):
        return None
    headers: dict[str, str] = {}
    for line in lines[1:_MOST_LINES]:
        name, colon, value = line.partition(b":")
        if colon:
            key = name.strip().lower().decode("ascii", "replace")
            headers.setdefault(key, value.strip().decode("utf-8", "replace"))
    return Response(lines[0], int(number), headers, bool(end))


def product_and_version(text: str) -> tuple[str | None, str | None]:
    """What a Server or User-Agent header names: `name/1.2`, `name (1.2 (os))`, `name 1.2`."""
    text = text.strip()[:120]
    for at, character in enumerate(text):
        if character.isdigit() and at and text[at - 1] in "/( -v":
            version = text[at:]
            for sign in " ();,~+_":
                version = version.partition(sign)[0]
            name = text[:at].removesuffix("v").strip(" /(-")
            return name or None, version.rstrip(".") or None
    return text or None, None
