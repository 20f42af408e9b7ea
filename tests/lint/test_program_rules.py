"""Programs that commands start: on a container's number, on a low one, and what a README says."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from portbook.survey.linting import lint_paths


def found(tmp_path: Path, files: Mapping[str, str], rule: str) -> list[tuple[str, int, str]]:
    """(path, line, message) of a rule's findings in these files."""
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    report = lint_paths([str(tmp_path)], cache=False)
    return [
        (each.place.path, each.place.line, each.message)
        for each in report.findings
        if each.rule == rule
    ]


def compose(what: str, port: str = "127.0.0.1:3000:80") -> str:
    """A compose file with one service."""
    return f'services:\n  other:\n    {what}\n    ports: ["{port}"]\n'


def script(command: str) -> str:
    """A package with one script."""
    return f'{{"scripts": {{"dev": "{command}"}}}}'


@pytest.mark.parametrize(
    ("what", "package", "port", "collides"),
    [
        ("image: grafana/grafana", "package.json", "3000:3000", True),
        ("image: grafana/grafana", "package.json", "2999-3001:2999-3001", True),
        ("image: grafana/grafana", "package.json", "3001:3000", False),
        ("image: grafana/grafana", "package.json", "3000:3000/udp", False),
        ("image: grafana/grafana", "package.json", "127.0.0.2:3000:3000", False),
        ("image: grafana/grafana", "web/package.json", "3000:3000", True),
        ("image: node:20", "package.json", "3000:3000", False),
        ("image: nginx:1.27", "package.json", "3000:80", False),
        ("image: example.org/team/window:1", "package.json", "3000:3000", False),
        ("build: ./api", "web/package.json", "3000:3000", True),
        ("build: ./web", "web/package.json", "3000:3000", False),
        ("build: ./web/docker", "web/package.json", "3000:3000", False),
        ("build: .", "web/package.json", "3000:3000", False),
        ("build: ./api", "package.json", "3000:3000", False),
    ],
)
def test_a_program_collides_with_a_container_that_is_another_one(
    tmp_path: Path, what: str, package: str, port: str, *, collides: bool
) -> None:
    """Folders that have nothing to do with each other, or an image that is known."""
    files = {
        "compose.yaml": compose(what, port),
        package: script("vite --host 127.0.0.1 --port 3000"),
    }
    messages = found(tmp_path, files, "PB105")
    assert bool(messages) == collides
    if collides:
        assert messages == [
            (
                "compose.yaml",
                4,
                "other publishes 3000/tcp on this machine, and script dev (vite) listens there",
            )
        ]


@pytest.mark.parametrize(
    ("dev", "message"),
    [
        (
            'concurrently \\"vite --port 3000\\" \\"http-server -p 3000\\"',
            "vite and http-server both listen on 3000/tcp, and script dev starts them together",
        ),
        ("vite --port 3000 & npm run b", "script dev and script b both listen on 3000/tcp"),
        ("run-p a b", "script a and script b both listen on 3000/tcp"),
        ("run-p a c", None),
        ("npm run a && npm run b", None),
        ("vite --port 3000 --host 127.0.0.1 & vite --port 3000 --host 127.0.0.2", None),
    ],
)
def test_programs_that_are_started_together_collide(
    tmp_path: Path, dev: str, message: str | None
) -> None:
    """And those that are only alternatives do not."""
    text = (
        f'{{"scripts": {{"dev": "{dev}", "a": "vite --port 3000",'
        ' "b": "http-server -p 3000", "c": "vite --port 4000"}}'
    )
    messages = [each for _, _, each in found(tmp_path, {"package.json": text}, "PB105")]
    assert len(messages) == (message is not None)
    assert all(each.startswith(message or "") for each in messages)


def test_many_programs_on_one_number_are_weighed_in_time(tmp_path: Path) -> None:
    """A long range and thousands of listeners: one finding for what is published."""
    rows = ", ".join(f'"s{n}": "vite --port {1024 + n}"' for n in range(5000))
    files = {
        "compose.yaml": compose("image: grafana/grafana", "1024-65535:1024-65535"),
        "package.json": f'{{"scripts": {{{rows}}}}}',
    }
    assert len(found(tmp_path, files, "PB105")) == 1


@pytest.mark.parametrize(
    ("path", "text", "lines"),
    [
        ("package.json", script("http-server -p 80"), [1]),
        ("package.json", script("http-server -p 1024"), []),
        ("package.json", script("sudo http-server -p 80"), []),
        ("package.json", script("docker run -p 80:80 nginx"), []),
        ("Makefile", "run:\n\tsudo \\\n\t  vite \\\n\t  --port 80\n", []),
        ("Makefile", "run:\n\tvite \\\n\t  --port 80\n", [3]),
        ("Makefile", "run:\n\tsudo true\n\tvite --port 80\n", [3]),
        ("vite.config.ts", "export default { server: { port: 443 } }", [1]),
        ("Procfile", "web: gunicorn -b :80 a\n", [1]),
        ("README.md", "```sh\nvite --port 80\n```\n", []),
    ],
)
def test_a_low_number_takes_privileges(
    tmp_path: Path, path: str, text: str, lines: list[int]
) -> None:
    """Unless the command asks for them, in its own line or one that it continues."""
    assert [line for _, line, _ in found(tmp_path, {path: text}, "PB305")] == lines


SAYS_8080 = "Open http://localhost:8080.\n"


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        ({"README.md": SAYS_8080, "package.json": script("vite --port 8000")}, [1]),
        ({"README.md": SAYS_8080 * 3, "package.json": script("vite --port 8000")}, [1]),
        ({"README.md": SAYS_8080}, []),
        ({"README.md": SAYS_8080, "package.json": script("vite --port 8080")}, []),
        ({"README.md": SAYS_8080, "compose.yaml": compose("image: postgres", "5432:5432")}, []),
        ({"README.md": SAYS_8080, "web/package.json": script("vite --port 8000")}, [1]),
        ({"docs/README.md": SAYS_8080, "web/package.json": script("vite --port 8000")}, []),
        ({"README.md": SAYS_8080, "package.json": script("node --inspect=8000 a.js")}, []),
        (
            {
                "README.md": SAYS_8080 + "Or http://localhost:8000.\n",
                "package.json": script("vite --port 8000"),
            },
            [],
        ),
        (
            {
                "README.md": SAYS_8080 + "```sh\nhttp-server\n```\n",
                "package.json": script("vite --port 8000"),
            },
            [],
        ),
        (
            {
                "README.md": SAYS_8080,
                "package.json": script("vite --port 8000"),
                "Makefile": "PORT = 8080\n",
            },
            [],
        ),
        (
            {
                "README.md": SAYS_8080,
                "package.json": script("vite --port 8000"),
                "compose.yaml": compose("image: postgres", "8070-8090:8070-8090"),
            },
            [],
        ),
    ],
)
def test_a_readme_is_doubted_where_it_names_none_of_the_real_numbers(
    tmp_path: Path, files: Mapping[str, str], lines: list[int]
) -> None:
    """Each number once; not where any file has it, or where source code may have it."""
    assert [line for _, line, _ in found(tmp_path, files, "PB506")] == lines


def test_what_a_readme_should_say_is_told(tmp_path: Path) -> None:
    """The sentence has both numbers."""
    files = {"README.md": SAYS_8080, "package.json": script("vite --port 8000")}
    ((_, _, message),) = found(tmp_path, files, "PB506")
    assert message == (
        "README.md sends readers to port 8080, which no file here declares: script dev has 8000"
    )
