"""Telephony and voice: SIP, STUN, Mumble."""

from bed.running import self_signed
from bed.server import Place, Server, debian_version


def _kamailio(place: Place, transport: str) -> list[str]:
    config = place.write(
        "kamailio.cfg",
        "#!KAMAILIO\ndebug=2\nlog_stderror=yes\nfork=yes\nchildren=1\ntcp_children=1\n"
        f"disable_tcp={'no' if transport == 'tcp' else 'yes'}\n"
        f"listen={transport}:{place.address}:{place.port}\n"
        'mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"\n'
        'loadmodule "sl.so"\nloadmodule "pv.so"\nloadmodule "siputils.so"\n'
        'loadmodule "maxfwd.so"\nloadmodule "textops.so"\n'
        "request_route {\n"
        '  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }\n'
        '  sl_send_reply("404", "Not here");\n}\n',
    )
    runtime = place.path("runtime")
    place.run("mkdir", runtime)
    return ["kamailio", "-DD", "-E", "-Y", runtime, "-f", config, "-m", "16", "-M", "4"]


def _coturn(place: Place, *extra: str) -> list[str]:
    return [
        *("turnserver", "-n", "-L", place.address, "-p", str(place.port)),
        *("--log-file", "stdout", "--simple-log", "--no-cli", "--no-dtls", "--no-auth"),
        *("--db", place.path("turn.db"), "--pidfile", place.path("pid")),
        *("-m", "1", *(extra or ("--no-tls",))),
    ]


def _coturn_tls(place: Place) -> list[str]:
    both = self_signed(place)
    plain = str(place.port - 1 if place.port > 40000 else 3480)
    argv = _coturn(place, "--cert", both + ".crt", "--pkey", both + ".key", "--no-udp")
    argv[argv.index("-p") + 1] = plain
    return [*argv, "--tls-listening-port", str(place.port)]


def _mumble(place: Place) -> list[str]:
    config = place.write(
        "mumble.ini",
        f"database={place.path('mumble.sqlite')}\nhost={place.address}\nport={place.port}\n"
        f"logfile={place.path('mumble.log')}\npidfile=\nice=\nbonjour=false\nusers=10\n",
    )
    return ["murmurd", "-fg", "-v", "-ini", config]


SERVERS = [
    Server(
        name="kamailio-udp",
        packages=("kamailio",),
        start=lambda place: _kamailio(place, "udp"),
        default_port=5060,
        protocol="sip",
        product="Kamailio",
        version=lambda: debian_version("kamailio"),
        transport="udp",
        quick=True,
    ),
    Server(
        name="kamailio-tcp",
        packages=("kamailio",),
        start=lambda place: _kamailio(place, "tcp"),
        default_port=5060,
        protocol="sip",
        product="Kamailio",
        version=lambda: debian_version("kamailio"),
        quick=True,
        famous=9200,
    ),
    Server(
        name="coturn-udp",
        packages=("coturn",),
        start=_coturn,
        default_port=3478,
        protocol="stun",
        product="coturn",
        version=lambda: debian_version("coturn"),
        transport="udp",
        quick=True,
        famous=5353,
    ),
    Server(
        name="coturn-tcp",
        packages=("coturn",),
        start=lambda place: _coturn(place, "--no-udp", "--no-tls"),
        default_port=3478,
        protocol="stun",
        product="coturn",
        version=lambda: debian_version("coturn"),
    ),
    Server(
        name="coturn-tls",
        packages=("coturn",),
        start=_coturn_tls,
        default_port=5349,
        protocol="stun",
        product="coturn",
        version=lambda: debian_version("coturn"),
        own_tls=True,
    ),
    Server(
        name="mumble",
        packages=("mumble-server",),
        start=_mumble,
        default_port=64738,
        protocol="mumble",
        product="Mumble",
        version=lambda: debian_version("mumble-server"),
        own_tls=True,
        user="mumble-server",
        quick=True,
        log=("mumble.log",),
    ),
    Server(
        name="mumble-udp",
        packages=("mumble-server",),
        start=_mumble,
        default_port=64739,
        protocol="mumble",
        product="Mumble",
        version=lambda: debian_version("mumble-server"),
        transport="udp",
        user="mumble-server",
        log=("mumble.log",),
    ),
]
