"""Durable numbers of a project: made, found again, and named as variables."""

import os
import re

from portbook.claims.access import Access
from portbook.host import Host
from portbook.model import UsageError
from portbook.model.claim import LONGEST_NAME, Reservation, ReservationRequest
from portbook.survey.choosing import project_key, start_for
from portbook.survey.project import Project, read_project

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def project_of(folder: str) -> Project:
    """The project of a folder of this machine.

    Raises:
        UsageError: there is no such folder.
    """
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
) -> Reservation:
    """The reservation of a project and a name, made if there is none; another `port` moves it.

    What the project's own files name is not taken, unless it is asked for by number.

    Raises:
        ClaimRefused: as Access.reserve.
    """
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
        UsageError: it is empty, too long, or has signs that cannot be shown.
    """
    if not 0 < len(text) <= LONGEST_NAME or not text.isprintable():
        raise UsageError(f"{text[:40]!r} is no name: 1 to {LONGEST_NAME} characters")
    return text


def checked_variable(text: str) -> str:
    """The name of a variable that every shell takes.

    Raises:
        UsageError: it is none.
    """
    if not _VARIABLE.fullmatch(text) or len(text) > LONGEST_NAME:
        raise UsageError(f"{text[:40]!r} is no name of a variable", hint="letters, digits and _")
    return text


def variable_for(name: str) -> str:
    """The variable for a number: `web` becomes WEB_PORT, `port` PORT, `my-api` MY_API_PORT."""
    plain = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    if plain[:1].isdigit():
        plain = f"_{plain}"
    if plain == "PORT" or plain.endswith("_PORT"):
        return plain
    return f"{plain}_PORT" if plain else "PORT"
