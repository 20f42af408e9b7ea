"""Servers of files, blocks and repositories: rsync, git, Subversion, CVS, NBD, iSCSI, TFTP."""

import os

from bed.server import Place, Server


def _rsync(place: Place) -> list[str]:
    config = place.write(
        "rsyncd.conf",
        f"address = {place.address}\nport = {place.port}\nuse chroot = no\n"
        f"lock file = {place.path('lock')}\n[files]\npath = {place.folder}\n",
    )
    return ["rsync", "--daemon", "--no-detach", f"--config={config}", "--log-file=/dev/stdout"]


def _git(place: Place) -> list[str]:
    listen = [f"--listen={place.address}", f"--port={place.port}", "--reuseaddr"]
    return ["git", "daemon", "--verbose", f"--base-path={place.folder}", *listen]


def _svn(place: Place) -> list[str]:
    place.run("svnadmin", "create", place.path("repository"))
    listen = ["--listen-host", place.address, "--listen-port", str(place.port)]
    return ["svnserve", "-d", "--foreground", "-r", place.folder, *listen]


def _cvs(place: Place) -> list[str]:
    root = place.path("root")
    place.run("cvs", "-d", root, "init")
    config = place.write(
        "xinetd.conf",
        f"service cvs\n{{\n type = UNLISTED\n port = {place.port}\n bind = {place.address}\n"
        " socket_type = stream\n protocol = tcp\n wait = no\n user = root\n"
        f" server = /usr/bin/cvs\n server_args = -f --allow-root={root} pserver\n}}\n",
    )
    return ["/usr/sbin/xinetd", "-dontfork", "-f", config, "-pidfile", place.path("pid")]


def _nbd(place: Place) -> list[str]:
    disk = place.path("disk")
    with open(disk, "wb") as file:
        file.truncate(1 << 20)
    config = place.write(
        "nbd.conf",
        f"[generic]\nlistenaddr = {place.address}\nport = {place.port}\n[disk]\n"
        f"exportname = {disk}\n",
    )
    return ["nbd-server", "-C", config, "-p", place.path("pid")]


def _tgt(place: Place) -> list[str]:
    os.makedirs("/run/tgtd", exist_ok=True)
    # The number of its control socket has to be below 32768.
    control = f"-C {place.port % 30000}"
    target = f"tgtadm {control} --lld iscsi --mode target --tid 1 --op"
    script = (
        f"tgtd -f {control} --iscsi portal={place.address}:{place.port} &\n"
        f"until {target} new -T iqn.2026-01.example:bed; do sleep 0.1; done\n"
        f"{target} bind -I ALL\nwait\n"
    )
    return ["sh", place.write("run.sh", script)]


def _tftp_hpa(place: Place) -> list[str]:
    # With an address it looks for one that is more than loopback, and finds none in the bed.
    address = f":{place.port}"
    return ["/usr/sbin/in.tftpd", "-L", "-4", "-a", address, "-u", "root", "-s", place.folder]


SERVERS = [
    Server(
        name="rsync",
        packages=("rsync",),
        start=_rsync,
        default_port=873,
        protocol="rsync",
        quick=True,
        behind_tls=True,
        famous=1521,
    ),
    Server(
        name="git-daemon",
        packages=("git",),
        start=_git,
        default_port=9418,
        protocol="git",
        quick=True,
    ),
    Server(
        name="svnserve",
        packages=("subversion",),
        start=_svn,
        default_port=3690,
        protocol="svn",
        quick=True,
    ),
    Server(
        name="cvs",
        packages=("cvs", "xinetd"),
        start=_cvs,
        default_port=2401,
        protocol="cvs",
        quick=True,
    ),
    Server(
        name="nbd-server",
        packages=("nbd-server",),
        start=_nbd,
        default_port=10809,
        protocol="nbd",
        quick=True,
    ),
    Server(
        name="tgt",
        packages=("tgt",),
        start=_tgt,
        default_port=3260,
        protocol="iscsi",
    ),
    Server(
        name="tftpd-hpa",
        packages=("tftpd-hpa",),
        start=_tftp_hpa,
        default_port=69,
        transport="udp",
        protocol="tftp",
    ),
]
