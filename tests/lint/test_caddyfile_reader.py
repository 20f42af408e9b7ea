"""Caddyfiles: sites, global ports, and where requests are passed on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.reader_damage import bears, bears_a_megabyte, damaged, reading_of, told
from portbook.lint.caddy_syntax import lines


def read(text: str) -> list[str]:
    """The declarations of one Caddyfile."""
    return told(reading_of("caddyfile", "Caddyfile", text))


@pytest.mark.parametrize(
    ("site", "declares"),
    [
        (":8080", ["1:2 8080/tcp listen site http"]),
        (":443", ["1:2 443/tcp listen site https"]),
        ("http://localhost:2015", ["1:18 2015/tcp listen site localhost http"]),
        ("https://a.example:8443", ["1:19 8443/tcp listen site a.example https"]),
        ("a.example:8443", ["1:11 8443/tcp listen site a.example https"]),
        ("a.example:80", ["1:11 80/tcp listen site a.example http"]),
        ("*.a.example:8443/path", ["1:13 8443/tcp listen site *.a.example https"]),
        (
            "a:81, b:82",
            ["1:3 81/tcp listen site a https", "1:9 82/tcp listen site b https"],
        ),
        ("a:81,b:82", ["1:3 81/tcp listen site a https", "1:8 82/tcp listen site b https"]),
        (":{$PORT:8085}", ["1:9 8085/tcp listen site http"]),
        ("{$SITE:localhost:8086}", ["1:18 8086/tcp listen site localhost https"]),
        ("{$HOST}:8087", ["1:9 8087/tcp listen site"]),
        ("[::1]:8088", ["1:7 8088/tcp listen site ::1 https"]),
        ("{$HOST:8089}", []),
        (":{$PORT}", []),
        ("a.example", []),
        ("8080", []),
        (":0", []),
    ],
)
def test_the_addresses_of_a_site(site: str, declares: list[str]) -> None:
    """Ports that are written; a name without one takes 80 and 443, which nobody wrote."""
    assert read(f"{site} {{\n\trespond ok\n}}\n") == declares
    # One site needs no braces.
    assert read(f"{site}\nrespond ok\n") == declares


def test_what_a_site_binds_and_how_it_speaks_stand_in_its_block() -> None:
    """`bind` is the address of all its ports, `tls` says HTTPS, a socket's path has no port."""
    text = ":81 {\n\tbind 127.0.0.1\n\ttls internal\n}\n:82 {\n\tbind unix//run/caddy\n}\n"
    assert read(text) == ["1:2 81/tcp listen site 127.0.0.1 https"]


def test_global_options_have_ports() -> None:
    """The two defaults and the admin's address, which may be off."""
    text = (
        "{\n\thttp_port 8080\n\thttps_port 8443\n\tadmin :2020\n\tauto_https off\n"
        "\tdefault_bind ::1\n\tservers :9999 {\n\t\tname a\n\t}\n}\na:81 {\n}\n"
    )
    assert read(text) == [
        "2:12 8080/tcp listen http_port http",
        "3:13 8443/tcp listen https_port https",
        "4:9 2020/tcp listen admin http",
        "11:3 81/tcp listen site a ::1",
    ]
    assert read("{\n\tadmin off\n}\n") == []
    assert read("{\n\tadmin unix//run/admin\n}\n") == []


@pytest.mark.parametrize(
    ("line", "declares"),
    [
        ("reverse_proxy app:9000", ["2:19 9000/tcp client reverse_proxy app"]),
        (
            "reverse_proxy /api/* http://a:1 b:2",
            [
                "2:31 1/tcp client reverse_proxy a",
                "2:35 2/tcp client reverse_proxy b",
            ],
        ),
        (
            "reverse_proxy @m localhost:8001-8003",
            [
                "2:28 8001-8003/tcp client reverse_proxy localhost",
            ],
        ),
        ("reverse_proxy :9000", ["2:16 9000/tcp client reverse_proxy"]),
        ("reverse_proxy {$API:api:9001}", ["2:25 9001/tcp client reverse_proxy api"]),
        ("reverse_proxy unix//run/app.sock", []),
        ("reverse_proxy {args[0]}", []),
        ("reverse_proxy {\nto a:1\n}", ["3:6 1/tcp client reverse_proxy a"]),
        ("handle /x {\nphp_fastcgi php:9000\n}", ["3:17 9000/tcp client php_fastcgi php"]),
        ("redir https://a:1/", []),
        ("# reverse_proxy a:1", []),
        ("respond `a {\nreverse_proxy a:1`", []),
        ('respond "a\n} reverse_proxy b:1"', []),
        ("respond <<X\nreverse_proxy a:1\nX", []),
        ("reverse_proxy \\\na:1", ["3:3 1/tcp client reverse_proxy a"]),
    ],
)
def test_where_caddy_passes_requests_on(line: str, declares: list[str]) -> None:
    """Addresses with ports, in every place where they may stand; quoted text is none."""
    assert read(f"a.example {{\n{line}\n}}\n") == declares


def test_snippets_are_no_sites() -> None:
    """A name in parentheses is no address, and what is in it counts."""
    assert read("(a:81) {\n\treverse_proxy b:1\n}\nimport c:82\n&(d) {\n}\n") == [
        "2:18 1/tcp client reverse_proxy b"
    ]


def test_an_open_block_is_told() -> None:
    """With the last line, and what stands in it counts."""
    reading = reading_of("caddyfile", "Caddyfile", ":81 {\n\treverse_proxy a:1\n")
    assert [fault.line for fault in reading.faults] == [2]
    assert [each.first for each in reading.declared] == [81, 1]


def test_lines_have_words_with_places() -> None:
    """Quotes are taken off, and say that a brace is none."""
    found = list(lines('a "{" {\n# b\n\nc\\\n d'))
    assert [[tuple(word) for word in words] for words in found] == [
        [("a", 0, True), ("{", 3, False), ("{", 6, True)],
        [("c\\", 13, True)],
        [("d", 17, True)],
    ]


@given(st.binary(max_size=300))
def test_any_bytes_pass_through_caddy(data: bytes) -> None:
    """Reading or Unreadable, never another exception."""
    bears("caddyfile", "Caddyfile", data)
    bears("caddyfile", "Caddyfile", b":80 {\nreverse_proxy " + data)


@given(damaged("caddy-sites/Caddyfile"))
def test_damaged_caddyfiles_are_borne(data: bytes) -> None:
    """And every number stands where it is said to stand."""
    bears("caddyfile", "Caddyfile", data)


@pytest.mark.parametrize(
    ("before", "again"),
    [("", "a {\n"), ("", "a:1,"), ("", ":1\n"), ("", "} "), ("", "<<a\n"), ("", "`"), ("", "{$")],
)
def test_a_megabyte_of_caddy_is_read_in_time(before: str, again: str) -> None:
    """Nothing costs the square of its length."""
    bears_a_megabyte("caddyfile", "Caddyfile", before, again)
