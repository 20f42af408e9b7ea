"""What commands of containers listen on, and what health checks ask of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.lint.container_command import CommandText, exec_form, in_image, told_by
from portbook.survey.linting import lint_paths


def found(tmp_path: Path, files: dict[str, str]) -> list[tuple[str, int | None, str]]:
    """(rule, port, message) of every finding of PB1xx and PB5xx."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    report = lint_paths([str(tmp_path)], cache=False)
    return [
        (each.rule, each.port, each.message)
        for each in report.findings
        if each.rule.startswith(("PB1", "PB5"))
    ]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("network_mode: host, command: ['gunicorn', '-b', '0.0.0.0:8080', 'a:b']", "h4 and h1"),
        ("network_mode: host, command: uvicorn a:b --port 8080", "h4 and h1"),
        ("network_mode: host, entrypoint: [uvicorn], command: [a, --port, '8080']", "h4 and h1"),
        ("command: ['gunicorn', '-b', '0.0.0.0:8080', 'a:b']", None),
        ("network_mode: host, command: 'uvicorn a:b --port ${P:-8080}'", None),
        ("network_mode: host, command: wait-for-db --host db --port 8080", None),
    ],
)
def test_a_program_in_the_machines_network_takes_what_its_command_says(
    tmp_path: Path, other: str, message: str | None
) -> None:
    """Against a published port, and never where it is in a network of its own."""
    compose = (
        f"services:\n  h4: {{image: nginx, ports: ['8080:80']}}\n  h1: {{image: me/x, {other}}}\n"
    )
    told = found(tmp_path, {"compose.yaml": compose})
    if message is None:
        assert told == []
    else:
        assert told == [("PB101", 8080, f"{message} both take 8080/tcp on this machine")]


def test_a_command_and_a_variable_with_one_number_are_one_program(tmp_path: Path) -> None:
    """PORT=8080 and --port 8080 of one service take 8080 once."""
    compose = (
        "services:\n  a: {image: me/x, network_mode: host, environment: {PORT: 8080},"
        " command: x --port 8080}\n"
    )
    assert found(tmp_path, {"compose.yaml": compose}) == []


@pytest.mark.parametrize(
    ("service", "differs"),
    [
        ("command: uvicorn a:b --port 8000", True),
        ("command: [uvicorn, a, --port, '8000']", True),
        ("command: uvicorn a:b --port 3000", False),
        ("command: 'uvicorn a:b --port ${PORT:-8000}'", False),
        ("command: 'sh -c \"vite --port 8000 & node server.js\"'", False),
        ("command: node --inspect=0.0.0.0:9300 server.js", False),
        ("command: python -m debugpy --listen 0.0.0.0:5678 -m uvicorn app", False),
        ("command: uvicorn a:b --port 8000, environment: {PORT: 3000}", False),
        ("command: uvicorn a:b --port 8000, expose: [8000]", False),
    ],
)
def test_a_command_that_listens_elsewhere_than_published(
    tmp_path: Path, service: str, *, differs: bool
) -> None:
    """One finding in plain words where nothing else says the published number."""
    compose = f"services:\n  web: {{image: me/web, ports: ['3000:3000'], {service}}}\n"
    message = "web publishes 3000/tcp of its container, but its command listens on 8000"
    expected = [("PB505", 3000, message)] if differs else []
    assert found(tmp_path, {"compose.yaml": compose}) == expected


def test_the_command_of_the_built_image_counts(tmp_path: Path) -> None:
    """A CMD says where its program listens, too."""
    files = {
        "compose.yaml": "services:\n  web: {build: ., ports: ['3000:3000']}\n",
        "Dockerfile": 'FROM python\nCMD ["gunicorn", "-b", "0.0.0.0:8000", "a:b"]\n',
    }
    message = "web publishes 3000/tcp of its container, but its image's command listens on 8000"
    assert found(tmp_path, files) == [("PB505", 3000, message)]


@pytest.mark.parametrize(
    ("service", "asked"),
    [
        ("image: nginx, ports: ['8082:80']", 8082),
        ("image: me/api, ports: ['8080:8000']", 8080),
        ("image: me/api, ports: ['8080:8000']", None),
        ("image: me/api, ports: ['8080:8000'], command: x --port 8000", 9999),
    ],
)
def test_a_health_check_asks_inside_the_container(
    tmp_path: Path, service: str, asked: int | None
) -> None:
    """The outer number, or one that nothing has, is found fault with; the inner one is not."""
    test = f"healthcheck: {{test: 'curl -f http://localhost:{asked or 8000}/'}}"
    told = found(tmp_path, {"compose.yaml": f"services:\n  it: {{{service}, {test}}}\n"})
    assert [each[:2] for each in told] == ([("PB503", asked)] if asked else [])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("EXPOSE 5000\nCMD uvicorn a:b --port 8000", [("PB501", 5000)]),
        ("EXPOSE 8000\nCMD uvicorn a:b --port 8000", []),
        ("ENV PORT=5000\nEXPOSE 5000\nCMD uvicorn a:b --port ${PORT:-8000}", []),
        (
            "EXPOSE 8000\nHEALTHCHECK CMD curl http://localhost:9999/\nCMD uvicorn --port 8000",
            [("PB503", 9999)],
        ),
        ("HEALTHCHECK CMD curl http://localhost:8000/\nCMD uvicorn a:b --port 8000", []),
        ("HEALTHCHECK CMD curl http://localhost:8000/\nCMD ./server", []),
    ],
)
def test_a_dockerfile_agrees_with_itself(
    tmp_path: Path, lines: str, expected: list[tuple[str, int]]
) -> None:
    """EXPOSE and HEALTHCHECK against the command of the same image."""
    told = found(tmp_path, {"Dockerfile": f"FROM python:3.12\n{lines}\n"})
    assert [each[:2] for each in told] == expected


def test_a_stage_made_from_another_may_have_a_command_of_its_own(tmp_path: Path) -> None:
    """The EXPOSE below is right for the stage where it stands."""
    text = (
        'FROM python AS one\nEXPOSE 8000\nENTRYPOINT ["uvicorn"]\nCMD ["a", "--port", "8000"]\n'
        'FROM one AS dev\nCMD ["a", "--port", "3000"]\n'
    )
    assert found(tmp_path, {"Dockerfile": text}) == []


def test_offsets_are_those_of_the_instruction_that_has_them() -> None:
    """The CMD's number behind an ENTRYPOINT that it belongs to."""
    command = '["a:b", "--port", "8000"]'
    ((which, told),) = in_image('["uvicorn"]', command)
    assert which == "CMD"
    assert command[told.port.offset :][: told.port.length] == "8000"


@given(st.text(alphabet='[]",\\ -bp:$&{}|>\n80gunicorn', max_size=200))
def test_any_text_is_a_command(text: str) -> None:
    """Whatever stands there: numbers stand where they are said to stand, or none is found."""
    exec_form(text)
    for told in told_by([CommandText(text)]):
        port = told.port
        assert int(text[port.offset :][: port.length].partition("-")[0]) == port.first
    for _, told in in_image(text, text):
        assert told.port.offset < len(text)
