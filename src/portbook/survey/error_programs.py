"""Which program's words an error is in. Pure, and a guess: programs quote each other."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_OWN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("gunicorn", ("gunicorn", "connection in use: (")),
    ("uvicorn", ("uvicorn", "waiting for application startup")),
    ("django", ("error: that port is already in use", "django")),
    ("flask", ("is in use by another program. either identify", "flask", "werkzeug")),
    ("jupyter", ("jupyter", "serverapp", "notebookapp")),
    ("tensorboard", ("tensorboard",)),
    ("kubectl", ("unable to create listener", "listen on any of the requested ports", "kubectl")),
    ("rootlessport", ("rootlessport",)),
    ("podman", ("podman",)),
    (
        "docker",
        (
            *("port is already allocated", "userland proxy", "error response from daemon"),
            *("failed to bind host port", "driver failed programming", "ports are not available"),
        ),
    ),
    ("caddy", ("caddy", "loading initial config", "loading new config")),
    ("nginx", ("nginx:", "[emerg]")),
    ("apache", ("ah00072", "make_sock", "httpd")),
    ("haproxy", ("haproxy", "cannot bind socket")),
    ("lighttpd", ("lighttpd", "can't bind to socket")),
    ("varnish", ("varnish", "could not get socket")),
    ("squid", ("squid", "commbind")),
    ("php", ("php", "(reason: address already in use)", "(reason: permission denied)")),
    ("next", ("next.js", "next dev", "next start", ", using available port")),
    ("vite", ("trying another one", "vite")),
    ("angular", ("use '--port' to specify a different port", "ng serve")),
    ("create-react-app", ("something is already running on port", "react-scripts")),
    ("gatsby", ("gatsby",)),
    ("nuxt", ("nuxt", "[get-port]")),
    ("webpack", ("webpack",)),
    ("bun", ("failed to start server. is port", "bun ")),
    ("deno", ("deno", "promise) addrinuse")),
    ("spring", ("web server failed to start", "org.springframework")),
    ("tomcat", ("org.apache.catalina", "org.apache.coyote", "protocolhandler [")),
    ("jetty", ("org.eclipse.jetty", "failed to bind to 0.0.0.0/0.0.0.0")),
    ("kafka", ("org.apache.kafka", "socket server failed to bind")),
    ("elasticsearch", ("bindhttpexception", "bindtransportexception", "elasticsearch")),
    ("netty", ("io.netty",)),
    ("java", ("java.net.", "java.io.", "transport error 202", "debugger port")),
    ("kestrel", ("microsoft.aspnetcore", "kestrel", "failed to bind to address http")),
    ("postgresql", ("postmaster", "could not bind ipv", "postgres")),
    ("mysql", ("mysqld", "bind on tcp/ip port", "mariadbd")),
    ("redis", ("could not create server tcp listening socket", "redis")),
    ("mongodb", ("mongod", "failed to set up listener", '"c":"')),
    ("memcached", ("memcached", "failed to listen on tcp port")),
    ("rabbitmq", ("rabbit", "ranch listener")),
    ("erlang", ("eaddrinuse}", " :eaddrinuse", "{error,eaddrinuse")),
    ("mosquitto", ("mosquitto", "opening ipv4 listen socket")),
    ("dnsmasq", ("dnsmasq",)),
    ("unbound", ("unbound",)),
    ("postfix", ("postfix",)),
    ("openvpn", ("openvpn", "tcp/udp: socket bind failed")),
    ("sshd", ("sshd", "bind to port ", "server listening on")),
    ("ssh", ("channel_setup_fwd_listener", "cannot listen to port", "local forwarding")),
    ("ssh", ("bind [",)),
    ("socat", ("socat",)),
    ("ncat", ("ncat:",)),
    ("systemd", (".socket: failed", "listening on sockets", "systemd[")),
    ("puma", ("puma",)),
    ("ruby", ("errno::eaddrinuse", "errno::eacces", "errno::eaddrnotavail", "bind(2) for")),
    ("rust", ("kind: addr", "kind: permissiondenied", "(os error ", "panicked at")),
    (
        "python",
        (
            *("oserror: [errno", "permissionerror: [errno", "[winerror", "socketserver.py"),
            "error while attempting to bind on address",
        ),
    ),
    ("node", ("eaddrinuse", "listen eacces", "eaddrnotavail", "node:net", "setuplistenhandle")),
    ("go", (": bind: ",)),
)
"""By words in lower case, the more particular before what they are written in."""
_FRAMES = (
    ("node", ("node:net", "at server.", "node:events")),
    ("python", ("traceback (most recent call last)", 'file "')),
    ("java", ("\tat java.", "exception in thread")),
    ("php", ("php ",)),
)
"""What surrounds an error that gives nothing away itself."""


def program_of(line: str, around: "Sequence[str]") -> str | None:
    """The program or runtime by the error's line, else by the lines around it."""
    own = _by_words(_OWN, line.lower())
    text = "\n".join(around).lower()
    if own is None:
        return _by_words(_OWN, text) or _by_words(_FRAMES, text)
    if own in ("node", "go", "java", "python", "rust"):
        # A runtime's message: what runs in it may say its name beside.
        return _by_words(tuple(row for row in _OWN if row[0] in _IN_RUNTIME[own]), text) or own
    return own


_IN_RUNTIME: dict[str, tuple[str, ...]] = {
    "node": ("next", "vite", "webpack", "nuxt", "gatsby", "angular", "create-react-app", "bun"),
    "go": ("docker", "rootlessport", "podman", "caddy", "kubectl"),
    "java": ("spring", "tomcat", "jetty", "kafka", "elasticsearch", "netty"),
    "python": ("gunicorn", "uvicorn", "django", "flask", "jupyter", "tensorboard"),
    "rust": ("deno",),
}


def _by_words(table: "Sequence[tuple[str, tuple[str, ...]]]", text: str) -> str | None:
    for name, words in table:
        if any(word in text for word in words):
            return name
    return None
