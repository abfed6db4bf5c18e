"""What an hour was at each station, and what is usual there."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final

import duckdb
import msgspec
from sqlalchemy import Connection, Engine, delete, func, select

from gans.archive.captures import SystemCaptures
from gans.archive.rates import system_profile, usual_rates
from gans.clock import clock_of, hour_of_week
from gans.database.rows import validate_row, validate_rows
from gans.database.transactions import in_transaction
from gans.database.upsert import upsert
from gans.tables.mobility import station_hours, station_usuals, systems

STATIONS: Final = 200
"""So many at once are estimated anew, 168 rows each."""


def hours_of_system(duck: duckdb.DuckDBPyConnection, system: SystemCaptures, hour: datetime) -> list[msgspec.Struct]:
    """The rows of `station_hours`, in key order."""
    found = duck.execute(
        """
        WITH told AS (
            SELECT station_id, minutes.slot_at, minutes.fetched_at,
                coalesce(feed_updated_at >= minutes.slot_at - INTERVAL 15 MINUTE, true) AS is_moving,
                CASE WHEN is_moving THEN vehicles_available END AS vehicles,
                CASE WHEN is_moving THEN docks_available END AS docks,
                vehicles IS NOT NULL AND coalesce(is_installed, true) AND coalesce(is_renting, true) AS is_renting,
                vehicles IS NOT NULL AND coalesce(is_installed, true) AND coalesce(is_returning, true) AS is_returning
            FROM minutes JOIN answers USING (answer)
        ), observed AS (
            SELECT *, CASE WHEN slot_at - lag(slot_at) OVER minute = INTERVAL 1 MINUTE
                THEN vehicles - lag(vehicles) OVER minute END AS change
            FROM told WINDOW minute AS (PARTITION BY station_id ORDER BY fetched_at)
        )
        SELECT station_id, avg(vehicles), min(vehicles), max(vehicles), avg(docks), min(docks), max(docks), count(vehicles),
            count(*) FILTER (is_renting), count(*) FILTER (is_returning),
            count(*) FILTER (is_renting AND vehicles = 0), count(*) FILTER (is_returning AND docks = 0),
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
            "vehicles_min", "vehicles_max", "docks_mean", "docks_min", "docks_max", "minutes_observed", "minutes_renting",
            "minutes_returning", "minutes_empty", "minutes_full", "vehicles_taken", "vehicles_returned", "fetched_at",
        ),
        [(*common, *values, fetched_at.replace(tzinfo=UTC)) for *values, fetched_at in found],
    )  # fmt: skip


def store_hours(connection: Connection, system_id: str, hour: datetime, hours: list[Any]) -> None:
    """Puts the rows of an hour in place of those that are there, and counts the hours of the week of both anew."""
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
        upsert(connection, station_usuals, _counted(connection, system_id, week_hour))


_USUALS: Final = (
    "system_id", "hour_of_week", "local_hour_of_week", "station_id", "minutes_observed", "taken", "minutes_with_vehicle",
    "minutes_renting", "returned", "minutes_with_dock", "minutes_returning", "usual_taken", "usual_returned", "fetched_at",
)  # fmt: skip


def _counted(connection: Connection, system_id: str, week_hour: int) -> list[msgspec.Struct]:
    """What was seen in an hour of the week, as rows of `station_usuals` in key order, without rates yet."""
    of = station_hours.c
    minutes = func.sum(of.minutes_observed)
    # Hours of before there were these columns are taken for hours in which the station was open.
    renting, returning = (func.coalesce(column, of.minutes_observed) for column in (of.minutes_renting, of.minutes_returning))
    query = (
        select(
            of.station_id,
            minutes,
            func.sum(of.vehicles_taken),
            func.sum(renting - of.minutes_empty),
            func.sum(renting),
            func.sum(of.vehicles_returned),
            func.sum(returning - of.minutes_full),
            func.sum(returning),
            func.max(of.fetched_at),
        )
        .where(of.system_id == system_id, of.hour_of_week == week_hour)
        .group_by(of.station_id)
        .having(minutes > 0)
        .order_by(of.station_id)
    )
    key = system_id, week_hour, week_hour
    return validate_rows(
        station_usuals,
        _USUALS,
        [(*key, station_id, *map(int, seen), None, None, at) for station_id, *seen, at in connection.execute(query)],
    )


def renew_usuals(engine: Engine, system_id: str) -> None:
    """Estimates the rates of a system anew, from all that was seen of it; stores those that are others than before.

    Raises:
        DBAPIError: the database failed, or went away for longer than a few tries.
    """
    of = station_usuals.c
    seen = (func.sum(column) for column in (of.taken, of.minutes_with_vehicle, of.returned, of.minutes_with_dock))
    totals = select(of.hour_of_week, *seen).where(of.system_id == system_id, of.taken.is_not(None)).group_by(of.hour_of_week)
    listed = select(of.station_id).where(of.system_id == system_id).distinct().order_by(of.station_id)
    with engine.connect() as connection:
        found = [tuple(map(int, row)) for row in connection.execute(totals)]
        stations = list(connection.scalars(listed))
    taken = system_profile({hour: (count, minutes) for hour, count, minutes, *_ in found})
    returned = system_profile({hour: (count, minutes) for hour, *_, count, minutes in found})
    for first in range(0, len(stations), STATIONS):
        some = stations[first : first + STATIONS]
        in_transaction(engine, lambda connection, some=some: _renew(connection, system_id, some, taken, returned))  # type: ignore[misc]


def _renew(
    connection: Connection,
    system_id: str,
    stations: list[str],
    taken: Sequence[float | None],
    returned: Sequence[float | None],
) -> None:
    of = station_usuals.c
    query = select(station_usuals).where(of.system_id == system_id, of.station_id.in_(stations)).order_by(of.station_id)
    changed: list[tuple[Any, ...]] = []
    for station_id, rows in groupby(connection.execute(query), key=attrgetter("station_id")):
        there = {row.hour_of_week: row for row in rows}
        seen = {hour: row for hour, row in there.items() if row.taken is not None}
        if not seen:  # of before there were these columns: counted when its hour comes again
            continue
        rates = usual_rates({hour: (row.taken, row.minutes_with_vehicle) for hour, row in seen.items()}, taken)
        returns = usual_rates({hour: (row.returned, row.minutes_with_dock) for hour, row in seen.items()}, returned)
        newest = max(row.fetched_at for row in seen.values())
        for hour in sorted(rates.keys() | returns.keys() | there.keys()):
            row = there.get(hour)
            rate, back = _rounded(rates.get(hour)), _rounded(returns.get(hour))
            if row is None:
                changed.append((system_id, hour, hour, station_id, *(0,) * 7, rate, back, newest))
            elif row.taken is not None and (row.usual_taken, row.usual_returned) != (rate, back):
                at = row.fetched_at if row.minutes_observed else newest
                changed.append((*(getattr(row, name) for name in _USUALS[:-3]), rate, back, at))
    # In key order, as `upsert` wants them: system, station, hour.
    changed.sort(key=itemgetter(3, 1))
    upsert(connection, station_usuals, validate_rows(station_usuals, _USUALS, changed))


def _rounded(rate: float | None) -> float | None:
    """To a hundredth: a rate is not known better, and most stay as they are from hour to hour."""
    return None if rate is None else round(rate, 2)
