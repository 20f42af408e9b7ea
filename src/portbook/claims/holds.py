"""The sockets with which the service holds ports for claims that ask for it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from portbook.host import holding
from portbook.model.claim import Claim, ClaimRefused

if TYPE_CHECKING:
    import _socket


class Holds:
    """Held sockets by the id of their claim."""

    def __init__(self) -> None:
        self._held: dict[str, list[_socket.socket]] = {}
        self._given: set[str] = set()

    def take(self, claim: Claim) -> None:
        """Hold the ports of a claim, all or none.

        Raises:
            ClaimRefused: `in_use`.
        """
        if claim.id in self._held or claim.id in self._given:
            return
        made: list[_socket.socket] = []
        try:
            for port in range(claim.port, claim.port + claim.size):
                made += [holding.hold(port, claim.transport, claim.address)]
        except OSError as error:
            for each in made:
                each.close()
            said = f"{claim.port}/{claim.transport} cannot be held: {error.strerror or error}"
            raise ClaimRefused("in_use", said) from None
        self._held[claim.id] = made

    def drop(self, claim_id: str) -> None:
        """Let go of what is held for a claim."""
        for each in self._held.pop(claim_id, ()):
            each.close()

    def give(self, claim_id: str) -> int:
        """The descriptor of the socket: from now on it is the caller's alone.

        A copy kept here would go on listening after the program that listened has ended.

        Raises:
            ClaimRefused: `not_held`.
        """
        held = self._held.get(claim_id)
        if not held:
            raise ClaimRefused("not_held", "the service does not hold the port of this claim")
        if len(held) != 1:
            raise ClaimRefused("not_held", "the claim has several ports: claim them one by one")
        del self._held[claim_id]
        self._given.add(claim_id)
        return held[0].detach()

    def keep(self, claims: Iterable[Claim]) -> list[str]:
        """Hold for these claims and no others; the ids of those whose port somebody else has."""
        wanted = {each.id: each for each in claims if each.hold}
        for gone in [each for each in self._held if each not in wanted]:
            self.drop(gone)
        self._given.intersection_update(wanted)
        failed = []
        for claim in wanted.values():
            try:
                self.take(claim)
            except ClaimRefused:
                failed.append(claim.id)
        return failed

    def __len__(self) -> int:
        return len(self._held)
