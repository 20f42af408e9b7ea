"""What the survey says of this machine is said in Dutch: reasons, gaps, faults."""

import asyncio
import errno
import os
import re
from collections.abc import Iterator

import pytest
from markupsafe import escape
from tools import make_catalogue

from command import recorded
from portbook.host import Host
from portbook.model import Facts, Joined, Listener, Said, Unknown, Wire, reason_of
from portbook.owners.engine_sockets import EngineSocket, denied
from portbook.owners.engines import engines_of
from portbook.pages.live import Live, Snapshot
from portbook.pages.prose.escaped import escaped
from portbook.pages.prose.here import heard
from portbook.pages.prose.here_part import here_text
from portbook.pages.prose.said import told, unseen
from portbook.pages.words import words
from portbook.survey import hidden_owners, survey
from portbook.verdict import judge
from portbook.verdict.rules import SUSPICIONS, VALUES
from verdict.test_suspicions import FIRE

DUTCH, ENGLISH = escaped(words("nl")), escaped(words("en"))
SSH = Wire("ssh", "certain", "ssh (OpenSSH 9.2p1)", ("ssh",))
PLAIN = (
    Facts("ssh", ("ssh",), registered_match="ssh"),
    Facts("sshd", ("ssh",), registered_match="ssh"),
    Facts("portbook", ("semaphore",), registered_match="semaphore"),
    Facts("x", ("ssh",), wire=SSH),
    Facts("x", ("http", "http-alt"), wire=SSH),
    Facts("x", ("a", "b", "c"), unofficial_match="InfluxDB"),
    Facts("x", ("a",), wire=SSH._replace(usual=True)),
    Facts("x", ("a",), wire=SSH._replace(protocol="tls")),
    Facts("x", ("a",), wire=SSH._replace(confidence="likely")),
    Facts("x", ("a",), known_for="ssh"),
    Facts("x", ("a", "b", "c")),
    Facts(None, ("a",)),
    Facts("x", wire=SSH),
    Facts("x", known_for="ssh"),
    Facts("x", ephemeral=True),
)
SIGNS = re.compile(r"%\(\w+\)s")


def pieces(text: object) -> Iterator[str]:
    """The messages that a text is made of; fails where a sentence is none."""
    if isinstance(text, Said):
        yield text.message
        for value in text.values.values():
            if isinstance(value, (Said, Joined)):
                yield from pieces(value)
        return
    assert isinstance(text, Joined), f"not translatable: {text!r}"
    for part in text.parts:
        if isinstance(part, (Said, Joined)):
            yield from pieces(part)


def assert_dutch(text: str) -> None:
    """Each message has a translation of its own, and the English words of none are left."""
    said = told(DUTCH, text)
    for message in pieces(text):
        assert DUTCH.words.catalogue.gettext(message) != message or not re.search(
            r"[a-z]{3}", SIGNS.sub("", message).removeprefix("modprobe").removeprefix("pip")
        ), message
        for words_left in SIGNS.split(message):
            if len(words_left.split()) > 2:
                assert str(escape(words_left.strip())) not in said
    assert "lang=" not in said


@pytest.mark.parametrize("facts", [*(facts for _, _, facts in FIRE), *PLAIN], ids=str)
def test_every_reason_is_said_in_dutch(facts: Facts) -> None:
    """Those of suspicions too mild to be shown as well; English pages say what the CLI says."""
    verdict = judge(facts)
    for reason in (*verdict.reasons, *(each.reason for each in verdict.suspicions)):
        assert_dutch(reason)
        if ", " not in told(ENGLISH, reason):
            assert told(ENGLISH, reason) == escape(reason)


def test_every_rule_was_heard() -> None:
    """The cases above have each rule, and each message of the rules, at least once."""
    verdicts = [judge(facts) for facts in (*(facts for _, _, facts in FIRE), *PLAIN)]
    assert {each.beneath for each in verdicts} == {rule.VALUE for rule in VALUES}
    fired = {each.rule for verdict in verdicts for each in verdict.suspicions}
    assert fired == {rule.ID for rule in SUSPICIONS}
    heard_of = {
        message
        for verdict in verdicts
        for reason in (*verdict.reasons, *(each.reason for each in verdict.suspicions))
        for message in pieces(reason)
    }
    there = {
        found.forms[0]
        for found in make_catalogue.sources()[0]
        if found.file.startswith("../verdict/")
    }
    # Of an unregistered number no rule says that it is registered as nothing.
    assert there - heard_of == {"nothing"}


def test_names_are_text_in_every_language() -> None:
    """A path of a process is no markup, and a change of direction in it is seen."""
    verdict = judge(Facts("<b>x</b>", exe="/tmp/<i>\u202ey", reach="any"))  # noqa: S108
    for spoken in (DUTCH, ENGLISH):
        said = told(spoken, verdict.reasons[0])
        assert "&lt;b&gt;x&lt;/b&gt;" in said
        assert "<" not in said
        assert "\u202e" not in said


def test_registered_names_are_alternatives() -> None:
    """`a, b of c` in Dutch."""
    reason = judge(Facts("x", ("a", "b", "<c>"))).reasons[0]
    assert "a, b of &lt;c&gt;" in told(DUTCH, reason)


class Failing(Live):
    """A snapshot of a host on which this error is raised."""

    def __init__(self, error: Exception) -> None:
        def host() -> Host:
            raise error

        super().__init__(host)


def looked(live: Live) -> Snapshot:
    """The snapshot, and the thread that made it ended."""

    async def ask() -> Snapshot:
        return await live.listeners()

    try:
        return asyncio.run(ask())
    finally:
        live.close()


@pytest.mark.parametrize("name", ["debian12-root", "debian12-nobody", "debian12-systemd"])
@pytest.mark.parametrize("source", ["netlink", "procnet"])
def test_a_whole_machine_is_told_in_dutch(name: str, source: str) -> None:
    """Nothing of what a page tells of a recorded machine is marked as English."""
    found = looked(Live(lambda: Host(recorded(name)), source=source))
    assert found.fault is None
    assert found.gaps or source == "netlink"
    for gap in found.gaps:
        for text in filter(None, gap):
            assert_dutch(text)
    for line in unseen(words("nl"), found).gaps:
        assert "lang=" not in line
    rows = heard(words("nl"), found)
    assert any(row.reasons for row in rows)
    parts = [here_text(words("nl"), found, port).held for port in found.by_port]
    told_ones = [reason for row in rows for reason in row.reasons]
    told_ones += [reason for held in parts for each in held for reason in each.reasons]
    assert not [reason for reason in told_ones if "lang=" in reason]


def test_a_source_that_fails_is_told_in_dutch() -> None:
    """All sources of sockets in one sentence, each with its reason and the way out."""
    found = looked(Live(lambda: Host(recorded("debian12-root")), source="psutil"))
    assert found.fault == "cannot read the socket table: psutil: psutil cannot read a recorded host"
    assert_dutch(found.fault)
    assert unseen(words("nl"), found).fault.startswith("de sockettabel kan niet worden gelezen")


def test_a_fault_of_another_kind_is_marked_as_english() -> None:
    """What no catalogue can know is told all the same; the usual refusals are known."""
    found = looked(Failing(RuntimeError("odd <b>")))
    assert found.fault == "a fault in portbook itself: RuntimeError: odd <b>"
    assert unseen(words("nl"), found).fault == (
        'een fout in portbook zelf: RuntimeError: <span lang="en">odd &lt;b&gt;</span>'
    )
    assert unseen(words("en"), found).fault == escape(found.fault)
    refused = reason_of(PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    said = Said("%(where)s: %(why)s", where="/p", why=refused)
    assert told(DUTCH, said) == "/p: geen toestemming"
    assert told(ENGLISH, said) == "/p: Permission denied"


def test_hidden_processes_are_counted_in_dutch() -> None:
    """One and many, and each reason for it with its hint."""
    rows = survey(Host(recorded("debian12-nobody"))).listeners
    hidden = [row for row in rows if row.owners and isinstance(row.owners[0].pid, Unknown)]
    assert len(hidden) > 1
    for some in (hidden[:1], hidden[:2]):
        (gap,) = hidden_owners(some)
        for text in filter(None, gap):
            assert_dutch(text)
    assert told(DUTCH, hidden_owners(hidden[:1])[0].what) == "de processen achter 1 socket"
    assert told(DUTCH, hidden_owners(hidden[:2])[0].what) == "de processen achter 2 sockets"


def test_a_container_engine_that_refuses_is_told_in_dutch() -> None:
    """Its address and what it answered."""
    for text in filter(None, denied(EngineSocket("docker", "unix:///run/docker.sock"))):
        assert_dutch(text)
    assert not engines_of(Host(recorded("debian12-root"))).gaps


def test_the_reason_of_a_listener_is_the_same_in_english() -> None:
    """English pages say, word for word, what `portbook ls --json` says."""
    rows: tuple[Listener, ...] = survey(Host(recorded("debian12-root"))).listeners
    for row in rows:
        for reason in row.verdict.reasons:
            assert isinstance(reason, Said)
            if not any(isinstance(each, Joined) for each in reason.values.values()):
                assert told(ENGLISH, reason) == escape(reason)
