"""HTTP proxies and caches."""

from bed.server import Place, Server, debian_version


def _squid(place: Place) -> list[str]:
    config = place.write(
        "squid.conf",
        f"http_port {place.address}:{place.port}\nhttp_access allow localhost\n"
        f"pid_filename none\ncache_log stdio:{place.folder}/cache.log\naccess_log none\n"
        f"coredump_dir {place.folder}\ncache deny all\nvisible_hostname localhost\n"
        "workers 1\nshutdown_lifetime 1 second\nicp_port 0\nhtcp_port 0\npinger_enable off\n",
    )
    return ["/usr/sbin/squid", "-N", "-f", config]


def _tinyproxy(place: Place) -> list[str]:
    config = place.write(
        "tinyproxy.conf",
        f"Port {place.port}\nListen {place.address}\nTimeout 60\nMaxClients 20\nAllow 127.0.0.1\n",
    )
    return ["/usr/bin/tinyproxy", "-d", "-c", config]


def _privoxy(place: Place) -> list[str]:
    config = place.write(
        "config",
        f"listen-address {place.address}:{place.port}\nconfdir /etc/privoxy\n"
        f"logdir {place.folder}\nlogfile log\n",
    )
    return ["/usr/sbin/privoxy", "--no-daemon", config]


SERVERS = [
    Server(
        name="squid",
        packages=("squid",),
        start=_squid,
        default_port=3128,
        protocol="http-proxy",
        product="Squid",
        version=lambda: debian_version("squid"),
        user="proxy",
        famous=8443,
    ),
    Server(
        name="tinyproxy",
        packages=("tinyproxy-bin",),
        start=_tinyproxy,
        default_port=8888,
        protocol="http-proxy",
        product="tinyproxy",
        version=lambda: debian_version("tinyproxy-bin"),
        user="daemon",
        quick=True,
        behind_tls=True,
    ),
    Server(
        name="privoxy",
        packages=("privoxy",),
        start=_privoxy,
        default_port=8118,
        protocol="http-proxy",
        product="Privoxy",
        version=lambda: debian_version("privoxy"),
        user="daemon",
        quick=True,
        log=("log",),
    ),
]
