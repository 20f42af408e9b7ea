"""Programs whose ports stand in words of a form of their own: containers, tunnels, Node, Java."""

import re
from collections.abc import Iterator, Sequence

from portbook.lint.command_port import CommandPort, bound, local_ports, number, short_ports
from portbook.lint.command_words import HOLE, Command, Word
from portbook.lint.images import image_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_RUNS = frozenset(("run", "create"))
_FLAGS = frozenset(
    [
        "-d",
        "--detach",
        "-i",
        "--interactive",
        "-t",
        "--tty",
        "-it",
        "-ti",
        "-dit",
        "-itd",
        "-di",
        "-id",
        "-td",
        "-dt",
        "--rm",
        "--init",
        "-P",
        "--publish-all",
        "--privileged",
        "--read-only",
        "--no-healthcheck",
        "--sig-proxy",
        "-q",
        "--quiet",
        "--replace",
        "--oom-kill-disable",
        "--disable-content-trust",
        "--no-deps",
        "--service-ports",
        "-T",
        "--build",
        "-rm",
    ]
)
_JAVA = re.compile(
    r"(?:^|[\s,'\"=])(?:-D|--)(?:server\.port|management\.server\.port|quarkus\.http\.port"
    r"|micronaut\.server\.port|jetty\.http\.port|http\.port)=(\d{1,6})(?![\w.])"
)
_JDWP = re.compile(r"-(?:agentlib:jdwp=|Xrunjdwp:)(.*)", re.DOTALL)
_JDWP_ADDRESS = re.compile(r"(?:^|,)address=((?:[^,:]*:)?\d{1,6})(?=,|$)")
_INSPECT = re.compile(r"--(?:inspect(?:-brk|-wait|-port)?|debug(?:-brk|-port)?)=(.+)", re.DOTALL)
_FORWARD = re.compile(r"-[46AaCfGgKkMNnqsTtVvXxYy]*([LRD])(.*)", re.DOTALL)
_SOCAT = re.compile(
    r"(TCP|UDP|TCP4|TCP6|UDP4|UDP6|OPENSSL|SCTP)-(?:L|LISTEN|RECV|RECVFROM):(\d{1,6})(?=,|$)",
    re.IGNORECASE,
)
_SOCAT_BIND = re.compile(r",bind=([^,]+)")
_PAIR = re.compile(r"(\d{1,6}):[\w-]+")
_GO = re.compile(r"--?(?:port|addr|address|listen|http|bind)(?:=(.*))?", re.DOTALL)


def _containers(words: Sequence[Word]) -> Iterator[CommandPort]:
    """`docker run -p 8080:80 image`, also `podman`, `docker container run`, `compose run`."""
    at = next((n for n, word in enumerate(words[:12]) if word.text in _RUNS), None)
    if at is None:
        return
    found: list[CommandPort] = []
    on_host = False
    at += 1
    while at < len(words) and words[at].text.startswith("-"):
        text = words[at].text
        option, equals, _ = text.partition("=")
        if equals:
            value, at = words[at].cut(len(option) + 1), at + 1
        elif re.fullmatch(r"-[a-zA-Z]*p\d.*", text):
            value, at = words[at].cut(text.index("p") + 1), at + 1
            option = "-p"
        elif text in _FLAGS:
            at += 1
            continue
        else:
            value = words[at + 1] if at + 1 < len(words) else words[at].cut(0, 0)
            at += 2
        # Flags can be joined with the last option: `-dp 8080:80`.
        if option == "--publish" or re.fullmatch(r"-[ditP]*p", option):
            found += short_ports(value)
        elif option == "--expose":
            found += [port for port in (number(value, "container"),) if port is not None]
        elif option in ("--network", "--net"):
            on_host = on_host or value.text == "host"
    if on_host:
        return
    image = words[at].text if at < len(words) else HOLE
    for port in found:
        yield port._replace(program=None if HOLE in image else image_name(image))


def _cluster_tool(words: Sequence[Word]) -> Iterator[CommandPort]:
    """`kubectl port-forward svc/x 8080:80`; `:80` lets it choose."""
    if not any(word.text == "port-forward" for word in words):
        return
    address = None
    for at, word in enumerate(words):
        if word.text.startswith("--address="):
            address = word.text.partition("=")[2]
        elif word.text == "--address" and at + 1 < len(words):
            address = words[at + 1].text
    for word in words[1:]:
        pair = _PAIR.fullmatch(word.text)
        port = number(word, "listen", *(pair.span(1) if pair is not None else (0, None)))
        if port is not None:
            yield port._replace(address=address or "127.0.0.1", program="kubectl")


def _ssh(words: Sequence[Word]) -> Iterator[CommandPort]:
    """`-L [address:]port:host:port`, `-D [address:]port`; `-R` listens at the other end."""
    at = 1
    while at < len(words):
        forward = _FORWARD.fullmatch(words[at].text)
        at += 1
        if forward is None:
            continue
        value = words[at - 1].cut(forward.start(2))
        if not value.text:
            if at >= len(words):
                return
            value, at = words[at], at + 1
        kind = forward[1]
        parts = value.text.split(":") if "[" not in value.text else []
        port = None
        if kind == "D" and len(parts) in (1, 2):
            port = bound(value, "listen")
        elif kind == "L" and len(parts) in (3, 4):
            end = len(":".join(parts[: len(parts) - 2]))
            port = bound(value.cut(0, end), "listen")
        if port is not None:
            yield port._replace(address=port.address or "127.0.0.1", program="ssh")


def _socat(words: Sequence[Word]) -> Iterator[CommandPort]:
    for word in words[1:]:
        found = _SOCAT.match(word.text)
        if found is None:
            yield from local_ports(word, bare=True)
            continue
        port = number(word, "listen", *found.span(2))
        if port is not None:
            there = _SOCAT_BIND.search(word.text)
            kind = found[1].lower().rstrip("46")
            transport = kind if kind in ("udp", "sctp") else "tcp"
            yield port._replace(
                address=there[1] if there else None, program="socat", transport=transport
            )


def _netcat(words: Sequence[Word]) -> Iterator[CommandPort]:
    flags = "".join(w.text[1:] for w in words[1:] if re.fullmatch(r"-[a-zA-Z]+", w.text))
    transport = "udp" if "u" in flags or any(w.text == "--udp" for w in words) else "tcp"
    listens = "l" in flags or any(word.text == "--listen" for word in words)
    bare = [word for word in words[1:] if not word.text.startswith("-")]
    if not bare:
        return
    if listens:
        port = number(bare[-1], "listen")
    else:
        is_local = len(bare) > 1 and bare[-2].text in ("localhost", "127.0.0.1", "::1")
        port = number(bare[-1], "client") if is_local else None
    if port is not None:
        yield port._replace(program="nc", transport=transport)


def _node(words: Sequence[Word]) -> Iterator[CommandPort]:
    yield from inspector((Command(tuple(words), beside=False),), "node")
    for at, word in enumerate(words):
        port = None
        if word.text == "--port" and at + 1 < len(words):
            port = number(words[at + 1], "listen")
        elif word.text.startswith("--port="):
            port = number(word, "listen", len("--port="))
        if port is not None:
            yield port._replace(program="node")
        for client in local_ports(word):
            yield client._replace(program="node")


def inspector(commands: Sequence[Command], program: str) -> Iterator[CommandPort]:
    """The port of Node's debugger: `--inspect=0.0.0.0:9229`."""
    for command in commands:
        for word in command.words:
            found = _INSPECT.fullmatch(word.text)
            port = bound(word.cut(found.start(1)), "listen") if found is not None else None
            if port is not None:
                yield port._replace(address=port.address or "127.0.0.1", program=program)


def _java(words: Sequence[Word]) -> Iterator[CommandPort]:
    """`-Dserver.port=`, `--server.port=`, `-agentlib:jdwp=…,server=y,address=*:5005`."""
    for word in words[1:]:
        for found in _JAVA.finditer(word.text):
            port = number(word, "listen", *found.span(1))
            if port is not None:
                yield port._replace(program="java", speaks="http")
        debug = _JDWP.fullmatch(word.text)
        if debug is not None and "server=y" in debug[1].split(","):
            inner = word.cut(debug.start(1))
            there = _JDWP_ADDRESS.search(inner.text)
            port = bound(inner.cut(*there.span(1)), "listen") if there is not None else None
            if port is not None:
                yield port._replace(program="java")
        yield from local_ports(word)


def _php(words: Sequence[Word]) -> Iterator[CommandPort]:
    for at, word in enumerate(words[1:-1], 1):
        port = bound(words[at + 1], "listen") if word.text == "-S" else None
        if port is not None:
            yield port._replace(program="php", speaks="http")


def _go(words: Sequence[Word]) -> Iterator[CommandPort]:
    """`go run . -addr :8080`: the flags that Go programs have by custom."""
    if not any(word.text == "run" for word in words[1:3]):
        return
    for at, word in enumerate(words[2:], 2):
        flag = _GO.fullmatch(word.text)
        if flag is None:
            yield from local_ports(word)
            continue
        value = word.cut(flag.start(1)) if flag[1] is not None else None
        if value is None and at + 1 < len(words):
            value = words[at + 1]
        port = bound(value, "listen") if value is not None else None
        if port is not None:
            yield port._replace(program="go")


def _waiter(words: Sequence[Word]) -> Iterator[CommandPort]:
    """`wait-on tcp:3000 http-get://localhost:3000`, `wait-for-it localhost:5432 -- …`."""
    for word in words[1:]:
        if word.text == "--":
            return
        text = word.text
        if text.startswith(("tcp:", "http-get:", "https-get:", "http:", "https:", "socket:")):
            after = text.index(":") + 1
            port = number(word, "client", after)
            if port is not None:
                yield port
                continue
        for client in local_ports(word, bare=True):
            scheme = text.partition(":")[0]
            yield client._replace(speaks="http" if scheme.startswith("http") else client.speaks)


def _tunnel(words: Sequence[Word]) -> Iterator[CommandPort]:
    """`ngrok http 3000`, `cloudflared tunnel --url http://localhost:3000`, `stripe listen`."""
    for at, word in enumerate(words[1:], 1):
        yield from local_ports(word, bare=True)
        if words[at - 1].text in ("http", "tcp", "tls"):
            port = number(word, "client")
            if port is not None and HOLE not in word.text:
                yield port


TOOLS: "dict[str, Callable[[Sequence[Word]], Iterator[CommandPort]]]" = {
    "docker": _containers,
    "podman": _containers,
    "nerdctl": _containers,
    "docker-compose": _containers,
    "podman-compose": _containers,
    "kubectl": _cluster_tool,
    "oc": _cluster_tool,
    "ssh": _ssh,
    "autossh": _ssh,
    "socat": _socat,
    "nc": _netcat,
    "ncat": _netcat,
    "netcat": _netcat,
    "node": _node,
    "tsx": _node,
    "ts-node": _node,
    "ts-node-dev": _node,
    "java": _java,
    "mvn": _java,
    "mvnw": _java,
    "gradle": _java,
    "gradlew": _java,
    "php": _php,
    "go": _go,
    "wait-on": _waiter,
    "wait-for-it": _waiter,
    "wait-for": _waiter,
    "dockerize": _waiter,
    "ngrok": _tunnel,
    "cloudflared": _tunnel,
    "stripe": _tunnel,
}
"""By the program's word."""
