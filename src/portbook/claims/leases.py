"""What claims and permits have in common: TTL, owner, and requests that come again."""

from portbook.claims.changes import MOST_REMEMBERED, REMEMBERED_MS, Key
from portbook.model.claim import (
    LONGEST_TTL,
    SHORTEST_TTL,
    Caller,
    Claim,
    ClaimRefused,
    Permit,
)

Granted = tuple[tuple[str, int], ...]
"""The ids that a request was given, each with its token of then."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic, TypeVar

    _Lease = TypeVar("_Lease", bound=Claim | Permit)

    class _Of(Generic[_Lease]):
        """As below, with a type."""
else:

    class _Of:
        """What typing.Generic is, without importing typing at start-up (see model.record)."""

        __slots__ = ()

        def __class_getitem__(cls, _item: object) -> type:
            return cls


class Ended(_Of["_Lease"]):
    """A claim or permit as it was when it ended, and the moment in milliseconds."""

    __slots__ = ("at", "record", "until")

    def __init__(self, record: "_Lease", at: int, until: int = 0) -> None:
        """Note that `record` ended `at`; `until` is the end of its lock-delay, or 0."""
        self.record = record
        self.at = at
        self.until = until


def outdated(ended: "dict[str, Ended[_Lease]]", now: int) -> "list[_Lease]":
    """What ended so long ago that it is to be forgotten, of a table in the order of the ends."""
    gone: list[_Lease] = []
    for each in ended.values():
        if each.at + REMEMBERED_MS >= now and len(ended) - len(gone) <= MOST_REMEMBERED:
            break
        if each.until >= now:
            break
        gone.append(each.record)
    return gone


class Requests:
    """What each request was given, so that it is given the same when it comes again."""

    def __init__(self) -> None:
        self._known: dict[Key, Granted] = {}
        self.born: dict[str, tuple[int, int]] = {}
        """Of each lease that is known, who asked for it, and its first token."""

    def add(self, asker: int, request_id: str | None, lease_id: str, token: int) -> None:
        """Note what a request was given; more for the same is added."""
        self.born[lease_id] = (asker, token)
        if request_id is not None:
            key = (asker, request_id)
            known = self._known.get(key)
            one = (lease_id, token)
            self._known[key] = (one,) if known is None else (*known, one)

    def find(self, key: Key) -> Granted | None:
        """What it was given; None if it never came, or too long ago."""
        return self._known.get(key)

    def forget(self, lease_id: str, request_id: str | None) -> None:
        """Forget a lease, and with its last one the request that it was given for."""
        asker, _ = self.born.pop(lease_id)
        if request_id is not None:
            key = (asker, request_id)
            left = tuple(each for each in self._known[key] if each[0] != lease_id)
            if left:
                self._known[key] = left
            else:
                del self._known[key]


def check_mine(asker: Caller, uid: int) -> None:
    """Refuse another user's; root may do everything.

    Raises:
        ClaimRefused: not_yours.
    """
    if asker.uid not in (uid, 0):
        raise ClaimRefused("not_yours", f"it belongs to uid {uid}")


def check_ttl(ttl_ms: int) -> None:
    """Refuse a TTL that is too short or too long.

    Raises:
        ClaimRefused: invalid.
    """
    if not SHORTEST_TTL <= ttl_ms <= LONGEST_TTL:
        raise ClaimRefused("invalid", f"ttl_ms is not from {SHORTEST_TTL} to {LONGEST_TTL}")


def check_texts(*texts: str | None) -> None:
    """Refuse what is no Unicode: half a character, from a name or path in another encoding.

    The disk could not keep it, and would refuse all that is committed with it.

    Raises:
        ClaimRefused: invalid.
    """
    try:
        for text in texts:
            if text is not None:
                text.encode()
    except UnicodeEncodeError:
        raise ClaimRefused("invalid", "a name or key is no valid Unicode") from None
