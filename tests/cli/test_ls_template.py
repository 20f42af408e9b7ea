"""`portbook ls --template`: paths in the JSON document of a listener, and nothing of Python's."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from command import portbook, recorded
from portbook.cli.ls_template import WIDEST, parse
from portbook.cli.render import width
from portbook.host import Host
from portbook.model import Unknown, UsageError, plain
from portbook.survey import survey

ROOT = recorded("debian12-root")
FOUND = survey(Host(ROOT)).listeners
SSH = next(row for row in FOUND if row.socket.port == 22)
NGINX = next(row for row in FOUND if row.socket.port == 80)
DOCKED = next(row for row in FOUND if row.socket.port == 8080)
HIDDEN = survey(Host(recorded("debian12-nobody"))).listeners[0]

PIECES = st.sampled_from(
    [
        *(
            "{port}",
            "{owner.name:>12}",
            "{owners[0].pid}",
            "{{",
            "}}",
            "{",
            "}",
            "\\n",
            "\\q",
            "\\",
        ),
        *("{owner.__class__}", "{port.real}", "{verdict.reasons[0]}", "{x}", "{}", "{0}", "{:>5}"),
        *("{port!r}", "{port:99999999999}", "{port:.0}", "{owner.container.engine:x^9.3}"),
        *("{owners[99999].pid}", "{owners[-1]}", "{owner}", "{speaks.also[0].also[0].protocol}"),
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=6).map("".join)))
@example("{" * 9000)
@example("{port:\U0001f600>9}")
@example("{owner.name:\n^5}")
def test_any_template_is_understood_or_refused_in_one_line(text: str) -> None:
    """Never another exception, neither at once nor when it is filled; no long line of blanks."""
    template, refused = None, ""
    try:
        template = parse(text)
    except UsageError as error:
        refused = f"{error} {error.hint}"
    assert "\n" not in refused
    if template is None:
        return
    for row in (SSH, NGINX, HIDDEN):
        assert len(template.line(row)) < len(text) * 5000


@given(st.text(max_size=60))
def test_text_from_outside_cannot_steer_a_terminal(name: str) -> None:
    """Whatever a process calls itself is printable, and on one line."""
    row = SSH._replace(owners=(SSH.owners[0]._replace(name=name),))
    assert parse("{owner.name}").line(row).isprintable()


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{port}/{transport}", "22/tcp"),
        ("{owner.name} {owners[0].pid}", "sshd 6"),
        ("{verdict.value:>12}|", "    expected|"),
        ("{verdict.value:*^12}|", "**expected**|"),
        ("{verdict.value:.4}|{port:5}|{owner.name:5}|", "exp…|   22|sshd |"),
        (r"{port}\t{address}\\", "22\t0.0.0.0\\"),
        ("{{{port}}}", "{22}"),
        ("{dual_stack} {speaks} {speaks.product} {owner.container.engine}", "false - - -"),
        ("{assignments} {owner.ancestry[7].name}", "ssh -"),
        ("{owner.cmdline}", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"),
    ],
)
def test_fields_are_paths_in_the_document(template: str, expected: str) -> None:
    """Names, indexes, `owner` for the first of them; what is not there is `-`."""
    assert parse(template).line(SSH) == expected


def test_several_values_and_objects_have_a_form_too() -> None:
    """A list is joined, an object is JSON, an unknown fact is `?` and stays so further down."""
    assert parse("{assignments}").line(NGINX) == "http,www,www-http"
    assert json.loads(parse("{verdict}").line(SSH))["value"] == "expected"
    assert json.loads(parse("{owner.container}").line(DOCKED))["engine"] == "docker"
    owner = SSH.owners[0]._replace(container=Unknown("denied", "run as root"))
    row = SSH._replace(owners=(owner,))
    assert parse("{owner.container} {owner.container.engine}").line(row) == "? ?"
    assert parse("{owner.container.unknown}: {owner.container.hint}").line(row) == (
        "denied: run as root"
    )
    assert parse("{owner} {owner.name} {owners}").line(SSH._replace(owners=())) == "- - -"


def paths(value: Any, before: str = "") -> list[str]:
    """Every path that a document has."""
    if isinstance(value, dict):
        found = [paths(each, f"{before}.{key}" if before else key) for key, each in value.items()]
    elif isinstance(value, list):
        found = [paths(each, f"{before}[{index}]") for index, each in enumerate(value)]
    else:
        found = []
    return [before, *(path for each in found for path in each)]


def test_every_path_of_real_documents_can_be_named() -> None:
    """What is checked before anything is looked at refuses nothing that there is."""
    for row in FOUND:
        for path in paths(plain(row))[1:]:
            parse(f"{{{path}}}").line(row)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{owner.nam}", "did you mean name?"),
        ("{prot}", "did you mean port?"),
        ("{port.__class__}", "port has no fields"),
        ("{owner.__init__.__globals__}", "owner has no field '__init__'"),
        ("{verdict.value[0]}", "no list"),
        ("{owners.pid}", "owners has no fields"),
        ("{cgroup}", "no field 'cgroup'"),
        ("{port:999999999}", f"at most {WIDEST}"),
        ("{port:.999999999}", f"at most {WIDEST}"),
        ("{port:{port}}", "a single"),
        ("{port:05}", "is no form of port"),
        ("{port!r}", "no conversions"),
        ("{{.Port}}", "names no field"),
        ("", "names no field"),
        ("{port}" * 300, "too many"),
        ("{port} {", "a single '{'"),
        (r"\x41{port}", "no escape"),
    ],
)
def test_what_cannot_be_named_is_a_usage_error(template: str, said: str) -> None:
    """It says what is wrong, and what there is."""
    with pytest.raises(UsageError) as refused:
        parse(template)
    assert said in f"{refused.value} {refused.value.hint}"


def test_the_command_prints_one_line_each() -> None:
    """In the order of --sort, with the exit codes of ls; a fault is told before the survey."""
    run = portbook("ls", "--root", ROOT, "--udp", "--template", r"{port}\t{owner.name}")
    assert (run.code, run.out, run.err) == (0, "53\tdnsmasq\n", "")
    assert portbook("ls", "--root", ROOT, "--port", "9", "--template", "{port}").code == 1
    refused = portbook("ls", "--root", ROOT, "--template", "{owner.nam}")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.splitlines()[1].startswith("hint: did you mean name? there are pid, ppid,")


@given(st.integers(1, WIDEST), st.sampled_from("<>^"), st.text(max_size=30))
def test_a_width_is_kept_in_cells(least: int, align: str, name: str) -> None:
    """Wide signs count as two, as a terminal shows them."""
    row = SSH._replace(owners=(SSH.owners[0]._replace(name=name),))
    line = parse(f"{{owner.name:{align}{least}}}").line(row)
    assert width(line) >= least
    assert width(parse(f"{{owner.name:.{least}}}").line(row)) <= max(least, 1)


def test_literal_text_cannot_steer_a_terminal() -> None:
    """A template may come from elsewhere: line ends and tabs stay, escapes are shown."""
    (row, *_) = FOUND
    assert parse("a\x1b[31m\t\n{port}").line(row) == f"a\\x1b[31m\t\n{row.socket.port}"
