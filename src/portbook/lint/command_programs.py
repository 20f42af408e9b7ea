"""Programs whose command lines name ports, and the options in which they do."""

from portbook.model.record import Record


class Program(Record):
    """How a program is told its ports.

    `port`: options with a number, `bind`: options with `[address:]number` or a URL, `host`: options
    with an address. `bare` is what words without an option are: `port`, `bind` or nothing.
    `under`: one of these words must be there (a subcommand), () for always. `usual` are the numbers
    that it takes where it is told none.
    """

    port: tuple[str, ...] = ("--port",)
    bind: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    bare: str = ""
    under: tuple[str, ...] = ()
    speaks: str | None = "http"
    role: str = "listen"
    usual: tuple[int, ...] = ()


_SHORT = ("-p", "--port")
_HOST = ("--host",)
_WEB = Program(_SHORT, host=_HOST)
_RAILS = Program(_SHORT, host=("-b", "--binding"), under=("s", "server"), usual=(3000,))
_EXPORTER = Program((), bind=("--web.listen-address",))
_JUPYTER = Program(host=("--ip",), usual=(8888,))
_CLIENT = Program((), speaks=None, role="client")
_POSTGRES = Program(_SHORT, host=("-h", "--host"), speaks=None, role="client")

PROGRAMS = {
    # JavaScript
    "vite": Program(host=_HOST, usual=(5173, 4173)),
    "vitepress": Program(host=_HOST, usual=(5173, 4173)),
    "vite-preview": Program(host=_HOST),
    "next": Program(_SHORT, host=("-H", "--hostname"), under=("dev", "start"), usual=(3000,)),
    "nuxt": Program(
        _SHORT, host=("-h", "--host"), under=("dev", "start", "preview"), usual=(3000,)
    ),
    "nuxi": Program(_SHORT, host=("-h", "--host"), under=("dev", "preview"), usual=(3000,)),
    "astro": Program(host=_HOST, under=("dev", "start", "preview"), usual=(4321,)),
    "webpack": Program(host=_HOST, under=("serve", "server", "s"), usual=(8080,)),
    "webpack-dev-server": Program(host=_HOST, usual=(8080,)),
    "rspack": Program(host=_HOST, under=("serve", "dev", "preview"), usual=(8080,)),
    "rsbuild": Program(host=_HOST, under=("dev", "preview"), usual=(3000,)),
    "vue-cli-service": Program(_SHORT, host=_HOST, under=("serve",), usual=(8080,)),
    "ng": Program(host=_HOST, under=("serve", "s", "dev"), usual=(4200,)),
    "svelte-kit": Program(_SHORT, host=_HOST, usual=(3000,)),
    "gatsby": Program(
        _SHORT, host=("-H", "--host"), under=("develop", "serve"), usual=(8000, 9000)
    ),
    "docusaurus": Program(_SHORT, host=("-h", "--host"), under=("start", "serve"), usual=(3000,)),
    "eleventy": Program(under=("--serve",), usual=(8080,)),
    "remix": Program(host=_HOST, under=("dev",), usual=(3000, 5173)),
    "react-router": Program(host=_HOST, under=("dev",), usual=(3000, 5173)),
    "storybook": Program(_SHORT, host=("-h", "--host"), under=("dev",), usual=(6006,)),
    "start-storybook": Program(_SHORT, host=("-h", "--host"), usual=(6006,)),
    "wrangler": Program(host=("--ip",), under=("dev",), usual=(8787,)),
    "netlify": Program(_SHORT, under=("dev",), usual=(8888,)),
    "vercel": Program((), bind=("-l", "--listen"), under=("dev",), usual=(3000,)),
    "http-server": Program(_SHORT, host=("-a",), usual=(8080,)),
    "serve": Program(_SHORT, bind=("-l", "--listen"), usual=(3000,)),
    "live-server": Program(host=_HOST, usual=(8080,)),
    "browser-sync": Program(host=_HOST, usual=(3000, 3001)),
    "json-server": Program(_SHORT, host=("-h", "--host"), usual=(3000,)),
    "parcel": Program(_SHORT, host=_HOST, usual=(1234,)),
    "react-scripts": Program((), usual=(3000,)),
    "craco": Program((), usual=(3000,)),
    "expo": Program(_SHORT, under=("start",), usual=(8081,)),
    "react-native": Program(host=_HOST, under=("start",), usual=(8081,)),
    "wds": Program(_SHORT, bind=()),
    # Python
    "flask": Program(_SHORT, host=("-h", "--host"), under=("run",), usual=(5000,)),
    "fastapi": Program(host=_HOST, under=("dev", "run"), usual=(8000,)),
    "uvicorn": Program(host=_HOST, usual=(8000,)),
    "granian": Program(host=_HOST, usual=(8000,)),
    "sanic": Program(_SHORT, host=("-H", "--host"), usual=(8000,)),
    "hypercorn": Program((), bind=("-b", "--bind", "--insecure-bind"), usual=(8000,)),
    "gunicorn": Program((), bind=("-b", "--bind"), usual=(8000,)),
    "daphne": Program(_SHORT, host=("-b", "--bind"), usual=(8000,)),
    "waitress-serve": Program(host=_HOST, bind=("--listen",), usual=(8080,)),
    "uwsgi": Program((), bind=("--http", "--http-socket", "--https")),
    "http.server": Program((), host=("-b", "--bind"), bare="port", usual=(8000,)),
    "SimpleHTTPServer": Program((), bare="port", usual=(8000,)),
    "aiohttp.web": Program(("-P", "--port"), host=("-H", "--hostname")),
    "streamlit": Program(
        ("--server.port",), host=("--server.address",), under=("run",), usual=(8501,)
    ),
    "jupyter": _JUPYTER,
    "jupyter-lab": _JUPYTER,
    "jupyter-notebook": _JUPYTER,
    "mkdocs": Program((), bind=("-a", "--dev-addr"), under=("serve",), usual=(8000,)),
    "sphinx-autobuild": Program(host=_HOST, usual=(8000,)),
    "celery": Program(host=("--address",), under=("flower",)),
    "tensorboard": Program(host=_HOST, usual=(6006,)),
    "mlflow": Program(_SHORT, host=("-h", "--host"), under=("ui", "server"), usual=(5000,)),
    "airflow": Program(
        _SHORT, host=("-H", "--hostname"), under=("webserver", "api-server"), usual=(8080,)
    ),
    "bokeh": Program(host=("--address",), under=("serve",), usual=(5006,)),
    "panel": Program(host=("--address",), under=("serve",), usual=(5006,)),
    "datasette": Program(_SHORT, host=("-h", "--host"), usual=(8001,)),
    "debugpy": Program((), bind=("--listen",), speaks=None),
    "runserver": Program((), bare="bind", usual=(8000,)),
    "runserver_plus": Program((), bare="bind", usual=(8000,)),
    "testserver": Program((), bind=("--addrport",)),
    # Ruby, PHP, static sites
    "rails": _RAILS,
    "puma": Program(_SHORT, bind=("-b", "--bind"), usual=(9292, 3000)),
    "thin": Program(_SHORT, host=("-a", "--address"), under=("start",), usual=(3000,)),
    "unicorn": Program(_SHORT, bind=("-l", "--listen"), usual=(8080,)),
    "rackup": Program(_SHORT, host=("-o", "--host"), usual=(9292,)),
    "artisan": Program(host=_HOST, under=("serve",), usual=(8000,)),
    "jekyll": Program(
        ("-P", "--port"), host=("-H", "--host"), under=("serve", "server", "s"), usual=(4000,)
    ),
    "hugo": Program(_SHORT, host=("--bind",), under=("server", "serve"), usual=(1313,)),
    "mdbook": Program(_SHORT, host=("-n", "--hostname"), under=("serve",), usual=(3000,)),
    "zola": Program(_SHORT, host=("-i", "--interface"), under=("serve",), usual=(1111,)),
    "caddy": Program((), bind=("--listen", "-l", "--from"), under=("file-server", "reverse-proxy")),
    # Elsewhere
    "dotnet": Program((), bind=("--urls",), under=("run", "watch", "exec")),
    "redis-server": Program(host=("--bind",), speaks=None, usual=(6379,)),
    "mongod": Program(host=("--bind_ip",), speaks=None, usual=(27017,)),
    "postgres": Program(("-p",), host=("-h",), speaks=None, usual=(5432,)),
    "mysqld": Program(("-P", "--port"), host=("--bind-address",), speaks=None, usual=(3306,)),
    "mariadbd": Program(("-P", "--port"), host=("--bind-address",), speaks=None, usual=(3306,)),
    "memcached": Program(_SHORT, host=("-l",), speaks=None, usual=(11211,)),
    "mosquitto": Program(("-p",), speaks=None, usual=(1883,)),
    "nats-server": Program(_SHORT, host=("-a", "--addr"), speaks=None),
    "minio": Program((), bind=("--address", "--console-address"), under=("server",)),
    "etcd": Program((), bind=("--listen-client-urls", "--listen-peer-urls")),
    "prometheus": _EXPORTER._replace(usual=(9090,)),
    "node_exporter": _EXPORTER,
    "alertmanager": _EXPORTER,
    # Programs that connect
    "psql": _POSTGRES,
    "pg_dump": _POSTGRES,
    "pg_restore": _POSTGRES,
    "pg_isready": _POSTGRES,
    "createdb": _POSTGRES,
    "dropdb": _POSTGRES,
    "mysql": Program(("-P", "--port"), host=("-h", "--host"), speaks=None, role="client"),
    "mysqldump": Program(("-P", "--port"), host=("-h", "--host"), speaks=None, role="client"),
    "mysqladmin": Program(("-P", "--port"), host=("-h", "--host"), speaks=None, role="client"),
    "mariadb": Program(("-P", "--port"), host=("-h", "--host"), speaks=None, role="client"),
    "mongosh": Program(host=_HOST, speaks=None, role="client"),
    "redis-cli": Program(("-p",), host=("-h",), speaks=None, role="client"),
    "lt": Program(_SHORT, role="client"),
    "curl": _CLIENT,
    "wget": _CLIENT,
}
"""By the program's word, without folder and version."""

READS_PORT = frozenset(
    [
        "node",
        "nodemon",
        "tsx",
        "ts-node",
        "ts-node-dev",
        "bun",
        "deno",
        "react-scripts",
        "craco",
        "next",
        "nuxt",
        "nuxi",
        "remix-serve",
        "react-router-serve",
        "nest",
        "strapi",
        "npm",
        "yarn",
        "pnpm",
        "python",
        "ruby",
        "go",
        "rails",
        "puma",
        "foreman",
    ]
)
"""Programs that take PORT of the environment for the port to listen on, by themselves or because
nearly all that they start does."""

NOT_LISTENING = frozenset(
    [
        "echo",
        "printf",
        "export",
        "set",
        "setx",
        "test",
        "[",
        "[[",
        "grep",
        "egrep",
        "sed",
        "awk",
        "cat",
        "tee",
        "head",
        "tail",
        "ls",
        "cd",
        "rm",
        "cp",
        "mv",
        "mkdir",
        "sleep",
        "kill",
        "pkill",
        "lsof",
        "fuser",
        "ss",
        "netstat",
        "kill-port",
        "killport",
        "ufw",
        "iptables",
        "firewall-cmd",
        "nmap",
        "git",
        "ssh-keygen",
        "scp",
        "sftp",
        "rsync",
        "helm",
        "terraform",
        "gcloud",
        "az",
        "aws",
        "fly",
        "flyctl",
        "heroku",
        "oc",
        "doctl",
        "gh",
        "vagrant",
        "ansible",
        "ansible-playbook",
        "mysqlimport",
        "pgbench",
        "cqlsh",
        "clickhouse-client",
        "influx",
        "mongo",
        "mongodump",
        "mongorestore",
        "mongoimport",
        "telnet",
        "dig",
        "nslookup",
        "ping",
        "traceroute",
        "adb",
        "read",
        "return",
        "exit",
        "source",
        "jest",
        "vitest",
        "mocha",
        "pytest",
        "tox",
        "nox",
        "eslint",
        "prettier",
        "tsc",
        "portbook",
    ]
)
"""Programs whose `--port` is not one that they listen on, or whose words are data."""

WRAPPERS: dict[str, tuple[tuple[str, ...], int]] = {
    "sudo": (("-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T"), 0),
    "doas": (("-u", "-C"), 0),
    "env": (("-u", "-C"), 0),
    "cross-env": ((), 0),
    "cross-env-shell": ((), 0),
    "env-cmd": (("-f", "-e", "-r"), 0),
    "dotenv": (("-e", "-c", "-f", "-v"), 0),
    "npx": (("-p", "--package"), 0),
    "bunx": (("-p", "--package"), 0),
    "pnpx": (("-p", "--package"), 0),
    "exec": (("-a",), 0),
    "nohup": ((), 0),
    "time": (("-f", "-o"), 0),
    "command": ((), 0),
    "builtin": ((), 0),
    "setsid": ((), 0),
    "tini": (("-p",), 0),
    "dumb-init": ((), 0),
    "xvfb-run": (("-n", "-s", "-e", "-f"), 0),
    "nice": (("-n",), 0),
    "ionice": (("-c", "-n"), 0),
    "stdbuf": (("-i", "-o", "-e"), 0),
    "timeout": (("-s", "-k", "--signal", "--kill-after"), 1),
    "gosu": ((), 1),
    "su-exec": ((), 1),
    "setpriv": (("--reuid", "--regid"), 0),
    "ddtrace-run": ((), 0),
    "opentelemetry-instrument": ((), 0),
    "watchexec": (("-w", "-e", "-i", "-f", "-d", "-s"), 0),
    "poetry": ((), 0),
    "pipenv": ((), 0),
    "pdm": (("-p",), 0),
    "rye": ((), 0),
    "uv": (("-p", "--python", "--with", "--extra", "--group", "--env-file", "--directory"), 0),
    "hatch": (("-e", "--env"), 0),
    "pixi": (("-e", "--environment"), 0),
    "conda": (("-n", "-p", "--name", "--prefix"), 0),
    "bundle": ((), 0),
    "foreman": (("-e",), 0),
    "honcho": (("-e",), 0),
    "doppler": (("-p", "-c", "--project", "--config"), 0),
    "dotenvx": (("-f",), 0),
    "newrelic-admin": ((), 0),
}
"""Programs that start another one: their options with a value, and how many words are before it."""

THROUGH = {
    "poetry": "run",
    "pipenv": "run",
    "pdm": "run",
    "rye": "run",
    "uv": "run",
    "hatch": "run",
    "pixi": "run",
    "conda": "run",
    "bundle": "exec",
    "foreman": "run",
    "honcho": "run",
    "doppler": "run",
    "dotenvx": "run",
    "newrelic-admin": "run-program",
}
"""Wrappers that start another program only under this subcommand."""
