"""IKE: a message of an unknown major version is answered with the version that is spoken."""

from portbook.identify.probe import Probe
from portbook.identify.wire.ike_message import question, told

PROBE = Probe(
    name="ike",
    title="IKE (IPsec)",
    source="RFC 7296 sections 2.5, 3.1 and 3.10",
    services=("isakmp",),
    ports=(500,),
    programs=(
        *("charon", "charon-systemd", "strongswan", "strongswan-starter", "pluto", "libreswan"),
        *("racoon", "iked", "isakmpd"),
    ),
    datagram=question(),
    judge=told,
)
