"""NFS: the client calls first, here the procedure that does nothing."""

from portbook.identify.probe import Found, More, Probe, Send, Talk
from portbook.identify.wire.sunrpc_message import (
    NFS,
    NFS_ID,
    NO_PROGRAM,
    NO_VERSION,
    PORTMAPPER_ID,
    SUCCESS,
    call,
    framed,
    reply_to,
)

_CALL = call(NFS_ID, NFS, 3)


def judge(talk: Talk) -> Found | More | Send | None:
    """Version 3 is known, or the versions that are; who is no portmapper is asked too."""
    asked_portmapper = talk.opener in ("rpcbind", "sunrpc")
    if asked_portmapper and len(talk.turns) == 1:
        reply = reply_to(PORTMAPPER_ID, talk)
        if reply is None or isinstance(reply, More) or reply.state != NO_PROGRAM:
            return None
        return Send(framed(_CALL, talk), Found("sunrpc", "likely", shows=reply.shows))
    if len(talk.turns) > 2 or (
        not asked_portmapper and (talk.opener, len(talk.turns)) != ("nfs", 1)
    ):
        return None
    reply = reply_to(NFS_ID, talk)
    if reply is None or isinstance(reply, More):
        return reply
    if reply.state == SUCCESS:
        return Found("nfs", "certain", shows=reply.shows, notes=("version 3",))
    if reply.state == NO_VERSION:
        known = "" if reply.lowest == reply.highest else f" to {reply.highest}"
        notes = (f"version {reply.lowest}{known}",)
        return Found("nfs", "certain", shows=reply.shows, notes=notes)
    return Found("sunrpc", "certain", shows=reply.shows) if asked_portmapper else None


PROBE = Probe(
    name="nfs",
    title="NFS",
    source="RFC 1813 section 3.3.0, RFC 7530 section 15.1, RFC 5531",
    services=("nfs",),
    ports=(2049,),
    programs=("nfsd", "ganesha.nfsd", "nfs-ganesha", "nfs-kernel-server", "unfsd"),
    opener=framed(_CALL),
    datagram=_CALL,
    reacts_to=("rpcbind", "sunrpc"),
    judge=judge,
)
