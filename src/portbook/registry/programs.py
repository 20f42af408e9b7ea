"""Which registered services a program is known to serve, by the name of its process.

For products named in public sources see same_service. A program's name is a hint and no proof:
anybody can give a process any name.
"""

from functools import cache

from portbook.model import Assignment
from portbook.registry.same_service import match_name

# service: the programs that serve it, as their processes are called on common systems.
_SERVERS = {
    "afpovertcp": "afpd netatalk",
    "amqp": "beam.smp rabbitmq-server qpidd artemis",
    "amqps": "beam.smp rabbitmq-server",
    "bgp": "bgpd bird gobgpd frr",
    "bootps": "dhcpd dnsmasq kea-dhcp4 udhcpd",
    "cisco-sccp": "asterisk",
    "dhcpv6-server": "kea-dhcp6 dnsmasq odhcpd",
    "distcc": "distccd",
    "domain": "named dnsmasq unbound knotd pdns_server pdns_recursor coredns nsd systemd-resolved "
    "systemd-resolve AdGuardHome pihole-FTL technitium maradns gdnsd",
    "domain-s": "unbound knotd dnsdist stubby AdGuardHome",
    "epmd": "epmd",
    "etcd-client": "etcd",
    "etcd-server": "etcd",
    "ftp": "vsftpd proftpd pure-ftpd wu-ftpd pyftpdlib",
    "git": "git-daemon git",
    "gpsd": "gpsd",
    "http": "nginx apache2 httpd lighttpd caddy traefik haproxy varnishd h2o hiawatha thttpd "
    "envoy squid webfsd darkhttpd busybox openresty angie httpd.worker",
    "http-alt": "nginx apache2 httpd lighttpd caddy traefik haproxy tomcat jetty squid envoy "
    "tinyproxy python-http http-server",
    "https": "nginx apache2 httpd lighttpd caddy traefik haproxy h2o envoy stunnel stunnel4 "
    "openresty angie sslh",
    "imap": "dovecot imap-login courier-imapd cyrus cyrus-imapd imapd",
    "imaps": "dovecot imap-login cyrus cyrus-imapd stunnel4",
    "ipp": "cupsd cups-browsed ippserver",
    "ipsec-nat-t": "charon pluto strongswan",
    "irc": "ircd inspircd ngircd unrealircd",
    "ircu": "ircd inspircd ngircd unrealircd",
    "isakmp": "charon pluto strongswan racoon iked",
    "kerberos": "krb5kdc kdc samba",
    "kpasswd": "kadmind samba",
    "l2tp": "xl2tpd",
    "ldap": "slapd ns-slapd samba 389-ds",
    "ldaps": "slapd ns-slapd samba",
    "mdns": "avahi-daemon mdnsd mdnsresponder systemd-resolved systemd-resolve",
    "memcache": "memcached",
    "mongodb": "mongod mongos ferretdb",
    "mqtt": "mosquitto emqx beam.smp vernemq nanomq rmqtt",
    "ms-sql-s": "sqlservr",
    "ms-wbt-server": "xrdp gnome-remote-desktop gnome-remote-de",
    "mysql": "mysqld mariadbd mysqld_safe mariadb proxysql",
    "netbios-dgm": "nmbd samba",
    "netbios-ns": "nmbd samba",
    "netbios-ssn": "smbd samba",
    "microsoft-ds": "smbd samba ksmbd.mountd",
    "nfs": "nfsd rpc.nfsd ganesha.nfsd",
    "nrpe": "nrpe",
    "ntp": "ntpd chronyd ntpsec openntpd systemd-timesyncd systemd-timesyn timemaster ntp",
    "openvpn": "openvpn",
    "pop3": "dovecot pop3-login courier-pop3d",
    "pop3s": "dovecot pop3-login",
    "postgresql": "postgres postmaster pgbouncer pgpool patroni",
    "pptp": "pptpd",
    "radius": "freeradius radiusd",
    "radius-acct": "freeradius radiusd",
    "redis": "redis-server valkey-server keydb-server dragonfly kvrocks redis-sentinel",
    "rfb": "Xvnc Xtigervnc x11vnc vncserver x0vncserver wayvnc vino-server qemu-system-x86_64",
    "rsync": "rsyncd rsync",
    "rtsp": "mediamtx rtsp-simple-server go2rtc",
    "sieve": "dovecot managesieve-login",
    "sip": "asterisk kamailio opensips freeswitch",
    "sips": "asterisk kamailio opensips freeswitch",
    "smtp": "master postfix exim4 exim sendmail opensmtpd smtpd haraka stalwart",
    "snmp": "snmpd",
    "snmptrap": "snmptrapd",
    "socks": "danted sockd microsocks tor",
    "ssh": "sshd dropbear tinysshd sshd-session sftpgo",
    "ssdp": "minidlnad minissdpd miniupnpd gssdp",
    "stun": "coturn turnserver",
    "submission": "master postfix exim4 exim opensmtpd smtpd stalwart",
    "submissions": "master postfix exim4 exim opensmtpd smtpd stalwart",
    "sunrpc": "rpcbind portmap",
    "svn": "svnserve",
    "syslog": "rsyslogd syslog-ng syslogd",
    "syslog-tls": "rsyslogd syslog-ng",
    "telnet": "telnetd in.telnetd inetutils-inetd busybox",
    "tftp": "in.tftpd atftpd dnsmasq tftpd",
    "x11": "Xorg Xvfb Xwayland Xephyr",
    "xmpp-client": "prosody ejabberd beam.smp lua5.4",
    "xmpp-server": "prosody ejabberd beam.smp lua5.4",
    "zabbix-agent": "zabbix_agentd zabbix_agent2",
    "zabbix-trapper": "zabbix_server zabbix_proxy",
}


@cache
def _services() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for service, programs in _SERVERS.items():
        for program in programs.split():
            found.setdefault(program.casefold(), []).append(service)
    return {program: tuple(services) for program, services in found.items()}


def known_for(program: str) -> tuple[str, ...]:
    """The registered services that a program of this name is known to serve; none for most."""
    return _services().get(program.casefold(), ())


# product: programs that are it under another name.
_PRODUCTS = {
    "influxdb": "influxd",
    "grafana": "grafana-server",
    "gitea": "gitea forgejo",
    "plex": "plexmediaserver",
    "jenkins": "jenkins",
}


def names_product(product: str, program: str) -> bool:
    """Whether a program of this name is a product that uses the number unofficially.

    The names have to be equal, but for case, signs and a daemon's d: a name that merely occurs in
    the other proves nothing (Tor is not in `monitor`).
    """
    wanted, name = _letters(product), _letters(program)
    if not name:
        return False
    return name in (wanted, f"{wanted}d") or program.casefold() in _PRODUCTS.get(wanted, "").split()


def _letters(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def serves(assignment: Assignment, program: str) -> bool:
    """Whether a program of this name is known to serve the registered service."""
    if assignment.service in known_for(program):
        return True
    return match_name(assignment, program) is not None
