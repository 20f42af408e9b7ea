"""What contrib/fleet ships: clean for lint, and with the locks that its comments promise."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from live.stage import run_portbook

FOLDER = Path(__file__).parents[2] / "contrib" / "fleet"
_SECRET_WORDS = ("password", "token", "secret", "seed")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """compose.yaml, parsed."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    """The pod of daemonset.yaml."""
    _, found = yaml.safe_load_all((FOLDER / "daemonset.yaml").read_text())
    assert found["kind"] == "DaemonSet"
    pod: dict[str, Any] = found["spec"]["template"]["spec"]
    return pod


def test_lint_finds_nothing(tmp_path: Path) -> None:
    """`portbook lint` reads the files, ports among them, and has nothing to say."""
    ran = run_portbook("lint", str(FOLDER), "--json", env={"XDG_CACHE_HOME": str(tmp_path)})
    assert ran.code == 0, ran.out
    assert ran.document["findings"] == [] and ran.document["incomplete"] == []
    assert ran.document["files"] == len(list(FOLDER.iterdir()))


def test_lint_reads_the_ports_of_the_files(tmp_path: Path) -> None:
    """It is clean because it fits: a second publisher of the bus's port is found."""
    text = (FOLDER / "compose.yaml").read_text()
    (tmp_path / "compose.yaml").write_text(text.replace(":5432:5432", ":4222:5432"))
    ran = run_portbook("lint", str(tmp_path), "--json", env={"XDG_CACHE_HOME": str(tmp_path)})
    assert [each["rule"] for each in ran.document["findings"]] == ["PB101"], ran.out


def test_no_part_of_compose_is_told_a_secret(compose: dict[str, Any]) -> None:
    """Every password comes from a file below /run/secrets, none from a variable or an option."""
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if any(word in variable.lower() for word in _SECRET_WORDS):
                assert str(value).startswith("/run/secrets/"), (name, variable)
        assert "://" not in " ".join(service.get("command", ())), name
    wanted = {
        each if isinstance(each, str) else each["source"]
        for service in compose["services"].values()
        for each in service.get("secrets", ())
    }
    assert wanted == set(compose["secrets"])
    assert all(each["file"].startswith("./secrets/") for each in compose["secrets"].values())


def test_compose_starts_things_in_order(compose: dict[str, Any]) -> None:
    """The hub and the pages wait for a migrated store, and whatever lasts has a health check."""
    services = compose["services"]
    assert services["init"]["depends_on"] == {"store": {"condition": "service_healthy"}}
    for name in ("hub", "pages"):
        waits = services[name]["depends_on"]
        assert waits["init"] == {"condition": "service_completed_successfully"}
    for name in set(services) - {"init"}:
        assert services[name]["healthcheck"]["test"], name
        assert services[name]["restart"] == "unless-stopped"
    for name in set(services) - {"store"}:
        assert services[name]["cap_drop"] == ["ALL"] and services[name]["read_only"] is True


def test_compose_opens_nothing_to_the_world(compose: dict[str, Any]) -> None:
    """Published ports are on loopback unless FLEET_ADDRESS says otherwise."""
    published = [
        port for service in compose["services"].values() for port in service.get("ports", ())
    ]
    assert len(published) == 3
    for port in published:
        assert port.startswith(("127.0.0.1:", "${FLEET_ADDRESS:-127.0.0.1}:")), port


def test_commands_are_those_of_portbook(compose: dict[str, Any], pod: dict[str, Any]) -> None:
    """Each command line of portbook's image is one that portbook takes."""
    lines = [
        service["command"]
        for service in compose["services"].values()
        if service["image"] == "portbook:fleet"
    ]
    lines += [each["args"] for each in pod["containers"]]
    assert len(lines) == 4
    for line in lines:
        ran = run_portbook(*line, "--help")
        assert ran.code == 0, ran.err
        for option in (word for word in line if word.startswith("--")):
            assert option in ran.out


def test_the_agent_of_a_cluster_has_what_it_needs_and_no_more(pod: dict[str, Any]) -> None:
    """It sees the node, writes to its own folder, and has two capabilities and two limits."""
    assert pod["hostNetwork"] is True and pod["hostPID"] is True
    assert pod["automountServiceAccountToken"] is False
    (agent,) = pod["containers"]
    assert agent["resources"]["limits"] == {"cpu": "20m", "memory": "60Mi"}
    for container in (*pod["initContainers"], agent):
        closed = container["securityContext"]
        assert closed["readOnlyRootFilesystem"] is True
        assert closed["allowPrivilegeEscalation"] is False
        assert closed["capabilities"]["drop"] == ["ALL"]
        assert not closed.get("privileged")
    assert agent["securityContext"]["capabilities"]["add"] == ["SYS_PTRACE", "DAC_READ_SEARCH"]
    paths = [each["hostPath"]["path"] for each in pod["volumes"] if "hostPath" in each]
    assert paths == ["/var/lib/portbook-fleet"]
