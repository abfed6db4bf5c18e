"""The benchmarks of stations live: both sides are given the same rows, and store the same; nothing is timed here."""

import os
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Engine, delete, select

from benchmarks import archive, deployed, minute, snapshot
from benchmarks.database import let_load_data
from gans.database.engine import open_engine
from gans.load.transform import parse_part
from gans.settings import Settings
from gans.source import Rows
from gans.sources.station_status import source
from gans.storage.landing import read_part
from gans.storage.store import FolderStore
from gans.tables.mobility import station_status, station_vehicle_types
from local.servers.deployment import Deployed
from local.simulator import Simulator
from local.simulator.gbfs import TESTVILLE, VELIB

SYSTEMS, STATIONS = 3, 4


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minute, "SYSTEMS", SYSTEMS)
    monkeypatch.setattr(minute, "STATIONS", STATIONS)


@pytest.mark.usefixtures("small")
def test_a_minute_is_landed_in_parts_and_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = minute.FIRST, minute.FIRST + timedelta(minutes=1)
    bodies = [capture.body for capture in minute.captures(first)]
    assert bodies == [capture.body for capture in minute.captures(first)]
    assert not set(bodies) & {capture.body for capture in minute.captures(second)}
    monkeypatch.setattr(minute, "PART_BYTES", len(bodies[0]) + len(bodies[1]))
    keys = minute.land(minute.Setup(tmp_path, cast("Engine", None), iter(())), first)
    assert len(keys) == 2
    for key in keys:
        data = FolderStore(tmp_path).read(key)
        assert data
        result = parse_part(source, read_part(data), {})
        assert result.status == "ok"
        assert len({len(rows) for rows in result.rows.values()}) == 1, "a row of each table for a station"


@pytest.mark.databases("mysql")
@pytest.mark.usefixtures("small")
def test_a_loader_and_load_data_store_the_same(engine: Engine, database_url: str, tmp_path: Path) -> None:
    reading = let_load_data(open_engine(Settings(database_url=database_url)))
    setup = minute.Setup(tmp_path, reading, iter([minute.FIRST, minute.FIRST]))
    stored = []
    with minute.loaders(2, setup) as run:
        for way in (run, lambda: minute.load_data(setup)):
            with engine.begin() as connection:
                for table in (station_status, station_vehicle_types):
                    connection.execute(delete(table))
            assert way() > 0
            with engine.connect() as connection:
                stored.append([connection.execute(select(table)).all() for table in (station_status, station_vehicle_types)])
    reading.dispose()
    assert stored[0] == stored[1]
    assert [len(rows) for rows in stored[0]] == [SYSTEMS * STATIONS] * 2


@pytest.mark.skipif("GANS_CAPTURES" not in os.environ, reason="GANS_CAPTURES is not set")
def test_pandas_makes_as_many_rows_of_an_answer() -> None:
    capture = next(archive.minutes(Path(os.environ["GANS_CAPTURES"]) / archive.ANSWER))
    assert snapshot.normalize(capture.body) == [len(rows.values) for rows in source.parse(capture) if isinstance(rows, Rows)]


def test_without_the_recorded_answer_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANS_CAPTURES", raising=False)
    with snapshot.suite() as suite:
        assert not suite.benchmarks
        assert "GANS_CAPTURES" in suite.why_none


def test_each_minute_has_an_answer_of_its_own_and_its_end_is_known() -> None:
    clock = deployed.Clock()
    with Simulator(3, clock=clock) as simulator:
        timed = deployed.Timed(cast("Deployed", SimpleNamespace(simulator=simulator)))
        bodies: list[Any] = []
        before = time.monotonic()
        for path in (f"{VELIB}/opendata/Velib_Metropole/station_status.json",) * 2:
            with urllib.request.urlopen(f"{simulator.url}/{path}") as answer:
                bodies.append(answer.read())
            clock.tick()
        assert bodies[0] != bodies[1]
        assert timed.answered.keys() == {VELIB}
        assert before < timed.answered[VELIB] < time.monotonic()
        assert timed.share_s() > 0
        with urllib.request.urlopen(f"{simulator.url}/{TESTVILLE}/3.0/gbfs.json"):
            assert timed.answered.keys() == {VELIB, TESTVILLE}
    assert clock() > datetime.now(UTC) + timedelta(minutes=2)
