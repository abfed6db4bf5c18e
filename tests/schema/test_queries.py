"""The queries of `schema/queries`: each answers its question, alike everywhere, and MySQL scans nothing for it that grows."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, Table, insert, select, text

from benchmarks.queries import FACTS, scanned
from gans.reading.queries import queries
from gans.tables import metadata
from local.generate.answers import Answer

ISSUED_AT = datetime(2025, 6, 1, 21, tzinfo=UTC)
SQL = {query.name: query.sql for query in queries()}


def _add(engine: Engine, table: str, *rows: dict[str, Any]) -> None:
    target: Table = metadata.tables[table]
    with engine.begin() as connection:
        for row in rows:
            connection.execute(insert(target), row)


def _answer(engine: Engine, name: str) -> list[tuple[Any, ...]]:
    """The rows, with the types that SQLite has: text for times, floats for decimals."""
    with engine.connect() as connection:
        return [tuple(map(_plain, row)) for row in connection.execute(text(SQL[name]))]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return str(value) if isinstance(value, date) else value


def _forecast(city_id: int, issued_at: datetime, hour_at: datetime, **told: Any) -> dict[str, Any]:
    """For an hour; the city's clock is two hours ahead."""
    local = hour_at + timedelta(hours=2)
    return {
        "city_id": city_id,
        "provider": "open-meteo",
        "issued_at": issued_at,
        "valid_at": hour_at + timedelta(hours=1),
        "hour_at": hour_at,
        "period_hours": 1,
        "temperature_c": 15.5,
        "precipitation_mm": 0.0,
        "precipitation_probability_pct": 5,
        "snowfall_cm": 0.0,
        "wind_gust_kmh": 20.0,
        "local_on": local.date(),
        "local_hour_of_week": local.weekday() * 24 + local.hour,
        **told,
    }


@pytest.fixture
def two_cities(engine: Engine) -> Engine:
    """Berlin and Bern, with three hours of weather each from two issues, the first of them at 23:00.

    The second issue sees rain in Bern; of a city that is no longer watched there is an older one.
    """
    known = {"is_watched": True, "country_code": "DE"}
    _add(
        engine,
        "cities",
        {"city_id": 1, "name": "Berlin", "area_km2": 891.1, **known},
        {"city_id": 2, "name": "Bern", "area_km2": 51.6, **known, "country_code": "CH"},
        {"city_id": 3, "name": None, "area_km2": None, **known},
        {"city_id": 4, "name": "Bonn", "area_km2": 141.1, **known, "is_watched": False},
    )
    for city_id in (1, 2):
        for issued_at in (ISSUED_AT - timedelta(hours=3), ISSUED_AT):
            rain_mm = 1.25 if city_id == 2 and issued_at == ISSUED_AT else 0.0
            for hour in range(3):
                of_hour = {"temperature_c": 15.5 - hour, "precipitation_mm": rain_mm}
                _add(engine, "weather_forecasts", _forecast(city_id, issued_at, ISSUED_AT + timedelta(hours=hour), **of_hour))
    for city_id, begin in ((1, ISSUED_AT - timedelta(hours=3)), (4, ISSUED_AT - timedelta(days=9))):  # what is over
        _add(engine, "weather_forecasts", _forecast(city_id, begin, begin))
    return engine


def _flights(engine: Engine) -> None:
    """Of an airport that both cities reach: one flight of 21 o'clock, two of 22, one of 23; and what does not count."""
    _add(engine, "airports", {"airport_icao": "EDDB"}, {"airport_icao": "LFPG", "country_code": "FR"})
    _add(engine, "city_airports", *({"city_id": city_id, "airport_icao": "EDDB", "distance_km": 18.0} for city_id in (1, 2)))
    for number, minutes, told in (
        ("GA 1", 30, {}),
        ("GA 2", 65, {}),
        ("GA 3", 70, {"departure_icao": None}),
        ("GA 4", 75, {"status": "Canceled"}),
        ("GA 5", 80, {"is_cargo": True}),
        ("LH 2", 65, {"is_codeshare": True}),
        ("GA 6", 130, {}),
    ):
        at = ISSUED_AT + timedelta(minutes=minutes)
        flight = {"arrival_icao": "EDDB", "flight_number": number, "scheduled_at": at, "hour_at": at.replace(minute=0)}
        known = {
            "departure_icao": "LFPG",
            "status": "Expected",
            "is_cargo": False,
            "is_codeshare": False,
            "arrival_on": at.date(),
        }
        _add(engine, "flights", {**flight, **known, **told})


def test_arrivals_tomorrow(two_cities: Engine) -> None:
    _flights(two_cities)
    assert _answer(two_cities, "arrivals_tomorrow") == [
        ("Berlin", "2025-06-02", "France", 2),
        ("Bern", "2025-06-02", "France", 2),
        ("Berlin", "2025-06-02", None, 1),
        ("Bern", "2025-06-02", None, 1),
    ]


def test_rain_at_busiest_hour(two_cities: Engine) -> None:
    _flights(two_cities)
    assert _answer(two_cities, "rain_at_busiest_hour") == [
        ("Bern", "2025-06-01", 23, 1, None, 1.25, 5),
        ("Bern", "2025-06-02", 0, 2, None, 1.25, 5),
        ("Berlin", "2025-06-01", 23, 1, None, 0, 5),
        ("Berlin", "2025-06-02", 0, 2, None, 0, 5),
    ]


def test_rideable_hours(two_cities: Engine) -> None:
    assert _answer(two_cities, "rideable_hours") == [
        ("Berlin", "2025-06-01", 1, 1, 15.5, 15.5, 0),
        ("Berlin", "2025-06-02", 2, 2, 13.5, 14.5, 0),
        ("Bern", "2025-06-01", 1, 0, 15.5, 15.5, pytest.approx(1.25, abs=0.06)),
        ("Bern", "2025-06-02", 2, 0, 13.5, 14.5, 2.5),
    ]


def test_forecast_changes(two_cities: Engine) -> None:
    rows = _answer(two_cities, "forecast_changes")
    assert [(city, rain_mm) for city, _, _, _, rain_mm, _ in rows] == [("Berlin", 0), ("Berlin", 0), ("Bern", 0), ("Bern", 1.25)]
    assert {hour_at for _, hour_at, *_ in rows} == {"2025-06-01 21:00:00"}


def test_rain_forecast_error(two_cities: Engine) -> None:
    """Of Bern two hours are known with their forecast of 48 hours before; one of 45 hours before does not count."""
    for hours_ago, rain_mm in ((48, 0.05), (45, 9.0)):
        issued_at = ISSUED_AT - timedelta(hours=hours_ago)
        _add(
            two_cities,
            "weather_forecasts",
            _forecast(2, issued_at, issued_at),
            _forecast(2, issued_at, ISSUED_AT, precipitation_mm=rain_mm),
        )
    before, hour_at = ISSUED_AT - timedelta(hours=51), ISSUED_AT - timedelta(hours=3)
    _add(
        two_cities,
        "weather_forecasts",
        _forecast(2, before, before),
        _forecast(2, before, hour_at, precipitation_mm=0.5),
        _forecast(2, before, ISSUED_AT),
        _forecast(2, hour_at, hour_at),
    )
    # 0.05 mm for 1.25, and 0.5 for none.
    assert _answer(two_cities, "rain_forecast_error") == [("Bern", 2, pytest.approx(0.85), 1, 1)]


def test_population_density(two_cities: Engine) -> None:
    figures = [(1, 2011, 3_292_365), (1, 2024, 3_685_265), (2, 2023, 136_988), (3, 0, 5), (4, 2024, 5)]
    _add(two_cities, "city_populations", *({"city_id": i, "as_of_year": year, "population": n} for i, year, n in figures))
    assert _answer(two_cities, "population_density") == [
        ("Berlin", 3_685_265, 2024, 891.1, 4136),
        ("Bern", 136_988, 2023, 51.6, 2655),
    ]


def test_next_holidays(two_cities: Engine) -> None:
    """The day on which the forecast begins counts; of a region, or not public, does not."""
    for day, told in (
        (31, {}),
        (32, {}),
        (33, {"region": "DE-BE"}),
        (34, {"is_public": False}),
        (35, {}),
        (36, {}),
        (37, {}),
    ):
        on = date(2025, 5, 1) + timedelta(days=day - 1)
        known = {"country_code": "DE", "region": "", "observed_on": on, "name": f"Day {day}", "is_public": True}
        _add(two_cities, "holidays", {**known, **told})
    assert _answer(two_cities, "next_holidays") == [
        ("2025-06-01", "Day 32", "Berlin"),
        ("2025-06-04", "Day 35", "Berlin"),
        ("2025-06-05", "Day 36", "Berlin"),
    ]


def _station(engine: Engine, station_id: str, **status: Any) -> None:
    of = {"system_id": "velib", "station_id": station_id}
    _add(engine, "stations", {**of, "name": station_id, "capacity": 20, "fetched_at": ISSUED_AT})
    told = {"vehicles_available": 2, "is_stale": False, "hour_of_week": 7, "fetched_at": ISSUED_AT, **status}
    _add(engine, "station_status", {**of, **told})


def _hour(engine: Engine, station_id: str, hour_of_week: int, empty: int, observed: int = 60) -> None:
    at = datetime(2025, 6, 2, tzinfo=UTC) + timedelta(hours=hour_of_week)
    counts = {"minutes_full": 0, "vehicles_taken": 0, "vehicles_returned": 0}
    minutes = {"minutes_observed": observed, "minutes_empty": empty}
    of = {"system_id": "velib", "station_id": station_id, "hour_at": at, "hour_of_week": hour_of_week}
    _add(engine, "station_hours", {**of, **minutes, **counts})


def test_empty_mornings(engine: Engine) -> None:
    """Tuesday's eight o'clock counts as Monday's does, nine o'clock and Saturday do not, and a closed station is not empty."""
    _add(engine, "systems", {"system_id": "velib"})
    for station_id in ("empty", "often", "never", "closed"):
        _station(engine, station_id, is_renting=station_id != "closed")
    _hour(engine, "empty", 8, 60)
    _hour(engine, "often", 8, 20)
    _hour(engine, "often", 32, 0, observed=20)
    _hour(engine, "never", 8, 0)
    _hour(engine, "never", 9, 60)
    _hour(engine, "never", 5 * 24 + 8, 60)
    _hour(engine, "closed", 8, 60)
    assert _answer(engine, "empty_mornings") == [("velib", "empty", 20, 60, 100.0), ("velib", "often", 20, 80, 25.0)]


def test_stations_short(engine: Engine) -> None:
    _add(engine, "systems", {"system_id": "velib"})
    _station(engine, "short", vehicles_available=1)
    _station(engine, "shorter", vehicles_available=0)
    _station(engine, "enough", vehicles_available=6)
    assert _answer(engine, "stations_short") == [("velib", "shorter", 0, 6, 0, 6), ("velib", "short", 1, 6, 0, 5)]


def test_late_sources(engine: Engine) -> None:
    """One that fails but is still fresh is not late; one that never brought anything is."""
    for source, hours_ago, fresh_hours in (
        ("minutely", 0, 1),
        ("late", 9, 5),
        ("late", 3, None),
        ("failing", 6, 9),
        ("failing", 3, None),
        ("never", 3, None),
    ):
        slot = ISSUED_AT - timedelta(hours=hours_ago)
        counts = dict.fromkeys(
            ("requests", "bytes_received", "units_planned", "units_failed", "rows_offered", "rows_rejected"), 0
        )
        told = {
            "status": "ok" if fresh_hours else "failed",
            "missing": "{}",
            "landing_key": "",
            "code_version": "",
            "loaded_at": slot,
        }
        stale_at = slot + timedelta(hours=fresh_hours) if fresh_hours else None
        key = {"source": source, "slot_at": slot, "attempt_at": slot, "part": 1}
        _add(engine, "collection_runs", {**key, **counts, **told, "stale_at": stale_at})
    rows = _answer(engine, "late_sources")
    assert [(row[0], row[-1]) for row in rows] == [("never", 1), ("late", 1), ("minutely", 0), ("failing", 0)]
    assert rows[1][1:4] == tuple(f"2025-06-01 {hour}:00:00" for hour in (18, 12, 17))


def test_every_query_has_a_question_and_a_test() -> None:
    assert len(SQL) == 10
    assert all(query.question.endswith("?") and query.question[0].isupper() for query in queries())
    assert {f"test_{name}" for name in SQL} <= globals().keys()


def _fill(engine: Engine, demo: Engine) -> None:
    """Copies the demo, and lets the server look at what it has: it does so by itself some seconds later."""
    with demo.connect() as source, engine.begin() as target:
        for table in metadata.sorted_tables:
            if table.name not in ("countries", "weather_conditions"):
                rows = [dict(row) for row in source.execute(select(table)).mappings()]
                target.execute(insert(table), rows) if rows else None
    if engine.dialect.name != "sqlite":
        with engine.connect() as connection:
            connection.execute(text(f"ANALYZE TABLE {', '.join(metadata.tables)}"))


def test_the_demo_is_answered_alike_everywhere(engine: Engine, demo: Engine, demo_answers: Mapping[str, Answer]) -> None:
    _fill(engine, demo)
    for name, answer in demo_answers.items():
        assert answer.rows, name
        rows = _answer(engine, name)
        assert len(rows) == len(answer.rows), name
        for row, expected in zip(rows, answer.rows, strict=True):
            close = [pytest.approx(value, abs=0.01) if isinstance(value, float) else value for value in expected]
            assert list(row) == close, name


@pytest.mark.databases("mysql")
def test_mysql_scans_nothing_that_grows(engine: Engine, demo: Engine) -> None:
    _fill(engine, demo)
    with engine.connect() as connection:
        assert {query.name: scanned(connection, query.sql) for query in queries()} == {name: set() for name in SQL}
        assert scanned(connection, "SELECT airline_code FROM flights") == {"flights"}  # of its index alone
        assert {fact for fact in FACTS if scanned(connection, f"SELECT * FROM {fact}")} == set(FACTS)
