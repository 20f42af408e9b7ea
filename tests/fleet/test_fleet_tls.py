"""PostgreSQL with client certificates: a host without a password, and who is kept out."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from fleet.certificates import Authority
from fleet.engines import Postgres, reachable
from portbook.cli import main
from portbook.fleet import enrolment, migrating
from portbook.host.postgres import connect
from portbook.model import PortbookError

HBA = """
hostssl all +portbook_agent all cert
hostssl all all all scram-sha-256
"""


def test_a_host_joins_with_a_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server proves who it is, the host too: its login has no password at all."""
    ours = Authority(reachable("ours") / "files")
    theirs = Authority(tmp_path / "theirs")
    certificate, key = ours.issue("server", owner="postgres")
    store = Postgres(
        tmp_path / "pg",
        settings={
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": str(certificate),
            "ssl_key_file": str(key),
            "ssl_ca_file": str(ours.ca),
        },
    )
    store.make()
    store.start()
    try:
        store.create()
        migrating.migrate(store.url)
        (store.data / "pg_hba.conf").write_text(HBA)
        store.query("SELECT pg_reload_conf()")
        monkeypatch.setenv("PORTBOOK_FLEET_HOME", str(tmp_path / "etc"))
        where = f"{store.url}?sslmode=verify-full&sslrootcert={ours.ca}"
        assert main(["fleet", "enrol", "web", "--store", where]) == 0
        token = capsys.readouterr().out.strip()
        client, secret = ours.issue("portbook_host_web")
        join = ["fleet", "join", token, "--certificate", str(client), "--key", str(secret)]
        assert main(join) == 0, capsys.readouterr().err
        kept = tomllib.loads((tmp_path / "etc" / "fleet.toml").read_text())
        assert kept["store"].startswith("postgresql://portbook_host_web@127.0.0.1:")
        assert "sslmode=verify-full" in kept["store"]
        assert (tmp_path / "etc" / "fleet-ca.pem").read_text() == ours.ca.read_text()
        with migrating.open_store(kept["store"], name="test") as link:
            assert link.execute("SELECT id FROM host").fetchall() == [("web",)]
            assert link.execute(
                "SELECT ssl, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            ).fetchone() == (True, "/CN=portbook_host_web")
        assert store.query("SELECT rolpassword FROM pg_authid WHERE rolname LIKE '%_web'") == [
            (None,)
        ]
        plain = enrolment.bare(kept["store"])

        def refused(**extra: str) -> None:
            url = enrolment.place_url(plain, user="portbook_host_web", **extra)
            with pytest.raises(PortbookError):
                connect(url, name="test").close()

        root = {"sslrootcert": str(ours.ca)}
        refused(**root)
        for name, authority in (("portbook_host_db", ours), ("portbook_host_web", theirs)):
            other, its_key = authority.issue(name)
            refused(**root, sslcert=str(other), sslkey=str(its_key))
        # And a server that another authority vouches for is not believed.
        refused(sslrootcert=str(theirs.ca), sslcert=str(client), sslkey=str(secret))
    finally:
        store.stop()


def test_the_certificates_are_as_openssl_sees_them(tmp_path: Path) -> None:
    """The authority of these tests is one: otherwise every refusal above would prove nothing."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs", "another")
    certificate, _ = ours.issue("a")
    for authority, code in ((ours, 0), (theirs, 2)):
        done = subprocess.run(
            ["openssl", "verify", "-CAfile", str(authority.ca), str(certificate)],
            capture_output=True,
        )
        assert done.returncode == code, done.stderr
