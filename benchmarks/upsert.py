"""100,000 weather forecasts into MySQL, in the migrated schema with its keys and indexes, against other ways to put them there.

Ours is what `load` does with parsed rows: each is checked, then all are upserted in one transaction. The forecasts are those
of one slot, a week of hours for some six hundred cities, as a run brings them.
"""

import os
import random
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SAWarning

from benchmarks import database
from benchmarks.side_by_side import Benchmark, Suite, seconds
from gans.database.rows import validate_rows
from gans.database.transactions import in_transaction
from gans.database.upsert import upsert
from gans.tables import cities, weather_forecasts

ROWS = 100_000
SLOT = datetime(2026, 1, 5, 6, tzinfo=UTC)
HOURS = 168
DLT_DATASET = f"{database.DATABASE}_dlt"
TABLE = weather_forecasts.name
KEY = tuple(column.name for column in weather_forecasts.primary_key)

Forecast = dict[str, Any]


class Setup(NamedTuple):
    """Where the forecasts go, and when each next version of them was fetched."""

    engine: Engine
    forecasts: Sequence[Forecast]
    fetched: Iterator[datetime]


@contextmanager
def suite() -> Iterator[Suite]:
    """The benchmarks, on the server of `GANS_TEST_MYSQL_URL` or one of their own.

    Raises:
        ConfigError: the server is no MySQL, or refuses LOAD DATA.
    """
    with (
        database.server() as server,
        database.migrated(server, DLT_DATASET, f"{DLT_DATASET}_staging") as engine,
        tempfile.TemporaryDirectory() as folder,
    ):
        with engine.begin() as connection:
            connection.execute(cities.insert(), [{"city_id": city_id} for city_id in range(1, ROWS // HOURS + 2)])
        setup = Setup(engine, list(islice(forecasts(), ROWS)), (SLOT + timedelta(minutes=minute) for minute in count(1)))
        ours, to_sql, dlt, load_data = Ours(setup), ToSql(setup), Dlt(setup, Path(folder)), LoadData(setup, Path(folder))
        versions = {name: version(name) for name in ("PyMySQL", "SQLAlchemy", "msgspec", "pandas", "dlt")}
        yield Suite(
            [
                _benchmark("fresh.to_sql", ours.fresh, to_sql.fresh, "pandas DataFrame.to_sql", target=2.0, rounds=5),
                _benchmark("fresh.dlt", ours.fresh, dlt.fresh, "dlt merge", target=5.0, rounds=5),
                _benchmark("fresh.load_data", ours.fresh, load_data.fresh, "LOAD DATA LOCAL INFILE", target=0.6, rounds=7),
                _benchmark("over.dlt", ours.over, dlt.over, "dlt merge", target=5.0, rounds=5),
                _benchmark("over.load_data", ours.over, load_data.over, "LOAD DATA … REPLACE", target=0.6, rounds=7),
            ],
            {**database.versions(engine), **versions},
        )


def _benchmark(
    name: str, ours: Callable[[], float], peer: Callable[[], float], peer_name: str, *, target: float, rounds: int
) -> Benchmark:
    return Benchmark(
        name=f"upsert.{name}",
        unit="rows/s",
        amount=ROWS,
        ours=ours,
        peer=peer,
        peer_name=peer_name,
        target=target,
        rounds=rounds,
    )


class Ours:
    """Each row checked, then all upserted."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def fresh(self) -> float:
        _empty(self._setup)
        return self._store()

    def over(self) -> float:
        _fill(self._setup)
        return self._store()

    def _store(self) -> float:
        fetched_at = next(self._setup.fetched)
        took = seconds(partial(_store, self._setup, fetched_at))
        _confirm(self._setup, TABLE, fetched_at)
        return took


class ToSql:
    """pandas' `to_sql` from a ready DataFrame: INSERTs of many rows, all in one transaction.

    Its default way, in which PyMySQL joins the rows to long statements: on the same rows `method="multi"` takes five times as
    long.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def fresh(self) -> float:
        import pandas as pd  # type: ignore[import-untyped]

        _empty(self._setup)
        fetched_at = next(self._setup.fetched)
        frame = pd.DataFrame(_naive(forecast, fetched_at) for forecast in self._setup.forecasts)
        took = seconds(lambda: frame.to_sql(TABLE, self._setup.engine, if_exists="append", index=False))
        _confirm(self._setup, TABLE, fetched_at)
        return took


class LoadData:
    """`LOAD DATA LOCAL INFILE` from a file that is already written: the practical limit. Over existing rows, it replaces them."""

    def __init__(self, setup: Setup, folder: Path) -> None:
        self._setup = setup
        self._file = folder / "forecasts.tsv"

    def fresh(self) -> float:
        _empty(self._setup)
        return self._load("")

    def over(self) -> float:
        _fill(self._setup)
        return self._load("REPLACE")

    def _load(self, what_if_there: str) -> float:
        fetched_at = next(self._setup.fetched)
        database.write_tsv(self._file, ((*forecast.values(), fetched_at) for forecast in self._setup.forecasts))
        columns = (*self._setup.forecasts[0], "fetched_at")
        statement = database.load_data(self._file, what_if_there, TABLE, columns)
        took = seconds(lambda: in_transaction(self._setup.engine, lambda connection: connection.exec_driver_sql(statement)))
        _confirm(self._setup, TABLE, fetched_at)
        return took


class Dlt:
    """dlt's `merge` from the same dicts into a table of its own, with the same primary key and, as it is made, nothing else.

    Its tables are there before it is timed. Its SQLAlchemy destination merges by deleting and inserting, from a staging table.
    """

    def __init__(self, setup: Setup, folder: Path) -> None:
        self._setup = setup
        self._folder = folder
        self._is_full = False

    def fresh(self) -> float:
        self._run(self._setup.forecasts[:1], next(self._setup.fetched))
        with self._setup.engine.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {DLT_DATASET}.{TABLE}")
        return self._merge()

    def over(self) -> float:
        if not self._is_full:
            self._merge()
        return self._merge()

    def _merge(self) -> float:
        fetched_at = next(self._setup.fetched)
        took = self._run(self._setup.forecasts, fetched_at)
        _confirm(self._setup, f"{DLT_DATASET}.{TABLE}", fetched_at)
        self._is_full = True
        return took

    def _run(self, forecasts: Sequence[Forecast], fetched_at: datetime) -> float:
        os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
        import dlt

        url = self._setup.engine.url.render_as_string(hide_password=False)
        pipeline = dlt.pipeline(
            "benchmark",
            destination=dlt.destinations.sqlalchemy(url, create_primary_keys=True),
            dataset_name=DLT_DATASET,
            pipelines_dir=str(self._folder),
        )
        rows = [{**forecast, "fetched_at": fetched_at} for forecast in forecasts]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)
            return seconds(
                lambda: pipeline.run(
                    rows,
                    table_name=TABLE,
                    write_disposition="merge",
                    primary_key=KEY,
                    columns={"provider": {"data_type": "text", "precision": 64}},  # a key may not be of unlimited length
                ).raise_on_failed_jobs()
            )


def forecasts() -> Iterator[Forecast]:
    """Parsed forecasts without end, as `gans.sources.weather` gives them, in key order."""
    dice = random.Random(1)
    for city_id in count(1):
        for hour in range(HOURS):
            valid_at = SLOT + timedelta(hours=hour)
            temperature_c = round(dice.gauss(12, 8), 1)
            precipitation_mm = round(max(0.0, dice.gauss(-1, 1.5)), 1)
            local = valid_at + timedelta(hours=1)
            yield {
                "city_id": city_id,
                "provider": "open-meteo",
                "issued_at": SLOT,
                "valid_at": valid_at,
                "hour_at": valid_at - timedelta(hours=1),
                "period_hours": 1,
                "temperature_c": temperature_c,
                "feels_like_c": round(temperature_c - dice.uniform(0, 4), 1),
                "precipitation_mm": precipitation_mm,
                "precipitation_probability_pct": dice.randint(0, 100),
                "snowfall_cm": round(precipitation_mm / 7 if temperature_c < 1 else 0.0, 2),
                "wind_speed_kmh": round(dice.uniform(0, 40), 1),
                "wind_gust_kmh": round(dice.uniform(10, 80), 1) if city_id % 10 else None,
                "cloud_cover_pct": dice.randint(0, 100),
                "condition_code": dice.choice((0, 1, 2, 3, 45, 61, 63, 80)),
                "local_on": local.date(),
                "local_hour_of_week": local.weekday() * 24 + local.hour,
            }


def _store(setup: Setup, fetched_at: datetime) -> None:
    columns = (*setup.forecasts[0], "fetched_at")
    rows = validate_rows(weather_forecasts, columns, [(*forecast.values(), fetched_at) for forecast in setup.forecasts])
    in_transaction(setup.engine, lambda connection: upsert(connection, weather_forecasts, rows))


def _empty(setup: Setup) -> None:
    with setup.engine.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {TABLE}")


def _fill(setup: Setup) -> None:
    with setup.engine.connect() as connection:
        there = connection.scalar(select(func.count()).select_from(weather_forecasts))
    if there != ROWS:
        _store(setup, next(setup.fetched))


def _confirm(setup: Setup, table: str, fetched_at: datetime) -> None:
    """All rows are there, in the newest version."""
    with setup.engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT COUNT(*), MIN(fetched_at) FROM {table}").one()
    assert tuple(found) == (ROWS, fetched_at.replace(tzinfo=None)), f"{table}: {found}"


def _naive(forecast: Mapping[str, Any], fetched_at: datetime) -> Forecast:
    """The row with its instants without a zone."""
    row = {**forecast, "fetched_at": fetched_at}
    return {name: value.replace(tzinfo=None) if isinstance(value, datetime) else value for name, value in row.items()}
