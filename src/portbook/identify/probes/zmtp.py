"""ZeroMQ (ZMTP): both sides greet at once with a signature, then with version and mechanism."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

_SIGNATURE = b"\xff\0\0\0\0\0\0\0\x01\x7f"
_MECHANISMS = (b"NULL", b"PLAIN", b"CURVE", b"GSSAPI")


def judge(talk: Talk) -> Found | More | Send | None:
    """The ten bytes of ZMTP 2 and 3; to ours and a version, the rest of the greeting."""
    first = talk.first
    if talk.transport != "tcp" or first[:1] != b"\xff":
        return None
    if len(first) < 10:
        cut = first[1:8] == b"\0\0\0\0\0\0\0"[: len(first) - 1]
        return More() if cut and not talk.ended else None
    # Some put other padding than zeros and a one between the two marks: not ours to believe.
    if not first.startswith(_SIGNATURE):
        return None
    found = Found("zmtp", "certain", shows=first[:10])
    if len(talk.turns) == 1:
        # After a stranger's words in place of a greeting there is nothing more to hear.
        return found if talk.closed or talk.opener else Send(_SIGNATURE + b"\x03", found)
    rest = first[10:] + talk.reply
    mechanism = rest[2:22].rstrip(b"\0")
    if rest[:1] != b"\x03" or mechanism not in _MECHANISMS:
        return found if talk.ended or len(rest) >= 22 else More(found)
    notes = [f"ZMTP {rest[0]}.{rest[1]}", mechanism.decode("ascii")]
    if mechanism in (b"PLAIN", b"CURVE", b"GSSAPI"):
        notes.append("asks for a login")
    return found._replace(notes=tuple(notes), shows=first[:10] + rest[:22].rstrip(b"\0"))


PROBE = Probe(
    name="zmtp",
    title="ZeroMQ (ZMTP)",
    source="RFC 23/ZMTP and 37/ZMTP, rfc.zeromq.org",
    ports=(5555, 5556),
    commands=("ipykernel_launcher", "-m ipykernel"),
    speaks_first=True,
    judge=judge,
)
