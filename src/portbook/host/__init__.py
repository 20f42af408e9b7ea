"""The only door to the machine: files below a root, the clock, privileges, the network.

Everything above asks a `Host`, so a whole survey runs on a recorded host tree.
"""

from portbook.host.machine import Host

__all__ = ["Host"]
