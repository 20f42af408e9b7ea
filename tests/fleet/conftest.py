"""Engines that the fleet's tests share: one PostgreSQL and one nats-server for each test module."""

from collections.abc import Iterator

import pytest

from fleet.engines import Nats, Postgres


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A cluster without any database of ours; fsync is off, as these tests cut no power."""
    made = Postgres(tmp_path_factory.mktemp("postgres"), settings={"fsync": "off"})
    made.make().start()
    yield made
    made.stop()


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Postgres]:
    """The same with an empty database `portbook`, gone afterwards."""
    postgres.create()
    yield postgres
    postgres.query("DROP DATABASE portbook WITH (FORCE)", "postgres")


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """A bus without permissions."""
    made = Nats(tmp_path_factory.mktemp("nats")).start()
    yield made
    made.kill()
