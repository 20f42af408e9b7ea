"""Remote displays: VNC, X11, RDP, SPICE, XDMCP."""

from bed.running import self_signed
from bed.server import Place, Server, debian_version


def _x11vnc(place: Place) -> list[str]:
    # A file as the screen: no X server is needed.
    place.run("truncate", "-s", str(64 * 48 * 4), place.path("screen"))
    screen = f"map:{place.path('screen')}@64x48x32"
    return [
        *("x11vnc", "-rawfb", screen, "-rfbport", str(place.port), "-listen", place.address),
        *("-no6", "-nopw", "-forever", "-noshm"),
    ]


def _tigervnc(place: Place) -> list[str]:
    # Only the abstract socket, which ends with the namespace; nothing stays in /tmp.
    display = f":{place.port % 20000 + 100}"
    return [
        *("Xtigervnc", display, "-nolisten", "unix", "-nolock", "-geometry", "64x48"),
        *("-rfbport", str(place.port), "-interface", place.address, "-SecurityTypes", "VncAuth"),
        *("-PasswordFile", place.write("passwd", "0123456\n")),
    ]


def _xvfb(place: Place) -> list[str]:
    return [
        *("Xvfb", f":{place.port - 6000}", "-listen", "tcp", "-nolisten", "unix", "-nolock"),
        *("-screen", "0", "64x48x24", "-noreset"),
    ]


def _xrdp(place: Place) -> list[str]:
    both = self_signed(place)
    config = place.write(
        "xrdp.ini",
        "[Globals]\nini_version=1\nfork=true\n"
        f"port=tcp://{place.address}:{place.port}\n"
        "security_layer=negotiate\ncrypt_level=high\nssl_protocols=TLSv1.2, TLSv1.3\n"
        f"certificate={both}.crt\nkey_file={both}.key\n"
        f"[Logging]\nLogFile={place.path('xrdp.log')}\nLogLevel=INFO\nEnableSyslog=false\n"
        "[Xorg]\nname=Xorg\nlib=libxup.so\nusername=ask\npassword=ask\nport=-1\ncode=20\n",
    )
    # Its process number goes to a fixed place.
    own_run = 'mount -t tmpfs tmpfs /run; mkdir /run/xrdp; exec "$@"'
    return ["unshare", "--mount", "sh", "-c", own_run, "sh", "xrdp", "-n", "-c", config]


_QEMU = ("qemu-system-x86_64", "-machine", "none", "-nodefaults", "-S", "-monitor", "none")


def _qemu_spice(place: Place) -> list[str]:
    where = f"port={place.port},addr={place.address},disable-ticketing=on"
    return [*_QEMU, "-display", "none", "-spice", where]


def _qemu_vnc(place: Place) -> list[str]:
    return [*_QEMU, "-vnc", f"{place.address}:{place.port - 5900}"]


def _xdm(place: Place) -> list[str]:
    names = ("servers", "access", "keys")
    files = {name: place.write(name, "*\n" if name == "access" else "") for name in names}
    config = place.write(
        "xdm-config",
        f"DisplayManager.errorLogFile: {place.path('xdm.log')}\n"
        f"DisplayManager.pidFile: {place.path('pid')}\n"
        f"DisplayManager.keyFile: {files['keys']}\n"
        f"DisplayManager.servers: {files['servers']}\n"
        f"DisplayManager.accessFile: {files['access']}\n"
        f"DisplayManager.authDir: {place.folder}\n"
        "DisplayManager.willing: echo bed\n",
    )
    return ["xdm", "-nodaemon", "-config", config, "-udpPort", str(place.port)]


SERVERS = [
    Server(
        name="x11vnc",
        packages=("x11vnc",),
        start=_x11vnc,
        default_port=5900,
        protocol="vnc",
        quick=True,
        famous=1433,
    ),
    Server(
        name="tigervnc",
        packages=("tigervnc-standalone-server",),
        start=_tigervnc,
        default_port=5901,
        protocol="vnc",
        quick=True,
        behind_tls=True,
    ),
    Server(
        name="xvfb",
        packages=("xvfb",),
        start=_xvfb,
        default_port=6000,
        protocol="x11",
        product="X.Org",
        version=lambda: debian_version("xvfb"),
        quick=True,
    ),
    Server(
        name="xrdp",
        packages=("xrdp",),
        start=_xrdp,
        default_port=3389,
        protocol="rdp",
        quick=True,
        log=("xrdp.log",),
    ),
    Server(
        name="qemu-spice",
        packages=("qemu-system-x86", "libspice-server1"),
        start=_qemu_spice,
        default_port=5930,
        protocol="spice",
        famous=27018,
    ),
    Server(
        name="qemu-vnc",
        packages=("qemu-system-x86",),
        start=_qemu_vnc,
        default_port=5910,
        protocol="vnc",
    ),
    Server(
        name="xdm",
        packages=("xdm",),
        start=_xdm,
        default_port=177,
        protocol="xdmcp",
        transport="udp",
        quick=True,
        log=("xdm.log",),
    ),
]
