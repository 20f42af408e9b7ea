"""Sphinx: its own protocol, and MySQL's."""

import subprocess

from bed.server import Place, Server


def _searchd(protocol: str, place: Place) -> list[str]:
    place.write("empty", "")
    config = place.write(
        "sphinx.conf",
        "index bed {\n type = rt\n path = "
        + place.path("index")
        + "\n rt_field = text\n rt_attr_uint = number\n}\n"
        "searchd {\n"
        f" listen = {place.address}:{place.port}:{protocol}\n"
        f" log = {place.path('searchd.log')}\n pid_file = {place.path('pid')}\n"
        " binlog_path =\n workers = threads\n}\n",
    )
    return ["searchd", "--nodetach", "--config", config]


def _version() -> str | None:
    said = subprocess.run(["searchd", "--help"], capture_output=True, check=False).stdout.decode()
    return said.partition("Sphinx ")[2].partition("-")[0] or None


SERVERS = [
    Server(
        name="sphinx",
        packages=("sphinxsearch",),
        start=lambda place: _searchd("sphinx", place),
        default_port=9312,
        protocol="sphinx",
        quick=True,
        behind_tls=True,
        log=("searchd.log",),
    ),
    Server(
        name="sphinx-mysql",
        packages=("sphinxsearch",),
        start=lambda place: _searchd("mysql41", place),
        default_port=9306,
        protocol="mysql",
        product="Sphinx",
        version=_version,
        quick=True,
        log=("searchd.log",),
    ),
]
