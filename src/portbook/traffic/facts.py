"""What is known of one source when it is judged: counts of flows by kind, marks, contacts, rhythm.

The tables keep these as columns for all sources; `Facts` is one row of them. Numbers, no bytes: two
sources with the same facts have the same verdict, so each distinct row is judged only once.
"""

from portbook.model.record import Record

KINDS = (
    "conversed",
    "greeted",
    "empty",
    "empty-reset",
    "open",
    "half-open",
    "half-silent",
    "refused",
    "ignored",
    "fin",
    "null",
    "xmas",
    "maimon",
    "ack",
    "syn-fin",
    "odd",
    "udp-answered",
    "udp-silent",
    "udp-closed",
    "udp-empty",
    "sctp-answered",
    "sctp-init",
    "midstream",
    "back-syn-ack",
    "back-rst",
    "back-icmp",
    "reflection",
    "own",
)
"""How a flow (one 5-tuple) ended, or stands when it is asked. From the source to our port:

- `conversed`: handshake, and bytes from the source (whether they fit the port is told apart by
  contacts: see `Facts.wrong`); `greeted`: handshake, bytes from our side alone; `empty`: handshake,
  no byte either way, ended by FIN; `empty-reset`: the same, ended by the source's RST after its
  ACK; `open`: handshake, no byte yet, not ended (or our ACKs alone, nothing of the source).
- `half-open`: SYN, our SYN-ACK, then RST without ever an ACK; `half-silent`: SYN, our SYN-ACK,
  nothing more; `refused`: SYN, our RST (or our ICMP unreachable), or these alone; `ignored`: SYN,
  no answer seen. A SYN-ACK of ours stands for the SYN that it answers.
- `fin`, `null`, `xmas` (FIN PSH URG), `maimon` (FIN ACK), `ack` (ACKs alone, no payload, at most
  our RST), `syn-fin`: without any flow, by flags; `odd`: other combinations that no stack sends.
  Where bytes ran both ways, impossible flags are a damaged packet's.
- `udp-answered`: datagrams and our answer; `udp-silent`: no answer; `udp-closed`: our ICMP port
  unreachable; `udp-empty`: datagrams without a byte and no answer. `sctp-answered`: INIT and our
  INIT ACK; `sctp-init`: INIT, anything else.
- `midstream`: the beginning not captured: bytes of either side, our ACK and an ACK, FIN or RST of
  the source, or its ACK after our RST.

To us without our asking: `back-syn-ack`, `back-rst` (SYN-ACKs and RSTs of spoofed victims),
`back-icmp` (errors that quote packets we never sent), `reflection` (UDP from a service port to an
ephemeral one, or from a reflector's to any above the system's; from any port below the ephemeral
ones to one of them, unless we refuse it). `own`: we began it ourselves, or it is left over from a
flow that we began (`flows.LEFT_OVER`); such flows count for nobody."""

MARKS = (
    "zmap-id",
    "zmap-shape",
    "masscan-id",
    "masscan-old",
    "masscan-mss",
    "mirai",
    "nmap-shape",
    "nmap-pair",
    "nmap-os",
    "unicornscan-pair",
    "raw",
    "stack",
)
"""Marks of a flow's first packet from the source, each counted per source (docs/traffic.md has
every formula and source):

- `zmap-id`: SYN with IP ID 54321, window 65535, no DF, and no options or MSS alone;
- `zmap-shape`: SYN, window 65535, no DF, TTL above 128, options of the Windows shape (ZMap 4.1 on;
  or
  another of its option modes with TTL above 128 and no DF);
- `masscan-id`: SYN, IP ID == lo16(destination) ^ destination port ^ lo16(sequence), no DF, no
  options
  or MSS alone (for IPv6 there is no ID and so no mark);
- `masscan-old`: `masscan-id` and window 1024, no options (1.3.2), `masscan-mss`: `masscan-id`,
  window
  1025, MSS 1460 (since 2023-11): the two agree with a version;
- `mirai`: SYN whose sequence number is the destination address;
- `nmap-shape`: TCP over IPv4, window 1024, no DF, TTL up to 64, a SYN with MSS 1460 alone, or a
  probe without SYN (FIN, NULL, XMAS, Maimon, ACK) without options and payload;
- `nmap-pair`: two first packets of different flows, x = sequence1 ^ sequence2, hi16(x) == lo16(x)
  and lo16(x) <= 0xff, both raw (not `stack`), not `mirai`, not the middle of a connection; where x
  is 0, with one source port and nmap's header (that of `nmap-shape` at any TTL, also over IPv6);
- `nmap-os`: SYN with options of the OS detection shape, or its flag combinations;
- `unicornscan-pair`: sequence1 ^ sequence2 == (sp1 << 16 + dp1) ^ (sp2 << 16 + dp2), the pair not
  equal in both ports, both raw;
- `raw`: no operating system's stack sends such a first packet: a SYN with no options, or MSS alone,
  or
  without DF over IPv4 unless it has a stack's timestamps; or no SYN at all;
- `stack`: a SYN with options of Linux, Windows, BSD or another stack, and DF (or IPv6)."""


class Facts(Record):
    """One source. All counts are of what was seen of this source.

    `kinds` has one count for each of `KINDS`, `marks` for each of `MARKS` (of flows, except the
    pairs, which count pairs), both in their order. `contacts` is the number of distinct (own
    address, own port, transport) that the source addressed (backscatter counts, too), `ports` and
    `hosts` how many distinct own (port, transport) and own addresses among them. `successes` and
    `failures` are contacts by outcome for the sequential test; contacts that say nothing either way
    count in neither. `wrong` are contacts to which the source spoke a protocol that the port does
    not speak; `right` those where it spoke the port's own; `unknown_bytes` those with bytes that no
    judge recognises or whose port's protocol is unknown, answered by our side.
    `decision`: 1 the sequential test says scanner, -1 it says benign, 0 undecided; `decided_after`:
    with how many contacts. `beats` is how many times a contact that says nothing (empty,
    empty-reset,
    half-open, greeted, refused) was repeated where that was most often (of equals at the most
    regular), `period` the mean seconds between them,
    `variation` their standard deviation divided by the mean (0 is a clock).
    `told_tool`: index in model.traffic.TOOLS + 1 of a tool that openers gave away, one more than
    the last for a scanning program that is not in TOOLS, else 0.
    `seconds` is the time between the first and the last packet. `syns` counts flows that began
    with a SYN.
    """

    kinds: tuple[int, ...]
    marks: tuple[int, ...]
    contacts: int
    ports: int
    hosts: int
    successes: int
    failures: int
    right: int
    wrong: int
    unknown_bytes: int
    decision: int = 0
    decided_after: int = 0
    beats: int = 0
    period: float = 0.0
    variation: float = 0.0
    told_tool: int = 0
    seconds: float = 0.0
    syns: int = 0
