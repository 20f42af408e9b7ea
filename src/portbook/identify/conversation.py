"""One conversation: connect, say something or listen, and follow what the judges want to hear."""

import ssl

from portbook.host import clock
from portbook.identify.connection import Budget, BudgetSpent, Connection
from portbook.identify.judging import Judged, found_of, judged
from portbook.identify.limits import ANSWER_SECONDS, QUIET_SECONDS, REPLY_BYTES
from portbook.identify.probe import Again, Found, More, Probe, Send, StartTls, Talk, Turn
from portbook.identify.tls import HTTP_1
from portbook.model.record import Record
from portbook.model.speaks import Target, Tls

_MOST_TURNS = 8
_ALERT = b"\x15"  # RFC 8446 section 5.1.
_NO_APPLICATION_PROTOCOL = b"\x78"  # Alert 120, RFC 7301 section 3.2.
_MOST_LOOKS = 64
_ROUND_TRIPS = 4


class Line(Record):
    """How a conversation begins.

    `probe` leads or is asked first, None to listen. `data` is said first, by default the probe's
    opener. `tls`: inside TLS. `only`: no other judge is asked. `seconds`: how long the first byte
    may take. `name`: the server name for TLS. `then`: who says its opener on the same connection,
    where listening brought nothing. `alpn`: what TLS offers; `lean`: with a short first message.
    """

    probe: Probe | None
    data: bytes = b""
    tls: bool = False
    only: bool = False
    seconds: float = ANSWER_SECONDS
    name: str | None = None
    then: Probe | None = None
    alpn: tuple[str, ...] = HTTP_1
    lean: bool = False


class Outcome(Record):
    """How a conversation ended.

    `end`: `found`, `quiet`, `closed`, `reset`, `refused`, `timeout` (no answer to the SYN),
    `unreachable` (the system refused to try, as `detail` says), `flood`, `spent` (the budget),
    `no-tls` (the handshake failed), `again` (`further` has to be asked on another connection, led
    by `probe`). `talk` is what was said, None where nothing was.
    """

    end: str
    found: Found | None = None
    probe: Probe | None = None
    talk: Talk | None = None
    tls: Tls | None = None
    further: Again | None = None
    detail: str | None = None


async def converse(target: Target, line: Line, budget: Budget, until: float) -> Outcome:
    """Hold one conversation, bounded by `until` (monotonic seconds) and the budget.

    Never raises for what the other side does: that is an outcome.
    """
    try:
        async with Connection(target, budget) as connection:
            return await _Conversation(connection, target, line, until).run()
    except BudgetSpent:
        return Outcome("spent")
    except TimeoutError:
        return Outcome("timeout")
    except ConnectionRefusedError:
        return Outcome("refused")
    except ConnectionError:
        return Outcome("reset")
    except OSError as error:
        return Outcome("unreachable", detail=error.strerror)


class _Conversation:
    """The state of one conversation: its turns, and what has been found so far."""

    def __init__(self, connection: Connection, target: Target, line: Line, until: float) -> None:
        self._connection = connection
        self._target = target
        self._line = line
        self._until = until
        self._opener = line.probe.name if line.probe and line.data else ""
        self._turns: tuple[Turn, ...] = ()
        self._found: Found | None = None
        self._leader = line.probe if line.only else None
        self._tls: Tls | None = None
        self._flooded = False

    async def run(self) -> Outcome:
        if self._line.tls:
            failed = await self._handshake(upgraded=False)
            if failed:
                return failed
        sent = self._line.data
        try:
            for _ in range(_MOST_TURNS):
                if sent:
                    await self._connection.send(sent)
                word, closed = await self._turn(sent)
                if self._may_speak(word, closed=closed) and self._line.then is not None:
                    # It waits for us: the silence is no turn of the conversation.
                    self._opener, self._turns = self._line.then.name, ()
                    sent = self._line.then.opener or b""
                    await self._connection.send(sent)
                    word, closed = await self._turn(sent)
                if word is None or isinstance(word.word, (Found, More)):
                    ended = self._ended(word, closed=closed)
                    if ended.found and ended.found.parting:
                        await self._connection.send(ended.found.parting)
                    return ended
                self._leader, self._found = word.probe, found_of(word.word)
                if isinstance(word.word, Again):
                    return self._outcome("again")._replace(further=word.word)
                if isinstance(word.word, StartTls):
                    if word.word.data:
                        await self._connection.send(word.word.data)
                    upgraded = await self._upgrade()
                    if not isinstance(upgraded, Send):
                        return upgraded
                    sent = upgraded.data
                else:
                    sent = word.word.data
        except BudgetSpent:
            return self._outcome("spent")
        except ConnectionRefusedError:
            return self._outcome("refused")
        except ConnectionError:
            return self._outcome("closed" if self._found is None else "found")
        except OSError as error:
            failed = self._outcome("unreachable" if self._found is None else "found")
            return failed._replace(detail=error.strerror)
        return self._outcome("found")

    def _may_speak(self, word: Judged | None, *, closed: bool) -> bool:
        """Whether nothing was said by either side yet, and the other one listens."""
        only_silence = len(self._turns) == 1 and self._turns[0] == Turn(b"", b"")
        return word is None and not closed and only_silence and not self._connection.reset

    async def _turn(self, sent: bytes) -> tuple[Judged | None, bool]:
        """Read what comes until a judge is satisfied: its word, and whether the end was seen."""
        received = b""
        looks = judged_size = 0
        began = clock.monotonic()
        first = self._line.seconds if not self._turns else 4 * ANSWER_SECONDS
        first += _ROUND_TRIPS * self._connection.connect_seconds
        while True:
            wait = QUIET_SECONDS if received else began + first - clock.monotonic()
            if self._target.transport == "udp" and received:
                chunk: bytes | None = None
            else:
                wait = min(wait, self._until - clock.monotonic())
                chunk = await self._connection.receive(wait)
            received += chunk or b""
            full = len(received) >= REPLY_BYTES
            ended = not chunk or full or self._target.transport == "udp"
            closed = chunk == b"" and self._target.transport == "tcp"
            if not received:
                self._turns += (Turn(sent, b""),)
                return None, closed
            looks += 1
            # A byte at a time must not cost a look each: then only what grew by an eighth counts.
            if not ended and looks > _MOST_LOOKS and len(received) < judged_size * 9 // 8:
                continue
            judged_size = len(received)
            talk = self._talk((*self._turns, Turn(sent, received)), closed=closed, ended=ended)
            word = judged(talk, self._leader)
            if ended or _settled(word):
                self._turns = talk.turns
                self._flooded = full and word is None
                return word, closed

    async def _handshake(self, *, upgraded: bool) -> Outcome | None:
        seconds = max(0.05, min(self._until - clock.monotonic(), 4 * ANSWER_SECONDS))
        try:
            self._tls = await self._connection.start_tls(
                seconds,
                upgraded=upgraded,
                name=self._line.name,
                alpn=() if upgraded else self._line.alpn,
                lean=self._line.lean,
            )
        except ssl.SSLError as error:
            return self._no_tls(error.reason, upgraded=upgraded)
        except OSError:
            return self._no_tls(None, upgraded=upgraded)
        return None

    def _no_tls(self, reason: str | None, *, upgraded: bool) -> Outcome:
        """The handshake failed; what came instead of it may be another protocol's answer."""
        heard = self._connection.heard
        if reason is None and heard[:1] == _ALERT and heard[6:7] == _NO_APPLICATION_PROTOCOL:
            reason = "NO_APPLICATION_PROTOCOL"  # Python 3.11 has no name for this alert.
        failed = self._outcome("no-tls")._replace(detail=reason)
        if upgraded or not heard:
            return failed
        talk = Talk(self._target.transport, "tls", (Turn(b"", heard),))
        word = judged(talk)
        if word is not None and word.probe.tls:
            # It does speak TLS, and would not with us: no name, no certificate, no common cipher.
            sure = "certain" if heard[:1] == _ALERT else "likely"
            found = Found("tls", sure, shows=heard[:7])
            return failed._replace(talk=talk, found=found, probe=word.probe)
        if word is None or isinstance(word.word, (Send, StartTls)):
            return failed._replace(talk=talk)
        further = word.word if isinstance(word.word, Again) else None
        end = "again" if further else "found"
        return Outcome(end, found_of(word.word), word.probe, talk, further=further)

    async def _upgrade(self) -> Send | Outcome:
        """TLS on this connection, and what the leading probe wants to say inside."""
        failed = await self._handshake(upgraded=True)
        if failed:
            return failed
        self._turns += (Turn(b"", b""),)
        word = judged(self._talk(self._turns, closed=False, ended=True), self._leader)
        if word is not None and isinstance(word.word, Send):
            self._found = word.word.found
            return word.word
        return self._ended(word, closed=False)

    def _talk(self, turns: tuple[Turn, ...], *, closed: bool, ended: bool) -> Talk:
        return Talk(
            self._target.transport,
            self._opener,
            turns,
            secure=self._connection.secure,
            closed=closed,
            ended=ended,
        )

    def _ended(self, word: Judged | None, *, closed: bool) -> Outcome:
        if word is not None and (found := found_of(word.word)) is not None:
            self._found, self._leader = found, word.probe
        if self._found is not None:
            return self._outcome("found")
        if self._flooded:
            return self._outcome("flood")
        if self._connection.reset:
            return self._outcome("reset")
        detail = self._connection.alert
        return self._outcome("closed" if closed else "quiet")._replace(detail=detail)

    def _outcome(self, end: str) -> Outcome:
        talk = self._talk(self._turns, closed=end == "closed", ended=True) if self._turns else None
        return Outcome(end, self._found, self._leader, talk, self._tls)


def _settled(word: Judged | None) -> bool:
    """Whether more bytes would change nothing: a certain word, or something to do next."""
    if word is None or isinstance(word.word, More):
        return False
    if isinstance(word.word, Found):
        return word.word.confidence == "certain"
    return True
