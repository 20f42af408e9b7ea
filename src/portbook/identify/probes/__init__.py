"""The protocols, one file each: every module of this folder has a `PROBE`."""

from functools import cache
from importlib import import_module
from os import listdir

from portbook.identify.probe import Probe


@cache
def all_probes() -> tuple[Probe, ...]:
    """Every protocol that portbook can tell, by name."""
    names = [name.removesuffix(".py") for name in listdir(__path__[0]) if name.endswith(".py")]
    modules = [import_module(f"{__name__}.{name}") for name in names if name != "__init__"]
    return tuple(sorted((module.PROBE for module in modules), key=lambda probe: probe.name))


@cache
def probe_named(name: str) -> Probe:
    """The protocol of that name.

    Raises:
        KeyError: there is none.
    """
    return {probe.name: probe for probe in all_probes()}[name]
