"""Settings files of programs that nobody knows: only keys that cannot mean anything else.

`server: port:` is a port to listen on, `listen: ":8080"` too; `database: port:` is one that the
program connects to. What could be either is left alone.
"""

import re

from portbook.lint.endpoint import Endpoint, Gathering, endpoint, in_urls, number
from portbook.lint.keys import Key

_SERVERS = {
    "server": None,
    "http": "http",
    "https": "https",
    "web": "http",
    "grpc": None,
    "metrics": "http",
    "admin": None,
    "listen": None,
    "listener": None,
    "applicationconnectors": None,
    "adminconnectors": None,
}
_PORTS = {
    "port": None,
    "httpport": "http",
    "httpsport": "https",
    "httplistenport": "http",
    "grpcport": None,
    "grpclistenport": None,
}
_LISTENS = frozenset(
    ("listen", "listenaddr", "listenaddress", "bind", "bindaddr", "bindaddress", "httplistenaddr")
)
_LISTENS_BELOW = frozenset(("addr", "address", "endpoint", "httpaddr", "grpcaddr"))
"""Only below a server: elsewhere an address may be anybody's."""

_CLIENTS = frozenset(
    (
        "database",
        "databases",
        "db",
        "postgres",
        "postgresql",
        "mysql",
        "mariadb",
        "mongo",
        "mongodb",
        "redis",
        "cache",
        "rabbitmq",
        "amqp",
        "kafka",
        "nats",
        "elasticsearch",
        "opensearch",
        "smtp",
        "mail",
        "ldap",
        "memcached",
        "clickhouse",
        "minio",
        "etcd",
        "queue",
        "broker",
        "exporters",
        "upstream",
        "upstreams",
    )
)
_HOSTS = ("host", "hostname", "address", "server")


def take(keys: list[Key], ports: Gathering) -> None:
    """Declare the ports of a file."""
    texts = {_plain(key.path): key.text for key in keys}
    for key in keys:
        path = _plain(key.path)
        if not path:
            continue
        *above, name = path
        shown = ".".join(key.path)
        if any(part in _CLIENTS for part in above) or (name in _CLIENTS and not above):
            _client(key, above, name, shown, texts, ports)
        elif above and above[-1] in _SERVERS and name in _PORTS:
            speaks = _SERVERS[above[-1]] or _PORTS[name]
            host = _host(above, texts)
            ports.add(key.offset, number(key.text), "listen", shown, address=host, speaks=speaks)
        elif name in _LISTENS or (name in _LISTENS_BELOW and above and above[-1] in _SERVERS):
            found = _bound(key.text)
            speaks = _SERVERS.get(above[-1]) if above else None
            ports.add(key.offset, found, "listen", shown, speaks=speaks)
        elif path == ("port",):
            # The program's own, most likely; but it says so nowhere.
            ports.add(key.offset, number(key.text), "setting", shown)


def _client(
    key: Key,
    above: list[str],
    name: str,
    shown: str,
    texts: dict[tuple[str, ...], str],
    ports: Gathering,
) -> None:
    if name == "port":
        found = number(key.text)
        ports.add(key.offset, found, "client", shown, address=_host(above, texts))
    elif "//" in key.text:
        for each in in_urls(key.text):
            ports.add(key.offset, each, "client", shown)
    elif name in ("addr", "address", "addrs", "brokers", "hosts", "endpoint"):
        bound = _bound(key.text)
        if bound is not None and bound.host is not None:
            ports.add(key.offset, bound, "client", shown)


def _bound(text: str) -> Endpoint | None:
    """`:8080` or `host:8080`, with `tcp://` or without."""
    scheme = re.match(r"(?:tcp|http)://", text)
    begins = scheme.end() if scheme else 0
    bare = text[begins:]
    found = endpoint(bare) if ":" in bare else None
    # `12:30` is a time of the day, and `a:1:b` no address.
    if found is None or (found.host is not None and found.host.isdigit()):
        return None
    return found._replace(start=found.start + begins)


def _host(above: list[str], texts: dict[tuple[str, ...], str]) -> str | None:
    for name in _HOSTS:
        text = texts.get((*above, name))
        if text and "$" not in text and "//" not in text:
            return text
    return None


def _plain(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.replace("-", "").replace("_", "").lower() for part in path)
