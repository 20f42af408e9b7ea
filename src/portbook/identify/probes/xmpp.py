"""XMPP: the client opens an XML stream, the server opens one in return (RFC 6120 section 4)."""

import re

from portbook.identify.probe import Found, More, Probe, Send, StartTls, Talk

_OPENER = (
    b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
    b"to='localhost' version='1.0'>"
)
_STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
_END = b"</stream:stream>"
_MOST = 8192
_HEAD = re.compile(rb"\s{0,8}(?:<\?xml [^<>]{0,80}\?>\s{0,8})?<stream:stream ([^<>]{0,600})>")
_CONDITION = re.compile(rb"<([a-z-]{4,40}) xmlns=['\"]urn:ietf:params:xml:ns:xmpp-streams['\"]")


def judge(talk: Talk) -> Found | More | Send | StartTls | None:
    """A stream header in the namespace of XMPP streams, then features or an error."""
    reply = talk.first[:_MOST]
    if talk.transport != "tcp":
        return None
    match = _HEAD.match(reply)
    if match is None or b"http://etherx.jabber.org/streams" not in match[1]:
        begun = reply.lstrip()[:2048].startswith((b"<?xml", b"<stream:stream"))
        return More() if begun and b"<stream:stream" in reply[:200] and not talk.ended else None
    found = _found(talk, match[1])
    if len(talk.turns) > 1:
        return _followed(talk, found)
    return _next(talk, found)


def _found(talk: Talk, attributes: bytes) -> Found:
    notes = []
    if re.search(rb"xmlns=['\"]jabber:server['\"]", attributes):
        notes.append("between servers")
    condition = _CONDITION.search(talk.first[:_MOST])
    if condition and condition[1] == b"host-unknown":
        notes.append("does not serve localhost")
    return Found("xmpp", "certain", shows=b"<stream:stream " + attributes[:120], notes=tuple(notes))


def _next(talk: Talk, found: Found) -> Found | More | Send:
    reply = talk.reply[:_MOST]
    if b"</stream:stream>" in reply or talk.closed or talk.opener != "xmpp":
        return found
    if b"</stream:features>" not in reply and b"<stream:features/>" not in reply:
        return found if talk.ended else More(found)
    offers = b"urn:ietf:params:xml:ns:xmpp-tls" in reply
    return Send(_STARTTLS if offers and not talk.secure else _END, found)


def _followed(talk: Talk, found: Found) -> Found | More | Send | StartTls:
    sent, reply = talk.sent, talk.reply[:_MOST]
    if not sent:
        return Send(_OPENER, found)
    if sent == _STARTTLS and not talk.secure:
        if b"<proceed" in reply:
            return StartTls(found) if b">" in reply else More(found)
        return found
    if sent == _OPENER and len(talk.turns) < 6:
        return _next(talk, found)
    return found


PROBE = Probe(
    name="xmpp",
    title="XMPP (Jabber chat)",
    source="RFC 6120",
    services=("xmpp-client", "xmpp-server", "xmpp-bosh"),
    ports=(5222, 5269, 5280),
    secure_ports=(5223, 5270),
    programs=("prosody", "ejabberd", "jabberd2", "openfire", "tigase", "metronome", "xmppd"),
    commands=(
        *("/bin/prosody", "-s ejabberd", "ejabberd@", "org.jivesoftware.openfire", "mongooseim@"),
        *("openfire/lib/startup.jar", "tigase.server.xmppserver"),
    ),
    opener=_OPENER,
    reacts_to=("http", "redis", "memcached"),
    judge=judge,
)
