"""The store's roles: who may do what is in `schema/003_roles.sql`, that they are there is here.

Roles belong to a whole cluster, not to a database: they may be there before the first step, and
stay when the database is gone. So they are looked after by each `portbook fleet init`.
"""

import contextlib

from portbook.model import EnvironmentFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.host.postgres import Link

AGENT, HUB, READER, OPERATOR = (
    "portbook_agent",
    "portbook_hub",
    "portbook_reader",
    "portbook_operator",
)
"""Groups: a login is made a member of one."""
ENROL = "portbook_enrol"
"""The login that every token carries; all that it may do is to redeem one."""
MAKER = "portbook_maker"
"""Owns the one function that makes the logins of hosts, so that it need not run as superuser."""

_MAKING = {
    AGENT: "NOLOGIN",
    HUB: "NOLOGIN",
    READER: "NOLOGIN",
    OPERATOR: "NOLOGIN",
    ENROL: "LOGIN CONNECTION LIMIT 50",
    MAKER: "NOLOGIN CREATEROLE",
}
_QUIET = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
}
"""What a server's log need not have of a redemption; only a superuser may set it."""


def missing(link: "Link") -> tuple[str, ...]:
    """Those that are not there yet.

    Raises:
        EnvironmentFault: one is there, and may more than it should.
    """
    found: dict[str, bool] = dict(
        link.execute(
            "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = ANY(%s)",
            (list(_MAKING),),
        ).fetchall()
    )
    for name, mighty in found.items():
        if mighty:
            raise EnvironmentFault(
                f"the role {name} is there, and row-level security does not hold it",
                hint=f"ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS;",
            )
    return tuple(name for name in _MAKING if name not in found)


def statements(names: tuple[str, ...]) -> tuple[str, ...]:
    """What makes them."""
    return (
        *(f"CREATE ROLE {name} {_MAKING[name]}" for name in names),
        f"GRANT {AGENT} TO {MAKER} WITH ADMIN OPTION",
    )


def make(link: "Link", names: tuple[str, ...]) -> None:
    """Make them; another init in another database of the cluster may do so at the same time."""
    import psycopg

    for statement in statements(names):
        with (
            contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation),
            link.transaction(),
        ):
            link.execute(statement.encode())


def furnish_enrolment(link: "Link") -> tuple[str, ...]:
    """Give the enrolling login the password of this store, and keep it out of the log.

    Returns:
        What could not be done, and need not be.
    """
    import psycopg

    found = link.execute("SELECT password FROM portbook.enrolling").fetchone()
    if found is None:
        raise EnvironmentFault("the store has no password for enrolment")
    verifier = verifier_of(link, ENROL, str(found[0]))
    link.execute(f"ALTER ROLE {ENROL} PASSWORD '{verifier}'".encode())
    try:
        with link.transaction():
            for setting, value in _QUIET.items():
                link.execute(f"ALTER ROLE {ENROL} SET {setting} = '{value}'".encode())
    except psycopg.errors.InsufficientPrivilege:
        return (
            (
                f"the server's log may have the statements of {ENROL}"
                " (no secret is in them): only a superuser can keep them out"
            ),
        )
    return ()


def verifier_of(link: "Link", role: str, password: str) -> str:
    """What the server keeps of a password (SCRAM-SHA-256): the password itself never leaves."""
    made = link.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return made.decode()
