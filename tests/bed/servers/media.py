"""Media, positions, measuring: MPD, gpsd, iperf3, RTSP, RTMP, and the server of ADB."""

import sys

from bed.server import Place, Server, debian_version

_RTSP = """
import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address(sys.argv[1])
server.set_service(sys.argv[2])
server.attach(None)
GLib.MainLoop().run()
"""

_RTMP = """
import asyncio, logging, sys
from pyrtmp.rtmp import RTMPProtocol, SimpleRTMPController
logging.getLogger().setLevel(logging.INFO)

async def main():
    server = await asyncio.get_running_loop().create_server(
        lambda: RTMPProtocol(SimpleRTMPController()), sys.argv[1], int(sys.argv[2])
    )
    await server.serve_forever()

asyncio.run(main())
"""


def _mpd(place: Place) -> list[str]:
    place.run("mkdir", place.path("music"))
    config = place.write(
        "mpd.conf",
        f'music_directory "{place.path("music")}"\nbind_to_address "{place.address}"\n'
        f'port "{place.port}"\nzeroconf_enabled "no"\n'
        'audio_output {\n  type "null"\n  name "null"\n}\n',
    )
    return ["mpd", "--no-daemon", "--stderr", config]


def _gpsd(place: Place) -> list[str]:
    # Without a device it wants a socket where one may be announced.
    return ["gpsd", "-N", "-D", "1", "-S", str(place.port), "-F", place.path("socket")]


def _iperf3(place: Place) -> list[str]:
    return ["iperf3", "-s", "-B", place.address, "-p", str(place.port)]


def _rtsp(place: Place) -> list[str]:
    script = place.write("gst_rtsp_server.py", _RTSP)
    return ["/usr/bin/python3", script, place.address, str(place.port)]


def _rtmp(place: Place) -> list[str]:
    script = place.write("pyrtmp_server.py", _RTMP)
    return [sys.executable, script, place.address, str(place.port)]


def _adb(place: Place) -> list[str]:
    return ["adb", "-P", str(place.port), "server", "nodaemon"]


def _transmission(place: Place) -> list[str]:
    place.run("mkdir", place.path("down"))
    place.write(
        "settings.json",
        '{"rpc-enabled": false, "dht-enabled": false, "lpd-enabled": false, '
        '"port-forwarding-enabled": false, "utp-enabled": true, '
        f'"bind-address-ipv4": "{place.address}", "peer-port": {place.port}, '
        f'"download-dir": "{place.path("down")}"}}',
    )
    return ["transmission-daemon", "-f", "-g", place.folder]


SERVERS = [
    Server(
        name="adb-server",
        packages=("adb",),
        start=_adb,
        default_port=5037,
        protocol="adb-server",
        quick=True,
    ),
    Server(
        name="mpd",
        packages=("mpd",),
        start=_mpd,
        default_port=6600,
        protocol="mpd",
        quick=True,
        famous=27017,
    ),
    Server(
        name="gpsd",
        packages=("gpsd",),
        start=_gpsd,
        default_port=2947,
        protocol="gpsd",
        product="gpsd",
        version=lambda: debian_version("gpsd"),
        quick=True,
        behind_tls=True,
    ),
    Server(
        name="iperf3",
        packages=("iperf3",),
        start=_iperf3,
        default_port=5201,
        protocol="iperf3",
        quick=True,
    ),
    Server(
        name="gst-rtsp-server",
        packages=("gir1.2-gst-rtsp-server-1.0", "python3-gi"),
        start=_rtsp,
        default_port=8554,
        protocol="rtsp",
        product="GStreamer RTSP server",
        quick=True,
        famous=9042,
    ),
    Server(
        name="pyrtmp",
        packages=("pip:pyrtmp",),
        start=_rtmp,
        default_port=1935,
        protocol="rtmp",
        quick=True,
    ),
    Server(
        name="transmission-utp",
        packages=("transmission-daemon",),
        start=_transmission,
        default_port=51413,
        protocol="bittorrent",
        transport="udp",
        quick=True,
    ),
]
