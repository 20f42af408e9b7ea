"""IKE where it shares its port with ESP in UDP (NAT traversal): four zeros go before it."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.ike_message import question, told


def judge(talk: Talk) -> Found | None:
    """As IKE; here only for the answer to its own question."""
    return told(talk) if talk.opener == "ike-nat-t" else None


PROBE = Probe(
    name="ike-nat-t",
    title="IKE (IPsec) through NAT",
    source="RFC 3948 section 2.2, RFC 7296 section 2.23",
    services=("ipsec-nat-t",),
    ports=(4500,),
    programs=(
        *("charon", "charon-systemd", "strongswan", "strongswan-starter", "pluto", "libreswan"),
        *("racoon", "iked", "isakmpd"),
    ),
    datagram=bytes(4) + question(),
    judge=judge,
)
