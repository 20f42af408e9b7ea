"""The rules on compose projects: what is told, what is not, and which digits a fix would change."""

from collections.abc import Mapping

import pytest

from portbook.lint.project import Project
from portbook.lint.readers import forms_of, reader_of
from portbook.lint.reading import Reading
from portbook.lint.rules import NAMES, rules
from portbook.lint.source import Source
from portbook.lint.stacks import stacks_of
from portbook.model.declared import LintFinding
from portbook.survey.linting import known_for

KNOWN, _ = known_for(None)
FORMS = ("compose", "dotenv", "dockerfile", "procfile", "systemd", "kubernetes")


def project_of(files: Mapping[str, str]) -> Project:
    """A project of files in memory."""
    readings: dict[str, Reading] = {}
    for path, text in files.items():
        source = Source(path, text.encode())
        for form in forms_of(source.name):
            reader = reader_of(form)
            wants = getattr(reader, "wants", None)
            if form in FORMS and (wants is None or wants(source)):
                readings[path] = reader.read(source)
                break
    stacks = stacks_of(readings, lambda *_: None)
    declared = [each for reading in readings.values() for each in reading.declared]
    lines = {path: text.split("\n") for path, text in files.items()}
    return Project(readings, (*declared, *stacks.declared), stacks.stacks, lines.__getitem__)


def told(rule: str, files: Mapping[str, str] | str) -> list[LintFinding]:
    """What one rule says of a project; a text is its compose file's services."""
    if isinstance(files, str):
        files = {"compose.yaml": f"services:\n{files}"}
    module = dict(zip(NAMES, rules(), strict=True))[rule]
    return list(module.weigh(project_of(files), KNOWN))


def two(first: str, second: str) -> str:
    """Two services with one entry of `ports` each."""
    return f"  a: {{image: x/a, ports: ['{first}']}}\n  b: {{image: x/b, ports: ['{second}']}}\n"


@pytest.mark.parametrize(
    ("first", "second", "collide"),
    [
        ("8080:80", "8080:81", True),
        ("8080:80", "8080:80/udp", False),
        ("127.0.0.1:8080:80", "8080:80", True),
        ("127.0.0.1:8080:80", "0.0.0.0:8080:80", True),
        ("127.0.0.1:8080:80", "192.168.1.5:8080:80", False),
        ("127.0.0.1:8080:80", "[::1]:8080:80", False),
        ("0.0.0.0:8080:80", "[::1]:8080:80", False),
        ("0.0.0.0:8080:80", "[::]:8080:80", False),
        ("[::]:8080:80", "[::1]:8080:80", True),
        ("8080:80", "[::1]:8080:80", True),
        ("${ADDRESS}:8080:80", "${ADDRESS}:8080:80", True),
        ("${ADDRESS}:8080:80", "${OTHER}:8080:80", False),
        ("${ADDRESS}:8080:80", "8080:80", True),
        ("8000-8010:8000-8010", "8010:80", True),
        ("8000-8010:8000-8010", "8011:80", False),
        ("8000-8010:80", "8000:80", False),
        ("80", "80", False),
        ("0:80", "0:80", False),
        ("${PORT}:80", "${PORT}:80", False),
        ("70000:80", "70000:80", False),
    ],
)
def test_two_services_collide_where_the_second_could_not_start(
    first: str, second: str, *, collide: bool
) -> None:
    """Number, transport, address and range decide; what is unknown does not."""
    found = told("PB101", two(first, second))
    assert len(found) == collide
    assert all(each.severity == "error" for each in found)


def test_a_fix_changes_the_digits_of_the_later_one_and_what_must_agree() -> None:
    """Plain digits, those in .env, and the same entry of an override file together with them."""
    env = "A_PORT=8080\nB_PORT=8080\n"
    text = f"services:\n{two('${A_PORT}:80', '${B_PORT}:80')}"
    (found,) = told("PB101", {"compose.yaml": text, ".env": env})
    assert [(each.path, each.line, each.column) for each in found.digits] == [(".env", 2, 8)]
    assert (found.place.path, found.place.line) == ("compose.yaml", 3)
    override = "services:\n  b:\n    ports: ['8080:80']\n"
    files = {
        "compose.yaml": f"services:\n{two('8080:1', '8080:80')}",
        "compose.override.yaml": override,
    }
    found = told("PB101", files)[-1]
    assert {each.path for each in found.digits} == set(files)


def test_a_fix_leaves_alone_what_both_of_them_have() -> None:
    """One variable for both, a range, or a value put together from two texts."""
    env = {".env": "PORT=8080\nHALF=80\n"}
    for first, second in (
        ("${PORT}:80", "${PORT}:81"),
        ("8000-8010:8000-8010", "8005-8006:5-6"),
        ("8080:80", "80${HALF}:80"),
    ):
        (found,) = told("PB101", {"compose.yaml": f"services:\n{two(first, second)}", **env})
        assert found.digits == ()


def test_the_nearest_of_many_is_named_first() -> None:
    """Ten services on one number are nine findings, each with a bounded list."""
    text = "".join(f"  s{n}: {{image: x/y, ports: ['8080:80']}}\n" for n in range(10))
    found = told("PB101", text)
    assert len(found) == 9
    assert found[-1].message.startswith("s8 and s9 both publish 8080/tcp")
    assert [each.place.line for each in found[-1].related] == [10, 9, 8, 7, 6, 5, 4, 3]


def test_a_choice_collides_when_nothing_is_left_of_it() -> None:
    """8000-8002 for one inner port, of which all three are fixed elsewhere."""
    one = "  a: {image: x/a, ports: ['8000-8002:80']}\n"
    others = "  b: {image: x/b, ports: ['8000:1', '8001-8002:1-2']}\n"
    (found,) = told("PB101", one + others)
    assert found.place.line == 2
    assert not told("PB101", one + others.replace("8001-8002:1-2", "8002:1"))


@pytest.mark.parametrize(
    ("service", "fails"),
    [
        ("{build: ., scale: 2, ports: ['8080:80']}", True),
        ("{build: ., scale: 1, ports: ['8080:80']}", False),
        ("{build: ., scale: 2, ports: ['8080-8081:80']}", False),
        ("{build: ., scale: 3, ports: ['8080-8081:80']}", True),
        ("{build: ., scale: 2, ports: ['80']}", False),
        ("{build: ., deploy: {replicas: 2}, ports: ['8080:80']}", True),
        ("{image: x, deploy: {replicas: 2, placement: {}}, ports: ['8080:80']}", False),
        ("{build: ., deploy: {replicas: '${N}'}, ports: ['8080:80']}", False),
    ],
)
def test_several_of_one_service_need_several_numbers(service: str, *, fails: bool) -> None:
    """A swarm shares one number among them; one machine does not."""
    assert len(told("PB101", f"  web: {service}\n")) == fails


def test_profiles_decide_whether_two_are_up_together() -> None:
    """None or a shared one: an error. Apart: a note. Never both for the same two."""
    text = (
        "  a: {{image: x, profiles: {}, ports: ['1:1']}}\n"
        "  b: {{image: y, profiles: {}, ports: ['1:2']}}\n"
    )
    for own, other, rule in (
        ("[]", "[]", "PB101"),
        ("[]", "[dev]", "PB101"),
        ("[dev, ci]", "[ci]", "PB101"),
        ("[dev]", "[ci]", "PB102"),
    ):
        services = text.format(own, other)
        assert [len(told(each, services)) for each in ("PB101", "PB102")] == [
            rule == "PB101",
            rule == "PB102",
        ]


def test_processes_sockets_and_node_ports_collide_too() -> None:
    """A Procfile's processes, a folder's socket units, Services of a cluster with one nodePort."""
    procfile = "web: gunicorn -b 0.0.0.0:8000 app\nadmin: uvicorn admin:app --port 8000\n"
    assert [each.place.line for each in told("PB101", {"Procfile": procfile})] == [2]
    unit = "[Socket]\nListenStream=8000\n"
    assert len(told("PB101", {"u/a.socket": unit, "u/b.socket": unit})) == 1
    assert not told("PB101", {"u/a.socket": unit, "v/a.socket": unit})
    service = (
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {}}}\n"
        "spec: {{type: NodePort, ports: [{{port: 80, nodePort: 30080}}]}}\n"
    )
    both = {"k/a.yaml": service.format("a"), "k/b.yaml": service.format("b")}
    assert len(told("PB101", both)) == 1
    assert not told("PB101", {"k/a.yaml": service.format("a"), "k/b.yaml": service.format("a")})


@pytest.mark.parametrize(
    ("service", "open_to_all"),
    [
        ("{image: postgres, ports: ['5432:5432']}", True),
        ("{image: 'ghcr.io/team/postgres:16', ports: ['15432:5432']}", True),
        ("{image: postgres, ports: ['[::]:5432:5432']}", True),
        ("{image: postgres, ports: ['127.0.0.1:5432:5432']}", False),
        ("{image: postgres, ports: ['10.0.0.5:5432:5432']}", False),
        ("{image: postgres, ports: ['${BIND}:5432:5432']}", False),
        ("{image: postgres, ports: ['5432']}", False),
        ("{image: postgres, ports: [{target: 5432, published: 5432, mode: host}]}", False),
        ("{image: nginx, ports: ['80:80', '443:443']}", False),
        ("{image: eclipse-mosquitto, ports: ['1883:1883']}", False),
        ("{image: example/unknown, ports: ['5432:5432']}", True),
        ("{build: ., ports: ['8000:8000']}", False),
        ("{build: ., ports: ['9229:9229']}", True),
        ("{build: ., ports: ['9229:9229/udp']}", False),
    ],
)
def test_what_is_for_the_project_alone_belongs_on_loopback(
    service: str, *, open_to_all: bool
) -> None:
    """Known images by their kind, others by an inner port that says it."""
    found = told("PB401", f"  it: {service}\n")
    assert len(found) == open_to_all
    assert all("127.0.0.1:" in (each.hint or "") for each in found)


@pytest.mark.parametrize(
    ("dockerfile", "more", "differs"),
    [
        ("FROM node\nEXPOSE 4000", "", True),
        ("FROM node\nEXPOSE 3000-4000", "", False),
        ("FROM node", "", False),
        ("FROM node\nEXPOSE 4000/udp", "", False),
        ("FROM node\nEXPOSE 4000\nCMD ./serve 3000", "", False),
        ("FROM node\nENV PORT=3000\nEXPOSE 4000", "", False),
        ("FROM grafana/grafana\nEXPOSE 4000", "", False),
        ("FROM node\nEXPOSE 4000\nHEALTHCHECK CMD curl http://localhost:3000/", "", False),
        ("FROM node\nEXPOSE 4000", ", environment: {PORT: 3000}", False),
        ("FROM node\nEXPOSE 4000", ", command: other", False),
        ("FROM node\nARG P=4000\nEXPOSE $P", "", True),
        ("FROM node\nARG P=4000\nEXPOSE $P", ", args", False),
    ],
)
def test_a_published_port_is_one_that_the_dockerfile_exposes(
    dockerfile: str, more: str, *, differs: bool
) -> None:
    """Where it exposes any, and nothing else speaks of the number."""
    build = "{context: app, args: {P: 3000}}" if more == ", args" else "app"
    more = "" if more == ", args" else more
    compose = f"services:\n  web: {{build: {build}, ports: ['8080:3000']{more}}}\n"
    files = {"compose.yaml": compose, "app/Dockerfile": dockerfile}
    assert len(told("PB501", files)) == differs


@pytest.mark.parametrize(
    ("service", "differs"),
    [
        ("{build: ., environment: {PORT: 8080}, ports: ['8080:3000']}", True),
        ("{build: ., environment: ['PORT=${P:-8080}'], ports: ['8080:3000']}", True),
        ("{build: ., environment: {PORT: 3000}, ports: ['8080:3000']}", False),
        ("{build: ., environment: {PORT: 3005}, ports: ['8080-8089:3000-3009']}", False),
        ("{build: ., environment: {PORT: '${P}'}, ports: ['8080:3000']}", False),
        ("{build: ., environment: {PORT: 8080}, ports: ['8080:${P}']}", False),
        ("{build: ., environment: {PORT: 8080}}", False),
        ("{build: ., environment: {PORT: 8080}, command: x -p 3000, ports: ['80:3000']}", False),
        ("{image: redis, environment: {PORT: 8080}, ports: ['80:6379']}", False),
        ("{build: ., environment: {ASPNETCORE_URLS: 'http://*:5000'}, ports: ['80:80']}", True),
        ("{build: ., environment: {ASPNETCORE_HTTP_PORTS: '80;81'}, ports: ['8:81']}", False),
        ("{image: n8nio/n8n, environment: {N8N_PORT: 80}, ports: ['80:5678']}", True),
    ],
)
def test_a_program_is_told_the_number_that_is_published(service: str, *, differs: bool) -> None:
    """By the variables that it obeys, where all of its ports are known."""
    assert len(told("PB505", f"  web: {service}\n")) == differs


@pytest.mark.parametrize(
    ("url", "there", "wrong"),
    [
        ("postgres://db:5433/x", "image: postgres, ports: ['5433:5432']", True),
        ("postgres://u:${P}@db:5433/x", "image: postgres, ports: ['5433:5432']", True),
        ("postgres://db:5432/x", "image: postgres, ports: ['5433:5432']", False),
        ("postgres://db:1/x", "image: postgres", True),
        ("postgres://db:1/x", "image: postgres, command: -p 1", False),
        ("postgres://db:1/x", "image: postgres, environment: {PGPORT: 1}", False),
        ("http://db:9000", "image: example/unknown, ports: ['8000:80']", False),
        ("http://db:8000", "image: example/unknown, ports: ['8000:80']", True),
        ("http://db:8000", "image: example/unknown, ports: ['8000:80', '8001:8000']", False),
        ("http://db:8000", "image: example/unknown, ports: ['8000:80'], network_mode: host", False),
        ("http://elsewhere:8000", "image: postgres", False),
        ("http://localhost:5433", "image: postgres, ports: ['5433:5432']", False),
    ],
)
def test_a_service_is_asked_on_a_port_that_it_has(url: str, there: str, *, wrong: bool) -> None:
    """The inner one; and silence where the service may have others."""
    text = f"  web: {{build: ., environment: {{URL: '{url}'}}}}\n  db: {{{there}}}\n"
    assert len(told("PB507", text)) == wrong


def test_host_and_port_in_two_variables_and_in_env_files() -> None:
    """DB_HOST with DB_PORT; a .env beside the compose file that no service names."""
    db = "  db: {image: postgres, ports: ['5433:5432']}\n"
    pair = "  web: {build: ., environment: {DB_HOST: db, DB_PORT: 5433}}\n"
    (found,) = told("PB507", pair + db)
    assert "its outer number; inside the project's network it is 5432" in found.message
    files = {"compose.yaml": f"services:\n{db}", ".env": "DB_HOST=db\nDB_PORT=5433\n"}
    (found,) = told("PB507", files)
    assert (found.place.path, found.place.line, found.place.column) == (".env", 2, 9)
    assert not told("PB507", {**files, ".env": "DB_HOST=localhost\nDB_PORT=5433\n"})
