"""Which claims a word means: an id, a port or a name; our own need no token, we are known."""

import os

from portbook.cli.lease_rows import SHORTEST_ID
from portbook.model.claim import Claim, ClaimRefused
from portbook.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.claims.access import Access

_ID = frozenset("0123456789abcdef")


def find_claims(
    access: "Access", word: str, token: int | None
) -> list[tuple[str, int, Claim | None]]:
    """(id, token, claim) of each claim that is meant: by id one, by port or name all of ours.

    The first 8 digits of an id are enough where no other begins like it. A name means that of
    this project where it has one. The claim is None where only the token is known.

    Raises:
        ClaimRefused: `not_found`; `not_yours`.
        UsageError: a token was given, but no id; or a name that several projects use.
    """
    is_id = len(word) == 16 and _ID.issuperset(word)
    begins = SHORTEST_ID <= len(word) <= 16 and _ID.issuperset(word)
    if is_id and token is not None:
        return [(word, token, None)]
    if token is not None and not begins:
        raise UsageError("a token belongs to the id of a claim, not to a port or name")
    live = access.claims()
    meant = [each for each in live if each.name == word]
    # Whatever others call theirs, an id is an id.
    called = [each for each in meant if each.owner.uid == os.geteuid()]
    if begins and (is_id or token is not None or not called):
        is_id = True
        meant = [each for each in live if each.id.startswith(word)]
        if len(meant) > 1:
            several = ", ".join(each.id for each in meant[:8])
            raise UsageError(f"several claims begin with {word}", hint=f"one of {several}")
    elif word.partition("/")[0].isdecimal():
        meant = _by_port(live, word)
    ours = [each for each in meant if os.geteuid() in (0, each.owner.uid)]
    if not meant:
        is_port = not is_id and word.partition("/")[0].isdecimal()
        said = f"no claim has port {word}" if is_port else f"no claim is called {word!r}"
        raise ClaimRefused("not_found", said, hint="portbook claims")
    if not ours:
        raise ClaimRefused(
            "not_yours",
            f"{word} is claimed by another user (uid {meant[0].owner.uid})",
            hint="whoever claimed it has to do that, or root",
        )
    if not is_id and len({each.key for each in ours}) > 1:
        ours = _of_this_project(ours, word)
    return [(each.id, each.token if token is None else token, each) for each in ours]


def _by_port(live: tuple[Claim, ...], word: str) -> list[Claim]:
    from portbook.cli.arguments import parse_target

    ports, transport = parse_target(word)
    return [
        each
        for each in live
        if any(each.port <= port < each.port + each.size for port in ports)
        and transport in (None, each.transport)
    ]


def _of_this_project(claims: list[Claim], word: str) -> list[Claim]:
    if not word.partition("/")[0].isdecimal():
        from portbook.host import Host
        from portbook.survey.choosing import project_key
        from portbook.survey.numbers_kept import working_folder
        from portbook.survey.project import read_project

        key = project_key(read_project(Host(), working_folder()).root, word)
        here = [each for each in claims if each.key == key]
        if here:
            return here
        several = ", ".join(each.id for each in claims[:8])
        raise UsageError(f"several claims are called {word!r}", hint=f"one of {several}")
    return claims
