"""The benchmark of many cities: both ways answer the same question and store the same; nothing is timed here."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, insert, select

from benchmarks import cities as benchmark
from gans.storage.reference import snapshot_key
from gans.storage.store import FolderStore
from gans.tables import cities, weather_forecasts
from local.simulator import Simulator


@pytest.mark.databases("sqlite", "mysql")
def test_both_ways_store_the_same(engine: Engine, database_url: str, tmp_path: Path) -> None:
    columns = weather_forecasts.c
    query = select(columns.city_id, columns.valid_at, columns.temperature_c, columns.condition_code).order_by(*columns[:4])
    stored = {}
    with Simulator(3, clock=lambda: benchmark.SLOT) as simulator:
        world = [
            {"city_id": city.city_id, "latitude": city.latitude, "longitude": city.longitude, "timezone": city.timezone}
            for city in simulator.world.cities
        ]
        FolderStore(tmp_path).write(snapshot_key("cities"), msgspec.json.encode(world))
        with engine.begin() as connection:
            connection.execute(insert(cities), world)
        for way in ("ours", "peer"):
            run = benchmark.in_a_process(benchmark.Work(way, simulator.url, database_url, str(tmp_path)))
            assert run.requests == 1
            assert run.seconds > 0
            assert 10 < run.peak_mb < 1_000
            with engine.begin() as connection:
                stored[way] = connection.execute(query).all()
                connection.execute(weather_forecasts.delete())
    assert len(stored["ours"]) == 3 * 168
    assert {row.city_id for row in stored["ours"]} == {row.city_id for row in stored["peer"]}
    common = {tuple(row) for row in stored["ours"]} & {tuple(row) for row in stored["peer"]}
    assert len(common) == 3 * 167, "ours begins an hour later"
