"""What a number and a name mean, by the tables that come with portbook."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import portbook.registry
from portbook.model import Assignment, BadPort, Evidence, TableFault, UnknownService
from portbook.registry.lookup import evidence_rows, lookup, reload
from portbook.registry.names import near, ordered
from portbook.registry.tables import write_assignments


@pytest.fixture(autouse=True)
def _shipped_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No registry of whoever runs the tests, and no answer kept from another test."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path))
    reload()
    yield
    reload()


def primary(port: int, transport: str = "tcp") -> str | None:
    """The first name of a port."""
    return lookup(port, transport).assignments[0].service


def test_the_port_that_nobody_remembers() -> None:
    """3255 has two rows of 2002, no evidence, and says where it was looked for."""
    entry = lookup(3255)
    assert entry.assignments[0] == Assignment(
        "semaphore",
        3255,
        3255,
        "tcp",
        "Semaphore Connection Port",
        "Jay_Eckles",
        "Jay_Eckles",
        "2002-02",
    )
    assert [each.transport for each in entry.assignments] == ["tcp", "udp"]
    assert entry.range.name == "user"
    assert entry.life.verdict == "orphan"
    assert entry.life.evidence == ()
    assert entry.life.sources_checked >= 12
    assert entry.unofficial == ()
    assert entry.suspicious_uses == ()
    assert not entry.browser_blocked


@pytest.mark.parametrize(
    ("port", "name"),
    [
        (20, "ftp-data"),
        (21, "ftp"),
        (22, "ssh"),
        (23, "telnet"),
        (25, "smtp"),
        (53, "domain"),
        (80, "http"),
        (88, "kerberos"),
        (110, "pop3"),
        (111, "sunrpc"),
        (113, "auth"),
        (123, "ntp"),
        (143, "imap"),
        (179, "bgp"),
        (389, "ldap"),
        (443, "https"),
        (445, "microsoft-ds"),
        (465, "submissions"),
        (514, "shell"),
        (587, "submission"),
        (631, "ipp"),
        (636, "ldaps"),
        (993, "imaps"),
        (995, "pop3s"),
        (1433, "ms-sql-s"),
        (1883, "mqtt"),
        (2049, "nfs"),
        (3050, "gds-db"),
        (3306, "mysql"),
        (3389, "ms-wbt-server"),
        (3478, "stun"),
        (5060, "sip"),
        (5222, "xmpp-client"),
        (5432, "postgresql"),
        (5672, "amqp"),
        (6010, "x11"),
        (6379, "redis"),
        (8080, "http-alt"),
        (11434, "ollama"),
        (27005, "flex-lm"),
        (27017, "mongodb"),
        (31337, "eldim"),
    ],
)
def test_the_primary_name_is_the_one_that_people_know(port: int, name: str) -> None:
    """Among the names of a number the usual one comes first."""
    assert primary(port) == name


def test_one_number_may_mean_different_things_by_transport() -> None:
    """512 is exec over TCP and biff or comsat over UDP."""
    assert primary(512, "tcp") == "exec"
    assert primary(512, "udp") in ("biff", "comsat")
    assert {each.transport for each in lookup(53, "udp").assignments} == {"udp"}
    assert {each.transport for each in lookup(22).assignments} == {"tcp", "udp", "sctp"}


def test_a_row_without_a_transport_concerns_every_transport() -> None:
    """27000-27009 was registered for no certain transport."""
    assert primary(27000, "udp") == primary(27009, "dccp") == "flex-lm"


def test_rows_without_a_name_are_kept_with_what_they_say() -> None:
    """24/tcp is for any private mail system; 0 is reserved."""
    (row,) = lookup(24, "tcp").assignments
    assert (row.service, row.description) == (None, "any private mail system")
    assert lookup(0).assignments[0].description == "Reserved"
    assert lookup(0).life.verdict == "reserved"


def test_numbers_without_any_row() -> None:
    """Most numbers have none, and none of the dynamic ones has."""
    assert lookup(4).assignments == ()
    assert lookup(4).life.verdict == "unassigned"
    assert lookup(65535).life.verdict == lookup(49152).life.verdict == "dynamic"


def test_dangerous_and_refused_numbers_are_told() -> None:
    """A number may be registered, alive and suspicious at once."""
    assert {each.category for each in lookup(31337).suspicious_uses} == {"c2"}
    assert lookup(31338, "tcp").suspicious_uses == ()
    assert lookup(31338, "udp").suspicious_uses[0].transport == "udp"
    assert lookup(6000).browser_blocked
    assert not lookup(8080).browser_blocked


def test_a_name_gives_every_port_that_has_it() -> None:
    """In any case, lowest port first; a name may have no port at all."""
    assert [entry.port for entry in lookup("HTTP-Alt")] == [591, 8008, 8080]
    assert [entry.port for entry in lookup("redis")] == [6379]
    assert len(lookup("x11")) == 64
    assert lookup("1password") == ()
    assert lookup("http", "tcp")[0].assignments == lookup(80, "tcp").assignments
    assert lookup("shell", "udp") == ()


def test_a_number_as_text_is_a_name() -> None:
    """Whoever has text from outside turns it into a number first."""
    with pytest.raises(UnknownService):
        lookup("80")


def test_an_unknown_name_carries_near_ones() -> None:
    """A slip of the finger is put right; no name is near to nonsense."""
    with pytest.raises(UnknownService) as caught:
        lookup("postgrseql")
    assert "postgresql" in caught.value.near
    with pytest.raises(UnknownService) as caught:
        lookup("\udcff\x00" * 100)
    assert caught.value.near == ()


@pytest.mark.parametrize("port", [-1, 65536, 10**30, True, 80.0])
def test_what_is_no_port_is_refused(port: int) -> None:
    """Asking twice does not help."""
    for _ in range(2):
        with pytest.raises(BadPort):
            lookup(port)
    assert lookup(1).port == 1


def test_what_is_no_transport_is_refused() -> None:
    """For a number as for a name."""
    for what in (80, "http"):
        with pytest.raises(BadPort, match="quic"):
            lookup(what, "quic")


def test_answers_are_the_same_before_and_after_the_tables_are_read_whole() -> None:
    """The way a row is found makes no difference, for ranges and wide ranges too."""
    ports = (0, 24, 80, 3255, 4250, 6000, 6063, 27005, 42000, 49151, 65535)
    before = [lookup(port) for port in ports]
    for port in range(1000, 1300):
        lookup(port)
    found = [lookup(port) for port in ports]
    assert found == before
    reload()
    for port in range(1000, 1300):
        lookup(port)
    assert [lookup(port) for port in ports] == before


def test_evidence_is_of_the_number_and_carries_the_kind_of_its_source() -> None:
    """Semaphore UI on 3000 says nothing about the semaphore of 3255."""
    assert evidence_rows(3255) == []
    found = {each.product: kind for each, kind in evidence_rows(3000)}
    assert found["semaphore"] in ("self-hosted", "container-image")
    assert found["Next.js"] == "dev-server"


def test_the_user_s_registry_answers_after_a_reload(tmp_path: Path) -> None:
    """A long-lived process sees an update when it is told; a broken one is a fault."""
    assert primary(3255) == "semaphore"
    own = tmp_path / "registry" / "current"
    own.mkdir(parents=True)
    row = Assignment("portbook", 3255, 3255, "tcp", registered="2026-11-01")
    write_assignments(str(own / "assignments.tsv"), [row], {"what": "a test"})
    assert primary(3255) == "semaphore"
    reload()
    assert lookup(3255).assignments == (row,)
    assert lookup(3255).life.verdict == "young"
    assert [entry.port for entry in lookup("portbook")] == [3255]
    (own / "assignments.tsv").write_text("# damaged\n")
    reload()
    with pytest.raises(TableFault) as caught:
        lookup(3255)
    assert caught.value.hint == "portbook update --rollback"


def test_the_primary_name_follows_the_stated_order() -> None:
    """Evidence before syntax before RFC before age before length."""
    rows = [
        Assignment("aa_a", 9, 9, "tcp", reference="RFC1"),
        Assignment("young", 9, 9, "tcp", registered="2020-01-01"),
        Assignment("range", 8, 9, "tcp"),
        Assignment("longer", 9, 9, "tcp"),
        Assignment("short", 9, 9, "tcp"),
        Assignment("in-rfc", 9, 9, "tcp", registered="2021", reference="RFC9110"),
        Assignment("seen", 9, 9, "tcp", registered="2022"),
        Assignment(None, 9, 9, "tcp", "Reserved"),
        Assignment("other", 9, 9, "udp"),
    ]
    evidence = [(Evidence("s", 9, "tcp", "Seen"), "policy")]
    names = [each.service for each in ordered(rows, evidence)]
    assert names == [
        "seen",
        "in-rfc",
        "short",
        "longer",
        "range",
        "young",
        "aa_a",
        None,
        "other",
    ]
    assert [each.service for each in ordered(reversed(rows), evidence)] == names


@given(st.text(max_size=100))
def test_near_names_are_names_that_are_known(text: str) -> None:
    """Whatever was asked, only known names are offered."""
    known = ("http", "HTTPS", "x11", "été")
    assert set(near(text, known)) <= set(known)
    assert near("https", known)[0] == "HTTPS"


def test_the_folder_s_lookup_is_the_function_and_not_the_module() -> None:
    """Both have the same name; which module was imported first makes no difference."""
    assert sys.modules["portbook.registry.lookup"].lookup is lookup
    assert vars(portbook.registry)["lookup"] is lookup
