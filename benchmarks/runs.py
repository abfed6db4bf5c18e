"""What one run of each source takes, with simulated upstreams: `python -m benchmarks.runs` writes `runs.json`, for the costs.

The bucket is a folder and the two steps run one after the other; the bytes, objects and messages are those of AWS.
"""

import tempfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from time import perf_counter, thread_time

import msgspec
import typer

from gans.clock import utc_now
from gans.collect.collect import collect
from gans.collect.http import Http
from gans.settings import Settings
from gans.source import CollectedSource
from gans.storage.reference import Snapshots
from gans.storage.store import Store
from gans.storage.watchlist import read_watchlist
from infra_cdk.costs import MEASURED, Run
from local import watchlist
from local.pipeline import Pipeline
from local.servers import mysql
from local.simulator import Simulator

CITIES = (10, 100)


class CountingStore:
    """A store that counts what is asked of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reads = self.writes = self.landed_bytes = 0

    def read(self, key: str) -> bytes | None:
        self.reads += 1
        return self._store.read(key)

    def write(self, key: str, data: bytes) -> None:
        self.writes += 1
        self.landed_bytes += len(data) if key.startswith("landing/") else 0
        self._store.write(key, data)

    def keys(self, prefix: str) -> Iterator[str]:
        return self._store.keys(prefix)


def measure(cities: int, database_url: str, folder: Path, keys: Mapping[str, str]) -> Iterator[Run]:
    """Runs every source once for its present slot, into a database that must be empty.

    Args:
        keys: for the sources that need one; the simulator takes any.
    """
    with Simulator(cities=cities) as simulator:
        settings = Settings(
            database_url=database_url,
            landing=str(folder),
            watchlist=folder / "watchlist.toml",
            simulator_url=simulator.url,
            keys=keys,
        )
        pipeline = Pipeline(settings)
        pipeline.prepare()
        watchlist.add_all(pipeline.store, settings.watchlist, simulator.world.watchlist(), simulator.world.systems())
        pipeline.store = store = CountingStore(pipeline.store)
        for source in pipeline.asked().values():
            yield _run(pipeline, store, source, cities)
        pipeline.engine.dispose()


def _run(pipeline: Pipeline, store: CountingStore, source: CollectedSource, cities: int) -> Run:
    source = msgspec.structs.replace(source, pause=timedelta(0))
    store.reads = store.writes = store.landed_bytes = 0
    http = Http(pipeline.settings)
    start = thread_time()  # the simulator has threads of its own: neither its work nor the wait for it counts
    reference = Snapshots(store, read_watchlist(store, pipeline.settings.watchlist_file))
    collected = collect(source, source.schedule.slot(utc_now()), store=store, reference=reference, http=http)
    collected_s, start = thread_time() - start, perf_counter()
    loaded = [pipeline.load(key) for key in collected.parts]
    return Run(
        source=source.name,
        cities=cities,
        requests=http.requests,
        collect_ms=round(collected_s * 1000, 1),
        load_ms=round((perf_counter() - start) * 1000, 1),
        objects=store.writes,
        reads=store.reads,
        messages=len(collected.parts),
        bytes_landed=store.landed_bytes,
        rows_written=sum(sum(part.rows.values()) for part in loaded),
    )


def main() -> None:
    """Measures with a MySQL of its own, and writes the file."""
    from sqlalchemy import create_engine, text

    from gans.sources import asked

    keys = {source.secret.setting: "any" for source in asked().values() if source.secret and source.secret.is_required}
    server = mysql.start("mysql", throwaway=True)
    try:
        runs = []
        for cities in CITIES:
            name = f"gans_{cities}"
            with create_engine(server.url).begin() as connection:
                connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"))
            with tempfile.TemporaryDirectory() as folder:
                for run in measure(cities, f"{server.url}{name}", Path(folder), keys):
                    print(run)
                    runs.append(run)
    finally:
        mysql.stop(server.home)
    MEASURED.write_bytes(msgspec.json.format(msgspec.json.encode(runs), indent=2) + b"\n")


if __name__ == "__main__":
    typer.run(main)
