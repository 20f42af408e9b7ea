"""TLS: what is inside is asked by the engine; here is only what TLS looks like from outside."""

from portbook.identify.probe import Again, Found, Probe, Talk


def judge(talk: Talk) -> Again | None:
    """A TLS record in answer to anything: an alert to our clear text, or a handshake message.

    RFC 8446 section 5.1 gives the record (type, version, length), section 6 the alerts.
    """
    reply = talk.first
    if talk.secure or len(talk.turns) > 1 or len(reply) < 7 or reply[1] != 3 or reply[2] > 4:
        return None
    length = int.from_bytes(reply[3:5])
    is_alert = reply[0] == 21 and length == 2 and reply[5] in (1, 2)
    is_handshake = reply[0] == 22 and reply[5] in (0, 2) and length >= 4
    if is_alert or is_handshake:
        return Again(b"", Found("tls", "likely", shows=reply[:7]), tls=True)
    return None


PROBE = Probe(
    name="tls",
    title="TLS",
    source="RFC 8446",
    # What the registry has for other protocols inside TLS: where nothing is heard of those, TLS is.
    services=(
        *("https", "imaps", "pop3s", "submissions", "nntps", "ftps", "ldaps", "msft-gc-ssl"),
        *("telnets", "ircs-u", "sips", "rtsps", "amqps", "secure-mqtt", "domain-s", "docker-s"),
        *("opcua-tls", "ttc-ssl", "ddm-ssl", "syslog-tls", "radsec", "snmptls", "coaps"),
    ),
    ports=(443,),
    programs=("stunnel", "stunnel4", "ghostunnel", "hitch", "stud", "stunnel5"),
    tls=True,
    reacts_to=("http",),
    judge=judge,
)
