"""WireGuard (UDP): silent to whoever does not know its public key."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="wireguard",
    title="WireGuard",
    source="WireGuard: Next Generation Kernel Network Tunnel, section 5",
    ports=(51820,),
    programs=("wireguard", "wireguard-go", "boringtun", "boringtun-cli"),
    transports=("udp",),
)
