"""One real server of the test bed: how it is started on a port, and the truth about it."""

import os
import subprocess
from collections.abc import Callable, Sequence
from typing import NamedTuple

NODE_MODULES = os.path.join(os.path.dirname(__file__), "../../.venv-bed/npm/node_modules")
"""Where scripts/testbed_servers puts what comes from npm."""


class Place(NamedTuple):
    """Where one instance runs: a folder of its own, an address and a port."""

    folder: str
    address: str
    port: int

    def path(self, name: str) -> str:
        """The path of something in the folder."""
        return os.path.join(self.folder, name)

    def write(self, name: str, text: str, mode: int = 0o644) -> str:
        """Write a file into the folder; its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def run(self, *argv: str, user: str | None = None, stdin: str = "") -> str:
        """Run a program to its end (initdb and the like): its output.

        Raises:
            subprocess.CalledProcessError: it failed; its output is in `.output`.
        """
        command = as_user(argv, user)
        done = subprocess.run(
            command,
            input=stdin.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            timeout=120,
            check=True,
        )
        return done.stdout.decode("utf-8", "replace")

    def give_to(self, user: str) -> None:
        """Make a user own the folder with everything in it."""
        subprocess.run(["chown", "-R", f"{user}:", self.folder], check=True)


def as_user(argv: Sequence[str], user: str | None) -> list[str]:
    """A command line that runs as another user."""
    if user is None:
        return list(argv)
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--", *argv]


class Server(NamedTuple):
    """A server program.

    `name` is unique. `packages` are Debian packages (or `pip:name`, `npm:name`) that it needs.
    `start` writes what it needs into the place and returns the command line of the server in the
    foreground; it runs in the place's folder, as `user`. `protocol`, `application`, `product` and
    `version` are the truth: None for what the server does not tell on the wire. `version` is
    computed from what the packages say, not from the wire. `own_tls`: what it listens with is TLS.
    `behind_tls`: it is also put behind stunnel. `famous`: another protocol's famous port, on which
    it is put as well. `quick`: it starts within two seconds and is part of every CI run. `log`
    names files of the folder (besides its output) that tell what it thinks of being asked. `worse`
    are words that its log may not hold after being asked. `only_default`: it can be on no other
    port. `silent`: it never answers a stranger, so that what it is has to be told by its process.
    """

    name: str
    packages: tuple[str, ...]
    start: Callable[[Place], Sequence[str]]
    default_port: int
    protocol: str
    product: str | None = None
    version: Callable[[], str | None] | None = None
    application: str | None = None
    transport: str = "tcp"
    user: str | None = None
    environment: dict[str, str] | None = None
    own_tls: bool = False
    behind_tls: bool = False
    famous: int | None = None
    quick: bool = False
    seconds: float = 30.0
    steady: float = 0.0
    only_default: bool = False
    silent: bool = False
    log: tuple[str, ...] = ()
    worse: tuple[str, ...] = ("panic", "segfault", "traceback", "assertion", "core dumped")


def debian_version(package: str) -> str | None:
    """The upstream version of an installed Debian package: without epoch, revision and repacks."""
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, check=False
    )
    if done.returncode:
        return None
    version = done.stdout.decode().partition(":")[2] or done.stdout.decode()
    upstream = version.rpartition("-")[0] or version
    for sign in ("+dfsg", "~dfsg", "+ds", "+repack", "~rc"):
        upstream = upstream.partition(sign)[0]
    return upstream
