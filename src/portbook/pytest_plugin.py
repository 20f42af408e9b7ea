"""Ports for tests, as pytest fixtures: no two tests of this machine get the same one at a time.

    def test_it_answers(free_port): ...           a number
    def test_it_listens(claimed_port): ...        the same with a socket: claimed_port.socket
    def test_three(claim_port): ...               a factory: claim_port(), claim_port(port=8080)

The numbers are claimed, so that other workers of pytest-xdist and other programs that ask portbook
get others; they are given back when the test has ended, or its process, however that ends.
"""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from portbook.claims.access import Access
    from portbook.survey.leasing import Claimed


@pytest.fixture(scope="session")
def _portbook_claims() -> "Iterator[Access]":
    """Access to the claims, opened before a test changes the environment."""
    from portbook.survey.claiming import open_claims

    access = open_claims()
    yield access
    access.close()


@pytest.fixture
def claim_port(_portbook_claims: "Access") -> "Iterator[Callable[..., Claimed]]":
    """A function that claims a port; it takes the fields of portbook.model.claim.ClaimRequest.

    `host` is the address that the `socket` of what it returns is bound to (127.0.0.1).
    """
    from portbook.model.claim import ClaimRequest
    from portbook.survey.claiming import in_project
    from portbook.survey.leasing import Claimed

    made: list[Claimed] = []

    def claim(*, host: str = "127.0.0.1", **fields: Any) -> Claimed:
        asked = ClaimRequest(watch_pid=os.getpid(), label="pytest")._replace(**fields)
        request = in_project(asked, os.getcwd(), durable=False)
        made.append(Claimed(_portbook_claims, _portbook_claims.claim(request), host))
        return made[-1]

    yield claim
    for each in made:
        each.release()


@pytest.fixture
def claimed_port(claim_port: "Callable[..., Claimed]") -> "Claimed":
    """A port that is claimed for this test, with `port` and a bound `socket`."""
    return claim_port()


@pytest.fixture
def free_port(claim_port: "Callable[..., Claimed]") -> int:
    """A number that nobody has, and nobody else who asks gets during this test."""
    return claim_port().port
