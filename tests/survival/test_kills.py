"""Whatever is killed, and whenever: after a restart and a load, the tables are those of an undisturbed run."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, create_engine, text

import gans.source
from gans.database import migrate
from gans.database.engine import open_engine
from gans.settings import Settings
from gans.source import Capture
from gans.sources import asked
from gans.storage.landing import Footer, Header, PartKey, PartWriter
from gans.storage.store import FolderStore
from local.servers import mysql
from local.simulator import Simulator, World, openmeteo, upstream
from tests.survival.conftest import KEYS, NOW, Output, content, dump, write_watchlist

ROUNDS = 3
PARTS = 5
GANS = f"""
from datetime import datetime
from local.cli import main
from local.cli.commands import collect, decide, maintain, serve
for command in (collect, decide, maintain, serve):
    command.utc_now = lambda: datetime.fromisoformat({NOW.isoformat()!r})
main.main()
"""
"""The command in a process of its own, with a clock that stands."""


class Command:
    """The command as a process, in a folder with a watchlist."""

    def __init__(self, folder: Path, database_url: str, simulator_url: str = "") -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GANS_")},
            **KEYS,
            "GANS_DATABASE_URL": database_url,
            "GANS_SIMULATOR_URL": simulator_url,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        command = (sys.executable, "-c", GANS, *arguments)
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def __call__(self, *arguments: str) -> Output:
        """Runs it to its end; a traceback fails the test."""
        return ended(self.start(*arguments))


def ended(process: "subprocess.Popen[str]") -> Output:
    out, err = process.communicate(timeout=600)
    assert "Traceback" not in out + err, err
    return Output(process.returncode, out, err)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(cities=4, clock=lambda: NOW) as running:
        yield running


@pytest.mark.databases("sqlite", "mysql")  # to MariaDB too, a client that is gone is a transaction that is rolled back
def test_a_process_killed_at_any_moment_of_a_run_costs_nothing(
    engine: Engine, database: str, database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    undisturbed, disturbed = (tmp_path / name for name in ("undisturbed", "disturbed"))
    for folder in (undisturbed, disturbed):
        folder.mkdir()
        write_watchlist(folder, simulator.world)
    whole = Command(undisturbed, f"sqlite:///{undisturbed}/gans.db", simulator.url)
    seconds = _seconds_of_work(whole, simulator)
    expected = open_engine(Settings(database_url=f"sqlite:///{undisturbed}/gans.db"))

    command, moments = Command(disturbed, database_url, simulator.url), random.Random(f"moments {database}")
    for _ in range(ROUNDS):
        asked = len(simulator.requests)
        process = command.start("collect")
        _await_request(simulator, asked, process)
        time.sleep(moments.uniform(0, seconds))
        process.kill()
        process.communicate(timeout=600)
    assert command("load").code in (0, 1)
    after_kills = dump(engine)
    assert len(after_kills["collection_runs"]) == len(list(FolderStore(disturbed / "data").keys("landing/")))
    assert command("collect").code == 0
    assert content(engine) == content(expected)

    again = Command(disturbed, f"sqlite:///{tmp_path}/again.db")
    assert again("load").code in (0, 1)
    rebuilt = open_engine(Settings(database_url=f"sqlite:///{tmp_path}/again.db"))
    assert dump(rebuilt) == dump(engine)
    for used in (expected, rebuilt):
        used.dispose()


def _seconds_of_work(command: Command, simulator: Simulator) -> float:
    """How long an undisturbed run takes, from its first request to its end."""
    process = command.start("collect")
    _await_request(simulator, 0, process)
    began = time.monotonic()
    assert ended(process).code == 0
    return time.monotonic() - began


def _await_request(simulator: Simulator, asked: int, process: "subprocess.Popen[str]") -> None:
    while len(simulator.requests) == asked and process.poll() is None:
        time.sleep(0.002)


@pytest.mark.servers
def test_a_database_killed_in_mid_load_loses_nothing_and_keeps_no_half(killable: mysql.Server, tmp_path: Path) -> None:
    folder = tmp_path / "disturbed"
    _land_much(folder)
    expected = open_engine(Settings(database_url=f"sqlite:///{tmp_path}/expected.db"))
    migrate.upgrade(expected)
    assert Command(folder, f"sqlite:///{tmp_path}/expected.db")("load").code == 0
    root = create_engine(killable.url)
    with root.begin() as connection:
        connection.execute(text("CREATE DATABASE kills"))
    root.dispose()
    command, moments = Command(folder, f"{killable.url}kills"), random.Random("kills")
    migrated = open_engine(Settings(database_url=f"{killable.url}kills"))
    migrate.upgrade(migrated)
    for round_ in range(2):
        process = command.start("load")
        loaded = _await_insert(migrated, process)
        time.sleep(moments.uniform(0, 0.2))
        killable.kill()
        output = ended(process)
        assert output.code == 3, f"the database outlived the load of round {round_}: {output}"
        assert output.err.startswith("The database: ")
        assert "What was landed is kept" in output.err
        assert mysql.start("mysql", home=killable.home) == killable
        migrated.dispose()
        found = dump(migrated)
        known = {line["landing_key"] for line in found["collection_runs"]}
        assert loaded <= len(known) < PARTS
        stored = {(row["city_id"], row["issued_at"]) for row in found["weather_forecasts"]}
        assert len(found["weather_forecasts"]) == 168 * len(stored), "half of a part was kept"
        assert {issued for _, issued in stored} == {line["slot_at"] for line in found["collection_runs"]}
    assert command("load").code == 0
    assert dump(migrated) == dump(expected)
    for used in (migrated, expected):
        used.dispose()


def _land_much(folder: Path) -> None:
    """Lands several slots of forty cities' weather; each takes a database a while."""
    folder.mkdir()
    source, world, store = asked()["weather"], World(40), FolderStore(folder / "data")
    cities = [
        {"city_id": city.city_id, "latitude": city.latitude, "longitude": city.longitude, "timezone": city.timezone}
        for city in world.cities
    ]
    for back in range(PARTS):
        slot = source.schedule.slot(NOW) - back * source.schedule.period
        (request,) = source.plan(Cities(cities), slot)
        assert isinstance(request, gans.source.Request)
        body = openmeteo.answer(world, upstream.Request(source.hosts[0], "/v1/forecast", request.params), slot).body
        writer = PartWriter(Header(source=source.name, slot=slot, attempt=slot, part=1, code_version=""))
        writer.add(
            Capture(
                unit=request.unit,
                url=request.full_url,
                status=200,
                slot=slot,
                fetched_at=slot,
                context=request.context,
                body=body,
            )
        )
        store.write(
            str(PartKey.of(writer.header)),
            writer.close(Footer(finished_at=slot, requests=1, bytes_received=len(body), captures=1)),
        )


class Cities(NamedTuple):
    """A `Reference` of cities alone."""

    cities: list[dict[str, Any]]

    def rows(self, _table: str) -> list[dict[str, Any]]:
        return self.cities


def _await_insert(engine: Engine, process: "subprocess.Popen[str]") -> int:
    """Waits until rows are on their way; the number of parts that were loaded before."""
    with engine.connect() as connection:
        before = connection.scalar(text("SELECT COUNT(*) FROM collection_runs")) or 0
        while process.poll() is None:
            if connection.scalar(text("SELECT COUNT(*) FROM performance_schema.processlist WHERE info LIKE 'INSERT INTO%'")):
                break
            time.sleep(0.01)
    return before
