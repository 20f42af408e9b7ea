"""DHCP (UDP): a server answers by broadcast, and every question may cost it an address."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="dhcp",
    title="DHCP",
    source="RFC 2131 section 4.1",
    services=("bootps",),
    ports=(67,),
    programs=("dhcpd", "isc-dhcp-server", "kea-dhcp4", "udhcpd"),
    transports=("udp",),
    sink=True,
)
