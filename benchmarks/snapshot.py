"""One answer of Vélib': parsed, against pandas, and from the fetched bytes to committed rows in MySQL, against its limit.

The answers are those of the hour that `archive` makes from a real one. This process and the server are both held to one core,
where the system can do that (Linux) and the server is one of our own.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Engine

from benchmarks import archive, database
from benchmarks.side_by_side import Benchmark, Suite, seconds
from gans.load.load import load
from gans.source import Capture, Rows
from gans.sources.station_status import source
from gans.storage.landing import Footer, Header, PartKey, PartWriter
from gans.storage.store import FolderStore

MOST_S, LEAST_FASTER = 0.25, 5.0
ROUNDS = 25


@contextmanager
def suite() -> Iterator[Suite]:
    """The benchmarks, of the answer in `$GANS_CAPTURES/velib`, on the server of `GANS_TEST_MYSQL_URL` or one of their own.

    Raises:
        ConfigError: the server is no MySQL.
    """
    captures = os.environ.get("GANS_CAPTURES")
    if not captures:
        yield Suite(why_none="GANS_CAPTURES is not set: it names the folder of recorded answers, where that of Vélib' is")
        return
    answers = archive.minutes(Path(captures).resolve(strict=True) / archive.ANSWER)
    first = next(answers)
    rows = sum(len(found.values) for found in source.parse(first) if isinstance(found, Rows))
    with (
        _one_core(),
        database.server() as server,
        database.migrated(server) as engine,
        tempfile.TemporaryDirectory() as folder,
    ):
        store = FolderStore(Path(folder))
        _commit(first, store, engine)
        yield Suite(
            [
                Benchmark(
                    name="snapshot.rows.pandas",
                    unit="rows/s",
                    amount=rows,
                    ours=partial(seconds, lambda: list(source.parse(first))),
                    peer=partial(seconds, partial(normalize, first.body)),
                    peer_name="json.loads, json_normalize",
                    target=LEAST_FASTER,
                    rounds=ROUNDS,
                ),
                Benchmark(
                    name="snapshot.committed.limit",
                    unit="rows/s",
                    amount=rows,
                    ours=lambda: seconds(partial(_commit, next(answers), store, engine)),
                    peer=lambda: MOST_S,
                    peer_name=f"{MOST_S * 1000:g} ms",
                    target=1.0,
                    rounds=ROUNDS,
                ),
            ],
            {**database.versions(engine), **{package: version(package) for package in ("msgspec", "pandas")}},
        )


def normalize(body: bytes) -> list[int]:
    """A row per station, and one per station and type of vehicle, as pandas gives them; how many of each."""
    import pandas as pd  # type: ignore[import-untyped]

    stations = json.loads(body)["data"]["stations"]
    types = pd.json_normalize(stations, "num_bikes_available_types", "station_id")
    return [len(pd.json_normalize(stations)), len(types)]


def _commit(capture: Capture, store: FolderStore, engine: Engine) -> None:
    """Lands the answer, as `collect` does once it has it, and loads it."""
    writer = PartWriter(Header(source=source.name, slot=capture.slot, attempt=capture.slot, part=1, code_version="0"))
    writer.add(capture)
    key = str(PartKey.of(writer.header))
    store.write(
        key, writer.close(Footer(finished_at=capture.fetched_at, requests=1, bytes_received=len(capture.body), captures=1))
    )
    done = load(key, store=store, engine=engine, sources={source.name: source}, clock=lambda: datetime.now(UTC))
    assert done.status == "ok", done.error


@contextmanager
def _one_core() -> Iterator[None]:
    """Holds this process, and what it starts, to one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
