"""Mail servers: SMTP, LMTP, IMAP, POP3 and ManageSieve."""

import importlib.metadata
import sys
from collections.abc import Callable

from bed.running import self_signed
from bed.server import Place, Server, debian_version


def _exim(place: Place, *, tls_at_once: bool = False) -> list[str]:
    self_signed(place)
    at_once = f"tls_on_connect_ports = {place.port}\n" if tls_at_once else ""
    config = place.write(
        "exim.conf",
        f"primary_hostname = mail.bed.example\nlocal_interfaces = {place.address}\n"
        f"daemon_smtp_ports = {place.port}\n{at_once}"
        f"spool_directory = {place.path('spool')}\nlog_file_path = {place.path('exim-%slog')}\n"
        f"pid_file_path = {place.path('exim.pid')}\nhost_lookup =\n"
        "tls_advertise_hosts = *\n"
        f"tls_certificate = {place.path('both.pem.crt')}\n"
        f"tls_privatekey = {place.path('both.pem.key')}\n"
        "acl_smtp_rcpt = acl_no\nbegin acl\nacl_no:\n  deny\n",
    )
    place.run("mkdir", "-p", place.path("spool"))
    place.give_to("Debian-exim")
    # Exim trusts only a configuration that root owns.
    place.run("chown", "root:", config)
    return ["/usr/sbin/exim4", "-bdf", "-C", config]


def _exim_tls(place: Place) -> list[str]:
    return _exim(place, tls_at_once=True)


def _aiosmtpd(place: Place) -> list[str]:
    return [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"{place.address}:{place.port}"]


_LMTP = """
import asyncio, sys
from aiosmtpd.handlers import Sink
from aiosmtpd.lmtp import LMTP
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: LMTP(Sink()), sys.argv[1], int(sys.argv[2]))
    await server.serve_forever()
asyncio.run(main())
"""


def _aiosmtpd_lmtp(place: Place) -> list[str]:
    program = place.write("lmtp.py", _LMTP)
    return [sys.executable, program, place.address, str(place.port)]


_DOVECOT = {
    "imap": "service imap-login {\n inet_listener imap {\n port = %d\n }\n"
    " inet_listener imaps {\n port = 0\n }\n}\n",
    "imaps": "service imap-login {\n inet_listener imap {\n port = 0\n }\n"
    " inet_listener imaps {\n port = %d\n ssl = yes\n }\n}\n",
    "pop3": "service pop3-login {\n inet_listener pop3 {\n port = %d\n }\n"
    " inet_listener pop3s {\n port = 0\n }\n}\n",
    "pop3s": "service pop3-login {\n inet_listener pop3 {\n port = 0\n }\n"
    " inet_listener pop3s {\n port = %d\n ssl = yes\n }\n}\n",
    "sieve": "service managesieve-login {\n inet_listener sieve {\n port = %d\n }\n}\n",
    "lmtp": "service lmtp {\n inet_listener lmtp {\n port = %d\n }\n}\n",
}


def _dovecot(kind: str) -> Callable[[Place], list[str]]:
    def start(place: Place) -> list[str]:
        self_signed(place)
        config = place.write(
            "dovecot.conf",
            f"base_dir = {place.path('run')}\nprotocols = {kind.removesuffix('s')}\n"
            f"listen = {place.address}\nhostname = mail.bed.example\n"
            "log_path = /dev/stderr\nmail_location = maildir:/nonexistent\nssl = yes\n"
            f"ssl_cert = <{place.path('both.pem.crt')}\nssl_key = <{place.path('both.pem.key')}\n"
            "passdb {\n driver = static\n args = nopassword=y\n}\n"
            "userdb {\n driver = static\n args = uid=nobody gid=nogroup home=/nonexistent\n}\n"
            + _DOVECOT[kind]
            % place.port,
        )
        return ["/usr/sbin/dovecot", "-F", "-c", config]

    return start


def _dovecot_server(kind: str, package: str, protocol: str, port: int, product: str) -> Server:
    return Server(
        name=f"dovecot-{kind}",
        packages=("dovecot-core", package),
        start=_dovecot(kind),
        default_port=port,
        protocol=protocol,
        product=product,
        own_tls=kind in ("imaps", "pop3s"),
        quick=kind in ("imap", "pop3", "lmtp"),
        famous=1433 if kind == "imap" else None,
    )


SERVERS = [
    Server(
        name="exim",
        packages=("exim4-daemon-light",),
        start=_exim,
        default_port=25,
        protocol="smtp",
        product="Exim",
        version=lambda: debian_version("exim4-daemon-light"),
        famous=1521,
        quick=True,
        log=("exim-mainlog", "exim-paniclog"),
    ),
    Server(
        name="exim-tls",
        packages=("exim4-daemon-light",),
        start=_exim_tls,
        default_port=465,
        protocol="smtp",
        product="Exim",
        version=lambda: debian_version("exim4-daemon-light"),
        own_tls=True,
        log=("exim-mainlog", "exim-paniclog"),
    ),
    Server(
        name="aiosmtpd",
        packages=("pip:aiosmtpd",),
        start=_aiosmtpd,
        default_port=8025,
        protocol="smtp",
        product="aiosmtpd",
        version=lambda: importlib.metadata.version("aiosmtpd"),
        quick=True,
        behind_tls=True,
    ),
    Server(
        name="aiosmtpd-lmtp",
        packages=("pip:aiosmtpd",),
        start=_aiosmtpd_lmtp,
        default_port=8024,
        protocol="lmtp",
        quick=True,
    ),
    _dovecot_server("imap", "dovecot-imapd", "imap", 143, "Dovecot"),
    _dovecot_server("imaps", "dovecot-imapd", "imap", 993, "Dovecot"),
    _dovecot_server("pop3", "dovecot-pop3d", "pop3", 110, "Dovecot"),
    _dovecot_server("pop3s", "dovecot-pop3d", "pop3", 995, "Dovecot"),
    _dovecot_server("sieve", "dovecot-managesieved", "managesieve", 4190, "Dovecot Pigeonhole"),
    _dovecot_server("lmtp", "dovecot-lmtpd", "lmtp", 24, "Dovecot"),
]
