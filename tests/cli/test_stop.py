"""`portbook stop --dry-run` and what it refuses, on recorded hosts."""

import pytest

from command import portbook, recorded
from portbook.cli.stop_plan import Refusal, make_plan
from portbook.host import Host
from portbook.model import Activation, EngineContainer
from portbook.survey import survey

ROOT = recorded("debian12-root")
NOBODY = recorded("debian12-nobody")


def test_the_plan_names_the_topmost_holder() -> None:
    """nginx has a master and two workers, and two sockets on the port: one step."""
    run = portbook("stop", "80/tcp", "--root", ROOT, "--dry-run", "--json")
    assert run.code == 0
    document = run.document
    assert document["schema"] == "portbook/stop/1"
    assert (document["outcome"], document["dry_run"]) == ("planned", True)
    (step,) = document["steps"]
    assert [each["name"] for each in step["processes"]] == ["nginx"]
    assert sorted(found["address"] for found in step["sockets"]) == ["0.0.0.0", "::"]
    assert document["ended"] == document["still"] == document["again"] == []


def test_the_dry_run_reads_as_the_question_before_the_act() -> None:
    """Owner, process and signal, a line each."""
    run = portbook("stop", "6379", "--root", ROOT, "--dry-run")
    assert run.code == 0
    assert "would stop redis-server (" in run.out
    assert "TERM" in run.out and "user redis" in run.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("22", "--root", ROOT, "--dry-run"), 4, "protected"),
        (("22", "--root", ROOT, "--dry-run", "--force"), 0, "would stop sshd"),
        (("80", "--root", NOBODY, "--dry-run"), 4, "cannot be seen"),
        (("81", "--root", ROOT, "--dry-run"), 1, "nothing listens on 81"),
        (("80", "--root", ROOT, "--yes"), 2, "a recorded host cannot be changed"),
        (("8000-8010", "--dry-run"), 2, "11 ports"),
        (("80", "--dry-run", "--wait", "soon"), 2, "no duration"),
        (("not-a-service", "--dry-run"), 2, "unknown service"),
    ],
)
def test_exit_codes_and_one_line_reasons(arguments: tuple[str, ...], code: int, said: str) -> None:
    """Refusals, nothing there, and words that cannot be understood."""
    run = portbook("stop", *arguments)
    assert run.code == code
    assert said in run.out + run.err
    assert len(run.err.splitlines()) <= 2


def test_pid_1_and_the_kernel_are_refused_absolutely() -> None:
    """Also with --force; the rows are those of a recorded host with another holder put in."""
    host = Host(ROOT)
    (row,) = (row for row in survey(host).listeners if row.socket.port == 7001)
    first = row.owners[0]._replace(pid=1, ancestry=(), unit=None, engine_container=None)
    plan = make_plan(host, [row._replace(owners=(first,))], force=True)
    assert plan.steps == ()
    (refusal,) = plan.refused
    assert refusal.absolute and "PID 1" in refusal.why
    plan = make_plan(host, [row._replace(owners=(), kernel="nfsd")], force=True)
    assert plan.refused == (
        Refusal("7001/tcp", "the kernel itself holds it (nfsd)", absolute=True),
    )


def test_unit_container_and_socket_unit_come_before_the_process() -> None:
    """As the engine and systemd know them; the socket is stopped before the service behind it."""
    host = Host(ROOT)
    (row,) = (row for row in survey(host).listeners if row.socket.port == 7001)
    first = row.owners[0]
    engine = EngineContainer("docker", "ab" * 32, "web", "nginx:1", 80, "proxy")
    boxed = first._replace(engine_container=engine)
    (step,) = make_plan(host, [row._replace(owners=(boxed,))]).steps
    assert (step.kind, step.names) == ("container", ("ab" * 32,))
    published = row._replace(owners=(), published_by=engine)
    (step,) = make_plan(host, [published]).steps
    assert (step.kind, step.names) == ("container", ("ab" * 32,))
    for running, names in ((True, ("a.socket", "a.service")), (False, ("a.socket",))):
        active = row._replace(activation=Activation("a.socket", "a.service", running))
        (step,) = make_plan(host, [active]).steps
        assert (step.kind, step.names, step.scope) == ("unit", names, "system")
