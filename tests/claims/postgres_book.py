"""A claim book in a real PostgreSQL for the suites of the store: one cluster for all, emptied."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import psycopg

from fleet.engines import Postgres
from portbook.claims.postgres import PostgresStore
from portbook.fleet.migrating import migrate

_TABLES = "claim, permit, waiter, reservation, event"


@cache
def cluster() -> Postgres:
    """The cluster; it ends with this process. No power is cut here: fsync is off."""
    folder = Path(tempfile.mkdtemp(prefix="portbook-book-"))
    folder.chmod(0o755)
    settings = {"fsync": "off", "full_page_writes": "off"}
    made = Postgres(folder / "cluster", settings=settings).make().start().create()

    def end() -> None:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    migrate(made.url)
    return made


def emptied() -> str:
    """The URL of the book, with nothing in it."""
    made = cluster()
    with psycopg.connect(made.url, options="-c search_path=portbook") as link:
        link.execute(f"TRUNCATE {_TABLES}".encode())
        link.execute(
            "UPDATE book SET epoch = 1, token = 0, event = 0, first_event = 1, clock_ms = 0,"
            " turn = turn + 1, quiet = turn + 1, waiting = 0, writer = ''"
        )
    return made.url


def book(*, wall: float = 1000.0, home: int | None = None) -> PostgresStore:
    """An empty book whose time is handed in."""
    return PostgresStore(emptied(), handed=True, wall=lambda: wall, home=home)
