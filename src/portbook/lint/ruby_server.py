"""The configuration of Puma and Unicorn, as far as a line of it says where they listen."""

import re

from portbook.lint.endpoint import Gathering, endpoint, in_urls, number
from portbook.lint.keys import Key
from portbook.lint.source import Source

# ENV.fetch("PORT", 3000), ENV.fetch("PORT") { 3000 }, ENV["PORT"] || 3000, with `.to_i` or not.
_VALUE = (
    r"(?:ENV(?:\.fetch)?\s?[\[(]\s?[\"']\w+[\"']\s?(?:[\])]\s?(?:\{|\|\|)|,)\s?[\"']?)?"
    r"(?P<port>[0-9]{1,7})"
)
_OPEN = r"(?:[ \t]{0,20}\(\s?|[ \t]{1,20})"
_PORT = re.compile(
    rf"[ \t]*(?P<word>port|ssl_port){_OPEN}{_VALUE}(?![\w.:])"
    r"(?:[^#\n]{0,20}?,\s?[\"'](?P<host>[\w.:-]{1,100})[\"'])?"
)
_BIND = re.compile(
    rf"[ \t]*(?P<word>bind|activate_control_app){_OPEN}"
    r"[\"'](?P<scheme>tcp|ssl)://(?P<host>\[[^\]\s]{1,60}\]|[\w.*-]{1,200}|#\{[^}\n]{1,200}\}):"
    rf"(?:#\{{\s?)?{_VALUE}(?![\w.:])"
)
_SSL_BIND = re.compile(
    rf"[ \t]*ssl_bind{_OPEN}[\"'](?P<host>[\w.:]{{1,100}})[\"'],\s?[\"']?{_VALUE}(?![\w.:])"
)
_LISTEN = re.compile(rf"[ \t]*listen{_OPEN}{_VALUE}(?![\w.:])")
_LISTEN_TEXT = re.compile(rf"[ \t]*listen{_OPEN}[\"'](?P<address>[^\"'\s#]{{1,200}})[\"']")

_DEFAULT = re.compile(rf"<%=\s?{_VALUE}\s?[\"')}}]*(?:\.to_i)?\s?%>")


def take(source: Source, ports: Gathering) -> None:
    """Declare what each line of a puma.rb or unicorn.rb says."""
    puma = source.name != "unicorn.rb"
    offset = 0
    for line in source.text.split("\n"):
        if puma:
            _puma(line, offset, ports)
        else:
            _unicorn(line, offset, ports)
        offset += len(line) + 1


def _puma(line: str, offset: int, ports: Gathering) -> None:
    found = _PORT.match(line) or _BIND.match(line) or _SSL_BIND.match(line)
    if found is None:
        return
    groups = found.groupdict()
    host = (groups.get("host") or "").strip("[]")
    secure = groups.get("scheme") == "ssl" or "ssl_bind" in line
    ports.add(
        offset + found.start("port"),
        number(found["port"]),
        "listen",
        groups.get("word") or "ssl_bind",
        address=host if host and "{" not in host else None,
        speaks="https" if secure else "http",
    )


def _unicorn(line: str, offset: int, ports: Gathering) -> None:
    found = _LISTEN.match(line)
    if found:
        spot = number(found["port"])
        ports.add(offset + found.start("port"), spot, "listen", "listen", speaks="http")
        return
    found = _LISTEN_TEXT.match(line)
    if found and "/" not in found["address"]:
        spot = endpoint(found["address"])
        ports.add(offset + found.start("address"), spot, "listen", "listen", speaks="http")


def connection(key: Key, ports: Gathering) -> None:
    """Declare the port of one key of a database.yml, where it is one."""
    who = ".".join(key.path)
    if key.path[-1] == "port":
        default = _DEFAULT.fullmatch(key.text)
        text, at = (default["port"], default.start("port")) if default else (key.text, 0)
        ports.add(key.offset + at, number(text), "client", who)
    elif key.path[-1] == "url":
        for found in in_urls(key.text):
            ports.add(key.offset, found, "client", who)
