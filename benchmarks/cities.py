"""The weather of up to 1,000 cities, from the simulated upstream to rows in MySQL: time, memory, requests, and how they grow.

Each run is a process of its own, on an empty table; the upstream answers from this one. The time is that of the work, without
that of the imports; the memory is all that the process ever held, imports and all.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from itertools import count
from pathlib import Path
from time import perf_counter

import msgspec

from benchmarks.side_by_side import Benchmark, Suite
from gans.sources._forecasts import HOURS_AHEAD
from gans.sources.weather import COLUMNS, LOCATIONS_PER_REQUEST, URL, source
from gans.storage.reference import Snapshots, snapshot_key
from gans.storage.store import FolderStore
from gans.storage.watchlist import Watchlist

CITIES = 1_000
SLOT = datetime(2026, 1, 5, 6, tzinfo=UTC)
ROUNDS = 3
LIMIT_MB = 200.0
GROWING = (("seconds", "cities/s", 0.9), ("peak_mb", "cities/MB", 1.0), ("requests", "cities/request", 1.0))
"""What is measured, its unit, and the least ratio to what ten runs of a tenth of the cities take: 1 is a straight line."""


class Run(msgspec.Struct, frozen=True):
    """What a run took; `peak_mb` is the most memory that its process held, 10⁶ B."""

    seconds: float
    peak_mb: float
    requests: int


class Work(msgspec.Struct, frozen=True):
    """What a process is to do.

    Attributes:
        landing: a folder with the snapshot of the cities; `ours` lands its answers there, too.
    """

    way: str
    simulator_url: str
    database_url: str
    landing: str


@contextmanager
def suite() -> Iterator[Suite]:
    """The benchmarks, on the server of `GANS_TEST_MYSQL_URL` or one of their own.

    Raises:
        ConfigError: the server is no MySQL.
    """
    from benchmarks import database
    from gans.tables import cities
    from local.simulator import Simulator

    with (
        database.server() as server,
        database.migrated(server) as engine,
        Simulator(CITIES, clock=lambda: SLOT) as simulator,
        tempfile.TemporaryDirectory() as folder,
    ):
        world = [
            {"city_id": city.city_id, "latitude": city.latitude, "longitude": city.longitude, "timezone": city.timezone}
            for city in simulator.world.cities
        ]
        with engine.begin() as connection:
            connection.execute(cities.insert(), world)
        database_url = engine.url.render_as_string(hide_password=False)

        @cache
        def run(way: str, amount: int, nth: int) -> Run:
            with engine.begin() as connection:
                connection.exec_driver_sql("TRUNCATE weather_forecasts")
            landing = f"{folder}/{way}.{amount}.{nth}"
            FolderStore(Path(landing)).write(snapshot_key("cities"), msgspec.json.encode(world[:amount]))
            before = len(simulator.requests)
            found = in_a_process(Work(way, simulator.url, database_url, landing))
            assert len(simulator.requests) - before == found.requests
            with engine.begin() as connection:
                stored = connection.exec_driver_sql("SELECT COUNT(*), COUNT(DISTINCT city_id) FROM weather_forecasts").one()
            assert tuple(stored) == (HOURS_AHEAD * amount, amount), stored
            return found

        def taken(what: str, way: str, amount: int, times: int = 1) -> Callable[[], float]:
            rounds = count()
            return lambda: sum(getattr(run(way, amount, next(rounds)), what) for _ in range(times))

        def growth(what: str, unit: str, amount: int, target: float) -> Benchmark:
            return Benchmark(
                name=f"cities.{what}.{amount}",
                unit=unit,
                amount=amount,
                ours=taken(what, "ours", amount),
                peer=taken(what, "ours", amount // 10, times=10),
                peer_name=f"ten runs of {amount // 10} cities",
                target=target,
                rounds=ROUNDS,
            )

        def against(what: str, unit: str, peer: Callable[[], float], peer_name: str) -> Benchmark:
            return Benchmark(
                name=f"cities.{what}.{peer_name.split()[0]}",
                unit=unit,
                amount=CITIES,
                ours=taken(what, "ours", CITIES),
                peer=peer,
                peer_name=peer_name,
                target=1.0,
                rounds=ROUNDS,
            )

        yield Suite(
            [
                *(growth(what, unit, amount, target) for what, unit, target in GROWING for amount in (CITIES // 10, CITIES)),
                against("peak_mb", "cities/MB", lambda: LIMIT_MB, f"limit of {LIMIT_MB:.0f} MB"),
                against("seconds", "cities/s", taken("seconds", "peer", CITIES), "pandas and requests"),
                against("peak_mb", "cities/MB", taken("peak_mb", "peer", CITIES), "pandas and requests"),
            ],
            {**database.versions(engine), **{name: version(name) for name in ("requests", "pandas")}},
        )


def in_a_process(work: Work) -> Run:
    """Does `work` in a process of its own."""
    command = (sys.executable, "-m", "benchmarks.cities")
    done = subprocess.run(command, input=msgspec.json.encode(work), stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Run)


def _ours(work: Work) -> tuple[float, int]:
    """Collects and loads; the seconds and the requests."""
    from gans.collect.collect import collect
    from gans.collect.http import Http
    from gans.database.engine import open_engine
    from gans.load.load import load
    from gans.settings import Settings

    settings = Settings(database_url=work.database_url, simulator_url=work.simulator_url)
    store, engine, http = FolderStore(Path(work.landing)), open_engine(settings), Http(settings)
    began = perf_counter()
    collected = collect(source, SLOT, store=store, reference=Snapshots(store, Watchlist()), http=http, clock=lambda: SLOT)
    loaded = [
        load(key, store=store, engine=engine, sources={source.name: source}, clock=lambda: datetime.now(UTC))
        for key in collected.parts
    ]
    took = perf_counter() - began
    assert {part.status for part in loaded} == {"ok"}
    return took, http.requests


def _peer(work: Work) -> tuple[float, int]:
    """What a short script would do, with the same questions: neither keeps the answers nor looks into them, and only appends."""
    import pandas as pd  # type: ignore[import-untyped]
    import requests
    from sqlalchemy import create_engine

    cities = Snapshots(FolderStore(Path(work.landing)), Watchlist()).rows("cities")
    engine, session, asked, frames = create_engine(work.database_url), requests.Session(), 0, []
    began = perf_counter()
    for start in range(0, len(cities), LOCATIONS_PER_REQUEST):
        batch = cities[start : start + LOCATIONS_PER_REQUEST]
        answer = session.get(
            f"{work.simulator_url}/{URL.removeprefix('https://')}",
            params={
                "latitude": ",".join(str(city["latitude"]) for city in batch),
                "longitude": ",".join(str(city["longitude"]) for city in batch),
                "hourly": ",".join(COLUMNS),
                "forecast_hours": str(HOURS_AHEAD),
            },
            timeout=60,
        )
        asked += 1
        for city, location in zip(batch, answer.json(), strict=True):
            frame = pd.DataFrame(location["hourly"]).rename(columns={**COLUMNS, "time": "valid_at"})
            frames.append(frame.assign(city_id=city["city_id"]))
    table = pd.concat(frames).assign(provider="open-meteo", issued_at=SLOT.replace(tzinfo=None), period_hours=1)
    table["valid_at"] = pd.to_datetime(table["valid_at"])
    table.to_sql("weather_forecasts", engine, if_exists="append", index=False)
    return perf_counter() - began, asked


def _peak_mb() -> float:
    """The most memory that this process held. On Linux, `ru_maxrss` begins with that of the process that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) * 1024 / 1e6 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS tells bytes


if __name__ == "__main__":
    work = msgspec.json.decode(sys.stdin.buffer.read(), type=Work)
    seconds, requests_made = {"ours": _ours, "peer": _peer}[work.way](work)
    sys.stdout.buffer.write(msgspec.json.encode(Run(seconds, _peak_mb(), requests_made)))
