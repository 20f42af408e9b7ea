"""RADIUS (UDP): what does not come from a client with a shared secret is dropped in silence.

RFC 5997 has a harmless question, Status-Server; it has to be signed with the secret as well.
"""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="radius",
    title="RADIUS",
    source="RFC 2865 section 3, RFC 5997 section 3",
    services=("radius", "radius-acct"),
    ports=(1812, 1813),
    programs=("freeradius", "radiusd"),
    transports=("udp", "tcp"),
    sink=True,
)
