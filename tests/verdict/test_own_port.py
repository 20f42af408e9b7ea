"""On 3255 portbook knows itself, by its command: the kernel calls the process python."""

import pytest

from command import recorded
from portbook.host import Host
from portbook.model import Facts, Owner, Unknown, Wire
from portbook.registry.lookup import lookup
from portbook.survey import survey
from portbook.survey.judging import judged
from portbook.verdict import facts_of, judge
from portbook.verdict.programs import PORTBOOKS_OWN, is_portbook

PYTHON = "/usr/bin/python3.11"
SELF = "this is portbook itself, which answers here under the registered name semaphore"
COMMANDS = [
    ("python3", "-m", "portbook", "serve"),
    (PYTHON, "-I", "-X", "utf8", "-W", "error", "-m", "portbook", "serve"),
    (PYTHON, "/home/ann/.local/bin/portbook", "serve", "--port", "3255"),
    (PYTHON, "-E", "portbook"),
    ("portbook", "serve"),
]
OTHERS = [
    ("python3", "-m", "http.server", "3255"),
    ("python3", "-m", "http.server", "portbook"),
    ("python3", "serve.py", "-m", "portbook"),
    ("python3", "-X", "portbook"),
    ("python3", "-m"),
    ("python3", "/opt/portbook/other.py"),
    ("python3",),
    (),
]


def owner(command: tuple[str, ...], **facts: object) -> Owner:
    """A process of a recorded machine that runs this command instead."""
    row = next(row for row in survey(Host(recorded("debian12-root"))).listeners if row.owners)
    changed = {"name": "python3", "exe": PYTHON, "cmdline": command, "cwd": "/", **facts}
    return row.owners[0]._replace(**changed)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", COMMANDS)
def test_portbook_is_expected_on_its_own_port(command: tuple[str, ...]) -> None:
    """The reason says who it is and what the number is registered for."""
    verdict = judged(lookup(3255, "tcp"), (owner(command),), reach="loopback", ephemeral=False)
    assert (verdict.value, verdict.reasons) == ("expected", (SELF,))


@pytest.mark.parametrize("command", OTHERS)
def test_another_program_is_not_taken_for_portbook(command: tuple[str, ...]) -> None:
    """A word somewhere in a command is not the program."""
    verdict = judged(lookup(3255, "tcp"), (owner(command),), reach="loopback", ephemeral=False)
    assert (verdict.value, verdict.beneath) == ("unknown", "unknown")


def test_portbook_on_another_port_is_judged_as_everything_else() -> None:
    """It is no registered service of 8000, and not what is known for a free number."""
    for port in (8000, 7999):
        found = lookup(port, "tcp")
        here = judged(found, (owner(COMMANDS[0]),), reach="loopback", ephemeral=False)
        assert here == judged(found, (owner(OTHERS[2]),), reach="loopback", ephemeral=False)
        assert here.value != "expected"


def test_portbook_behind_the_socket_of_systemd_is_known() -> None:
    """Whoever of the holders is portbook speaks for all."""
    systemd = owner(("/sbin/init",), name="systemd", exe="/usr/lib/systemd/systemd")
    held = (systemd, owner(COMMANDS[0]))
    verdict = judged(lookup(3255, "tcp"), held, reach="loopback", ephemeral=False)
    assert verdict.reasons == (SELF,)


def test_a_hidden_process_is_known_by_its_unit() -> None:
    """`portbook.service`, where another user's process cannot be looked into."""
    denied = Unknown("denied")
    hidden = owner(COMMANDS[0], unit="portbook.service")
    hidden = hidden._replace(name=denied, exe=denied, cmdline=denied, cwd=denied)
    facts = facts_of(hidden, Facts(None, (PORTBOOKS_OWN,)))
    assert is_portbook(facts)
    assert judge(facts).reasons == (SELF,)


def test_who_calls_itself_portbook_is_looked_at_all_the_same() -> None:
    """A name excuses nothing: neither the place of the program, nor what answers."""
    verdict = judged(
        lookup(3255, "tcp"),
        (owner(COMMANDS[0], exe="/dev/shm/python3"),),  # noqa: S108 - judged, not used
        reach="any",
        ephemeral=False,
    )
    assert (verdict.value, verdict.beneath) == ("suspicious", "expected")
    other = Wire("ssh", "certain", "ssh (OpenSSH 9.2p1)", ("ssh",))
    verdict = judged(
        lookup(3255, "tcp"), (owner(COMMANDS[0]),), reach="any", ephemeral=False, wire=other
    )
    assert verdict.value == "mismatch"
