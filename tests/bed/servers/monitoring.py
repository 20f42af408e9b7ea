"""Agents of monitoring, discovery and printing."""

import os

from bed.running import self_signed
from bed.server import Place, Server, debian_version


def _munin(place: Place) -> list[str]:
    os.makedirs(place.path("plugins"))
    config = place.write(
        "munin-node.conf",
        f"log_file {place.path('log')}\npid_file {place.path('pid')}\nbackground 0\nsetsid 0\n"
        f"user root\ngroup root\nhost_name bed.example\nhost {place.address}\nport {place.port}\n"
        "allow ^127\\.0\\.0\\.1$\n",
    )
    return ["/usr/sbin/munin-node", "--config", config]


def _zabbix(place: Place) -> list[str]:
    config = place.write(
        "zabbix_agentd.conf",
        f"LogType=console\nPidFile={place.path('pid')}\nServer=127.0.0.1\nHostname=bed\n"
        f"ListenIP={place.address}\nListenPort={place.port}\nStartAgents=3\nAllowRoot=1\n",
    )
    return ["/usr/sbin/zabbix_agentd", "-f", "-c", config]


def _nrpe(place: Place) -> list[str]:
    config = place.write(
        "nrpe.cfg",
        f"server_address={place.address}\nserver_port={place.port}\nallowed_hosts=127.0.0.1\n"
        f"nrpe_user=nagios\nnrpe_group=nagios\npid_file={place.path('pid')}\n",
    )
    return ["/usr/sbin/nrpe", "-c", config, "-f", "-n"]


def _nrpe_tls(place: Place) -> list[str]:
    both = self_signed(place)
    argv = _nrpe(place)
    place.run("chmod", "644", both + ".key")
    with open(argv[2], "a") as config:
        config.write(f"ssl_cert_file={both}.crt\nssl_privatekey_file={both}.key\n")
        config.write("ssl_cipher_list=ALL\n")
    return argv[:-1]


def _minidlna(place: Place) -> list[str]:
    for name in ("db", "media", "log"):
        os.makedirs(place.path(name))
    config = place.write(
        "minidlna.conf",
        f"port={place.port}\nnetwork_interface=lo\nmedia_dir={place.path('media')}\n"
        f"db_dir={place.path('db')}\nlog_dir={place.path('log')}\nfriendly_name=bed\n"
        "inotify=no\nroot_container=.\n",
    )
    return ["/usr/sbin/minidlnad", "-S", "-f", config, "-P", place.path("pid")]


def _avahi(place: Place) -> list[str]:
    config = place.write(
        "avahi.conf",
        "[server]\nhost-name=bed\nuse-ipv6=no\nallow-interfaces=lo\nenable-dbus=no\n"
        "disallow-other-stacks=no\n[publish]\npublish-workstation=yes\n[wide-area]\n"
        "enable-wide-area=no\n",
    )
    return ["/usr/sbin/avahi-daemon", "-f", config, "--no-drop-root", "--no-chroot", "--no-rlimits"]


def _coap(place: Place) -> list[str]:
    return ["coap-server-notls", "-A", place.address, "-p", str(place.port)]


def _lprng(place: Place) -> list[str]:
    os.makedirs(place.path("spool"))
    # It reads its configuration from one place: a mount namespace has another file there.
    config = place.write(
        "lpd.conf",
        f"lpd_port={place.address}%{place.port}\nlpd_listen_port={place.address}%{place.port}\n"
        f"lockfile={place.path('lock')}\nlpd_printcap_path={place.path('printcap')}\n"
        f"printcap_path={place.path('printcap')}\nunix_socket_path={place.path('socket')}\n"
        f"user=root\ngroup=root\n",
    )
    place.write("printcap", f"bed:lp=/dev/null:sd={place.path('spool')}\n")
    command = f"mount --bind {config} /etc/lprng/lpd.conf; exec /usr/sbin/lpd -F"
    return ["unshare", "-m", "sh", "-c", command]


SERVERS = [
    Server(
        name="munin-node",
        packages=("munin-node",),
        start=_munin,
        default_port=4949,
        protocol="munin",
        product="Munin",
        version=lambda: debian_version("munin-node"),
        log=("log",),
        quick=True,
        behind_tls=True,
    ),
    Server(
        name="zabbix-agent",
        only_default=True,
        packages=("zabbix-agent",),
        start=_zabbix,
        default_port=10050,
        protocol="zabbix",
        product="Zabbix agent",
        version=lambda: debian_version("zabbix-agent"),
    ),
    Server(
        name="nrpe",
        packages=("nagios-nrpe-server",),
        start=_nrpe,
        default_port=5666,
        protocol="nrpe",
        product="NRPE",
        version=lambda: debian_version("nagios-nrpe-server"),
        user="nagios",
        quick=True,
    ),
    Server(
        name="nrpe-tls",
        packages=("nagios-nrpe-server",),
        start=_nrpe_tls,
        default_port=5667,
        protocol="nrpe",
        product="NRPE",
        version=lambda: debian_version("nagios-nrpe-server"),
        user="nagios",
        own_tls=True,
    ),
    Server(
        name="coap-server",
        packages=("libcoap3-bin",),
        start=_coap,
        default_port=5683,
        transport="udp",
        protocol="coap",
        quick=True,
    ),
    Server(
        name="avahi",
        only_default=True,
        packages=("avahi-daemon",),
        start=_avahi,
        default_port=5353,
        transport="udp",
        protocol="mdns",
        steady=2.5,
    ),
    Server(
        name="lprng",
        packages=("lprng",),
        start=_lprng,
        default_port=515,
        protocol="lpd",
    ),
]
