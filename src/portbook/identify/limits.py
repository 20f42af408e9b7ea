"""What a listener is spared: bytes, connections and time, and why these numbers."""

SENT_BYTES = 2048
"""Bytes sent to one listener in all, TLS included (the contract's promise to services)."""

CONNECTIONS_AT_A_TIME = 4
"""Open connections to one listener at a time (the same promise)."""

CONNECTIONS_IN_ALL = 32
"""Connections to one listener in all: a service that counts them must not think of a flood."""

LISTENERS_AT_A_TIME = 200
"""Listeners that are asked at the same time: with four connections each they stay below the 1,024
open files that a process may usually have."""

BUSY_AT_A_TIME = 24
BUSY_SECONDS = 0.5
"""Of these so many are in their first half second, in which most of the work is done: more would
only make each other slow."""

CONNECT_SECONDS = 1.5
"""A SYN to loopback is answered at once, or the backlog is full (retransmitted after 1 s)."""

PACE_SECONDS = 0.12
"""The head start of each step before the next one begins beside it: a greeting on loopback takes
under 20 ms (measured: openssh 12 ms, exim 9 ms), and a server that greets must not hear a stranger
first, because it would log that."""

ANSWER_SECONDS = 0.25
"""How long an opener that is only tried waits for the first byte of a reply, besides four round
trips. The second message of a conversation waits four times as long: then there is somebody."""

GREETING_SECONDS = 0.3
"""How long a greeting is waited for at first. Then the connection is closed: a server that serves
one client at a time would leave everybody waiting behind it, our own questions too."""

INSIDE_SECONDS = 0.25
"""How long a greeting inside TLS is waited for before we speak on the same connection."""

PARTING_SECONDS = 0.1
"""How long the end of a TLS connection may take: a server closes at once when it is told."""

DATAGRAM_SECONDS = 0.2
"""How long a datagram that is only tried waits for one in answer; nothing has to be connected."""

PATIENCE_SECONDS = 2.6
"""How long a silent listener is asked and listened to in all."""

LATE_GREETING_SECONDS = 5.0
"""The same where the process says that it greets: slow ones look up names first (3 s are usual)."""

QUIET_SECONDS = 0.35
"""A reply that nobody recognises is complete after this much silence."""

REPLY_BYTES = 32768
"""The most that is read of one reply; who sends more without being asked floods."""

HANDSHAKE_BYTES = 480
"""What must be left of SENT_BYTES before a TLS handshake begins (measured: 370 to 460)."""

LEAN_HANDSHAKE_BYTES = 320
"""The same for a lean one (measured: 262, and 30 for each message inside)."""

PRINTER_PORTS = range(9100, 9108)
"""Raw printing: whatever arrives there may be printed."""
