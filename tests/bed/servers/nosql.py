"""MongoDB's wire protocol as NX-27017 plays it over SQLite."""

import sys

from bed.server import Place, Server


def _nx(place: Place) -> list[str]:
    files = ["--log-file", place.path("nx.log"), "--pid-file", place.path("nx.pid")]
    where = ["--host", place.address, "--port", str(place.port), "--db", "memory"]
    return [sys.executable, "-m", "nx_27017.nx_27017", *where, *files]


SERVERS = [
    Server(
        name="nx-27017",
        packages=("pip:nx-27017",),
        start=_nx,
        default_port=27017,
        protocol="mongodb",
        product="MongoDB",
        quick=True,
        log=("nx.log",),
    ),
]
