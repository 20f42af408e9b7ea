"""`portbook lint --fix`: digits change together or not at all, and nothing else changes ever."""

import argparse
import os
import pty
import re
import select
import stat
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import Run, portbook
from portbook.cli.lint_diff import diff_lines
from portbook.cli.lint_fix import Change, _changes, _offer, write_all
from portbook.cli.lint_fix import fix as fix_of
from portbook.cli.render import Style
from portbook.lint.agreeing import agreeing
from portbook.lint.fixing import RULES, plan
from portbook.lint.rewriting import Edit, Moved, rewritten
from portbook.lint.settings import Settings
from portbook.model import EnvironmentFault, NotPermitted
from portbook.model.declared import Declared, LintFinding, Place
from portbook.survey.linting import LintReport, lint_paths

COMPOSE = """\
services:
  web:
    image: nginx
    ports:
      - "127.0.0.1:8080:80" # the shop
  admin:
    image: nginx
    ports:
      - "127.0.0.1:8080:80"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a collision, which is the working folder."""
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    (folder / "compose.yaml").write_text(COMPOSE)
    monkeypatch.chdir(folder)
    return folder


def fix(*arguments: str) -> Run:
    """`portbook lint --fix`, the collisions alone."""
    return portbook("lint", "--select", "PB1", "--fix", *arguments)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its bytes and mode."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_later_of_two_gets_a_free_number_near_the_old_one(shop: Path) -> None:
    """The diff, why, and a lint that finds nothing any more."""
    run = fix("--yes")
    assert run.code == 0, run.err
    assert '-      - "127.0.0.1:8080:80"' in run.out
    assert "PB101: admin gets " in run.err
    assert "it comes later in the files than the other" in run.err
    assert run.out.endswith("0 findings; 1 file with ports read\n")
    text = (shop / "compose.yaml").read_text()
    assert text.startswith(COMPOSE[: COMPOSE.rindex("8080")])
    new = int(text.rsplit(":", 2)[1])
    assert 1024 <= new < 32768
    assert new != 8080
    assert text == COMPOSE[: COMPOSE.rindex("8080")] + f'{new}:80"\n'
    assert portbook("lint", "--select", "PB2,PB3").code == 0


def test_the_choice_is_the_same_each_time(shop: Path) -> None:
    """By the registry alone: two people get one diff."""
    assert fix("--diff").out == fix("--diff").out


def test_diff_only_shows_and_can_be_applied(shop: Path) -> None:
    """Nothing is written; `patch -p1` takes it."""
    before = contents(shop)
    run = fix("--diff")
    assert run.code == 1
    assert contents(shop) == before
    done = subprocess.run(
        ["git", "apply", "-p1"], input=run.out.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert portbook("lint", "--select", "PB1").code == 0


def test_in_a_pipe_nobody_is_asked_and_nothing_done(shop: Path) -> None:
    """Exit code 2, with both ways out."""
    before = contents(shop)
    run = fix()
    assert run.code == 2
    assert "--yes, or --diff" in run.err
    assert contents(shop) == before


def on_terminal(answer: bytes) -> tuple[int, str]:
    """`--fix` with a terminal on every stream, and this answer to its question."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(  # noqa: S606 - our own interpreter; a shell is what is not wanted
            sys.executable, [sys.executable, "-m", "portbook", "lint", "--select", "PB1", "--fix"]
        )
    said, until, answered = b"", monotonic() + 30, False
    while monotonic() < until:
        ready, _, _ = select.select([terminal], [], [], 1)
        if ready:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                break
            if not part:
                break
            said += part
        if b"[y/N]" in said and not answered:
            os.write(terminal, answer)
            answered = True
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.decode()


@pytest.mark.parametrize(("answer", "changed"), [(b"y\n", True), (b"n\n", False), (b"\n", False)])
def test_on_a_terminal_it_asks(
    answer: bytes,
    changed: bool,  # noqa: FBT001 - a parameter of the test
    shop: Path,
) -> None:
    """Anything but a yes changes nothing."""
    before = contents(shop)
    code, said = on_terminal(answer)
    assert "Change 1 file? [y/N]" in said
    assert (contents(shop) != before) is changed
    assert code == (0 if changed else 1)


def test_line_ends_marks_modes_and_the_last_line_stay(shop: Path) -> None:
    """A byte order mark, carriage returns, no end at the end, a mode of its own."""
    data = b"\xef\xbb\xbf" + COMPOSE.rstrip("\n").replace("\n", "\r\n").encode()
    file = shop / "compose.yaml"
    file.write_bytes(data)
    file.chmod(0o640)
    run = fix("--yes")
    assert run.code == 0, run.err
    after = file.read_bytes()
    at = data.rindex(b"8080")
    assert after[:at] == data[:at]
    assert after[at + 4 :] == data[at + 4 :]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert r"\ No newline at end of file" in run.out


def test_the_digits_of_a_variable_change_where_they_are_written(shop: Path) -> None:
    """.env, the example of it, and the default in the compose file; other lines do not."""
    (shop / "compose.yaml").write_text(COMPOSE.replace('8080:80"\n', '${ADMIN_PORT:-8080}:80"\n'))
    (shop / ".env").write_text("# 8080\nADMIN_PORT=8080\nPASSWORD=8080\n")
    (shop / ".env.example").write_text("export ADMIN_PORT=8080\n")
    assert fix("--yes").code == 0
    new = (shop / ".env").read_text().splitlines()[1].partition("=")[2]
    assert new != "8080"
    assert (shop / ".env").read_text() == f"# 8080\nADMIN_PORT={new}\nPASSWORD=8080\n"
    assert (shop / ".env.example").read_text() == f"export ADMIN_PORT={new}\n"
    assert f"${{ADMIN_PORT:-{new}}}:80" in (shop / "compose.yaml").read_text()
    assert "127.0.0.1:8080:80" in (shop / "compose.yaml").read_text()


def test_a_mention_that_may_mean_either_is_left_and_told(shop: Path) -> None:
    """The README says http://localhost:8080, and two programs had that."""
    (shop / "README.md").write_text("# Shop\n\nOpen <http://localhost:8080/> then.\n")
    before = (shop / "README.md").read_bytes()
    run = fix("--yes")
    assert run.code == 0
    assert (shop / "README.md").read_bytes() == before
    assert "README.md:3:24 says 8080 and may mean admin or web: left alone" in run.err


def test_a_read_only_file_stops_everything(shop: Path) -> None:
    """Nothing is written, whoever asks; exit code 4."""
    (shop / "compose.yaml").chmod(0o444)
    before = contents(shop)
    run = fix("--yes")
    assert (run.code, contents(shop)) == (4, before)
    assert "compose.yaml is read-only: nothing was changed" in run.err


def test_a_link_is_followed_inside_and_stays_a_link(shop: Path) -> None:
    """What it leads to is changed; a link that leads out is not even read."""
    (shop / "files").mkdir()
    (shop / "compose.yaml").rename(shop / "files" / "real.txt")
    (shop / "compose.yaml").symlink_to("files/real.txt")
    assert fix("--yes").code == 0
    assert (shop / "compose.yaml").is_symlink()
    assert (shop / "files" / "real.txt").read_text() != COMPOSE
    outside = shop.parent / "outside.txt"
    outside.write_text(COMPOSE)
    (shop / "compose.yaml").unlink()
    (shop / "compose.yaml").symlink_to(outside)
    fix("--yes")
    assert outside.read_text() == COMPOSE


def test_three_on_one_number_get_three(shop: Path) -> None:
    """Each later one a number of its own."""
    (shop / "compose.yaml").write_text(COMPOSE + THIRD)
    run = fix("--yes")
    assert run.code == 0, run.err
    listed = portbook("lint", "--list", "--json").document["declared"]
    numbers = [each["first"] for each in listed if each["role"] == "publish"]
    assert len(set(numbers)) == 3
    assert 8080 in numbers


def test_what_the_baseline_knows_is_left(shop: Path) -> None:
    """It was taken for granted."""
    portbook("lint", "--write-baseline", "ports.json")
    before = contents(shop)
    run = fix("--yes", "--baseline", "ports.json")
    assert (run.code, contents(shop)) == (0, before)
    assert "nothing to renumber" in run.err


def test_a_number_beside_other_digits_is_never_touched() -> None:
    """Of a place that is not what was read any more, nothing is changed."""
    edit = Edit(Place("x", 1, 3, 4), "8080", "8093")
    assert rewritten(b"a 8080 b", [edit]) == b"a 8093 b"
    for data in (b"a 80801", b"a18080", b"a 808", b"", b"\n8080", b"a 8081 b", b"a \xff8080"):
        with pytest.raises(Moved):
            rewritten(data, [edit])


def test_two_places_of_one_line_keep_theirs() -> None:
    """Also where the new number is longer than the old one."""
    edits = [Edit(Place("x", 1, column, 2), "80", "8093") for column in (1, 7)]
    for order in (edits, edits[::-1]):
        assert rewritten(b"80:80 80\n", order) == b"8093:80 8093\n"


@given(st.text(max_size=30), st.text(max_size=30), st.integers(0, 65535), st.integers(0, 65535))
def test_only_the_digits_change(before: str, after: str, old: int, new: int) -> None:
    """Whatever stands around them, in any script and with any line ends."""
    line = before.count("\n") + 1
    column = len(before) - before.rfind("\n")
    mark = before.startswith("\ufeff")
    place = Place("x", line, column - (mark and line == 1), len(str(old)))
    data = f"{before}{old}{after}".encode("utf-8", "replace")
    try:
        got = rewritten(data, [Edit(place, str(old), str(new))])
    except Moved:
        beside = before[-1:] + after[:1]
        assert any(sign.isdigit() for sign in beside)
    else:
        assert got == f"{before}{new}{after}".encode("utf-8", "replace")


def test_when_one_file_cannot_be_written_the_others_are_as_before(tmp_path: Path) -> None:
    """The second is a folder by now: the first one is put back."""
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"8080")
    second.write_bytes(b"8080")
    changes = [Change((path.name,), str(path), b"8080", b"8093") for path in (first, second)]
    second.write_bytes(b"8081")
    with pytest.raises(EnvironmentFault, match="b changed meanwhile"):
        write_all(changes)
    second.write_bytes(b"8080")
    blocked = tmp_path / f"b.{os.getpid()}.new"
    blocked.write_bytes(b"in the way")
    with pytest.raises(EnvironmentFault, match="cannot write the file"):
        write_all(changes)
    assert first.read_bytes() == b"8080"
    assert second.read_bytes() == b"8080"


def test_a_diff_of_files_without_a_last_line_end_says_so_on_both_sides(tmp_path: Path) -> None:
    """As git does, in the lines that are shown."""
    file = tmp_path / "a"
    before, after = b"x\n8080\n8081", b"x\n8090\n8091"
    file.write_bytes(before)
    plain = Style(color=False, width=80, cut=False)
    lines = list(diff_lines([Change(("a",), str(file), before, after)], plain, plain=True))
    assert lines.count("\\ No newline at end of file") == 2
    done = subprocess.run(
        ["git", "apply"],
        cwd=tmp_path,
        input=("\n".join(lines) + "\n").encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == after


THIRD = '  third:\n    image: nginx\n    ports: ["127.0.0.1:8080:81"]\n'


def test_what_would_bring_another_finding_is_not_offered(shop: Path) -> None:
    """Of two renumberings the one that helps is, and the other is named with the reason."""
    (shop / "compose.yaml").write_text(COMPOSE + THIRD)
    report = lint_paths([str(shop)], settings=Settings(select=("PB101",)))

    def look(contents: dict[str, bytes]) -> LintReport:
        after = lint_paths([str(shop)], settings=Settings(select=("PB101",)), contents=contents)
        if b'["127.0.0.1:8080:81"]' in contents["compose.yaml"]:
            return after
        worse = LintFinding("PB501", "warning", Place("Dockerfile", 4, 8, 4), 1, "it differs")
        return after._replace(findings=(*after.findings, worse))

    offer = _offer(report, look, here=False)
    assert [each.who for each in offer.plan.renumberings] == ["admin"]
    assert [each.paths for each in offer.changes] == [("compose.yaml",)]
    assert len(offer.dropped) == 1
    assert offer.dropped[0].startswith("third stays on 8080: with ")
    assert offer.dropped[0].endswith("PB501 comes up at Dockerfile:4: it differs")


def test_what_did_not_help_after_all_is_taken_back(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lint after writing still finds it: the files are as before, and that is said."""
    before = contents(shop)
    report = lint_paths([str(shop)], settings=Settings(select=("PB101",)))
    clean = report._replace(findings=())
    looks = iter((report, clean, report))
    monkeypatch.setattr("portbook.cli.lint.look", lambda *_: next(looks))
    options = argparse.Namespace(yes=True, diff=False, here=False, color="never")
    with pytest.raises(EnvironmentFault, match="taken back, nothing was changed: PB101 is still"):
        fix_of(["."], Settings(), options)
    assert contents(shop) == before


def test_nothing_outside_of_the_folder_is_changed(tmp_path: Path) -> None:
    """A link that leads out since it was read."""
    outside = tmp_path / "outside"
    outside.write_text("8080")
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "a").symlink_to(outside)
    with pytest.raises(NotPermitted, match="a is a link that leads out"):
        _changes(str(folder), [Edit(Place("a", 1, 1, 4), "8080", "8093")])
    assert outside.read_text() == "8080"


def test_two_names_of_one_file_are_one_change(tmp_path: Path) -> None:
    """Its digits are replaced once."""
    (tmp_path / "a").write_text("8080")
    (tmp_path / "b").symlink_to("a")
    edits = [Edit(Place(name, 1, 1, 4), "8080", "8093") for name in ("a", "b")]
    (change,) = _changes(str(tmp_path), edits)
    assert (change.paths, change.after) == (("a", "b"), b"8093")


SHAPES = sorted((Path(__file__).parent / "shapes").glob("*/expected.toml"))


def test_in_every_shape_digits_change_and_nothing_else() -> None:
    """What is offered for the collisions of all fixtures: fewer findings, the same text around."""
    mended = 0
    for shape in SHAPES:
        every = (str(shape.parent),)
        report = lint_paths(every, settings=Settings(select=RULES), cache=False)
        if not report.findings:
            continue

        def look(changed: dict[str, bytes], every: tuple[str, ...] = every) -> LintReport:
            settings = Settings(select=RULES)
            return lint_paths(every, settings=settings, cache=False, contents=changed)

        offer = _offer(report, look, here=False)
        for change in offer.changes:
            assert re.sub(rb"[0-9]+", b"#", change.before) == re.sub(rb"[0-9]+", b"#", change.after)
            assert change.before != change.after
        if offer.changes:
            after = look({path: each.after for each in offer.changes for path in each.paths})
            assert len(after.findings) < len(report.findings), shape
            mended += 1
    assert mended >= 5


def declared(path: str, line: int, role: str, who: str, **more: Any) -> Declared:
    """A declaration of 3000 whose digits begin at column 18."""
    form = str(more.pop("form", "package"))
    return Declared(Place(path, line, 18, 4), 3000, 3000, role, who, form)._replace(**more)


LINES = {
    "web/package.json": ["  'vite --port   3000"],
    "web/vite.config.ts": ["    server:{port:3000"],
    "web/README.md": ["http://localhost:3000", "http://api.x.de: 3000"],
    "README.md": ["http://localhost:3000"],
    "api/Procfile": ["serve --port     3000"],
    "web/Dockerfile": ["EXPOSE           3000"],
}


def test_what_agrees_is_told_by_program_and_folder() -> None:
    """The same program's files and its folder's README; not what is the other's or either's."""
    web = declared("web/package.json", 1, "listen", "script dev", runs="folder:web")
    api = declared("api/Procfile", 1, "listen", "api", runs="folder:api", form="procfile")
    config = declared("web/vite.config.ts", 1, "listen", "vite", runs="folder:web")
    near = declared("web/README.md", 1, "mention", "README", address="localhost")
    far = declared("web/README.md", 2, "mention", "README", address="api.x.de")
    either = declared("README.md", 1, "mention", "README", address="localhost")
    image = declared("web/Dockerfile", 1, "container", "EXPOSE", runs="folder:web")
    every = [web, api, config, near, far, either, image]
    found = LintFinding("PB105", "error", web.place, 3000, "x", digits=web.digits)
    got = agreeing(web, found, every, LINES.__getitem__, wide=False)
    assert got.places == (web.place, config.place, near.place)
    assert got.left == ((either.place, "script dev or api"),)
    wide = agreeing(web, found, every, LINES.__getitem__, wide=True)
    assert wide.places == (web.place, config.place, image.place, near.place)
    alone = agreeing(web, found, [web, either], LINES.__getitem__, wide=False)
    assert alone.places == (web.place, either.place)


def test_a_container_s_outer_number_changes_alone() -> None:
    """What its program binds, in a folder or inside, is another number that happens to be alike."""
    outer = declared("api/Procfile", 1, "publish", "web", runs="folder:web", form="compose")
    web = declared("web/package.json", 1, "listen", "script dev", runs="folder:web")
    image = declared("web/Dockerfile", 1, "container", "EXPOSE", runs="folder:web")
    either = declared("README.md", 1, "mention", "README", address="localhost")
    found = LintFinding("PB105", "error", outer.place, 3000, "x", digits=outer.digits)
    for wide in (False, True):
        every = [outer, web, image, either]
        got = agreeing(outer, found, every, LINES.__getitem__, wide=wide)
        assert got.places == (outer.place,)
        assert got.left == ((either.place, "web or script dev"),)


def test_a_setting_that_is_the_other_one_s_is_not_told() -> None:
    """It is known whose it is."""
    value = Place("README.md", 1, 18, 4)
    web = declared("web/package.json", 1, "listen", "web", runs="folder:web")
    api = declared("api/Procfile", 1, "listen", "api", runs="folder:api", written=False)
    api = api._replace(sources=(value,))
    setting = declared("README.md", 1, "setting", "API_PORT", form="dotenv")
    found = LintFinding("PB105", "error", web.place, 3000, "x", digits=web.digits)
    got = agreeing(web, found, [web, api, setting], LINES.__getitem__, wide=False)
    assert (got.places, got.left) == ((web.place,), ())


def test_what_is_not_written_here_is_refused() -> None:
    """From outside, a range, what is not in plain digits, a place that is not what was read."""
    web = declared("web/package.json", 1, "listen", "web", runs="folder:web")

    def refused(target: Declared, *, digits: bool = True, line: str | None = None) -> str:
        found = LintFinding(
            *("PB101", "error", target.place, 3000, "x"),
            digits=target.digits if digits else (),
        )
        lines = [line] if line is not None else LINES["web/package.json"]
        made = plan([found], [target], lambda _: lines, lambda *_: 3007)
        assert made.renumberings == ()
        return made.refused[0].why

    assert "not written in plain digits" in refused(web._replace(written=False))
    outside = refused(web._replace(written=False), line="  'vite --port   $WEB")
    assert outside == "its number comes from outside these files"
    assert "a range" in refused(web._replace(last=3010))
    assert "started more than once" in refused(web, digits=False)
    assert "does not say 3000 in plain digits" in refused(web, line="  'vite --port   0x0bb8")
    found = LintFinding("PB101", "error", web.place, 3000, "x", digits=web.digits)
    none = plan([found], [web], LINES.__getitem__, lambda *_: None)
    assert none.refused[0].why == "no free number was found"
    made = plan([found], [web], LINES.__getitem__, lambda *_: 3007)
    assert made.edits == (Edit(web.place, "3000", "3007"),)
