"""RTSP, also of AirPlay receivers: OPTIONS asks for the methods; Server names the program."""

from portbook.identify.probe import Found, More, Probe, Talk
from portbook.identify.wire.text_response import product_and_version, read_response


def judge(talk: Talk) -> Found | More | None:
    """`RTSP/1.0 NNN reason` (or 2.0): only RTSP begins so."""
    if talk.transport != "tcp":
        return None
    response = read_response(talk.first, b"RTSP/1.0") or read_response(talk.first, b"RTSP/2.0")
    if response is None:
        return None
    if not response.complete and not talk.ended:
        return More(Found("rtsp", "certain", shows=response.line))
    product, version = product_and_version(response.headers.get("server", ""))
    notes = []
    if "apple-response" in response.headers or product == "AirTunes":
        notes.append("AirPlay audio (RAOP)")
    if response.status == 401:
        notes.append("asks for a password")
    return Found("rtsp", "certain", product, version, shows=response.line, notes=tuple(notes))


PROBE = Probe(
    name="rtsp",
    title="RTSP (also AirPlay/RAOP)",
    source="RFC 2326 section 10.1, RFC 7826",
    services=("rtsp", "rtsp-alt", "rtsps"),
    ports=(554, 8554),
    secure_ports=(322,),
    programs=(
        *("mediamtx", "rtsp-simple-server", "live555mediaserver", "v4l2rtspserver"),
        *("shairport-sync", "uxplay", "gst-rtsp-server", "test-launch"),
    ),
    opener=b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    reacts_to=("redis",),
    judge=judge,
)
