"""Name servers."""

from bed.running import self_signed
from bed.server import Place, Server, debian_version


def _bind9(place: Place, tls: str = "") -> list[str]:
    config = place.write(
        "named.conf",
        f'options {{ directory "{place.folder}"; pid-file none; session-keyfile none;'
        f" lock-file none; recursion no; dnssec-validation no; listen-on-v6 {{ none; }};"
        f" listen-on port {place.port} {tls} {{ {place.address}; }}; }};\ncontrols {{ }};\n",
    )
    return ["/usr/sbin/named", "-g", "-n", "1", "-c", config]


def _bind9_tls(place: Place) -> list[str]:
    both = self_signed(place)
    argv = _bind9(place, "tls bed")
    with open(argv[-1], "a") as config:
        config.write(f'tls bed {{ cert-file "{both}.crt"; key-file "{both}.key"; }};\n')
    return argv


def _unbound(place: Place, tcp: str = "yes", udp: str = "yes") -> list[str]:
    config = place.write(
        "unbound.conf",
        f"server:\n interface: {place.address}@{place.port}\n do-tcp: {tcp}\n do-udp: {udp}\n"
        f' username: ""\n chroot: ""\n directory: "{place.folder}"\n pidfile: ""\n'
        " use-syslog: no\n do-ip6: no\nremote-control:\n control-enable: no\n",
    )
    return ["/usr/sbin/unbound", "-d", "-d", "-c", config]


def _unbound_tcp(place: Place) -> list[str]:
    return _unbound(place, udp="no")


def _unbound_udp(place: Place) -> list[str]:
    return _unbound(place, tcp="no")


def _knot(place: Place) -> list[str]:
    config = place.write(
        "knot.conf",
        f"server:\n  rundir: {place.folder}\n  user: root:root\n"
        f"  listen: {place.address}@{place.port}\n"
        f"  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
        f"database:\n  storage: {place.folder}\n"
        f"log:\n  - target: stderr\n    any: info\n",
    )
    return ["/usr/sbin/knotd", "-c", config]


def _dnsmasq(place: Place) -> list[str]:
    address = [f"--listen-address={place.address}", f"--port={place.port}", "--bind-interfaces"]
    alone = ["--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--user=root", "--group=root"]
    return ["/usr/sbin/dnsmasq", "-k", "--pid-file=", "--log-facility=-", *address, *alone]


def _nsd(place: Place) -> list[str]:
    config = place.write(
        "nsd.conf",
        f"server:\n ip-address: {place.address}@{place.port}\n server-count: 1\n"
        f' username: ""\n chroot: ""\n zonesdir: "{place.folder}"\n database: ""\n pidfile: ""\n'
        f' xfrdfile: "{place.path("xfrd.state")}"\n zonelistfile: "{place.path("zones")}"\n'
        f' xfrdir: "{place.folder}"\nremote-control:\n control-enable: no\n',
    )
    return ["/usr/sbin/nsd", "-d", "-c", config]


def _pdns(place: Place) -> list[str]:
    place.write("named.conf", "")
    place.write(
        "pdns.conf",
        f"launch=bind\nbind-config={place.path('named.conf')}\nlocal-address={place.address}\n"
        f"local-port={place.port}\nsocket-dir={place.folder}\ndaemon=no\nguardian=no\n"
        "disable-syslog=yes\nreceiver-threads=1\ndistributor-threads=1\n",
    )
    return ["/usr/sbin/pdns_server", f"--config-dir={place.folder}"]


def _recursor(place: Place) -> list[str]:
    place.write(
        "recursor.conf",
        f"local-address={place.address}:{place.port}\nsocket-dir={place.folder}\ndaemon=no\n"
        "disable-syslog=yes\nthreads=1\nsecurity-poll-suffix=\nquiet=yes\n",
    )
    return ["/usr/sbin/pdns_recursor", f"--config-dir={place.folder}"]


SERVERS = [
    Server(
        name="bind9",
        packages=("bind9",),
        start=_bind9,
        default_port=5300,
        transport="udp",
        protocol="dns",
        product="BIND",
        version=lambda: debian_version("bind9"),
        quick=True,
    ),
    Server(
        name="bind9-tls",
        packages=("bind9",),
        start=_bind9_tls,
        default_port=853,
        protocol="dns",
        product="BIND",
        version=lambda: debian_version("bind9"),
        own_tls=True,
    ),
    Server(
        name="unbound",
        packages=("unbound",),
        start=_unbound_tcp,
        default_port=53,
        protocol="dns",
        product="Unbound",
        version=lambda: debian_version("unbound"),
        quick=True,
        famous=27017,
    ),
    Server(
        name="unbound-udp",
        packages=("unbound",),
        start=_unbound_udp,
        default_port=53,
        transport="udp",
        protocol="dns",
        product="Unbound",
        version=lambda: debian_version("unbound"),
    ),
    Server(
        name="knot",
        packages=("knot",),
        start=_knot,
        default_port=5301,
        protocol="dns",
        product="Knot DNS",
        version=lambda: debian_version("knot"),
    ),
    Server(
        name="dnsmasq",
        packages=("dnsmasq-base",),
        start=_dnsmasq,
        default_port=5302,
        transport="udp",
        protocol="dns",
        product="dnsmasq",
        version=lambda: debian_version("dnsmasq-base"),
        quick=True,
        famous=67,
    ),
    Server(
        name="nsd",
        packages=("nsd",),
        start=_nsd,
        default_port=5303,
        transport="udp",
        protocol="dns",
        product="NSD",
        version=lambda: debian_version("nsd"),
    ),
    Server(
        name="pdns-server",
        packages=("pdns-server", "pdns-backend-bind"),
        start=_pdns,
        default_port=5304,
        protocol="dns",
        product="PowerDNS Authoritative Server",
        version=lambda: debian_version("pdns-server"),
    ),
    Server(
        name="pdns-recursor",
        packages=("pdns-recursor",),
        start=_recursor,
        default_port=5305,
        protocol="dns",
        product="PowerDNS Recursor",
        version=lambda: debian_version("pdns-recursor"),
    ),
]
