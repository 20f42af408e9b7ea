"""What a super-server starts for each connection, and its own small services (xinetd)."""

from collections.abc import Callable

from bed.server import Place, Server, debian_version


def _xinetd(place: Place, service: str, socket: str, lines: str) -> list[str]:
    config = place.write(
        "xinetd.conf",
        f"service {service}\n{{\n bind = {place.address}\n port = {place.port}\n"
        f" socket_type = {socket}\n instances = UNLIMITED\n cps = 1000 1\n{lines}}}\n",
    )
    pid = ["-pidfile", place.path("xinetd.pid")]
    return ["/usr/sbin/xinetd", "-dontfork", "-f", config, "-filelog", place.path("log"), *pid]


def _internal(service: str, transport: str) -> Callable[[Place], list[str]]:
    wait, socket = ("yes", "dgram") if transport == "udp" else ("no", "stream")

    def start(place: Place) -> list[str]:
        lines = (
            f" type = INTERNAL UNLISTED\n protocol = {transport}\n wait = {wait}\n user = root\n"
        )
        return _xinetd(place, service, socket, lines)

    return start


def _program(path: str, arguments: str = "", user: str = "root") -> Callable[[Place], list[str]]:
    def start(place: Place) -> list[str]:
        said = f" server_args = {arguments}\n" if arguments else ""
        lines = f" type = UNLISTED\n protocol = tcp\n wait = no\n user = {user}\n"
        return _xinetd(place, "bed", "stream", f"{lines} server = {path}\n{said}")

    return start


def _small(service: str, port: int, transport: str = "tcp") -> Server:
    return Server(
        name=f"xinetd-{service}" + ("-udp" if transport == "udp" else ""),
        packages=("xinetd",),
        start=_internal(service, transport),
        default_port=port,
        protocol=service,
        transport=transport,
        quick=True,
        log=("log",),
    )


_NEWS = "server = news.bed.example\nhostname = leafnode.portbook-bed.net\nexpire = 20\n"


def _leafnode(place: Place) -> list[str]:
    """Its paths are compiled in: a mount namespace of its own puts ours in their place."""
    place.write("leafnode.conf", _NEWS, 0o644)
    place.run("cp", "-a", "/var/spool/news", place.path("spool"))
    mounts = (
        f"mount --bind {place.path('leafnode.conf')} /etc/news/leafnode/config && "
        f"mount --bind {place.path('spool')} /var/spool/news && "
    )
    argv = _program("/usr/sbin/leafnode", user="news")(place)
    return ["unshare", "--mount", "sh", "-c", mounts + 'exec "$@"', "sh", *argv]


SERVERS = [
    _small("echo", 7),
    _small("echo", 7, "udp"),
    _small("daytime", 13),
    _small("daytime", 13, "udp"),
    _small("chargen", 19),
    _small("chargen", 19, "udp"),
    _small("time", 37),
    _small("time", 37, "udp"),
    Server(
        name="fingerd",
        packages=("fingerd", "finger", "xinetd"),
        start=_program("/usr/sbin/in.fingerd", user="nobody"),
        default_port=79,
        protocol="finger",
        quick=True,
        log=("log",),
    ),
    Server(
        name="telnetd",
        packages=("inetutils-telnetd", "xinetd"),
        start=_program("/usr/sbin/telnetd"),
        default_port=23,
        protocol="telnet",
        quick=True,
        behind_tls=True,
        log=("log",),
    ),
    Server(
        name="leafnode",
        packages=("leafnode", "xinetd"),
        start=_leafnode,
        default_port=119,
        protocol="nntp",
        product="Leafnode",
        version=lambda: debian_version("leafnode"),
        log=("log",),
    ),
]
