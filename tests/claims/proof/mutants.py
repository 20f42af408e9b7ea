"""Faults to be planted in a copy of the sources, each with what has to notice it.

A mutant is a text that is replaced in a file; where the text is no longer there, or twice, the test
fails, so that none of them goes stale. `history` is claims.proof.store_history with some seeds,
anything else the name of a test.
"""

from typing import NamedTuple

HISTORY = "history"


class Edit(NamedTuple):
    """One replacement in a file below src/portbook."""

    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """A fault: `caught_by` is HISTORY or a test."""

    name: str
    edits: tuple[Edit, ...]
    caught_by: str = HISTORY


def _one(name: str, file: str, old: str, new: str, caught_by: str = HISTORY) -> Mutant:
    return Mutant(name, (Edit(file, old, new),), caught_by)


_PASSED = Edit(
    "claims/deadlines.py",
    "while self._heap and self._heap[0][0] < now:",
    "while self._heap and self._heap[0][0] <= now:",
)
_DUE = Edit("claims/deadlines.py", "and self._heap[0][0] < now\n", "and self._heap[0][0] <= now\n")
_STORE = "tests/claims/test_store.py::"
_BOOK = "tests/claims/test_store_model_postgres.py"
_FAULTS = "tests/claims/proof/test_book_faults.py::"

MUTANTS = (
    _one(
        "renew, release and transfer take any token",
        "claims/ledger.py",
        """        check_mine(asker, claim.owner.uid)
        if claim.token != token:
""",
        """        check_mine(asker, claim.owner.uid)
        if False:
""",
    ),
    _one(
        "a permit is renewed with any token",
        "claims/semaphores.py",
        """        if permit.token != token:
            raise ClaimRefused("bad_token", f"{token} is not the token of permit {permit_id}")
        ttl =""",
        "        ttl =",
    ),
    _one(
        "a permit is released with any token",
        "claims/semaphores.py",
        """        if permit.token != token:
            raise ClaimRefused("bad_token", f"{token} is not the token of permit {permit_id}")
        self._serve(""",
        "        self._serve(",
    ),
    Mutant(
        "a claim ends in its last millisecond",
        (
            _PASSED,
            _DUE,
            Edit(
                "claims/lifetimes.py",
                "                if claim.expires_ms < now:",
                "                if claim.expires_ms <= now:",
            ),
        ),
    ),
    Mutant(
        "a permit ends in its last millisecond",
        (
            _PASSED,
            _DUE,
            Edit(
                "claims/semaphores.py",
                "            if permit.expires_ms < now:\n                names",
                "            if permit.expires_ms <= now:\n                names",
            ),
        ),
    ),
    _one(
        "leases run by the wall clock, as a client's",
        "claims/lifetimes.py",
        "return clock.boot_ms()",
        "return int(clock.now() * 1000)",
        "tests/claims/proof/test_time_faults.py::"
        "test_a_wall_clock_that_jumps_an_hour_ends_no_lease_and_no_growth[3600]",
    ),
    _one(
        "no lock-delay",
        "claims/port_table.py",
        "until = claim.expires_ms + LOCK_DELAY",
        "until = claim.expires_ms",
    ),
    _one(
        "the reply goes out before the commit",
        "claims/desk.py",
        "        self._batch.append((answer, made))\n",
        "        self._batch.append((_nobody, None))\n        self._answer(answer, made)\n",
        "tests/claims/proof/test_desk_turns.py::test_nobody_is_told_of_what_was_not_committed",
    ),
    _one(
        "nothing is committed",
        "claims/journal.py",
        'link.execute("COMMIT")',
        'link.execute("ROLLBACK")',
    ),
    _one(
        "a request_id is not looked at",
        "claims/ledger.py",
        "        if request.request_id is not None:\n            known =",
        "        if request is None:\n            known =",
    ),
    _one(
        "a request_id is forgotten at a restart",
        "claims/lifetimes.py",
        "self.requests.add(asker, claim.request_id, claim.id, first)",
        "self.requests.add(asker, None, claim.id, first)",
    ),
    _one(
        "the sequence of tokens begins anew at a restart",
        "claims/tokens.py",
        "self.last = max(used, seen, int(wall() * 1_000_000))",
        "self.last = 0",
    ),
    _one(
        "tokens are the wall clock",
        "claims/tokens.py",
        "self.last = max(used, seen, int(wall() * 1_000_000))",
        "self.last = int(wall() * 1_000_000)",
    ),
    _one(
        "a restored backup keeps its epoch",
        "claims/sqlite.py",
        "last < found.event",
        "last < 0",
    ),
    _one(
        "a new boot voids nothing",
        "claims/sqlite.py",
        "if meta is None or meta.boot != self._boot:\n            self.void(now)",
        "if meta is None:\n            self.void(now)",
    ),
    _one(
        "an ended claim is forgotten at a restart",
        "claims/journal.py",
        "            elif name in ended:\n",
        "            elif name in ended and name not in self._claims:\n",
    ),
    _one(
        "the claim of a process that ended lives on",
        "claims/lifetimes.py",
        "            if found is False:\n                self._end(",
        "            if found is False and claim.expires_ms < 0:\n                self._end(",
    ),
    _one(
        "the claim of a process that lives runs out",
        "claims/lifetimes.py",
        "            elif found is None and claim.expires_ms < now:",
        "            elif claim.expires_ms < now:",
    ),
    _one(
        "another user may change it",
        "claims/leases.py",
        "if asker.uid not in (uid, 0):",
        "if asker.uid < 0:",
    ),
    _one(
        "one permit too many",
        "claims/semaphores.py",
        "semaphore.used + request.units <= semaphore.limit",
        "semaphore.used + request.units <= semaphore.limit + 1",
    ),
    _one(
        "a port is given although it is held",
        "claims/allotment.py",
        "                raise held(found, self._now)\n",
        "                return\n",
    ),
    _one(
        "who comes late overtakes the queue",
        "claims/semaphores.py",
        "            not semaphore.queue and semaphore.used",
        "            semaphore.used",
        f"{_STORE}test_l2_who_waits_is_served_in_order_and_not_overtaken",
    ),
    _one(
        "a semaphore takes another limit",
        "claims/semaphores.py",
        "if semaphore is not None and semaphore.limit != request.limit:",
        "if semaphore is not None and semaphore.limit < 0:",
        f"{_STORE}test_s4_permits_never_exceed_the_limit_which_is_part_of_the_name",
    ),
    _one(
        "events have gaps",
        "claims/changes.py",
        "self.last += 1\n",
        "self.last += 2\n",
        f"{_STORE}test_s8_events_have_no_gap_and_tell_how_the_tables_came_to_be",
    ),
    _one(
        "every token passes the fence",
        "claims/fencing.py",
        "return Fence(current=live.token == token,",
        "return Fence(current=True,",
        f"{_STORE}test_s3_a_token_that_is_not_current_changes_nothing",
    ),
    _one(
        "what was not written stays in memory",
        "claims/sqlite.py",
        "            self._undo()\n            raise",
        "            raise",
        "tests/claims/test_store_faults.py::test_a_write_that_fails_undoes_its_batch",
    ),
    _one(
        "a PID that was used again is the same life",
        "host/lives.py",
        "return start_of(who.pid) == who.start",
        "return start_of(who.pid) is not None",
        "tests/claims/test_access_direct.py::test_a_reused_pid_is_another_life",
    ),
    _one(
        "a datagram may be sent again",
        "claims/ledger.py",
        "if not claim.seq < seq <= _MOST_SEQ:",
        "if not claim.seq <= seq <= _MOST_SEQ:",
    ),
    _one(
        "a datagram needs no mac",
        "claims/datagram.py",
        "return hmac.compare_digest(sign(data, key)[_MAC], data[_MAC])",
        "return len(data) == 64",
        "tests/claims/test_udp.py::test_wrong_mac_is_silence_and_changes_nothing",
    ),
    _one(
        "a hold is no SO_REUSEADDR socket, so that no server gets in",
        "host/holding.py",
        "socket.SO_REUSEADDR, 1)\n    return made\n\n\ndef listen",
        "socket.SO_REUSEADDR, 0)\n    return made\n\n\ndef listen",
        "tests/claims/test_holding.py::test_a_hold_yields_to_a_server_and_to_no_plain_bind",
    ),
    _one(
        "a hold has SO_REUSEADDR before its bind(), so that another hold gets in",
        "host/holding.py",
        "made = _bound(port, transport, address, reuse=False)",
        "made = _bound(port, transport, address, reuse=True)",
        "tests/claims/test_holding.py::test_a_second_hold_is_refused",
    ),
    _one(
        "a Host that only ends like ours is taken",
        "pages/guard.py",
        "hosts[0] not in self._names and",
        "not hosts[0].endswith(tuple(self._names)) and",
        "tests/claims/test_browser_defence.py",
    ),
    _one(
        "the token is not asked for",
        "pages/front.py",
        "asker, admitted = Caller(self.uid), head.has_token",
        "asker, admitted = Caller(self.uid), True",
        "tests/claims/test_browser_defence.py",
    ),
    _one(
        "a reader is told of what is not committed",
        "claims/desk.py",
        "        if self._batch:\n            self.tell(answer, read)",
        "        if not self._loop:\n            self.tell(answer, read)",
        "tests/claims/proof/test_desk_turns.py::test_nobody_is_told_of_what_was_not_committed",
    ),
    _one(
        "addresses exclude each other only where they are equal",
        "claims/overlap.py",
        "(mine == theirs or every in (mine, theirs))",
        "mine == theirs",
        "tests/claims/test_overlap.py::test_s11_plain_addresses_overlap_as_plain_sockets_do",
    ),
    _one(
        "what another writer of the book did is not taken in",
        "claims/postgres_turns.py",
        "if self._turn != book.turn:",
        "if self._turn < 0:",
        f"{_BOOK}::test_a_writer_knows_what_the_other_did",
    ),
    _one(
        "tokens of the book go on from memory",
        "claims/postgres_turns.py",
        "        self._token = book.token\n",
        "",
        f"{_BOOK}::test_a_writer_knows_what_the_other_did",
    ),
    _one(
        "who waits is not read anew",
        "claims/postgres_rows.py",
        "        if waiters:\n            self.load_waiters(link, ledger)\n",
        "",
        f"{_BOOK}::test_a_writer_knows_what_the_other_did",
    ),
    _one(
        "a failover begins no new epoch",
        "claims/postgres_turns.py",
        "if server.system is not None:",
        "if False:",
        f"{_FAULTS}test_a_synchronous_standby_takes_over_without_losing_a_claim",
    ),
    _one(
        "a failover lets leases run out",
        "claims/postgres_turns.py",
        "        self.begin_anew(self._now)\n",
        "",
        f"{_FAULTS}test_a_lease_that_was_renewed_in_the_lost_tail_is_not_ended_early",
    ),
    _one(
        "writers of the book do not wait for their turn",
        "claims/postgres_turns.py",
        'f"BEGIN; {BOOK} FOR UPDATE"',
        'f"BEGIN; {BOOK}"',
        f"{_FAULTS}test_what_four_writers_saw_is_linearizable_while_the_server_is_killed",
    ),
)
