"""Databases, metrics and container services that are asked over HTTP."""

import os

from bed.server import Place, Server, debian_version


def _influxdb(place: Place) -> list[str]:
    config = place.write(
        "influxdb.conf",
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{place.port + 5000}"\n'
        f'[meta]\n dir = "{place.folder}/meta"\n[data]\n dir = "{place.folder}/data"\n'
        f' wal-dir = "{place.folder}/wal"\n[monitor]\n store-enabled = false\n'
        f'[http]\n bind-address = "{place.address}:{place.port}"\n log-enabled = false\n',
    )
    return ["/usr/bin/influxd", "run", "-config", config]


def _prometheus(place: Place) -> list[str]:
    config = place.write("prometheus.yml", "global:\n  scrape_interval: 1h\n")
    data = f"--storage.tsdb.path={place.folder}/data"
    listen = f"--web.listen-address={place.address}:{place.port}"
    return ["/usr/bin/prometheus", f"--config.file={config}", data, listen]


def _node_exporter(place: Place) -> list[str]:
    listen = f"--web.listen-address={place.address}:{place.port}"
    return [
        "/usr/bin/prometheus-node-exporter",
        listen,
        "--collector.disable-defaults",
        "--collector.time",
    ]


def _registry(place: Place) -> list[str]:
    config = place.write(
        "registry.yml",
        "version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n"
        f"    rootdirectory: {place.folder}/registry\n"
        f"http:\n  addr: {place.address}:{place.port}\n",
    )
    return ["/usr/bin/docker-registry", "serve", config]


def _podman(place: Place) -> list[str]:
    roots = ["--root", place.path("root"), "--runroot", place.path("run")]
    os.makedirs(place.path("tmp"), exist_ok=True)
    more = [
        "--tmpdir",
        place.path("tmp"),
        "--cgroup-manager",
        "cgroupfs",
        "--storage-driver",
        "vfs",
    ]
    service = ["system", "service", "--time=0", f"tcp:{place.address}:{place.port}"]
    return ["/usr/bin/podman", *roots, *more, *service]


def _docker(place: Place) -> list[str]:
    config = place.write("daemon.json", "{}")
    return [
        # It mounts its data on itself; in a mount namespace of its own that ends with it.
        *(
            "unshare",
            "--mount",
            "/usr/sbin/dockerd",
            "-H",
            f"tcp://{place.address}:{place.port}",
            "--tls=false",
        ),
        *("--data-root", place.path("data"), "--exec-root", place.path("exec")),
        *("--pidfile", place.path("pid"), "--iptables=false", "--ip-masq=false"),
        *("--bridge=none", "--storage-driver", "vfs", "--config-file", config),
    ]


SERVERS = [
    Server(
        name="influxdb",
        packages=("influxdb",),
        start=_influxdb,
        default_port=8086,
        protocol="http",
        application="influxdb",
        product="InfluxDB",
        quick=True,
        famous=6379,
    ),
    Server(
        name="prometheus",
        packages=("prometheus",),
        start=_prometheus,
        default_port=9090,
        protocol="http",
        application="prometheus",
        product="Prometheus",
        version=lambda: debian_version("prometheus"),
        steady=1.0,
    ),
    Server(
        name="node-exporter",
        packages=("prometheus-node-exporter",),
        start=_node_exporter,
        default_port=9110,
        protocol="http",
        application="prometheus-exporter",
        product="Node Exporter",
        version=lambda: debian_version("prometheus-node-exporter"),
        quick=True,
    ),
    Server(
        name="docker-registry",
        packages=("docker-registry",),
        start=_registry,
        default_port=5000,
        protocol="http",
        application="docker-registry",
        product="Docker Registry",
        quick=True,
    ),
    Server(
        name="podman",
        packages=("podman",),
        start=_podman,
        default_port=2375,
        protocol="http",
        application="docker",
        product="Podman",
        version=lambda: debian_version("podman"),
    ),
    Server(
        name="docker",
        packages=("docker.io",),
        start=_docker,
        default_port=2376,
        protocol="http",
        application="docker",
        product="Docker",
        version=lambda: debian_version("docker.io"),
        seconds=40,
        steady=2.0,
    ),
]
