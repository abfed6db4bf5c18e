"""The demo: ten cities, simulated upstreams, the whole way to tables and a map worth looking at.

No key, no network, a minute at most.
"""

import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Engine, case, delete, func, select

from gans.database import migrate, revisions
from gans.database.engine import database_beside, database_url, make_database
from gans.database.transactions import in_transaction
from gans.errors import NotReady
from gans.settings import Settings
from gans.source import CollectedSource
from gans.sources import asked
from gans.tables import metadata
from gans.tables.mobility import station_status
from local import areas, watchlist
from local.pipeline import Outcome, Pipeline, Progress
from local.simulator import Simulator, docks

if TYPE_CHECKING:
    from gans.archive.archive import Archived

FOLDER = Path("data/demo")
HOURS_AGO = (6, 3, 0)
"""When it collects."""
FORECAST_HOURS_AGO = (54, 51, 48)
"""When it collects the weather besides, so that there are forecasts of two days before to compare with the last ones."""
LASTING = ("countries", "installation", "weather_conditions")
"""The tables that the migrations fill, and the one that says that the database is simulated."""
SUFFIX = "_demo"
"""What the demo's own database on a server is called, behind the name of the configured one."""
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
    """Places and keys of the demo's own: on the configured server, where that is one, a database beside the configured one."""
    needed = (source.secret for source in asked().values())
    keys = {secret.setting: "any-key-will-do" for secret in needed if secret and secret.is_required}
    configured = database_url(settings)
    if configured.get_backend_name() == "sqlite":
        url = f"sqlite:///{folder}/gans.db"
    else:
        is_demo = (configured.database or "").endswith(SUFFIX)
        url = settings.database_url if is_demo else database_beside(settings, SUFFIX)
    return msgspec.structs.replace(
        settings,
        landing=str(folder),
        watchlist=folder / "watchlist.toml",
        database_url=url,
        reader_url="",
        analyst_url="",
        keys=keys,
    )


class Report:
    """Receives how the demo goes; this one says nothing."""

    def begin(self, what: str) -> None:
        """A chapter begins."""

    def progress(self, task: str) -> AbstractContextManager[Progress]:
        """What receives how far a task is."""
        return nullcontext(lambda done, planned: None)

    def ran(self, outcome: Outcome) -> None:
        """A source ran."""

    def looked_at(self, at: datetime, stations: int, empty: int, full: int) -> None:
        """So it stood at a system's stations, `at` in its own zone."""

    def archived(self, hours: "Sequence[Archived]") -> None:
        """The morning is in the archive."""


def run(settings: Settings, now: datetime, cities: int = 10, report: Report | None = None) -> Pipeline:
    """Collects and loads every source for some slots until `now` from the simulator, and adds the area set `paris`.

    Prints nothing: `report` gets how it goes.
    """
    report = report or Report()
    make_database(settings)
    for prefix in ("archive", "landing", "reference", "state"):
        shutil.rmtree(Path(settings.landing) / prefix, ignore_errors=True)
    clock = Clock(now)
    with Simulator(cities=cities, clock=lambda: clock.now) as simulator:
        pipeline = Pipeline(msgspec.structs.replace(settings, simulator_url=simulator.url), clock)
        if revisions.is_older(pipeline.engine):
            migrate.upgrade(pipeline.engine)
        pipeline.prepare()
        pipeline.agree(asks=True, unmarked=True)
        _empty(pipeline.engine)
        settings.watchlist.unlink(missing_ok=True)
        watchlist.add_all(pipeline.store, settings.watchlist_file, simulator.world.watchlist(), simulator.world.systems())
        report.begin(f"Collecting {cities} cities from simulated upstreams at {simulator.url}")
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)  # when tomorrow's flights are asked for
        for source in pipeline.asked().values():
            if source.name == "station_status":
                zone = ZoneInfo(docks.system(simulator.world, "velib").city.timezone)
                _replay_morning(pipeline, source, clock, zone, report)
            hours_ago = (*FORECAST_HOURS_AGO, *HOURS_AGO) if "weather_forecasts" in source.writes else HOURS_AGO
            instants = [midnight] * ("flights" in source.writes) + [now - timedelta(hours=hours) for hours in hours_ago]
            for slot in sorted({source.schedule.slot(instant) for instant in instants}):
                clock.now = slot
                with report.progress(source.name) as on_progress:
                    outcome = pipeline.run(source, slot, on_progress)
                report.ran(outcome)
        clock.now = now
        with suppress(NotReady):  # where the city's page was refused
            areas.add_cells(pipeline, "paris", str(docks.system(simulator.world, "velib").city.city_id), resolution=8)
    return pipeline


def _empty(engine: Engine) -> None:
    """The demo's own database without a row of the last run, whose newer rows would hold the morning back; a shared one stays.

    A dashboard that is open on it goes on reading it, as it would not if the file went.
    """
    if engine.dialect.name != "sqlite" and not (engine.url.database or "").endswith(SUFFIX):
        return

    def empty(connection: Connection) -> None:
        for table in reversed(metadata.sorted_tables):
            if table.name not in LASTING:
                connection.execute(delete(table))

    in_transaction(engine, empty)


def _replay_morning(pipeline: Pipeline, source: CollectedSource, clock: Clock, zone: ZoneInfo, report: Report) -> None:
    """The last morning on which people went to work, minute by minute in fast motion, and its hours archived."""
    from gans.archive.archive import archive  # duckdb: only here

    begins, hours = MORNING
    today = clock.now.astimezone(zone).date()
    mornings = (datetime.combine(today - timedelta(days=back), begins, zone) for back in range(5))
    over = clock.now - timedelta(hours=max(HOURS_AGO) + hours)  # before all else of it
    morning = next(one for one in mornings if one.weekday() < 5 and one < over)
    report.begin(f"A morning of the stations in fast motion: {morning:%A, %d %B}")
    minutes = hours * 60
    with report.progress(source.name) as on_progress:
        for minute in range(minutes):
            slot = morning.astimezone(UTC) + timedelta(minutes=minute)
            clock.now = slot
            pipeline.run(source, slot)
            on_progress(minute + 1, minutes)
            if minute % 15 == 0:
                report.looked_at(morning + timedelta(minutes=minute), *_count_stations(pipeline))
    report.archived(archive(pipeline.store, pipeline.engine, source, morning + timedelta(hours=hours)))


def _count_stations(pipeline: Pipeline) -> tuple[int, int, int]:
    """How many stations are on the street, how many of these are empty, and full."""
    status = station_status.c
    empty, full = (func.count(case((left == 0, 1))) for left in (status.vehicles_available, status.docks_available))
    installed = select(func.count(), empty, full).where(status.is_installed == True)  # noqa: E712 - SQL's
    with pipeline.engine.connect() as connection:
        stations, are_empty, are_full = connection.execute(installed).one()
    return stations, are_empty, are_full
