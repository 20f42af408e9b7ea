"""DHCPv6 (UDP): servers answer what comes from a link-local address."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="dhcp6",
    title="DHCPv6",
    source="RFC 8415 section 7.2",
    services=("dhcpv6-server",),
    ports=(547,),
    programs=("kea-dhcp6",),
    transports=("udp",),
    sink=True,
)
