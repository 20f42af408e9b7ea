"""Proxies and what speaks a protocol of its own to them: SOCKS, Tor, varnish, FastCGI, AJP, RMI."""

import glob
import os
import subprocess
import sys

from bed.server import Place, Server, debian_version


def _microsocks(place: Place) -> list[str]:
    return ["microsocks", "-i", place.address, "-p", str(place.port)]


def _dante(place: Place) -> list[str]:
    config = place.write(
        "danted.conf",
        "logoutput: stderr\n"
        f"internal: {place.address} port = {place.port}\nexternal: lo\n"
        "clientmethod: none\nsocksmethod: none\n"
        "client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\n"
        "socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\n",
    )
    return ["danted", "-f", config, "-p", place.path("pid")]


def _tor(place: Place, *lines: str) -> list[str]:
    config = place.write(
        "torrc",
        f"DataDirectory {place.path('data')}\nPidFile {place.path('pid')}\n"
        "DisableNetwork 0\nLog notice stdout\n" + "\n".join(lines) + "\n",
    )
    return ["tor", "-f", config, "--defaults-torrc", place.write("defaults", "")]


def _tor_socks(place: Place) -> list[str]:
    return _tor(place, f"SocksPort {place.address}:{place.port}")


def _tor_control(place: Place) -> list[str]:
    control = f"ControlPort {place.address}:{place.port}"
    return _tor(place, "SocksPort 0", control, "CookieAuthentication 1")


def _tor_relay(place: Place) -> list[str]:
    return _tor(
        place,
        "SocksPort 0",
        f"ORPort {place.address}:{place.port}",
        "Address 127.0.0.1",
        "AssumeReachable 1",
        "PublishServerDescriptor 0",
        "ExitRelay 0",
    )


def _tor_version() -> str | None:
    said = subprocess.run(["tor", "--version"], capture_output=True).stdout.decode()
    return said.partition("Tor version ")[2].split("\n")[0].rstrip(".") or None


def _varnish(place: Place, secret: str) -> list[str]:
    os.makedirs(place.path("work"), exist_ok=True)
    return [
        *("varnishd", "-F", "-n", place.path("work"), "-j", "none", "-b", "none"),
        *("-a", place.path("http"), "-T", f"{place.address}:{place.port}", "-S", secret),
    ]


def _varnish_open(place: Place) -> list[str]:
    return _varnish(place, "none")


def _varnish_secret(place: Place) -> list[str]:
    return _varnish(place, place.write("secret", "not a secret\n"))


def _php_fpm(place: Place) -> list[str]:
    config = place.write(
        "fpm.conf",
        "[global]\nerror_log = /dev/stderr\n[www]\nuser = nobody\ngroup = nogroup\n"
        f"listen = {place.address}:{place.port}\npm = static\npm.max_children = 2\n",
    )
    program = max(glob.glob("/usr/sbin/php-fpm*"))
    return [program, "-F", "-y", config, "-R"]


def _uwsgi(place: Place) -> list[str]:
    address = f"{place.address}:{place.port}"
    return ["uwsgi-core", "--plugin", "ping", "--socket", address, "--master", "--die-on-term"]


def _rmi(place: Place) -> list[str]:
    return ["rmiregistry", f"-J-Djava.rmi.server.hostname={place.address}", str(place.port)]


def _tomcat(place: Place) -> list[str]:
    for name in ("conf", "logs", "temp", "webapps", "work"):
        os.makedirs(place.path(name), exist_ok=True)
    place.write(
        "conf/server.xml",
        '<Server port="-1"><Service name="Catalina">'
        f'<Connector protocol="AJP/1.3" address="{place.address}" port="{place.port}" '
        'secretRequired="false"/>'
        '<Engine name="Catalina" defaultHost="localhost"><Host name="localhost"/></Engine>'
        "</Service></Server>\n",
    )
    place.write("conf/web.xml", "<web-app/>\n")
    home = "/usr/share/tomcat10"
    return [
        *("java", "-Xmx128m", f"-Dcatalina.base={place.folder}", f"-Dcatalina.home={home}"),
        *("-cp", f"{home}/bin/bootstrap.jar:{home}/bin/tomcat-juli.jar"),
        *("org.apache.catalina.startup.Bootstrap", "start"),
    ]


def _flup(kind: str, place: Place) -> list[str]:
    script = place.write(f"application.{kind}", _FLUP)
    return [sys.executable, script, kind, place.address, str(place.port)]


_FLUP = """
import sys
from flup.server import fcgi, scgi
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
module = {"scgi": scgi, "fcgi": fcgi}[sys.argv[1]]
module.WSGIServer(application, bindAddress=(sys.argv[2], int(sys.argv[3]))).run()
"""
SERVERS = [
    Server(
        name="microsocks",
        packages=("microsocks",),
        start=_microsocks,
        default_port=1080,
        protocol="socks5",
        quick=True,
        famous=21,
    ),
    Server(
        name="dante",
        packages=("dante-server",),
        start=_dante,
        default_port=1081,
        protocol="socks5",
        quick=True,
    ),
    Server(
        name="pproxy",
        packages=("pip:pproxy",),
        start=lambda place: [
            *(sys.executable, "-m", "pproxy", "-l"),
            f"socks5://{place.address}:{place.port}",
        ],
        default_port=1082,
        protocol="socks5",
        quick=True,
    ),
    Server(
        name="tor-socks",
        packages=("tor",),
        start=_tor_socks,
        default_port=9050,
        protocol="socks5",
        user="debian-tor",
        seconds=40,
    ),
    Server(
        name="tor-control",
        packages=("tor",),
        start=_tor_control,
        default_port=9051,
        protocol="tor-control",
        product="Tor",
        version=_tor_version,
        user="debian-tor",
        quick=True,
    ),
    Server(
        name="tor-relay",
        packages=("tor",),
        start=_tor_relay,
        default_port=9001,
        protocol="tor-or",
        product="Tor",
        user="debian-tor",
        own_tls=True,
        steady=2.0,
    ),
    Server(
        name="varnish-cli",
        packages=("varnish",),
        start=_varnish_open,
        default_port=6082,
        protocol="varnish-cli",
        product="Varnish",
        version=lambda: debian_version("varnish"),
        famous=3306,
        steady=1.0,
    ),
    Server(
        name="varnish-cli-secret",
        packages=("varnish",),
        start=_varnish_secret,
        default_port=6084,
        protocol="varnish-cli",
        product="Varnish",
        steady=1.0,
        behind_tls=True,
    ),
    Server(
        name="php-fpm",
        packages=("php-fpm",),
        start=_php_fpm,
        default_port=9000,
        protocol="fastcgi",
        quick=True,
        famous=5432,
    ),
    Server(
        name="uwsgi",
        packages=("uwsgi-core",),
        start=_uwsgi,
        default_port=3031,
        protocol="uwsgi",
        product="uWSGI",
        quick=True,
    ),
    Server(
        name="flup-scgi",
        packages=("pip:flup",),
        start=lambda place: _flup("scgi", place),
        default_port=4000,
        protocol="scgi",
        quick=True,
    ),
    Server(
        name="flup-fastcgi",
        packages=("pip:flup",),
        start=lambda place: _flup("fcgi", place),
        default_port=4001,
        protocol="fastcgi",
        quick=True,
    ),
    Server(
        name="tomcat-ajp",
        packages=("tomcat10", "openjdk-17-jre-headless"),
        start=_tomcat,
        default_port=8009,
        protocol="ajp",
        seconds=60,
    ),
    Server(
        name="rmiregistry",
        packages=("openjdk-17-jre-headless",),
        start=_rmi,
        default_port=1099,
        protocol="java-rmi",
        product="Java RMI",
        seconds=60,
    ),
]
