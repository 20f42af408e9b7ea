"""`portbook identify HOST:PORT`: a listener of another host, in namespaces of the test's own."""

import os
import shutil
import subprocess
import sys

import pytest

from live.stage import environment

pytestmark = [
    pytest.mark.live,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]

# Two hosts with a cable between them: this one, and `there` with a server on 192.0.2.2.
_STAGE = """
set -e
ip link set lo up
unshare --net sleep 60 & there=$!
while [ "$(readlink /proc/$there/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
ip link add here type veth peer name there netns $there
ip address add 192.0.2.1/24 dev here
ip link set here up
inside="nsenter --target $there --net"
$inside ip address add 192.0.2.2/24 dev there
$inside ip link set there up
$inside "$PYTHON" -c '
import socket
with socket.create_server(("192.0.2.2", 25)) as listener:
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\\r\\n")
        connection.recv(100)
' & server=$!
while ! $inside grep -q "020200C0:0019" /proc/$server/net/tcp; do sleep 0.02; done
set +e
"$PYTHON" -m portbook identify "$@"
code=$?
kill $server $there
exit $code
"""


def _there(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Portbook on this side of the cable."""
    spaces = ["--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]
    return subprocess.run(
        ["unshare", *spaces, "sh", "-c", _STAGE, "sh", *arguments],
        env={**environment(), "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=50,
    )


@pytest.mark.skipif(not shutil.which("nsenter"), reason="needs util-linux")
def test_a_listener_of_another_host_is_asked_when_it_is_named() -> None:
    """SSH on the number of SMTP: the wire and the registry disagree, and no process is known."""
    ran = _there("192.0.2.2:25")
    assert ran.returncode == 0, ran.stderr
    assert "ssh (OpenSSH 9.2p1)" in ran.stdout
    assert "registered: smtp, wire: ssh (OpenSSH 9.2p1)" in ran.stdout


@pytest.mark.skipif(not shutil.which("nsenter"), reason="needs util-linux")
@pytest.mark.parametrize("target", ["192.0.2.0/24", "192.0.2.2:1-1024", "192.0.2.255/32"])
def test_a_network_behind_the_cable_is_not_scanned(target: str) -> None:
    """Refused with the reason, exit code 2."""
    ran = _there(target)
    assert ran.returncode == 2
    assert "portbook is no scanner" in ran.stderr
