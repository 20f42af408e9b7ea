"""STOMP: frames of text, the client speaks first. We ask for a version that nobody has.

A server without a common version has to answer ERROR and name its own (STOMP 1.2, protocol
negotiation). A CONNECT that it accepts would log in: RabbitMQ takes one without credentials for
its default user.
"""

from portbook.identify.probe import Found, More, Probe, Talk

_MOST = 4096
_ACTIVEMQ = b"org.apache.activemq.transport.stomp."


def judge(talk: Talk) -> Found | More | None:
    """An ERROR frame: headers, an empty line, text, a zero byte."""
    reply = talk.first
    if talk.transport != "tcp" or talk.opener != "stomp" or len(talk.turns) > 1:
        return None
    frame, end, _ = reply[:_MOST].lstrip(b"\r\n").partition(b"\0")
    head, gap, body = frame.replace(b"\r\n", b"\n").partition(b"\n\n")
    command, *lines = head.split(b"\n")
    if command not in (b"ERROR", b"CONNECTED"):
        cut = b"ERROR".startswith(command) or b"CONNECTED".startswith(command)
        return More() if cut and not lines and not talk.ended else None
    if not (end and gap):
        return None if talk.ended or len(reply) >= _MOST else More()
    headers = dict(line.split(b":", 1) for line in lines if b":" in line)
    if len(headers) != len(lines) or not headers.keys() & {b"message", b"version"}:
        return None
    product = "ActiveMQ" if _ACTIVEMQ in body else None
    message = headers.get(b"message", headers.get(b"version", b""))
    shows = command + b" " + message[:80]
    return Found("stomp", "certain", product, shows=shows)


PROBE = Probe(
    name="stomp",
    title="STOMP",
    source="STOMP 1.2, stomp.github.io: protocol negotiation",
    ports=(61613,),
    secure_ports=(61614, 61612),
    programs=("coilmq", "stompserver"),
    commands=(
        *("/bin/coilmq", "-s rabbit boot", "rabbit@", "activemq.jar start"),
        "org.apache.activemq.artemis",
    ),
    opener=b"CONNECT\naccept-version:0.1\nhost:/\n\n\0",
    judge=judge,
)
