"""Print the ports that Scapy binds to layers: transport, port, layer, tab-separated and sorted.

Runs where Scapy is installed (it is no dependency of portbook): python tools/registry_scapy.py
"""

import contextlib
import importlib
import logging
import pkgutil

logging.disable(logging.CRITICAL)


def main() -> None:
    """Load every layer, contributed ones included, and print their destination ports."""
    import scapy.all
    import scapy.contrib
    from scapy.layers.inet import TCP, UDP
    from scapy.layers.sctp import SCTP

    for module in pkgutil.walk_packages(scapy.contrib.__path__, "scapy.contrib."):
        # A contributed layer may need a library that is not there: the others still count.
        with contextlib.suppress(Exception), contextlib.redirect_stdout(None):
            importlib.import_module(module.name)
    found = {
        (layer.__name__.lower(), fields["dport"], bound.__name__)
        for layer in (TCP, UDP, SCTP)
        for fields, bound in layer.payload_guess
        if isinstance(fields.get("dport"), int)
    }
    for row in sorted(found):
        print(*row, sep="\t")


if __name__ == "__main__":
    main()
