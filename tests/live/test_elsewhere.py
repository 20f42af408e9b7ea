"""Listeners in other network namespaces: apart, labelled, never as reachable from the host."""

import os

import pytest

from live.stage import actor, run_portbook
from portbook.host import Host
from portbook.survey import survey

pytestmark = [pytest.mark.live, pytest.mark.root]


def test_all_netns_lists_them_with_their_label_and_reach() -> None:
    """Without the option they are not there; with it they are, as `other-netns`."""
    with actor() as inside:
        inside("enter", "net")
        inside("loopback_up")
        port = inside("bind")["port"]
        ours = [row for row in survey(Host()).listeners if row.socket.port == port]
        assert all(inside.pid not in [o.pid for o in row.owners] for row in ours)
        found = [
            row
            for row in survey(Host(), all_netns=True).listeners
            if row.namespace and inside.pid in [owner.pid for owner in row.owners]
        ]
        (row,) = found
        assert row.reach == "other-netns"
        assert row.namespace == f"pid {inside.pid}"
        assert row.socket.netns == os.stat(f"/proc/{inside.pid}/ns/net").st_ino
        text = run_portbook("ls", "--all-netns", "--port", str(port)).out
        assert f"pid {inside.pid}: 127.0.0.1" in text
    again = survey(Host(), all_netns=True).listeners
    assert not [row for row in again if row.namespace == f"pid {inside.pid}"]
