"""nginx's configuration: listens, upstreams, passes, and other programs' .conf files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.reader_damage import bears, bears_a_megabyte, damaged, reading_of, told
from portbook.lint.block_syntax import Broken, statements
from portbook.lint.readers.nginx import wants
from portbook.lint.source import Source


def read(text: str) -> list[str]:
    """The declarations of one file."""
    return told(reading_of("nginx", "nginx.conf", text))


@pytest.mark.parametrize(
    ("listen", "declares"),
    [
        ("80", ["1:24 80/tcp listen server http"]),
        ("127.0.0.1:8080", ["1:34 8080/tcp listen server 127.0.0.1 http"]),
        ("*:80", ["1:26 80/tcp listen server 0.0.0.0 http"]),
        ("[::]:443 ssl http2", ["1:29 443/tcp listen server :: https"]),
        ("localhost:81 default_server", ["1:34 81/tcp listen server localhost http"]),
        ('"82"', ["1:25 82/tcp listen server http"]),
        ("443 quic reuseport", ["1:24 443/udp listen server"]),
        ("8000-8010", ["1:24 8000-8010/tcp listen server http"]),
        ("unix:/run/nginx.sock", []),
        ("127.0.0.1", []),
        ("localhost", []),
        ("$port", []),
        ("${PORT}", []),
        ("{{ port }}", []),
        ("<%= @port %>", []),
        ("0", []),
    ],
)
def test_what_a_server_listens_on(listen: str, declares: list[str]) -> None:
    """Numbers and addresses with one; sockets of the file system and variables are none."""
    assert read(f"http {{ server {{ listen {listen}; }} }}") == declares


@pytest.mark.parametrize(
    ("around", "speaks"),
    [
        ("http {{ {} }}", " http"),
        ("stream {{ {} }}", ""),
        ("mail {{ {} }}", ""),
        ("{}", ""),
    ],
)
def test_what_is_spoken_depends_on_the_block(around: str, speaks: str) -> None:
    """Only in `http` it is HTTP for certain."""
    found = read(around.format("server { listen 90; }"))
    assert [each.partition(" listen server")[2] for each in found] == [speaks]


@pytest.mark.parametrize(
    "line", ["server_name a;", "location / { }", "root /srv;", "proxy_pass http://b;"]
)
def test_an_included_server_of_http_is_told_by_what_is_in_it(line: str) -> None:
    """A file of conf.d has no `http` around it."""
    (found,) = read(f"server {{\nlisten 90;\n{line}\n}}")
    assert found.endswith("http")


def test_ssl_may_be_said_in_the_old_way() -> None:
    """`ssl on` in the server, before or behind the listen."""
    assert read("http { server { listen 90; ssl on; } }") == ["1:24 90/tcp listen server https"]


@pytest.mark.parametrize(
    ("line", "declares"),
    [
        ("proxy_pass http://127.0.0.1:3000;", ["1:29 3000/tcp client proxy_pass 127.0.0.1"]),
        ("proxy_pass https://app:3000/a/;", ["1:24 3000/tcp client proxy_pass app"]),
        ("proxy_pass http://app/x:3000/a?b=//c:4;", []),
        ("proxy_pass http://app;", []),
        ("proxy_pass http://$host:3000;", ["1:26 3000/tcp client proxy_pass"]),
        ("proxy_pass http://app:$port;", []),
        ("fastcgi_pass php:9000;", ["1:18 9000/tcp client fastcgi_pass php"]),
        ("fastcgi_pass unix:/run/php.sock:9;", []),
        ("uwsgi_pass uwsgi://app:3031;", ["1:24 3031/tcp client uwsgi_pass app"]),
        ("grpc_pass grpcs://[::1]:50051;", ["1:25 50051/tcp client grpc_pass ::1"]),
        ("upstream a { server b:1 weight=2; }", ["1:23 1/tcp client upstream a b"]),
        ("upstream a { server b; server unix:/c; }", []),
        ("split_clients x { server b:1; }", []),
    ],
)
def test_where_requests_go(line: str, declares: list[str]) -> None:
    """The port of the address alone, not what stands in its path."""
    found = read(line)
    if "$host" in line:
        # A host that a variable gives is not taken for an address.
        assert found in ([], declares)
    else:
        assert found == declares


def test_servers_of_one_folder_are_one_nginx() -> None:
    """So that two servers on one port are no collision."""
    found = reading_of("nginx", "etc/a.conf", "server { listen 80; } server { listen 80; }")
    assert [each.runs for each in found.declared] == ["nginx:etc", "nginx:etc"]


def test_comments_lua_and_quotes_are_no_statements() -> None:
    """Braces and semicolons in them count for nothing."""
    text = (
        "# server { listen 1; }\nserver {\n"
        'content_by_lua_block { local a = "}" -- }\n if a then b = {} end }\n'
        'return 200 "listen 2; }";\nlisten 3;\n}\n'
    )
    assert read(text) == ["6:8 3/tcp listen server"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("server {\n listen 1;\n", 1),
        ("server { listen 1; }\n}", 2),
        ("server { listen 1; }\n\nlisten 2", 3),
        ("server { listen 1; }\nserver_name 'a;\n", 2),
    ],
)
def test_what_is_broken_is_told_and_the_rest_is_read(text: str, line: int) -> None:
    """What stands before the mistake counts."""
    reading = reading_of("nginx", "nginx.conf", text)
    assert [fault.line for fault in reading.faults] == [line]
    assert [each.first for each in reading.declared] == [1]


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("server {\n  listen 80;\n}", True),
        ("location / { proxy_pass http://a:1; }", True),
        ("upstream a {\n server b:1;\n}", True),
        ("http { server { listen 80; } }", True),
        ("Listen 80\n<VirtualHost *:80>\n</VirtualHost>\n", False),
        ("server {\n  port = 8080\n  listen = 80\n}\n", False),
        ("options { listen-on port 53 { any; }; };", False),
        ("port 6379\nbind 127.0.0.1\n", False),
        ("[program:x]\ncommand=listen 80;\n", False),
        ("# listen 80;\n", False),
        ("[www]\n; the address to listen on\nlisten = 127.0.0.1:9000 ; or a socket;\n", False),
        ("; listen on all addresses;\n", False),
    ],
)
def test_a_conf_is_taken_where_it_looks_like_nginx(text: str, ours: bool) -> None:  # noqa: FBT001 - a row
    """Apache, HOCON, BIND, Redis and supervisor have a .conf too."""
    assert wants(Source("site.conf", text.encode())) is ours


def test_statements_say_where_they_are() -> None:
    """Words with their offsets, what ends each, and where a text breaks off."""
    found = list(statements("a 'b c' { d; }"))
    assert [(tuple(each.words), each.ends) for each in found] == [
        ((("a", 0), ("b c", 3)), "{"),
        ((("d", 10),), ";"),
        ((), "}"),
    ]
    with pytest.raises(Broken) as broken:
        list(statements("a;\n}"))
    assert broken.value.start == 3


@given(st.binary(max_size=300))
def test_any_bytes_pass_through_nginx(data: bytes) -> None:
    """Reading or Unreadable, never another exception."""
    bears("nginx", "nginx.conf", data)
    bears("nginx", "nginx.conf", b"server { listen " + data)


@given(damaged("nginx-sites/nginx.conf"))
def test_damaged_configurations_of_nginx_are_borne(data: bytes) -> None:
    """And every number stands where it is said to stand."""
    bears("nginx", "nginx.conf", data)


@pytest.mark.parametrize(
    ("before", "again"),
    [
        ("", "server { "),
        ("server {", "listen 80;"),
        ("", "listen "),
        ("", "${"),
        ("", "{{"),
        ("", "<%"),
        ("a '", "\\'"),
        ("x_by_lua_block {", "--[["),
        ("x_by_lua_block {", '"'),
    ],
)
def test_a_megabyte_of_nginx_is_read_in_time(before: str, again: str) -> None:
    """Nothing costs the square of its length."""
    bears_a_megabyte("nginx", "nginx.conf", before, again)
