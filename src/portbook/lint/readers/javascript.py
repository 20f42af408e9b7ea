"""Configurations of JavaScript tools: Vite, webpack, Nuxt, Astro, Playwright, Angular, others."""

import re
from collections.abc import Iterator

from portbook.lint.command_port import CommandPort, local_ports, number
from portbook.lint.command_text import Text, declared_at, declared_in, folder_runs, text_of
from portbook.lint.command_words import Word
from portbook.lint.jsonc import jsonc_tree
from portbook.lint.reading import Reading
from portbook.lint.source import Source
from portbook.lint.tree import Node, texts
from portbook.model.declared import Declared

FORM = "javascript"

_LISTENS = {
    "vite": ("server", "preview"),
    "vitest": ("server", "preview"),
    "svelte": (),
    "next": (),
    "webpack": ("devServer",),
    "vue": ("devServer",),
    "nuxt": ("devServer", "vite.server"),
    "astro": ("server",),
    "rsbuild": ("server",),
    "playwright": (),
}
"""Where a tool's own `port` and `host` stand."""

_PRODUCT = {"vue": "vue-cli-service", "vitest": "vite"}
_HINT = re.compile(r"\bport\b|\burl\b|baseURL|\bcommand\b|localhost|127\.0\.0\.1")


def wants(source: Source) -> bool:
    """Whether the file can say anything of a port."""
    return _HINT.search(source.text) is not None


def read(source: Source) -> Reading:
    """The ports that a configuration tells its tool."""
    if source.name.endswith(".json"):
        return Reading(tuple(dict.fromkeys(_angular(source, jsonc_tree(source)))))
    from portbook.lint.script_tree import script_trees

    tool = source.name.partition(".")[0]
    trees, faults = script_trees(source)
    found: list[Declared] = []
    for tree in trees:
        found += _of_tool(source, tool, tree)
    return Reading(tuple(dict.fromkeys(found)), faults=tuple(dict.fromkeys(faults)))


def _of_tool(source: Source, tool: str, tree: Node) -> Iterator[Declared]:
    for path in _LISTENS.get(tool, ()):
        keys = path.split(".")
        yield from _server(source, tool, tree.at(*keys), path)
    if tool in ("vite", "vitest", "nuxt"):
        server = tree.at("server") if tool != "nuxt" else tree.at("vite", "server")
        hot = server.at("hmr", "port") if server is not None else None
        yield from _listen(source, hot, "server.hmr.port", tool)
        yield from _proxies(source, server, "server.proxy")
    elif tool in ("webpack", "vue"):
        yield from _proxies(source, tree.get("devServer"), "devServer.proxy")
    elif tool == "playwright":
        yield from _playwright(source, tree)


def _server(source: Source, tool: str, server: Node | None, path: str) -> Iterator[Declared]:
    if server is None:
        return
    host = server.get("host")
    address = None
    if host is not None and host.kind == "text":
        # `true` is every address; a name may be anything that the machine knows.
        address = "0.0.0.0" if host.text == "true" and not host.quoted else host.text
        address = None if address == "false" else address
    speaks = "https" if server.get("https") is not None else "http"
    for each in _listen(source, server.get("port"), f"{path}.port", tool, speaks=speaks):
        yield each._replace(address=address)


def _listen(
    source: Source, node: Node | None, who: str, tool: str, *, speaks: str | None = "http"
) -> Iterator[Declared]:
    if node is None or node.kind != "text":
        return
    text = text_of(source, node)
    port = number(_word(text), "listen")
    if port is not None and port.first == port.last:
        port = port._replace(program=_PRODUCT.get(tool, tool), speaks=speaks)
        yield from _made(source, text, port, who)


def _client(source: Source, node: Node | None, who: str) -> Iterator[Declared]:
    if node is None or node.kind != "text":
        return
    text = text_of(source, node)
    for port in local_ports(_word(text), bare=True):
        yield from _made(source, text, port, who)


def _word(text: Text) -> Word:
    return Word(text.text, range(len(text.text)))


def _made(source: Source, text: Text, port: CommandPort, who: str) -> Iterator[Declared]:
    made = declared_at(source, text, port, who=who, form=FORM, runs=folder_runs(source))
    if made is not None:
        yield made


def _proxies(source: Source, server: Node | None, who: str) -> Iterator[Declared]:
    """`proxy: {"/api": "http://localhost:8000"}`, `{"/api": {target: …}}`, `[{target: …}]`."""
    proxy = server.get("proxy") if server is not None else None
    if proxy is None:
        return
    yield from _client(source, proxy, who)
    values = [value for _, value in proxy.pairs] + proxy.items
    for value in values:
        yield from _client(source, value, who)
        yield from _client(source, value.get("target"), who)


def _playwright(source: Source, tree: Node) -> Iterator[Declared]:
    servers = tree.get("webServer")
    if servers is not None:
        for server in [servers, *servers.items]:
            yield from _client(source, server.get("url"), "webServer.url")
            port = server.get("port")
            if port is not None and port.kind == "text":
                text = text_of(source, port)
                found = number(_word(text), "client")
                if found is not None:
                    yield from _made(source, text, found, "webServer.port")
            for command in texts(server.get("command")):
                yield from declared_in(
                    source,
                    text_of(source, command),
                    who="webServer.command",
                    form=FORM,
                    runs=folder_runs(source),
                )
    yield from _client(source, tree.at("use", "baseURL"), "use.baseURL")
    projects = tree.get("projects")
    for project in projects.items if projects is not None else ():
        yield from _client(source, project.at("use", "baseURL"), "use.baseURL")


def _angular(source: Source, tree: Node) -> Iterator[Declared]:
    projects = tree.get("projects")
    for name, project in projects.pairs if projects is not None else ():
        for targets in (project.get("architect"), project.get("targets")):
            serve = targets.get("serve") if targets is not None else None
            if serve is None:
                continue
            configurations = serve.get("configurations")
            several = [value for _, value in configurations.pairs] if configurations else []
            for options in [serve.get("options"), *several]:
                if options is None:
                    continue
                host = options.get("host")
                for each in _listen(source, options.get("port"), f"{name.text} serve", "ng"):
                    yield each._replace(address=host.text if host is not None else None)
