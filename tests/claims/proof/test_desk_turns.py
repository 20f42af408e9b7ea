"""One turn of the desk: what is asked for in it is told after its commit, or has not happened."""

import asyncio
import contextlib
import json
import os
from pathlib import Path

import pytest

from claims.proof.killed_writer import opened
from portbook.claims.desk import Desk
from portbook.claims.routes import Asked, Reply
from portbook.model.claim import Caller


def asked(method: str, path: str, **fields: object) -> Asked:
    """A request of our own user."""
    body = json.dumps(fields).encode() if fields else b""
    return Asked(method, path, "", body, Caller(os.geteuid()), admitted=True)


@pytest.mark.parametrize("fails", [False, True])
def test_nobody_is_told_of_what_was_not_committed(tmp_path: Path, *, fails: bool) -> None:
    """Two claims and a look in one turn; with `fails` the store's file is taken away before.

    Then nobody has a claim: neither who asked nor who looked; otherwise both see both (S7).
    """

    async def turn() -> tuple[list[Reply], list[Reply]]:
        loop = asyncio.get_running_loop()
        with opened(str(tmp_path / "claims.sqlite")) as store:
            desk = Desk(store, lambda _: (), lambda *_: None, loop)
            told: list[Reply] = []
            seen: list[Reply] = []
            if fails:
                (tmp_path / "claims.sqlite").unlink()
            for port in (20_001, 20_002):
                desk.handle(asked("POST", "/v1/claims", port=port), told.append)
            desk.handle(asked("GET", "/v1/claims"), seen.append)
            assert not told
            assert not seen
            for _ in range(10):
                await asyncio.sleep(0)
            with contextlib.suppress(Exception):
                desk.close()
            return told, seen

    told, (seen,) = asyncio.run(turn())
    found = {each["port"] for each in json.loads(seen.body).get("claims", ())}
    if fails:
        assert all(each.status >= 500 for each in told)
        assert found == set()
    else:
        assert [each.status for each in told] == [201, 201]
        assert found == {20_001, 20_002}
