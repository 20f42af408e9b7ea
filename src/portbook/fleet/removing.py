"""How a host leaves a fleet: its login is closed, and what the store has of it is deleted."""

from portbook.fleet.migrating import open_store
from portbook.fleet.settings import check_host
from portbook.host.postgres import faults
from portbook.model import UsageError
from portbook.model.record import Record


class Removed(Record):
    """What was done, or would be (`dry_run`).

    `login` is the login that was closed, None where there was none; `nkey` is the host's public
    key, which opens the bus until its configuration is written anew. `listeners` and `versions` (of
    listeners, in the history) are numbers of rows.
    """

    host: str
    login: str | None
    nkey: str | None
    listeners: int
    versions: int
    dry_run: bool


def remove(url: str, host: str, *, dry_run: bool = False) -> Removed:
    """Remove a host with everything that it reported. Its id may be enrolled again.

    A report that is being written is waited for; later ones are refused, as of an unknown host.

    Args:
        url: the store, as an operator.
        host: its id.
        dry_run: change nothing.

    Raises:
        UsageError: there is no such host, or that is no id.
        NotReached, NotPermitted, EnvironmentFault: as `open_store`.
    """
    check_host(host)
    with faults(url), open_store(url, name="portbook fleet remove") as link, link.transaction():
        found = link.execute(
            "SELECT number, login, nkey FROM host WHERE id = %s FOR UPDATE", (host,)
        ).fetchone()
        if found is None:
            raise UsageError(f"there is no host {host}", hint="portbook fleet hosts")
        number, login, nkey = found
        if dry_run:
            rows = [
                link.execute(statement, (number,)).fetchone() or (0,)
                for statement in (
                    b"SELECT count(*) FROM listener WHERE host = %s",
                    b"SELECT count(*) FROM history WHERE host = %s",
                )
            ]
            return Removed(host, login, nkey, rows[0][0], rows[1][0], dry_run)
        barred = link.execute("SELECT portbook.bar(%s)", (host,)).fetchone() or (None,)
        link.execute("DELETE FROM enrolment WHERE host = %s", (number,))
        listeners = link.execute("DELETE FROM listener WHERE host = %s", (number,)).rowcount
        versions = link.execute("DELETE FROM history WHERE host = %s", (number,)).rowcount
        link.execute("DELETE FROM host WHERE number = %s", (number,))
    return Removed(host, barred[0], nkey, listeners, versions, dry_run)
