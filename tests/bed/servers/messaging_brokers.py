"""Message brokers of several protocols: RabbitMQ, ActiveMQ and, for AMQP 1.0, Qpid Proton."""

from collections.abc import Callable

from bed.server import Place, Server, debian_version

_RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server"
_PROTON = """
import sys
from proton.handlers import MessagingHandler
from proton.reactor import Container

class Listening(MessagingHandler):
    def on_start(self, event):
        self.listener = event.container.listen(f"{sys.argv[1]}:{sys.argv[2]}")

Container(Listening()).run()
"""
_ACTIVEMQ = "/usr/share/activemq/bin/activemq.jar"


def _rabbitmq(place: Place) -> list[str]:
    return _rabbitmq_with(place, "[]", f"listeners.tcp.1 = {place.address}:{place.port}\n")


def _rabbitmq_stomp(place: Place) -> list[str]:
    config = f"listeners.tcp = none\nstomp.listeners.tcp.1 = {place.address}:{place.port}\n"
    return _rabbitmq_with(place, "[rabbitmq_stomp]", config)


def _rabbitmq_mqtt(place: Place) -> list[str]:
    config = f"listeners.tcp = none\nmqtt.listeners.tcp.1 = {place.address}:{place.port}\n"
    return _rabbitmq_with(place, "[rabbitmq_mqtt]", config)


def _rabbitmq_with(place: Place, plugins: str, config: str) -> list[str]:
    """A node of its own, with a port mapper of its own: two of them never meet."""
    path = place.write("rabbitmq.conf", f"{config}log.console = true\nlog.file = false\n")
    enabled = place.write("enabled_plugins", f"{plugins}.\n")
    settings = {
        "HOME": place.folder,
        "ERL_EPMD_PORT": place.port + 2,
        "ERL_EPMD_ADDRESS": place.address,
        "RABBITMQ_NODENAME": f"bed{place.port}@localhost",
        "RABBITMQ_DIST_PORT": place.port + 1,
        "RABBITMQ_CONFIG_FILE": path,
        "RABBITMQ_ENABLED_PLUGINS_FILE": enabled,
        "RABBITMQ_MNESIA_BASE": place.path("mnesia"),
        "RABBITMQ_LOG_BASE": place.path("log"),
        "RABBITMQ_PID_FILE": place.path("pid"),
        "RABBITMQ_CONF_ENV_FILE": place.path("none"),
    }
    return ["env", *(f"{key}={value}" for key, value in settings.items()), _RABBIT]


def _proton(place: Place) -> list[str]:
    script = place.write("listen.py", _PROTON)
    return ["/usr/bin/python3", script, place.address, str(place.port)]


def _activemq(scheme: str) -> Callable[[Place], list[str]]:
    def start(place: Place) -> list[str]:
        broker = f"broker:({scheme}://{place.address}:{place.port})?persistent=false&useJmx=false"
        home = ["-Dactivemq.home=/usr/share/activemq", f"-Dactivemq.base={place.folder}"]
        memory = ["-Xmx128m", "-XX:TieredStopAtLevel=1"]
        return ["java", *memory, *home, "-jar", _ACTIVEMQ, "start", broker]

    return start


def _activemq_server(
    name: str, scheme: str, port: int, protocol: str, product: str | None
) -> Server:
    return Server(
        name=name,
        packages=("activemq", "openjdk-17-jre-headless"),
        start=_activemq(scheme),
        default_port=port,
        protocol=protocol,
        product=product,
        version=(lambda: debian_version("activemq")) if product else None,
        seconds=60.0,
        steady=1.0,
        worse=("segfault", "outofmemory"),
    )


SERVERS = [
    Server(
        name="rabbitmq",
        packages=("rabbitmq-server",),
        start=_rabbitmq,
        default_port=5672,
        protocol="amqp",
        product="RabbitMQ",
        version=lambda: debian_version("rabbitmq-server"),
        user="rabbitmq",
        behind_tls=True,
        seconds=90.0,
        steady=2.0,
        worse=("crash", "segfault"),
    ),
    Server(
        name="rabbitmq-stomp",
        packages=("rabbitmq-server",),
        start=_rabbitmq_stomp,
        default_port=61623,
        protocol="stomp",
        user="rabbitmq",
        seconds=90.0,
        steady=2.0,
        worse=("crash", "segfault"),
    ),
    Server(
        name="rabbitmq-mqtt",
        packages=("rabbitmq-server",),
        start=_rabbitmq_mqtt,
        default_port=1893,
        protocol="mqtt",
        user="rabbitmq",
        seconds=90.0,
        steady=2.0,
        worse=("crash", "segfault"),
    ),
    Server(
        name="proton",
        packages=("python3-qpid-proton",),
        start=_proton,
        default_port=5678,
        protocol="amqp",
        quick=True,
    ),
    _activemq_server("activemq", "tcp", 61616, "openwire", "ActiveMQ"),
    _activemq_server("activemq-stomp", "stomp", 61613, "stomp", None),
]
