"""MQTT: the client speaks first. We send a CONNECT that every broker has to refuse.

A client without a name that asks for a lasting session is turned away with a CONNACK (MQTT 3.1.1,
MQTT-3.1.3-8; MQTT 3.1 wants a name in any case) before anybody is logged in: no session begins, no
credentials are judged, no other client is driven out. An unknown protocol version would be refused
too, and several brokers just close then (RabbitMQ before 3.12).
"""

from portbook.identify.probe import Found, More, Probe, Talk


def judge(talk: Talk) -> Found | More | None:
    """A CONNACK of version 3 or, where only that is spoken, of version 5, whatever it says."""
    reply = talk.first
    if talk.transport != "tcp" or talk.opener != "mqtt" or len(talk.turns) > 1:
        return None
    if reply[:1] != b"\x20" or len(reply) < 4:
        return More() if b"\x20\x02\x00"[: len(reply)] == reply and not talk.ended else None
    size = reply[1]
    if reply[2] != 0 or not 2 <= size < 0x80:
        return None
    if size == 2 and len(reply) == 4 and reply[3] <= 5:
        return Found("mqtt", "certain", shows=reply)
    # MQTT 5: reason code, then properties whose length has to fit the packet.
    if size >= 3 and len(reply) < 5 and not talk.ended:
        return More()
    if size >= 3 and len(reply) == size + 2 and reply[4] == size - 3 and _is_reason(reply[3]):
        return Found("mqtt", "certain", shows=reply[:12])
    return None


def _is_reason(code: int) -> bool:
    return code == 0 or 0x80 <= code <= 0x9F


PROBE = Probe(
    name="mqtt",
    title="MQTT",
    source="MQTT 3.1.1 sections 3.1 and 3.2; MQTT 5.0 sections 3.1 and 3.2",
    services=("mqtt", "secure-mqtt"),
    ports=(1883,),
    secure_ports=(8883,),
    programs=("mosquitto", "emqx", "vernemq", "nanomq", "hivemq", "rmqtt", "rumqttd"),
    commands=(
        *("hivemq.jar", "emqx@", "vernemq@", "-s rabbit boot", "rabbit@", "activemq.jar start"),
        "org.apache.activemq.artemis",
    ),
    # CONNECT of 3.1.1, no clean session, 60 s, no name.
    opener=b"\x10\x0c\x00\x04MQTT\x04\x00\x00\x3c\x00\x00",
    judge=judge,
)
