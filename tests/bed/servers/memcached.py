"""Memcached: over TCP, over UDP, and asking for a password."""

from bed.server import Place, Server, debian_version

_MEMCACHED = ("memcached", "-u", "memcache")


def _start(place: Place) -> list[str]:
    return [*_MEMCACHED, "-l", place.address, "-p", str(place.port), "-U", "0", "-m", "8"]


def _udp(place: Place) -> list[str]:
    return [*_MEMCACHED, "-l", place.address, "-p", "0", "-U", str(place.port), "-m", "8"]


def _locked(place: Place) -> list[str]:
    users = place.write("users", "bed:bed\n")
    return [*_start(place), "-Y", users]


def _version() -> str | None:
    return debian_version("memcached")


SERVERS = [
    Server(
        name="memcached",
        packages=("memcached",),
        start=_start,
        default_port=11211,
        protocol="memcached",
        product="memcached",
        version=_version,
        quick=True,
        famous=1521,
    ),
    Server(
        name="memcached-udp",
        packages=("memcached",),
        start=_udp,
        default_port=11211,
        protocol="memcached",
        product="memcached",
        version=_version,
        transport="udp",
        quick=True,
    ),
    Server(
        name="memcached-password",
        packages=("memcached",),
        start=_locked,
        default_port=11212,
        protocol="memcached",
        product="memcached",
        quick=True,
    ),
]
