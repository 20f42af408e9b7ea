"""Run in a network namespace of its own: who of the kernel holds each socket there, as JSON."""

import json
import os
import subprocess
import sys

from portbook.host import Host
from portbook.owners.kernel import kernel_holders
from portbook.owners.links import wireguard_port
from portbook.sockets import read_table


def main() -> None:
    """Make the interfaces, then look; with `nobody` as an argument, without privileges."""
    for words in (
        "set lo up",
        "add vx0 type vxlan id 42 dstport 4799 dev lo",
        "add vx1 type vxlan id 43 dstport 4789 dev lo",
        "set vx0 up",
        "set vx1 up",
    ):
        subprocess.run(["ip", "link", *words.split()], check=True)
    host = Host()
    sockets = read_table(host).sockets
    if "nobody" in sys.argv:
        os.setresuid(65534, 65534, 65534)
    try:
        wireguard: object = wireguard_port("wg0")
    except OSError as error:
        wireguard = error.errno
    holders = kernel_holders(host, sockets)
    elsewhere = kernel_holders(host, [row._replace(netns=1) for row in sockets])
    print(
        json.dumps(
            {
                "holders": sorted(
                    {(row.port, held) for row, held in zip(sockets, holders, strict=True)}
                ),
                "elsewhere": elsewhere,
                "wireguard": wireguard,
            }
        )
    )


main()
