"""Seeing a program through: until it listens and is ready, and who has the port at the end."""

import argparse
import os
from collections.abc import Sequence

from portbook.cli import run_text
from portbook.host import clock
from portbook.model.claim import ClaimRefused
from portbook.model.errors import PortbookError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from portbook.claims.access import Access
    from portbook.cli.run_plan import Given
    from portbook.host.children import Child
    from portbook.survey.running import Place, Watched

_SOONEST, _LATEST = 0.005, 0.2
"""Seconds between two looks at the port: the first, and what they grow to."""
_LAZY = 1.0
"""The same once it was said that nothing listens."""
_ELSEWHERE = 1.0
"""Seconds after which it is looked for on other ports, then after twice as many."""
_PATIENCE = 30.0
"""Seconds after which it is said that nothing listens, without --ready."""
_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL for a program that is not ready in time."""
_RENEWAL = 1200.0
_RENEWAL_UNSEEN = 10.0
_TTL_UNSEEN = 30_000
_TERM, _KILL = 15, 9
_SETTLING, _SETTLING_LOOKS = 0.1, 20
_SERVER_ERROR = 500
_BY_SIGNAL = 128
"""From this exit code on a signal ended the program, as shells tell it."""


class Watching:
    """One program and its ports, from its start to its end."""

    def __init__(
        self,
        options: argparse.Namespace,
        access: "Access",
        given: "list[Given]",
        held: "list[_socket.socket]",
        child: "Child",
    ) -> None:
        self._options = options
        self._access = access
        self._given = given
        self._held = held
        self._child = child
        self._began = clock.monotonic()
        self._pause = _SOONEST
        self._waits = options.transport == "tcp" or options.ready is not None
        self._ready: bool | None = None if options.ready is not None else True
        self._elsewhere_at = _ELSEWHERE
        self._told: set[str] = set()
        self._killed_at: float | None = None
        self._listened = False
        # A passed socket listens from the start: the child is ready when it answers, if asked.
        if options.fd:
            self._listened, self._waits = True, options.ready is not None
        self._unseen = given[0].claim.owner.pid is None
        self._renew_at = self._began + (0.0 if self._unseen else _RENEWAL)

    def pause(self) -> float:
        """Seconds until the next look."""
        if self._waits or self._killed_at is not None:
            return self._pause
        return max(0.0, self._renew_at - clock.monotonic())

    def look(self) -> None:
        """See what has become of it."""
        now = clock.monotonic()
        if now >= self._renew_at:
            self._renew(now)
        if self._killed_at is not None:
            if now - self._killed_at > _GRACE:
                self._child.send(_KILL)
            return
        if not self._waits:
            return
        self._pause = min(self._pause * 2, _LAZY if "silent" in self._told else _LATEST)
        if self._listens() and self._is_ready(now):
            self._waits = False
            return
        passed = now - self._began
        if self._ready is None and passed >= self._options.ready:
            self._fail(passed)
        elif passed >= self._elsewhere_at:
            self._elsewhere_at *= 2
            self._look_elsewhere(passed)

    def _listens(self) -> bool:
        """Whether somebody listens on the first port; then the holds are let go."""
        if self._options.fd:
            return True
        from portbook.survey.running import Watched, relays

        watched = Watched(self._child.pid, self._given[0].claim.id)
        open_ports = [watched.listens(each.port, self._options.transport) for each in self._given]
        if not open_ports[0]:
            return False
        if self._held and all(open_ports):
            while self._held:
                self._held.pop().close()
        place = watched.listener(self._given[0].port, self._options.transport)
        if place is None:
            return False
        if place.pid is not None and not place.ours and not relays(place):
            self._tell_once("stranger", run_text.stranger(place))
            return False
        self._listened = True
        return all(open_ports)

    def _is_ready(self, now: float) -> bool:
        if self._ready is not None:
            return True
        path = self._options.ready_http
        port = self._given[0].port
        if path is not None and not _answers(self._options.host, port, path):
            return False
        self._ready = True
        seconds = now - self._began
        place = f"{port}/udp"
        if self._options.transport == "tcp":
            place = run_text.url(self._options.host, port)
        run_text.say(f"ready after {seconds:.1f} s: {place}")
        return True

    def _fail(self, passed: float) -> None:
        self._ready = False
        self._look_elsewhere(passed)
        port = self._given[0].port
        what = "it does not answer" if self._listened else run_text.does_not_listen(port, passed)
        run_text.say(f"not ready: {what}; ending it")
        self._killed_at, self._pause = clock.monotonic(), _LATEST
        self._child.send(_TERM)

    def _look_elsewhere(self, passed: float) -> None:
        if self._listened:
            return
        port = self._given[0].port
        ours = {each.port for each in self._given}
        places = [each for each in self._family_places() if each.port not in ours or each.elsewhere]
        if places:
            taken = any("{port}" in each for each in self._options.command)
            told = run_text.listens_elsewhere(places, port, takes_port=taken)
            self._tell_once("elsewhere", *told)
        elif passed >= _PATIENCE and self._ready is not None and "elsewhere" not in self._told:
            self._tell_once("silent", run_text.does_not_listen(port, passed))

    def _family_places(self) -> "Sequence[Place]":
        from portbook.survey.running import Watched

        try:
            return Watched(self._child.pid, self._given[0].claim.id).places()
        except (PortbookError, OSError):
            return ()

    def _tell_once(self, kind: str, text: str, hint: str = "") -> None:
        if kind not in self._told:
            self._told.add(kind)
            run_text.say(text, hint)

    def _renew(self, now: float) -> None:
        """Begin the leases anew: they count where our life cannot be seen."""
        self._renew_at = now + (_RENEWAL_UNSEEN if self._unseen else _RENEWAL)
        try:
            for each in self._given:
                ttl = _TTL_UNSEEN if self._unseen else None
                self._access.renew(each.claim.id, each.claim.token, ttl)
            self._access.close()
        except ClaimRefused as error:
            self._tell_once("lost", f"the claim is lost: {error}")
        except (PortbookError, OSError):
            return

    def ended(self) -> "Child | None":
        """The child with its exit code, or None where that it was not ready counts.

        A daemon that it left behind, and that listens, keeps the claim as its own.
        """
        if self._ready is False:
            return None
        if not self._options.fd and self._options.transport == "tcp":
            self._hand_over()
        unready = self._ready is None
        # It failed by itself (no signal), and our hold may be why.
        failed = self._held and not self._listened and 0 < self._child.exit_code < _BY_SIGNAL
        if unready or failed:
            hint = 'if it says "Address already in use": --release-at-exec' if failed else ""
            run_text.say(f"it ended before it listened on {self._given[0].port}", hint)
        return None if unready and not self._child.exit_code else self._child

    def _hand_over(self) -> None:
        from portbook.survey.running import Watched

        watched = Watched(self._child.pid, self._given[0].claim.id)
        for each in list(self._given):
            try:
                if not watched.listens(each.port, "tcp"):
                    continue
                place = _settled(watched, each.port)
            except (PortbookError, OSError):
                continue
            if place is None or place.pid is None:
                continue
            if not place.ours:
                self._tell_once("stranger", run_text.stranger(place))
                continue
            self._give(each, place)

    def _give(self, each: "Given", place: "Place") -> None:
        pid = place.pid or os.getpid()
        try:
            self._access.transfer(each.claim.id, each.claim.token, pid)
        except (PortbookError, OSError) as error:
            run_text.say(f"{place.program} ({pid}) still listens on {each.port}: {error}")
            return
        self._given.remove(each)
        if self._ready is None:
            self._ready = True
        run_text.say(f"{place.program} ({pid}) still listens on {each.port}, and has the claim now")


def _settled(watched: "Watched", port: int) -> "Place | None":
    """Who listens once that stays the same: a daemon forks twice, and the first fork ends."""
    place = watched.listener(port, "tcp")
    for _ in range(_SETTLING_LOOKS):
        clock.sleep(_SETTLING)
        before, place = place, watched.listener(port, "tcp")
        if place == before:
            break
    return place


def _answers(host: str, port: int, path: str) -> bool:
    """Whether a page is answered with less than 500."""
    from portbook.host.local_http import exchange

    address = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(host, host)
    try:
        reply = exchange((address, port), "GET", path, until=clock.monotonic() + 2.0)
    except (OSError, ValueError):
        return False
    return reply.status < _SERVER_ERROR
