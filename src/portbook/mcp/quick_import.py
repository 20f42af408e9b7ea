"""Loads the SDK in less than half of the time that importing it takes.

`import mcp.server.lowlevel` builds some 600 pydantic models of three generations of the protocol,
of which a connection needs a dozen, and imports the client, an application framework and a second
server on the way: 0.55 s, more than a start may take (measured, see bench/mcp_tools.py).
Three things are done about it, for as long as the import takes:

- pydantic is told to build models and adapters when they are first used (`defer_build`, its own
  option, here as the default), and to look for no plugins;
- `mcp` and `mcp.server` are packages that have not run their `__init__`, which imports what is not
  needed here. Whoever asks them for a name later gets it, for then it is run;
- without HTTP, the module of the SDK's server finds names that only its HTTP needs in modules
  that are empty, and gone again afterwards. It alone may: any other module is refused.

No code of the SDK is changed. Where all that does not work, because SDK or pydantic have changed,
everything is imported as usual.
"""

import importlib
import os
import sys
from contextlib import contextmanager
from importlib.machinery import PathFinder
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

NEEDED = ("mcp.server.lowlevel.server", "mcp.server.stdio")
_SERVER = NEEDED[0]
_FOR_HTTP = (
    "starlette.applications",
    "starlette.middleware",
    "starlette.middleware.authentication",
    "starlette.routing",
    "mcp.server.auth.middleware.auth_context",
    "mcp.server.auth.middleware.bearer_auth",
    "mcp.server.auth.provider",
    "mcp.server.auth.routes",
    "mcp.server.auth.settings",
    "mcp.server.streamable_http",
    "mcp.server.streamable_http_manager",
    "mcp.server.transport_security",
)
"""What the SDK's server imports for its HTTP alone."""
_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
_PACKAGES = ("mcp", "mcp.server")
_OURS = ("mcp", "mcp_types")


def load_sdk(*, http: bool = True) -> bool:
    """Import what NEEDED names; whether that was quick, or as usual.

    Without `http` the server that comes of it speaks over streams alone.

    Raises:
        ModuleNotFoundError: the SDK is not installed.
    """
    if "mcp" in sys.modules:
        _import_all()
        return False
    try:
        with _late_models(), _bare_packages(), _empty_modules(() if http else _FOR_HTTP):
            _import_all()
    except Exception:  # noqa: BLE001 - whatever has changed there: the plain way says what is wrong
        for name in [each for each in sys.modules if each.partition(".")[0] in _OURS]:
            del sys.modules[name]
        _import_all()
        return False
    return True


def _import_all() -> None:
    for name in NEEDED:
        importlib.import_module(name)


@contextmanager
def _late_models() -> "Iterator[None]":
    """Models and adapters that are made meanwhile are built when they are used."""
    before = os.environ.get(_PLUGINS)
    os.environ.setdefault(_PLUGINS, "__all__")
    import pydantic
    from pydantic.type_adapter import TypeAdapter

    usual: Any = TypeAdapter.__dict__["_defer_build"]
    config = pydantic.BaseModel.model_config
    try:
        config["defer_build"] = True
        TypeAdapter._defer_build = property(lambda _self: True)  # type: ignore[method-assign,assignment] # noqa: SLF001 - put back below
        yield
    finally:
        config.pop("defer_build", None)
        TypeAdapter._defer_build = usual  # type: ignore[method-assign] # noqa: SLF001 - as above
        if before is None:
            os.environ.pop(_PLUGINS, None)


@contextmanager
def _bare_packages() -> "Iterator[None]":
    """`mcp` and `mcp.server` as packages whose `__init__` runs when a name of it is asked for."""
    for name in _PACKAGES:
        parent, _, last = name.rpartition(".")
        spec = PathFinder.find_spec(name, sys.modules[parent].__path__ if parent else None)
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        module = _Late(name)
        module.__spec__ = spec
        module.__file__ = spec.origin
        module.__path__ = list(spec.submodule_search_locations)
        module.__package__ = name
        module.__loader__ = spec.loader
        sys.modules[name] = module
        if parent:
            setattr(sys.modules[parent], last, module)
    yield


@contextmanager
def _empty_modules(names: tuple[str, ...]) -> "Iterator[None]":
    """These modules are empty, and not there any more afterwards."""
    made = {name: _Empty(name) for name in names if name not in sys.modules}
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in made:
            sys.modules.pop(name, None)


class _Empty(ModuleType):
    """A module that gives the SDK's server a name without anything behind it."""

    def __getattr__(self, name: str) -> "Any":
        """Asked for by an import statement; who else imports has to get the real thing."""
        if name.startswith("__"):
            raise AttributeError(name)
        if sys._getframe(1).f_globals.get("__name__") != _SERVER:  # noqa: SLF001 - the importing module
            raise ImportError(f"{self.__name__} is needed by more than {_SERVER}")
        return type(name, (), {"__module__": self.__name__})


class _Late(ModuleType):
    """A package that runs its `__init__` when somebody asks it for a name."""

    def __getattr__(self, name: str) -> "Any":
        """Called only for names that are not there yet."""
        spec = self.__spec__
        if name.startswith("__") or spec is None or spec.loader is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.__class__ = ModuleType  # type: ignore[assignment] # from here on it is a plain one
        spec.loader.exec_module(self)
        return getattr(self, name)
