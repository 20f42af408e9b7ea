"""VPN and other tunnels: OpenVPN, IKE, QUIC, DTLS."""

import sys

from bed.running import self_signed
from bed.server import Place, Server

_QUIC = """
import asyncio, sys
from aioquic.asyncio import serve
from aioquic.quic.configuration import QuicConfiguration

async def main():
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    configuration.load_cert_chain(sys.argv[3])
    await serve(sys.argv[1], int(sys.argv[2]), configuration=configuration)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def _openvpn(place: Place, transport: str) -> list[str]:
    both = self_signed(place)
    config = place.write(
        "server.conf",
        f"local {place.address}\nport {place.port}\nproto {transport}\n"
        f"dev bed{place.port}{transport[0]}\ndev-type tun\n"
        "mode server\ntls-server\nserver 10.99.0.0 255.255.255.0\n"
        f"ca {both}.crt\ncert {both}.crt\nkey {both}.key\ndh none\nverb 3\n",
    )
    return ["openvpn", "--config", config]


def _charon(place: Place, *, behind_nat: bool = False) -> list[str]:
    port, other = ("port_nat_t", "port") if behind_nat else ("port", "port_nat_t")
    # Ports other than 500 and 4500 tell it that every message has the marker of RFC 3948.
    config = place.write(
        "strongswan.conf",
        "charon {\n  load_modular = no\n  load = random nonce openssl kernel-netlink "
        "socket-default\n"
        f"  {port} = {place.port}\n  {other} = {place.port + 7}\n"
        "  install_routes = no\n  install_virtual_ip = no\n"
        "  filelog { log { path = stdout\n default = 1 } }\n}\n",
    )
    # Its process number goes to a fixed place.
    own_run = 'mount -t tmpfs tmpfs /run; exec "$@"'
    return [
        *("unshare", "--mount", "sh", "-c", own_run, "sh"),
        *("env", f"STRONGSWAN_CONF={config}", "/usr/lib/ipsec/charon"),
    ]


def _quic(place: Place) -> list[str]:
    script = place.write("quic_server.py", _QUIC)
    return [sys.executable, script, place.address, str(place.port), self_signed(place)]


def _dtls(place: Place) -> list[str]:
    both = self_signed(place)
    return [
        *("openssl", "s_server", "-dtls", "-accept", f"{place.address}:{place.port}"),
        *("-cert", both, "-key", both, "-quiet", "-listen"),
    ]


SERVERS = [
    Server(
        name="openvpn-udp",
        packages=("openvpn",),
        start=lambda place: _openvpn(place, "udp"),
        default_port=1194,
        protocol="openvpn",
        transport="udp",
        quick=True,
        famous=4569,
    ),
    Server(
        name="openvpn-tcp",
        packages=("openvpn",),
        start=lambda place: _openvpn(place, "tcp-server"),
        default_port=1194,
        protocol="openvpn",
        quick=True,
        famous=1521,
    ),
    Server(
        name="charon",
        packages=("strongswan-charon",),
        start=_charon,
        default_port=500,
        protocol="ike",
        transport="udp",
    ),
    Server(
        name="charon-nat",
        packages=("strongswan-charon",),
        start=lambda place: _charon(place, behind_nat=True),
        default_port=4500,
        protocol="ike",
        transport="udp",
    ),
    Server(
        name="aioquic",
        packages=("pip:aioquic",),
        start=_quic,
        default_port=443,
        protocol="quic",
        transport="udp",
        quick=True,
    ),
    Server(
        name="openssl-dtls",
        packages=("openssl",),
        start=_dtls,
        default_port=4433,
        protocol="dtls",
        transport="udp",
        quick=True,
    ),
]
