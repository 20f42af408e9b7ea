"""iperf3: a client sends a cookie of 37 bytes, and the server asks for the test's parameters."""

from portbook.identify.probe import Found, More, Probe, Talk

_COOKIE = b"portbook asks what this listener is.\0"
_PARAM_EXCHANGE, _ACCESS_DENIED = b"\x09", b"\xff"


def judge(talk: Talk) -> Found | More | None:
    """One byte, PARAM_EXCHANGE; or ACCESS_DENIED, where another test is running.

    No parameters follow, so no test begins. Its server takes one connection after the other.
    """
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    if talk.first == _PARAM_EXCHANGE and talk.opener in ("iperf3", "http"):
        if not talk.ended:
            return More(Found("iperf3", "likely", shows=_PARAM_EXCHANGE))
        sure = talk.opener == "iperf3" and not talk.closed
        return Found("iperf3", "certain" if sure else "likely", shows=_PARAM_EXCHANGE)
    if talk.first == _ACCESS_DENIED and talk.opener == "iperf3" and talk.ended:
        notes = ("a test is running",)
        return Found("iperf3", "guess", shows=_ACCESS_DENIED, notes=notes)
    return None


PROBE = Probe(
    name="iperf3",
    title="iperf3",
    source="iperf3 wiki (state machine), iperf_api.h",
    ports=(5201,),
    programs=("iperf3",),
    opener=_COOKIE,
    expected=True,
    judge=judge,
)
