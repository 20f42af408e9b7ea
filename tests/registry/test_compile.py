"""Compiling the registry from its parts: each trap of the inputs, on inputs as small as they go."""

import pytest
from tools import registry_packages as packages
from tools import registry_products as products
from tools.registry_rows import check, compile_rows

from portbook.model import Assignment

HTTP = {
    "ServiceName": "http",
    "PortNumber": "80",
    "TransportProtocol": "tcp",
    "Description": "World Wide Web HTTP",
    "Assignee": "[Tim_Berners_Lee]",
    "Contact": "[Tim_Berners_Lee]",
}


def change(event: str, service: str, port: str, transport: str, **cells: str) -> dict[str, str]:
    """A line of the changes; cells not named are unchanged, or empty in a new row."""
    rest = "=" if event == "changed" else ""
    facts = [
        "description",
        "assignee",
        "contact",
        "registered",
        "modified",
        "reference",
        "unauthorized_use",
        "notes",
    ]
    key = {"event": event, "service": service, "port": port, "transport": transport}
    return {**key, **dict.fromkeys(facts, rest), **cells}


def test_changes_add_remove_empty_and_keep() -> None:
    """`=` keeps a cell of the old row, `-` empties it, anything else replaces it."""
    www = {**HTTP, "ServiceName": "www"}
    rows = compile_rows(
        [HTTP, www],
        [
            change("changed", "http", "80", "tcp", assignee="[IESG]", contact="-"),
            change("removed", "www", "80", "tcp"),
            change("added", "ollama", "11434", "tcp", registered="2025-09-26"),
        ],
        {},
    )
    assert rows == [
        Assignment("http", 80, 80, "tcp", "World Wide Web HTTP", "IESG"),
        Assignment("ollama", 11434, 11434, "tcp", registered="2025-09-26"),
    ]


@pytest.mark.parametrize(
    ("event", "service"), [("added", "http"), ("removed", "www"), ("changed", "www")]
)
def test_a_change_that_does_not_fit_stops_the_compilation(event: str, service: str) -> None:
    """Inputs that contradict each other are not papered over."""
    with pytest.raises(ValueError, match="does not fit"):
        compile_rows([HTTP], [change(event, service, "80", "tcp")], {})


def test_names_are_told_apart_by_service_port_and_transport() -> None:
    """Two names of one number, and one name of two transports, are separate rows."""
    rows = compile_rows(
        [HTTP, {**HTTP, "ServiceName": "www"}, {**HTTP, "TransportProtocol": "udp"}], [], {}
    )
    assert [(row.service, row.transport) for row in rows] == [
        ("http", "tcp"),
        ("www", "tcp"),
        ("http", "udp"),
    ]


def test_a_name_needs_no_port_and_a_port_needs_no_transport() -> None:
    """Both are empty in many rows of the registry."""
    rows = compile_rows(
        [{"ServiceName": "1password"}, {"ServiceName": "flex-lm", "PortNumber": "27000-27009"}],
        [],
        {},
    )
    assert rows == [
        Assignment("1password", None, None, None),
        Assignment("flex-lm", 27000, 27009, None),
    ]


def test_nameless_rows_stay_while_they_say_something() -> None:
    """Plain "Unassigned" says nothing; a note, a use or another word does."""
    base = [
        {"PortNumber": "4", "TransportProtocol": "tcp", "Description": "Unassigned"},
        {"PortNumber": "24", "TransportProtocol": "tcp", "Description": "any private mail system"},
        {"PortNumber": "585", "Description": "De-registered"},
        {
            "PortNumber": "2369",
            "Description": "unassigned",
            "AssignmentNotes": "De-registered 2006",
        },
    ]
    assert [row.port for row in compile_rows(base, [], {})] == [24, 585, 2369]


def test_nameless_rows_follow_the_names_of_today() -> None:
    """A number that got a name loses its nameless row; one that lost its name gains one."""
    base = [
        {"PortNumber": "80", "TransportProtocol": "tcp", "Description": "Reserved"},
        {"PortNumber": "81", "TransportProtocol": "tcp", "Description": "Reserved"},
    ]
    names = {
        "80/tcp": ["http", ""],
        "81/tcp": ["", "Unassigned"],
        "2/tcp": ["", "Reserved"],
        "3/tcp": ["", "Unassigned"],
    }
    rows = compile_rows(base, [change("added", "http", "80", "tcp")], names)
    assert [(row.service, row.port, row.description) for row in rows] == [
        ("http", 80, None),
        (None, 2, "Reserved"),
    ]


def test_a_nameless_range_loses_the_ports_that_got_a_name() -> None:
    """Of a free range with a note, the piece stays that the note is about."""
    base = [
        {
            "PortNumber": "11431-11488",
            "Description": "Unassigned",
            "KnownUnauthorizedUses": "port 11488",
        },
        {"PortNumber": "225-228", "Description": "Reserved"},
    ]
    rows = compile_rows(
        base,
        [change("added", "ollama", "11434", "tcp"), change("added", "new", "227", "")],
        {},
    )
    assert [(row.port, row.last_port) for row in rows if not row.service] == [
        (11435, 11488),
        (225, 226),
        (228, 228),
    ]


def test_the_check_list_shows_what_is_lacking_and_what_it_does_not_know() -> None:
    """It keeps one name of several for a number, so another of ours is no drift."""
    rows = [
        Assignment("http", 80, 80, "tcp"),
        Assignment("www-http", 80, 80, "tcp"),
        Assignment("new", 81, 81, "tcp"),
    ]
    drift = check(rows, {"80/tcp": ["www-http", ""], "82/tcp": ["other", ""], "4/tcp": ["", ""]})
    assert drift.lacking == ["82/tcp other"]
    assert drift.unknown == ["81/tcp new"]


def test_a_range_of_more_than_16_ports_is_no_evidence() -> None:
    """Sixteen are; a reversed or impossible range is none."""
    assert len(packages.span("1-16")) == 16
    for text in ("1-17", "9-8", "65535-65536", "", "-", "80-", "http"):
        assert not packages.span(text)


def test_decoders_count_on_ports_only_and_not_over_wide_runs() -> None:
    """Other tables and runs that a decoder takes as a whole say nothing about a number."""
    text = "ip.proto\t6\ttcp\ntcp.port\t80\thttp\ntcp.port.x\t81\thttp\ndtls.port\t443\thttp\n"
    text += "".join(f"tcp.port\t{port}\tx11\n" for port in range(6000, 6064))
    text += "udp.port\t0\tnothing\nudp.port\t53\tdns\n"
    assert list(packages.decodes(text)) == [
        packages.Use(80, "tcp", "http"),
        packages.Use(53, "udp", "dns"),
    ]


def test_each_tool_s_own_format_is_read() -> None:
    """Lists, ranges, several transports, comments and missing transports."""
    use = packages.Use
    assert list(packages.services("# x\nhttp\t80/tcp\twww # y\n\n")) == [use(80, "tcp", "http")]
    service = '<service><port protocol="tcp" port="80-81"/><source-port port="9"/></service>'
    assert list(packages.firewalld("web", service)) == [
        use(80, "tcp", "web"),
        use(81, "tcp", "web"),
    ]
    profile = "[App]\ntitle=An App\nports=80,8080:8081/tcp|53|1000:2000/udp\n"
    assert [each[:2] for each in packages.ufw(profile, titles=True)] == [
        (80, "tcp"),
        (8080, "tcp"),
        (8081, "tcp"),
        (53, ""),
    ]
    assert {each.product for each in packages.ufw(profile, titles=False)} == {"App"}
    macro = "# c\nPARAM - - tcp 80,90:91 # c\nPARAM - - udp 1024: 137\nSMTP\n"
    assert [each.port for each in packages.shorewall("Web", macro)] == [80, 90, 91]
    hol = 'client_x_ports="default"\nserver_x_ports="tcp/80 udp/5:6 51/any"\n'
    assert list(packages.firehol(hol)) == [
        use(80, "tcp", "x"),
        use(5, "udp", "x"),
        use(6, "udp", "x"),
    ]
    assert list(packages.bindings("udp\t53\tDNS\n")) == [use(53, "udp", "DNS")]
    facts = "source\tport\tproto\tservice\tnote\ns\t5-6\ttcp\tx\ty\ns\t1-99\ttcp\tz\ty\n"
    assert list(packages.facts(facts)) == [use(5, "tcp", "x"), use(6, "tcp", "x")]


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("ghcr.io/stalwartlabs/stalwart:v1@sha256:0", "stalwart"),
        ("vaultwarden/server", "vaultwarden"),
        ("mcr.microsoft.com/mssql/server", "mssql"),
        ("gitlab/gitlab-ce", "gitlab"),
        ("redis", "redis"),
        ("registry", "docker registry"),
    ],
)
def test_an_image_becomes_a_product(cell: str, name: str) -> None:
    """Without registry, owner and tag, unless the owner is the telling name."""
    assert products.image(cell) == name


def test_other_sources_names_become_products() -> None:
    """Short and plain, in the spelling that a reader knows."""
    assert products.script("alpine-caddy") == "caddy"
    assert products.policy("ftp_data_port_t") == "ftp-data"
    assert products.policy("inetd_child") == "inetd"
    assert products.layer("KerberosTCPHeader") == "kerberos"
    assert products.profile("Quake III - 27960/udp") == "Quake III"
    assert products.profile("freeipa-trust") is None
    assert products.exporter("UNALLOCATED (to avoid collision with Elasticsearch)") == []
    assert products.exporter("cAdvisor (Container Advisor) / Traefik") == ["cAdvisor", "Traefik"]
    assert products.exporter("~~vSphere Exporter (archived)~~ vSphere Graphite") == [
        "vSphere Graphite"
    ]
    assert products.exporter("grok_exporter (WIP)") == ["grok exporter"]
    assert products.exporter("n/a") == []
