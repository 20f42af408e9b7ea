"""Servers that a network of offices runs on: Kerberos, SMB, NetBIOS, RPC, NFS, time, SNMP, VPN."""

import os

from bed.server import Place, Server


def _krb5(place: Place, transport: str = "tcp") -> list[str]:
    address = f"{place.address}:{place.port}"
    listen = {"tcp": ("", address), "udp": (address, "")}[transport]
    place.write(
        "kdc.conf",
        f'[kdcdefaults]\n kdc_listen = "{listen[0]}"\n kdc_tcp_listen = "{listen[1]}"\n'
        f"[realms]\n BED.EXAMPLE = {{\n  database_name = {place.path('principal')}\n"
        f"  key_stash_file = {place.path('stash')}\n }}\n[logging]\n kdc = STDERR\n",
    )
    krb5 = place.write(
        "krb5.conf",
        "[libdefaults]\n default_realm = BED.EXAMPLE\n dns_lookup_kdc = false\n"
        f"[realms]\n BED.EXAMPLE = {{\n  kdc = {address}\n }}\n",
    )
    environment = [f"KRB5_CONFIG={krb5}", f"KRB5_KDC_PROFILE={place.path('kdc.conf')}"]
    create = ["/usr/sbin/kdb5_util", "create", "-s", "-P", "bed", "-r", "BED.EXAMPLE"]
    place.run("env", *environment, *create)
    return ["env", *environment, "/usr/sbin/krb5kdc", "-n", "-r", "BED.EXAMPLE"]


def _krb5_udp(place: Place) -> list[str]:
    return _krb5(place, "udp")


def _samba(place: Place) -> str:
    for name in ("private", "state", "cache", "lock", "pid", "ncalrpc"):
        os.makedirs(place.path(name))
    return place.write(
        "smb.conf",
        "[global]\nnetbios name = BEDSERVER\nworkgroup = BED\nlog level = 0\n"
        f"interfaces = {place.address}/8\nbind interfaces only = yes\nsmb ports = {place.port}\n"
        f"private dir = {place.path('private')}\nstate directory = {place.path('state')}\n"
        f"cache directory = {place.path('cache')}\nlock directory = {place.path('lock')}\n"
        f"pid directory = {place.path('pid')}\nncalrpc dir = {place.path('ncalrpc')}\n"
        "disable spoolss = yes\nload printers = no\nrpc start on demand helpers = no\n",
    )


def _smbd(place: Place) -> list[str]:
    config = _samba(place)
    return ["/usr/sbin/smbd", "-F", "--no-process-group", "--debug-stdout", "-s", config]


def _in_own_etc(place: Place, services: str, command: str) -> list[str]:
    """A server whose port is fixed by the file of services, in a mount namespace of its own."""
    file = place.write("services", services)
    moved = f"mount --bind {file} /etc/services; mount -t tmpfs tmpfs /run"
    return ["unshare", "-m", "sh", "-c", f"{moved}; {command}"]


def _rpcbind(place: Place) -> list[str]:
    names = "".join(
        f"{name} {place.port}/{transport}\n"
        for transport in ("tcp", "udp")
        for name in ("sunrpc", "portmapper", "rpcbind")
    )
    return _in_own_etc(place, names, "exec /sbin/rpcbind -f")


def _ganesha(place: Place) -> list[str]:
    export = place.path("export")
    os.makedirs(export)
    config = place.write(
        "ganesha.conf",
        f"NFS_CORE_PARAM {{ NFS_Port = {place.port}; MNT_Port = 0; NLM_Port = 0;"
        " Rquota_Port = 0; Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false;"
        " }\n"
        f'NFSv4 {{ RecoveryRoot = "{place.folder}"; Graceless = true; }}\n'
        f'EXPORT {{ Export_Id = 1; Path = "{export}"; Pseudo = /export; Protocols = 4;'
        " Access_Type = RO; FSAL { Name = VFS; } }\n",
    )
    argv = ["/usr/bin/ganesha.nfsd", "-F", "-f", config, "-L", "STDOUT"]
    return [*argv, "-p", place.path("pid")]


def _chrony(place: Place) -> list[str]:
    config = place.write(
        "chrony.conf",
        f"port {place.port}\ncmdport 0\nbindaddress {place.address}\nbindcmdaddress /\n"
        f"allow 127.0.0.0/8\nlocal stratum 3\npidfile {place.path('pid')}\n",
    )
    return ["/usr/sbin/chronyd", "-x", "-d", "-u", "root", "-f", config]


def _chrony_command(place: Place) -> list[str]:
    config = place.write(
        "chrony.conf",
        f"port 0\ncmdport {place.port}\nbindcmdaddress {place.address}\n"
        f"local stratum 3\npidfile {place.path('pid')}\n",
    )
    return ["/usr/sbin/chronyd", "-x", "-d", "-u", "root", "-f", config]


def _snmpd(place: Place) -> list[str]:
    config = place.write(
        "snmpd.conf",
        f"agentaddress udp:{place.address}:{place.port}\nrocommunity bed 127.0.0.1\n",
    )
    only = ["-C", "-c", config, "-I", "-smux", "-p", place.path("pid")]
    return ["/usr/sbin/snmpd", "-f", "-Lo", "-r", *only]


def _xl2tpd(place: Place) -> list[str]:
    config = place.write(
        "xl2tpd.conf",
        f"[global]\nport = {place.port}\nlisten-addr = {place.address}\n"
        "[lns default]\nip range = 10.255.0.2-10.255.0.9\nlocal ip = 10.255.0.1\n",
    )
    control = place.path("control")
    return ["/usr/sbin/xl2tpd", "-D", "-c", config, "-p", place.path("pid"), "-C", control]


def _pptpd(place: Place) -> list[str]:
    config = place.write(
        "pptpd.conf",
        f"option /dev/null\nlisten {place.address}\nlocalip 10.254.0.1\nremoteip 10.254.0.2-9\n"
        f"pidfile {place.path('pid')}\n",
    )
    names = f"pptp {place.port}/tcp\n"
    return _in_own_etc(place, names, f"exec /usr/sbin/pptpd -f -c {config}")


def _bird(place: Place) -> list[str]:
    local, peer = f"local {place.address} port {place.port} as 64512", place.address
    config = place.write(
        "bird.conf",
        "router id 192.0.2.1;\nprotocol device { }\nprotocol bgp peer {\n"
        f" {local};\n neighbor {peer} as 64513;\n multihop; passive; strict bind;\n"
        " ipv4 { import none; export none; };\n}\n",
    )
    return ["/usr/sbin/bird", "-f", "-c", config, "-s", place.path("control"), "-d"]


SERVERS = [
    Server(
        name="krb5-kdc",
        packages=("krb5-kdc",),
        start=_krb5,
        default_port=88,
        protocol="kerberos",
        quick=True,
    ),
    Server(
        name="krb5-kdc-udp",
        packages=("krb5-kdc",),
        start=_krb5_udp,
        default_port=88,
        transport="udp",
        protocol="kerberos",
    ),
    Server(
        name="smbd",
        packages=("samba",),
        start=_smbd,
        default_port=445,
        protocol="smb",
        product="Samba",
        famous=1433,
    ),
    Server(
        name="smbd-session",
        packages=("samba",),
        start=_smbd,
        default_port=139,
        protocol="smb",
        product="Samba",
    ),
    Server(
        name="rpcbind",
        packages=("rpcbind",),
        start=_rpcbind,
        default_port=111,
        protocol="rpcbind",
        quick=True,
    ),
    Server(
        name="ganesha",
        packages=("nfs-ganesha", "nfs-ganesha-vfs"),
        start=_ganesha,
        default_port=2049,
        protocol="nfs",
    ),
    Server(
        name="chrony",
        packages=("chrony",),
        start=_chrony,
        default_port=123,
        transport="udp",
        protocol="ntp",
        quick=True,
    ),
    Server(
        name="chrony-command",
        packages=("chrony",),
        start=_chrony_command,
        default_port=323,
        transport="udp",
        protocol="chrony",
        product="chrony",
        quick=True,
    ),
    Server(
        name="snmpd",
        packages=("snmpd",),
        start=_snmpd,
        default_port=161,
        transport="udp",
        protocol="snmp",
        product="Net-SNMP",
        quick=True,
        famous=1900,
    ),
    Server(
        name="xl2tpd",
        packages=("xl2tpd",),
        start=_xl2tpd,
        default_port=1701,
        transport="udp",
        protocol="l2tp",
        product="xl2tpd",
    ),
    Server(
        name="pptpd",
        packages=("pptpd",),
        start=_pptpd,
        default_port=1723,
        protocol="pptp",
    ),
    Server(
        name="bird2",
        packages=("bird2",),
        start=_bird,
        default_port=179,
        protocol="bgp",
    ),
]
