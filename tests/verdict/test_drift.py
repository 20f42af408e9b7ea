"""What differs from a baseline, and what does not: restarts and upgrades."""

from collections.abc import Sequence

import pytest

from portbook.model import NOT_ASKED, Unknown
from portbook.model.finding import Drift, Holder, Kept
from portbook.verdict.drift import drift, is_same

NGINX = Holder(None, "nginx.service", None, "dpkg/nginx-light", "/usr/sbin/nginx")
REDIS = Holder(None, "redis-server.service", None, "dpkg/redis-server", "/usr/bin/redis-server")
APP = Holder(None, None, "/home/ann/app", "dpkg/python3.11-minimal", "/usr/bin/python3.11")
LOOSE = Holder(None, None, None, None, "/srv/x/server")
DENIED = Unknown("denied")
HIDDEN = Holder(DENIED, DENIED, DENIED, DENIED, DENIED)


def kept(port: int, *holders: Holder, transport: str = "tcp", reach: str = "any") -> Kept:
    """One entry."""
    return Kept(transport, reach, port, holders)


def compare(before: Sequence[Kept], now: Sequence[Kept]) -> Drift:
    """The drift, with Linux' ephemeral range."""
    return drift(before, now, is_ephemeral=lambda port: 32768 <= port <= 60999)


def test_nothing_changed_is_no_drift() -> None:
    """The same listeners in another order."""
    rows = [kept(80, NGINX), kept(6379, REDIS, reach="loopback")]
    assert compare(rows, rows[::-1]) == Drift()


def test_what_came_and_what_went_is_told() -> None:
    """By transport, reach and port."""
    found = compare([kept(80, NGINX)], [kept(6379, REDIS)])
    assert [entry.port for entry in found.added] == [6379]
    assert [entry.port for entry in found.gone] == [80]


def test_another_reach_is_another_listener() -> None:
    """Redis that moved from loopback to every address is what one wants to hear of."""
    found = compare([kept(6379, REDIS, reach="loopback")], [kept(6379, REDIS)])
    assert (found.added[0].reach, found.gone[0].reach) == ("any", "loopback")


def test_another_program_on_the_same_port_is_a_change() -> None:
    """Both holders are told."""
    found = compare([kept(80, NGINX)], [kept(80, LOOSE)])
    assert (found.changed[0].before.holders, found.changed[0].now.holders) == ((NGINX,), (LOOSE,))


@pytest.mark.parametrize(
    ("before", "now"),
    [
        # dist-upgrade: the unit, the package and the file carry a version
        (
            Holder(
                None,
                "postgresql@15-main.service",
                None,
                "dpkg/postgresql-15",
                "/usr/lib/postgresql/15/bin/postgres",
            ),
            Holder(
                None,
                "postgresql@16-main.service",
                None,
                "dpkg/postgresql-16",
                "/usr/lib/postgresql/16/bin/postgres",
            ),
        ),
        (APP, APP._replace(package="dpkg/python3.12-minimal", executable="/usr/bin/python3.12")),
        (
            Holder(None, None, None, None, "/home/ann/.nvm/versions/node/v20.1.0/bin/node"),
            Holder(None, None, None, None, "/home/ann/.nvm/versions/node/v22.4.1/bin/node"),
        ),
        # a container that was made anew from a newer image
        (
            Holder("docker/web", "docker.service", None, None, "/app/a"),
            Holder("docker/web", "docker.service", None, None, "/app/b"),
        ),
        # root wrote it, another user compares, and the other way round
        (NGINX, HIDDEN._replace(unit="nginx.service")),
        (HIDDEN, NGINX),
        (NGINX, NGINX._replace(project=NOT_ASKED)),
    ],
)
def test_an_upgrade_or_a_look_with_less_rights_is_no_change(before: Holder, now: Holder) -> None:
    """Only facts that are known of both are compared, without their versions."""
    assert is_same(before, now)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (NGINX, NGINX._replace(unit="other.service")),
        (NGINX, NGINX._replace(package=None, executable="/usr/sbin/nginx")),
        (NGINX, NGINX._replace(package="dpkg/apache2")),
        (LOOSE, LOOSE._replace(executable="/srv/y/server")),
        (Holder(None, None, None, None, "/srv/app1"), Holder(None, None, None, None, "/srv/app2")),
        (APP, APP._replace(project="/home/ann/other")),
        (Holder("docker/web"), Holder("docker/db")),
        (Holder(None, None, None, None, None, "nfsd"), LOOSE),
    ],
)
def test_another_unit_package_or_file_is_a_change(before: Holder, now: Holder) -> None:
    """Among them a unit whose program no package owns any more."""
    assert not is_same(before, now)


def test_fewer_workers_are_no_change_and_a_stranger_among_them_is() -> None:
    """A holder now has to be one of those before."""
    assert compare([kept(80, NGINX, REDIS)], [kept(80, NGINX)]) == Drift()
    assert compare([kept(80, NGINX)], [kept(80, NGINX, LOOSE)]).changed


def test_a_program_that_takes_another_number_at_each_start_is_no_drift() -> None:
    """One ephemeral number went, one came, and the holder is the same."""
    assert compare([kept(40001, LOOSE)], [kept(50002, LOOSE)]) == Drift()
    more = compare([kept(40001, LOOSE)], [kept(50002, LOOSE), kept(50003, LOOSE)])
    assert [entry.port for entry in more.added] == [50003]
    assert compare([kept(40001, LOOSE)], [kept(50002, NGINX)]).gone


def test_a_low_number_that_moves_is_drift() -> None:
    """Only the kernel's own choice is free."""
    found = compare([kept(8080, LOOSE)], [kept(8081, LOOSE)])
    assert found.added and found.gone


def test_clients_own_udp_sockets_are_left_out() -> None:
    """A resolver has another one each second; the kernel's wireguard stays."""
    client = kept(41000, LOOSE, transport="udp")
    wireguard = kept(51820, Holder(None, None, None, None, None, "wireguard"), transport="udp")
    assert compare([], [client]) == Drift()
    assert compare([], [wireguard]).added == (wireguard,)
