"""VNC (RFB): the server greets with its protocol version (RFC 6143 section 7.1.1)."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

_GREETING = 12
_MAKERS = {b"003.889": "Apple Remote Desktop", b"004.": "RealVNC", b"005.": "RealVNC"}
_NONE = 1
_TYPES = {
    2: "VNC password",
    5: "RA2",
    6: "RA2ne",
    13: "RA2_256",
    16: "Tight",
    17: "Ultra",
    18: "TLS",
    19: "VeNCrypt",
    20: "SASL",
    30: "Apple",
    113: "MS-Logon II",
    129: "RSA-AES-256",
}


def judge(talk: Talk) -> Found | More | Send | None:
    """`RFB xxx.yyy`; the same version in answer brings the security types, and no login begins."""
    greeting = talk.first[:_GREETING]
    if talk.transport != "tcp" or not greeting.startswith(b"RFB "):
        return None
    if len(greeting) < _GREETING and greeting[4:].replace(b".", b"").isdigit() and not talk.ended:
        return More()
    version = greeting[4:11]
    if not (version[:3] + version[4:]).isdigit() or greeting[7:8] + greeting[11:] != b".\n":
        return None
    found = _greeted(version)
    if len(talk.turns) > 1:
        return _security(talk, found)
    # Whoever was asked something else has taken that for our version already.
    if talk.opener or len(talk.first) > _GREETING:
        return found
    ours = b"003.003" if version < b"003.007" else min(version, b"003.008")
    return Send(b"RFB " + ours + b"\n", found)


def _greeted(version: bytes) -> Found:
    product = next((name for start, name in _MAKERS.items() if version.startswith(start)), None)
    major, minor = int(version[:3]), int(version[4:])
    return Found(
        "vnc",
        "certain",
        product,
        shows=b"RFB " + version,
        notes=(f"protocol {major}.{minor}",),
    )


def _security(talk: Talk, found: Found) -> Found | More:
    """A count with that many types; version 3.3 has one type of four bytes instead."""
    reply = talk.reply
    if talk.sent[4:11] == b"003.003":
        if len(reply) < 4:
            return found if talk.ended else More(found)
        types = [int.from_bytes(reply[:4])]
    else:
        if not reply or len(reply) < 1 + reply[0]:
            return found if talk.ended else More(found)
        types = list(reply[1 : 1 + reply[0]])
    if not types or types == [0]:
        return found._replace(notes=(*found.notes, "refuses connections"))
    if _NONE in types:
        note = "asks for no password"
    else:
        note = "security: " + ", ".join(_TYPES.get(each, str(each)) for each in types[:12])
    return found._replace(notes=(*found.notes, note))


PROBE = Probe(
    name="vnc",
    title="VNC (RFB)",
    source="RFC 6143 section 7.1",
    services=("rfb",),
    ports=(5900, 5901, 5902, 5903),
    programs=(
        *("x11vnc", "xvnc", "xtigervnc", "xtightvnc", "vncserver-x11", "vncserver-x11-core"),
        *("wayvnc", "vino-server", "krfb", "x0vncserver", "x0tigervncserver", "tightvncserver"),
        *("tigervnc-standalone-server", "winvnc", "vncagent", "gnome-remote-desktop-daemon"),
    ),
    commands=("-vnc 127.", "-vnc 0.0.0.0", "-vnc :", "-vnc [", "-vnc localhost"),
    speaks_first=True,
    judge=judge,
)
