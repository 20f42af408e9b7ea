"""Durable numbers of a project: made, found again, and named as variables."""

import contextlib
import os
import re

from portbook.claims.access import Access
from portbook.host import Host
from portbook.model import LAST_PORT, EnvironmentFault, UsageError
from portbook.model.claim import LONGEST_NAME, ClaimRefused, Reservation, ReservationRequest
from portbook.survey.choosing import kept_settings, objection_of_kernel, project_key, start_for
from portbook.survey.project import Project, project_root, read_project

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_GIVEN = re.compile(r".+/([A-Z_][A-Z0-9_]*)", re.ASCII | re.DOTALL)
"""The name of a further port of `portbook run --name web --env DB_PORT`: `web/DB_PORT`."""


def working_folder() -> str:
    """The working directory.

    Raises:
        EnvironmentFault: it was removed.
    """
    try:
        return os.getcwd()
    except OSError:
        raise EnvironmentFault(
            "the working directory is gone", hint="cd to a folder that is there"
        ) from None


def project_of(folder: str) -> Project:
    """The project of a folder of this machine.

    Raises:
        UsageError: there is no such folder.
        EnvironmentFault: it is the working directory, which was removed.
    """
    if not os.path.isabs(folder):
        working_folder()
    if not os.path.isdir(folder):
        raise UsageError(f"{folder!r} is no folder")
    return read_project(Host(), folder)


def keep_number(
    access: Access,
    project: Project,
    name: str,
    *,
    port: int | None = None,
    near: int | None = None,
    count: int = 1,
    wish: int | None = None,
) -> Reservation:
    """The reservation of a project and a name, made if there is none; another `port` moves it.

    What the project's own files name is not taken, unless it is asked for by number. `wish` is
    tried first where the reservation has to be made, and moves none.

    Raises:
        ClaimRefused: as Access.reserve.
    """
    if wish is not None and _fits(wish) and _is_new(access, project_key(project.root, name)):
        with contextlib.suppress(ClaimRefused):
            return keep_number(access, project, name, port=wish, count=count)
    return access.reserve(
        ReservationRequest(
            key=project_key(project.root, name),
            port=port,
            size=count,
            near=near,
            start=None if near is not None else start_for(project.root),
            avoid=() if port is not None else tuple(sorted(project.named)),
            project=project.root,
            name=name,
        )
    )


def _fits(port: int) -> bool:
    """Whether the kernel has nothing against it; the registry is not asked, for it was chosen."""
    return (
        0 < port <= LAST_PORT and objection_of_kernel(port, kept_settings(), chosen=False) is None
    )


def _is_new(access: Access, key: str) -> bool:
    uid = os.geteuid()
    return not any(each.uid == uid and each.key == key for each in access.reservations())


def tell_way_out(refused: ClaimRefused, folder: str) -> ClaimRefused:
    """The refusal of a number that we ourselves reserved for this project says how to get it."""
    holder = refused.holder or {}
    name = holder.get("name")
    if holder.get("kind") == "reservation" and name and holder.get("uid") == os.geteuid():
        root = project_root(Host(), folder)
        if holder.get("key") == project_key(root, name):
            from shlex import quote

            refused.hint = f"portbook claim --name {quote(name)}, or portbook unreserve "
            refused.hint += str(holder["port"])
    return refused


def kept_numbers(access: Access, project: Project) -> tuple[Reservation, ...]:
    """Our own reservations of a project that have a name, by name."""
    uid = os.geteuid()
    found = [
        each
        for each in access.reservations()
        if each.uid == uid
        and each.name is not None
        and each.key == project_key(project.root, each.name)
    ]
    return tuple(sorted(found, key=lambda each: each.name or ""))


def checked_name(text: str) -> str:
    """A name for a number of a project.

    Raises:
        UsageError: it is empty, too long, has signs that cannot be shown, or is a number, which
            other commands would take for a port.
    """
    if not 0 < len(text) <= LONGEST_NAME or not text.isprintable():
        raise UsageError(f"{text[:40]!r} is no name: 1 to {LONGEST_NAME} characters")
    number = text.partition("/")[0]
    if number.isdecimal():
        raise UsageError(f"{text[:40]!r} is a number, not a name", hint=f"--port {number}")
    return text


def checked_variable(text: str) -> str:
    """The name of a variable that every shell takes.

    Raises:
        UsageError: it is none.
    """
    if not _VARIABLE.fullmatch(text) or len(text) > LONGEST_NAME:
        raise UsageError(f"{text[:40]!r} is no name of a variable", hint="letters, digits and _")
    return text


def variable_for(name: str, *, whole: bool = False) -> str:
    """The variable for a number: `web` becomes WEB_PORT, `port` PORT, `my-api` MY_API_PORT.

    `web/DB_PORT` is the number that `portbook run --name web --env DB_PORT` sets DB_PORT to; with
    `whole` it is WEB_DB_PORT.
    """
    given = _GIVEN.fullmatch(name)
    if given and not whole:
        return given[1]
    plain = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    if plain[:1].isdigit():
        plain = f"_{plain}"
    if plain == "PORT" or plain.endswith("_PORT"):
        return plain
    return f"{plain}_PORT" if plain else "PORT"
