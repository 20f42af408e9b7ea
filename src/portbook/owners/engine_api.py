"""The HTTP API that Docker and Podman share: containers, their networks and published ports.

Asked are `GET /containers/json` (those that run) and, where that leaves the network open (Podman),
`GET /containers/ID/json`; the one request that changes something is `stop_container`.
"""

import errno

from portbook.host import clock
from portbook.model import EnvironmentFault, NotPermitted, Said, reason_of
from portbook.owners.contained import Engines
from portbook.owners.engine_replies import (
    UNTOLD,
    BadAnswer,
    Told,
    containers_in,
    document_in,
    looked_at,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.host.local_http import Reply

MOST_LOOKED_INTO = 64


def place_of_api(api: str) -> str | tuple[str, int]:
    """`unix:///run/docker.sock` as a path, `tcp://127.0.0.1:2375` as an address and a port."""
    if api.startswith("unix://"):
        return api.removeprefix("unix://")
    address, _, port = api.removeprefix("tcp://").rpartition(":")
    return address.strip("[]"), int(port)


def ask(api: str, *, until: float) -> Told:
    """Ask the engine at `api` for its running containers.

    Raises:
        OSError: it is not there, refuses, hangs up or has not answered when `until` has come.
        BadAnswer: it answered nonsense.
    """
    reply = _get(api, "/containers/json", until)
    engine = "podman" if reply.server.startswith("Libpod") else "docker"
    told = containers_in(reply.body, engine, api)
    looked_into = 0
    containers = []
    for each in told.containers:
        if each.host_network == UNTOLD and looked_into < MOST_LOOKED_INTO:
            looked_into += 1
            try:
                detail = _get(api, f"/containers/{each.id}/json", until)
                containers.append(looked_at(each, document_in(detail.body)))
                continue
            except (OSError, ValueError):
                pass  # it may have ended meanwhile; what the list said stands
        containers.append(each)
    return told._replace(containers=tuple(containers))


def stop_container(engines: Engines, id_: str, *, deadline: float = 15.0) -> None:
    """Let its engine stop a container: TERM, and KILL when it has not ended (in 10 s by default).

    Raises:
        NotPermitted: the engine, or the socket it answers on, refuses.
        EnvironmentFault: no engine that answers knows it, or stopping it failed.
    """
    from portbook.host.local_http import exchange

    found = engines.by_id(id_)
    if found is None or found.api is None:
        raise EnvironmentFault(f"no container engine that answers knows {id_[:12]}")
    what = f"{found.engine} container {found.name or found.id[:12]}"
    try:
        until = clock.monotonic() + deadline
        path = f"/containers/{found.id}/stop"
        status = exchange(place_of_api(found.api), "POST", path, until=until).status
    except TimeoutError:
        raise EnvironmentFault(f"{what} has not stopped within {deadline:g} s") from None
    except PermissionError:
        raise NotPermitted(
            f"{found.engine} may not be asked to stop a container", hint="run as root"
        ) from None
    except (OSError, ValueError) as error:
        raise EnvironmentFault(f"{what} could not be stopped: {_reason(error)}") from None
    if status in (401, 403):
        raise NotPermitted(f"{found.engine} refuses to stop {found.name} ({status})")
    if status not in (200, 204, 304, 404):  # 304: had stopped already; 404: is gone
        raise EnvironmentFault(f"{what} could not be stopped: {found.engine} answered {status}")


def _get(api: str, path: str, until: float) -> "Reply":
    from portbook.host.local_http import exchange

    try:
        reply = exchange(place_of_api(api), "GET", path, until=until)
    except ValueError as error:
        raise BadAnswer(reason_of(error)) from None
    if reply.status in (401, 403):
        raise PermissionError(errno.EACCES, f"it answered {reply.status}")
    if reply.status != 200:
        raise BadAnswer(Said("it answered %(status)s", status=reply.status))
    return reply


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
