"""rpcbind, the portmapper of ONC RPC: the client calls first, here what does nothing (NULL)."""

from portbook.identify.probe import Found, More, Probe, Send, Talk
from portbook.identify.wire.sunrpc_message import (
    NFS_ID,
    NO_PROGRAM,
    NO_VERSION,
    PORTMAPPER,
    PORTMAPPER_ID,
    SUCCESS,
    call,
    framed,
    reply_to,
)

_CALL = call(PORTMAPPER_ID, PORTMAPPER, 2)


def judge(talk: Talk) -> Found | More | Send | None:
    """The call succeeded, or only another version is known; who does not know NFS is asked too."""
    if talk.opener == "nfs" and len(talk.turns) == 1:
        reply = reply_to(NFS_ID, talk)
        if reply is None or isinstance(reply, More) or reply.state != NO_PROGRAM:
            return None
        return Send(framed(_CALL, talk), Found("sunrpc", "likely", shows=reply.shows))
    asked_nfs = talk.opener == "nfs" and len(talk.turns) == 2
    if not asked_nfs and (talk.opener not in ("rpcbind", "sunrpc") or len(talk.turns) > 1):
        return None
    reply = reply_to(PORTMAPPER_ID, talk)
    if reply is None or isinstance(reply, More):
        return reply
    if reply.state in (SUCCESS, NO_VERSION):
        return Found("rpcbind", "certain", shows=reply.shows)
    return Found("sunrpc", "certain", shows=reply.shows) if asked_nfs else None


PROBE = Probe(
    name="rpcbind",
    title="rpcbind (portmapper of ONC RPC)",
    source="RFC 1833 section 3, RFC 5531",
    services=("sunrpc",),
    ports=(111,),
    programs=("rpcbind", "portmap"),
    opener=framed(_CALL),
    datagram=_CALL,
    reacts_to=("nfs", "sunrpc"),
    judge=judge,
)
