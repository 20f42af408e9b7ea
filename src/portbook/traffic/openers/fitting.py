"""Whether a client that begins in one protocol is right at a listener that speaks another.

Wrong only where both are known and no server takes the one for the other: a wrong word costs more
here than a missing one, because it makes a probe of a client.
"""

from collections.abc import Collection

FAMILIES = {
    "dtls": "tls",
    "mdns": "dns",
    "lmtp": "smtp",
    "netbios-ssn": "smb",
    "socks4": "socks5",
    "adb-server": "adb",
    "bittorrent-dht": "bittorrent",
    "bittorrent-utp": "bittorrent",
}
"""Near relatives that share a code with the protocol that stands for them all."""

WEB = frozenset(
    (
        *("http", "http-proxy", "websocket", "activemq-console", "apt-cacher-ng"),
        *("clickhouse-http", "cockpit", "consul", "couchdb", "dev-server", "docker"),
        *("docker-registry", "elasticsearch", "etcd", "express", "fastapi", "gradio", "grafana"),
        *("haproxy", "icecast", "influxdb", "ipp", "jupyter", "kubernetes", "local-ai", "monit"),
        *("nextjs", "node-inspector", "ollama", "portbook", "prometheus", "prometheus-exporter"),
        *("rabbitmq-management", "radicale", "solr", "streamlit", "tomcat", "transmission", "upnp"),
        *("varnish", "vault", "vector-store", "vite", "web-panel"),
    )
)
"""What is spoken to in HTTP/1."""

_SECURE = frozenset(
    (
        *("tls", "dtls", "mumble", "nrpe", "tor-or", "syncthing", "teamviewer", "anydesk"),
        *("kubernetes", "openvpn", "quic"),
        # Direct TLS: PostgreSQL 17 (sslnegotiation=direct), TDS 8.0.
        *("postgresql", "mssql"),
    )
)
"""What is TLS from the first byte, or may be."""

_FITTING = {
    "http": WEB,
    "http2": WEB | {"http2", "grpc"},
    "tls": _SECURE,
    "smtp": frozenset(("smtp", "lmtp")),
    "ftp": frozenset(("ftp", "pop3")),
    "pop3": frozenset(("pop3", "ftp", "managesieve")),
    "smb": frozenset(("smb", "netbios-ssn")),
    "sunrpc": frozenset(("sunrpc", "rpcbind", "nfs")),
    "dns": frozenset(("dns", "mdns", "llmnr")),
    "ike": frozenset(("ike", "ike-nat-t")),
    "socks5": frozenset(("socks5", "socks4", "http-proxy")),
    "bittorrent": frozenset(("bittorrent", "bittorrent-dht", "bittorrent-utp")),
    "adb": frozenset(("adb", "adb-server")),
    "mysql": frozenset(("mysql", "sphinx")),
    "postgresql": frozenset(("postgresql",)),
    "memcached": frozenset(("memcached", "beanstalkd")),
    "beanstalkd": frozenset(("beanstalkd", "memcached")),
    "redis": frozenset(("redis", "nats")),
    "nats": frozenset(("nats", "redis")),
    "snmp": frozenset(("snmp", "snmptrap")),
    "ssdp": frozenset(("ssdp", "upnp")),
    # Its form is any RPC's over COTP.
    "s7": frozenset(("s7", "rdp")),
    "rdp": frozenset(("rdp", "s7")),
    "syslog": frozenset(("syslog",)),
}
"""For each protocol of an opener whose listeners are not only those of its own name: all of them.

Pairs that share their first word (USER, stats, PING, a bare COTP request) fit each other."""

KNOWN = (
    WEB
    | _SECURE
    | frozenset(
        (
            *("http2", "grpc", "ssh", "smtp", "lmtp", "ftp", "pop3", "imap", "telnet", "rdp"),
            *("smb", "netbios-ssn", "netbios-ns", "redis", "socks4", "socks5", "sip", "rtsp"),
            *("mqtt", "amqp", "mongodb", "postgresql", "mysql", "mysqlx", "mssql", "oracle"),
            *("ldap", "memcached", "kafka", "cassandra", "dns", "mdns", "llmnr", "ntp", "snmp"),
            *("snmptrap", "stun", "tftp", "ssdp", "ike", "ike-nat-t", "radius", "coap", "syslog"),
            *("vnc", "rsync", "git", "svn", "bittorrent", "bittorrent-dht", "bittorrent-utp"),
            *("x11", "adb", "adb-server", "modbus", "s7", "dnp3", "bacnet", "sunrpc", "rpcbind"),
            *("nfs", "ajp", "fastcgi", "java-rmi", "jdwp", "xmpp", "irc", "zmtp", "nats", "stomp"),
            *("beanstalkd", "bgp", "bolt", "chrony", "clamd", "clickhouse", "cvs", "dap", "dict"),
            *("distcc", "drda", "epmd", "erlang", "ethernet-ip", "finger", "firebird", "gearman"),
            *("gopher", "gpsd", "h2", "iax2", "ident", "iec104", "iperf3", "ipmi", "iscsi"),
            *("kerberos", "l2tp", "lirc", "lpd", "managesieve", "minecraft", "mpd", "munin", "nbd"),
            *("nntp", "nsq", "opcua", "openwire", "pptp", "pulseaudio", "rndc", "rtmp", "sane"),
            *("scgi", "slp", "sphinx", "spice", "teamspeak", "tor-control", "uwsgi", "wireguard"),
            *("varnish-cli", "xdmcp", "zabbix", "zookeeper", "a2s", "quake3", "minetest"),
            *("minecraft-bedrock", "dhcp", "dhcp6"),
        )
    )
)
"""Listeners of which it is known what they do not take. Others (echo, sinks, debuggers, what
nobody has heard of) take anything."""


def fits(protocol: str, spoken: Collection[str]) -> bool:
    """Whether an opener in `protocol` is right at a listener that speaks all of `spoken`.

    True for what is not known: an empty `spoken`, a name of neither list, a new protocol.
    """
    protocol = FAMILIES.get(protocol, protocol)
    fitting = _FITTING.get(protocol)
    for each in spoken:
        if each not in KNOWN or each == protocol or (fitting is not None and each in fitting):
            return True
    return not spoken or (fitting is None and protocol not in KNOWN and protocol != "dcerpc")
