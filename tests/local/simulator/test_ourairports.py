"""The simulated OurAirports: a file like the real one, its airports where the world's cities are, and the way into a database."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from gans.settings import Settings
from gans.source import Capture, Omitted, Row
from gans.sources import asked
from gans.sources.airports import URL, great_circle_km, parse
from local import watchlist
from local.pipeline import Outcome, Pipeline
from local.simulator import Simulator, World
from local.simulator.ourairports import airports

NOW = datetime(2026, 3, 10, 9, 20, tzinfo=UTC)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(cities=40, clock=lambda: NOW) as simulator:
        yield simulator


def get(simulator: Simulator, path: str = "ourairports-data/airports.csv", **headers: str) -> requests.Response:
    return requests.get(f"{simulator.url}/davidmegginson.github.io/{path}", headers=headers, timeout=10)


def test_the_file_is_laid_out_like_the_real_one(simulator: Simulator) -> None:
    response = get(simulator)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    head, *lines = response.content.decode().splitlines()
    assert head.startswith('"id","ident","type","name","latitude_deg","longitude_deg","elevation_ft","continent","iso_country"')
    assert head.count(",") == 18
    assert '"Paris-Orly Airport",48.7295,2.359,291,"EU","FR"' in response.text
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert len(rows) == len(lines) == len({row["id"] for row in rows}) == len({row["ident"] for row in rows})


def test_it_has_what_such_a_file_trips_over(simulator: Simulator) -> None:
    rows = list(csv.DictReader(io.StringIO(get(simulator).text)))
    served = [row for row in rows if row["scheduled_service"] == "yes"]
    assert any(row["iso_country"] == "NA" and row["continent"] == "AF" for row in served)
    assert any(row["continent"] == "NA" for row in served)
    assert any(row["type"] == "closed" for row in served)
    assert any(row["gps_code"] and not row["icao_code"] for row in served)
    assert any(not row["gps_code"] and not row["icao_code"] for row in served)
    assert any(row["icao_code"] not in ("", row["ident"]) for row in served)
    assert any(row["iso_country"] == "XK" for row in served)
    assert any("," in row["municipality"] for row in served)
    assert any('"' in row["name"] for row in rows)
    assert any(row["scheduled_service"] == "no" for row in rows)


def test_it_is_sent_once_and_other_paths_are_not_found(simulator: Simulator) -> None:
    first = get(simulator)
    again = get(simulator, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert get(simulator, "ourairports-data/airport.csv").status_code == 404


def test_every_city_has_an_airport_of_its_own_country_within_reach() -> None:
    world = World(400)
    known = airports(world)
    assert len({airport.icao for airport in known}) == len(known)
    for city in world.cities:
        assert any(
            great_circle_km(city.latitude, city.longitude, airport.latitude, airport.longitude) <= 60
            for airport in known
            if airport.country_code == city.country_code
        ), city
    assert airports(World(30)) == known[: len(airports(World(30)))]


def test_what_is_read_is_what_is_true(simulator: Simulator) -> None:
    context = {"cities": [], "distance_km": 60.0}
    items = list(
        parse(
            Capture(unit="airports", url=URL, status=200, slot=NOW, fetched_at=NOW, context=context, body=get(simulator).content)
        )
    )
    read = {item.values["airport_icao"]: item.values for item in items if isinstance(item, Row)}
    true = {airport.icao: airport for airport in airports(simulator.world)}
    assert read.keys() == true.keys()
    for code, airport in true.items():
        assert (read[code]["name"], read[code]["kind"]) == (airport.name, airport.kind)
        assert (read[code]["latitude"], read[code]["longitude"]) == (airport.latitude, airport.longitude)
        assert read[code]["timezone"] == airport.timezone
    assert [item for item in items if not isinstance(item, Row)] == [Omitted("airports.airport_icao")] * 2


@pytest.fixture
def pipeline(simulator: Simulator, tmp_path: Path) -> Pipeline:
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/gans.db",
        landing=str(tmp_path),
        watchlist=tmp_path / "watchlist.toml",
        simulator_url=simulator.url,
    )
    made = Pipeline(settings)
    made.prepare()
    return made


def run(pipeline: Pipeline, name: str) -> Outcome:
    source = asked()[name]
    return pipeline.run(source, source.schedule.slot(pipeline.clock()))


def near(pipeline: Pipeline) -> set[tuple[str, str]]:
    with pipeline.engine.connect() as connection:
        return {(row.city, row.airport_icao) for row in connection.execute(text("SELECT * FROM nearby_airports"))}


def test_a_city_that_is_added_later_gets_its_airports_though_the_file_did_not_change(pipeline: Pipeline) -> None:
    file = pipeline.settings.watchlist
    watchlist.add(pipeline.store, file, "en", "Berlin")
    run(pipeline, "cities")
    assert run(pipeline, "airports").status == "ok"
    assert run(pipeline, "airports").status == "not_modified"
    assert near(pipeline) == {("Berlin", "EDDB")}
    watchlist.add(pipeline.store, file, "en", "Singapore")
    run(pipeline, "cities")
    assert run(pipeline, "airports").status == "ok"
    assert near(pipeline) == {("Berlin", "EDDB"), ("Singapore", "WSSS"), ("Singapore", "WMKJ")}
    watchlist.remove(pipeline.store, file, "Berlin")
    run(pipeline, "cities")
    assert near(pipeline) == {("Singapore", "WSSS"), ("Singapore", "WMKJ")}
    file.write_text(f"airport_distance_km = 30\n{file.read_text()}")
    assert run(pipeline, "airports").status == "ok"
    assert near(pipeline) == {("Singapore", "WSSS")}
    assert run(pipeline, "airports").status == "not_modified"


@pytest.mark.parametrize("fault", ["truncated", "error_page", "empty", "changed_layout"])
def test_a_spoilt_file_changes_nothing_and_the_next_run_asks_for_a_whole_one(
    pipeline: Pipeline, simulator: Simulator, fault: str
) -> None:
    watchlist.add(pipeline.store, pipeline.settings.watchlist, "en", "Berlin")
    run(pipeline, "cities")
    run(pipeline, "airports")
    pipeline.store.write("state/airports.json", b"{}")  # or the file would not be sent again
    simulator.inject(fault, host="davidmegginson.github.io")
    spoilt = run(pipeline, "airports")
    assert (spoilt.status, spoilt.rows, spoilt.rejected) == ("failed", 0, 1)
    assert near(pipeline) == {("Berlin", "EDDB")}
    assert run(pipeline, "airports").status == "ok"


def test_a_file_in_another_charset_costs_the_names_that_cannot_be_read(pipeline: Pipeline, simulator: Simulator) -> None:
    watchlist.add(pipeline.store, pipeline.settings.watchlist, "en", "Berlin")
    run(pipeline, "cities")
    simulator.inject("wrong_charset", host="davidmegginson.github.io")
    outcome = run(pipeline, "airports")
    assert (outcome.status, outcome.rejected) == ("ok", 0)
    assert near(pipeline) == {("Berlin", "EDDB")}
