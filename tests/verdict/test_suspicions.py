"""Each rule of suspicion: what fires it, how severe it is, and what honest thing does not."""

# ruff: noqa: S108 - the folders that are judged, none of them used

import pytest

from portbook.model import Container, Facts, Package, Project, Unknown
from portbook.verdict import judge

DENIED = Unknown("denied")
NGINX = Package("dpkg", "nginx-light", "1.22.1")
PYTHON = Package("dpkg", "python3.11-minimal", "3.11.2")
APP = Project("python", "/home/ann/app", "app", "main")


def said(facts: Facts) -> dict[str, str]:
    """The rules that fire, with their severities."""
    return {each.rule: each.severity for each in judge(facts).suspicions}


FIRE: list[tuple[str, str, Facts]] = [
    ("hidden-listener", "high", Facts(None, hidden=True)),
    ("memory-executable", "high", Facts("x", exe="/memfd:x", exe_deleted=True)),
    ("memory-executable", "high", Facts("x", exe="/memfd:", reach="loopback")),
    # The name of runc's own memfd can be borrowed, runc's command line less so.
    (
        "memory-executable",
        "high",
        Facts("nc", exe="/memfd:runc_cloned:/proc/self/exe", cmdline=("nc", "-l")),
    ),
    ("deleted-executable", "high", Facts("x", exe="/opt/x", exe_deleted=True)),
    ("deleted-executable", "medium", Facts("x", exe="/opt/x", exe_deleted=True, reach="loopback")),
    ("deleted-executable", "low", Facts("x", exe="/srv/x", exe_deleted=True, replaced=True)),
    ("temporary-folder", "high", Facts("x", exe="/tmp/x")),
    ("temporary-folder", "high", Facts("x", exe="/var/tmp/.a/x", reach="private")),
    ("temporary-folder", "medium", Facts("x", exe="/dev/shm/x", reach="loopback")),
    ("temporary-folder", "low", Facts("main", exe="/tmp/go-build1/b001/exe/main")),
    ("temporary-folder", "low", Facts("cursor", exe="/tmp/.mount_CursorA1/usr/bin/cursor")),
    ("hidden-folder", "medium", Facts("x", exe="/home/ann/.xyz/x")),
    ("hidden-folder", "medium", Facts("x", exe="/usr/lib/.cache/x")),
    ("hidden-folder", "medium", Facts("x", exe="/.local/x")),
    ("hidden-folder", "medium", Facts("x", exe="/home/ann/.../x")),
    ("hidden-folder", "low", Facts("x", exe="/etc/.x/x", reach="loopback")),
    ("working-folder", "medium", Facts("x", exe="/srv/x", cwd="/tmp")),
    ("working-folder", "low", Facts("x", exe="/srv/x", cwd="/var/tmp/a", reach="loopback")),
    ("working-folder", "low", Facts("python3", exe="/usr/bin/python3.11", cwd="/tmp/site")),
    ("working-folder", "medium", Facts("x", exe="/srv/x", cwd="/usr/share/.x")),
    ("shell-on-socket", "high", Facts("bash", exe="/usr/bin/bash", fds=(0,))),
    ("shell-on-socket", "high", Facts("sh", exe="/bin/dash", fds=(0, 1, 2), reach="loopback")),
    (
        "shell-on-socket",
        "high",
        Facts("sh", exe="/bin/busybox", cmdline=("sh", "-i"), fds=(2, 7)),
    ),
    ("shell-on-socket", "high", Facts("sh", exe=DENIED, cmdline=("-bash",), fds=(0,))),
    ("shell-on-socket", "medium", Facts("sh", exe="/bin/dash", fds=(3,))),
    # The old backdoor: inetd hands a command line out to whoever comes.
    (
        "shell-on-socket",
        "high",
        Facts("sh", exe="/bin/dash", cmdline=("sh", "-i"), fds=(0,), ancestry=("inetd", "init")),
    ),
    ("inline-program", "medium", Facts("python3", cmdline=("python3", "-c", "import socket"))),
    ("inline-program", "medium", Facts("python3", cmdline=("python3", "-Ic", "import os"))),
    ("inline-program", "medium", Facts("python3.11", cmdline=("python3", "-W", "error", "-cx"))),
    ("inline-program", "medium", Facts("python3", cmdline=("python3", "-"))),
    ("inline-program", "medium", Facts("perl", cmdline=("perl", "-MIO::Socket", "-e", "fork"))),
    ("inline-program", "medium", Facts("perl", cmdline=("/usr/bin/perl5.36", "-we", "1"))),
    ("inline-program", "medium", Facts("ruby", cmdline=("ruby", "-rsocket", "-e", "1"))),
    ("inline-program", "medium", Facts("node", cmdline=("node", "--eval=require('net')"))),
    ("inline-program", "medium", Facts("node", cmdline=("node", "-r", "./x", "-e", "1"))),
    ("inline-program", "medium", Facts("php", cmdline=("php", "-r", "fsockopen()"))),
    ("inline-program", "medium", Facts("deno", cmdline=("deno", "eval", "1"))),
    (
        "inline-program",
        "low",
        Facts("python3", cmdline=("python3", "-c", "1"), reach="loopback"),
    ),
    # What only looks like multiprocessing's own program.
    (
        "inline-program",
        "medium",
        Facts(
            "python3",
            cmdline=(
                "python3",
                "-c",
                "from multiprocessing.spawn import spawn_main; evil(); spawn_main()",
            ),
        ),
    ),
    ("preloaded-library", "medium", Facts("nginx", preloads="/usr/lib/libselinux2.so")),
    ("preloaded-library", "high", Facts("nginx", preloads="/dev/shm/a.so")),
    ("preloaded-library", "high", Facts("nginx", preloads="libjemalloc.so.2 /tmp/.x/b.so")),
    ("preloaded-library", "high", Facts("nginx", preloads="/tmp/libjemalloc.so.2")),
    ("preloaded-library", "low", Facts("x", preloads="a.so:b.so", reach="loopback")),
    ("kernel-look-alike", "high", Facts("[kworker/0:1]", exe="/usr/bin/x")),
    ("kernel-look-alike", "high", Facts("x", exe="/usr/bin/x", cmdline=("[kswapd0]",))),
    ("kernel-look-alike", "high", Facts("kworker/u8:1", exe="/usr/bin/x")),
    ("kernel-look-alike", "high", Facts("kswapd0", exe="/srv/a/x", reach="loopback")),
    ("kernel-look-alike", "high", Facts("x", exe=DENIED, cmdline=("[kthreadd]",))),
    (
        "malware-default",
        "high",
        Facts("x", exe="/srv/x", malware_defaults=(("A", "low"), ("Empire", "high"))),
    ),
    ("malware-default", "medium", Facts("x", exe="/srv/x", malware_defaults=(("A", "low"),))),
    (
        "malware-default",
        "low",
        Facts("x", exe="/srv/x", malware_defaults=(("A", "medium"),), reach="loopback"),
    ),
]


@pytest.mark.parametrize(("rule", "severity", "facts"), FIRE)
def test_evidence_of_harm_is_named_with_its_severity(
    rule: str, severity: str, facts: Facts
) -> None:
    """The rule fires, says why, and what to do next."""
    found = {each.rule: each for each in judge(facts).suspicions}
    assert found[rule].severity == severity
    assert found[rule].reason and found[rule].next
    assert (judge(facts).value == "suspicious") == bool(
        {each.severity for each in found.values()} & {"high", "medium"}
    )


QUIET: list[tuple[str, Facts]] = [
    ("an upgraded package", Facts("nginx", exe="/usr/sbin/nginx", exe_deleted=True, upgraded=True)),
    (
        "runc's copy of itself",
        Facts(
            "runc:[2:INIT]",
            exe="/memfd:runc_cloned:/proc/self/exe",
            exe_deleted=True,
            cmdline=("runc", "init"),
        ),
    ),
    (
        "a script that inetd starts",
        Facts(
            "sh",
            exe="/bin/dash",
            cmdline=("sh", "/usr/local/sbin/answer"),
            fds=(0, 1, 2),
            ancestry=("inetd", "systemd"),
        ),
    ),
    (
        "a script with its socket from systemd",
        Facts(
            "bash",
            exe="/bin/bash",
            cmdline=("bash", "/usr/lib/x/serve"),
            fds=(0,),
            ancestry=("systemd",),
        ),
    ),
    (
        "a server of inetd",
        Facts("in.tftpd", exe="/usr/sbin/in.tftpd", fds=(0, 1, 2), ancestry=("inetd",)),
    ),
    (
        "a shell that inherited a daemon's socket",
        Facts("sh", exe="/bin/dash", fds=(7,), holders=2),
    ),
    (
        "python -c in a virtual environment",
        Facts(
            "python3",
            exe="/usr/bin/python3.11",
            cmdline=("/home/ann/app/.venv/bin/python", "-c", "import app; app.run()"),
        ),
    ),
    (
        "python -c of a project",
        Facts(
            "python3",
            exe="/usr/bin/python3.11",
            cmdline=("python3", "-c", "import app; app.run()"),
            project=APP,
        ),
    ),
    (
        "a worker of multiprocessing",
        Facts(
            "python3",
            exe="/usr/bin/python3.11",
            cmdline=(
                "/usr/bin/python3",
                "-c",
                "from multiprocessing.spawn import spawn_main; spawn_main(pipe_handle=7)",
                "--multiprocessing-fork",
            ),
        ),
    ),
    ("a module", Facts("python3", cmdline=("python3", "-m", "http.server", "-c", "x"))),
    ("a script", Facts("python3", cmdline=("python3", "-u", "serve.py", "-c", "conf"))),
    ("a script of perl", Facts("perl", cmdline=("perl", "-I/srv/lib", "serve.pl", "-e", "x"))),
    ("a script of node", Facts("node", cmdline=("node", "--inspect", "server.js", "-e", "1"))),
    ("php's own server", Facts("php", cmdline=("php", "-S", "127.0.0.1:0", "-t", "public"))),
    ("an allocator", Facts("redis", preloads="/usr/lib/x86_64-linux-gnu/libjemalloc.so.2")),
    ("an allocator, small", Facts("x", preloads="libtcmalloc_minimal.so.4:libeatmydata.so")),
    ("another clock", Facts("x", preloads="/usr/lib/faketime/libfaketimeMT.so.1")),
    ("a build", Facts("x", preloads="libfakeroot-sysv.so")),
    ("no preload", Facts("x", preloads="")),
    ("a kernel thread", Facts("nfsd", exe=None)),
    ("a real kworker", Facts("kworker/0:1", exe=None)),
    (
        "celery's brackets",
        Facts("celery", exe="/usr/bin/python3.11", cmdline=("[celeryd: a@b:MainProcess]",)),
    ),
    ("nfs in user space", Facts("ganesha.nfsd", exe="/usr/bin/ganesha.nfsd")),
    ("a packaged tool of that name", Facts("crypto", exe="/usr/bin/crypto")),
    ("a tool of the user", Facts("node", exe="/home/ann/.nvm/versions/node/v20/bin/node")),
    ("an editor's server", Facts("node", exe="/root/.vscode-server/bin/1/node")),
    ("a tool of cargo", Facts("x", exe="/home/ann/.cargo/bin/x")),
    ("a service user's tool", Facts("x", exe="/var/lib/jenkins/.cache/x/x")),
    ("a project's environment", Facts("x", exe="/srv/app/.venv/bin/x", cwd="/srv/app")),
    ("a hidden file", Facts("x", exe="/nix/store/abc-nginx/bin/.nginx-wrapped")),
    ("a folder called tmp", Facts("x", exe="/srv/tmp/x", cwd="/home/ann/tmp")),
    ("almost /tmp", Facts("x", exe="/tmpfs/x", cwd="/tmpx")),
    (
        "a packaged program on a C2 number",
        Facts("nginx", exe="/usr/sbin/nginx", package=NGINX, malware_defaults=(("A", "high"),)),
    ),
    (
        "a program of nobody knows which package",
        Facts("x", exe="/usr/sbin/x", package=DENIED, malware_defaults=(("A", "high"),)),
    ),
    (
        "a project on a C2 number",
        Facts("node", exe="/srv/node", project=APP, malware_defaults=(("A", "high"),)),
    ),
    (
        "a container on a C2 number",
        Facts(
            "x",
            exe="/app/x",
            container=Container("docker", "0123456789ab"),
            malware_defaults=(("A", "high"),),
        ),
    ),
    (
        "a known use of a C2 number",
        Facts("x", exe="/srv/x", unofficial_match="X", malware_defaults=(("A", "high"),)),
    ),
    ("a script in a shell", Facts("bash", exe="/bin/bash", cmdline=("bash", "x.sh"))),
]


@pytest.mark.parametrize(("what", "facts"), QUIET, ids=[what for what, _ in QUIET])
def test_an_honest_program_is_not_suspected(what: str, facts: Facts) -> None:
    """None of the known false positives fires a rule."""
    assert said(facts) == {}


def test_a_packaged_program_served_from_a_temporary_folder_is_a_remark_only() -> None:
    """`python3 -m http.server` in /tmp/site is what developers do."""
    facts = Facts(
        "python3", exe="/usr/bin/python3.11", cwd="/tmp/site", package=PYTHON, reach="any"
    )
    assert said(facts) == {"working-folder": "low"}
    assert judge(facts).value == "unregistered"
