"""Web servers."""

import importlib.metadata
import sys

from bed.running import self_signed
from bed.server import Place, Server, debian_version

_NGINX = """daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen {address}:{port}{more}; location / {{ return 200 "<title>Hello</title>"; }} }}
}}
"""


def _nginx(place: Place, more: str = "") -> list[str]:
    text = _NGINX.format(folder=place.folder, address=place.address, port=place.port, more=more)
    return ["/usr/sbin/nginx", "-c", place.write("nginx.conf", text)]


def _nginx_tls(place: Place) -> list[str]:
    pem = self_signed(place)
    return _nginx(place, f" ssl; ssl_certificate {pem}; ssl_certificate_key {pem}")


def _apache(place: Place) -> list[str]:
    modules = "/usr/lib/apache2/modules"
    config = place.write(
        "apache.conf",
        f"ServerRoot {place.folder}\nListen {place.address}:{place.port}\nPidFile pid\n"
        f"ServerName localhost\nErrorLog /dev/stderr\nDefaultRuntimeDir {place.folder}\n"
        f"LoadModule mpm_event_module {modules}/mod_mpm_event.so\n"
        f"LoadModule authz_core_module {modules}/mod_authz_core.so\n"
        f"DocumentRoot {place.folder}\nUser www-data\nGroup www-data\nServerTokens OS\n",
    )
    return ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", config]


def _lighttpd(place: Place) -> list[str]:
    config = place.write(
        "lighttpd.conf",
        f'server.document-root = "{place.folder}"\nserver.bind = "{place.address}"\n'
        f"server.port = {place.port}\n",
    )
    return ["/usr/sbin/lighttpd", "-D", "-f", config]


def _caddy(place: Place) -> list[str]:
    config = place.write(
        "Caddyfile",
        "{\n admin off\n auto_https off\n}\n"
        f"http://:{place.port} {{\n bind {place.address}\n respond Hello\n}}\n",
    )
    return ["/usr/bin/caddy", "run", "--config", config, "--adapter", "caddyfile"]


def _python(place: Place) -> list[str]:
    place.write("index.html", "<title>Hello</title>")
    argv = ["/usr/bin/python3", "-u", "-m", "http.server", str(place.port)]
    return [*argv, "--bind", place.address, "--directory", place.folder]


def _websockets(place: Place) -> list[str]:
    program = place.write(
        "echo.py",
        "import asyncio, websockets.asyncio.server as w\n"
        "async def talk(c):\n async for m in c: await c.send(m)\n"
        "async def main():\n"
        f" async with w.serve(talk, '{place.address}', {place.port}) as s:\n"
        "  await s.serve_forever()\n"
        "asyncio.run(main())\n",
    )
    return [sys.executable, program]


def _php(place: Place) -> list[str]:
    place.write("index.php", "<title>Hello</title>")
    return ["/usr/bin/php8.2", "-n", "-S", f"{place.address}:{place.port}", "-t", place.folder]


def _mini_httpd(place: Place) -> list[str]:
    place.write("index.html", "<title>Hello</title>")
    listen = ["-h", place.address, "-p", str(place.port)]
    return ["/usr/sbin/mini_httpd", "-D", *listen, "-d", place.folder, "-i", place.path("pid")]


def _haproxy(place: Place) -> list[str]:
    config = place.write(
        "haproxy.cfg",
        "defaults\n mode http\n timeout client 10s\n timeout server 10s\n timeout connect 2s\n"
        f"frontend bed\n bind {place.address}:{place.port}\n stats enable\n stats uri /\n"
        " stats refresh 10s\n",
    )
    return ["/usr/sbin/haproxy", "-db", "-f", config]


def _varnish(place: Place) -> list[str]:
    place.write("secret", "not-a-secret\n")
    argv = ["/usr/sbin/varnishd", "-F", "-a", f"{place.address}:{place.port}", "-T", "none"]
    more = ["-n", place.path("work"), "-b", "127.0.0.1:9", "-s", "malloc,16m"]
    return [*argv, *more, "-p", "thread_pools=1"]


SERVERS = [
    Server(
        name="nginx",
        packages=("nginx-light",),
        start=_nginx,
        default_port=80,
        protocol="http",
        product="nginx",
        version=lambda: debian_version("nginx-light"),
        quick=True,
        famous=22,
    ),
    Server(
        name="nginx-tls",
        packages=("nginx-light",),
        start=_nginx_tls,
        default_port=443,
        protocol="http",
        product="nginx",
        version=lambda: debian_version("nginx-light"),
        quick=True,
        own_tls=True,
        famous=3306,
    ),
    Server(
        name="apache",
        packages=("apache2-bin",),
        start=_apache,
        default_port=8080,
        protocol="http",
        product="Apache httpd",
        version=lambda: debian_version("apache2-bin"),
        quick=True,
        behind_tls=True,
    ),
    Server(
        name="lighttpd",
        packages=("lighttpd",),
        start=_lighttpd,
        default_port=8081,
        protocol="http",
        product="lighttpd",
        version=lambda: debian_version("lighttpd"),
        quick=True,
    ),
    Server(
        name="caddy",
        packages=("caddy",),
        start=_caddy,
        default_port=2015,
        protocol="http",
        product="Caddy",
        quick=True,
    ),
    Server(
        name="python-http-server",
        packages=("python3",),
        start=_python,
        default_port=8000,
        protocol="http",
        product="SimpleHTTP",
        version=lambda: "0.6",
        quick=True,
        famous=5432,
    ),
    Server(
        name="php-built-in",
        packages=("php8.2-cli",),
        start=_php,
        default_port=8001,
        protocol="http",
        product="PHP built-in server",
        version=lambda: debian_version("php8.2-cli"),
        quick=True,
    ),
    Server(
        name="haproxy",
        packages=("haproxy",),
        start=_haproxy,
        default_port=8404,
        protocol="http",
        application="haproxy",
        product="HAProxy",
        version=lambda: debian_version("haproxy"),
        quick=True,
    ),
    Server(
        name="varnish",
        packages=("varnish",),
        start=_varnish,
        default_port=6081,
        protocol="http",
        application="varnish",
        product="Varnish",
        seconds=40,
    ),
    Server(
        name="websockets",
        packages=("pip:websockets",),
        start=_websockets,
        default_port=8765,
        protocol="websocket",
        product="websockets",
        version=lambda: importlib.metadata.version("websockets"),
        quick=True,
        # It logs any plain request with a traceback.
        worse=("panic", "segfault", "assertion", "core dumped"),
    ),
    Server(
        name="mini-httpd",
        packages=("mini-httpd",),
        start=_mini_httpd,
        default_port=8083,
        protocol="http",
        product="mini_httpd",
        version=lambda: debian_version("mini-httpd"),
        quick=True,
    ),
]
