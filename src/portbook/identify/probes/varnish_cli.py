"""Varnish's command line (varnishadm): the server greets, 13 bytes of status and length first."""

from portbook.identify.probe import Found, More, Probe, Talk

_CHALLENGE = b"\n\nAuthentication required.\n"
_BANNER = b"-----------------------------\nVarnish Cache CLI "


def judge(talk: Talk) -> Found | More | None:
    """Three digits, a space, a length in eight columns; then the banner or a challenge."""
    if len(talk.turns) > 1 or talk.transport != "tcp":
        return None
    reply = talk.first[:2048]
    head = reply[:13]
    if not head.startswith((b"200 ", b"107 ")[head.startswith(b"1")][: len(head)]) or not head:
        return None
    if len(head) < 13:
        return More() if not talk.ended and head[3:].strip(b" ").isalnum() else None
    digits = head[4:12].rstrip(b" ")
    if head[12:] != b"\n" or not digits.isdigit() or not 0 < int(digits) < 100000:
        return None
    body = reply[13 : 13 + int(digits)]
    if len(body) < int(digits) and not talk.ended:
        return More()
    if head.startswith(b"107") and body.find(_CHALLENGE) in range(20, 80):
        note = "asks for a secret"
        return Found("varnish-cli", "certain", "Varnish", shows=head[:12].rstrip(), notes=(note,))
    if head.startswith(b"200") and body.startswith(_BANNER):
        return Found("varnish-cli", "certain", "Varnish", _version(body), shows=body[30:51])
    return None


def _version(body: bytes) -> str | None:
    for line in body.split(b"\n", 8)[2:8]:
        if line.startswith(b"varnish-"):
            word = line[8:].split(b" ", 1)[0]
            return word.decode("ascii", "replace")[:40] or None
    return None


PROBE = Probe(
    name="varnish-cli",
    title="Varnish CLI",
    source="varnish-cli(7)",
    ports=(6082,),
    programs=("varnishd", "varnish"),
    speaks_first=True,
    judge=judge,
)
