"""OpenLDAP: in the clear with StartTLS, and inside TLS."""

from bed.running import self_signed
from bed.server import Place, Server


def _slapd(scheme: str, place: Place) -> list[str]:
    self_signed(place)
    place.run("mkdir", "-p", "data")
    config = place.write(
        "slapd.conf",
        "include /etc/ldap/schema/core.schema\n"
        "modulepath /usr/lib/ldap\nmoduleload back_mdb\n"
        f"pidfile {place.path('pid')}\nargsfile {place.path('args')}\n"
        f"TLSCertificateFile {place.path('both.pem.crt')}\n"
        f"TLSCertificateKeyFile {place.path('both.pem.key')}\n"
        f"database mdb\nsuffix dc=bed,dc=example\ndirectory {place.path('data')}\n",
    )
    address = f"{scheme}://{place.address}:{place.port}/"
    return ["/usr/sbin/slapd", "-d", "0", "-f", config, "-h", address]


SERVERS = [
    Server(
        name="slapd",
        packages=("slapd",),
        start=lambda place: _slapd("ldap", place),
        default_port=389,
        protocol="ldap",
        product="OpenLDAP",
        quick=True,
        famous=1433,
    ),
    Server(
        name="slapd-tls",
        packages=("slapd",),
        start=lambda place: _slapd("ldaps", place),
        default_port=636,
        protocol="ldap",
        product="OpenLDAP",
        own_tls=True,
        quick=True,
    ),
]
