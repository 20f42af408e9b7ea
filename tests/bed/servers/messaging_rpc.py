"""RPC and coordination: etcd, ZooKeeper, gRPC, HTTP/2, and the port mapper of Erlang."""

import sys

from bed.running import self_signed
from bed.server import Place, Server, debian_version

_GRPC = """
import sys
from concurrent import futures
import grpc
server = grpc.server(futures.ThreadPoolExecutor(2))
place, certificate = f"{sys.argv[1]}:{sys.argv[2]}", sys.argv[3:]
if certificate:
    pair = [open(certificate[0] + part, "rb").read() for part in (".key", ".crt")]
    server.add_secure_port(place, grpc.ssl_server_credentials([tuple(pair)]))
else:
    server.add_insecure_port(place)
server.start()
server.wait_for_termination()
"""


def _etcd(place: Place) -> list[str]:
    clients = f"http://{place.address}:{place.port}"
    peers = f"http://{place.address}:{place.port + 1}"
    return [
        *("etcd", "--data-dir", place.path("data")),
        *("--listen-client-urls", clients, "--advertise-client-urls", clients),
        *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
        *("--initial-cluster", f"default={peers}"),
    ]


def _zookeeper(place: Place) -> list[str]:
    config = place.write(
        "zoo.cfg",
        f"tickTime=2000\ndataDir={place.path('data')}\nadmin.enableServer=false\n"
        f"clientPortAddress={place.address}\nclientPort={place.port}\n",
    )
    classes = "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-nop.jar"
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    return ["java", "-Xmx96m", "-XX:TieredStopAtLevel=1", "-cp", classes, main, config]


def _grpc(place: Place) -> list[str]:
    script = place.write("serve.py", _GRPC)
    return [sys.executable, script, place.address, str(place.port)]


def _grpc_tls(place: Place) -> list[str]:
    return [*_grpc(place), self_signed(place)]


def _nginx_h2(place: Place) -> list[str]:
    config = place.write(
        "nginx.conf",
        f"daemon off;\nuser root;\npid {place.path('pid')};\nerror_log {place.path('error.log')};\n"
        "events {}\nhttp {\naccess_log off;\n"
        f"client_body_temp_path {place.path('body')};\nproxy_temp_path {place.path('proxy')};\n"
        f"fastcgi_temp_path {place.path('fast')};\nuwsgi_temp_path {place.path('uwsgi')};\n"
        f"scgi_temp_path {place.path('scgi')};\n"
        f"server {{ listen {place.address}:{place.port} http2; return 200 ok; }}\n}}\n",
    )
    return ["nginx", "-e", place.path("error.log"), "-c", config]


def _epmd(place: Place) -> list[str]:
    return ["epmd", "-address", place.address, "-port", str(place.port)]


def _erlang(place: Place) -> list[str]:
    # A port mapper of its own, one port above: two nodes never meet.
    limits = ["inet_dist_listen_min", str(place.port), "inet_dist_listen_max", str(place.port)]
    address = ["inet_dist_use_interface", "{127,0,0,1}"]
    name = ["-sname", f"bed{place.port}@localhost", "-setcookie", "bed"]
    node = ["erl", "-noinput", *name, "-kernel", *limits, *address]
    return ["env", f"ERL_EPMD_PORT={place.port + 1}", "ERL_EPMD_ADDRESS=127.0.0.1", *node]


SERVERS = [
    Server(
        name="etcd",
        packages=("etcd-server",),
        start=_etcd,
        default_port=2379,
        protocol="http",
        application="etcd",
        product="etcd",
        version=lambda: debian_version("etcd-server"),
        quick=True,
        steady=1.5,
        worse=("panic", "segfault"),
    ),
    Server(
        name="zookeeper",
        packages=("zookeeper",),
        start=_zookeeper,
        default_port=2181,
        protocol="zookeeper",
        product="Apache ZooKeeper",
        version=lambda: debian_version("zookeeper"),
        seconds=60.0,
        steady=2.0,
    ),
    Server(
        name="grpc",
        packages=("pip:grpcio",),
        start=_grpc,
        default_port=50051,
        protocol="grpc",
        quick=True,
        famous=11211,
    ),
    Server(
        name="grpc-tls",
        packages=("pip:grpcio", "openssl"),
        start=_grpc_tls,
        default_port=50052,
        protocol="grpc",
        own_tls=True,
    ),
    Server(
        name="nginx-h2c",
        packages=("nginx-light",),
        start=_nginx_h2,
        default_port=8081,
        protocol="http2",
        product="nginx",
        version=lambda: debian_version("nginx-common"),
        quick=True,
        log=("error.log",),
    ),
    Server(
        name="epmd",
        packages=("erlang-base",),
        start=_epmd,
        default_port=4369,
        protocol="epmd",
        quick=True,
        famous=143,
    ),
    Server(
        name="erlang-node",
        packages=("erlang-base",),
        start=_erlang,
        default_port=25672,
        protocol="erlang",
        seconds=30.0,
    ),
]
