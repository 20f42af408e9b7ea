"""Servers of small text protocols that are asked one question: gopher, dict, ident."""

import configparser

from bed.server import Place, Server, debian_version


def _pygopherd(place: Place) -> list[str]:
    place.write("root/hello.txt", "hello\n")
    place.write("root/more.txt", "more\n")
    config = configparser.RawConfigParser()
    config.read("/etc/pygopherd/pygopherd.conf")
    own = {
        "pidfile": place.path("pygopherd.pid"),
        "port": str(place.port),
        "interface": place.address,
        "servername": "gopher.bed.example",
        "usechroot": "no",
        "root": place.path("root"),
        "mimetypes": "/etc/mime.types",
    }
    for key, value in own.items():
        config.set("pygopherd", key, value)
    for key in ("setuid", "setgid"):
        config.remove_option("pygopherd", key)
    config.set("logger", "logmethod", "file")
    # Out of the box it serves HTTP on the same port as well: then both answers would be right.
    only = "[gopherp.GopherPlusProtocol, rfc1436.GopherProtocol]"
    config.set("protocols.ProtocolMultiplexer", "protocols", only)
    path = place.path("pygopherd.conf")
    with open(path, "w") as file:
        config.write(file)
    return ["/usr/sbin/pygopherd", path]


def _dictd(place: Place) -> list[str]:
    place.write("bed.dict", "00-database-short\n     Test bed\n")
    place.write("bed.index", "00-database-short\tA\ti\n")
    config = place.write(
        "dictd.conf",
        "access { allow * }\n"
        f'database bed {{ data "{place.path("bed.dict")}" index "{place.path("bed.index")}" }}\n',
    )
    where = ["--listen-to", place.address, "-p", str(place.port)]
    return ["/usr/sbin/dictd", "-d", "nodetach", "-c", config, *where]


def _oidentd(place: Place) -> list[str]:
    where = ["-a", place.address, "-p", str(place.port)]
    return ["/usr/sbin/oidentd", "-i", "-S", *where]


SERVERS = [
    Server(
        name="pygopherd",
        packages=("pygopherd",),
        start=_pygopherd,
        default_port=70,
        protocol="gopher",
        # Bytes that are no text bring it a traceback in the child that serves them, and no harm.
        worse=("panic", "segfault", "assertion", "core dumped"),
        quick=True,
    ),
    Server(
        name="dictd",
        packages=("dictd",),
        start=_dictd,
        default_port=2628,
        protocol="dict",
        product="dictd",
        version=lambda: debian_version("dictd"),
        quick=True,
        behind_tls=True,
        famous=50000,
    ),
    Server(
        name="oidentd",
        packages=("oidentd",),
        start=_oidentd,
        default_port=113,
        protocol="ident",
        quick=True,
    ),
]
