"""What `portbook lint` asks: a project's files, the registry and this machine, joined."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from portbook.host import Host
from portbook.lint.known import Known, Meaning, Taken
from portbook.lint.settings import Settings
from portbook.model import EnvironmentFault, Gap, Listener, UsageError
from portbook.model.declared import Declared, LintFinding
from portbook.model.record import Record

NEEDED = ("yaml", "pathspec", "tree_sitter", "tree_sitter_toml", "tree_sitter_typescript")
"""Modules of the extra `lint`."""


class LintReport(Record):
    """What a check of some paths found.

    `root` is the folder that every place is relative to. `findings` are those that settings and
    comments in the files leave; those that the baseline has are `known`. `files` is
    how many files were understood to declare something, `declared` what they declare; `lines`
    gives the lines of one of them.
    """

    root: str
    findings: tuple[LintFinding, ...]
    files: int
    declared: tuple[Declared, ...]
    gaps: tuple[Gap, ...]
    lines: Callable[[str], list[str]]


def lint_paths(
    paths: Sequence[str],
    *,
    settings: Settings | None = None,
    here: bool = False,
    cache: bool = True,
    contents: "Mapping[str, bytes] | None" = None,
) -> LintReport:
    """Check the files and folders at some paths.

    Args:
        paths: they are judged together; what lies in the folder they share can be read for them
            (a .env file, a base file).
        settings: what to look for; by default what the project's own files say.
        here: compare with the listeners, claims and reservations of this machine.
        cache: keep what was read for the next time.
        contents: the bytes of some files, relative to the shared folder, instead of their own.

    Raises:
        UsageError: a path does not exist, or the settings are wrong.
        EnvironmentFault: the packages of the extra `lint`, or the registry, are missing.
    """
    require_packages()
    from portbook.lint.cache import Cache
    from portbook.lint.checking import read_project
    from portbook.lint.ignoring import settle
    from portbook.lint.rules import weigh_all
    from portbook.lint.settings import matcher, settings_for

    root, below = root_of(paths)
    if settings is None:
        settings = settings_for(root)
    exclude = matcher(settings.exclude, settings.folder, root) if settings.exclude else None
    kept = Cache(root) if cache else None
    checked = read_project(root, below, exclude=exclude, cache=kept, contents=contents)
    facts, gaps = known_for(Host() if here else None, root)
    found = weigh_all(checked.project, facts)
    return LintReport(
        root,
        tuple(settle(found, settings, root=root, lines=checked.project.lines)),
        checked.files,
        checked.project.declared,
        (*checked.gaps, *gaps),
        checked.project.lines,
    )


def report_body(report: LintReport) -> dict[str, object]:
    """The fields of the document `lint`."""
    return {
        "root": report.root,
        "files": report.files,
        "findings": report.findings,
        "incomplete": report.gaps,
    }


def require_packages() -> None:
    """Raise where the packages that read files are missing.

    Raises:
        EnvironmentFault: with the way to get them.
    """
    from importlib.util import find_spec

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise EnvironmentFault(
            f"lint needs packages that are not installed: {', '.join(missing)}",
            hint='pip install "portbook[lint]"; in a clone ./scripts/portbook lint does it',
        )


def root_of(paths: Sequence[str]) -> tuple[str, list[str]]:
    """The folder that all paths share, and each path relative to it.

    Raises:
        UsageError: one does not exist.
    """
    for path in paths:
        if not os.path.lexists(path):
            raise UsageError(f"{path!r}: there is no such file or folder")
    # A folder may be reached through links; a file stays the one that was named.
    whole = [
        os.path.realpath(path)
        if os.path.isdir(path)
        else os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path))
        for path in paths
    ]
    root = os.path.commonpath(whole)
    if not os.path.isdir(root):
        root = os.path.dirname(root)
    return root, [os.path.relpath(each, root) if each != root else "" for each in whole]


def known_for(host: Host | None, root: str = "/") -> tuple[Known, tuple[Gap, ...]]:
    """What the rules may ask; with a host also about its listeners, claims and kernel.

    What is reserved for the project of `root` itself is in nobody's way.
    """
    if host is None:
        return Known(meaning, fits, _nobody), ()
    from portbook.sockets.settings import read_settings

    settings = read_settings(host)
    taken, gaps = _taken_here(host, root)
    known = Known(
        meaning,
        fits,
        taken,
        ephemeral=settings.ephemeral,
        unprivileged=settings.unprivileged_start,
        reserved=settings.reserved,
        here=True,
    )
    return known, (*settings.gaps, *gaps)


def _nobody(port: int, transport: str, address: str | None) -> tuple[Taken, ...]:
    return ()


@cache
def meaning(port: int, transport: str) -> Meaning:
    """What the registry and its evidence say of a number."""
    from portbook.registry.lookup import lookup

    entry = lookup(port, transport)
    named = [each for each in entry.assignments if each.service]
    return Meaning(
        tuple(dict.fromkeys(each.service for each in named if each.service)),
        named[0].description if named else None,
        entry.life.verdict,
        tuple(dict.fromkeys(each.product for each in entry.life.evidence)),
        tuple(use.product for use in entry.unofficial),
        tuple((use.name, use.confidence) for use in entry.suspicious_uses),
        entry.browser_blocked,
    )


@cache
def fits(product: str, port: int, transport: str) -> bool | None:
    """Whether a product is registered on a number, or known to use it.

    None where the registry knows nothing of the product: neither as a server of some service nor
    as a product that uses this number.
    """
    from portbook.registry.lookup import lookup
    from portbook.registry.programs import known_for as services_of
    from portbook.registry.programs import names_product, serves

    entry = lookup(port, transport)
    # An image is called by its owner too: `grafana/grafana`, `prom/prometheus`.
    names = {product, product.rpartition("/")[2]}
    for name in names:
        if any(names_product(use.product, name) for use in entry.unofficial):
            return True
        if any(names_product(each.product, name) for each in entry.life.evidence):
            return True
        if any(serves(each, name) for each in entry.assignments if each.service):
            return True
    return False if any(services_of(name) for name in names) else None


def _taken_here(
    host: Host, root: str
) -> "tuple[Callable[[int, str, str | None], tuple[Taken, ...]], tuple[Gap, ...]]":
    """Who has which number on this machine, and what could not be seen of that."""
    from portbook.survey.listeners import hidden_owners, survey
    from portbook.survey.project import project_root
    from portbook.survey.promised import claimant, promised

    found = survey(host)
    listeners: dict[tuple[str, int], list[Listener]] = {}
    for row in found.listeners:
        listeners.setdefault((str(row.socket.transport), row.socket.port), []).append(row)
    kept = promised()
    promises: dict[tuple[str, int], list[Taken]] = {}
    ours = project_root(host, root)
    for claim in kept.claims:
        for port in range(claim.port, claim.port + claim.size):
            said = Taken("claim", claimant(claim), claim.address)
            promises.setdefault((claim.transport, port), []).append(said)
    for each in kept.reservations:
        if each.project == ours:
            continue
        for port in range(each.port, each.port + each.size):
            for transport in ("tcp", "udp"):
                said = Taken("reservation", each.key, None, each.project)
                promises.setdefault((transport, port), []).append(said)

    def taken(port: int, transport: str, address: str | None) -> tuple[Taken, ...]:
        held = [
            Taken("listener", _holder(row), row.socket.address)
            for row in listeners.get((transport, port), ())
            if _meet(address, row.socket.address)
        ]
        return (*held, *promises.get((transport, port), ()))

    return taken, (*found.gaps, *hidden_owners(found.listeners), *kept.gaps)


_EVERY = ("0.0.0.0", "::", "*", "")


def _meet(wanted: str | None, held: str) -> bool:
    """Whether two addresses are in each other's way; one that is not known is."""
    return wanted is None or wanted in _EVERY or held in _EVERY or wanted == held


def _holder(row: Listener) -> str:
    """Who a person means by the holder of a listener."""
    for owner in row.owners:
        if isinstance(owner.name, str):
            return f"{owner.name} ({owner.pid})" if isinstance(owner.pid, int) else owner.name
    return "something"
