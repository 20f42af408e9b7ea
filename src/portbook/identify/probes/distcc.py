"""distcc: the client speaks first; an empty C file is compiled, as `lsdistcc` does to find servers.

There is no lesser question: distccd says nothing before a whole job is there.
"""

from portbook.identify.probe import Found, More, Probe, Talk

_SHAPE = b"DONE00000001STAT########SERR########"
_HEX = frozenset(b"0123456789abcdef")


def judge(talk: Talk) -> Found | More | None:
    """Tokens of four letters with eight hexadecimal digits: DONE, STAT, SERR."""
    if talk.transport != "tcp" or talk.opener != "distcc" or len(talk.turns) > 1:
        return None
    head = talk.first[: len(_SHAPE)]
    pairs = zip(head, _SHAPE, strict=False)
    fits = all(got in _HEX if want == 35 else got == want for got, want in pairs)
    if not fits:
        return None
    if len(head) < len(_SHAPE):
        return More() if head and not talk.ended else None
    return Found("distcc", "certain", shows=head)


PROBE = Probe(
    name="distcc",
    title="distcc",
    source="distcc doc/protocol-1.txt; lsdistcc(1)",
    services=("distcc",),
    ports=(3632,),
    programs=("distccd", "distcc"),
    opener=(b"DIST00000001ARGC00000003ARGV00000002ccARGV00000002-cARGV00000003a.iDOTI00000000"),
    expected=True,
    judge=judge,
)
