"""The store's schema: which version it is, and the one way to the next.

Each step is a file `schema/NNN_name.sql`, applied in order, each in a transaction of its own and
never undone. All steps that are to come are written down in `migration` before the first begins,
and marked when they are done: a run that was cut off is seen as half-migrated, by every command,
until `portbook fleet init` finishes it.
"""

import hashlib
from importlib import resources

from portbook.host.postgres import SCHEMA, connect, fault_of, faults
from portbook.model import EnvironmentFault, NotPermitted
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.host.postgres import Link

_LOCK = 0x706F7274_626F6F6B
"""The advisory lock that one init at a time holds: the bytes of `portbook`."""
_FURNISHING = (
    "SELECT portbook.furnish()",
    # This month of history and the next two.
    (
        "SELECT portbook.make_month((date_trunc('month', now()) + n * interval '1 month')::date)"
        " FROM generate_series(0, 2) AS n"
    ),
)


class Step(Record):
    """One file of the schema."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Of its text: what was applied is what is here."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Migrated(Record):
    """What a migration did, or would do (`statements`, where nothing was changed).

    `version_before` is 0 where there was nothing. `roles` are those that were made.
    """

    store: str
    version_before: int
    version: int
    applied: tuple[str, ...]
    roles: tuple[str, ...]
    dry_run: bool
    statements: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


def steps() -> tuple[Step, ...]:
    """Every step that this portbook knows, in order."""
    found = []
    for file in resources.files("portbook.fleet").joinpath("schema").iterdir():
        number, _, _ = file.name.partition("_")
        if file.name.endswith(".sql") and number.isdigit():
            name = file.name.removesuffix(".sql")
            found.append(Step(int(number), name, file.read_text(encoding="utf-8")))
    return tuple(sorted(found))


def newest() -> int:
    """The version of the schema that this portbook works with."""
    names = [file.name for file in resources.files("portbook.fleet").joinpath("schema").iterdir()]
    return max(int(name[:3]) for name in names if name.endswith(".sql"))


def open_store(url: str, *, name: str, write: bool = True) -> "Link":
    """A connection to a store whose schema is the one that this portbook knows.

    Args:
        url: as `portbook.host.postgres.connect`.
        name: shown in pg_stat_activity.
        write: only a primary will do.

    Raises:
        NotReached, NotPermitted, EnvironmentFault: as `connect` and `check_schema`.
    """
    link = connect(url, name=name, write=write)
    try:
        check_schema(link)
    except BaseException:
        link.close()
        raise
    return link


def check_schema(link: "Link") -> None:
    """Let a connection pass whose schema is whole and of the version that is known here.

    Raises:
        EnvironmentFault: there is none, it is half-migrated, older or newer.
        NotPermitted: the user is in none of the roles.
        NotReached: the connection broke.
    """
    import psycopg

    where = f"{link.info.host}:{link.info.port}/{link.info.dbname}"
    try:
        if not _has_ledger(link):
            raise EnvironmentFault(
                f"{where} has no schema of portbook", hint="portbook fleet init makes it"
            )
        found = link.execute(
            "SELECT coalesce(max(version), 0), count(*) FILTER (WHERE finished IS NULL), count(*)"
            " FROM portbook.migration"
        ).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        raise NotPermitted(
            f"{where}: the user {link.info.user} has no role of portbook",
            hint=f'GRANT portbook_reader TO "{link.info.user}"; (docs/fleet-security.md)',
        ) from None
    except psycopg.Error as error:
        raise fault_of(error, link.info.dsn) from None
    version, unfinished, total = found or (0, 0, 0)
    known = newest()
    if version > known:
        raise EnvironmentFault(
            f"{where} has schema {version}, and this portbook knows {known}",
            hint="upgrade portbook here",
        )
    if unfinished:
        raise EnvironmentFault(
            f"{where} is half-migrated: {total - unfinished} of {total} steps are done",
            hint="portbook fleet init finishes it",
        )
    if version < known:
        raise EnvironmentFault(
            f"{where} has schema {version}, and this portbook needs {known}",
            hint="portbook fleet init migrates it",
        )


def migrate(url: str, *, dry_run: bool = False) -> Migrated:
    """Make the schema, or bring it to the newest version.

    Two at once run one after the other, and the second finds nothing to do.

    Args:
        url: the store, as a user who owns the database and may make roles.
        dry_run: change nothing, and say what would be run.

    Raises:
        EnvironmentFault: the schema is newer, foreign, or not what was applied here.
        NotReached, NotPermitted: as `connect`.
    """
    from portbook.fleet import roles

    known = steps()
    with faults(url), connect(url, name="portbook fleet init") as link:
        if not dry_run:
            # Of the session: it ends with the connection, also where this process is killed.
            link.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        before, pending = _plan(link, known)
        where = f"{link.info.host}:{link.info.port}/{link.info.dbname}"
        missing = roles.missing(link)
        if dry_run:
            return Migrated(
                store=where,
                version_before=before,
                version=known[-1].version,
                applied=tuple(step.name for step in pending),
                roles=missing,
                dry_run=True,
                statements=(
                    *roles.statements(missing),
                    *_opening(),
                    *(s.text for s in pending),
                    *_FURNISHING,
                ),
            )
        roles.make(link, missing)
        _write_down(link, pending)
        for step in pending:
            with link.transaction():
                link.execute(step.text.encode())
                if step is pending[-1]:
                    _furnish(link)
                link.execute(
                    "UPDATE portbook.migration SET finished = clock_timestamp() WHERE version = %s",
                    (step.version,),
                )
        if not pending:
            with link.transaction():
                _furnish(link)
        gaps = roles.furnish_enrolment(link)
    return Migrated(
        store=where,
        version_before=before,
        version=known[-1].version,
        applied=tuple(step.name for step in pending),
        roles=missing,
        dry_run=False,
        gaps=gaps,
    )


def _plan(link: "Link", known: tuple[Step, ...]) -> tuple[int, tuple[Step, ...]]:
    """(the version that is there, what is left to do)."""
    if not _has_ledger(link):
        others = link.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) LIMIT 1",
            (SCHEMA,),
        ).fetchone()
        if others is not None:
            raise EnvironmentFault(
                f"the schema {SCHEMA} has tables that are not portbook's ({others[0]})",
                hint="give the store a database of its own",
            )
        return 0, known
    applied = {
        version: (name, checksum)
        for version, name, checksum, done in link.execute(
            "SELECT version, name, checksum, finished IS NOT NULL FROM portbook.migration"
        )
        if done or version > known[-1].version
    }
    before = max(applied, default=0)
    if before > known[-1].version:
        raise EnvironmentFault(
            f"the store has schema {before}, and this portbook knows {known[-1].version}",
            hint="upgrade portbook here; a schema never goes back",
        )
    for step in known:
        if step.version in applied and applied[step.version] != (step.name, step.checksum):
            raise EnvironmentFault(
                f"step {step.version} was applied as {applied[step.version][0]} with another text",
                hint="the store was made by a portbook that is not this one's forerunner",
            )
    return before, tuple(step for step in known if step.version not in applied)


def _has_ledger(link: "Link") -> bool:
    found = link.execute("SELECT to_regclass('portbook.migration') IS NOT NULL").fetchone()
    return bool(found and found[0])


def _opening() -> tuple[str, ...]:
    """What comes before the first step: where the steps are written down, and an extension."""
    return (
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
        f"CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA {SCHEMA}",
        (
            "CREATE TABLE IF NOT EXISTS portbook.migration (version integer PRIMARY KEY,"
            " name text NOT NULL, checksum text NOT NULL,"
            " started timestamptz NOT NULL DEFAULT clock_timestamp(), finished timestamptz)"
        ),
    )


def _write_down(link: "Link", pending: tuple[Step, ...]) -> None:
    if not pending:
        return
    with link.transaction():
        for statement in _opening():
            link.execute(statement.encode())
        for step in pending:
            # What was begun and not finished was undone whole: its text may be another by now.
            link.execute(
                "INSERT INTO portbook.migration (version, name, checksum) VALUES (%s, %s, %s)"
                " ON CONFLICT (version) DO UPDATE SET name = excluded.name,"
                " checksum = excluded.checksum, started = excluded.started",
                (step.version, step.name, step.checksum),
            )


def _furnish(link: "Link") -> None:
    """What every store has once: the book's row, the enrolment's, the months of history.

    What is secret of it is drawn by the server: as a parameter it would stand in the server's log.
    """
    for statement in _FURNISHING:
        link.execute(statement.encode())
