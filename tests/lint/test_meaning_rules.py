"""The rules that ask the registry and the kernel, on declarations made by hand."""

from collections.abc import Sequence

import pytest

from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.lint.rules import NAMES, rules
from portbook.model.declared import Declared, LintFinding, Place
from portbook.survey.linting import known_for, meaning

KNOWN, _ = known_for(None)


def declared(
    first: int,
    role: str = "publish",
    *,
    last: int | None = None,
    product: str | None = None,
    speaks: str | None = None,
    transport: str = "tcp",
) -> Declared:
    """One declaration of `web` in a compose file."""
    return Declared(
        Place("compose.yaml", 5, 9, len(str(first))),
        first,
        first if last is None else last,
        role,
        "web",
        "compose",
        transport=transport,
        product=product,
        speaks=speaks,
    )


def found(rule: str, *each: Declared, known: Known = KNOWN) -> list[LintFinding]:
    """What one rule says of some declarations."""
    project = Project({}, each, (), lambda _: [])
    module = dict(zip(NAMES, rules(), strict=True))[rule]
    return list(module.weigh(project, known))


@pytest.mark.parametrize(
    ("port", "product", "speaks"),
    [
        (5432, "mysql", None),
        (6379, "postgres", None),
        (3306, None, "http"),
        (1433, None, "http"),
        (5672, "redis", None),
    ],
)
def test_a_number_that_lives_for_something_else_is_told(
    port: int, product: str | None, speaks: str | None
) -> None:
    """The program is known, and it is not the registered one."""
    (told,) = found("PB201", declared(port, product=product, speaks=speaks))
    assert told.severity == "note"
    assert meaning(port, "tcp").services[0] in told.message


@pytest.mark.parametrize(
    ("port", "product", "speaks"),
    [
        (5432, "postgres", None),
        (5432, "bitnami/postgresql", None),
        (5432, None, None),
        (3306, "mariadb", None),
        (6379, "redis", None),
        (8080, None, "http"),
        (8080, "nginx", None),
        (80, "traefik", None),
        (3000, None, "http"),
        (3000, "grafana/grafana", None),
        (9090, "prom/prometheus", None),
        (9100, "prom/node-exporter", None),
        (9200, "elasticsearch", None),
        (5173, "vite", "http"),
        (19999, "netdata/netdata", None),
        (443, None, "https"),
        (27017, "mongo", None),
        (7474, "neo4j", None),
    ],
)
def test_a_number_at_home_or_unclear_is_not_told(
    port: int, product: str | None, speaks: str | None
) -> None:
    """Registered for it, usual for it, HTTP on HTTP's numbers, overtaken, or simply unknown."""
    assert found("PB201", declared(port, product=product, speaks=speaks)) == []


@pytest.mark.parametrize("role", ["container", "client", "service", "mention", "setting"])
def test_only_numbers_of_the_machine_are_weighed(role: str) -> None:
    """Inside a container a number is nobody else's."""
    for rule in ("PB201", "PB202", "PB301"):
        assert found(rule, declared(4444, role, product="mysql")) == []
        assert found(rule, declared(40000, role, product="mysql")) == []


def test_a_default_of_malware_is_told_unless_its_product_is_at_home() -> None:
    """4444 is Metasploit's, and Galera's; a number of medium certainty is not told."""
    (told,) = found("PB202", declared(4444))
    assert "Metasploit" in told.message
    assert found("PB202", declared(4444, product="galera")) == []
    assert found("PB202", declared(5000)) == []


@pytest.mark.parametrize(
    ("port", "product", "speaks", "faulty"),
    [
        (6000, None, "http", True),
        (4045, None, "https", True),
        (6667, "nginx", None, True),
        (6000, None, None, False),
        (6000, "postgres", None, False),
        (8080, None, "http", False),
    ],
)
def test_browsers_refuse_some_numbers(
    port: int, product: str | None, speaks: str | None, faulty: int
) -> None:
    """Told only of what serves pages for certain."""
    assert bool(found("PB203", declared(port, product=product, speaks=speaks))) is bool(faulty)


def test_a_number_of_clients_is_told() -> None:
    """The whole range of Linux, both ends; a range of numbers that reaches into it."""
    for port in (32768, 40000, 60999):
        (told,) = found("PB301", declared(port))
        assert "32768-60999" in told.message
    assert found("PB301", declared(32767)) == []
    assert found("PB301", declared(61000)) == []
    (told,) = found("PB301", declared(32000, last=33000))
    assert told.digits == ()


def test_what_a_product_always_uses_is_only_a_note() -> None:
    """WireGuard's number was not chosen by who publishes it."""
    (told,) = found("PB301", declared(51820, product="wireguard", transport="udp"))
    assert told.severity == "note"


def test_this_machines_own_settings_count() -> None:
    """Its range instead of Linux's; what it keeps out of it is safe, and worth a note."""
    here = KNOWN._replace(ephemeral=(10000, 20000), reserved=((15000, 15010),), here=True)
    assert found("PB301", declared(40000), known=here) == []
    assert "this machine's" in found("PB301", declared(12000), known=here)[0].message
    assert found("PB301", declared(15005), known=here) == []
    assert len(found("PB301", declared(15005, last=15020), known=here)) == 1
    (told,) = found("PB302", declared(15005), known=here)
    assert "15000-15010" in told.message
    assert found("PB302", declared(14999), known=here) == []


@pytest.mark.parametrize(("first", "last"), [(65536, 65536), (8080, 80), (99999999, 99999999)])
def test_what_is_no_port_is_an_error_and_nothing_else(first: int, last: int) -> None:
    """No other rule stumbles over it."""
    wrong = declared(first, last=last)
    (told,) = found("PB306", wrong)
    assert told.severity == "error"
    others = [rule for rule in NAMES if rule != "PB306"]
    assert [rule for rule in others if found(rule, wrong)] == []


def test_a_range_of_every_port_is_weighed_at_once() -> None:
    """65,535 numbers are two ends."""
    whole: Sequence[Declared] = [declared(1, last=65535) for _ in range(50)]
    here = KNOWN._replace(here=True)
    for rule in NAMES:
        assert len(found(rule, *whole, known=here)) <= 50 * 50
