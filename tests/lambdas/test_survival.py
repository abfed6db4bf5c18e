"""The load function against a real MySQL that is killed, against its own death, in a crowd, and after a newer deploy."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gans.database import migrate
from gans.database.engine import open_engine
from gans.settings import Settings
from gans.tables import metadata
from lambdas import load
from local.servers import mysql
from tests.lambdas.conftest import Context, Landing, batch, clear_resources, failed, notification_of
from tests.survival.conftest import dump

LOADERS, DELIVERIES, BATCH = 8, 3, 4

LOADER = """
import json, sys
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from lambdas import load
from tests.lambdas.conftest import Context, batch, failed, notification_of

for line in sys.stdin:
    keys = json.loads(line)
    try:
        again = failed(load.handler(batch([notification_of(key) for key in keys]), Context()))
    except BatchProcessingError:
        again = range(len(keys))
    print("AGAIN", json.dumps([keys[index] for index in again]), flush=True)
"""
"""An environment of the load function: takes a batch of keys a line, and says which of them are to be delivered again."""


@pytest.fixture
def tables(killable: mysql.Server, environment: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An empty database, migrated; the function knows it."""
    root = open_engine(Settings(database_url=f"{killable.url}mysql"))
    with root.begin() as connection:
        connection.exec_driver_sql("CREATE DATABASE gans")
    environment.setenv("GANS_DATABASE_URL", f"{killable.url}gans")
    engine = open_engine(Settings(database_url=f"{killable.url}gans"))
    migrate.upgrade(engine)
    yield engine
    clear_resources()
    with root.begin() as connection:
        connection.exec_driver_sql("DROP DATABASE gans")
    for used in (engine, root):
        used.dispose()


@pytest.fixture
def keys(landing: Landing, tmp_path: Path, environment: pytest.MonkeyPatch) -> list[str]:
    """What was landed, in an order of no meaning; the function reads a copy of it."""
    shutil.copytree(landing.folder, tmp_path / "data")
    environment.setenv("GANS_LANDING", str(tmp_path / "data"))
    return random.Random("keys").sample(landing.keys, len(landing.keys))


class Loader:
    """A process with the load function."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen((sys.executable, "-c", LOADER), stdin=pipe, stdout=pipe, text=True, env=environment)

    def send(self, keys: list[str]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(keys) + "\n")
        self.process.stdin.flush()

    def again(self) -> list[str]:
        """Of the next batch: what is to be delivered again."""
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("AGAIN "):
                found: list[str] = json.loads(line.removeprefix("AGAIN "))
                return found
        raise AssertionError("the loader ended")

    def deliver(self, keys: list[str]) -> list[str]:
        """What is to be delivered again of all of `keys`."""
        left = []
        for start in range(0, len(keys), BATCH):
            self.send(keys[start : start + BATCH])
            left += self.again()
        return left

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def loaders() -> Iterator[list[Loader]]:
    """Where a test puts its loaders, so that they end with it."""
    running: list[Loader] = []
    yield running
    for loader in running:
        loader.end()


def await_insert(engine: Engine) -> None:
    """Waits until rows are on their way."""
    with engine.connect() as connection:
        for _ in range(6_000):
            query = "SELECT COUNT(*) FROM performance_schema.processlist WHERE info LIKE 'INSERT INTO%%'"
            if connection.exec_driver_sql(query).scalar():
                return
            time.sleep(0.01)
    raise AssertionError("no row was sent")


@pytest.mark.servers
def test_a_database_killed_in_mid_load_and_away_for_many_deliveries_costs_nothing(
    killable: mysql.Server, tables: Engine, keys: list[str], landing: Landing, loaders: list[Loader]
) -> None:
    loaders.append(Loader())
    (loader,) = loaders
    weather = sorted(keys, key=lambda key: "weather" not in key)
    loader.send(weather)
    await_insert(tables)
    killable.kill()
    waiting = loader.again()
    assert waiting, "the database outlived the load"
    for _ in range(3):
        assert loader.deliver(waiting) == waiting
    assert mysql.start("mysql", home=killable.home) == killable
    tables.dispose()
    assert len(dump(tables)["collection_runs"]) >= len(keys) - len(waiting)
    assert loader.deliver(waiting) == [], "the same environment of the function goes on"
    assert dump(tables) == landing.tables


@pytest.mark.servers
def test_a_loader_killed_in_mid_transaction_costs_nothing(
    tables: Engine, keys: list[str], landing: Landing, loaders: list[Loader]
) -> None:
    weather = sorted(keys, key=lambda key: "weather" not in key)
    for round_ in range(3):
        loaders.append(Loader())
        loaders[-1].send(weather[round_:])
        await_insert(tables)
        loaders[-1].end()
    assert len(dump(tables)["collection_runs"]) < len(keys)
    loaders.append(Loader())
    assert loaders[-1].deliver(keys) == []
    assert dump(tables) == landing.tables


@pytest.mark.servers
def test_every_message_three_times_in_any_order_to_eight_loaders_at_once(
    tables: Engine, keys: list[str], landing: Landing, loaders: list[Loader]
) -> None:
    deliveries = random.Random("deliveries").sample(keys * DELIVERIES, len(keys) * DELIVERIES)
    loaders += [Loader() for _ in range(LOADERS)]
    for number, loader in enumerate(loaders):
        mine = deliveries[number::LOADERS]
        for start in range(0, len(mine), BATCH):
            loader.send(mine[start : start + BATCH])
    for number, loader in enumerate(loaders):
        for _ in range(0, len(deliveries[number::LOADERS]), BATCH):
            assert loader.again() == []
    assert dump(tables) == landing.tables


# Two deploys' versions at once


def expand(engine: Engine) -> None:
    """Does to every table what a revision of a newer release may do (see `schema/migrations/README.md`)."""
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            for change in (
                "ADD COLUMN later_note VARCHAR(20) NULL",
                "ADD COLUMN later_count INTEGER NOT NULL DEFAULT 7 FIRST",
                "ADD INDEX later_ix (later_count)",
            ):
                connection.exec_driver_sql(f"ALTER TABLE {table.name} {change}")
        connection.exec_driver_sql("ALTER TABLE rejects MODIFY unit VARCHAR(400) NOT NULL")
        for change in (
            "CREATE TABLE later (city_id INTEGER PRIMARY KEY, FOREIGN KEY (city_id) REFERENCES cities (city_id))",
            "ALTER TABLE rejects MODIFY unit VARCHAR(400) NOT NULL",
            "DROP VIEW city_hours",
            "UPDATE alembic_version SET version_num = '9999'",
        ):
            connection.exec_driver_sql(change)


@pytest.mark.servers
def test_the_load_function_of_before_works_on_the_tables_of_after(tables: Engine, keys: list[str], landing: Landing) -> None:
    expand(tables)
    assert failed(load.handler(batch([notification_of(key) for key in keys]), Context())) == []
    assert dump(tables) == landing.tables
    with tables.connect() as connection:
        assert connection.exec_driver_sql("SELECT DISTINCT later_note, later_count FROM cities").all() == [(None, 7)]


@pytest.mark.servers
def test_a_change_that_is_not_allowed_makes_messages_wait_and_loses_none(
    tables: Engine, keys: list[str], landing: Landing
) -> None:
    """A required column without a default: its table's batches wait in the queue until the code knows it, or it is taken back."""
    with tables.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE weather_forecasts ADD COLUMN later_count INTEGER NOT NULL")
    waiting = [keys[index] for index in failed(load.handler(batch([notification_of(key) for key in keys]), Context()))]
    assert {key.split("/")[1] for key in waiting} == {"openweather", "weather"}
    with tables.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE weather_forecasts DROP COLUMN later_count")
    assert failed(load.handler(batch([notification_of(key) for key in waiting]), Context())) == []
    assert dump(tables) == landing.tables
