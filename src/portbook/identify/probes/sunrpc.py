"""Any other program of ONC RPC: it knows neither rpcbind nor NFS, which have ports of their own."""

from portbook.identify.probe import Found, More, Probe, Send, Talk
from portbook.identify.wire.sunrpc_message import (
    NFS,
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

_CALL, _NEXT = call(PORTMAPPER_ID, PORTMAPPER, 2), call(NFS_ID, NFS, 3)
_KNOWN = (SUCCESS, NO_VERSION)


def judge(talk: Talk) -> Found | More | Send | None:
    """Asked for the portmapper and then for NFS it says that it has no such program."""
    if talk.opener not in ("sunrpc", "rpcbind") or len(talk.turns) > 2:
        return None
    asked_nfs = len(talk.turns) == 2
    reply = reply_to(NFS_ID if asked_nfs else PORTMAPPER_ID, talk)
    if reply is None or isinstance(reply, More):
        return reply
    if reply.state in _KNOWN:
        return Found("nfs" if asked_nfs else "rpcbind", "certain", shows=reply.shows)
    notes = ("denies calls",) if reply.state is None else ()
    found = Found("sunrpc", "certain", shows=reply.shows, notes=notes)
    if reply.state == NO_PROGRAM and not asked_nfs:
        return Send(framed(_NEXT, talk), found._replace(confidence="likely"))
    return found


PROBE = Probe(
    name="sunrpc",
    title="ONC RPC",
    source="RFC 5531 sections 8 and 9",
    services=("sunrpc",),
    programs=(
        *("rpc.mountd", "rpc.statd", "rpc.idmapd", "rpc.rquotad", "rpc.yppasswdd", "ypserv"),
        *("ypbind", "glusterfsd", "glusterd", "glusterfs"),
    ),
    opener=framed(_CALL),
    datagram=_CALL,
    reacts_to=("rpcbind",),
    judge=judge,
)
