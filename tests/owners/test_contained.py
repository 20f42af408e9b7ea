"""The containers of a host: from recorded replies and engines' files; where engines answer."""

import json
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.host import Host
from portbook.model import Container, Gap, Unknown
from portbook.owners.contained import Contained
from portbook.owners.engine_files import in_storage, machine, pod_of_log, task
from portbook.owners.engine_replies import BadAnswer
from portbook.owners.engine_sockets import EngineSocket, engine_sockets, local_api
from portbook.owners.engines import container_of, engines_of
from portbook.owners.unseen import unseen_owner

REPLIES = Path(__file__).parent.parent / "replies" / "engines"
ID = "4ce1f0d2b7a98c3e5f6071829304a5b6c7d8e9f00112233445566778899aabbc"
WEB = str(json.loads((REPLIES / "docker.json").read_bytes())[0]["Id"])
TASKS = "run/containerd/io.containerd.runtime.v2.task"


@pytest.fixture(autouse=True)
def _no_engine_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the variables that lead to an engine."""
    for name in (
        "DOCKER_HOST",
        "CONTAINER_HOST",
        "DOCKER_CONTEXT",
        "DOCKER_CONFIG",
        "DOCKER_TLS_VERIFY",
        "XDG_RUNTIME_DIR",
        "HOME",
    ):
        monkeypatch.delenv(name, raising=False)


def put(root: Path, path: str, source: str | None = None, text: str = "") -> None:
    """A file of a recorded host: one of the replies, or a text."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if source:
        shutil.copy(REPLIES / source, target)
    else:
        target.write_text(text)


def named(root: Path) -> dict[str, str]:
    """Engine by container name on that host."""
    return {each.name: each.engine for each in engines_of(Host(str(root))).containers}


def test_a_host_without_an_engine_has_no_containers_and_no_gap(tmp_path: Path) -> None:
    """That is the usual host."""
    assert engines_of(Host(str(tmp_path))) == ((), ())


def test_a_recorded_host_answers_with_its_replies(tmp_path: Path) -> None:
    """And an owner in a container's cgroup gets its name."""
    put(tmp_path, "engines/docker.json", "docker.json")
    put(tmp_path, "engines/podman.json", text="{")
    engines = engines_of(Host(str(tmp_path)))
    assert engines.gaps == (Gap("containers of podman", "the answer is no JSON"),)
    inside = Container("docker", WEB)
    owner = unseen_owner(Unknown("denied"), user="root", unit=None, container=inside)
    found = container_of(owner, engines)
    assert found is not None
    assert (found.name, found.how, found.container_port) == ("shop-web-1", "cgroup", None)
    other = owner._replace(container=Container("docker", ID))
    assert container_of(other, engines) is None
    for container in (None, Unknown("denied")):
        assert container_of(owner._replace(container=container), engines) is None


def test_files_name_containers_where_no_api_answers(tmp_path: Path) -> None:
    """Docker's, Podman's, CRI-O's, containerd's, the kubelet's and machined's."""
    put(tmp_path, f"var/lib/docker/containers/{WEB}/config.v2.json", "config.v2.json")
    put(tmp_path, f"var/lib/docker/containers/{ID}/config.v2.json", text='{"State":{"Runn')
    put(tmp_path, "var/lib/containers/storage/overlay-containers/containers.json",
        "containers.json")  # fmt: skip
    put(tmp_path, f"var/log/containers/api-0_prod_api-{ID}.log")
    put(tmp_path, f"var/log/containers/api-0_prod_api-{ID}.log.1")
    put(tmp_path, f"{TASKS}/k8s.io/{'c' * 64}/config.json", "task-cri.json")
    put(tmp_path, f"{TASKS}/k8s.io/{ID}/config.json", "task-cri.json")
    put(tmp_path, f"{TASKS}/default/{'d' * 64}/config.json", "task-nerdctl.json")
    put(tmp_path, f"{TASKS}/default/{'f' * 64}/config.json", text="[]")
    put(tmp_path, f"{TASKS}/moby/{'e' * 64}/config.json", "task-nerdctl.json")
    put(tmp_path, "run/systemd/machines/box",
        text="NAME=box\nCLASS=container\nLEADER=812\nROOT=/var/lib/machines/box\n")  # fmt: skip
    put(tmp_path, "run/systemd/machines/guest", text="NAME=guest\nCLASS=vm\n")
    assert named(tmp_path) == {
        "shop-web-1": "docker",
        "pages": "podman",
        "k8s_api_api-0_prod_0": "cri-o",
        "prod/api-0/api": "kubernetes",
        "cache": "containerd",
        "box": "nspawn",
    }


def test_what_an_engine_answers_goes_before_its_files(tmp_path: Path) -> None:
    """The files are read where it says nothing."""
    put(tmp_path, "engines/docker.json", text="[]")
    put(tmp_path, f"var/lib/docker/containers/{WEB}/config.v2.json", "config.v2.json")
    assert named(tmp_path) == {}
    put(tmp_path, "engines/docker.json", text="oops")
    assert named(tmp_path) == {"shop-web-1": "docker"}


def test_a_refused_folder_is_passed_over(tmp_path: Path) -> None:
    """Without root the files of engines are out of reach; those of others are still read."""
    put(tmp_path, f"var/lib/docker/containers/{WEB}/config.v2.json", "config.v2.json")
    put(tmp_path, f"var/log/containers/api-0_prod_api-{ID}.log")
    put(tmp_path, "denied.txt", text="/var/lib/docker/containers\n/run/systemd/machines\n")
    assert named(tmp_path) == {"prod/api-0/api": "kubernetes"}


@pytest.mark.parametrize(
    ("name", "container"),
    [
        (f"web-7c9_default_nginx-{ID}.log", "default/web-7c9/nginx"),
        (f"a.b_kube-system_x-y-{ID}.log", "kube-system/a.b/x-y"),
        (f"web_default-{ID}.log", None),
        (f"web_default_nginx-{ID[:-1]}.log", None),
        ("../x_y_z.log", None),
        ("", None),
    ],
)
def test_a_log_of_the_kubelet_names_pod_and_container(name: str, container: str | None) -> None:
    """POD_NAMESPACE_CONTAINER-ID.log; anything else is a log of something else."""
    found = pod_of_log(name)
    assert (found.name if found else None) == container


def test_a_machine_without_a_leader_is_still_one() -> None:
    """Its process is unknown."""
    found = machine("NAME=box\nCLASS=container\nLEADER=soon\n")
    assert found == Contained("nspawn", "box", "box", pid=Unknown("unreadable"))


@given(st.binary(), st.text())
def test_any_file_is_survived(data: bytes, text: str) -> None:
    """Engines write them, but half-written ones happen."""
    machine(text)
    pod_of_log(text)
    for read in (lambda: list(in_storage(data)), lambda: task(ID, data)):
        with suppress(BadAnswer):
            read()


VALUES = st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=2)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["id", "names", "metadata"]), VALUES | st.just(ID)),
        max_size=3,
    ),
    st.dictionaries(st.sampled_from(["nerdctl/name", "io.kubernetes.cri.sandbox-name"]), VALUES),
)
def test_any_value_in_those_files_is_survived(
    rows: list[dict[str, object]], notes: dict[str, object]
) -> None:
    """Also one of another type."""
    assert all(each.id == ID for each in in_storage(json.dumps(rows).encode()))
    found = task(ID, json.dumps({"annotations": notes}).encode())
    assert found is not None
    assert found.name


@pytest.mark.parametrize(
    ("address", "api"),
    [
        ("unix:///run/docker.sock", "unix:///run/docker.sock"),
        ("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375"),
        ("tcp://localhost:2375/", "tcp://127.0.0.1:2375"),
        ("http://[::1]:2375", "tcp://[::1]:2375"),
        ("tcp://192.0.2.1:2375", None),
        ("tcp://engine.example:2375", None),
        ("tcp://127.0.0.1:99999", None),
        ("tcp://127.0.0.1", None),
        ("https://127.0.0.1:2376", None),
        ("ssh://user@box", None),
        ("npipe:////./pipe/docker_engine", None),
        ("unix://relative", None),
        ("", None),
    ],
)
def test_only_engines_of_this_machine_are_asked(address: str, api: str | None) -> None:
    """Another machine's containers hold no socket here, and asking them is not our business."""
    assert local_api(address) == api


def test_an_engine_that_wants_tls_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_TLS_VERIFY turns tcp:// into TLS."""
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    assert local_api("tcp://127.0.0.1:2375") is None


def sockets(root: Path, *existing: str) -> list[str]:
    """Where engines would be asked on a host on which these sockets exist."""
    numbers = {path: number for number, path in enumerate(dict.fromkeys(existing), 100)}
    put(root, "inodes.tsv", text="".join(f"{path}\t{n}\n" for path, n in numbers.items()))
    return [each.api for each in engine_sockets(Host(str(root)))[0]]


def test_the_usual_sockets_of_the_system_and_of_users_are_found(tmp_path: Path) -> None:
    """Rootful and rootless; as root those of every user."""
    put(tmp_path, "proc/self/status", text="Uid:\t0\t0\t0\t0\n")
    (tmp_path / "run/user/1000").mkdir(parents=True)
    paths = ("/run/docker.sock", "/run/podman/podman.sock", "/run/user/1000/docker.sock")
    assert sockets(tmp_path, *paths) == [f"unix://{path}" for path in paths]
    put(tmp_path, "proc/self/status", text="Uid:\t1001\t1001\t1001\t1001\n")
    assert sockets(tmp_path, *paths) == [f"unix://{path}" for path in paths[:2]]


def test_the_environment_and_contexts_lead_to_engines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The current context first, then the others; an unreadable one is passed over."""
    for name, address in (("one", "unix:///home/a/one.sock"), ("two", "unix:///home/a/two.sock"),
                          ("far", "ssh://box")):  # fmt: skip
        meta = {"Name": name, "Endpoints": {"docker": {"Host": address}}}
        put(tmp_path, f"home/a/.docker/contexts/meta/{name}/meta.json", text=json.dumps(meta))
    put(tmp_path, "home/a/.docker/contexts/meta/bad/meta.json", text='{"Endpoints": []}')
    put(tmp_path, "home/a/.docker/config.json", text='{"currentContext": "two"}')
    monkeypatch.setenv("HOME", "/home/a")
    found = ("/home/a/one.sock", "/home/a/two.sock", "/srv/d.sock")
    assert sockets(tmp_path, *found) == ["unix:///home/a/two.sock", "unix:///home/a/one.sock"]
    monkeypatch.setenv("DOCKER_HOST", "unix:///srv/d.sock")
    assert sockets(tmp_path, *found)[0] == "unix:///srv/d.sock"


def test_two_names_of_one_socket_are_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/var/run/docker.sock is /run/docker.sock, and docker.sock may be Podman's."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
    put(tmp_path, "inodes.tsv", text="/var/run/docker.sock\t9\n/run/docker.sock\t9\n")
    found, _ = engine_sockets(Host(str(tmp_path)))
    assert found == [EngineSocket("docker", "unix:///var/run/docker.sock")]


def test_asking_does_not_start_an_engine_that_is_stopped(tmp_path: Path) -> None:
    """Systemd listens on its socket, and would start it at the first connection."""
    units = "run/systemd/units/invocation:"
    put(tmp_path, f"{units}docker.socket")
    put(tmp_path, f"{units}podman.socket")
    paths = ("/run/docker.sock", "/run/podman/podman.sock")
    assert sockets(tmp_path, *paths) == []
    # Podman's service comes and goes while containers run.
    put(tmp_path, f"run/containers/overlay-containers/{ID}/userdata/pidfile")
    assert sockets(tmp_path, *paths) == ["unix:///run/podman/podman.sock"]
    put(tmp_path, f"{units}docker.service")
    assert sockets(tmp_path, *paths) == [f"unix://{path}" for path in paths]
