"""A host joins with a token, once; and neither log has what it carried."""

import concurrent.futures
import json
import os
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.engines import Postgres
from portbook.cli import main
from portbook.fleet import enrolment, joining, migrating
from portbook.host.postgres import NotReached, connect
from portbook.model import NotPermitted, PortbookError, UsageError


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A store whose server logs every statement with its parameters."""
    made = Postgres(
        tmp_path_factory.mktemp("talking"),
        settings={
            "fsync": "off",
            "log_statement": "all",
            "log_min_duration_statement": "0",
            "log_parameter_max_length_on_error": "-1",
            "log_connections": "on",
        },
    )
    made.make().start().create()
    migrating.migrate(made.url)
    made.query("CREATE ROLE op LOGIN PASSWORD 'op-secret' IN ROLE portbook_operator")
    # Only a superuser's init keeps redemptions out of the log: here the log has them all.
    made.query("ALTER ROLE portbook_enrol RESET ALL")
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, store: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of this test's own; the store is asked as an operator."""
    monkeypatch.setenv("PORTBOOK_FLEET_HOME", str(tmp_path / "etc"))
    monkeypatch.setenv("PORTBOOK_FLEET_STORE", store.url_for("op", "op-secret"))


def token_for(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What `portbook fleet enrol` prints."""
    capsys.readouterr()
    assert main(["fleet", "enrol", *arguments]) == 0
    out = capsys.readouterr().out.split()
    assert len(out) == 1 and out[0].startswith("pbe1.")
    return out[0]


def test_a_host_joins_and_only_it_has_the_keys(
    store: Postgres, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """enrol, join: settings of mode 0600, a login of its own under row-level security."""
    text = token_for(
        *(capsys, "web-1.example", "--label", "role=web", "--bus", "nats://a:b@bus:4222")
    )
    path = tmp_path / "etc" / "fleet.toml"
    assert main(["fleet", "join", text, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "schema": "portbook/fleet-join/1",
        "host": "web-1.example",
        "login": "portbook_host_web_1_example",
        "store": f"127.0.0.1:{store.port}/portbook",
        "bus": "nats://bus:4222",
        "settings": str(path),
    }
    kept = tomllib.loads(path.read_text())
    assert set(kept) == {"host", "store", "bus", "nkey", "labels"}
    assert kept["labels"] == {"role": "web"}, "or its first report would take them away"
    seed = Path(kept["nkey"])
    assert {stat.S_IMODE(each.stat().st_mode) for each in (path, seed)} == {0o600}
    assert sorted(each.name for each in path.parent.iterdir()) == ["fleet.nk", "fleet.toml"]
    with migrating.open_store(kept["store"], name="test") as link:
        found = link.execute("SELECT id, labels, login, nkey FROM host").fetchall()
    assert [row[:3] for row in found] == [
        ("web-1.example", {"role": "web"}, "portbook_host_web_1_example")
    ]
    enrolment.check_nkey(found[0][3])
    role = store.query(
        "SELECT rolsuper, rolcreaterole, rolbypassrls, rolpassword LIKE 'SCRAM-SHA-256$%'"
        " FROM pg_authid WHERE rolname = 'portbook_host_web_1_example'"
    )
    assert role == [(False, False, False, True)]


def test_nothing_secret_is_in_a_log(
    store: Postgres, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The server logs all statements and parameters; portbook talks; no secret is in either."""
    token = enrolment.read_token(token_for(capsys, "quiet"))
    wrong = token._replace(secret=bytes(32))
    said = ""
    for name, each in (("wrong", wrong), ("kept", token), ("used", token)):
        main(["fleet", "join", each.text(), "--config", str(tmp_path / name)])
        out, err = capsys.readouterr()
        said += out + err
    kept = tomllib.loads((tmp_path / "kept").read_text())
    seed = Path(kept["nkey"]).read_text().strip()
    password = kept["store"].split(":")[2].partition("@")[0]
    # The test itself made the operator with its password in a statement.
    log = (store.folder / "log").read_text().replace("PASSWORD 'op-secret'", "")
    assert "portbook.redeem($1, $2, $3, $4)" in log, "the log has the redemption"
    book, enrolling = store.query(
        "SELECT encode(secret, 'hex'), password FROM portbook.book, portbook.enrolling"
    )[0]
    assert enrolling == token.password
    for secret in (
        *(token.secret.hex(), token.text(), token.text()[5:60], token.password),
        *(password, seed, "op-secret", str(book)),
    ):
        assert len(secret) > 8
        assert secret not in log
        assert secret not in said


def test_a_token_works_once_and_not_too_late(
    store: Postgres, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Wrong, used, expired, replaced: one clear line, exit code 4, and no file is left."""
    text = token_for(capsys, "once")
    token = enrolment.read_token(text)
    cases = {}
    path = str(tmp_path / "first.toml")
    assert main(["fleet", "join", text, "--config", path]) == 0
    cases["was used before"] = text
    cases["is not known"] = token._replace(secret=b"x" * 32).text()
    late = token_for(capsys, "late")
    store.query(
        "UPDATE portbook.enrolment SET expires = now() - interval '1 s' WHERE host ="
        " (SELECT number FROM portbook.host WHERE id = 'late')"
    )
    cases["has expired"] = late
    cases["not known to the store"] = token._replace(host="nobody").text()
    for words, offered in cases.items():
        capsys.readouterr()
        other = tmp_path / words / "fleet.toml"
        assert main(["fleet", "join", offered, "--config", str(other)]) == 4
        out, err = capsys.readouterr()
        assert out == "" and words in err
        lines = err.splitlines()
        assert len(lines) == 2 and lines[0].startswith("portbook: error: the token")
        assert lines[1].startswith("hint: ")
        assert list(other.parent.iterdir()) == []
    replaced = token_for(capsys, "late")
    assert main(["fleet", "join", late, "--config", str(tmp_path / "l.toml")]) == 4
    assert main(["fleet", "join", replaced, "--config", str(tmp_path / "l.toml")]) == 0


def test_many_at_once_with_one_token_are_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Six machines use one token at the same moment: one joins."""
    token = enrolment.read_token(token_for(capsys, "raced"))

    def attempt(number: int) -> bool:
        try:
            joining.join(token, str(tmp_path / str(number) / "fleet.toml"))
        except NotPermitted:
            return False
        return True

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(attempt, range(6))) == 1


def test_a_token_that_is_being_used_makes_others_wait(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Until the first is done, the second has no answer; and then it was used."""
    token = enrolment.read_token(token_for(capsys, "held"))
    door = enrolment.place_url(token.store, user="portbook_enrol", password=token.password)
    given = (enrolment.proof(token.secret, None, ""),)
    asked = "SELECT outcome FROM portbook.redeem('held', %s, NULL, NULL)"
    with (
        connect(door, name="test", autocommit=False) as first,
        connect(door, name="test") as second,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        assert first.execute(asked, given).fetchone() == ("joined",)
        waiting = pool.submit(lambda: second.execute(asked, given).fetchone())
        assert not concurrent.futures.wait([waiting], 0.3).done
        first.commit()
        assert waiting.result(10) == ("used",)


def test_what_a_log_shows_cannot_be_used_for_something_else(
    store: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    """The proof of one request is none of another: neither password nor key can be changed."""
    token = enrolment.read_token(token_for(capsys, "masked"))
    seen = enrolment.proof(token.secret, None, "U" + "A" * 55)
    door = enrolment.place_url(token.store, user="portbook_enrol", password=token.password)
    with connect(door, name="test") as link:
        for key in ("U" + "B" * 55, None):
            found = link.execute(
                "SELECT outcome FROM portbook.redeem('masked', %s, NULL, %s)", (seen, key)
            ).fetchone()
            assert found == ("unknown",)
        for plain in ("plain password", "md5" + "0" * 32, "SCRAM-SHA-256$4096:x"):
            found = link.execute(
                "SELECT outcome FROM portbook.redeem('masked', %s, %s, NULL)",
                (enrolment.proof(token.secret, plain, ""), plain),
            ).fetchone()
            assert found == ("refused",)
    assert store.query("SELECT FROM pg_roles WHERE rolname = 'portbook_host_masked'") == []


def test_a_login_that_is_somebody_elses_is_not_taken_over(
    store: Postgres, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A role of the host's name that is no agent, or mighty, keeps its password."""
    for host, making in (("theirs", "NOLOGIN"), ("mighty", "SUPERUSER IN ROLE portbook_agent")):
        store.query(f"CREATE ROLE portbook_host_{host} {making}")
        text = token_for(capsys, host)
        assert main(["fleet", "join", text, "--config", str(tmp_path / host / "f.toml")]) == 4
        assert "refuses to make this host's login" in capsys.readouterr().err
        store.query(f"DROP ROLE portbook_host_{host}")


def test_hosts_whose_names_become_one_get_logins_of_their_own(
    store: Postgres, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """`a-b`, `a.b` and an id of 63 characters: no two share a login, none is cut off."""
    for number, host in enumerate(("a-b", "a.b", "a_b", "l" * 63)):
        text = token_for(capsys, host)
        path = tmp_path / str(number) / "fleet.toml"
        assert main(["fleet", "join", text, "--config", str(path)]) == 0
        with migrating.open_store(tomllib.loads(path.read_text())["store"], name="test") as link:
            assert link.execute("SELECT id FROM host").fetchall() == [(host,)]
    assert store.query("SELECT max(length(login)) < 64 FROM portbook.host") == [(True,)]


def test_a_lost_answer_is_asked_for_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token was used, and its answer lost: whether that was us, the new login tells."""
    token = enrolment.read_token(token_for(capsys, "lost"))
    real = enrolment.redeem
    lost: list[object] = []

    def losing(*given: object, **named: object) -> enrolment.Joined:
        made = real(*given, **named)  # type: ignore[arg-type] # as they came
        if not lost:
            lost.append(made)
            raise NotReached("it broke")
        return made

    monkeypatch.setattr(joining, "redeem", losing)
    joined = joining.join(token, str(tmp_path / "fleet.toml"))
    assert lost == [joined]
    lost.clear()
    with pytest.raises(PortbookError):
        joining.join(token, str(tmp_path / "other.toml"))


def test_who_has_joined_is_not_written_over(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The settings stay, and the token still works."""
    path = tmp_path / "fleet.toml"
    path.write_text("host = 'x'\n")
    text = token_for(capsys, "twice")
    assert main(["fleet", "join", text, "--config", str(path)]) == 2
    assert "this host has joined" in capsys.readouterr().err
    assert path.read_text() == "host = 'x'\n"
    assert main(["fleet", "join", text, "--config", str(tmp_path / "b.toml")]) == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_costs_no_token(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The files come first: the token is redeemed when they are there."""
    text = token_for(capsys, "unwritten")
    assert main(["fleet", "join", text, "--config", "/proc/none/fleet.toml"]) in (4, 5)


def test_a_host_on_the_bus_alone_has_a_row_and_no_login(
    store: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    """--nkey takes the public key; a seed is refused without being repeated."""
    seed, public = enrolment.new_nkey()
    assert main(["fleet", "enrol", "bus-only", "--nkey", public, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["token"] is None
    assert store.query("SELECT login, nkey FROM portbook.host WHERE id = 'bus-only'") == [
        (None, public)
    ]
    assert main(["fleet", "enrol", "bus-only", "--nkey", seed]) == 2
    out, err = capsys.readouterr()
    assert "that is a seed" in err and seed not in out + err


def test_a_token_has_no_password_of_the_operator(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither its user nor its password is in what the token carries."""
    token = enrolment.read_token(token_for(capsys, "bare", "--bus", "nats://me:pw@b:1"))
    everything = json.dumps([str(each) for each in token])
    for secret in ("op-secret", "op:", "me:", "pw@"):
        assert secret not in everything
    assert token.bus == "nats://b:1"


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: "pbe1." + b.hex()))
def test_any_text_is_a_token_or_refused(text: str) -> None:
    """Whatever is handed in as a token: a usage error, never another."""
    with pytest.raises(UsageError):
        enrolment.read_token(text)


VALUES = st.none() | st.text(max_size=20) | st.integers() | st.lists(st.text(max_size=3))


@given(st.fixed_dictionaries(dict.fromkeys(enrolment.Token._fields, VALUES)))
def test_any_document_in_a_token_is_refused_or_clean(body: dict[str, object]) -> None:
    """What is let through has the right types, and no character that ends a line."""
    import base64

    packed = base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")
    try:
        token = enrolment.read_token(enrolment.PREFIX + packed)
    except UsageError:
        return
    assert len(token.secret) == 32 and token.store.isprintable() and token.host.isascii()


@given(
    st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True),
    st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=30),
    st.binary(min_size=32, max_size=32),
)
def test_a_token_is_read_as_it_was_written(host: str, password: str, secret: bytes) -> None:
    """From a record to text and back."""
    token = enrolment.Token(host, "postgresql://h:1/d", password, secret, None, "", "2026")
    assert enrolment.read_token(token.text()) == token


@given(
    st.dictionaries(
        st.sampled_from(["user", "password", "dbname", "host", "port", "sslmode"]),
        st.text(
            st.characters(codec="ascii", min_codepoint=33, max_codepoint=126),
            min_size=1,
            max_size=12,
        ),
    )
)
def test_a_url_means_what_its_parts_said(parts: dict[str, str]) -> None:
    """Whatever stands in a password or name: libpq reads from the URL what we put into it."""
    from psycopg.conninfo import conninfo_to_dict

    if not parts.get("port", "1").isdigit() or set(parts.get("host", "h")) & set("[]%,:"):
        return
    found = conninfo_to_dict(enrolment._joined(parts))
    assert {key: str(value) for key, value in found.items()} == parts


def test_nkeys_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    """A key with one letter changed is none: its check sum says so."""
    _, public = enrolment.new_nkey()
    assert enrolment.check_nkey(public) == public
    other = public[:-1] + ("A" if public[-1] != "A" else "B")
    for wrong in (other, public.lower(), public[:-1], "", "U" * 56, "A" + public[1:]):
        with pytest.raises(UsageError):
            enrolment.check_nkey(wrong)
