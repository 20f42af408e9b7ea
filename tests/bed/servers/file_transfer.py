"""FTP servers."""

import importlib.metadata
import sys

from bed.running import self_signed
from bed.server import Place, Server, debian_version


def _vsftpd(place: Place, more: str = "") -> list[str]:
    place.run("mkdir", "-p", place.path("empty"))
    config = place.write(
        "vsftpd.conf",
        f"listen=YES\nbackground=NO\nlisten_address={place.address}\nlisten_port={place.port}\n"
        f"secure_chroot_dir={place.path('empty')}\nanonymous_enable=NO\nlocal_enable=YES\n"
        f"seccomp_sandbox=NO\nxferlog_enable=NO\n{more}",
    )
    return ["/usr/sbin/vsftpd", config]


def _vsftpd_upgrade(place: Place) -> list[str]:
    self_signed(place)
    return _vsftpd(place, _tls(place))


def _vsftpd_tls(place: Place) -> list[str]:
    self_signed(place)
    return _vsftpd(place, _tls(place) + "implicit_ssl=YES\n")


def _tls(place: Place) -> str:
    certificate, key = place.path("both.pem.crt"), place.path("both.pem.key")
    return f"ssl_enable=YES\nrsa_cert_file={certificate}\nrsa_private_key_file={key}\n"


def _pyftpdlib(place: Place) -> list[str]:
    where = ["-i", place.address, "-p", str(place.port), "-d", place.folder]
    return [sys.executable, "-m", "pyftpdlib", *where]


SERVERS = [
    Server(
        name="vsftpd",
        packages=("vsftpd",),
        start=_vsftpd,
        default_port=21,
        protocol="ftp",
        product="vsftpd",
        version=lambda: debian_version("vsftpd"),
        famous=27017,
        quick=True,
    ),
    Server(
        name="vsftpd-upgrade",
        packages=("vsftpd",),
        start=_vsftpd_upgrade,
        default_port=2121,
        protocol="ftp",
        product="vsftpd",
        version=lambda: debian_version("vsftpd"),
        quick=True,
    ),
    Server(
        name="vsftpd-tls",
        packages=("vsftpd",),
        start=_vsftpd_tls,
        default_port=990,
        protocol="ftp",
        product="vsftpd",
        version=lambda: debian_version("vsftpd"),
        own_tls=True,
    ),
    Server(
        name="pyftpdlib",
        packages=("pip:pyftpdlib",),
        start=_pyftpdlib,
        default_port=2122,
        protocol="ftp",
        product="pyftpdlib",
        version=lambda: importlib.metadata.version("pyftpdlib"),
        quick=True,
        behind_tls=True,
    ),
]
