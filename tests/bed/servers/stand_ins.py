"""Programs that answer for others: forwarders in front of real servers."""

from bed.server import Place, Server, debian_version


def _haproxy(place: Place) -> list[str]:
    """HAProxy forwards TCP to a Redis on the next port."""
    inner = place.port + 5
    config = place.write(
        "haproxy.cfg",
        "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 30s\n  timeout server 30s\n"
        f"listen front\n  bind {place.address}:{place.port}\n"
        f"  server inner {place.address}:{inner}\n",
    )
    redis = f"redis-server --bind {place.address} --port {inner} --save '' --dir {place.folder}"
    return ["sh", "-c", f"{redis} >redis.log & exec haproxy -db -f {config}"]


def _sslh(place: Place) -> list[str]:
    """A multiplexer: what looks like HTTP goes to lighttpd, everything else to an SSH server."""
    web, ssh = place.port + 5, place.port + 6
    config = place.write(
        "lighttpd.conf",
        f'server.document-root = "{place.folder}"\nserver.bind = "{place.address}"\n'
        f"server.port = {web}\n",
    )
    key = place.path("key")
    place.run("ssh-keygen", "-q", "-t", "ed25519", "-m", "PEM", "-N", "", "-f", key)
    place.run("dropbearconvert", "openssh", "dropbear", key, f"{key}.dropbear")
    where = f"{place.address}:{place.port}"
    behind = f"--ssh {place.address}:{ssh} --http {place.address}:{web}"
    commands = (
        f"lighttpd -D -f {config} >web.log 2>&1 &",
        f"dropbear -F -E -r {key}.dropbear -p {place.address}:{ssh} >ssh.log 2>&1 &",
        f"exec sslh-select --foreground --user nobody --timeout 1 --listen {where} {behind}",
    )
    return ["sh", "-c", " ".join(commands)]


SERVERS = [
    Server(
        name="haproxy-tcp",
        packages=("haproxy", "redis-server"),
        start=_haproxy,
        default_port=6390,
        protocol="redis",
        product="Redis",
        version=lambda: debian_version("redis-server"),
        quick=True,
    ),
    Server(
        name="sslh",
        packages=("sslh", "lighttpd", "dropbear-bin"),
        start=_sslh,
        default_port=4443,
        protocol="http",
        product="lighttpd",
        quick=True,
    ),
]
