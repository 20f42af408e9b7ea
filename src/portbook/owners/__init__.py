"""Who holds a socket: processes, units, containers and packages, each with its proof."""

from portbook.owners.cgroups import place_of
from portbook.owners.holding import owners_of
from portbook.owners.origins import origins_of, published_without_socket

__all__ = ["origins_of", "owners_of", "place_of", "published_without_socket"]
