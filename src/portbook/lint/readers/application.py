"""The settings of programs: Spring and its kin, Django, Rails, and plain `server: port:`."""

import re

from portbook.lint import keys, plain_keys, python_settings, ruby_server, spring_keys
from portbook.lint.endpoint import Gathering
from portbook.lint.reading import Reading
from portbook.lint.source import Source
from portbook.lint.tree import Node

FORM = "application"

_SPRING = re.compile(r"(?:application|bootstrap)(?:-(?P<profile>.+))?\.\w+")
_NOT_OURS = re.compile(r"^(?:apiVersion|services)[ \t]*:", re.MULTILINE)
_INNER = frozenset(("config", "conf", "settings", "resources", "configs", "etc"))
_ERB = re.compile(r"<%(?!=)[^%\n]{0,500}%>")
# A key of `plain_keys` with a number somewhere behind it, bounded to be linear.
_KEYS = re.compile(
    r"(?:port|listen|bind|addr|address|url|uri|endpoint|brokers|hosts)\w{0,20}[\"']?[ \t]{0,50}[:=]"
    r"[^\n]{0,200}[0-9]",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"^[^#\n]{0,500}(?:\{\{|\{%)", re.MULTILINE)
"""Marks of templates in a settings file: nobody can tell what comes of it."""

# Maven puts its own values in for `@version@`, which is no YAML.
_MAVEN = re.compile(r"(?<=[\s:])@(?=[\w.-]{1,100}@)")
_ADAPTERS = re.compile(r"^\s*adapter[ \t]*:|^\s*<<[ \t]*:|^\s*url[ \t]*:", re.MULTILINE)


def wants(source: Source) -> bool:
    """Whether it is settings: other forms have a `config.yaml` too."""
    name, text = source.name, source.text
    if name == "settings.py":
        return "DATABASES" in text or "CACHES" in text
    if _SPRING.fullmatch(name) is None and not name.endswith(".rb"):
        if name.startswith("database."):
            return _ADAPTERS.search(text) is not None
        if _KEYS.search(text) is None or _TEMPLATE.search(text):
            return False
    if name.endswith((".yml", ".yaml")):
        return "/.github/" not in f"/{source.path}" and _NOT_OURS.search(text) is None
    return True


def read(source: Source) -> Reading:
    """What the settings of a program declare.

    Raises:
        Unreadable: the file is not in the format that its name says.
    """
    name = source.name
    product = name.removesuffix(".rb") if name in ("puma.rb", "unicorn.rb") else None
    ports = Gathering(source, FORM, f"folder:{_program(source.folder)}", product)
    if name == "settings.py":
        python_settings.take(source, ports)
    elif name.endswith(".rb"):
        ruby_server.take(source, ports)
    elif name.startswith("database."):
        _rails(source, ports)
    else:
        _settings(source, ports)
    found = sorted(ports.declared, key=lambda one: (one.place.line, one.place.column))
    return Reading(tuple(found))


def _program(folder: str) -> str:
    """The folder of the program whose settings these are: of `a/src/main/resources` it is `a`."""
    parts = folder.split("/") if folder else []
    if "src" in parts:
        at = parts.index("src")
        if parts[at + 1 : at + 2] in (["main"], ["test"]):
            return "/".join(parts[:at])
    while parts and parts[-1] in _INNER:
        parts.pop()
    return "/".join(parts)


def _settings(source: Source, ports: Gathering) -> None:
    spring = _SPRING.fullmatch(source.name)
    profile = spring["profile"] if spring else None
    if "/src/test/" in f"/{source.path}":
        profile = "test"
    profiles = (profile,) if profile else ()
    for document in _documents(source):
        if spring:
            spring_keys.take(document, ports, profiles)
        else:
            plain_keys.take(document, ports)


def _documents(source: Source) -> list[list[keys.Key]]:
    if source.name.endswith(".properties"):
        return list(keys.of_properties(source))
    trees: list[Node]
    if source.name.endswith(".toml"):
        from portbook.lint.syntax_tree import toml_tree

        trees = [toml_tree(source)]
    else:
        from portbook.lint.yaml_tree import yaml_documents

        plain = source
        if "@" in source.text:
            plain = Source(source.path, _MAVEN.sub("_", source.text).encode())
        trees = yaml_documents(plain)
    return [keys.of_tree(tree) for tree in trees if tree.kind == "map"]


def _rails(source: Source, ports: Gathering) -> None:
    """database.yml: `port` of each environment; it is a template of Ruby's."""
    from portbook.lint.yaml_tree import yaml_documents

    text = _ERB.sub(lambda found: " " * len(found[0]), source.text)
    plain = Source(source.path, text.encode())
    for tree in yaml_documents(plain):
        for key in keys.of_tree(tree) if tree.kind == "map" else ():
            ruby_server.connection(key, ports)
