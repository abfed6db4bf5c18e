"""What an hour was at each station, and what is usual there."""

from datetime import UTC, datetime
from typing import Any

import duckdb
import msgspec
from sqlalchemy import Connection, delete, func, select

from gans.archive.captures import SystemCaptures
from gans.clock import clock_of, hour_of_week
from gans.database.rows import validate_row, validate_rows
from gans.database.upsert import upsert
from gans.tables.mobility import station_hours, station_usuals, systems


def hours_of_system(duck: duckdb.DuckDBPyConnection, system: SystemCaptures, hour: datetime) -> list[msgspec.Struct]:
    """The rows of `station_hours`, in key order."""
    found = duck.execute(
        """
        WITH observed AS (
            SELECT station_id, minutes.slot_at, minutes.fetched_at, vehicles_available AS vehicles, docks_available AS docks,
                CASE WHEN minutes.slot_at - lag(minutes.slot_at) OVER minute = INTERVAL 1 MINUTE
                    THEN vehicles_available - lag(vehicles_available) OVER minute END AS change
            FROM minutes JOIN answers USING (answer)
            WINDOW minute AS (PARTITION BY station_id ORDER BY minutes.fetched_at)
        )
        SELECT station_id, avg(vehicles), min(vehicles), max(vehicles), avg(docks), min(docks), max(docks), count(vehicles),
            count(*) FILTER (vehicles = 0), count(vehicles) FILTER (docks = 0),
            coalesce(sum(-change) FILTER (change < 0), 0)::INTEGER, coalesce(sum(change) FILTER (change > 0), 0)::INTEGER,
            max(fetched_at AT TIME ZONE 'UTC')
        FROM observed WHERE slot_at >= ? GROUP BY station_id ORDER BY station_id
        """,
        [hour],
    ).fetchall()
    clock = clock_of(system.captures[max(system.captures)].zone)
    local = hour.astimezone(clock) if clock else None
    of_week, on = (hour_of_week(local), local.date()) if local else (None, None)
    common = (system.system_id, hour, of_week, on, of_week, on)
    return validate_rows(
        station_hours,
        (
            "system_id", "hour_at", "local_hour_of_week", "local_on", "hour_of_week", "local_date", "station_id", "vehicles_mean",
            "vehicles_min", "vehicles_max", "docks_mean", "docks_min", "docks_max", "minutes_observed", "minutes_empty",
            "minutes_full", "vehicles_taken", "vehicles_returned", "fetched_at",
        ),
        [(*common, *values, fetched_at.replace(tzinfo=UTC)) for *values, fetched_at in found],
    )  # fmt: skip


def store_hours(connection: Connection, system_id: str, hour: datetime, hours: list[Any]) -> None:
    """Puts the rows of an hour in place of those that are there, and renews what is usual at the hours of the week of both."""
    # This also locks the system's row: of two compactions, the second counts what the first one stored.
    upsert(connection, systems, [validate_row(systems, ("system_id",), [system_id])])
    there = station_hours.c.system_id == system_id, station_hours.c.hour_at == hour
    touched = set(connection.scalars(select(station_hours.c.hour_of_week).where(*there).distinct()))
    connection.execute(delete(station_hours).where(*there))
    upsert(connection, station_hours, hours)
    for week_hour in sorted((touched | {row.hour_of_week for row in hours}) - {None}):
        connection.execute(
            delete(station_usuals).where(station_usuals.c.system_id == system_id, station_usuals.c.hour_of_week == week_hour)
        )
        upsert(connection, station_usuals, _usuals(connection, system_id, week_hour))


def _usuals(connection: Connection, system_id: str, week_hour: int) -> list[msgspec.Struct]:
    """The rows of `station_usuals` for an hour of the week, in key order."""
    of = station_hours.c
    minutes = func.sum(of.minutes_observed)
    query = (
        select(of.station_id, func.sum(of.vehicles_taken), minutes, func.max(of.fetched_at))
        .where(of.system_id == system_id, of.hour_of_week == week_hour)
        .group_by(of.station_id)
        .having(minutes > 0)
        .order_by(of.station_id)
    )
    return validate_rows(
        station_usuals,
        ("system_id", "hour_of_week", "local_hour_of_week", "station_id", "usual_taken", "minutes_observed", "fetched_at"),
        [
            (system_id, week_hour, week_hour, station_id, int(taken) * 60 / int(observed), int(observed), fetched_at)
            for station_id, taken, observed, fetched_at in connection.execute(query)
        ],
    )
