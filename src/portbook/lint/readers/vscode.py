"""What VS Code keeps beside a project: launch.json, settings.json, *.code-workspace.

A debugger connects to the program, or waits for it (`listen` of debugpy, Xdebug); a browser opens a
URL; a few extensions have a server of their own.
"""

from collections.abc import Iterator

from portbook.lint.endpoint import in_urls
from portbook.lint.jsonc import jsonc_tree
from portbook.lint.readers.devcontainer import attributes
from portbook.lint.reading import Reading
from portbook.lint.source import Source
from portbook.lint.tree import Node
from portbook.lint.written import is_template, start_of_text, whole_number
from portbook.model.declared import Declared

FORM = "vscode"

_LOCAL = frozenset(("localhost", "127.0.0.1", "0.0.0.0", "::1", "::"))
_TOLD = frozenset(
    ("PORT", "SERVER_PORT", "FLASK_RUN_PORT", "UVICORN_PORT", "ASPNETCORE_HTTP_PORTS")
)
_TOLD_URLS = frozenset(("ASPNETCORE_URLS",))
_MOST_HOST = 300
_SERVERS = {
    "liveServer.settings.port": ("live-server", None),
    "livePreview.portNumber": ("live-preview", "127.0.0.1"),
}
"""Settings of servers that an extension starts: (product, the address it is bound to)."""
_WAITING = frozenset(("php",))
"""Types whose debugger waits for the program at `port`, instead of connecting to it."""


def wants(source: Source) -> bool:
    """Whether it is the editor's file, and may have a port in it."""
    is_beside = source.folder.rpartition("/")[2] == ".vscode" and source.name != "tasks.json"
    if not is_beside and not source.name.endswith(".code-workspace"):
        return False
    return "ort" in source.text or "://" in source.text or "PORT" in source.text


def read(source: Source) -> Reading:
    """What it declares.

    Raises:
        Unreadable: it is no JSON, even with comments.
    """
    tree = jsonc_tree(source)
    declared: list[Declared] = []
    if source.name == "launch.json":
        declared += _launch(source, tree)
    elif source.name == "settings.json":
        declared += _settings(source, tree)
    else:
        declared += _launch(source, tree.get("launch"))
        declared += _settings(source, tree.get("settings"))
    return Reading(tuple(sorted(declared, key=lambda each: each.place)))


def _launch(source: Source, tree: Node | None) -> Iterator[Declared]:
    configurations = tree.get("configurations") if tree is not None else None
    for each in configurations.items if configurations is not None else ():
        name = each.get("name")
        who = name.text if name is not None and name.text else "launch"
        yield from _debugger(source, each, who)
        runs = _runs(source, each.get("cwd"))
        for told in _environment(source, each.get("env"), who):
            yield told._replace(runs=runs)
        yield from _opened(source, each.get("url"), who)
        yield from _opened(source, each.at("serverReadyAction", "uriFormat"), who)


def _runs(source: Source, folder: Node | None) -> str:
    """The program that is started: the configurations of a folder are ways to start its own."""
    above = source.folder.rpartition("/") if source.name == "launch.json" else None
    top = above[0] if above is not None else source.folder
    text = folder.text if folder is not None else ""
    for name in ("${workspaceFolder}/", "${workspaceRoot}/", "./"):
        if text.startswith(name) and not is_template(text[len(name) :]):
            below = text[len(name) :].strip("/")
            return f"folder:{top}/{below}" if top else f"folder:{below}"
    return f"folder:{top}"


def _debugger(source: Source, node: Node, who: str) -> Iterator[Declared]:
    """Where the debugger meets the program."""
    kind, request = node.get("type"), node.get("request")
    for path, role in ((("connect", "port"), "client"), (("listen", "port"), "listen")):
        host = node.at(path[0], "host")
        yield from _number(source, node.at(*path), role, who, host)
    yield from _number(source, node.get("debugServer"), "client", who, None)
    if kind is not None and kind.text in _WAITING:
        yield from _number(source, node.get("port"), "listen", who, node.get("hostname"))
    elif request is not None and request.text == "attach":
        host = node.get("host") or node.get("hostName") or node.get("address")
        yield from _number(source, node.get("port"), "client", who, host)


def _number(
    source: Source, node: Node | None, role: str, who: str, host: Node | None
) -> Iterator[Declared]:
    number = whole_number(source, node)
    if number is None or number.value == 0:
        return
    address = host.text if host is not None and not is_template(host.text) else None
    yield Declared(
        number.place,
        number.value,
        number.value,
        role,
        who,
        FORM,
        address=address or None,
        # Whatever an editor itself waits for is waited for once.
        runs=f"editor:{source.folder}" if role == "listen" else None,
    )


def _environment(source: Source, node: Node | None, who: str) -> Iterator[Declared]:
    """Variables that tell a program where to listen."""
    for key, value in node.each() if node is not None else ():
        if key.text in _TOLD:
            yield from _number(source, value, "listen", who, None)
        elif key.text in _TOLD_URLS:
            yield from _in_url(source, value, "listen", who)


def _opened(source: Source, node: Node | None, who: str) -> Iterator[Declared]:
    """What a browser is to open, where it is on this machine."""
    for each in _in_url(source, node, "client", who):
        if each.address in _LOCAL:
            yield each


def _in_url(source: Source, node: Node | None, role: str, who: str) -> Iterator[Declared]:
    start = start_of_text(source, node) if node is not None and node.kind == "text" else None
    if node is None or start is None:
        return
    # ASP.NET writes every address as `+` or `*`.
    text = node.text.replace("//+:", "//_:").replace("//*:", "//_:")
    for found in in_urls(text):
        if found.first == 0:
            continue
        scheme = text[max(0, found.start - _MOST_HOST) : found.start].rpartition("://")[0]
        yield Declared(
            source.place(start + found.start, found.length),
            found.first,
            found.last,
            role,
            who,
            FORM,
            address=None if found.host == "_" else found.host,
            speaks="https" if scheme.endswith("https") else "http",
        )


def _settings(source: Source, tree: Node | None) -> Iterator[Declared]:
    if tree is None:
        return
    for key, (product, address) in _SERVERS.items():
        for port in _number(source, tree.get(key), "listen", key, None):
            yield port._replace(product=product, speaks="http", address=address)
    yield from attributes(source, tree.get("remote.portsAttributes"), FORM, "portsAttributes")
    forwarded = tree.get("remote.SSH.defaultForwardedPorts")
    for each in forwarded.items if forwarded is not None else ():
        who = "defaultForwardedPorts"
        yield from _number(source, each.get("localPort"), "listen", who, None)
        yield from _number(source, each.get("remotePort"), "client", who, None)
