"""A minute of a thousand systems of 500 stations, through loaders like the one on AWS, against LOAD DATA and against the minute.

A tenth of the systems stands for all: each is an answer of its own. The answers are of GBFS 2.3 and tell one type of vehicle, so
a station gives two rows. They are landed in parts as `collect` makes them; what is timed is the loading, over the minute before.
"""

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from importlib.metadata import version
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Engine

from benchmarks import database
from benchmarks.side_by_side import Benchmark, Suite, seconds
from gans.collect.collect import PART_BYTES
from gans.database.engine import open_engine
from gans.database.transactions import in_transaction
from gans.load.load import load
from gans.settings import Settings
from gans.source import Capture, Rows
from gans.sources.station_status import source
from gans.storage.landing import Footer, Header, PartKey, PartWriter
from gans.storage.store import FolderStore

ALL, SYSTEMS, STATIONS = 1_000, 100, 500
FIRST = datetime(2026, 1, 5, 6, tzinfo=UTC)
LIMIT_S = 60 * SYSTEMS / ALL
LEAST_OF_LOAD_DATA = 0.5
ROUNDS = 3

Run = Callable[[], float]


class Setup(NamedTuple):
    """Where the minutes are landed, and where they go."""

    folder: Path
    engine: Engine
    slots: Iterator[datetime]


@contextmanager
def suite() -> Iterator[Suite]:
    """The benchmarks, on the server of `GANS_TEST_MYSQL_URL` or one of their own.

    Raises:
        ConfigError: the server is no MySQL, or refuses LOAD DATA.
    """
    with (
        database.server() as server,
        database.migrated(server) as engine,
        tempfile.TemporaryDirectory() as folder,
        ExitStack() as pools,
    ):
        setup = Setup(Path(folder), engine, (FIRST + timedelta(minutes=minute) for minute in count()))
        one, two = (pools.enter_context(loaders(number, setup)) for number in (1, 2))
        for run in (one, two):  # the first minute is all new, and the imports are not to be timed
            run()
        yield Suite(
            [
                _benchmark("one.load_data", one, partial(load_data, setup), "LOAD DATA … REPLACE", LEAST_OF_LOAD_DATA),
                _benchmark("one.limit", one, lambda: LIMIT_S, f"{LIMIT_S:g} s", 1.0),
                _benchmark("two.one", two, one, "one loader", 1.0),
            ],
            {**database.versions(engine), **{name: version(name) for name in ("PyMySQL", "SQLAlchemy", "msgspec")}},
        )


def _benchmark(name: str, ours: Run, peer: Run, peer_name: str, target: float) -> Benchmark:
    return Benchmark(
        name=f"minute.{name}",
        unit="rows/s",
        amount=2 * SYSTEMS * STATIONS,
        ours=ours,
        peer=peer,
        peer_name=peer_name,
        target=target,
        rounds=ROUNDS,
    )


@contextmanager
def loaders(number: int, setup: Setup) -> Iterator[Run]:
    """So many processes, which together load a next minute; each takes a part when it has done the one before."""
    url = setup.engine.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(number, mp_context=get_context("spawn")) as pool:

        def run() -> float:
            slot = next(setup.slots)
            keys = land(setup, slot)
            took = seconds(lambda: list(pool.map(partial(_load, url, setup.folder), keys)))
            confirm(setup, slot)
            return took

        yield run


@cache
def _engine(url: str) -> Engine:
    return open_engine(Settings(database_url=url))


def _load(url: str, folder: Path, key: str) -> None:
    store = FolderStore(folder)
    done = load(key, store=store, engine=_engine(url), sources={source.name: source}, clock=lambda: datetime.now(UTC))
    assert done.status == "ok", done.error


def load_data(setup: Setup) -> float:
    """The rows of a next minute from files that are already written, both in one transaction: the practical limit."""
    slot = next(setup.slots)
    statements = []
    for (table, columns), rows in _rows(slot).items():
        file = setup.folder / f"{table}.tsv"
        database.write_tsv(file, ((*values, slot) for values in rows))
        statements.append(database.load_data(file, "REPLACE", table, (*columns, "fetched_at")))

    def store(connection: Any) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    took = seconds(partial(in_transaction, setup.engine, store))
    confirm(setup, slot)
    return took


def _rows(slot: datetime) -> Mapping[tuple[str, tuple[str, ...]], Sequence[tuple[Any, ...]]]:
    """All rows of a minute, by table and columns."""
    found: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = {}
    for capture in captures(slot):
        for rows in source.parse(capture):
            assert isinstance(rows, Rows), rows
            found.setdefault((rows.table, rows.columns), []).extend(rows.values)
    return found


def land(setup: Setup, slot: datetime) -> list[str]:
    """Lands a minute in parts, as `collect` does; their keys."""
    writers = [_writer(slot, 1)]
    for capture in captures(slot):
        if writers[-1].body_bytes + len(capture.body) > PART_BYTES:
            writers.append(_writer(slot, len(writers) + 1))
        writers[-1].add(capture)
    store, keys = FolderStore(setup.folder), []
    for writer in writers:
        key = str(PartKey.of(writer.header))
        store.write(
            key,
            writer.close(
                Footer(finished_at=slot, requests=writer.captures, bytes_received=writer.body_bytes, captures=writer.captures)
            ),
        )
        keys.append(key)
    return keys


def _writer(slot: datetime, part: int) -> PartWriter:
    return PartWriter(Header(source=source.name, slot=slot, attempt=slot, part=part, code_version="0"))


def captures(slot: datetime) -> Iterator[Capture]:
    """What every system answers in a minute; all counts are new."""
    dice = random.Random(slot.timestamp())
    for system in range(SYSTEMS):
        stations = [_station(f"{system:04}-{station:03}", dice.randrange(30), slot) for station in range(STATIONS)]
        feed = {"last_updated": int(slot.timestamp()), "ttl": 60, "version": "2.3", "data": {"stations": stations}}
        system_id = f"system-{system:04}"
        context = {"system_id": system_id, "provider": "gbfs", "timezone": "Europe/Berlin", "ttl_s": None}
        body = msgspec.json.encode(feed)
        yield Capture(
            unit=system_id, url="https://gbfs.test/", status=200, slot=slot, fetched_at=slot, context=context, body=body
        )


def _station(station_id: str, vehicles: int, slot: datetime) -> Mapping[str, Any]:
    return {
        "station_id": station_id,
        "num_bikes_available": vehicles,
        "num_bikes_disabled": 0,
        "num_docks_available": 30 - vehicles,
        "num_docks_disabled": 0,
        "is_installed": True,
        "is_renting": True,
        "is_returning": True,
        "last_reported": int(slot.timestamp()),
        "vehicle_types_available": [{"vehicle_type_id": "bicycle", "count": vehicles}],
    }


def confirm(setup: Setup, slot: datetime) -> None:
    """All rows are there, as the minute tells them."""
    with setup.engine.connect() as connection:
        for table in source.writes:
            found = connection.exec_driver_sql(f"SELECT COUNT(*), MIN(fetched_at) FROM {table}").one()
            assert tuple(found) == (SYSTEMS * STATIONS, slot.replace(tzinfo=None)), f"{table}: {found}"
