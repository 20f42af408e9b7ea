"""The ways to ask for a claim: HTTP over TCP or the Unix socket, as the commands do, by command.

All have the same calls, and say no in the same way.
"""

import http.client
import json
import random
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from claims.proof.claim_model import HELD
from portbook.model import PortbookError

_REQUEST_SECONDS = 3.0


class Refused(Exception):
    """The service or the store said no; `code` is the stable word for why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


FAULTS = (OSError, http.client.HTTPException, PortbookError, ValueError, subprocess.SubprocessError)
"""Whatever leaves open whether the request was acted upon."""


class Unix(http.client.HTTPConnection):
    """HTTP over the service's Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_REQUEST_SECONDS)
        self.path = path

    def connect(self) -> None:
        """Connect to the path."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Wire:
    """Asks the service in HTTP: over TCP with the token of its file, or over its Unix socket."""

    def __init__(self, home: Path, *, over_tcp: bool) -> None:
        self.home = home
        self.over_tcp = over_tcp
        self._link: http.client.HTTPConnection | None = None
        self._head: dict[str, str] = {}

    def _connect(self) -> http.client.HTTPConnection:
        place = json.loads((self.home / "place.json").read_text(encoding="utf-8"))
        if not self.over_tcp:
            return Unix(place["socket"])
        token = Path(place["token_file"]).read_text(encoding="ascii").strip()
        self._head = {"Authorization": f"Bearer {token}"}
        return http.client.HTTPConnection("127.0.0.1", place["port"], timeout=_REQUEST_SECONDS)

    def ask(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        """The document that is answered.

        Raises:
            Refused: an answer that is none of success.
            OSError, HTTPException, ValueError: no whole answer came.
        """
        try:
            if self._link is None:
                self._link = self._connect()
            body = None if fields is None else json.dumps(fields)
            head = self._head | ({} if fields is None else {"Content-Type": "application/json"})
            self._link.request(method, path, body, head)
            answer = self._link.getresponse()
            said = answer.read()
        except BaseException:
            self.close()
            raise
        document = json.loads(said)
        if answer.status >= 500 and answer.status != 503:
            raise ValueError(document)
        if answer.status >= 400:
            raise Refused(document["error"]["code"])
        return document

    def close(self) -> None:
        """Hang up."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def claim(self, port: int, ttl: int, request: str, pid: int | None) -> tuple[str, int]:
        """Id and token."""
        fields = {"port": port, "ttl_ms": ttl, "request_id": request}
        if pid is not None:
            fields["watch_pid"] = pid
        made = self.ask("POST", "/v1/claims", fields)["claims"][0]
        assert made["port"] == port
        return made["id"], made["token"]

    def renew(self, claim: str, token: int, ttl: int) -> None:
        """Begin the lease anew."""
        self.ask("PUT", f"/v1/claims/{claim}/lease", {"token": token, "ttl_ms": ttl})

    def release(self, claim: str, token: int) -> bool:
        """False: it had ended."""
        return bool(self.ask("DELETE", f"/v1/claims/{claim}?token={token}")["released"])

    def look(self, port: int) -> int:
        """The token of the live claim of the port, 0 for none."""
        found = self.ask("GET", f"/v1/claims?port={port}")["claims"]
        assert len(found) <= 1, found
        return found[0]["token"] if found else 0

    def acquire(self, name: str, limit: int, request: str, ttl: int, wait: int) -> tuple[str, int]:
        """Id and token of a permit; Refused `timeout`: it may still wait."""
        fields = {"limit": limit, "request_id": request, "ttl_ms": ttl, "wait_ms": wait}
        permit = self.ask("POST", f"/v1/sems/{name}/acquire", fields)["permit"]
        return permit["id"], permit["token"]

    def cancel(self, name: str, request: str) -> bool:
        """Leave the queue."""
        return bool(self.ask("DELETE", f"/v1/sems/{name}/waiters/{request}")["cancelled"])

    def renew_permit(self, name: str, permit: str, token: int, ttl: int) -> None:
        """Begin its lease anew."""
        fields = {"token": token, "ttl_ms": ttl}
        self.ask("PUT", f"/v1/sems/{name}/permits/{permit}", fields)

    def release_permit(self, name: str, permit: str, token: int) -> bool:
        """False: it had ended."""
        return bool(
            self.ask("DELETE", f"/v1/sems/{name}/permits/{permit}?token={token}")["released"]
        )

    def holders(self, name: str) -> list[int]:
        """Tokens of the permits that are held."""
        for each in self.ask("GET", "/v1/sems")["semaphores"]:
            if each["name"] == name:
                return [permit["token"] for permit in each["held"]]
        return []


class ByAccess:
    """Asks as the commands do: the service where there is one, else the store."""

    def _access(self) -> Any:
        from portbook.survey.claiming import open_claims

        return open_claims()

    def _do(self, act: Callable[[Any], Any]) -> Any:
        from portbook.model.claim import ClaimRefused

        access = self._access()
        try:
            return act(access)
        except ClaimRefused as refused:
            raise Refused(refused.code) from None
        finally:
            access.close()

    def close(self) -> None:
        """Nothing is kept."""

    def claim(self, port: int, ttl: int, request: str, pid: int | None) -> tuple[str, int]:
        """As Wire."""
        from portbook.model.claim import ClaimRequest

        asked = ClaimRequest(port=port, ttl_ms=ttl, request_id=request, watch_pid=pid)
        (made,) = self._do(lambda access: access.claim(asked))
        return made.id, made.token

    def renew(self, claim: str, token: int, ttl: int) -> None:
        """As Wire."""
        self._do(lambda access: access.renew(claim, token, ttl))

    def release(self, claim: str, token: int) -> bool:
        """As Wire."""
        return bool(self._do(lambda access: access.release(claim, token)))

    def look(self, port: int) -> int:
        """As Wire."""
        found = [each for each in self._do(lambda access: access.claims()) if each.port == port]
        assert len(found) <= 1, found
        return found[0].token if found else 0

    def acquire(self, name: str, limit: int, request: str, ttl: int, wait: int) -> tuple[str, int]:
        """As Wire."""
        from portbook.model.claim import Permit, PermitRequest

        asked = PermitRequest(name, limit, 1, ttl, None, request, wait)
        made = self._do(lambda access: access.acquire(asked))
        if not isinstance(made, Permit):
            raise Refused("timeout")
        return made.id, made.token

    def cancel(self, name: str, request: str) -> bool:
        """As Wire."""
        del name
        return bool(self._do(lambda access: access.cancel_wait(request)))

    def renew_permit(self, name: str, permit: str, token: int, ttl: int) -> None:
        """As Wire."""
        del name
        self._do(lambda access: access.renew_permit(permit, token, ttl))

    def release_permit(self, name: str, permit: str, token: int) -> bool:
        """As Wire."""
        del name
        return bool(self._do(lambda access: access.release_permit(permit, token)))

    def holders(self, name: str) -> list[int]:
        """As Wire."""
        for each in self._do(lambda access: access.semaphores()):
            if each.name == name:
                return [permit.token for permit in each.held]
        return []


class ByCommand(ByAccess):
    """Runs `portbook claim`, `release` and `claims`; now and then a command is killed on its way.

    A command cannot be repeated: what became of it stays unknown.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def _run(self, *arguments: str) -> Any:
        argv = [sys.executable, "-m", "portbook", *arguments, "--json"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                seconds = self.rng.random() * 0.2 if self.rng.random() < 0.1 else 30
                out, told = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        if process.returncode in (0, 1) and out:
            return json.loads(out)
        if process.returncode == 1 and b" is held by " in told:
            raise Refused(HELD)
        if process.returncode == 1 and b"token" in told:
            raise Refused("bad_token")
        raise OSError(told.decode())

    def claim(self, port: int, ttl: int, request: str, pid: int | None) -> tuple[str, int]:
        """As Wire."""
        del request
        owner = () if pid is None else ("--pid", str(pid))
        made = self._run("claim", "--port", str(port), "--ttl", f"{ttl // 1000}s", *owner)
        return made["claims"][0]["id"], made["claims"][0]["token"]

    def release(self, claim: str, token: int) -> bool:
        """As Wire."""
        made = self._run("release", claim, "--token", str(token))
        return bool(made["released"][0]["released"])

    def look(self, port: int) -> int:
        """As Wire."""
        found = [each for each in self._run("claims")["claims"] if each["port"] == port]
        assert len(found) <= 1, found
        return found[0]["token"] if found else 0
