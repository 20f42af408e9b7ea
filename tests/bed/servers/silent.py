"""Servers that never answer a stranger: what they are is told by their process alone."""

import os
from collections.abc import Callable, Sequence

from bed.server import Place, Server

Start = Callable[[Place], Sequence[str]]


def _rsyslog(place: Place) -> list[str]:
    config = place.write(
        "rsyslog.conf",
        f'global(workDirectory="{place.folder}")\nmodule(load="imudp")\n'
        f'input(type="imudp" address="{place.address}" port="{place.port}")\n'
        f'action(type="omfile" file="{place.path("messages")}")\n',
    )
    return ["/usr/sbin/rsyslogd", "-n", "-f", config, "-i", place.path("pid")]


def _collectd(place: Place) -> list[str]:
    config = place.write(
        "collectd.conf",
        f'BaseDir "{place.folder}"\nPIDFile "{place.path("pid")}"\nHostname "bed"\n'
        f'LoadPlugin network\n<Plugin network>\n  Listen "{place.address}" "{place.port}"\n'
        "</Plugin>\n",
    )
    return ["/usr/sbin/collectd", "-f", "-C", config]


def _carbon(place: Place) -> list[str]:
    for name in ("log", "whisper", "conf"):
        os.makedirs(place.path(name))
    place.write("conf/storage-schemas.conf", "[all]\npattern = .*\nretentions = 60s:1d\n")
    config = place.write(
        "conf/carbon.conf",
        f"[cache]\nSTORAGE_DIR = {place.folder}\nCONF_DIR = {place.path('conf')}\n"
        f"LOG_DIR = {place.path('log')}\nPID_DIR = {place.folder}\n"
        f"LOCAL_DATA_DIR = {place.path('whisper')}\n"
        f"LINE_RECEIVER_INTERFACE = {place.address}\nLINE_RECEIVER_PORT = {place.port}\n"
        "PICKLE_RECEIVER_PORT = 0\nCACHE_QUERY_PORT = 0\nENABLE_UDP_LISTENER = False\n"
        "USER =\n",
    )
    argv = ["/usr/bin/carbon-cache", "--nodaemon", f"--config={config}"]
    return [*argv, f"--pidfile={place.path('pid')}", f"--logdir={place.path('log')}", "start"]


def _radius(place: Place) -> list[str]:
    config = place.write(
        "radiusd.conf",
        f"prefix = /usr\nlogdir = {place.folder}\nrun_dir = {place.folder}\n"
        f"pidfile = {place.path('pid')}\nlibdir = /usr/lib/freeradius\nmax_requests = 256\n"
        "log {\n destination = stdout\n}\nsecurity {\n}\nthread pool {\n start_servers = 1\n}\n"
        "modules {\n always reject {\n  rcode = reject\n }\n}\n"
        "client bed {\n ipaddr = 192.0.2.7\n secret = bed\n}\n"
        f"server bed {{\n listen {{\n  type = auth\n  ipaddr = {place.address}\n"
        f"  port = {place.port}\n }}\n authorize {{\n  reject\n }}\n}}\n",
    )
    place.run("cp", config, place.path("radiusd.conf.copy"))
    return ["/usr/sbin/freeradius", "-f", "-l", "stdout", "-d", place.folder, "-n", "radiusd"]


def _server(name: str, package: str, start: Start, port: int, transport: str = "udp") -> Server:
    return Server(
        name=name,
        packages=(package,),
        start=start,
        default_port=port,
        protocol={"rsyslog": "syslog", "freeradius": "radius"}.get(name, name),
        transport=transport,
        silent=True,
        quick=True,
    )


SERVERS = [
    _server("rsyslog", "rsyslog", _rsyslog, 514),
    _server("collectd", "collectd", _collectd, 25826),
    _server("carbon", "graphite-carbon", _carbon, 2003, "tcp"),
    _server("freeradius", "freeradius", _radius, 1812),
]
