"""Compose services put together: extends, and files over files (compose specification 13)."""

import posixpath
from collections.abc import Callable, Mapping

from portbook.lint.parts import ComposeFile, ComposeService, EnvFile, ImageFile, Part, Variable
from portbook.lint.reading import Fault, Reading
from portbook.lint.source import Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOST_DEPTH = 20
_MOST_ENTRIES = 200_000
_MOST_OF_ALL = 1_000_000
"""Ports, variables and so on of one project, of all: extends multiplies what stands once."""


class Files:
    """The files of a project that stacks are made of, each read once.

    Attributes:
        faults: (path, fault) of what could not be followed.
    """

    def __init__(
        self, readings: Mapping[str, Reading], load: "Callable[[str, str], Reading | None]"
    ) -> None:
        self.faults: list[tuple[str, Fault]] = []
        self._readings = readings
        self._load = load
        self._services: dict[str, dict[str, ComposeService] | None] = {}
        self._extended: dict[tuple[str, str], ComposeService | None] = {}
        self._left = _MOST_ENTRIES
        self._left_of_all = _MOST_OF_ALL

    def start(self) -> None:
        """Begin another project, which may have as many entries as every other."""
        self._left = _MOST_ENTRIES

    def _parts(self, path: str, form: str, kind: type[Part]) -> tuple[Part, ...]:
        own = self._readings.get(path)
        if own is not None and any(isinstance(part, kind) for part in own.parts):
            return own.parts
        if path.startswith(("../", "/")) or path in ("", ".", ".."):
            return ()
        found = self._load(path, form)
        if found is None:
            return ()
        for fault in found.faults:
            self.fault(path, fault.line, fault.why)
        return found.parts

    def compose(self, path: str) -> list[ComposeFile]:
        """The documents of a compose file; none where it is absent."""
        return [
            part
            for part in self._parts(path, "compose", ComposeFile)
            if isinstance(part, ComposeFile)
        ]

    def env(self, path: str) -> EnvFile | None:
        """The variables of a .env file, None where it is absent."""
        for part in self._parts(path, "dotenv", EnvFile):
            if isinstance(part, EnvFile):
                return part
        return None

    def image(self, path: str, stage: str | None) -> ImageFile | None:
        """What a Dockerfile makes, up to a stage; None where it is absent or has no such stage."""
        for part in self._parts(path, "dockerfile", ImageFile):
            if isinstance(part, ImageFile):
                last = part.stages[-1] if part.stages else ""
                name = part.stage if part.stage is not None else last
                if stage is None or name.lower() == stage.lower():
                    return part
        return None

    def services(self, path: str) -> dict[str, ComposeService] | None:
        """The services of one file by name, extends followed; None where it is absent."""
        if path not in self._services:
            documents = self.compose(path)
            found: dict[str, ComposeService] = {}
            for document in documents:
                for service in document.services:
                    put(found, service, self.spend)
            self._services[path] = found if documents else None
        return self._services[path]

    def extended(self, path: str, service: ComposeService) -> ComposeService:
        """A service over the one that it extends."""
        return self._extend(path, service, ())

    def _extend(
        self, path: str, service: ComposeService, above: tuple[tuple[str, str], ...]
    ) -> ComposeService:
        key = (path, service.name)
        if service.extends is None:
            return service
        if key in self._extended:
            return self._extended[key] or service
        name, file = service.extends
        other = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
        line = service.place.line
        if (other, name) in (*above, key):
            self.fault(path, line, f"{service.name} extends itself through {name}")
            return service
        if len(above) >= _MOST_DEPTH:
            self.fault(path, line, f"extends over {_MOST_DEPTH} services")
            return service
        if file and "$" in file:
            return service
        services = self.services(other)
        found = (services or {}).get(name)
        if found is None:
            self.fault(path, line, f"{service.name} extends {name}, which is not there")
            self._extended[key] = service
            return service
        under = self._extend(other, found, (*above, key))
        self.spend(_size(under))
        made = merged(under._replace(name=service.name, place=service.place), service)
        self._extended[key] = made
        return made

    def fault(self, path: str, line: int | None, why: str) -> None:
        """Note what could not be followed."""
        if len(self.faults) < 200:
            self.faults.append((path, Fault(line, why)))

    def spend(self, number: int) -> None:
        """Count entries that are made.

        Raises:
            Unreadable: they are too many.
        """
        self._left -= number
        self._left_of_all -= number
        if self._left < 0 or self._left_of_all < 0:
            raise Unreadable("too many ports and variables, extends followed")


def put(
    into: dict[str, ComposeService], service: ComposeService, spend: "Callable[[int], None]"
) -> None:
    """Add a service, over the one of its name."""
    under = into.get(service.name)
    if under is not None:
        spend(_size(under))
        service = merged(under, service)
    into[service.name] = service


def _size(service: ComposeService) -> int:
    return 1 + len(service.ports) + len(service.environment) + len(service.expose)


def merged(under: ComposeService, over: ComposeService) -> ComposeService:
    """A service with what another file, or a service that extends it, says over it."""
    reset = frozenset(over.reset)

    def below(key: str) -> ComposeService:
        return over if key in reset else under

    has_command = over.command is not None or bool({"command", "entrypoint"} & reset)
    return ComposeService(
        under.name,
        under.place,
        image=over.image or below("image").image,
        context=over.context or below("build").context,
        dockerfile=over.dockerfile or below("build").dockerfile,
        target=over.target or below("build").target,
        ports=_both(() if "ports" in reset else under.ports, over.ports),
        expose=_both(() if "expose" in reset else under.expose, over.expose),
        environment=_by_name(() if "environment" in reset else under.environment, over.environment),
        env_files=_both(() if "env_file" in reset else under.env_files, over.env_files),
        profiles=_both(() if "profiles" in reset else under.profiles, over.profiles),
        network_mode=over.network_mode or below("network_mode").network_mode,
        extends=over.extends,
        command=over.command if has_command else under.command,
        health=over.health or below("healthcheck").health,
        labels=_by_name(() if "labels" in reset else under.labels, over.labels),
        words=over.words if has_command else under.words,
        replicas=over.replicas or (None if {"deploy", "scale"} & reset else under.replicas),
        args=tuple(dict.fromkeys((*below("build").args, *over.args))),
    )


def _both(under: "tuple[Any, ...]", over: "tuple[Any, ...]") -> "tuple[Any, ...]":
    return tuple(dict.fromkeys((*under, *over)))


def _by_name(under: tuple[Variable, ...], over: tuple[Variable, ...]) -> tuple[Variable, ...]:
    found = {variable.name: variable for variable in under}
    found.update((variable.name, variable) for variable in over)
    return tuple(found.values())
