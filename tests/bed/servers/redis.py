"""Redis: plain, asking for a password, inside TLS of its own, and as a sentinel."""

from bed.running import self_signed
from bed.server import Place, Server, debian_version


def _start(place: Place) -> list[str]:
    address = ["--bind", place.address, "--port", str(place.port)]
    return ["redis-server", *address, "--dir", place.folder, "--save", ""]


def _locked(place: Place) -> list[str]:
    return [*_start(place), "--requirepass", "bed"]


def _tls(place: Place) -> list[str]:
    both = self_signed(place)
    address = ["--bind", place.address, "--port", "0", "--tls-port", str(place.port)]
    files = ["--tls-cert-file", both, "--tls-key-file", both, "--tls-ca-cert-file", both]
    clients = ["--tls-auth-clients", "no"]
    return ["redis-server", *address, *files, *clients, "--dir", place.folder, "--save", ""]


def _sentinel(place: Place) -> list[str]:
    config = place.write(
        "sentinel.conf", f"bind {place.address}\nport {place.port}\ndir {place.folder}\n"
    )
    return ["redis-server", config, "--sentinel"]


def _version() -> str | None:
    return debian_version("redis-server")


SERVERS = [
    Server(
        name="redis",
        packages=("redis-server",),
        start=_start,
        default_port=6379,
        protocol="redis",
        product="Redis",
        version=_version,
        quick=True,
        behind_tls=True,
        famous=25,
    ),
    Server(
        name="redis-password",
        packages=("redis-server",),
        start=_locked,
        default_port=6389,
        protocol="redis",
        quick=True,
    ),
    Server(
        name="redis-tls",
        packages=("redis-server",),
        start=_tls,
        default_port=6380,
        protocol="redis",
        product="Redis",
        version=_version,
        own_tls=True,
        quick=True,
    ),
    Server(
        name="redis-sentinel",
        packages=("redis-server",),
        start=_sentinel,
        default_port=26379,
        protocol="redis",
        product="Redis",
        version=_version,
        quick=True,
    ),
]
