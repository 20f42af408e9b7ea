"""Workflows of GitHub Actions: which files they are, the containers of their jobs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.reader_damage import bears, bears_a_megabyte, damaged, reading_of, told
from portbook.lint.readers.actions import wants
from portbook.lint.source import Source, Unreadable

PATH = ".github/workflows/ci.yml"
_CONTAINER = "jobs:\n  j:\n    container:\n      "


def read(container: str) -> list[str]:
    """The declarations of one service of one job."""
    text = f"jobs:\n  j:\n    services:\n      s:\n        {container}\n"
    return told(reading_of("actions", PATH, text))


@pytest.mark.parametrize(
    ("path", "text", "wanted"),
    [
        (PATH, "jobs:\n  services:\n", True),
        ("sub/.gitea/workflows/ci.yaml", "jobs:\n  container:\n", True),
        (".forgejo/workflows/ci.yaml", "jobs:\n  container:\n", True),
        (PATH, "jobs:\n  steps:\n", False),
        (PATH, "services:\n", False),
        ("workflows/ci.yml", "jobs:\n  services:\n", False),
        ("ci.yml", "jobs:\n  services:\n", False),
        (".github/ci.yml", "jobs:\n  services:\n", False),
        (".github/workflows/deep/ci.yml", "jobs:\n  services:\n", False),
    ],
)
def test_which_files_are_workflows(path: str, text: str, *, wanted: bool) -> None:
    """Those in the folder of a forge, with a container in them."""
    assert wants(Source(path, text.encode())) is wanted


@pytest.mark.parametrize(
    ("container", "declares"),
    [
        ("ports: [5432]", ["5:17 5432/tcp container j/s"]),
        ("ports: 5432", ["5:16 5432/tcp container j/s"]),
        ("ports: [80:90]", ["5:17 80/tcp publish j/s", "5:20 90/tcp container j/s"]),
        (
            "ports: ['80-81:90-91/udp']",
            ["5:18 80-81/udp publish j/s", "5:24 90-91/udp container j/s"],
        ),
        (
            "ports: ['127.0.0.1:80:90']",
            ["5:28 80/tcp publish j/s 127.0.0.1", "5:31 90/tcp container j/s"],
        ),
        (
            "ports: ['[::1]:80:90']",
            ["5:24 80/tcp publish j/s ::1", "5:27 90/tcp container j/s"],
        ),
        ("ports: ['127.0.0.1::90']", ["5:29 90/tcp container j/s"]),
        ("ports: ['0:90']", ["5:20 90/tcp container j/s"]),
        ("ports: ['${{ env.A }}:90']", []),
        ("ports: ['80:http']", []),
        ("ports: ['a:80:90']", []),
        ("ports: [{target: 80}]", []),
        ("options: -p 80:90 --rm", ["5:21 80/tcp publish j/s", "5:24 90/tcp container j/s"]),
        (
            'options: "--publish=80:90"',
            ["5:29 80/tcp publish j/s", "5:32 90/tcp container j/s"],
        ),
        ("options: --health-cmd x-p 80:90", []),
        ("options: --health-cmd 'ping -p 80:90'", []),
        ('options: "-p\\t80:90"', []),
        ("image: postgres", []),
    ],
)
def test_what_a_service_of_a_job_declares(container: str, declares: list[str]) -> None:
    """docker's short form, in lists and among options."""
    assert read(container) == declares


def test_every_job_has_a_machine_of_its_own() -> None:
    """The identity of a container begins with its job's, which is the machine's."""
    text = (
        "jobs:\n  one:\n    services:\n      a: {image: r.io/x/a:1, ports: [1:1]}\n"
        "      b: {image: '${{ matrix.i }}', ports: [2:2]}\n"
        "  two:\n    container: {ports: [3:3]}\n"
    )
    declared = reading_of("actions", PATH, text).declared
    published = [each for each in declared if each.role == "publish"]
    assert [(each.runs, each.product) for each in published] == [
        (f"job:{PATH}#one#one/a", "x/a"),
        (f"job:{PATH}#one#one/b", None),
        (f"job:{PATH}#two#two", None),
    ]


@given(st.binary(max_size=300))
def test_any_workflow_is_borne(data: bytes) -> None:
    """Nothing but a reading or Unreadable."""
    bears("actions", PATH, data)


@given(damaged("actions-services/.github/workflows/test.yml"))
def test_damaged_workflows_are_borne(data: bytes) -> None:
    """A real file with characters missing, doubled or added."""
    bears("actions", PATH, data)


@pytest.mark.parametrize(
    ("before", "again"),
    [
        ("jobs:\n", "  j:\n    services: {a: {ports: [80:80]}}\n"),
        ("jobs:\n  j:\n    services:\n      a:\n        ports:\n", "        - 80:80\n"),
        ("p: &p [80:80, 81:81]\njobs:\n  j:\n    services:\n", "      a: {ports: *p}\n"),
        (_CONTAINER + "options: ", "-p 80:80 "),
        (_CONTAINER + "options: x", " -p"),
        (_CONTAINER + "options: -p", "a'"),
        (_CONTAINER + "ports:\n      - 80", "-80"),
    ],
)
def test_a_megabyte_of_workflow_is_borne(before: str, again: str) -> None:
    """Linear time, whatever repeats."""
    bears_a_megabyte("actions", PATH, before, again)


def test_aliases_of_jobs_do_not_multiply() -> None:
    """Lists that are repeated by the thousand, of ports or of services, are refused."""
    ports = ", ".join(f"'{number}:80'" for number in range(1000))
    services = "".join(f"      s{number}: {{ports: *p}}\n" for number in range(1000))
    with pytest.raises(Unreadable, match="aliases"):
        reading_of("actions", PATH, f"p: &p [{ports}]\njobs:\n  j:\n    services:\n{services}")
    names = ", ".join(f"s{number}: {{}}" for number in range(1000))
    jobs = "".join(f"  j{number}: {{services: *s}}\n" for number in range(1000))
    with pytest.raises(Unreadable, match="aliases"):
        reading_of("actions", PATH, f"s: &s {{{names}}}\njobs:\n{jobs}")
