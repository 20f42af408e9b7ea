"""`portbook export-site`: real runs into real folders, cut short, continued and refused."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tools.make_schemas import SCHEMAS

from command import Run, portbook
from pages.exported_tree import faults, moments, tree
from portbook.model import document
from portbook.pages.export.manifest import NAME
from portbook.pages.words import languages
from portbook.survey import by_the_book

PORTS = "0,22,80,443,3250-3259,8080,50000,65535"
LEAN = ("--language", "en", "--no-json")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A small book in all languages that no test changes, and what the run said."""
    folder = tmp_path_factory.mktemp("book") / "made" / "here"
    return folder, portbook("export-site", str(folder), "--ports", PORTS, "--json")


def export(folder: Path, *options: str, ports: str = "3250-3259", **env: str) -> Run:
    """One run with few pages."""
    return portbook("export-site", str(folder), "--ports", ports, *options, env=env)


def validator(name: str) -> Draft202012Validator:
    """The published schema."""
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text("utf-8")))


def test_every_link_leads_somewhere_and_none_is_absolute(book: tuple[Path, Run]) -> None:
    """Relative links to files that are there, or to ports that were left out of this trial."""
    assert sorted(faults(book[0])) == []


def test_every_kind_of_page_is_there_in_every_language(book: tuple[Path, Run]) -> None:
    """The same pages in each, marked with their language; the shared files once."""
    folder, _ = book
    of = {
        tag: {str(path.relative_to(folder / tag)) for path in (folder / tag).rglob("*.html")}
        for tag in languages()
    }
    for tag, pages in of.items():
        assert pages == of["en"]
        for path in pages:
            text = (folder / tag / path).read_text("utf-8")
            assert f'<html lang="{tag}"' in text, path
            assert "None" not in text.replace("None of", ""), path
    wanted = ("index", "map", "map-year-rows", "method", "orphans", "orphans/3", "search")
    some = ("year/2002", "assignee/Jay_Eckles", "0", "3255", "50000", "65535", "semaphore")
    assert {f"{name}.html" for name in (*wanted, *some)} <= of["en"]
    shared = ("index.html", "404.html", "static/book.css", "static/icon.svg", "map/ports.bin")
    charts = ("en/orphans/year.svg", "nl/orphans/year.svg")
    for path in (*shared, *charts, "3255.json", "census.json", "year/2002.json"):
        assert (folder / path).is_file(), path
    assert not (folder / "sitemap.xml").exists()


def test_a_name_leads_to_its_port(book: tuple[Path, Run]) -> None:
    """`ssh.html` is a small page that leads to 22; a taken name is left to the book's own page."""
    text = (book[0] / "en" / "ssh.html").read_text("utf-8")
    assert 'content="0; url=22.html"' in text
    assert '<a href="22.html">' in text
    assert "refresh" not in (book[0] / "en" / "search.html").read_text("utf-8")


def test_the_result_fits_its_schema_and_the_folder(book: tuple[Path, Run]) -> None:
    """The figures are those of the files, the manifest not among them."""
    folder, run = book
    assert (run.code, run.err) == (0, "")
    validator("export").validate(run.document)
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != NAME]
    assert run.document["files"] == len(files)
    assert run.document["bytes"] == sum(path.stat().st_size for path in files)
    assert run.document["pages"] == sum(path.suffix == ".html" for path in files)
    assert run.document["made"] == run.document["pages"]
    assert (run.document["outcome"], run.document["ports"]) == ("written", 17)


def test_a_json_twin_is_the_document_by_the_tables_alone(book: tuple[Path, Run]) -> None:
    """The same as `by_the_book` says, and as the schema of an answer wants it."""
    for port in (0, 22, 3255, 50000):
        told = json.loads((book[0] / f"{port}.json").read_text("utf-8"))
        assert told == json.loads(json.dumps(document("answer", by_the_book(port))))
        validator("answer").validate(told)


def test_the_same_book_has_the_same_bytes_however_it_is_made(tmp_path: Path) -> None:
    """One process or three, and other hashes of strings: the trees are equal, manifests too."""
    ports = "2900-3200"
    first = export(tmp_path / "one", "--jobs", "1", ports=ports, PYTHONHASHSEED="1")
    second = export(tmp_path / "three", "--jobs", "3", ports=ports, PYTHONHASHSEED="2")
    assert (first.code, second.code) == (0, 0)
    assert tree(tmp_path / "one") == tree(tmp_path / "three")


def test_processes_that_start_with_nothing_make_the_same(tmp_path: Path) -> None:
    """Where processes cannot be forked they are spawned."""
    script = (
        "import sys\n"
        "from portbook.pages.export.exporting import export\n"
        "from portbook.pages.export.plan import Plan\n"
        "if __name__ == '__main__':\n"
        "    for start in ('spawn', 'fork'):\n"
        "        plan = Plan(('nl',), ((3250, 3259),), twins=False)\n"
        "        export(f'{sys.argv[1]}/{start}', plan, jobs=2, start=start)\n"
    )
    program = tmp_path / "program.py"
    program.write_text(script, "utf-8")
    subprocess.run([sys.executable, str(program), str(tmp_path)], check=True, timeout=60)
    assert tree(tmp_path / "spawn") == tree(tmp_path / "fork")


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    """Not a file is written again, and the run says that there was nothing to do."""
    assert export(tmp_path, *LEAN).code == 0
    before = moments(tmp_path)
    again = export(tmp_path, *LEAN, "--json")
    assert again.document["outcome"] == "unchanged"
    assert again.document["made"] == 0
    assert moments(tmp_path) == before
    assert export(tmp_path, *LEAN).out.startswith("nothing to do")


def test_what_was_removed_or_cut_is_made_again(tmp_path: Path) -> None:
    """A page that is gone, and one that a disk has lost half of, with the parts they are in."""
    assert export(tmp_path, *LEAN).code == 0
    before = tree(tmp_path)
    (tmp_path / "en" / "3255.html").unlink()
    (tmp_path / "static" / "book.css").write_bytes(b"")
    again = export(tmp_path, *LEAN, "--json").document
    assert again["outcome"] == "continued"
    assert 10 <= again["made"] < again["pages"]
    assert tree(tmp_path) == before


@contextmanager
def begun(folder: Path, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A run of 2,048 ports that has finished its first part and is at the next."""
    argv = [sys.executable, "-m", "portbook", "export-site", str(folder), *LEAN, *options]
    argv += ["--ports", "2000-4047"]
    running = subprocess.Popen(argv, stderr=subprocess.PIPE, start_new_session=True)
    try:
        deadline = time.monotonic() + 40
        manifest = folder / NAME
        while not manifest.exists() or manifest.read_bytes().count(b"\n") < 2:
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield running
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run that nobody interrupts makes of the same."""
    folder = tmp_path_factory.mktemp("reference")
    assert export(folder, *LEAN, ports="2000-4047").code == 0
    return tree(folder)


def continued(folder: Path) -> Any:
    """Run again to the end."""
    again = export(folder, *LEAN, "--json", ports="2000-4047")
    assert (again.code, again.err) == (0, "")
    return again.document


@pytest.mark.live
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_run_is_continued(tmp_path: Path, reference: dict[str, bytes], jobs: str) -> None:
    """SIGKILL in the middle; what was done is kept, and the end is the same."""
    with begun(tmp_path, "--jobs", jobs) as running:
        running.kill()
        told = continued(tmp_path)
    assert told["outcome"] == "continued"
    assert told["made"] < told["pages"]
    assert tree(tmp_path) == reference


@pytest.mark.live
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_says_how_to_go_on(tmp_path: Path, reference: dict[str, bytes], jobs: str) -> None:
    """Exit code 130, how much is there, and one line how to go on; no traceback of a worker."""
    with begun(tmp_path, "--jobs", jobs) as running:
        os.killpg(running.pid, signal.SIGINT)  # as a terminal sends it
        said = running.stderr.read() if running.stderr else b""
        running.wait(20)
    assert running.returncode == 130
    first, second = said.decode().splitlines()
    assert first.startswith("portbook: interrupted: ") and "pages are there" in first
    assert second == "hint: the same command goes on from here"
    assert continued(tmp_path)["outcome"] == "continued"
    assert tree(tmp_path) == reference


@pytest.mark.live
def test_a_worker_that_is_killed_is_told(tmp_path: Path) -> None:
    """As if the system were short of memory: one line, a hint, and the others end as well."""
    with begun(tmp_path, "--jobs", "2") as running:
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        said = running.stderr.read() if running.stderr else b""
        running.wait(20)
        assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert running.returncode == 5
    first, second = said.decode().splitlines()
    assert first == "portbook: error: a worker process was ended by SIGKILL"
    assert second.startswith("hint: the same command goes on")


def test_another_wish_replaces_what_was_there(tmp_path: Path) -> None:
    """Fewer pages: those that are not wanted any more go, and what others put there stays."""
    assert export(tmp_path / "changed").code == 0
    (tmp_path / "changed" / "CNAME").write_text("ports.example\n", "utf-8")
    changed = export(tmp_path / "changed", *LEAN, "--json", ports="3255")
    assert changed.document["outcome"] == "written"
    assert export(tmp_path / "fresh", *LEAN, ports="3255").code == 0
    (tmp_path / "changed" / "CNAME").unlink()
    assert tree(tmp_path / "changed") == tree(tmp_path / "fresh")
    assert not (tmp_path / "changed" / "nl").exists()


def test_an_imported_registry_makes_everything_anew(tmp_path: Path, own_home: Path) -> None:
    """The user's own registry is part of what makes a page."""
    folder = tmp_path / "book"
    assert export(folder, *LEAN).code == 0
    shipped = Path("src/portbook/registry/data/assignments.tsv").absolute()
    current = own_home / "registry" / "current"
    current.mkdir(parents=True)
    for name in ("assignments.tsv", "services.tsv"):
        (current / name).write_bytes((shipped.parent / name).read_bytes())
    assert export(folder, *LEAN, "--json").document["outcome"] == "unchanged"
    text = (current / "assignments.tsv").read_bytes()
    (current / "assignments.tsv").write_bytes(text.replace(b"Semaphore Conn", b"Semaphoro Conn"))
    assert export(folder, *LEAN, "--json").document["outcome"] == "written"
    assert "Semaphoro" in (folder / "en" / "3255.html").read_text("utf-8")


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    """One line and a hint, and nothing in it is touched."""
    (tmp_path / "thesis.txt").write_text("three years of work", "utf-8")
    run = export(tmp_path)
    assert run.code == 5
    assert run.err.splitlines()[0].endswith("has other things in it, such as thesis.txt")
    assert run.err.splitlines()[1].startswith("hint: ")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    file = export(tmp_path / "thesis.txt")
    assert (file.code, file.err) == (5, f"portbook: error: {tmp_path}/thesis.txt is no folder\n")
    (tmp_path / NAME).write_text('{"portbook-export": 9}\n', "utf-8")
    newer = export(tmp_path)
    assert newer.code == 5
    assert "cannot be understood" in newer.err


def test_links_in_the_folder_are_not_followed(tmp_path: Path) -> None:
    """A link in the place of a page is replaced, one in the place of a folder refused."""
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("precious", "dear"):
        (outside / name).write_text(name, "utf-8")
    folder = tmp_path / "book"
    assert export(folder, *LEAN).code == 0
    for name in ("3255.html", "3256.html"):
        (folder / "en" / name).unlink()
    (folder / "en" / "3255.html").symlink_to(outside / "precious")
    (folder / "en" / "3256.html").hardlink_to(outside / "dear")
    assert export(folder, *LEAN).code == 0
    assert [(outside / name).read_text("utf-8") for name in ("precious", "dear")] == [
        "precious",
        "dear",
    ]
    assert (folder / "en" / "3255.html").is_file() and not (
        folder / "en" / "3255.html"
    ).is_symlink()
    (folder / "en").rename(tmp_path / "moved")
    (folder / "en").symlink_to(outside)
    refused = export(folder, *LEAN)
    assert (refused.code, refused.err.count("\n")) == (5, 1)
    assert sorted(path.name for path in outside.iterdir()) == ["dear", "precious"]


def test_what_cannot_be_understood_is_a_line(tmp_path: Path) -> None:
    """Exit code 2, and nothing is made."""
    for wrong in (
        ("--language", "xx"),
        ("--ports", "70000"),
        ("--ports", "80/tcp"),
        ("--ports", ""),
        ("--jobs", "0"),
        ("--jobs", "many"),
        ("--base-url", "/ports"),
        ("--base-url", "https://example.org/?q"),
        ("--base-url", "https://exa mple.org/"),
    ):
        run = portbook("export-site", str(tmp_path / "new"), *wrong)
        assert run.code == 2, wrong
        assert run.err.startswith("portbook: error: ")
    assert portbook("export-site").code == 2
    assert not (tmp_path / "new").exists()


def test_without_the_packages_it_says_what_is_missing(tmp_path: Path) -> None:
    """The core of portbook has no dependencies; the pages do."""
    source = str(Path("src").absolute())
    start = "import sys; sys.path.insert(0, sys.argv.pop(1)); from portbook.cli import run; run()"
    argv = [sys.executable, "-I", "-S", "-c", start, source, "export-site", str(tmp_path / "new")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert done.returncode == 5
    assert "which is not installed" in done.stderr
    assert "portbook[pages]" in done.stderr


def test_an_address_adds_what_search_engines_ask_for(tmp_path: Path) -> None:
    """A sitemap of every page, and a page for missing addresses that works at any depth."""
    base = "https://example.org/ports"
    assert export(tmp_path, *LEAN, "--base-url", base).code == 0
    listed = (tmp_path / "sitemap-1.xml").read_text("utf-8")
    assert f"<loc>{base}/en/3255.html</loc>" in listed
    assert f"<loc>{base}/en/assignee/Jay_Eckles.html</loc>" in listed
    assert "404.html" not in listed and "semaphore.html" not in listed
    assert f"{base}/sitemap-1.xml" in (tmp_path / "sitemap.xml").read_text("utf-8")
    assert f"Sitemap: {base}/sitemap.xml" in (tmp_path / "robots.txt").read_text("utf-8")
    missing = (tmp_path / "404.html").read_text("utf-8")
    assert f'href="{base}/static/book.css' in missing
    assert f'href="{base}/en/index.html"' in missing
