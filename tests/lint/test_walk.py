"""Which files are read: by name, within limits, never through loops, never outside."""

import os
from pathlib import Path

import pytest

from portbook.lint import walk as walking
from portbook.lint.checking import read_project
from portbook.lint.walk import inside, read_regular, walk


def put(folder: Path, *names: str) -> None:
    """Empty files, with the folders they need."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def test_files_of_every_format_are_found_by_name(tmp_path: Path) -> None:
    """In every folder, sorted; what no reader knows is left."""
    put(tmp_path, "compose.yaml", "a/Dockerfile", "a/b/.env", "a/b/main.c", "x.png", "Procfile")
    assert walk(str(tmp_path)).files == ("Procfile", "a/Dockerfile", "a/b/.env", "compose.yaml")


def test_other_peoples_packages_and_build_output_are_left_out(tmp_path: Path) -> None:
    """Usual names, and folders that .gitignore excludes; the file nearest to one decides."""
    put(tmp_path, "node_modules/x/package.json", ".venv/Makefile", "out/compose.yaml", "Makefile")
    put(tmp_path, "sub/gen/compose.yaml", "sub/kept/compose.yaml", "sub/deep/out/compose.yaml")
    (tmp_path / ".gitignore").write_text("out/\n/sub/gen\nkept/\n")
    (tmp_path / "sub" / ".gitignore").write_text("!kept/\n!gen/\n")
    assert walk(str(tmp_path)).files == (
        "Makefile",
        "sub/gen/compose.yaml",
        "sub/kept/compose.yaml",
    )


def test_a_file_that_git_ignores_is_read_all_the_same(tmp_path: Path) -> None:
    """`.env` and overrides are kept out of version control and take ports on this machine."""
    put(tmp_path, ".env", "compose.override.yaml")
    (tmp_path / ".gitignore").write_text(".env\ncompose.override.yaml\n")
    assert walk(str(tmp_path)).files == (".env", "compose.override.yaml")


def test_what_is_above_a_folder_excludes_in_it_too(tmp_path: Path) -> None:
    """The .gitignore of the root counts where only a part is looked at."""
    put(tmp_path, "a/out/.env", "a/.env")
    (tmp_path / ".gitignore").write_text("out\n")
    assert walk(str(tmp_path), ["a"]).files == ("a/.env",)


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    """A loop of links ends, and nothing outside is entered."""
    put(tmp_path / "in", "a/.env")
    (tmp_path / "in" / "a" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "compose.yaml").symlink_to(tmp_path / "in" / "compose.yaml")
    (tmp_path / "in" / "Makefile").symlink_to(tmp_path / "in" / "a")
    put(tmp_path / "out", ".env")
    (tmp_path / "in" / "other").symlink_to(tmp_path / "out")
    found = walk(str(tmp_path / "in"))
    assert found.files == ("a/.env", "compose.yaml")
    assert not found.gaps


def test_excluded_files_and_folders_are_left_out(tmp_path: Path) -> None:
    """A folder's path ends in a slash where it is asked about."""
    put(tmp_path, "a/.env", "b/.env", ".env")
    found = walk(str(tmp_path), exclude=lambda path: path in ("a/", "b/.env"))
    assert found.files == (".env",)


def test_a_named_file_is_read_whatever_it_is(tmp_path: Path) -> None:
    """And once, where its folder is named too."""
    put(tmp_path, "node_modules/x/package.json")
    named = "node_modules/x/package.json"
    assert walk(str(tmp_path), [named, "", named]).files == (named,)


def test_a_link_whose_file_is_gone_says_nothing(tmp_path: Path) -> None:
    """Neither a declaration nor a gap; one that leads in a circle is told."""
    (tmp_path / "web.service").symlink_to("gone.service")
    (tmp_path / "compose.yaml").symlink_to("compose.yaml")
    checked = read_project(str(tmp_path))
    assert [gap.what for gap in checked.gaps] == ["compose.yaml"]


@pytest.mark.root
def test_a_folder_without_rights_is_a_gap(tmp_path: Path) -> None:
    """The rest is read; the gap names the folder."""
    put(tmp_path, "a/.env", "b/.env")
    (tmp_path / "a").chmod(0)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            # pytest's folders are its owner's alone; we stay in the group.
            for above in (tmp_path, *tmp_path.parents[:2]):
                above.chmod(above.stat().st_mode | 0o055)
            os.setresuid(65534, 65534, 65534)
            found = walk(str(tmp_path))
            right = found.files == ("b/.env",) and [gap.what for gap in found.gaps] == ["a"]
            code = 0 if right else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_too_many_files_are_cut_with_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that time and memory have an end."""
    put(tmp_path, *(f"{number}/.env" for number in range(7)))
    monkeypatch.setattr(walking, "MOST_FILES", 5)
    found = walk(str(tmp_path))
    assert len(found.files) == 5
    assert found.gaps[0].why == "2 more than 5"
    monkeypatch.setattr(walking, "MOST_ENTRIES", 5)
    assert "files and folders" in walk(str(tmp_path)).gaps[0].why


def test_only_plain_files_within_the_limit_are_read(tmp_path: Path) -> None:
    """A pipe is not waited for, a device not touched, a long file not loaded."""
    os.mkfifo(tmp_path / "pipe")
    assert read_regular(str(tmp_path / "pipe"), 10) == "it is no file"
    assert read_regular("/dev/zero", 10) == "it is no file"
    assert read_regular(str(tmp_path / "none"), 10) == "No such file or directory"
    (tmp_path / "long").write_bytes(b"x" * (2 << 20))
    assert read_regular(str(tmp_path / "long"), 1 << 20) == "longer than 1 MiB"
    assert read_regular(str(tmp_path / "long"), 2 << 20) == b"x" * (2 << 20)
    # A file of /proc has no size, and its length is known at its end.
    assert isinstance(read_regular("/proc/self/status", 1 << 20), bytes)


def test_a_link_that_leads_out_is_outside(tmp_path: Path) -> None:
    """Whatever it is called."""
    put(tmp_path, "in/.env", "out/.env")
    (tmp_path / "in" / "x.env").symlink_to("../out/.env")
    (tmp_path / "in" / "y.env").symlink_to(".env")
    root = str(tmp_path / "in")
    assert not inside(root, "x.env")
    assert inside(root, "y.env")
