"""The project of a folder, and the numbers that its compose and .env files name."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from portbook.host import Host
from portbook.survey.project import compose_ports, env_ports, project_root, read_project

COMPOSE = """
services:
  web:
    image: nginx:1.25
    ports:
      - "8080:80"
      - 127.0.0.1:8001:8001
      - "${WEB:-4173}:5173/tcp"
      - target: 443
        published: "8443"
      # - "1111:1111"
    environment:
      LEVEL: 7
  db:
    ports: ["5432:5432", 9090-9092:9090-9092]
    expose:
    - 6379
    volumes:
    - data-2222:/data
"""


def test_ports_of_a_compose_file() -> None:
    """Short and long form, spans, defaults and lists in a line; addresses and comments are none."""
    assert compose_ports(COMPOSE) == {
        *(8080, 80, 8001, 4173, 5173, 443, 8443),
        *(5432, 9090, 9091, 9092, 6379),
    }


def test_ports_of_a_dotenv_file() -> None:
    """Variables about ports, and the ports of addresses."""
    text = (
        "PORT=3000\nexport WEB_PORT='4173' # 99\n#OLD_PORT=1\nLEVEL=7\n"
        "DB=postgres://me:pw@db:5432/x\nRANGE_PORTS=7000-7002\nPORT_BAD=99999\n"
    )
    assert env_ports(text) == {3000, 4173, 5432, 7000, 7001, 7002}


@given(st.text() | st.text(alphabet="ports:-0123456789 \n\"'#=/.expPORT", max_size=200))
def test_no_text_is_a_fault(text: str) -> None:
    """Whatever stands in them, both readers give port numbers."""
    for port in compose_ports(text) | env_ports(text):
        assert 0 < port < 65_536


def test_a_project_is_the_folder_under_version_control(tmp_path: Path) -> None:
    """A clone has a folder .git, a worktree a file; without either it is the folder itself."""
    clone, tree, bare = tmp_path / "clone", tmp_path / "tree", tmp_path / "bare"
    for folder in (clone / "app" / "src", clone / ".git", tree / "app", bare):
        folder.mkdir(parents=True)
    (tree / ".git").write_text("gitdir: ../clone/.git/worktrees/tree\n", encoding="utf-8")
    host = Host()
    assert project_root(host, str(clone / "app" / "src")) == str(clone)
    assert project_root(host, str(tree / "app")) == str(tree)
    assert project_root(host, str(bare)) == str(bare)
    link = tmp_path / "link"
    link.symlink_to(clone)
    assert project_root(host, str(link / "app")) == str(clone)


def test_files_between_the_folder_and_the_top_are_read(tmp_path: Path) -> None:
    """Those of a sibling are not; the name is relative to the top."""
    app, other = tmp_path / "app", tmp_path / "other"
    for folder in (tmp_path / ".git", app, other):
        folder.mkdir()
    (tmp_path / "compose.override.yml").write_text("ports:\n - 8080:80\n", encoding="utf-8")
    (app / "real").write_text("PORT=3001\n", encoding="utf-8")
    (app / ".env.local").symlink_to("real")
    (other / ".env").write_text("PORT=3002\n", encoding="utf-8")
    found = read_project(Host(), str(app))
    assert found.root == str(tmp_path)
    assert found.named == {
        8080: "compose.override.yml",
        80: "compose.override.yml",
        3001: "app/.env.local",
    }
    assert found.gaps == ()


def test_what_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    """A FIFO is not waited for, a long file is not read, and more than 64 files neither."""
    os.mkfifo(tmp_path / ".env")
    (tmp_path / ".env.dir").mkdir()
    (tmp_path / ".env.gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / ".env.long").write_bytes(b"#" * ((1 << 20) + 1))
    (tmp_path / "compose.yaml").write_bytes(b"ports:\n - \xff8080:80\n")
    found = read_project(Host(), str(tmp_path))
    assert found.named.keys() >= {80}
    assert [gap.what for gap in found.gaps] == [
        *("the ports in .env", "the ports in .env.gone", "the ports in .env.long")
    ]
    for at in range(70):
        (tmp_path / f".env.{at:03}").write_text(f"PORT={9000 + at}\n", encoding="utf-8")
    found = read_project(Host(), str(tmp_path))
    assert any("more than 64" in gap.why for gap in found.gaps)
