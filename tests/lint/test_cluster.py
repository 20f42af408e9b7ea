"""Services and the Pods behind them, and the rules that compare them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from lint.reader_damage import reading_of
from portbook.lint.cluster import MOST_ALIKE
from portbook.lint.known import Known, Meaning
from portbook.lint.project import Project
from portbook.lint.rules import (
    backend_port,
    forwarded_port,
    node_port_outside,
    node_range,
    probe_port,
    target_port,
)
from portbook.model.declared import Declared, LintFinding, Place

RULES = (target_port, probe_port, backend_port, node_port_outside, node_range, forwarded_port)
NOTHING = Known(
    meaning=lambda _port, _transport: Meaning(
        (), "", "unassigned", (), (), (), browser_blocked=False
    ),
    fits=lambda _product, _port, _transport: None,
    taken=lambda _port, _transport, _address: (),
)


def project(files: Mapping[str, str], *more: Declared) -> Project:
    """A project of Kubernetes files, and declarations of others."""
    readings = {path: reading_of("kubernetes", path, text) for path, text in files.items()}
    declared = [each for reading in readings.values() for each in reading.declared]
    return Project(readings, (*declared, *more), (), lambda _path: [])


def found(files: Mapping[str, str], *more: Declared) -> list[tuple[str, str, str]]:
    """(rule, severity, file) of what the rules find."""
    whole = project(files, *more)
    return [
        (each.rule, each.severity, each.place.path)
        for rule in RULES
        for each in rule.weigh(whole, NOTHING)
    ]


def workload(containers: str, *, kind: str = "Deployment", name: str = "w", app: str = "w") -> str:
    """A whole workload."""
    return f"""\
apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {app}}}}}
  template:
    metadata: {{labels: {{app: {app}}}}}
    spec:
      containers: [{containers}]
---
"""


def service(ports: str, *, name: str = "s", app: str = "w", namespace: str = "") -> str:
    """A Service."""
    there = f", namespace: {namespace}" if namespace else ""
    return f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}{there}}}
spec: {{selector: {{app: {app}}}, ports: [{ports}]}}
---
"""


def ingress(port: str, *, name: str = "s") -> str:
    """An Ingress to a Service."""
    return f"""\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: i}}
spec: {{defaultBackend: {{service: {{name: {name}, port: {{{port}}}}}}}}}
---
"""


APP = "{name: a, image: i, ports: [{name: http, containerPort: 8080}]}"
SIDECAR = "{name: b, image: j}"
ERROR, WARNING = ("PB502", "error", "a.yaml"), ("PB502", "warning", "a.yaml")


@pytest.mark.parametrize(
    ("containers", "port", "expected"),
    [
        (APP, "{port: 80, targetPort: http}", []),
        (APP, "{port: 80, targetPort: 8080}", []),
        (APP, "{port: 8080}", []),
        (APP, "{port: 80, targetPort: web}", [ERROR]),
        (APP, "{port: 80, protocol: UDP, targetPort: http}", [ERROR]),
        (APP, "{port: 80, targetPort: 8081}", [WARNING]),
        (APP, "{port: 80, targetPort: '8081'}", [WARNING]),
        (APP, "{port: 80}", [WARNING]),
        (APP, "{port: 80, targetPort: '${TARGET}'}", []),
        (f"{APP}, {SIDECAR}", "{port: 80, targetPort: 8081}", []),
        (f"{APP}, {SIDECAR}", "{port: 80, targetPort: web}", [ERROR]),
        ("{name: a, image: i}", "{port: 80, targetPort: 8081}", []),
        ("{name: a, image: i}", "{port: 80, targetPort: web}", [ERROR]),
        (
            APP.replace("image: i", "image: i, args: [-p, '8081']"),
            "{port: 80, targetPort: 8081}",
            [],
        ),
        (APP.replace("image: i", "tty: true"), "{port: 80, targetPort: web}", []),
        (APP.replace("8080", "'${PORT}'"), "{port: 80, targetPort: web}", []),
    ],
)
def test_what_a_service_sends_to(
    containers: str, port: str, expected: list[tuple[str, str, str]]
) -> None:
    """Names must be there with their protocol; numbers count where every container has some."""
    assert found({"a.yaml": workload(containers) + service(port)}) == expected


WRONG = service("{port: 80, targetPort: web}")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.yaml": WRONG}, []),
        ({"a.yaml": WRONG, "b.yaml": workload(APP)}, ["a.yaml"]),
        ({"a.yaml": WRONG, "x/b.yaml": workload(APP)}, ["a.yaml"]),
        ({"a.yaml": WRONG, "c.yaml": workload(APP, app="x"), "x/b.yaml": workload(APP)}, []),
        ({"a.yaml": service("{port: 1, targetPort: y}", namespace="n") + workload(APP)}, []),
        (
            {
                "a.yaml": WRONG + workload(APP),
                "x/b.yaml": workload(APP.replace("http", "web"), name="other"),
            },
            ["a.yaml"],
        ),
        (
            {
                "a.yaml": WRONG + workload(APP),
                "b.yaml": workload(APP.replace("http", "web"), name="other"),
            },
            [],
        ),
        (
            {
                "a.yaml": WRONG + workload(APP),
                "x/patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w}\nspec: "
                "{template: {spec: {containers: [{name: a, ports: [{name: web, "
                "containerPort: 1}]}]}}}\n",
            },
            [],
        ),
        (
            {
                "a.yaml": WRONG
                + workload(APP).replace(
                    "containers:",
                    "initContainers: [{name: b, image: j, ports: [{name: web, containerPort: 1}]}]"
                    "\n      containers:",
                )
            },
            ["a.yaml"],
        ),
    ],
)
def test_which_pods_are_behind_a_service(files: dict[str, str], expected: list[str]) -> None:
    """By namespace and selector, in its folder first; patches add, init containers do not."""
    assert [path for rule, _, path in found(files) if rule == "PB502"] == expected


def test_every_label_of_a_selector_counts() -> None:
    """Pods that have one of two labels are not behind the Service."""
    both = WRONG.replace("selector: {app: w}", "selector: {app: w, tier: back}")
    apart = workload(APP, app="x").replace("labels: {app: x}", "labels: {app: x, tier: back}")
    assert found({"a.yaml": both + workload(APP) + apart}) == []
    labelled = workload(APP).replace("labels: {app: w}", "labels: {app: w, tier: back, more: x}")
    assert found({"a.yaml": both + labelled}) == [ERROR]


def test_a_name_of_another_protocol_is_explained() -> None:
    """That there is such a name makes the mistake hard to see."""
    files = {"a.yaml": workload(APP) + service("{port: 80, protocol: UDP, targetPort: http}")}
    (each,) = weighed("PB502", files=files)
    assert each.hint == '"http" is tcp there'


def test_of_too_many_alike_nothing_is_said() -> None:
    """Examples by the hundred with one name have no order that files could tell."""
    many = {f"{n}.yaml": workload(APP, name=f"w{n}") for n in range(MOST_ALIKE + 1)}
    assert found({"a.yaml": WRONG, **many}) == []
    del many["0.yaml"]
    assert found({"a.yaml": WRONG, **many}) == [ERROR]


@pytest.mark.parametrize(
    ("probe", "severity"),
    [
        ("livenessProbe: {httpGet: {port: http}}", None),
        ("livenessProbe: {httpGet: {port: web}}", "error"),
        ("startupProbe: {tcpSocket: {port: 8080}}", None),
        ("startupProbe: {tcpSocket: {port: 8081}}", "warning"),
        ("readinessProbe: {grpc: {port: 8081}}", "warning"),
        ("lifecycle: {preStop: {httpGet: {port: web}}}", "error"),
        ("livenessProbe: {httpGet: {port: 8081, host: 10.0.0.1}}", None),
        ("livenessProbe: {httpGet: {port: 8081}}, args: ['--health=:8081']", None),
        ("livenessProbe: {httpGet: {port: '${PORT}'}}", None),
        ("livenessProbe: {exec: {command: [curl, localhost:8081]}}", None),
    ],
)
def test_what_a_probe_asks(probe: str, severity: str | None) -> None:
    """Names must be there; numbers that the container is told otherwise are none of ours."""
    text = workload(APP[:-1] + f", {probe}}}")
    assert [each[1] for each in found({"a.yaml": text})] == [severity] * (severity is not None)


def test_a_probe_of_a_container_without_ports() -> None:
    """A number may be right there; a name cannot be, except in a patch."""
    numbered = "{name: a, image: i, livenessProbe: {httpGet: {port: 8081}}}"
    assert found({"a.yaml": workload(numbered)}) == []
    assert found({"a.yaml": workload(numbered.replace("8081", "web"))}) == [
        ("PB503", "error", "a.yaml")
    ]
    patch = numbered.replace("8081", "web").replace("image: i, ", "")
    assert found({"a.yaml": workload(patch)}) == []


@pytest.mark.parametrize(
    ("port", "missing"),
    [
        ("number: 80", False),
        ("name: http", False),
        ("number: 8080", True),
        ("name: web", True),
        ("name: use-annotation", False),
        ("number: 8080, name: http", True),
    ],
)
def test_what_an_ingress_leads_to(port: str, *, missing: bool) -> None:
    """The Service's ports count, whatever the Pods behind it have."""
    text = workload(APP) + service("{name: http, port: 80, targetPort: http}") + ingress(port)
    assert found({"a.yaml": text}) == [("PB504", "error", "a.yaml")] * missing


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        ({"a.yaml": ingress("number: 1")}, False),
        ({"a.yaml": ingress("number: 1"), "x/s.yaml": service("{port: 80}")}, True),
        (
            {
                "a.yaml": ingress("number: 1") + service("{port: 1}", name="t"),
                "x/s.yaml": service("{port: 80}"),
            },
            False,
        ),
        ({"a.yaml": ingress("number: 1"), "x/s.yaml": service("{port: 80}", namespace="n")}, False),
        ({"a.yaml": ingress("number: 1"), "x/s.yaml": service("")}, False),
        (
            {
                "a.yaml": ingress("number: 1") + service("{port: 80}"),
                "s.yaml": service("{port: 1}"),
            },
            False,
        ),
    ],
)
def test_which_service_is_meant(files: dict[str, str], *, missing: bool) -> None:
    """By namespace and name, in the folder first, where one of a base and its patches has it."""
    rules = [rule for rule, _, _ in found(files) if rule == "PB504"]
    assert rules == ["PB504"] * missing


@pytest.mark.parametrize(
    ("port", "outside"),
    [(29999, True), (30000, False), (32767, False), (32768, True), (70000, False), (80, True)],
)
def test_the_range_of_node_ports(port: int, *, outside: bool) -> None:
    """Both ends are in it; what is no port at all is told by another rule."""
    text = service(f"{{port: 80, nodePort: {port}}}")
    assert found({"a.yaml": text}) == [("PB304", "error", "a.yaml")] * outside


def declared(first: int, last: int | None = None, **fields: str | None) -> Declared:
    """A port that some other file declares."""
    made = Declared(Place("f", 1, 1, 5), first, last or first, "publish", "web", "compose")
    return made._replace(**fields)  # type: ignore[arg-type] # fields of one type each


def weighed(rule: str, *more: Declared, files: Mapping[str, str]) -> Iterator[LintFinding]:
    """What one rule finds in these declarations and some objects."""
    module = next(each for each in RULES if rule == each.ID)
    yield from module.weigh(project(files, *more), NOTHING)


OBJECTS = {"a.yaml": service("{port: 80, nodePort: 31000}")}


@pytest.mark.parametrize(
    ("port", "told"),
    [
        (declared(30500), [30500]),
        (declared(30500, role="listen"), [30500]),
        (declared(30500, role="container"), []),
        (declared(29000, 30500), [30000]),
        (declared(32767, 33000), [32767]),
        (declared(29999), []),
        (declared(32768), []),
        (declared(30500, form="actions"), []),
        (declared(30500, product="kindest/node"), []),
        (declared(30500, 30400), []),
    ],
)
def test_numbers_of_the_machine_among_node_ports(port: Declared, told: list[int]) -> None:
    """Published or listened on, here, beside objects of a cluster."""
    assert [each.port for each in weighed("PB303", port, files=OBJECTS)] == told
    assert list(weighed("PB303", port, files={})) == []


def test_the_very_node_port_of_a_service_is_named() -> None:
    """With its place; another transport is another port."""
    (each,) = weighed("PB303", declared(31000), files=OBJECTS)
    assert [one.place.path for one in each.related] == ["a.yaml"]
    assert "nodePort of Service/s" in each.message
    (each,) = weighed("PB303", declared(31000, transport="udp"), files=OBJECTS)
    assert each.related == ()


FORWARDED = declared(8099, role="client", form="devcontainer", who="forwardPorts")


@pytest.mark.parametrize(
    ("ports", "told"),
    [
        ((FORWARDED,), []),
        ((FORWARDED, declared(8080)), [8099]),
        ((FORWARDED, declared(8099, role="mention", form="readme")), []),
        ((FORWARDED, declared(8000, 8100)), []),
        ((FORWARDED, declared(8000, 8090), declared(8010, 8020), declared(8095)), [8099]),
        ((FORWARDED, declared(8080), FORWARDED._replace(first=8098, last=8100)), [8099]),
        ((FORWARDED, FORWARDED, declared(8080)), [8099]),
        ((FORWARDED._replace(address="db"), declared(8080)), []),
        ((FORWARDED._replace(address="localhost"), declared(8080)), [8099]),
        ((FORWARDED._replace(first=9229, last=9229), declared(8080)), []),
        ((FORWARDED._replace(first=3000, last=3000), declared(8080)), []),
        ((FORWARDED, declared(8099, form="vscode", role="listen")), []),
        ((FORWARDED, declared(8098, form="vscode", role="client")), []),
    ],
)
def test_what_an_editor_forwards(ports: tuple[Declared, ...], told: list[int]) -> None:
    """Silent where something has the port, where nothing has any, and for usual numbers."""
    assert [each.port for each in weighed("PB508", *ports, files={})] == told


def test_an_image_has_its_usual_ports(tmp_path: Path) -> None:
    """A database that a compose file starts without `ports` is there to be forwarded."""
    from portbook.survey.linting import lint_paths

    (tmp_path / ".devcontainer.json").write_text('{"forwardPorts": [7687, 7688]}')
    (tmp_path / "compose.yaml").write_text(
        "services:\n  graph:\n    image: neo4j:5\n  web:\n    build: .\n    expose: [8080]\n"
    )
    report = lint_paths([str(tmp_path)], cache=False)
    assert [(each.rule, each.port) for each in report.findings] == [("PB508", 7688)]
