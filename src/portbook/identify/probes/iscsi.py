"""iSCSI: the client asks to log in. This request cannot succeed: of a version that does not exist.

It names no initiator either, so that a target that does not look at the version refuses as well.
"""

from portbook.identify.probe import Found, More, Probe, Talk

_LOGIN, _LOGIN_RESPONSE, _REJECT = 0x43, 0x23, 0x3F
_TASK = b"pbi1"
# Opcode, flags (security negotiation), version-max and -min, no data, ISID, TSIH, task, CID, CmdSN.
_REQUEST = bytes((_LOGIN, 0, 0xFF, 0xFF)) + bytes(4) + b"\x80\0\0\0\0\0\0\0" + _TASK
_REQUEST = _REQUEST.ljust(48, b"\0")
_STATUS = {0x0205: "version refused", 0x0207: "asks for an initiator's name"}


def judge(talk: Talk) -> Found | More | None:
    """A login response that refuses, or a reject, for our task."""
    reply = talk.first
    if talk.transport != "tcp" or talk.opener != "iscsi" or len(talk.turns) > 1 or not reply:
        return None
    if reply[0] not in (_LOGIN_RESPONSE, _REJECT):
        return None
    if len(reply) < 48:
        return None if talk.ended else More()
    if reply[0] == _LOGIN_RESPONSE:
        status = int.from_bytes(reply[36:38])
        if reply[16:20] != _TASK or not 0x0200 <= status < 0x0400:
            return None
        note = _STATUS.get(status, f"status {status:04x}")
        return Found("iscsi", "certain", shows=reply[:38], notes=(note,))
    if reply[1] != 0x80 or reply[16:20] != b"\xff\xff\xff\xff" or not 1 <= reply[2] <= 12:
        return None
    return Found("iscsi", "certain", shows=reply[:20], notes=("rejects",))


PROBE = Probe(
    name="iscsi",
    title="iSCSI",
    source="RFC 7143 sections 11.12, 11.13 and 11.17",
    services=("iscsi-target", "iscsi"),
    ports=(3260,),
    programs=("tgtd", "tgt", "iscsi-scstd", "ietd", "targetcli"),
    opener=_REQUEST,
    judge=judge,
)
