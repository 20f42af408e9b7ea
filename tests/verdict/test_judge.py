"""The value of a verdict is a pure function of the facts: its truth table."""

# ruff: noqa: S108 - the folders that are judged, none of them used

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model import Facts, Package, Unknown
from portbook.verdict import judge


@pytest.mark.parametrize(
    ("facts", "value", "says"),
    [
        (Facts("ssh", ("ssh",), registered_match="ssh"), "expected", "the registered service"),
        (Facts("sshd", ("ssh",), registered_match="ssh"), "expected", "sshd is known to speak it"),
        (Facts("influxd", ("d-s-n",), unofficial_match="InfluxDB"), "familiar", "InfluxDB is"),
        (Facts("python3", ("http-alt",)), "unknown", "python3 does not tell"),
        (Facts(None, ("http-alt",)), "unknown", "no process is visible"),
        (Facts("sshd", ("http-alt",), known_for="ssh"), "unknown", "sshd is known for ssh"),
        (Facts("sshd", known_for="ssh"), "unregistered", "on another number"),
        (Facts("node"), "unregistered", "nobody registered this number"),
        (Facts("node", ephemeral=True), "unregistered", "hands it out"),
        (Facts(None), "unregistered", "nobody registered this number"),
        (
            Facts("x", ("a",), registered_match="a", unofficial_match="X"),
            "expected",
            "registered as a",
        ),
        (
            Facts("x", ("a",), registered_match="a", exe="/dev/shm/x"),
            "suspicious",
            "runs from /dev/shm/x",
        ),
    ],
)
def test_the_value_follows_from_the_facts(facts: Facts, value: str, says: str) -> None:
    """A registered match comes before an unofficial one, evidence of harm before everything."""
    verdict = judge(facts)
    assert verdict.value == value
    assert says in "; ".join(verdict.reasons)


def test_a_name_alone_never_accuses() -> None:
    """Without asking on the wire nothing is a mismatch or suspicious."""
    for process in (None, "evil", "sshd"):
        for registered in ((), ("ssh",)):
            assert judge(Facts(process, registered)).value in ("unknown", "unregistered")


def test_a_suspicious_value_keeps_what_the_registry_says() -> None:
    """The reasons name the evidence first and the registration after it."""
    verdict = judge(Facts("ssh", ("ssh",), registered_match="ssh", exe="/tmp/ssh"))
    assert verdict.value == "suspicious"
    assert verdict.reasons[-1] == "ssh is the registered service"


def test_a_remark_of_low_severity_does_not_make_a_listener_suspicious() -> None:
    """`go run` puts its program below /tmp: worth a line, no alarm."""
    verdict = judge(Facts("main", exe="/tmp/go-build12/b001/exe/main"))
    assert verdict.value == "unregistered"
    assert [each.severity for each in verdict.suspicions] == ["low"]


def test_a_harmless_parent_excuses_no_child() -> None:
    """Every owner is weighed: the shell behind an honest server is found."""
    parent = Facts("server", exe="/usr/sbin/server", fds=(3,), holders=2)
    child = Facts("sh", exe="/usr/bin/dash", fds=(0, 1, 2), holders=2)
    assert judge(parent).value == "unregistered"
    assert judge(parent, child).value == "suspicious"


def test_the_match_of_any_owner_counts_for_all() -> None:
    """A worker with a name of its own does not hide that its parent is the registered service."""
    known = Facts("nginx", ("http",), registered_match="http")
    verdict = judge(known, known._replace(process="worker 7", registered_match=None))
    assert (verdict.value, verdict.reasons) == (
        "expected",
        ("registered as http, and nginx is known to speak it",),
    )


def test_the_worst_word_of_each_rule_stands_first() -> None:
    """Suspicions are ordered by severity, and each rule speaks once."""
    low = Facts("a", exe="/tmp/go-build1/a", cwd="/tmp", package=Package("dpkg", "a", None))
    high = Facts("b", exe="/tmp/b", cmdline=("[kworker/1:0]",))
    found = judge(low, high).suspicions
    assert [each.rule for each in found] == ["temporary-folder", "kernel-look-alike"]
    assert {each.severity for each in found} == {"high"}


_text = st.text(max_size=40) | st.sampled_from(
    ["/memfd:", "/tmp/", "/", "//", "-c", "python3", "[]", "-", "", " ", ":", "/.x/", "/proc"]
)
_untold = st.sampled_from([Unknown("denied"), Unknown("not-asked")])
_maybe = st.none() | _text | _untold


@given(
    process=st.none() | _text,
    exe=_maybe,
    deleted=st.booleans() | _untold,
    cmdline=st.lists(_text, max_size=5).map(tuple) | _untold,
    cwd=_maybe,
    fds=st.lists(st.integers(0, 9), max_size=3).map(tuple) | _untold,
    preloads=_maybe,
    ancestry=st.lists(_text, max_size=3).map(tuple) | _untold,
    other=_untold | st.none(),
)
def test_whatever_a_process_says_of_itself_there_is_a_verdict(
    process: str | None,
    exe: str | None | Unknown,
    deleted: bool | Unknown,  # noqa: FBT001 - hypothesis fills it
    cmdline: tuple[str, ...] | Unknown,
    cwd: str | None | Unknown,
    fds: tuple[int, ...] | Unknown,
    preloads: str | None | Unknown,
    ancestry: tuple[str, ...] | Unknown,
    other: Unknown | None,
) -> None:
    """No text of another process and no missing fact breaks a rule."""
    facts = Facts(
        process,
        exe=exe,
        exe_deleted=deleted,
        cmdline=cmdline,
        cwd=cwd,
        fds=fds,
        preloads=preloads,
        ancestry=ancestry,
        package=other,
        project=other,
        container=other,
        engine_container=other,
    )
    assert judge(facts).reasons


def test_facts_that_could_not_be_had_are_no_evidence() -> None:
    """Where everything of the process is unknown, nothing is suspected."""
    untold = Unknown("denied", "run as root")
    facts = Facts(
        None,
        exe=untold,
        exe_deleted=untold,
        cmdline=untold,
        cwd=untold,
        fds=untold,
        user=untold,
        package=untold,
        project=untold,
        unit=untold,
        container=untold,
        engine_container=untold,
        preloads=untold,
        ancestry=untold,
        malware_defaults=(("Empire", "high"),),
    )
    assert judge(facts).suspicions == ()
