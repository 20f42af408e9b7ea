"""Who holds a socket: processes, units and containers, each with its proof."""

from portbook.owners.cgroups import place_of
from portbook.owners.holding import owners_of

__all__ = ["owners_of", "place_of"]
