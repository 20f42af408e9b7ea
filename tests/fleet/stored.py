"""A store with hosts and listeners of a test's own making, at moments that the test chooses."""

from collections.abc import Sequence

from fleet.engines import Postgres
from portbook.fleet.migrating import migrate
from portbook.host.postgres import connect
from portbook.model.fleet import FleetRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from portbook.host.postgres import Link

_COLUMNS = ", ".join(f'"{field}"' for field in FleetRow._fields)
_MARKS = ", ".join(["%s"] * len(FleetRow._fields))
_AGO = "now() - %s * interval '1 second'"


def row(port: int, **fields: "Any") -> FleetRow:
    """A row like that of a usual server, but for what is given."""
    usual = FleetRow(
        *("tcp", "0.0.0.0", port, "", port, "listen", "any", "redis-server", 812),
        *("/usr/bin/redis-server", "redis", "redis.service", None, "redis", None),
        *("expected", None, "", 1_790_000_000, ""),
    )
    return usual._replace(**fields)


class Stored:
    """A migrated store in an empty database; moments are seconds ago."""

    def __init__(self, database: Postgres) -> None:
        """Make the schema."""
        migrate(database.url)
        self.url = database.url
        self.link: Link = connect(database.url, name="test")

    def host(
        self,
        host: str,
        labels: dict[str, str] | None = None,
        *,
        ago: float | None = 0,
        gaps: Sequence[str] = (),
    ) -> None:
        """A host that reported so long ago; None: it never did."""
        from psycopg.types.json import Jsonb

        self.link.execute(
            f"INSERT INTO host (id, name, labels, as_of, gaps)"  # noqa: S608 - constants
            f" VALUES (%s, %s, %s, {_AGO}, %s)".encode(),
            (host, host.upper() + ".lan", Jsonb(labels or {}), ago, list(gaps)),
        )

    def now(self, host: str, *rows: FleetRow, ago: float = 0, since: float | None = None) -> None:
        """Rows that are so since `ago`, of sockets seen first at `since`."""
        for each in rows:
            self.link.execute(
                f"INSERT INTO listener (host, {_COLUMNS}, hash, since, changed)"  # noqa: S608 - constants
                f" SELECT number, {_MARKS}, 0, {_AGO}, {_AGO} FROM host WHERE id = %s".encode(),
                (*each, ago if since is None else since, ago, host),
            )
            self.link.execute("UPDATE host SET total = total + 1 WHERE id = %s", (host,))

    def past(
        self, host: str, was: FleetRow, since: float, until: float, ended: str = "closed"
    ) -> None:
        """A row that was so from `since` to `until`."""
        self.link.execute(
            f"INSERT INTO history (host, {_COLUMNS}, since, until, ended)"  # noqa: S608 - constants
            f" SELECT number, {_MARKS}, {_AGO}, {_AGO}, %s FROM host WHERE id = %s".encode(),
            (*was, since, until, ended, host),
        )

    def __enter__(self) -> "Stored":  # noqa: PYI034 - nothing inherits from it
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the connection."""
        self.link.close()
