"""What a project says about its own lint: where it is found, what it means, what is refused."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import portbook
from portbook.lint.rules import NAMES
from portbook.lint.settings import Allowed, Settings, matcher, read_settings, settings_for
from portbook.model import EnvironmentFault, UsageError

FULL = """
[tool.portbook.lint]
select = ["PB1", "PB201"]
ignore = ["PB102"]
fail-on = "error"
exclude = ["/build/", "*.sample"]
baseline = "ports.json"
allow = [
    {port = 8080, rule = "PB201", reason = "the name is older than us"},
    {port = "9000-9010", path = "deploy/"},
]
[tool.portbook.lint.per-file-ignores]
"docs/**" = ["PB4"]
[tool.portbook.lint.severity]
PB201 = "note"
"""


def project(folder: Path, name: str, text: str) -> Path:
    """A project with one file of settings."""
    (folder / ".git").mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_every_key_is_understood(tmp_path: Path) -> None:
    """pyproject.toml with everything in it."""
    found = settings_for(str(project(tmp_path, "pyproject.toml", FULL)))
    assert found == Settings(
        select=("PB1", "PB201"),
        ignore=("PB102",),
        fail_on="error",
        exclude=("/build/", "*.sample"),
        baseline=f"{tmp_path}/ports.json",
        allow=(
            Allowed("PB201", (8080, 8080), None, "the name is older than us"),
            Allowed(None, (9000, 9010), "deploy/", None),
        ),
        per_file_ignores=(("docs/**", ("PB4",)),),
        severity=(("PB201", "note"),),
        folder=str(tmp_path),
        top=str(tmp_path),
        file=f"{tmp_path}/pyproject.toml",
    )


def test_the_nearest_file_counts_and_the_own_one_before_pyproject(tmp_path: Path) -> None:
    """Upwards from what is linted, never above the project's top."""
    (tmp_path / ".portbook.toml").write_text('[lint]\nfail-on = "note"\n')
    top = tmp_path / "shop"
    (top / "web" / "src").mkdir(parents=True)
    project(top, "pyproject.toml", '[tool.portbook.lint]\nfail-on = "error"\n')
    assert settings_for(str(top / "web" / "src")).fail_on == "error"
    (top / ".portbook.toml").write_text('[lint]\nfail-on = "note"\n')
    assert settings_for(str(top / "web" / "src")).fail_on == "note"
    (top / "web" / "pyproject.toml").write_text("[tool.other.lint]\nportbook = 1\n")
    assert settings_for(str(top / "web" / "src")).folder == str(top)
    (top / "web" / "pyproject.toml").write_text('[tool.portbook.lint]\nselect = ["PB3"]\n')
    assert settings_for(str(top / "web" / "src")).select == ("PB3",)
    (top / ".portbook.toml").unlink()
    (top / "pyproject.toml").unlink()
    assert settings_for(str(top)).file is None


def test_a_file_s_settings_are_those_of_its_folder(tmp_path: Path) -> None:
    """`portbook lint compose.yaml` is judged as `portbook lint .` is."""
    project(tmp_path, ".portbook.toml", '[lint]\nignore = ["PB4"]\n')
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    assert settings_for(str(tmp_path / "compose.yaml")).ignore == ("PB4",)


@pytest.mark.parametrize(
    ("select", "ignore", "wanted"),
    [
        ((), (), True),
        (("PB1",), (), True),
        (("PB2",), (), False),
        (("PB1",), ("PB101",), False),
        (("PB101",), ("PB1",), True),
        (("PB101",), ("PB101",), False),
        ((), ("PB",), False),
    ],
)
def test_the_longer_name_of_a_rule_wins(
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    wanted: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """And `ignore` among equals."""
    assert Settings(select=select, ignore=ignore).wants("PB101") is wanted


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("slect = []", "unknown key 'slect'", "did you mean select?"),
        ('fail-on = "warn"', "fail-on is 'warn'", "did you mean warning?"),
        ("fail-on = 3", "fail-on is no text", None),
        ('select = "PB1"', "select is no list", None),
        ('select = ["PB109"]', "select: unknown rule 'PB109'", "did you mean PB10"),
        ('ignore = ["pb101"]', "ignore: unknown rule 'pb101'", "did you mean PB101?"),
        ('ignore = [""]', "unknown rule ''", None),
        ("allow = [{port = 70000}]", "allow has the port '70000'", "8000-8010"),
        ('allow = [{port = "9-8"}]', "allow has the port '9-8'", None),
        ("allow = [{port = true}]", "allow has the port 'True'", None),
        ('allow = [{reason = "x"}]', "names nothing", "such as"),
        ('allow = [{prot = 1, rule = "PB1"}]', "unknown key 'prot'", "did you mean port?"),
        ("allow = 3", "allow is no list", None),
        ('per-file-ignores = ["x"]', "per-file-ignores is no table", None),
        ("[lint.severity]\nPB201 = 'bad'", "severity.PB201 is 'bad'", None),
        ("[lint.severity]\nPB999 = 'note'", "unknown rule 'PB999'", None),
        ("select = [", "is no TOML", None),
    ],
)
def test_what_cannot_be_understood_is_one_line(
    text: str, said: str, hint: str | None, tmp_path: Path
) -> None:
    """The file, the key, what is wrong, and the nearest word there is; exit code 2."""
    project(tmp_path, ".portbook.toml", f"[lint]\n{text}\n")
    run = portbook("lint", str(tmp_path))
    assert run.code == 2
    assert run.out == ""
    first, *rest = run.err.splitlines()
    assert first.startswith(f"portbook: error: {tmp_path}/.portbook.toml")
    assert said in first
    assert len(rest) <= 1
    assert hint is None or hint in run.err


def test_a_file_that_cannot_be_read_is_no_reason_to_judge_without_it(tmp_path: Path) -> None:
    """Too long, or TOML of a foreign table that is broken and names ours."""
    project(tmp_path, ".portbook.toml", "[lint]\n" + "#" * (1 << 20))
    with pytest.raises(EnvironmentFault, match="longer than 1 MiB"):
        settings_for(str(tmp_path))


def test_a_pipe_of_that_name_is_not_waited_for(tmp_path: Path) -> None:
    """It is no file of settings."""
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / ".portbook.toml")
    assert settings_for(str(tmp_path)).file is None


def test_a_broken_pyproject_without_a_word_of_ours_is_others_business(tmp_path: Path) -> None:
    """It has no settings for lint."""
    assert settings_for(str(project(tmp_path, "pyproject.toml", "[tool\n"))).file is None


@pytest.mark.parametrize(
    ("pattern", "path", "root", "fits"),
    [
        ("/build/", "build/", "", True),
        ("/build/", "web/build/", "", False),
        ("build/", "web/build/x.yaml", "", True),
        ("/web/*.yaml", "a.yaml", "web", True),
        ("/web/*.yaml", "a.yaml", "", False),
        ("*.sample", "x/.env.sample", "", True),
    ],
)
def test_patterns_count_from_the_settings_and_not_from_what_is_linted(
    pattern: str,
    path: str,
    root: str,
    fits: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
) -> None:
    """So `portbook lint web` leaves out what `portbook lint` does."""
    (tmp_path / "web").mkdir()
    assert matcher((pattern,), str(tmp_path), str(tmp_path / root))(path) is fits


def test_a_pattern_that_is_none_is_refused() -> None:
    """One line."""
    with pytest.raises(UsageError, match="a pattern that is none"):
        matcher(("!",), ".", ".")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(list(NAMES)),
    lambda deeper: (
        st.lists(deeper, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["select", "allow", "port", "rule", "path", "severity", "per-file-ignores", "x"]
            ),
            deeper,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(VALUES)
def test_any_table_is_settings_or_one_line(table: object) -> None:
    """Never another exception, whatever TOML holds."""
    with suppress(UsageError):
        found = read_settings(table, "/x/.portbook.toml", "/x")
        assert all(name.startswith("PB") for name in (*found.select, *found.ignore))
