"""Light message brokers and job queues: NATS, Mosquitto, beanstalkd, gearmand and ZeroMQ."""

import subprocess
import sys

from bed.running import self_signed
from bed.server import Place, Server, debian_version

_ZMTP = """
import sys, zmq
socket = zmq.Context().socket(zmq.REP)
socket.bind(f"tcp://{sys.argv[1]}:{sys.argv[2]}")
while True:
    socket.send(socket.recv())
"""


def _nats(place: Place) -> list[str]:
    return ["nats-server", "--addr", place.address, "--port", str(place.port)]


def _nats_tls(place: Place) -> list[str]:
    both = self_signed(place)
    return [*_nats(place), "--tls", "--tlscert", f"{both}.crt", "--tlskey", f"{both}.key"]


def _nats_version() -> str | None:
    said = subprocess.run(["nats-server", "--version"], capture_output=True).stdout.decode()
    return said.strip().rpartition("v")[2] or None


def _mosquitto(place: Place) -> list[str]:
    return _mosquitto_with(place, "allow_anonymous true\n")


def _mosquitto_tls(place: Place) -> list[str]:
    both = self_signed(place)
    return _mosquitto_with(
        place, f"allow_anonymous false\ncertfile {both}.crt\nkeyfile {both}.key\n"
    )


def _mosquitto_with(place: Place, more: str) -> list[str]:
    listener = f"listener {place.port} {place.address}\n"
    config = place.write("mosquitto.conf", f"user root\n{listener}{more}")
    return ["mosquitto", "-c", config]


def _beanstalkd(place: Place) -> list[str]:
    return ["beanstalkd", "-l", place.address, "-p", str(place.port)]


def _gearmand(place: Place) -> list[str]:
    address = ["--listen", place.address, "--port", str(place.port)]
    return ["gearmand", *address, "--log-file", "stderr", "--pid-file", place.path("pid")]


def _zmtp(place: Place) -> list[str]:
    script = place.write("reply.py", _ZMTP)
    return [sys.executable, script, place.address, str(place.port)]


SERVERS = [
    Server(
        name="nats",
        packages=("nats-server",),
        start=_nats,
        default_port=4222,
        protocol="nats",
        product="NATS",
        version=_nats_version,
        quick=True,
        behind_tls=True,
        famous=110,
    ),
    Server(
        name="nats-tls",
        packages=("nats-server", "openssl"),
        start=_nats_tls,
        default_port=4443,
        protocol="nats",
        product="NATS",
        version=_nats_version,
        quick=True,
        own_tls=True,
    ),
    Server(
        name="mosquitto",
        packages=("mosquitto",),
        start=_mosquitto,
        default_port=1883,
        protocol="mqtt",
        quick=True,
        famous=3306,
    ),
    Server(
        name="mosquitto-tls",
        packages=("mosquitto", "openssl"),
        start=_mosquitto_tls,
        default_port=8883,
        protocol="mqtt",
        quick=True,
        own_tls=True,
    ),
    Server(
        name="beanstalkd",
        packages=("beanstalkd",),
        start=_beanstalkd,
        default_port=11300,
        protocol="beanstalkd",
        product="beanstalkd",
        version=lambda: debian_version("beanstalkd"),
        quick=True,
        behind_tls=True,
    ),
    Server(
        name="gearmand",
        packages=("gearman-job-server",),
        start=_gearmand,
        default_port=4730,
        protocol="gearman",
        product="Gearman",
        version=lambda: debian_version("gearman-job-server"),
        user="gearman",
        quick=True,
    ),
    Server(
        name="zmtp",
        packages=("pip:pyzmq",),
        start=_zmtp,
        default_port=5555,
        protocol="zmtp",
        quick=True,
    ),
]
