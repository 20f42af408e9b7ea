"""The settings of programs: Spring and its kin, Django, Rails, and plain keys."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.reader_damage import bears, bears_a_megabyte, damaged, reading_of, told
from portbook.lint.readers.application import wants
from portbook.lint.source import Source, Unreadable


def read(path: str, text: str) -> list[str]:
    """The declarations of one file."""
    return told(reading_of("application", path, text))


@pytest.mark.parametrize(
    ("line", "declares"),
    [
        ("server.port=80", ["1:13 80/tcp listen server.port http"]),
        ("server.port: 80", ["1:14 80/tcp listen server.port http"]),
        ("server.port 80", ["1:13 80/tcp listen server.port http"]),
        ("server.port=${PORT:80}", ["1:20 80/tcp listen server.port http"]),
        ("server.port=${A:${B:80}}", ["1:21 80/tcp listen server.port http"]),
        ("server.port=${PORT}", []),
        ("server.port=0", []),
        ("server.port=-1", []),
        ("#server.port=80", []),
        ("!server.port=80", []),
        ("my.server.port=80", []),
        ("grpc.server.port=81", ["1:18 81/tcp listen grpc.server.port"]),
        ("spring.data.redis.port=82", ["1:24 82/tcp client spring.data.redis.port"]),
        (
            "spring.kafka.bootstrap-servers=a:1, b:2",
            [
                "1:34 1/tcp client spring.kafka.bootstrap-servers a",
                "1:39 2/tcp client spring.kafka.bootstrap-servers b",
            ],
        ),
        (
            "spring.datasource.url=jdbc:mysql://${H:db}:${P:3306}/a?x=1:2",
            ["1:48 3306/tcp client spring.datasource.url db"],
        ),
        ("spring.data.mongodb.uri=mongodb+srv://a.b/c", []),
        ("spring.application.name=a:80", []),
        ("spring.security.x.redirect-uri=http://localhost:80/a", []),
        ("spring.security.x.issuer-uri=http://localhost:80/a", []),
        ("shop.url=http://a:80", []),
    ],
)
def test_keys_of_spring(line: str, declares: list[str]) -> None:
    """Those that are known, in every way of writing them; of others nothing is guessed."""
    assert read("application.properties", line + "\n") == declares


@pytest.mark.parametrize(
    ("path", "text", "profiles"),
    [
        ("application.yml", "server: {port: 80}", ()),
        ("application-dev.yml", "server: {port: 80}", ("dev",)),
        (
            "application.yml",
            "spring: {config: {activate: {on-profile: [a, b]}}}\nserver: {port: 80}",
            ("a", "b"),
        ),
        ("application.yml", "spring: {profiles: 'a, b'}\nserver.port: 80", ("a", "b")),
        ("application.properties", "%dev.quarkus.http.port=80", ("dev",)),
        ("api/src/test/resources/application.yml", "server.port: 80", ("test",)),
    ],
)
def test_profiles_switch_a_port_on(path: str, text: str, profiles: tuple[str, ...]) -> None:
    """Of the file's name, of the document, of the key, of the folder."""
    (found,) = reading_of("application", path, text).declared
    assert (found.first, found.profiles) == (80, profiles)


def test_documents_have_profiles_of_their_own() -> None:
    """What switches one on says nothing of the next."""
    text = "server.port=80\n#---\nspring.config.activate.on-profile=a\nserver.port=81\n"
    found = reading_of("application", "application.properties", text).declared
    assert [(each.first, each.profiles) for each in found] == [(80, ()), (81, ("a",))]


@pytest.mark.parametrize(
    ("text", "speaks", "address"),
    [
        ("server: {port: 80}", "http", None),
        ("server: {port: 80, address: 127.0.0.1}", "http", "127.0.0.1"),
        ("server: {port: 80, address: '${HOST:127.0.0.2}'}", "http", "127.0.0.2"),
        ("server: {port: 80, address: '${HOST}'}", "http", None),
        ("server: {port: 80, ssl: {key-store: a}}", "https", None),
        ("server: {port: 80, ssl: {enabled: false, key-store: a}}", "http", None),
        ("micronaut: {server: {ssl: {port: 80}}}", "https", None),
    ],
)
def test_other_keys_say_how_and_where(text: str, speaks: str, address: str | None) -> None:
    """The address and TLS are beside the port."""
    (found,) = reading_of("application", "application.yaml", text).declared
    assert (found.speaks, found.address) == (speaks, address)


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("application.yml", ""),
        ("a/src/main/resources/application.yml", "a"),
        ("src/main/resources/config/application.yml", ""),
        ("a/config/application.yml", "a"),
        ("a/b/config.toml", "a/b"),
        ("a/config/puma.rb", "a"),
    ],
)
def test_settings_belong_to_the_program_of_a_folder(path: str, folder: str) -> None:
    """The folder that is built, not the one in which settings are kept."""
    text = {"yml": "server: {port: 80}", "oml": "[server]\nport = 80", ".rb": "port 80"}
    (found,) = reading_of("application", path, text[path[-3:]]).declared
    assert found.runs == f"folder:{folder}"


@pytest.mark.parametrize(
    ("text", "declares"),
    [
        ("server: {port: 80}", ["1:16 80/tcp listen server.port"]),
        ("http: {port: '81'}", ["1:15 81/tcp listen http.port http"]),
        ("listen: ':82'", ["1:11 82/tcp listen listen"]),
        ("a: {bind_address: 'tcp://0.0.0.0:83'}", ["1:34 83/tcp listen a.bind_address 0.0.0.0"]),
        ("metrics: {addr: 'localhost:84'}", ["1:28 84/tcp listen metrics.addr localhost http"]),
        ("redis: {addr: 'a:85'}", ["1:18 85/tcp client redis.addr a"]),
        ("db: {primary: {host: a, port: 86}}", ["1:31 86/tcp client db.primary.port a"]),
        ("kafka: {brokers: ['a:87']}", ["1:22 87/tcp client kafka.brokers a"]),
        ("port: 88", ["1:7 88/tcp setting port"]),
        ("jobs: {port: 1}", []),
        ("paper: {address: 'a:1'}", []),
        ("bind: '12:30'", []),
        ("bind: eth0", []),
        ("server: {port: '${PORT}'}", []),
        ("server: {port: '${PORT:-89}'}", ["1:25 89/tcp listen server.port"]),
        ("server: {url: 'http://a:1'}", []),
        # What is taken over is told where it is met first, and there it has no meaning.
        ("base: &a {port: 90}\nserver: {<<: *a}\n", []),
        ("server: &a {port: 90}\nother: *a\n", ["1:19 90/tcp listen server.port"]),
    ],
)
def test_plain_keys_mean_one_thing_or_nothing(text: str, declares: list[str]) -> None:
    """A server's port, a database's, and no number of a key that could be anything."""
    assert read("config.yaml", text) == declares


@pytest.mark.parametrize(
    ("path", "text", "ours"),
    [
        ("config.yaml", "server: {port: 80}", True),
        ("config.yaml", "apiVersion: v1\nserver: {port: 80}", False),
        ("config.yaml", "services:\n  a:\n    ports: ['80:80']", False),
        ("config.yaml", "server:\n  port: {{ port }}80", False),
        ("config.yaml", "name: a\ncolour: blue", False),
        (".github/config.yml", "server: {port: 80}", False),
        ("settings.py", "DEBUG = True\nPORT = 80\n", False),
        ("settings.py", "DATABASES = {}\n", True),
    ],
)
def test_other_forms_have_such_names_too(path: str, text: str, ours: bool) -> None:  # noqa: FBT001 - a row
    """Objects of clusters, compose files, templates and files without ports are left alone."""
    assert wants(Source(path, text.encode())) is ours


def test_a_default_of_django_is_where_it_stands() -> None:
    """In every way of asking the environment, behind letters of several bytes too."""
    text = (
        'DATABASES = {"é": {"PORT": int(os.getenv("P", "5432"))},'
        ' "b": {"PORT": env.int("P", default=5433)}, "c": {"PORT": config("P")},'
        ' "d": {"PORT": ""}, "e": {"PORT": 0x50}}\n'
    )
    assert read("settings.py", text) == [
        "1:48 5432/tcp client DATABASES é",
        "1:93 5433/tcp client DATABASES b",
    ]


def test_python_that_is_none_is_told() -> None:
    """With its line; a warning of Python's is not ours to show."""
    with pytest.raises(Unreadable) as fault:
        reading_of("application", "settings.py", "DATABASES = {}\nprint 'a'\n")
    assert fault.value.line == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read("settings.py", "DATABASES = {}\nA = '\\d'\n") == []


@pytest.mark.parametrize(
    ("line", "declares"),
    [
        ("port 80", ["1:6 80/tcp listen port http"]),
        ('port ENV.fetch("PORT", 80)', ["1:24 80/tcp listen port http"]),
        ('port ENV.fetch("PORT") { 80 }', ["1:26 80/tcp listen port http"]),
        ("port(ENV['PORT'] || 80)", ["1:21 80/tcp listen port http"]),
        ("port 80, '::1'", ["1:6 80/tcp listen port ::1 http"]),
        ('bind "tcp://0.0.0.0:81"', ["1:21 81/tcp listen bind 0.0.0.0 http"]),
        ('bind "ssl://[::1]:81?key=a"', ["1:19 81/tcp listen bind ::1 https"]),
        ('bind "tcp://#{h}:#{ENV.fetch("P", 81)}"', ["1:35 81/tcp listen bind http"]),
        ('port ENV.fetch("PORT")', []),
        ('bind "unix:///run/a.sock"', []),
        ("# port 80", []),
        ("ports 80", []),
        ("threads 1, 5", []),
        ("portal 80", []),
    ],
)
def test_lines_of_puma(line: str, declares: list[str]) -> None:
    """A port, a bind, and the default of the environment."""
    assert read("puma.rb", line) == declares


@pytest.mark.parametrize(
    ("line", "declares"),
    [
        ("listen 80, tcp_nopush: true", ["1:8 80/tcp listen listen http"]),
        ('listen "127.0.0.1:81"', ["1:19 81/tcp listen listen 127.0.0.1 http"]),
        ('listen ENV["PORT"] || 82', ["1:23 82/tcp listen listen http"]),
        ('listen "/run/a.sock"', []),
    ],
)
def test_lines_of_unicorn(line: str, declares: list[str]) -> None:
    """Its `listen` takes a number or an address."""
    assert read("unicorn.rb", line) == declares


def test_a_database_of_rails_is_a_template() -> None:
    """Ruby's own lines are left out, the default in a value counts."""
    text = (
        "default: &default\n  adapter: mysql2\n"
        '  port: <%= ENV.fetch("DB_PORT") { 3306 } %>\n'
        "<% if ENV['A'] %>\na:\n  <<: *default\n  port: 3307\n<% end %>\n"
        "b:\n  url: mysql2://a:3308/b\n"
    )
    assert read("config/database.yml", text) == [
        "3:36 3306/tcp client default.port",
        "7:9 3307/tcp client a.port",
        "10:19 3308/tcp client b.url a",
    ]


_NAMES = (
    "application.yml",
    "application.properties",
    "application.toml",
    "config.yaml",
    "app.toml",
    "settings.py",
    "puma.rb",
    "unicorn.rb",
    "database.yml",
)


@given(st.sampled_from(_NAMES), st.binary(max_size=300))
def test_any_bytes_pass_through_settings(name: str, data: bytes) -> None:
    """Reading or Unreadable, never another exception."""
    bears("application", name, data)


_OF_SPRING = "spring-profiles/orders/src/main/resources/application"


@given(
    st.one_of(
        st.tuples(st.just("application.yml"), damaged(f"{_OF_SPRING}.yml")),
        st.tuples(st.just("application.properties"), damaged(f"{_OF_SPRING}-prod.properties")),
        st.tuples(st.just("config.yaml"), damaged("app-settings/config.yaml")),
        st.tuples(st.just("server.toml"), damaged("app-settings/server.toml")),
        st.tuples(st.just("settings.py"), damaged("django-databases/site/settings.py")),
        st.tuples(st.just("puma.rb"), damaged("rails-puma/config/puma.rb")),
    )
)
def test_damaged_settings_are_borne(file: tuple[str, bytes]) -> None:
    """And every number stands where it is said to stand."""
    bears("application", *file)


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("application.properties", "server.port=80\n"),
        ("application.properties", "\\\n"),
        ("application.properties", "spring.url=//"),
        ("application.properties", "a."),
        ("application.yml", "@a"),
        ("config.yaml", "port: 1\n"),
        ("config.yaml", "port 1"),
        ("config.yaml", "{{"),
        ("settings.py", "("),
        ("settings.py", "DATABASES={}\n"),
        ("puma.rb", "port ENV["),
        ("puma.rb", "port 1\n"),
        ("unicorn.rb", "listen '"),
    ],
)
def test_a_megabyte_of_settings_is_read_in_time(name: str, again: str) -> None:
    """Nothing costs the square of its length."""
    bears_a_megabyte("application", name, "", again)


def test_aliases_of_aliases_stay_small() -> None:
    """A bomb of YAML is walked once."""
    text = "server: &a0 {port: 80}\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 60)
    )
    found = reading_of("application", "config.yaml", text + "http: *a59\n").declared
    assert [each.first for each in found] == [80]
