"""A DatagramPort in an event loop of its own, over a ledger that stands for the service."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from portbook.claims.buckets import Buckets
from portbook.claims.udp import DatagramPort, Outcome, listen
from portbook.model.claim import Caller, Claim, ClaimRefused

SECRET = bytes(range(32))
ID = "00112233445566ff"


def claim_of(port: int, transport: str = "tcp", token: int = 7) -> Claim:
    """A bound claim that ends five seconds after the ledger's only moment."""
    owner = Caller(1000)
    return Claim(
        ID, token, 1, transport, "*", port, 1, owner, None, None, "bound", 30_000, 6000, 0, 0
    )


class Ledger:
    """Claims by port, and the last `seq` of the one that may be renewed. Its time is 1000 ms."""

    secret = SECRET

    def __init__(self, *claims: Claim) -> None:
        self.claims = {(each.transport, each.port): each for each in claims}
        self.seq = 0
        self.renewals: list[int] = []
        self.outcome: Outcome = None

    def now(self) -> int:
        """Milliseconds."""
        return 1000

    def claim_on(self, transport: str, port: int) -> Claim | None:
        """The claim of a port."""
        return self.claims.get((transport, port))

    def heartbeat(
        self, claim_id: str, token: int, seq: int, done: Callable[[Outcome], None]
    ) -> None:
        """Renew: as a store does, and answer from the loop."""
        found = next((each for each in self.claims.values() if each.id == claim_id), None)
        outcome: Outcome
        if self.outcome is not None:
            outcome = self.outcome
        elif found is None:
            outcome = ClaimRefused("not_found", "there is none")
        elif found.token != token:
            outcome = ClaimRefused("bad_token", "another")
        elif seq <= self.seq:
            outcome = ClaimRefused("invalid", "an old seq")
        else:
            self.seq = seq
            self.renewals.append(seq)
            outcome = found
        asyncio.get_running_loop().call_soon(done, outcome)


class Answering:
    """A port that answers: `address` is where."""

    def __init__(self, port: DatagramPort, address: tuple[str, int], family: int) -> None:
        self.port = port
        self.address = address
        self.family = family

    def client(self, seconds: float = 2.0) -> socket.socket:
        """A connected socket; it hears only what comes from the port."""
        link = socket.socket(self.family, socket.SOCK_DGRAM)
        link.settimeout(seconds)
        link.connect(self.address)
        return link

    def counts(self, answered: int) -> tuple[int, int]:
        """Answered and ignored, once so many were answered: that is counted after it is sent."""
        for _ in range(200):
            if self.port.answered >= answered:
                break
            time.sleep(0.01)
        return self.port.answered, self.port.ignored

    def is_silent_to(self, *datagrams: bytes, last: bytes) -> bool:
        """Whether the first answer is that to `last`, a good question that comes behind them."""
        with self.client() as link:
            for each in datagrams:
                link.send(each)
            link.send(last)
            return link.recv(2048)[8:16] == last[8:16]


@contextmanager
def answering(
    ledger: Ledger,
    address: str = "127.0.0.1",
    *,
    key: bytes | None = None,
    buckets: Buckets | None = None,
) -> Iterator[Answering]:
    """A port that answers for a while."""
    link = listen(address, 0)
    where = link.getsockname()[:2]
    family = link.family
    loop = asyncio.new_event_loop()
    port = DatagramPort(link, ledger, key=key, buckets=buckets)
    loop.call_soon(port.start, loop)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
        yield Answering(port, (reached, where[1]), family)
    finally:
        loop.call_soon_threadsafe(port.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
