"""Databases that speak SQL: PostgreSQL, MariaDB, Firebird, and MySQL as mysql-mimic plays it."""

import os
import sys

from bed.running import self_signed
from bed.server import Place, Server, debian_version

_PROGRAMS = "/usr/lib/postgresql/15/bin"


def _postgresql(place: Place) -> list[str]:
    data = place.path("data")
    password = place.write("password", "bed\n")
    place.give_to("postgres")
    place.run(
        *(f"{_PROGRAMS}/initdb", "--pgdata", data, "--no-sync", "--auth", "scram-sha-256"),
        *("--encoding", "UTF8", "--locale", "C", "--username", "bed", "--pwfile", password),
        user="postgres",
    )
    options = {
        "listen_addresses": place.address,
        "port": str(place.port),
        "unix_socket_directories": place.folder,
        "fsync": "off",
    }
    settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
    return [f"{_PROGRAMS}/postgres", "-D", data, *settings]


def _postgresql_tls(place: Place) -> list[str]:
    self_signed(place)
    argv = _postgresql(place)
    key, certificate = place.path("both.pem.key"), place.path("both.pem.crt")
    os.chmod(key, 0o600)
    files = ["-c", f"ssl_key_file={key}", "-c", f"ssl_cert_file={certificate}"]
    return [*argv, "-c", "ssl=on", *files]


def _mariadb(place: Place) -> list[str]:
    data = place.path("data")
    place.give_to("mysql")
    place.run(
        *("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db"),
        *("--auth-root-authentication-method=socket", "--skip-name-resolve"),
        user="mysql",
    )
    return [
        *("mariadbd", "--no-defaults", f"--datadir={data}", f"--bind-address={place.address}"),
        *(f"--port={place.port}", f"--socket={place.path('socket')}"),
        *(f"--pid-file={place.path('pid')}", "--innodb-flush-log-at-trx-commit=0"),
    ]


def _mariadb_tls(place: Place) -> list[str]:
    self_signed(place)
    key, certificate = place.path("both.pem.key"), place.path("both.pem.crt")
    return [*_mariadb(place), f"--ssl-key={key}", f"--ssl-cert={certificate}"]


_FIREBIRD = """
mount --bind "$FIREBIRD" /var/log/firebird
exec setpriv --reuid=firebird --regid=firebird --init-groups -- /usr/sbin/firebird
"""


def _firebird(place: Place) -> list[str]:
    place.write(
        "firebird.conf",
        f"RemoteBindAddress = {place.address}\nRemoteServicePort = {place.port}\n"
        f"RemoteAuxPort = 0\nIpcName = bed{place.port}\n"
        f"SecurityDatabase = {place.path('security3.fdb')}\n",
    )
    # A copy of its own of the database with the (unusable) accounts: two may not share one.
    place.run("cp", "/var/lib/firebird/3.0/system/security3.fdb", "security3.fdb")
    place.run("cp", "/etc/firebird/3.0/plugins.conf", "/etc/firebird/3.0/databases.conf", ".")
    place.run("ln", "-s", "/usr/lib/x86_64-linux-gnu/firebird/3.0/intl", "intl")
    place.give_to("firebird")
    # It logs to one place only, which is the folder's in a mount namespace of this server.
    places = [f"FIREBIRD={place.folder}", f"FIREBIRD_LOCK={place.folder}"]
    return ["/usr/bin/env", *places, "unshare", "--mount", "sh", "-ec", _FIREBIRD]


_MIMIC = """
import asyncio, sys
from mysql_mimic import MysqlServer, Session

async def main():
    server = MysqlServer(session_factory=Session)
    await server.serve_forever(host=sys.argv[1], port=int(sys.argv[2]))

asyncio.run(main())
"""


def _mimic(place: Place) -> list[str]:
    program = place.write("mimic.py", _MIMIC)
    return [sys.executable, program, place.address, str(place.port)]


SERVERS = [
    Server(
        name="postgresql",
        packages=("postgresql-15",),
        start=_postgresql,
        default_port=5432,
        protocol="postgresql",
        user="postgres",
        quick=True,
        famous=9200,
    ),
    Server(
        name="postgresql-tls",
        packages=("postgresql-15",),
        start=_postgresql_tls,
        default_port=5433,
        protocol="postgresql",
        user="postgres",
    ),
    Server(
        name="firebird",
        packages=("firebird3.0-server",),
        start=_firebird,
        default_port=3050,
        protocol="firebird",
        product="Firebird",
        quick=True,
        log=("firebird3.0.log",),
    ),
    Server(
        name="mysql-mimic",
        packages=("pip:mysql-mimic",),
        start=_mimic,
        default_port=3316,
        protocol="mysql",
        product="MySQL",
        quick=True,
        behind_tls=True,
        # It tells of every connection that ends with such a trace.
        worse=("assertion",),
    ),
    Server(
        name="mariadb",
        packages=("mariadb-server",),
        start=_mariadb,
        default_port=3306,
        protocol="mysql",
        product="MariaDB",
        version=lambda: debian_version("mariadb-server"),
        user="mysql",
        behind_tls=True,
        worse=("assertion", "got signal", "blocked"),
    ),
    Server(
        name="mariadb-tls",
        packages=("mariadb-server",),
        start=_mariadb_tls,
        default_port=3307,
        protocol="mysql",
        product="MariaDB",
        version=lambda: debian_version("mariadb-server"),
        user="mysql",
        worse=("assertion", "got signal", "blocked"),
    ),
]
