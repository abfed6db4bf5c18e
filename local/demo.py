"""The demo: ten cities, simulated upstreams, the whole way to tables and a map worth looking at.

No key, no network, a minute at most.
"""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Row, bindparam, case, func, select, text

from gans.settings import Settings
from gans.source import Source
from gans.sources import registry
from gans.tables import Instant
from gans.tables.mobility import station_status
from local import console, watchlist
from local.console import ago, out, plain, progress, show_outcome, styled, table
from local.pipeline import Pipeline
from local.simulator import Simulator, docks
from local.status import statuses

FOLDER = Path("data/demo")
HOURS_AGO = (6, 3, 0)
"""When it collects."""
FORECAST_HOURS_AGO = (54, 51, 48)
"""When it collects the weather besides, so that there are forecasts of two days before to compare with the last ones."""
MORNING = time(8), 2
"""When the morning of the stations begins, in the system's own zone, and how many hours of it are replayed."""


class Clock:
    """Stands at a slot and ticks at each look, so that running the demo again lands the very same."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now


def settings_for_demo(settings: Settings, folder: Path = FOLDER) -> Settings:
    """A place and keys of the demo's own; the database stays the configured one where that is no SQLite file."""
    needed = (source.secret for source in registry().values())
    keys = {secret.setting: "any-key-will-do" for secret in needed if secret and secret.is_required}
    url = settings.database_url if not settings.database_url.startswith("sqlite") else f"sqlite:///{folder}/gans.db"
    return msgspec.structs.replace(
        settings, landing=str(folder), watchlist=folder / "watchlist.toml", database_url=url, keys=keys
    )


def run(settings: Settings, now: datetime, cities: int = 10) -> Pipeline:
    """Collects and loads every source for some slots until `now` from the simulator."""
    for kept in ("archive", "landing", "reference", "state"):
        shutil.rmtree(Path(settings.landing) / kept, ignore_errors=True)
    clock = Clock(now)
    with Simulator(cities=cities, clock=lambda: clock.now) as simulator:
        pipeline = Pipeline(msgspec.structs.replace(settings, simulator_url=simulator.url), clock)
        pipeline.prepare()
        settings.watchlist.unlink(missing_ok=True)
        watchlist.add_all(pipeline.store, settings.watchlist_file, simulator.world.watchlist(), simulator.world.systems())
        out.print(f"[bold]Collecting[/] {cities} cities from simulated upstreams at {simulator.url}")
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)  # when tomorrow's flights are asked for
        for source in pipeline.sources.values():
            if source.name == "station_status":
                _replay_morning(pipeline, source, clock, ZoneInfo(docks.system(simulator.world, "velib").city.timezone))
            hours_ago = (*FORECAST_HOURS_AGO, *HOURS_AGO) if "weather_forecasts" in source.writes else HOURS_AGO
            instants = [midnight] * ("flights" in source.writes) + [now - timedelta(hours=hours) for hours in hours_ago]
            for slot in sorted({source.schedule.slot(instant) for instant in instants}):
                clock.now = slot
                with progress(source.name) as on_progress:
                    show_outcome(pipeline.run(source, slot, on_progress))
    return pipeline


def _replay_morning(pipeline: Pipeline, source: Source, clock: Clock, zone: ZoneInfo) -> None:
    """The last morning on which people went to work, minute by minute in fast motion, and its hours archived."""
    from gans.archive.archive import archive  # duckdb: only here

    begins, hours = MORNING
    today = clock.now.astimezone(zone).date()
    mornings = (datetime.combine(today - timedelta(days=back), begins, zone) for back in range(5))
    over = clock.now - timedelta(hours=max(HOURS_AGO) + hours)  # before all else of it
    morning = next(one for one in mornings if one.weekday() < 5 and one < over)
    out.print(f"[bold]A morning of the stations[/] in fast motion: {morning:%A, %d %B}")
    minutes = hours * 60
    with progress(source.name) as on_progress:
        for minute in range(minutes):
            slot = morning.astimezone(UTC) + timedelta(minutes=minute)
            clock.now = slot
            pipeline.run(source, slot)
            on_progress(minute + 1, minutes)
            if minute % 15 == 0:
                _show_stations(pipeline, morning + timedelta(minutes=minute))
    done = archive(pipeline.store, pipeline.engine, source, morning + timedelta(hours=hours))
    rows, size_mb = sum(hour.rows for hour in done), sum(hour.file_bytes for hour in done) / 1e6
    out.print(f"  {'archived':<17} {hours} hours: {rows:,} rows as Parquet, {size_mb:.1f} MB, and what is usual at each station")


def _show_stations(pipeline: Pipeline, local: datetime) -> None:
    status = station_status.c
    empty, full = (func.count(case((left == 0, 1))) for left in (status.vehicles_available, status.docks_available))
    installed = select(func.count(), empty, full).where(status.is_installed == True)  # noqa: E712 - SQL's
    with pipeline.engine.connect() as connection:
        stations, are_empty, are_full = connection.execute(installed).one()
    bars = f"[red]{'▇' * round(are_empty / 5)}[/][blue]{'▇' * round(are_full / 5)}[/]"
    out.print(f"  {local:%H:%M}             {stations:,} stations, {are_empty:>3} empty, {are_full:>3} full  {bars}")


def next_hours(pipeline: Pipeline, now: datetime, hours: int = 24) -> Sequence[Row[Any]]:
    """The next hours of the city where it will rain most, as an analyst selects them."""
    wettest = (
        "SELECT city_id FROM city_hours WHERE hour_at >= :since AND hour_at < :until"
        " GROUP BY city_id ORDER BY SUM(precipitation_mm) DESC, city_id LIMIT 1"
    )
    query = text(
        "SELECT h.* FROM city_hours h JOIN (" + wettest + ") w ON w.city_id = h.city_id"
        " WHERE h.hour_at >= :since AND h.hour_at < :until ORDER BY h.hour_at"
    ).bindparams(bindparam("since", type_=Instant), bindparam("until", type_=Instant))
    hour = now.replace(minute=0, second=0, microsecond=0)
    with pipeline.engine.connect() as connection:
        return connection.execute(query, {"since": hour, "until": hour + timedelta(hours=hours)}).all()


def show(pipeline: Pipeline, now: datetime) -> None:
    """The ledger, and one city's next hours."""
    table(
        ("source", "last slot (UTC)", "status", "rows", "refused", "next run"),
        (
            (
                one.source,
                console.time(one.last_slot),
                styled(one.status),
                f"{one.rows:,}",
                str(one.rejected),
                ago(one.next_slot, now),
            )
            for one in statuses(pipeline, now)
        ),
        title="The ledger",
        numbers=("rows", "refused"),
    )
    rows = next_hours(pipeline, now)
    if rows:
        out.print()
        _show_hours(rows)


def _show_hours(rows: Sequence[Row[Any]]) -> None:
    warmest = max(abs(row.temperature_c or 0) for row in rows) or 1
    cells = (
        (
            f"{row.local_hour:02}:00",
            plain(row.condition_label or "–"),
            f"{row.temperature_c:.1f}",
            f"[{'red' if row.temperature_c >= 0 else 'blue'}]{'▇' * round(6 * abs(row.temperature_c) / warmest)}[/]",
            f"{row.precipitation_mm:.1f}" if row.precipitation_mm else "",
            f"[blue]{'▇' * min(6, round(row.precipitation_mm * 3))}[/]" if row.precipitation_mm else "",
            f"{row.precipitation_probability_pct}",
            f"{row.wind_gust_kmh:.0f}",
            "" if row.arrivals is None else f"{row.arrivals}",
            {1: "[green]●[/] yes", 0: "[red]○[/] no", None: "?"}[row.is_rideable],
        )
        for row in rows
    )
    columns = ("hour", "weather", "°C", "", "mm", " ", "rain %", "km/h", "flights", "ride?")
    title = f"{plain(rows[0].city)}, {rows[0].local_on}: the next {len(rows)} hours, local time (SELECT * FROM city_hours)"
    table(columns, cells, title=title, numbers=("°C", "mm", "rain %", "km/h", "flights"))
