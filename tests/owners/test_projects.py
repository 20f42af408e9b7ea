"""The project behind an interpreter: real folders, real git, real processes, hostile files."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.host import Host
from portbook.model import Container, Owner, Project, Unknown
from portbook.owners.processes import Processes
from portbook.owners.project_files import branch_of, name_in
from portbook.owners.projects import project_of
from portbook.owners.scripts import script_of
from portbook.owners.unseen import unseen_owner

HOST = Host()
SLEEP = "import time; print('ready', flush=True); time.sleep(60)"
DENIED = Unknown("denied", "run as root")


def owner(*arguments: str, cwd: Path | str = "/", exe: str | None = "/usr/bin/python3.11") -> Owner:
    """A process of our own namespaces with these facts."""
    blank = unseen_owner(DENIED, user="root", unit=None, container=None)
    return blank._replace(pid=os.getpid(), exe=exe, cmdline=arguments, cwd=str(cwd))


def project(found: Project | None | Unknown) -> Project:
    """The project, where there is one."""
    assert isinstance(found, Project), found
    return found


def git(folder: Path, *arguments: str) -> None:
    """git without the configuration of whoever runs the test."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, env=environ
    )


@contextmanager
def running(*argv: str, cwd: Path) -> Iterator[Owner]:
    """A real process that said it is ready, as the owners' search describes it."""
    with subprocess.Popen(argv, cwd=cwd, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            found = Processes(HOST).owner(process.pid, (3,))
            assert found
            yield found
        finally:
            process.kill()


@pytest.mark.live
def test_a_real_script_names_its_project(tmp_path: Path) -> None:
    """The script's folder counts, not the one that it was started in."""
    source = tmp_path / "shop/src/shop"
    source.mkdir(parents=True)
    (tmp_path / "shop/pyproject.toml").write_text('[project]\nname = "corner-shop"\n')
    (source / "serve.py").write_text(SLEEP)
    (tmp_path / "away").mkdir()
    with running(sys.executable, str(source / "serve.py"), cwd=tmp_path / "away") as found:
        assert project_of(HOST, found) == Project(
            "python", str(tmp_path / "shop"), "corner-shop", None
        )


@pytest.mark.live
@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_a_real_node_server_names_its_project(tmp_path: Path) -> None:
    """A relative script, seen from the working folder."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web/package.json").write_text('{"name": "@corner/web", "private": true}')
    (tmp_path / "web/server.js").write_text("console.log('ready'); setTimeout(() => {}, 60000)")
    with running("node", "server.js", cwd=tmp_path / "web") as found:
        assert project(project_of(HOST, found))[:3] == (
            "node", str(tmp_path / "web"), "@corner/web",
        )  # fmt: skip


@pytest.mark.live
def test_a_tool_of_a_virtual_environment_names_the_folder_around_it(tmp_path: Path) -> None:
    """With a working folder that says nothing, the environment does."""
    app = tmp_path / "app"
    (app / ".venv/bin").mkdir(parents=True)
    (app / ".venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    (app / ".venv/bin/python").symlink_to(os.path.realpath(sys.executable))
    (app / ".venv/bin/tool").write_text(SLEEP)
    argv = (str(app / ".venv/bin/python"), str(app / ".venv/bin/tool"))
    with running(*argv, cwd=Path("/")) as found:
        assert project(project_of(HOST, found))[1:3] == (str(app), "app")


@pytest.mark.live
@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
def test_a_process_in_another_mount_namespace_is_read_in_its_own_root(tmp_path: Path) -> None:
    """The folder exists nowhere but there; it is named as the process sees it."""
    (tmp_path / "box").mkdir()
    (tmp_path / "box/pyproject.toml").write_text('[project]\nname = "ours, not theirs"\n')
    program = (
        f"mount -t tmpfs none {tmp_path}/box && cd {tmp_path}/box && git init -q -b inside . && "
        "printf '[tool.poetry]\\nname = \"boxed\"\\n' > pyproject.toml && "
        f'exec {sys.executable} -c "{SLEEP}"'
    )
    with running("unshare", "-m", "sh", "-c", program, cwd=tmp_path) as found:
        expected = Project("python", f"{tmp_path}/box", "boxed", "inside")
        assert project_of(HOST, found) == expected


@pytest.mark.live
@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for chroot")
def test_a_process_in_a_chroot_is_read_below_it(tmp_path: Path) -> None:
    """The kernel shows its working folder with the root in front, and so do we."""
    app = tmp_path / "jail/app"
    app.mkdir(parents=True)
    (app / "setup.cfg").write_text("[metadata]\nname = jailed\n")
    program = f"import os; os.chroot('{tmp_path}/jail'); os.chdir('/app'); {SLEEP}"
    with running(sys.executable, "-c", program, cwd=tmp_path) as found:
        assert project(project_of(HOST, found))[1:3] == (str(app), "jailed")


def test_a_program_that_is_no_interpreter_has_no_project() -> None:
    """nginx started in a project's folder is still nginx."""
    for exe in ("/usr/sbin/nginx", "/usr/bin/python-config", None):
        assert project_of(HOST, owner("x", cwd=Path.cwd(), exe=exe)) is None


def test_a_program_of_the_system_has_no_project() -> None:
    """A Python daemon in /usr/bin, started in /."""
    assert project_of(HOST, owner("/usr/bin/python3", "/usr/bin/some-daemon")) is None


@pytest.mark.parametrize(
    ("exe", "files", "name"),
    [
        ("python3", {"pyproject.toml": '[tool.poetry]\nname = "poem"'}, "poem"),
        ("python3.13t", {"pyproject.toml": "[tool.ruff]\nname = 'no'"}, "app"),
        ("python3", {"pyproject.toml": "[project] # ours\n  name   = 'it\"s' # n"}, 'it"s'),
        ("pypy3", {"setup.cfg": "[metadata]\nname = old-style\n[options]\nname = no"}, "old-style"),
        ("python3", {"setup.py": "raise SystemExit"}, "app"),
        ("python3", {"requirements.txt": "", ".venv/pyvenv.cfg": ""}, "app"),
        ("node", {"package.json": '{"name": "web"}', "pyproject.toml": "["}, "web"),
        ("bun", {"package.json": "{}"}, "app"),
        ("deno", {"deno.json": '{"name": "@a/b"}'}, "@a/b"),
        ("ruby3.1", {"Gemfile": ""}, "app"),
    ],
)
def test_each_language_has_its_manifests(
    tmp_path: Path, exe: str, files: dict[str, str], name: str
) -> None:
    """A manifest without a name leaves the folder's."""
    for file, text in files.items():
        place = tmp_path / "app" / file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (tmp_path / "app/deep/er").mkdir(parents=True)
    found = owner(exe, cwd=tmp_path / "app/deep/er", exe=f"/usr/bin/{exe}")
    assert project(project_of(HOST, found))[1:3] == (str(tmp_path / "app"), name)


def test_the_name_of_a_hidden_executable_is_taken_from_its_arguments(tmp_path: Path) -> None:
    """Without root the executable and the working folder of others are hidden."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/setup.py").touch()
    hidden = owner("/usr/bin/python3", f"{tmp_path}/app/serve.py")._replace(exe=DENIED, cwd=DENIED)
    assert project(project_of(HOST, hidden)).name == "app"
    relative = hidden._replace(cmdline=("/usr/bin/python3", "serve.py"))
    assert project_of(HOST, relative) == DENIED
    assert project_of(HOST, hidden._replace(cmdline=DENIED)) == DENIED


def test_a_container_that_may_not_be_looked_into_is_unknown(tmp_path: Path) -> None:
    """Its paths must not be read in our own root."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/setup.py").touch()
    boxed = owner("python3", f"{tmp_path}/app/serve.py")._replace(
        container=Container("docker", "a")
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "denied.txt").write_text(f"/proc/{boxed.pid}/ns/mnt\n")
        assert project_of(Host(folder), boxed) == DENIED


def test_a_link_is_followed_and_a_ring_of_links_is_not(tmp_path: Path) -> None:
    """/srv/current/serve.py is a usual way to deploy."""
    (tmp_path / "releases/7").mkdir(parents=True)
    (tmp_path / "releases/7/pyproject.toml").write_text('[project]\nname = "seven"')
    (tmp_path / "current").symlink_to("releases/7")
    (tmp_path / "ring").symlink_to("ring")
    found = project_of(HOST, owner("python3", f"{tmp_path}/current/serve.py"))
    assert project(found)[1:3] == (str(tmp_path / "releases/7"), "seven")
    project_of(HOST, owner("python3", f"{tmp_path}/ring/serve.py"))


def test_a_tool_below_node_modules_runs_for_the_project_around_it(tmp_path: Path) -> None:
    """vite is not the project; a program that was installed for all is its own."""
    tool = tmp_path / "web/node_modules/vite/bin/vite.js"
    tool.parent.mkdir(parents=True)
    (tool.parent.parent / "package.json").write_text('{"name": "vite"}')
    (tmp_path / "web/package.json").write_text('{"name": "web"}')
    assert project(project_of(HOST, owner("node", str(tool), exe="/usr/bin/node"))).name == "web"


@pytest.mark.parametrize(
    ("kind", "line", "script"),
    [
        ("python", "python3 app.py --port 80", "app.py"),
        ("python", "python3 -u -W ignore -X dev app.py", "app.py"),
        ("python", "python3 -Wignore -Xdev app.py", "app.py"),
        ("python", "python3 -um http.server", None),
        ("python", "python3 -Ic pass app.py", None),
        ("python", "python3 -", None),
        ("python", "python3", None),
        ("python", "gunicorn: master [app]", None),
        ("node", "node --require x.js server.js", "server.js"),
        ("node", "node --inspect=0 -- server.js", "server.js"),
        ("node", "node -e code", None),
        ("bun", "bun run server.ts", "server.ts"),
        ("deno", "deno run -A main.ts", "main.ts"),
        ("deno", "deno task start", None),
        ("ruby", "ruby -Ilib bin/rails s", "bin/rails"),
    ],
)
def test_the_script_is_found_among_the_options(kind: str, line: str, script: str | None) -> None:
    """Options that take a value, modules, inline programs, titles."""
    arguments = [line] if ": " in line else line.split(" ")
    assert script_of(kind, arguments) == script


@given(
    st.sampled_from(["python", "node", "bun", "deno", "ruby"]),
    st.lists(st.text(max_size=8) | st.sampled_from(["-m", "-c", "--", "-W", "run"]), max_size=8),
)
def test_any_command_line_is_survived(kind: str, arguments: list[str]) -> None:
    """The script is one of the arguments, or there is none."""
    assert script_of(kind, arguments) in [None, *arguments]


def test_git_says_the_branch_in_every_state(tmp_path: Path) -> None:
    """New, packed, without a branch, with a slash, in a worktree and in a folder below."""
    repository = tmp_path / "repository"
    repository.mkdir()

    def branch(folder: Path) -> str | None:
        return branch_of(HOST, "", str(folder))

    assert branch(repository) is None
    git(repository, "init", "-q", "-b", "main")
    assert branch(repository) == "main"
    git(repository, "commit", "-q", "--allow-empty", "-m", "x")
    git(repository, "checkout", "-q", "-b", "feature/one")
    git(repository, "pack-refs", "--all")
    assert branch(repository) == "feature/one"
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    assert branch(tmp_path / "side") == "side"
    git(repository, "checkout", "-q", "--detach")
    done = subprocess.run(["git", "-C", repository, "rev-parse", "HEAD"], capture_output=True)
    assert branch(repository) == done.stdout.decode()[:7]
    (repository / "app").mkdir()
    found = project(project_of(HOST, owner("python3", f"{repository}/app/serve.py")))
    assert found[1:] == (str(repository), "repository", done.stdout.decode()[:7])


@pytest.mark.parametrize(
    "content",
    [b"", b"gitdir: ../../../nowhere", b"gitdir: /dev/zero", b"\xff" * 9, b"gitdir: a\0b"],
)
def test_a_git_file_that_leads_nowhere_has_no_branch(tmp_path: Path, content: bytes) -> None:
    """Nothing is raised, nothing is read."""
    (tmp_path / ".git").write_bytes(content)
    assert not branch_of(HOST, "", str(tmp_path))


@pytest.mark.parametrize("head", [b"", b"ref: refs/heads/.invalid", b"\0" * 40, b"x" * 100_000])
def test_a_head_that_makes_no_sense_has_no_branch(tmp_path: Path, head: bytes) -> None:
    """The newer reftable form leaves such a name in its place."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_bytes(head)
    assert branch_of(HOST, "", str(tmp_path)) == ""


HOSTILE = {
    "huge": b'{"name": "x", "y": "' + b"a" * (1 << 20) + b'"}',
    "deep": b"[" * 100_000,
    "deep object": b'{"a":' * 20_000,
    "not utf-8": b'{"name": "\xff\xfe"}',
    "long": b'{"name": "' + b"a" * 100_000 + b'"}',
    "number": b'{"name": 7}',
    "digits": b'{"name": ' + b"9" * 100_000 + b"}",
    "surrogate": b'{"name": "\\ud800"}',
    "dotted": b"name" + b".a" * 60_000 + b" = 1",
    "tables": b"".join(b"[name.a%d]\n" % number for number in range(9_000)),
    "nested": b"name = " + b"[" * 60_000,
}


@pytest.mark.parametrize("manifest", ["package.json", "pyproject.toml", "setup.cfg"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_manifest_is_survived_in_time(tmp_path: Path, manifest: str, kind: str) -> None:
    """At most a bounded name that UTF-8 can carry, within a second."""
    (tmp_path / manifest).write_bytes(HOSTILE[kind])
    begin = time.process_time()
    name = name_in(HOST, str(tmp_path), manifest)
    assert time.process_time() - begin < 1
    assert name is None or (len(name) <= 200 and name.encode("utf-8"))


def test_a_manifest_that_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """A pipe would wait, a device could act; a link could lead out of the process's root."""
    os.mkfifo(tmp_path / "pyproject.toml")
    (tmp_path / "package.json").symlink_to("/etc/passwd")
    (tmp_path / "setup.cfg").mkdir()
    for manifest in ("pyproject.toml", "package.json"):
        assert name_in(HOST, str(tmp_path), manifest) is None
    with pytest.raises(LookupError):
        name_in(HOST, str(tmp_path), "setup.cfg")


@given(st.binary(max_size=300), st.sampled_from(["package.json", "pyproject.toml", "setup.cfg"]))
def test_any_manifest_is_survived(content: bytes, manifest: str) -> None:
    """Nothing is raised."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, manifest).write_bytes(content)
        name = name_in(HOST, folder, manifest)
        assert name is None or name.encode("utf-8")


def test_the_search_upwards_ends(tmp_path: Path) -> None:
    """A manifest 13 folders above is somebody else's."""
    (tmp_path / "setup.py").touch()
    deep = tmp_path.joinpath(*["d"] * 13)
    deep.mkdir(parents=True)
    assert project_of(HOST, owner("python3", cwd=deep)) is None
    assert project(project_of(HOST, owner("python3", cwd=deep.parent.parent))).kind == "python"


def test_a_folder_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    """A working folder that was removed under the process."""
    assert project_of(HOST, owner("python3", cwd=f"{tmp_path}/a/b (deleted)")) == Unknown(
        "vanished"
    )
