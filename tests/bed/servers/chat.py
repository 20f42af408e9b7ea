"""Chat servers: IRC and XMPP."""

from bed.running import self_signed
from bed.server import Place, Server


def _ngircd(place: Place) -> list[str]:
    config = place.write(
        "ngircd.conf",
        "[Global]\nName = irc.bed.example\nInfo = Test bed\n"
        f"Listen = {place.address}\nPorts = {place.port}\nServerUID = irc\nServerGID = irc\n"
        "AdminInfo1 = bed\n[Options]\nDNS = no\nIdent = no\nPAM = no\n",
    )
    return ["/usr/sbin/ngircd", "-n", "-f", config]


def _inspircd(place: Place) -> list[str]:
    self_signed(place)
    certificate, key = place.path("both.pem.crt"), place.path("both.pem.key")
    config = place.write(
        "inspircd.conf",
        '<config format="xml">\n'
        '<server name="irc.bed.example" description="Test bed" network="Bed">\n'
        '<admin name="bed" nick="bed" email="bed@bed.example">\n'
        f'<bind address="{place.address}" port="{place.port}" type="clients">\n'
        '<module name="ssl_gnutls">\n<module name="starttls">\n<module name="cap">\n'
        f'<sslprofile name="Clients" provider="gnutls" certfile="{certificate}" keyfile="{key}">\n'
        '<starttls sslprofile="Clients">\n'
        '<connect allow="*" resolvehostnames="no" useconnectban="no">\n'
        f'<pid file="{place.path("inspircd.pid")}">\n'
        f'<path configdir="{place.folder}" datadir="{place.folder}" logdir="{place.folder}">\n'
        f'<log method="file" type="*" level="default" target="{place.path("log")}">\n',
    )
    return ["/usr/sbin/inspircd", "--nofork", "--config", config]


def _prosody(place: Place) -> list[str]:
    self_signed(place)
    certificate, key = place.path("both.pem.crt"), place.path("both.pem.key")
    config = place.write(
        "prosody.cfg.lua",
        f'pidfile = "{place.path("prosody.pid")}"\ndata_path = "{place.path("data")}"\n'
        f'interfaces = {{ "{place.address}" }}\nc2s_ports = {{ {place.port} }}\n'
        'modules_enabled = { "tls"; "saslauth"; }\nmodules_disabled = { "s2s" }\n'
        f'ssl = {{ certificate = "{certificate}"; key = "{key}" }}\n'
        'log = { info = "*console" }\nVirtualHost "localhost"\n',
    )
    return ["/usr/bin/prosody", "--config", config, "-F"]


def _ejabberd(place: Place) -> list[str]:
    self_signed(place)
    config = place.write(
        "ejabberd.yml",
        f'hosts:\n  - localhost\nloglevel: info\ncertfiles:\n  - "{place.path("both.pem")}"\n'
        f'listen:\n  -\n    port: {place.port}\n    ip: "{place.address}"\n'
        "    module: ejabberd_c2s\n    starttls: true\nmodules: {}\n",
    )
    place.write(
        "start.sh",
        f"export EJABBERD_CONFIG_PATH={config} EJABBERD_LOG_PATH={place.path('ejabberd.log')}\n"
        f"export HOME={place.folder} ERL_CRASH_DUMP={place.path('crash')}\n"
        "export ERL_LIBS=/usr/lib/x86_64-linux-gnu\n"
        f"exec erl -noinput -mnesia dir '\"{place.path('spool')}\"' -s ejabberd\n",
    )
    return ["sh", place.path("start.sh")]


SERVERS = [
    Server(
        name="ngircd",
        packages=("ngircd",),
        start=_ngircd,
        default_port=6667,
        protocol="irc",
        quick=True,
        behind_tls=True,
        famous=9042,
    ),
    Server(
        name="inspircd",
        packages=("inspircd",),
        start=_inspircd,
        default_port=6668,
        protocol="irc",
        product="InspIRCd",
        user="irc",
        quick=True,
    ),
    Server(
        name="prosody",
        packages=("prosody",),
        start=_prosody,
        default_port=5222,
        protocol="xmpp",
        user="prosody",
        quick=True,
        famous=1723,
    ),
    Server(
        name="ejabberd",
        packages=("ejabberd",),
        start=_ejabberd,
        default_port=5223,
        protocol="xmpp",
        user="ejabberd",
        seconds=60.0,
    ),
]
