"""Daemons with a command port: distccd, PulseAudio, clamd, saned and lircd."""

from bed.server import Place, Server, debian_version


def _distccd(place: Place) -> list[str]:
    return [
        *("distccd", "--daemon", "--no-detach", "--log-stderr", "--user", "nobody"),
        *("--listen", place.address, "--port", str(place.port), "--allow", "127.0.0.0/8"),
    ]


def _pulseaudio(place: Place) -> list[str]:
    module = f"module-native-protocol-tcp listen={place.address} port={place.port}"
    config = place.write("bed.pa", f"load-module {module}\nload-module module-null-sink\n")
    options = ("--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes")
    return ["pulseaudio", "-n", *options, "-F", config]


def _clamd(place: Place) -> list[str]:
    # One signature of its own is the least that clamd wants (md5 of nothing that exists).
    place.write("db/bed.hdb", "44d88612fea8a8f36de82e1278abb02f:68:Bed.Test\n")
    config = place.write(
        "clamd.conf",
        f"Foreground yes\nTCPSocket {place.port}\nTCPAddr {place.address}\n"
        f"DatabaseDirectory {place.path('db')}\nLogFile {place.path('clamd.log')}\n"
        "User root\nConcurrentDatabaseReload no\n",
    )
    return ["clamd", "--config-file", config]


def _saned(place: Place) -> list[str]:
    place.write("saned.conf", "127.0.0.0/8\nlocalhost\n")
    place.write("dll.conf", "test\n")
    return ["saned", "-l", "-e", "-b", place.address, "-p", str(place.port)]


def _lircd(place: Place) -> list[str]:
    place.run("mkdir", "-p", "/run/lirc")
    config = place.write("lircd.conf", "")
    options = place.write("options.conf", "[lircd]\n")
    return [
        *("lircd", "--nodaemon", "-O", options, "--driver", "file", "--device", place.path("sent")),
        *("--output", place.path("socket"), "--pidfile", place.path("pid")),
        *("--logfile", place.path("log"), f"--listen={place.address}:{place.port}", config),
    ]


SERVERS = [
    Server(
        name="distccd",
        packages=("distcc",),
        start=_distccd,
        default_port=3632,
        protocol="distcc",
        quick=True,
        worse=("crit", "segfault"),
    ),
    Server(
        name="pulseaudio",
        packages=("pulseaudio",),
        start=_pulseaudio,
        default_port=4713,
        protocol="pulseaudio",
        quick=True,
        worse=("assertion", "segfault"),
    ),
    Server(
        name="clamd",
        packages=("clamav-daemon",),
        start=_clamd,
        default_port=3310,
        protocol="clamd",
        product="ClamAV",
        version=lambda: debian_version("clamav-daemon"),
        log=("clamd.log",),
    ),
    Server(
        name="saned",
        packages=("sane-utils",),
        start=_saned,
        default_port=6566,
        protocol="sane",
        environment={"SANE_CONFIG_DIR": "."},
        quick=True,
    ),
    Server(
        name="lircd",
        packages=("lirc",),
        start=_lircd,
        default_port=8765,
        protocol="lirc",
        product="LIRC",
        version=lambda: debian_version("lirc"),
        log=("log",),
        quick=True,
        famous=2222,
    ),
]
