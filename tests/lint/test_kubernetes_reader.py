"""Objects of Kubernetes: which files are read, what their ports are, what is left for joining."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.reader_damage import bears, bears_a_megabyte, damaged, reading_of, told
from portbook.lint.parts import Backend, ClusterService, Workload
from portbook.lint.readers.kubernetes import wants
from portbook.lint.reading import Reading
from portbook.lint.source import Source, Unreadable

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: p}}
spec:
  containers:
    - name: c
      image: example/c
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: s}
spec:
"""


def read(text: str, path: str = "k8s/a.yaml") -> Reading:
    """The reading of one file."""
    return reading_of("kubernetes", path, text)


def only(reading: Reading, kind: type) -> list[object]:
    """Its parts of one kind."""
    return [part for part in reading.parts if isinstance(part, kind)]


@pytest.mark.parametrize(
    ("path", "text", "wanted"),
    [
        ("a.yaml", "apiVersion: v1\nkind: Service\nspec: {ports: []}\n", True),
        ("a.yaml", "---\n- apiVersion: v1\n  kind: Service\n  ports:\n", True),
        ("a.yaml", '{"apiVersion": "v1", "kind": "Service", "ports": []}', True),
        ("a.yaml", "# apiVersion and kind of ports\na: 1\n", False),
        ("a.yaml", "apiVersion: v1\nkind: ConfigMap\n", False),
        ("values.yaml", "service:\n  port: 80\n", True),
        ("values.prod.yaml", "service:\n  port: 80\n", True),
        ("values.yaml", "port_of_call: Delft\n", False),
        ("revalues.yaml", "service:\n  port: 80\n", False),
    ],
)
def test_which_files_are_looked_into(path: str, text: str, *, wanted: bool) -> None:
    """Files with objects that may have ports, and values of charts; others cost no parsing."""
    assert wants(Source(path, text.encode())) is wanted


@pytest.mark.parametrize(
    ("port", "declares"),
    [
        ("{containerPort: 8080}", ["9:25 8080/tcp container Pod/p: c"]),
        ("{containerPort: '8080'}", ["9:26 8080/tcp container Pod/p: c"]),
        ("{containerPort: &a 8080}", ["9:28 8080/tcp container Pod/p: c"]),
        ("{containerPort: !!int 8080}", ["9:31 8080/tcp container Pod/p: c"]),
        ("{containerPort: 53, protocol: UDP}", ["9:25 53/udp container Pod/p: c"]),
        ("{name: http, containerPort: 80}", ["9:37 80/tcp container Pod/p: c http"]),
        ("{containerPort: 90000}", ["9:25 90000/tcp container Pod/p: c"]),
        (
            "{containerPort: 80, hostPort: 8080, hostIP: 127.0.0.1}",
            ["9:25 80/tcp container Pod/p: c", "9:39 8080/tcp publish Pod/p: c 127.0.0.1"],
        ),
        ("{containerPort: 80, hostPort: 0}", ["9:25 80/tcp container Pod/p: c"]),
        ("{containerPort: '${PORT}'}", []),
        ("{containerPort: 0x50}", []),
        ("{containerPort: 080}", []),
        ("{containerPort: }", []),
        ("{containerPort: [80]}", []),
        ("{port: 80}", []),
        ("80", []),
    ],
)
def test_what_a_container_declares(port: str, declares: list[str]) -> None:
    """Decimal numbers in every way that YAML writes them; nothing that is filled in later."""
    assert told(read(POD + f"      ports:\n      - {port}\n")) == declares


@pytest.mark.parametrize(
    ("probe", "speaks"),
    [
        ("httpGet: {port: 8080}", "http"),
        ("httpGet: {port: main}", "http"),
        ("httpGet: {port: main, scheme: HTTPS}", "https"),
        ("httpGet: {port: 8081}", None),
        ("httpGet: {port: 8080, host: 10.0.0.1}", None),
        ("tcpSocket: {port: 8080}", None),
        ("grpc: {port: 8080}", None),
        ("exec: {command: [true]}", None),
    ],
)
def test_a_probe_tells_what_its_port_speaks(probe: str, speaks: str | None) -> None:
    """An httpGet of this very port and of no other host; the others say nothing of HTTP."""
    text = (
        POD
        + f"      ports: [{{name: main, containerPort: 8080}}]\n      livenessProbe: {{{probe}}}"
    )
    assert [each.speaks for each in read(text).declared] == [speaks]


def test_what_is_known_of_a_program() -> None:
    """Its image without registry and tag, and an identity that a namespace is part of."""
    text = POD.replace("name: p,", "name: p, namespace: n,").replace(
        "example/c", "r.io:5/x/c:2@sha"
    )
    (each,) = read(text + "      ports: [{containerPort: 8080}]").declared
    assert (each.product, each.runs) == ("x/c", "Pod/n/p")


@pytest.mark.parametrize("name", ["{{ .Release.Name }}", "${NAME}", "$(NAME)", "<%= name %>"])
def test_an_object_whose_name_is_filled_in_later_is_joined_with_nothing(name: str) -> None:
    """Its ports are declared; two of such a name need not be one object."""
    pod = POD.replace("name: p,", f"name: '{name}',") + "      ports: [{containerPort: 8080}]\n"
    service = SERVICE.replace("name: s", f"name: '{name}'") + "  ports: [{port: 8080}]\n"
    for text in (pod, service):
        reading = read(text)
        assert [each.first for each in reading.declared] == [8080]
        assert reading.declared[0].runs is None
        assert reading.parts == ()


@pytest.mark.parametrize(
    ("change", "labels"),
    [
        ("", (("app", "p"),)),
        ("image: example/c", ()),
        ("containerPort: 8080", ()),
        ("labels: {app: p}", ()),
    ],
)
def test_services_are_compared_with_whole_workloads_alone(
    change: str, labels: tuple[tuple[str, str], ...]
) -> None:
    """Without an image it is a patch; with a port that comes later, what is missing is unknown."""
    text = POD + "      ports: [{containerPort: 8080}]\n"
    values = {"image: example/c": "tty: true", "containerPort: 8080": "containerPort: '${P}'"}
    if change:
        text = text.replace(change, values.get(change, "labels: {app: '${P}'}"))
    (workload,) = only(read(text), Workload)
    assert isinstance(workload, Workload)
    assert workload.labels == labels


@pytest.mark.parametrize(
    ("kind", "whole"), [("Deployment", False), ("StatefulSet", False), ("Job", True)]
)
def test_a_deployment_without_a_selector_is_a_patch(kind: str, *, whole: bool) -> None:
    """The kinds that must have one, and one that need not."""
    group = "batch/v1" if kind == "Job" else "apps/v1"
    text = f"""\
apiVersion: {group}
kind: {kind}
metadata: {{name: d}}
spec:
  template:
    metadata: {{labels: {{app: d}}}}
    spec: {{containers: [{{name: c, image: i, ports: [{{containerPort: 80}}]}}]}}
"""
    (workload,) = only(read(text), Workload)
    assert isinstance(workload, Workload)
    assert bool(workload.labels) is whole


def test_what_a_container_is_told() -> None:
    """Numbers of its command, arguments and variables, and the variables themselves."""
    text = (
        POD
        + """\
      command: [serve, --port=8081]
      args: --admin :8082 -v 1.2.3 --size 100000
      env:
        - {name: PORT, value: "8083"}
        - {name: SECRET, valueFrom: {secretKeyRef: {name: s, key: k}}}
        - {value: "8084"}
"""
    )
    (workload,) = only(read(text), Workload)
    assert isinstance(workload, Workload)
    (container,) = workload.containers
    assert container.told == (8081, 8082, 8083)
    assert [each.name for each in container.variables] == ["PORT", "SECRET"]
    value = container.variables[0].value
    assert value is not None
    assert (value.text, value.place.line, value.place.column) == ("8083", 11, 32)
    assert container.variables[1].value is None


@pytest.mark.parametrize(
    ("ports", "declares"),
    [
        ("[{port: 80}]", ["5:18 80/tcp service Service/s"]),
        ("[{port: 80, appProtocol: https}]", ["5:18 80/tcp service Service/s https"]),
        (
            "[{port: 53, protocol: UDP, nodePort: 30053}]",
            ["5:18 53/udp service Service/s", "5:47 30053/udp node Service/s"],
        ),
        ("[{port: 80, nodePort: 0}]", ["5:18 80/tcp service Service/s"]),
        ("[{port: '${PORT}', nodePort: 30053}]", ["5:39 30053/tcp node Service/s"]),
    ],
)
def test_what_a_service_declares(ports: str, declares: list[str]) -> None:
    """Its own ports and those of the nodes."""
    assert told(read(SERVICE + f"  ports: {ports}\n")) == declares


@pytest.mark.parametrize(
    "ports", ["[{port: '${PORT}'}]", "[{port: 80, name: '${N}'}, {port: 81}]", "[{name: x}]"]
)
def test_a_service_with_a_port_that_comes_later_is_asked_for_nothing(ports: str) -> None:
    """What it does not have is not known."""
    assert read(SERVICE + f"  ports: {ports}\n").parts == ()


@pytest.mark.parametrize(
    ("extra", "selector"),
    [
        ("selector: {b: '2', a: one}", (("a", "one"), ("b", "2"))),
        ("selector: {a: '${A}'}", ()),
        ("selector: {a: one}\n  type: ExternalName", ()),
        ("type: NodePort", ()),
    ],
)
def test_what_a_service_selects(extra: str, selector: tuple[tuple[str, str], ...]) -> None:
    """Sorted; nothing where a part comes later or the name of another host stands for all."""
    (service,) = only(read(SERVICE + f"  {extra}\n  ports: [{{port: 80}}]\n"), ClusterService)
    assert isinstance(service, ClusterService)
    assert service.selector == selector


def test_the_health_port_of_nodes_is_one() -> None:
    """`healthCheckNodePort` of a load balancer."""
    text = SERVICE + "  healthCheckNodePort: 30090\n  ports: [{port: 80}]\n"
    assert told(read(text))[0] == "5:24 30090/tcp node Service/s"


def test_a_route_may_lead_to_another_namespace() -> None:
    """What a reference says of it counts before what the route has."""
    text = """\
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: r, namespace: own}
spec:
  rules:
    - backendRefs: [{name: a, port: 80}, {name: b, namespace: other, port: 81}, {name: c}]
"""
    found = only(read(text), Backend)
    assert [
        (each.namespace, each.service, each.port.text)
        for each in found
        if isinstance(each, Backend)
    ] == [("own", "a", "80"), ("other", "b", "81")]


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("serving.knative.dev/v1", "Service"),
        ("example.org/v1", "Deployment"),
        ("apps/v1", "Pod"),
        ("v1", "Ingress"),
        ("v1", "Endpoints"),
    ],
)
def test_kinds_of_others_are_left_alone(version: str, kind: str) -> None:
    """Kinds of the same name in another group are other kinds."""
    text = POD.replace("apiVersion: v1", f"apiVersion: {version}").replace("Pod", kind)
    text += "      ports: [{containerPort: 80, port: 80}]\n  ports: [{port: 80}]\n"
    assert read(text) == Reading()


def test_a_template_of_a_chart_is_not_read_and_no_fault() -> None:
    """In its own folder; elsewhere the same text is named, as nothing says why it is no YAML."""
    text = SERVICE + "  {{- if .Values.web }}\n  ports: [{port: 80}]\n  {{- end }}\n"
    assert read(text, "chart/templates/a.yaml") == Reading()
    assert read(text, "chart/templates/tests/a.yaml") == Reading()
    with pytest.raises(Unreadable):
        read(text, "chart/a.yaml")
    assert told(read(SERVICE + "  ports: [{port: 80}]\n", "templates/a.yaml")) != []


@pytest.mark.parametrize(
    ("values", "declares"),
    [
        ("containerPort: 80", ["1:16 80/tcp container values"]),
        ("hostPort: 80", ["1:11 80/tcp publish values"]),
        ("nodePort: 31000", ["1:11 31000/tcp node values"]),
        ("web: {service: {port: 80}}", ["1:23 80/tcp service web.service"]),
        (
            "service: {externalPort: 80, internalPort: 81}",
            [
                "1:25 80/tcp service service",
                "1:43 81/tcp container service",
            ],
        ),
        (
            "service: {ports: {http: {port: 80, targetPort: 81}}}",
            [
                "1:32 80/tcp service service.ports.http",
                "1:48 81/tcp container service.ports.http",
            ],
        ),
        ("port: 80", []),
        ("externalDatabase: {port: 5432}", []),
        ("service: {port: http}", []),
        ("service: {port: ''}", []),
        ("service: 80", []),
        ("service: {targetPort: http}", []),
        ("ports: {web: 80}", []),
    ],
)
def test_what_the_values_of_a_chart_declare(values: str, declares: list[str]) -> None:
    """Keys that nearly every chart has; a key that might be anything is left alone."""
    assert told(read(values + "\n", "values.yaml")) == declares


def test_the_image_above_names_the_product() -> None:
    """`image.repository` beside the ports or above them."""
    text = "image: {repository: ghcr.io/a/b}\nservice: {port: 80}\nx: {image: {repository: c}, "
    text += "containerPort: 81}\n"
    assert [each.product for each in read(text, "values.yaml").declared] == ["a/b", "c"]


def test_a_list_in_itself_ends() -> None:
    """An alias can put a list into its own items."""
    text = "apiVersion: v1\nkind: List\nitems: &a\n  - {apiVersion: v1, kind: List, items: *a}\n"
    assert (
        read(
            text + "  - {apiVersion: v1, kind: Service, metadata: {name: s}, "
            "spec: {ports: [{port: 80}]}}\n"
        )
        .declared[0]
        .first
        == 80
    )


def test_aliases_do_not_multiply() -> None:
    """A thousand containers with one list of a thousand ports are refused, in time."""
    ports = ", ".join(f"{{containerPort: {number}}}" for number in range(1000, 2000))
    containers = "".join("    - {name: c, image: i, ports: *p}\n" for _ in range(1000))
    text = POD + f"      ports: &p [{ports}]\n" + containers
    with pytest.raises(Unreadable, match="aliases"):
        read(text)


@given(st.binary(max_size=300))
def test_any_bytes_are_borne(data: bytes) -> None:
    """Nothing but a reading or Unreadable, with objects or without."""
    bears("kubernetes", "a.yaml", data)
    bears("kubernetes", "values.yaml", data)


@given(
    st.one_of(
        damaged("k8s-web/deploy/web.yaml"),
        damaged("k8s-kinds/all.yaml"),
        damaged("k8s-gateway/routes.yaml"),
        damaged("k8s-local/kind.yaml"),
        damaged("k8s-local/k3d.yaml"),
        damaged("k8s-names/app.yaml"),
    )
)
def test_damaged_objects_are_borne(data: bytes) -> None:
    """Real files with characters missing, doubled or added."""
    bears("kubernetes", "a.yaml", data)


@given(st.one_of(damaged("helm-chart/values.yaml"), damaged("helm-many/values-prod.yaml")))
def test_damaged_values_are_borne(data: bytes) -> None:
    """The same for the values of a chart."""
    bears("kubernetes", "values.yaml", data)


@pytest.mark.parametrize(
    ("before", "again"),
    [
        ("apiVersion: v1\nkind: Service\nspec:\n  ports:\n", "  - {port: 80}\n"),
        (POD + "      ports:\n", "      - {containerPort: 80, hostPort: 80}\n"),
        (POD + "      ports: &p\n      - {containerPort: 80}\n", "    - {name: c, ports: *p}\n"),
        (POD + "      args:\n", "      - --port=8080\n"),
        ("m: &m {apiVersion: v1, kind: Pod}\n---\n", "---\napiVersion: v1\nkind: Pod\n"),
        ("apiVersion: v1\n", "["),
        ("apiVersion: v1\n", "{a: "),
        ("apiVersion: v1\nkind: '", "{{"),
        ("", ", apiVersion "),
        ("", "{" + " -" * 500),
    ],
)
def test_a_megabyte_of_anything_is_borne(before: str, again: str) -> None:
    """Linear time, whatever repeats."""
    bears_a_megabyte("kubernetes", "a.yaml", before, again)


def test_a_megabyte_of_values_is_borne() -> None:
    """Deep and wide."""
    bears_a_megabyte("kubernetes", "values.yaml", "", "service: {port: 80}\n")
    bears_a_megabyte("kubernetes", "values.yaml", "service: ", "{service: ")
