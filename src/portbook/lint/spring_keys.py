"""The port keys of Spring Boot, Quarkus and Micronaut: `server.port` and its like.

Names are compared as Spring binds them, without case, dashes and underscores.
"""

import re

from portbook.lint.endpoint import Gathering, in_list, in_urls, number
from portbook.lint.keys import Key

_LISTENS = {
    # key: (key of its address, key that shows TLS)
    "server.port": ("server.address", "server.ssl."),
    "management.server.port": ("management.server.address", "management.server.ssl."),
    "quarkus.http.port": ("quarkus.http.host", None),
    "quarkus.http.sslport": ("quarkus.http.host", "quarkus.http.sslport"),
    "quarkus.management.port": ("quarkus.management.host", None),
    "micronaut.server.port": ("micronaut.server.host", "micronaut.server.ssl."),
    "micronaut.server.ssl.port": ("micronaut.server.host", "micronaut.server.ssl.port"),
    "endpoints.all.port": (None, None),
}
_LISTENS_ELSE = frozenset(
    (
        "grpc.server.port",
        "spring.grpc.server.port",
        "quarkus.grpc.server.port",
        "spring.rsocket.server.port",
    )
)
"""These speak no HTTP that a browser would ask for."""

_CLIENT_PORTS = frozenset(
    (
        "spring.redis.port",
        "spring.data.redis.port",
        "spring.data.mongodb.port",
        "spring.rabbitmq.port",
        "spring.mail.port",
        "spring.cassandra.port",
        "spring.data.cassandra.port",
        "spring.cloud.consul.port",
        "rabbitmq.port",
        "quarkus.mailer.port",
    )
)
_CLIENT_ROOTS = frozenset(
    (
        "spring",
        "quarkus",
        "micronaut",
        "eureka",
        "datasources",
        "redis",
        "kafka",
        "r2dbc",
        "management",
        "mp",
    )
)
_ADDRESSES = re.compile(
    r"(?:.*)(?:url|uri|urls|uris|bootstrapservers|servers|addresses|hosts|nodes|brokerurl"
    r"|defaultzone|endpoint|serveraddr|contactpoints)"
)
# `redirect-uri` is asked by a browser, `issuer-uri` may be a name that nobody connects to.
_NO_ADDRESSES = re.compile(r"redirecturi|issueruri|issuer")


def take(keys: list[Key], ports: Gathering, profiles: tuple[str, ...]) -> None:
    """Declare the ports of one document."""
    profiles = _profiles(keys) or profiles
    plain: list[tuple[str, str, Key]] = []
    texts: dict[str, str] = {}
    for key in keys:
        path = key.path
        shown = ".".join(path)
        if path and path[0].startswith("%"):
            path = path[1:]
        name = _plain(".".join(path))
        texts.setdefault(name, key.text)
        plain.append((name, shown, key))
    secure = {name for name in texts if ".ssl." in name or name.endswith("sslport")}
    for name, shown, key in plain:
        own = (key.path[0][1:],) if key.path[0].startswith("%") else profiles
        listens = _LISTENS.get(name)
        if listens is not None:
            address, tls = listens
            ports.add(
                key.offset,
                number(key.text),
                "listen",
                shown,
                address=_address(texts.get(address or "")),
                speaks="https" if tls and _is_secure(tls, secure, texts) else "http",
                profiles=own,
            )
        elif name in _LISTENS_ELSE:
            ports.add(key.offset, number(key.text), "listen", shown, profiles=own)
        elif name in _CLIENT_PORTS:
            host = _address(texts.get(f"{name.removesuffix('.port')}.host"))
            ports.add(key.offset, number(key.text), "client", shown, address=host, profiles=own)
        elif _is_address(name):
            read = in_urls if "//" in key.text or "thin:@" in key.text else in_list
            for found in read(key.text):
                ports.add(key.offset, found, "client", shown, profiles=own)


def _is_address(name: str) -> bool:
    root, dot, rest = name.partition(".")
    last = rest.rpartition(".")[2]
    return (
        bool(dot)
        and root in _CLIENT_ROOTS
        and _ADDRESSES.fullmatch(last) is not None
        and _NO_ADDRESSES.fullmatch(last) is None
    )


def _is_secure(prefix: str, secure: set[str], texts: dict[str, str]) -> bool:
    if not prefix.endswith("."):
        return True
    own = [name for name in secure if name.startswith(prefix)]
    return bool(own) and texts.get(f"{prefix}enabled") != "false"


def _plain(name: str) -> str:
    return re.sub(r"\[\d+\]", "", name).replace("-", "").replace("_", "").lower()


def _address(text: str | None) -> str | None:
    """A literal address, or a variable's default."""
    if text is None:
        return None
    default = re.fullmatch(r"\$\{[^{}:\s]+:-?([^{}\s]+)\}", text)
    text = default[1] if default else text
    return text if "$" not in text and text else None


def _profiles(keys: list[Key]) -> tuple[str, ...]:
    """The profiles that switch a document on."""
    found = [
        name.strip()
        for key in keys
        if _plain(".".join(key.path)) in ("spring.config.activate.onprofile", "spring.profiles")
        for name in re.split(r"[,|]", key.text)
    ]
    return tuple(name for name in found if name)
