"""What VS Code keeps beside a project."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.reader_damage import MOST_SECONDS, bears, bears_a_megabyte, damaged, reading_of, told
from portbook.lint.readers.vscode import wants
from portbook.lint.source import Source

LAUNCH = ".vscode/launch.json"
SETTINGS = ".vscode/settings.json"


def launched(configuration: str) -> list[str]:
    """The declarations of one configuration; it begins in the third line."""
    text = f'{{"configurations": [\n{{"name": "c",\n{configuration}}}]}}'
    return told(reading_of("vscode", LAUNCH, text))


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (LAUNCH, True),
        (SETTINGS, True),
        ("web/.vscode/launch.json", True),
        ("a.code-workspace", True),
        (".vscode/tasks.json", False),
        ("launch.json", False),
        ("theme/settings.json", False),
        ("my.vscode/settings.json", False),
    ],
)
def test_which_files_are_the_editors(path: str, *, wanted: bool) -> None:
    """Many a program has its settings in a file of the same name."""
    assert wants(Source(path, b'{"port": 1}')) is wanted
    assert wants(Source(path, b'{"a": 1}')) is False


@pytest.mark.parametrize(
    ("configuration", "declares"),
    [
        ('"request": "attach", "port": 9229', ["3:30 9229/tcp client c"]),
        ('"request": "attach", "port": "9229"', ["3:31 9229/tcp client c"]),
        ('"request": "attach", "port": "${input:port}"', []),
        ('"request": "attach", "port": 5005, "hostName": "h"', ["3:30 5005/tcp client c h"]),
        ('"request": "launch", "port": 9222', []),
        ('"request": "launch", "type": "php", "port": 9003', ["3:45 9003/tcp listen c"]),
        ('"connect": {"host": "h", "port": 5678}', ["3:34 5678/tcp client c h"]),
        ('"listen": {"host": "h", "port": 5678}', ["3:33 5678/tcp listen c h"]),
        ('"debugServer": 4711', ["3:16 4711/tcp client c"]),
        ('"url": "http://localhost:3001/a"', ["3:26 3001/tcp client c localhost http"]),
        ('"url": "https://[::1]:3001"', ["3:23 3001/tcp client c ::1 https"]),
        ('"url": "http://localhost"', []),
        ('"url": "http://stage.example.org:3001"', []),
        ('"url": "http://localhost:${env:PORT}"', []),
        ('"url": "http:\\/\\/localhost:3001"', []),
        (
            '"serverReadyAction": {"uriFormat": "http://localhost:3001/x"}',
            ["3:54 3001/tcp client c localhost http"],
        ),
        ('"serverReadyAction": {"uriFormat": "http://localhost:%s"}', []),
        ('"env": {"PORT": "8081"}', ["3:18 8081/tcp listen c"]),
        ('"env": {"PORT": 8081}', ["3:17 8081/tcp listen c"]),
        ('"env": {"PORT": "0", "REPORT": "1", "MY_PORT": "2"}', []),
        (
            '"env": {"ASPNETCORE_URLS": "https://+:1;http://*:2;http://0.0.0.0:8083"}',
            [
                "3:39 1/tcp listen c https",
                "3:50 2/tcp listen c http",
                "3:67 8083/tcp listen c 0.0.0.0 http",
            ],
        ),
        ('"port": [1], "url": {}, "env": [], "connect": 1', []),
    ],
)
def test_what_a_configuration_declares(configuration: str, declares: list[str]) -> None:
    """Debuggers that connect and that wait, pages that are opened, programs that are told."""
    assert launched(configuration) == declares


@pytest.mark.parametrize(
    ("path", "folder", "runs"),
    [
        (LAUNCH, None, "folder:"),
        (LAUNCH, "${workspaceFolder}", "folder:"),
        (LAUNCH, "${workspaceFolder}/api/", "folder:api"),
        (LAUNCH, "./api", "folder:api"),
        (LAUNCH, "/srv/api", "folder:"),
        (LAUNCH, "${workspaceFolder}/${input:which}", "folder:"),
        ("web/.vscode/launch.json", "${workspaceRoot}/api", "folder:web/api"),
    ],
)
def test_a_configuration_starts_the_program_of_a_folder(
    path: str, folder: str | None, runs: str
) -> None:
    """`cwd` where it is plain, the folder of the workspace otherwise."""
    cwd = f', "cwd": "{folder}"' if folder is not None else ""
    text = f'{{"configurations": [{{"env": {{"PORT": "8081"}}{cwd}}}]}}'
    assert [each.runs for each in reading_of("vscode", path, text).declared] == [runs]


@pytest.mark.parametrize(
    ("setting", "declares"),
    [
        (
            '"liveServer.settings.port": 5501',
            ["1:30 5501/tcp listen liveServer.settings.port http"],
        ),
        (
            '"livePreview.portNumber": 3001',
            ["1:28 3001/tcp listen livePreview.portNumber 127.0.0.1 http"],
        ),
        ('"liveServer.settings.port": 0', []),
        (
            '"remote.portsAttributes": {"3000-3001": {}}',
            ["1:30 3000-3001/tcp client portsAttributes"],
        ),
        (
            '"remote.SSH.defaultForwardedPorts": [{"localPort": 1, "remotePort": 2}]',
            [
                "1:53 1/tcp listen defaultForwardedPorts",
                "1:70 2/tcp client defaultForwardedPorts",
            ],
        ),
        ('"other.port": 3000', []),
    ],
)
def test_what_settings_declare(setting: str, declares: list[str]) -> None:
    """A few well-known keys, and no others."""
    assert told(reading_of("vscode", SETTINGS, f"{{{setting}}}")) == declares


@given(st.sampled_from((LAUNCH, SETTINGS, "a.code-workspace")), st.binary(max_size=300))
def test_any_editor_file_is_borne(path: str, data: bytes) -> None:
    """Nothing but a reading or Unreadable."""
    bears("vscode", path, data)


@given(damaged("vscode-launch/.vscode/launch.json"))
def test_damaged_configurations_are_borne(data: bytes) -> None:
    """A real file with characters missing, doubled or added."""
    bears("vscode", LAUNCH, data)


@given(
    st.one_of(
        damaged("vscode-launch/.vscode/settings.json"),
        damaged("vscode-workspace/shop.code-workspace"),
    )
)
def test_damaged_settings_are_borne(data: bytes) -> None:
    """The same for settings and workspaces."""
    bears("vscode", SETTINGS, data)
    bears("vscode", "a.code-workspace", data)


@pytest.mark.parametrize(
    ("before", "again"),
    [
        ('{"configurations": [', '{"env": {"PORT": "8081"}},'),
        ('{"configurations": [', '{"url": "http://localhost:1"},'),
        ('{"configurations": [{"cwd": "', "./"),
    ],
)
def test_a_megabyte_of_configuration_is_borne(before: str, again: str) -> None:
    """Linear time, whatever repeats."""
    bears_a_megabyte("vscode", LAUNCH, before, again)
    bears_a_megabyte("vscode", SETTINGS, before, again)


@pytest.mark.parametrize(
    "again", ["//localhost:1", "//a@", "://localhost:", "//a:1,", "http", ":/"]
)
def test_a_megabyte_of_url_is_borne(again: str) -> None:
    """The same in a text that ends, so that it is looked through."""
    url = again * (900_000 // len(again))
    began = time.process_time()
    for value in (f'"url": "{url}"', f'"env": {{"ASPNETCORE_URLS": "{url}"}}'):
        bears("vscode", LAUNCH, f'{{"configurations": [{{{value}}}]}}'.encode())
    assert time.process_time() - began < MOST_SECONDS
