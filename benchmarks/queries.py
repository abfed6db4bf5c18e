"""The ten questions of `schema/queries` on a year of a hundred cities, in MySQL: how they are planned, what they read, how long.

The rows are those that retention leaves (`gans.retain`): all forecasts of the last 60 days, and of the older ones the few that a
rule keeps. They are made by the server itself. What a query reads is what MySQL counts (`performance_schema`), not what its plan
guesses.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.console import Console
from sqlalchemy import Connection, Engine, text

from benchmarks import database
from benchmarks.report import Listing
from gans.reading.queries import Query, queries
from gans.tables import metadata, weather_forecasts

FACTS = ("weather_forecasts", "flights", "station_hours", "collection_runs")
"""What grows with time."""

MOST_READ = 0.05
"""The most of a fact table that a query may read."""

CITIES, DAYS, FLIGHTS_A_DAY, STATIONS = 100, 365, 200, 1_450
ROUNDS = 3

_NOW = "TIMESTAMP'2026-05-12 06:00:00'"
_RULE = weather_forecasts.info["facts"].retention
_ISSUES = (DAYS + 7) * 8
_PROVIDERS = (("open-meteo", 1, 168), ("openweather", 3, 40))
"""Who forecasts every three hours, in periods of how many hours, and how many of them."""


def measure() -> tuple[Sequence[Listing], Mapping[str, str]]:
    """Fills a database and asks the ten questions.

    Returns:
        The figures, and the versions of what they were measured on.

    Raises:
        AssertionError: a query scans a fact table, or reads more than `MOST_READ` of it, or answers nothing.
        ConfigError: the server is no MySQL.
    """
    console = Console(stderr=True)

    def on_progress(line: str) -> None:
        console.print(f"{datetime.now(UTC):%H:%M:%S}  {line}", style="dim", markup=False, highlight=False)

    with database.server() as server, database.migrated(server) as engine:
        fill(engine, on_progress)
        with engine.connect() as connection:
            rows = {fact: int(connection.scalar(text(f"SELECT COUNT(*) FROM {fact}")) or 0) for fact in FACTS}
            size = ", ".join(f"{count:,} {fact}" for fact, count in rows.items())
            figures = [_asked(connection, query, rows) for query in queries()]
        title = f"{CITIES} cities, a year ({size})"
        return [Listing(title, ("query", "rows answered", "rows of these read", "seconds"), figures)], database.versions(engine)


def fill(engine: Engine, on_progress: Callable[[str], None]) -> None:
    """Fills the empty database of `engine`."""
    with engine.connect() as connection:
        for setting in ("foreign_key_checks = 0", "unique_checks = 0", "sql_log_bin = 0", "cte_max_recursion_depth = 1000000"):
            connection.execute(text(f"SET SESSION {setting}"))
        # Its indexes are not in the order of its rows: each is made at once, at the end.
        indexes = metadata.tables["station_hours"].indexes
        for index in indexes:
            index.drop(connection)
        for what, statements in (
            ("places, stations, runs", (*_locations(), *_stations(), _runs())),
            ("forecasts", _forecasts()),
            ("flights", _flights()),
            ("hours of the stations", _station_hours()),
        ):
            on_progress(what)
            for statement in statements:
                connection.execute(text(statement))
                connection.commit()
        on_progress("their indexes")
        for index in indexes:
            index.create(connection)
        connection.execute(text(f"ANALYZE TABLE {', '.join(metadata.tables)}"))
        on_progress("filled")


def _locations() -> Iterator[str]:
    yield "CREATE TABLE numbers (n INT PRIMARY KEY)"
    yield """
        INSERT INTO numbers
        WITH RECURSIVE counted AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM counted WHERE n < 599999) SELECT n FROM counted
    """
    yield f"""
        INSERT INTO cities (city_id, name, country_code, area_km2, is_watched)
        SELECT n, CONCAT('City ', n), ELT(1 + MOD(n, 4), 'DE', 'FR', 'GB', 'ES'), 100 + n, 1
        FROM numbers WHERE n BETWEEN 1 AND {CITIES}
    """
    yield "INSERT INTO city_populations (city_id, as_of_year, population) SELECT city_id, 2024, 10000 * city_id FROM cities"
    yield f"""
        INSERT INTO airports (airport_icao, name, country_code, fetched_at)
        SELECT LPAD(city_id, 4, 'A'), name, country_code, {_NOW} FROM cities
    """
    yield f"""
        INSERT INTO city_airports (city_id, airport_icao, distance_km, fetched_at)
        SELECT city_id, LPAD(city_id, 4, 'A'), 20, {_NOW} FROM cities
    """
    yield "INSERT INTO airlines (airline_code) VALUES ('AFR'), ('BAW'), ('DLH')"
    yield """
        INSERT INTO holidays (country_code, region, observed_on, name, is_public)
        SELECT country_code, '', DATE'2025-01-01' + INTERVAL 26 * n DAY, CONCAT('Holiday ', n), 1
        FROM (SELECT DISTINCT country_code FROM cities) c JOIN numbers WHERE n < 28
    """


def _stations() -> Iterator[str]:
    yield "INSERT INTO systems (system_id, city_id) VALUES ('velib', 1)"
    yield f"""
        INSERT INTO stations (system_id, station_id, name, latitude, longitude, capacity, fetched_at)
        SELECT 'velib', LPAD(n, 4, '0'), CONCAT('Station ', n), 48.8, 2.3, 20 + MOD(n, 20), {_NOW}
        FROM numbers WHERE n < {STATIONS}
    """
    yield f"""
        INSERT INTO station_status
            (system_id, station_id, vehicles_available, is_installed, is_renting, is_stale, hour_of_week, fetched_at)
        SELECT system_id, station_id, MOD(capacity, 9), 1, 1, 0, 30, {_NOW} FROM stations
    """
    yield f"""
        INSERT INTO station_neighbours (system_id, station_id, neighbour_id, distance_m, fetched_at)
        SELECT system_id, station_id, LPAD(MOD(station_id + n, {STATIONS}), 4, '0'), 50 * n, {_NOW}
        FROM stations JOIN numbers WHERE n BETWEEN 1 AND 8
    """
    yield f"""
        INSERT INTO station_usuals (system_id, station_id, hour_of_week, usual_taken, minutes_observed, fetched_at)
        SELECT system_id, station_id, n, MOD(n, 12), 3000, {_NOW} FROM stations JOIN numbers WHERE n < 168
    """


def _runs() -> str:
    """Every fiftieth failed."""
    return f"""
        INSERT INTO collection_runs
            (source, slot_at, attempt_at, part, status, requests, bytes_received, units_planned, units_failed, rows_offered,
            rows_rejected, missing, landing_key, code_version, stale_at, loaded_at)
        SELECT source, slot_at, slot_at, 1, IF(MOD(n, 50), 'ok', 'failed'), 1, 1000, 1, 0, 100, 0, '{{}}', CONCAT(source, n), '1',
            IF(MOD(n, 50), slot_at + INTERVAL 3 * minutes MINUTE, NULL), slot_at
        FROM (
            SELECT source, minutes, n, {_NOW} - INTERVAL n * minutes MINUTE AS slot_at
            FROM (
                SELECT 'station_status' AS source, 1 AS minutes UNION ALL SELECT 'vehicles', 5 UNION ALL SELECT 'weather', 180
            ) s
            JOIN numbers WHERE n < {DAYS * 1440} DIV minutes
        ) runs
    """


def _forecasts() -> Iterator[str]:
    leads = ", ".join(map(str, (0, *_RULE.leads_hours)))
    for city_id in range(1, CITIES + 1):
        for provider, hours, periods in _PROVIDERS:
            yield f"""
                INSERT INTO weather_forecasts
                    (city_id, provider, issued_at, valid_at, hour_at, period_hours, temperature_c, feels_like_c,
                    precipitation_mm, precipitation_probability_pct, snowfall_cm, wind_speed_kmh, wind_gust_kmh,
                    cloud_cover_pct, condition_code, local_on, local_hour_of_week, fetched_at)
                SELECT {city_id}, '{provider}', issued_at, hour_at + INTERVAL {hours} HOUR, hour_at, {hours},
                    ROUND(5 + 20 * RAND(), 1), 12, ROUND(GREATEST(0, 4 * RAND() - 3), 1), FLOOR(101 * RAND()), 0,
                    ROUND(30 * RAND(), 1), ROUND(70 * RAND(), 1), 50, ELT(1 + FLOOR(4 * RAND()), 0, 2, 61, 80),
                    DATE(hour_at), WEEKDAY(hour_at) * 24 + HOUR(hour_at), issued_at
                FROM (
                    SELECT i.n AS issue, {hours} * k.n AS lead_hours,
                        {_NOW} - INTERVAL 3 * ({_ISSUES - 1} - i.n) HOUR AS issued_at,
                        {_NOW} - INTERVAL 3 * ({_ISSUES - 1} - i.n) - {hours} * k.n HOUR AS hour_at
                    FROM numbers i JOIN numbers k WHERE i.n < {_ISSUES} AND k.n < {periods}
                ) versions
                -- With an issue every three hours, the last one at least so many hours ahead is less than three hours older.
                WHERE hour_at >= {_NOW} - INTERVAL {_RULE.after.days} DAY OR lead_hours - MOD(lead_hours, 3) IN ({leads})
                ORDER BY issue, lead_hours
            """


def _flights() -> Iterator[str]:
    """Every second one is a code-share of the one before."""
    minutes = 1440 // FLIGHTS_A_DAY
    for city_id in range(1, CITIES + 1):
        yield f"""
            INSERT INTO flights
                (arrival_icao, scheduled_at, flight_number, departure_icao, airline_code, status, is_cargo, is_codeshare,
                arrival_on, hour_at, fetched_at)
            SELECT LPAD({city_id}, 4, 'A'), scheduled_at, CONCAT('GA ', LPAD(n, 4, '0')),
                LPAD(1 + MOD(n DIV 2, {CITIES}), 4, 'A'), ELT(1 + MOD(n, 3), 'DLH', 'AFR', 'BAW'),
                IF(n = 6, 'Canceled', 'Arrived'), n = 8, MOD(n, 2), DATE(scheduled_at),
                TIMESTAMP(DATE(scheduled_at), MAKETIME(HOUR(scheduled_at), 0, 0)), scheduled_at
            FROM (
                SELECT f.n, TIMESTAMP(DATE({_NOW})) - INTERVAL {DAYS - 2} - d.n DAY
                    + INTERVAL {minutes} * (f.n - MOD(f.n, 2)) MINUTE AS scheduled_at
                FROM numbers d JOIN numbers f WHERE d.n < {DAYS} AND f.n < {FLIGHTS_A_DAY}
            ) arrivals
            ORDER BY scheduled_at, n
        """


def _station_hours() -> Iterator[str]:
    for first in range(0, STATIONS, 50):
        yield f"""
            INSERT INTO station_hours
                (system_id, station_id, hour_at, hour_of_week, local_date, vehicles_mean, vehicles_min, vehicles_max,
                docks_mean, docks_min, docks_max, minutes_observed, minutes_empty, minutes_full, vehicles_taken,
                vehicles_returned, fetched_at)
            SELECT 'velib', station_id, hour_at, WEEKDAY(hour_at) * 24 + HOUR(hour_at), DATE(hour_at), 5, 0, 10, 15, 10, 20, 60,
                FLOOR(30 * RAND()), 0, 6, 6, hour_at
            FROM (
                SELECT LPAD(s.n, 4, '0') AS station_id, {_NOW} - INTERVAL {DAYS * 24} - h.n HOUR AS hour_at
                FROM numbers s JOIN numbers h
                WHERE s.n BETWEEN {first} AND {min(first + 50, STATIONS) - 1} AND h.n < {DAYS * 24}
            ) hours
            ORDER BY station_id, hour_at
        """


def _asked(connection: Connection, query: Query, rows: Mapping[str, int]) -> tuple[str, ...]:
    """The figures of a query: its name, rows answered, rows of fact tables read, and seconds."""
    assert not (found := scanned(connection, query.sql)), f"{query.name} scans {', '.join(found)}"
    connection.execute(text("TRUNCATE performance_schema.table_io_waits_summary_by_table"))
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answered = connection.execute(text(query.sql)).all()
        times.append(time.perf_counter() - began)
    assert answered, f"{query.name} answers nothing"
    counted = connection.execute(
        text(
            "SELECT object_name, count_read FROM performance_schema.table_io_waits_summary_by_table "
            "WHERE object_schema = DATABASE() AND count_read > 0"
        )
    )
    read = {str(name): int(count) // ROUNDS for name, count in counted if name in FACTS}
    for fact, count in read.items():
        assert count <= MOST_READ * rows[fact], f"{query.name} reads {count:,} of the {rows[fact]:,} rows of {fact}"
    return query.name, f"{len(answered):,}", f"{sum(read.values()):,}", f"{statistics.median(times):.3f}"


def scanned(connection: Connection, sql: str) -> set[str]:
    """The fact tables that MySQL would read from one end to the other, whether the rows or an index."""
    connection.execute(text("SET SESSION explain_json_format_version = 2"))
    plan = msgspec.json.decode(connection.scalar(text(f"EXPLAIN FORMAT=JSON {sql}")) or "")
    return {table for table, access in _accesses(plan) if table in FACTS and access in ("table", "index_scan")}


def _accesses(plan: Any) -> Iterator[tuple[str, str]]:
    """The tables of a plan (`EXPLAIN FORMAT=JSON`, version 2), each with how it is read."""
    if isinstance(plan, dict):
        if "schema_name" in plan:
            yield str(plan["table_name"]), str(plan.get("index_access_type", plan["access_type"]))
        plan = list(plan.values())
    if isinstance(plan, list):
        for part in plan:
            yield from _accesses(part)
