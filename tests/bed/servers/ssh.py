"""SSH servers."""

import subprocess

from bed.server import Place, Server, debian_version


def _openssh(place: Place) -> list[str]:
    key = place.path("host_key")
    place.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    place.run("mkdir", "-p", "/run/sshd")
    config = place.write(
        "sshd_config",
        f"ListenAddress {place.address}:{place.port}\nHostKey {key}\nPidFile none\n",
    )
    return ["/usr/sbin/sshd", "-D", "-e", "-f", config]


def _openssh_version() -> str | None:
    said = subprocess.run(["ssh", "-V"], capture_output=True).stderr.decode()
    return said.partition("OpenSSH_")[2].partition(" ")[0].partition(",")[0]


def _dropbear(place: Place) -> list[str]:
    key, pid = place.path("host_key"), place.path("dropbear.pid")
    place.run("dropbearkey", "-t", "ed25519", "-f", key)
    where = f"{place.address}:{place.port}"
    return ["/usr/sbin/dropbear", "-F", "-E", "-r", key, "-P", pid, "-p", where]


def _tinysshd(place: Place) -> list[str]:
    place.run("tinysshd-makekey", "-q", place.path("keys"))
    config = place.write(
        "xinetd.conf",
        f"service bed\n{{\n type = UNLISTED\n bind = {place.address}\n port = {place.port}\n"
        " socket_type = stream\n protocol = tcp\n wait = no\n user = root\n"
        " server = /usr/sbin/tinysshd\n"
        f" server_args = -q {place.path('keys')}\n}}\n",
    )
    pid = ["-pidfile", place.path("xinetd.pid")]
    return ["/usr/sbin/xinetd", "-dontfork", "-f", config, "-filelog", place.path("log"), *pid]


SERVERS = [
    Server(
        name="openssh",
        packages=("openssh-server",),
        start=_openssh,
        default_port=22,
        protocol="ssh",
        product="OpenSSH",
        version=_openssh_version,
        quick=True,
        famous=80,
    ),
    Server(
        name="dropbear",
        packages=("dropbear-bin",),
        start=_dropbear,
        default_port=2222,
        protocol="ssh",
        product="Dropbear",
        version=lambda: debian_version("dropbear-bin"),
        quick=True,
        behind_tls=True,
    ),
    Server(
        name="tinysshd",
        packages=("tinysshd", "xinetd"),
        start=_tinysshd,
        default_port=2223,
        protocol="ssh",
        product="TinySSH",
        version=lambda: debian_version("tinysshd"),
        log=("log",),
        quick=True,
    ),
]
