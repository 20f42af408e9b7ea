"""The CVS password server: the client begins a login; whatever else it says is refused by name."""

from portbook.identify.probe import Found, More, Probe, Talk

_ENDS = (b" [pserver aborted]: ", b" [server aborted]: ")
_BAD_START = b"bad auth protocol start"


def judge(talk: Talk) -> Found | More | None:
    """`cvs [pserver aborted]: bad auth protocol start: GET / HTTP/1.1`."""
    if talk.transport != "tcp" or len(talk.turns) > 1 or not talk.opener:
        return None
    line = talk.first[:400].split(b"\n", 1)[0]
    line = line.removeprefix(b"E ").removeprefix(b"error 0 ")
    for middle in _ENDS:
        program, found, said = line[:200].partition(middle)
        if found and program in (b"cvs", b"cvsnt", b"cvspserver"):
            if said.startswith(_BAD_START):
                return Found("cvs", "certain", shows=line[:80])
            return Found("cvs", "likely", shows=line[:80])
    return None


PROBE = Probe(
    name="cvs",
    title="CVS pserver",
    source="CVS client/server protocol, cvsclient.info section Authentication",
    services=("cvspserver",),
    ports=(2401,),
    programs=("cvs", "cvsd", "cvspserver", "cvsnt"),
    opener=b"BEGIN REQUEST\n",
    reacts_to=("http",),
    judge=judge,
)
