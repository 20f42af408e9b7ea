"""A real Prometheus that scrapes `portbook serve` and a real node_exporter with our textfile."""

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

from command import portbook
from free_ports import free_port
from pages.serving import Serving, serving
from portbook.host import clock
from portbook.model.traffic import TrafficHour
from portbook.survey.watched import HourFiles

pytestmark = pytest.mark.live

DASHBOARD = Path(__file__).parents[2] / "contrib" / "grafana" / "portbook.json"
_CONFIG = """global:
  scrape_interval: 1s
scrape_configs:
  - job_name: portbook
    static_configs: [{{targets: ["{served}"]}}]
  - job_name: node
    static_configs: [{{targets: ["{exporter}"]}}]
"""
_LISTENING = re.compile(r'msg="Listening on" address=(\S+)')


class Machine(NamedTuple):
    """A server, the textfile beside it, and the node_exporter that reads it.

    `write` makes a watch's file with so many packets, and the textfile anew.
    """

    served: Serving
    exporter: str
    write: Callable[[int], None]

    @property
    def told(self) -> tuple[str, str]:
        """What the server says, and what node_exporter says of the textfile."""
        return got(f"{self.served.url}metrics"), got(f"http://{self.exporter}/metrics")


def got(url: str) -> str:
    """The body of an answer."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - http, our own
        text: str = answer.read().decode()
        return text


@contextmanager
def daemon(log: Path, *argv: str) -> Iterator[str]:
    """A program of Prometheus' that says on which address it listens."""
    with log.open("wb") as errors:
        process = subprocess.Popen(argv, stdout=errors, stderr=subprocess.STDOUT)
    try:
        for _ in range(200):
            if found := _LISTENING.search(log.read_text()):
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        else:
            raise AssertionError(log.read_text())
        yield found[1]
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def write_hour(packets: int) -> None:
    """What a watch of 3255 would have written just now."""
    now = clock.now()
    verdicts = {"client": 2, "scan": 13}
    HourFiles().write(
        [
            TrafficHour(
                *(3255, clock.iso(now - 600), clock.iso(now), True, "3255: a sentence", False),
                *(15, verdicts, {"zmap": 9}, (), packets, 7),
            )
        ]
    )


@pytest.fixture
def machine(own_home: Path, tmp_path: Path) -> Iterator[Machine]:
    """With a claim that is squatted, a semaphore, a reservation and a watched port."""
    if shutil.which("prometheus-node-exporter") is None:
        pytest.skip("prometheus-node-exporter is not installed")
    folder = tmp_path / "textfile"
    folder.mkdir()

    def write(packets: int) -> None:
        write_hour(packets)
        run = portbook("metrics", "--textfile", str(folder / "portbook.prom"))
        assert run.code in (0, 3)
        assert run.out == ""

    exporter = (
        *("prometheus-node-exporter", "--web.listen-address=127.0.0.1:0"),
        *("--collector.disable-defaults", "--collector.textfile"),
        f"--collector.textfile.directory={folder}",
    )
    with squatted(own_home) as served, daemon(tmp_path / "exporter.log", *exporter) as told:
        write(100)
        yield Machine(served, told, write)


@contextmanager
def squatted(home: Path) -> Iterator[Serving]:
    """A server whose claim is another process's than the one that listens: ours."""
    owner = subprocess.Popen(["sleep", "300"])
    try:
        with serving(home) as served:
            port = str(free_port())
            for arguments in (
                ("claim", "--port", port, "--pid", str(owner.pid)),
                ("sem", "acquire", "gpu", "--limit", "3", "--ttl", "10m"),
                ("reserve", "web"),
            ):
                done = portbook(*arguments)
                assert done.code == 0, done.err
            with socket.create_server(("127.0.0.1", int(port))):
                yield served
    finally:
        owner.kill()
        owner.wait()


@pytest.fixture
def prometheus(machine: Machine, tmp_path: Path) -> Iterator[str]:
    """Where a Prometheus answers that has scraped both a few times."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed")
    config = tmp_path / "prometheus.yml"
    served = f"127.0.0.1:{machine.served.port}"
    config.write_text(_CONFIG.format(served=served, exporter=machine.exporter))
    argv = (
        *("prometheus", f"--config.file={config}", "--web.listen-address=127.0.0.1:0"),
        f"--storage.tsdb.path={tmp_path / 'data'}",
    )
    scraped = "count_over_time(portbook_watch_packets_total[1m]) > 3"
    with daemon(tmp_path / "prometheus.log", *argv) as told:
        for packets in range(200, 6000, 100):
            machine.write(packets)
            if asked(f"http://{told}", scraped):
                break
            time.sleep(0.5)
        else:
            raise AssertionError((tmp_path / "prometheus.log").read_text())
        yield f"http://{told}"


def names_of(text: str) -> dict[str, set[str]]:
    """The labels of each series name of an exposition."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def expressions() -> list[tuple[str, str]]:
    """Every expression of the dashboard with the title of its panel, its variables filled in."""
    found = []
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            text = target["expr"].replace("$__rate_interval", "30s")
            text = re.sub(r"\$(?:instance|port)\b", ".*", text)
            assert "$" not in text
            found.append((panel["title"], text))
    return found


def asked(prometheus: str, query: str) -> list[Any]:
    """What Prometheus answers to a query at this moment."""
    answer = json.loads(got(f"{prometheus}/api/v1/query?{urlencode({'query': query})}"))
    assert answer["status"] == "success", answer
    result: list[Any] = answer["data"]["result"]
    return result


def test_every_panel_has_data_from_a_real_prometheus(machine: Machine, prometheus: str) -> None:
    """Each name and label of the dashboard is one that we tell, and each expression has a value."""
    served, textfile = machine.told
    ours = names_of(served) | names_of(textfile)
    for title, expression in expressions():
        for name, labels in re.findall(r"\b((?:portbook|node)_\w+)(?:\{([^}]*)\})?", expression):
            assert name in ours, f"{title}: {name}"
            used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels))
            assert used - {"instance"} <= ours[name], f"{title}: {labels}"
        assert asked(prometheus, expression), f"{title}: {expression}"

    def value(query: str) -> float:
        return float(asked(prometheus, query)[0]["value"][1])

    # Of the server and of the textfile: both have seen the squatter.
    assert value('sum(portbook_claims{state="squatted"})') == 2
    assert value('portbook_watch_scans{tool="zmap"}') == 9
    assert value("rate(portbook_watch_packets_total[30s])") > 0
    for variable in ("portbook_info", "portbook_watch_sources"):
        assert asked(prometheus, variable)
    # A planted fault: what nobody tells has no value, and would have been noticed.
    assert not asked(prometheus, "sum(portbook_listener)")


def test_node_exporter_carries_what_we_wrote(machine: Machine) -> None:
    """Every series of the file, the same as the server's, and its word that it could be read."""
    served, textfile = machine.told
    assert "node_textfile_scrape_error 0" in textfile
    assert re.search(r'node_textfile_mtime_seconds\{file="[^"]*portbook.prom"\}', textfile)
    ours, written = names_of(served), names_of(textfile)
    for name in (
        *("portbook_info", "portbook_listeners", "portbook_incomplete", "portbook_claims"),
        *("portbook_reservations", "portbook_semaphores", "portbook_semaphore_permits"),
        "portbook_semaphore_waiting",
    ):
        assert written[name] == ours[name], name
    for name in (
        *("portbook_watch_sources", "portbook_watch_scans"),
        *("portbook_watch_packets_total", "portbook_watch_dropped_total"),
    ):
        assert name in written, name
    assert 'portbook_semaphore_permits{state="held"} 1' in textfile
    assert 'portbook_semaphore_permits{state="free"} 2' in textfile
    assert "portbook_reservations 1" in textfile


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    """Unique ids, nothing overlaps, every data source is the templated one."""
    document = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert document["schemaVersion"] >= 39
    assert document["id"] is None
    panels = document["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
        for each in (panel, *panel.get("targets", ())):
            if panel["type"] != "row":
                assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    names = [variable["name"] for variable in document["templating"]["list"]]
    assert names == ["datasource", "instance", "port"]
