"""Small projects on which a careful reader and `portbook lint` must be of one mind."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from portbook.lint.images import image_of, is_at_home
from portbook.model.declared import LintFinding
from portbook.survey.linting import lint_paths


def linted(folder: Path, files: Mapping[str, str]) -> tuple[LintFinding, ...]:
    """What lint finds in a folder with these files."""
    for path, text in files.items():
        whole = folder / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(text, encoding="utf-8")
    return lint_paths([str(folder)], cache=False).findings


def of_rule(rule: str, found: tuple[LintFinding, ...]) -> list[LintFinding]:
    """Those of one rule."""
    return [each for each in found if each.rule == rule]


def service(image: str, *ports: str) -> dict[str, str]:
    """A compose project of one service, on this machine alone."""
    entries = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    return {"compose.yaml": f"services:\n  it: {{image: {image}, ports: [{entries}]}}\n"}


def built(dockerfile: str, *ports: str) -> dict[str, str]:
    """A compose project of one service that is built here."""
    entries = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    compose = f"services:\n  it: {{build: ., ports: [{entries}]}}\n"
    return {"compose.yaml": compose, "Dockerfile": dockerfile}


@pytest.mark.parametrize(
    ("image", "port", "refused"),
    [
        ("nginx", "6000:80", True),
        ("nginx", "6000:80/udp", False),
        ("nginx", "6000:443", True),
        ("gitlab/gitlab-ce", "22:22", False),
        ("gitlab/gitlab-ce", "6000:80", True),
        ("rnwood/smtp4dev", "25:25", False),
        ("rnwood/smtp4dev", "110:110", False),
        ("rnwood/smtp4dev", "143:143", False),
        ("rnwood/smtp4dev", "6000:80", True),
        ("maildev/maildev", "25:25", False),
        ("gitea/gitea", "22:22", False),
        ("gitea/gitea", "6667:3000", True),
        ("pihole/pihole", "123:123/udp", False),
        ("grafana/grafana", "6000:3000", True),
    ],
)
def test_browsers_are_thought_of_only_where_pages_are_served(
    tmp_path: Path, image: str, port: str, *, refused: bool
) -> None:
    """An image that serves pages on one port has mail, SSH or names on others."""
    assert bool(of_rule("PB203", linted(tmp_path, service(image, port)))) == refused


def test_pages_of_a_container_that_systemd_starts_are_thought_of_too(tmp_path: Path) -> None:
    """The inner number stands beside the outer one there."""
    unit = "[Container]\nImage=docker.io/gitlab/gitlab-ce\nPublishPort=127.0.0.1:{}\n"
    files = {"a.container": unit.format("22:22"), "b.container": unit.format("6000:80")}
    (found,) = of_rule("PB203", linted(tmp_path, files))
    assert found.place.path == "b.container"


@pytest.mark.parametrize(
    ("image", "port"),
    [
        ("selenium/standalone-chrome", "4444:4444"),
        ("selenium/standalone-chromium", "4444:4444"),
        ("selenium/standalone-firefox", "5900:5900"),
        ("seleniarm/standalone-chromium", "4444:4444"),
        ("seleniarm/hub", "4444:4444"),
        ("hashicorp/consul", "8600:8600/udp"),
        ("cassandra", "7000:7000"),
        ("osixia/openldap", "636:636"),
        ("coturn/coturn", "5349:5349"),
        ("atmoz/sftp", "2222:22"),
        ("linuxserver/openssh-server", "2222:2222"),
        ("apache/activemq-artemis", "8161:8161"),
        ("rethinkdb", "8080:8080"),
        ("tomcat", "8005:8005"),
        ("mariadb", "4444:4444"),
        ("grafana/alloy", "12345:12345"),
        ("oryd/hydra", "4444:4444"),
        ("oryd/hydra", "4445:4445"),
        ("oryd/kratos", "4433:4433"),
        ("oryd/kratos", "4434:4434"),
        ("dexidp/dex", "5556:5556"),
        ("osminogin/tor-simple", "9050:9050"),
    ],
)
def test_a_product_is_at_home_on_its_own_numbers(tmp_path: Path, image: str, port: str) -> None:
    """Neither somebody else's registration nor a harmful program is told of there."""
    found = linted(tmp_path, service(image, port))
    assert [each for each in found if each.rule in ("PB201", "PB202", "PB203")] == []
    assert is_at_home(image, int(port.partition(":")[0]))


def test_elsewhere_a_product_is_no_more_at_home_than_any_other(tmp_path: Path) -> None:
    """What is silent for one image is told of another one."""
    assert of_rule("PB202", linted(tmp_path / "a", service("x/unknown", "4444:80")))
    assert of_rule("PB202", linted(tmp_path / "b", service("postgres", "4444:5432")))
    assert of_rule("PB201", linted(tmp_path / "c", service("mysql", "5432:3306")))
    assert image_of("mysql") != image_of("mariadb")


@pytest.mark.parametrize(
    ("dockerfile", "port", "told"),
    [
        ("FROM php:8.3-fpm\nEXPOSE 9000\n", 9003, False),
        ("FROM example/php-fpm\nEXPOSE 8000\n", 9003, False),
        ("FROM example/php-fpm\nEXPOSE 8000\n", 9000, False),
        ("FROM example/chrome\nEXPOSE 3000\n", 9222, False),
        ("FROM example/app\nEXPOSE 8000\n", 9229, False),
        ("FROM example/app\nEXPOSE 8000\n", 9004, True),
    ],
)
def test_debuggers_are_not_exposed_by_images(
    tmp_path: Path, dockerfile: str, port: int, *, told: bool
) -> None:
    """They are published for a colleague, and never part of what is built."""
    found = linted(tmp_path, built(dockerfile, f"{port}:{port}"))
    assert bool(of_rule("PB501", found)) == told


BASE = "services:\n  a:\n    image: x/a\n    ports: ['8080:80']\n"
B = "  b:\n    image: x/b\n    ports: ['8080:80']\n"
AGAIN = "  a:\n    ports: ['8080:80']\n"


@pytest.mark.parametrize("overlay", [B + AGAIN, AGAIN + B])
def test_a_collision_with_an_overlay_is_told_once(tmp_path: Path, overlay: str) -> None:
    """The overlay says the base's own port once more: that is one mistake, at the newcomer."""
    files = {"docker-compose.yml": BASE, "docker-compose.dev.yml": f"services:\n{overlay}"}
    (found,) = of_rule("PB101", linted(tmp_path, files))
    assert found.message == "a and b both publish 8080/tcp on this machine"
    assert found.place.path == "docker-compose.dev.yml"


def test_a_note_on_profiles_is_told_once_too(tmp_path: Path) -> None:
    """The same for two services that are never up together."""
    base = BASE + "    profiles: [x]\n"
    overlay = f"services:\n{B}    profiles: [y]\n{AGAIN}"
    files = {"docker-compose.yml": base, "docker-compose.dev.yml": overlay}
    assert len(of_rule("PB102", linted(tmp_path, files))) == 1


def test_what_is_no_port_is_told_of_in_one_place_alone(tmp_path: Path) -> None:
    """PB306 says it; the other messages leave such a number out."""
    compose = (
        "services:\n"
        "  it:\n    build: .\n    environment: {PORT: 5000, URL: 'http://db:6000/'}\n"
        "    ports: ['127.0.0.1:8080:3000', '127.0.0.1:8081:99998']\n"
        "  db:\n    image: x/db\n    expose: [99997]\n"
    )
    files = {"compose.yaml": compose, "Dockerfile": "FROM x/y\nEXPOSE 80 99999\n"}
    found = linted(tmp_path, files)
    assert len(of_rule("PB306", found)) == 3
    assert of_rule("PB501", found)[0].message.endswith("exposes 80")
    for each in found:
        if each.rule != "PB306":
            texts = (each.message, each.hint or "")
            assert not any(number in text for text in texts for number in ("99997", "9999"))


def test_a_cluster_names_no_number_that_is_no_port(tmp_path: Path) -> None:
    """Services, backends and probes list what can be meant."""
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
        "spec:\n  selector: {matchLabels: {app: web}}\n  template:\n"
        "    metadata: {labels: {app: web}}\n    spec:\n      containers:\n"
        "        - name: app\n          image: x/app\n"
        "          ports: [{containerPort: 80}, {containerPort: 99999}]\n"
        "          livenessProbe: {httpGet: {path: /, port: 81}}\n"
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
        "spec: {selector: {app: web}, ports: [{port: 8000, targetPort: 82}, {port: 99998}]}\n"
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n"
        "spec: {defaultBackend: {service: {name: web, port: {number: 83}}}}\n"
    )
    found = linted(tmp_path, {"web.yaml": text})
    rules = {each.rule for each in found}
    assert {"PB502", "PB503", "PB504", "PB306"} <= rules
    for each in found:
        if each.rule in ("PB503", "PB504"):
            assert "9999" not in each.message
    assert all("99999" not in each.message for each in of_rule("PB502", found))


def test_who_is_asked_without_any_known_port_is_let_be(tmp_path: Path) -> None:
    """Its inner side is a variable without a value: there is nothing to advise."""
    compose = (
        "services:\n  a: {image: x/a, ports: ['127.0.0.1:8080:${X}']}\n"
        "  b: {image: x/b, environment: {URL: 'http://a:8080/'}}\n"
    )
    assert linted(tmp_path, {"compose.yaml": compose}) == ()


@pytest.mark.parametrize(
    ("entry", "advice"),
    [
        ("'${FORWARD_DB_PORT:-3306}:3306'", "127.0.0.1:${FORWARD_DB_PORT:-3306}:3306"),
        ("'$OUTER:3306'", "127.0.0.1:$OUTER:3306"),
        ("'${OUTER}:${INNER:-3306}'", "127.0.0.1:${OUTER}:${INNER:-3306}"),
        ("'0.0.0.0:${A:-${B:-3307}}:3306'", "127.0.0.1:${A:-${B:-3307}}:3306"),
        ("3306:3306", "127.0.0.1:3306:3306"),
        ("'3306-3308:3306-3308'", "127.0.0.1:3306-3308:3306-3308"),
        ("'3306:3306/udp'", "127.0.0.1:3306:3306/udp"),
        ("{target: 3306, published: '${OUTER}'}", "127.0.0.1:${OUTER}:3306"),
    ],
)
def test_the_advice_keeps_the_variable(tmp_path: Path, entry: str, advice: str) -> None:
    """Whoever follows it has not lost what .env was for."""
    compose = f"services:\n  db:\n    image: mysql:8.4\n    ports:\n      - {entry}\n"
    (found,) = of_rule("PB401", linted(tmp_path, {"compose.yaml": compose, ".env": "OUTER=3309\n"}))
    assert (found.hint or "").startswith(f"write {advice}, or")


def test_the_port_of_an_engine_is_not_for_everybody(tmp_path: Path) -> None:
    """2375 is the whole machine, without a password; 2376 asks for a certificate."""
    compose = "services:\n  ci: {image: 'docker:dind', ports: ['2375:2375', '2376:2376']}\n"
    (found,) = of_rule("PB401", linted(tmp_path, {"compose.yaml": compose}))
    assert found.port == 2375


def pod(first: str, second: str, key: str = "containers") -> str:
    """A Pod with two containers and the ports of each."""
    return (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: two}\nspec:\n"
        f"  containers:\n    - {{name: a, image: x/a, ports: [{first}]}}\n"
        + (f"  {key}:\n" if key != "containers" else "")
        + f"    - {{name: b, image: x/b, ports: [{second}]}}\n"
    )


@pytest.mark.parametrize(
    ("second", "key", "refused"),
    [
        ("{containerPort: 81, hostPort: 8080}", "containers", True),
        ("{containerPort: 81, hostPort: 8081}", "containers", False),
        ("{containerPort: 81, hostPort: 8080, protocol: UDP}", "containers", False),
        ("{containerPort: 81, hostPort: 8080, hostIP: 10.0.0.2}", "containers", True),
        ("{containerPort: 81}", "containers", False),
        ("{containerPort: 81, hostPort: 8080}", "initContainers", False),
    ],
)
def test_two_containers_of_a_pod_have_one_node(
    tmp_path: Path, second: str, key: str, *, refused: bool
) -> None:
    """The API takes no Pod whose containers want one number of it."""
    text = pod("{containerPort: 80, hostPort: 8080}", second, key)
    found = of_rule("PB101", linted(tmp_path, {"pod.yaml": text}))
    assert len(found) == refused
    assert all(each.severity == "error" and "Pod/two" in each.message for each in found)


QUADLET = "[Container]\nImage=docker.io/library/{}\nPublishPort={}\n"


def test_two_containers_of_systemd_take_one_port(tmp_path: Path) -> None:
    """Units of one folder start together; templates and other folders do not."""
    web, other = QUADLET.format("caddy", "8080:80"), QUADLET.format("httpd", "8080:80")
    files = {"u/a.container": web, "u/b.container": other, "u/c@.container": web, "v/a.pod": web}
    (found,) = of_rule("PB101", linted(tmp_path, files))
    assert (found.place.path, found.severity) == ("u/b.container", "error")
    assert found.message == "a.container and b.container both publish 8080/tcp on this machine"


@pytest.mark.parametrize(
    ("image", "port", "told"),
    [
        ("postgres:16", "5432:5432", True),
        ("postgres:16", "127.0.0.1:5432:5432", False),
        ("postgres:16", "5432", False),
        ("caddy:2", "8080:80", False),
        ("nobody-knows", "6379:6379", True),
    ],
)
def test_a_database_that_systemd_starts_is_for_nobody_else(
    tmp_path: Path, image: str, port: str, *, told: bool
) -> None:
    """The same as in a compose file, with advice in the unit's own words."""
    files = {"db.container": QUADLET.format(image, port)}
    found = of_rule("PB401", linted(tmp_path, files))
    assert len(found) == told
    assert all(f"PublishPort=127.0.0.1:{port}," in (each.hint or "") for each in found)


SOCKET = "[Socket]\nListenStream=0.0.0.0:8443\n{}"
SERVICE = "[Service]\nExecStart=/usr/bin/uvicorn app:app --host 0.0.0.0 --port 8443\n{}"


@pytest.mark.parametrize(
    ("service", "socket", "told"),
    [
        (("a.service", ""), ("b.socket", ""), True),
        (("a.service", ""), ("a.socket", ""), False),
        (("a@.service", ""), ("a.socket", ""), False),
        (("a.service", ""), ("b.socket", "Service=a.service\n"), False),
        (("a.service", "Sockets=b.socket\n"), ("b.socket", ""), False),
        (("a.service", ""), ("other/b.socket", ""), False),
    ],
)
def test_a_socket_is_in_the_way_of_a_foreign_service(
    tmp_path: Path, service: tuple[str, str], socket: tuple[str, str], *, told: bool
) -> None:
    """A socket and the service that it is handed over to are one program."""
    files = {service[0]: SERVICE.format(service[1]), socket[0]: SOCKET.format(socket[1])}
    found = of_rule("PB101", linted(tmp_path, files))
    assert len(found) == told
    assert all("a.service and b.socket both take 8443/tcp" in each.message for each in found)


def test_two_services_of_a_folder_may_replace_one_another(tmp_path: Path) -> None:
    """Which of them is enabled is not in the files."""
    files = {"a.service": SERVICE.format(""), "b.service": SERVICE.format("")}
    assert of_rule("PB101", linted(tmp_path, files)) == []


def test_where_something_is_only_asked_is_no_port_of_the_project(tmp_path: Path) -> None:
    """A proxy's target is elsewhere: the help names what is taken and bound."""
    nginx = (
        "server {\n  listen 8085;\n  location / { proxy_pass http://127.0.0.1:7391; }\n}\n"
        "server {\n  listen 8086;\n}\n"
    )
    files = {"nginx.conf": f"http {{\n{nginx}}}\n"}
    files[".devcontainer/devcontainer.json"] = '{"image": "x/y", "forwardPorts": [8099]}\n'
    (found,) = of_rule("PB508", linted(tmp_path, files))
    assert found.hint == "the project has 8085, 8086"
