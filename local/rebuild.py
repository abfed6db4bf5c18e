"""A database made anew of all that was landed, beside the one that is there, and compared with it.

What is landed is the truth: the rows of every source, the ledger, the hours of the stations and what is usual there follow from
it. From the old database comes what does not: what people asked for (`COPIED`), and hours whose answers are no longer kept. Where
this is broken off and run again, it goes on: the new ledger knows what is loaded, and `archived_hours` what is archived.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Engine, Table, inspect, select
from sqlalchemy.exc import DBAPIError

from gans.archive.archive import HOUR, archive, hours_of_files, parts_by_hour
from gans.archive.history import renew_usuals, store_hours
from gans.clock import utc_now
from gans.database import migrate, revisions
from gans.database.engine import database_beside, make_database, open_reader
from gans.database.rows import validate_rows
from gans.database.transactions import in_transaction
from gans.database.upsert import upsert
from gans.errors import ConfigError
from gans.retain import retain
from gans.settings import Settings, redacted
from gans.storage.store import Store
from gans.tables.decisions import proposals
from gans.tables.mobility import archived_hours, station_hours
from local.comparison import TableCompared, compare
from local.pipeline import Pipeline, Progress

SUFFIX: Final = "_rebuilt"
"""What the new database is called, behind the name of the configured one."""

COPIED: Final[tuple[Table, ...]] = (proposals,)
"""The tables whose rows nothing landed makes."""


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What was done this time.

    Attributes:
        database: the new one, without its password.
        parts: how many landed parts were loaded, and
        rows: how many rows they gave, in
        load_s: so many seconds.
        unusable: why parts could not be loaded whole, by key; as a rule the old ledger says the same of them.
        hours: how many hours of the stations were archived.
        archived_alone: how many hours are in the archive, but neither in the landing nor in the old database: they have no rows.
        copied: rows that came from the old database.
        dropped: rows that the retention dropped.
        tables: the old database compared with the new one; none where `not_compared` says why.
    """

    database: str
    parts: int
    rows: int
    load_s: float
    unusable: dict[str, str]
    hours: int
    archived_alone: int
    copied: int
    dropped: int
    tables: list[TableCompared]
    not_compared: str

    @property
    def is_same(self) -> bool:
        """Whether nothing differs from the old database."""
        return all(table.is_same for table in self.tables)


def settings_for_rebuild(settings: Settings) -> Settings:
    """The same, with the new database instead of the configured one."""
    return msgspec.structs.replace(settings, database_url=database_beside(settings, SUFFIX))


def rebuild(
    settings: Settings,
    progress: Callable[[str], AbstractContextManager[Progress]],
    clock: Callable[[], datetime] = utc_now,
) -> Rebuilt:
    """Makes the new database, or goes on with it.

    The landing stays as it is but for the archive, whose files are written anew: what is published for the collectors, and what
    they remember, is of the old database until the new one is configured.

    Args:
        progress: makes, for the name of a task, what receives how far it is.

    Raises:
        ConfigError: nothing is landed; or as `Pipeline.prepare` and `Pipeline.agree`.
        DBAPIError: the new database failed, or went away for longer than a few tries.
    """
    old = _open_old(settings)
    new = settings_for_rebuild(settings)
    make_database(new)
    pipeline = Pipeline(new, clock)
    if revisions.is_older(pipeline.engine):
        migrate.upgrade(pipeline.engine)
    pipeline.prepare()
    pipeline.agree(asks=False)
    if next(pipeline.store.keys("landing/"), None) is None:
        raise ConfigError(f"GANS_LANDING={settings.landing} holds no answer: there is nothing to rebuild from.")
    pipeline.store = _Unpublished(pipeline.store)

    began, rows, unusable, keys = time.monotonic(), 0, dict[str, str](), pipeline.pending()
    with progress("replay") as on_progress:
        for done, key in enumerate(keys, 1):
            loaded = pipeline.load(key)
            rows += sum(loaded.rows.values())
            if loaded.status in ("failed", "partial"):
                unusable[key] = loaded.error
            on_progress(done, len(keys))
    load_s = time.monotonic() - began
    source = pipeline.sources["station_status"]
    copied = 0
    if not isinstance(old, str):
        copied = _copy(old, pipeline.engine)
        copied += _copy_hours(old, pipeline.engine, parts_by_hour(pipeline.store, source, clock()))
    with progress("archive") as on_progress:
        hours = archive(pipeline.store, pipeline.engine, source, clock(), on_progress=on_progress)
    with progress("retain") as on_progress:
        retained = retain(pipeline.engine, clock(), on_progress=on_progress)
    tables: list[TableCompared] = []
    if not isinstance(old, str):
        expiring = [source.name for source in pipeline.sources.values() if source.retention]
        with progress("compare") as on_progress:
            for table in compare(old, open_reader(new), expiring):
                tables.append(table)
                on_progress(len(tables), len(tables))
    return Rebuilt(
        database=redacted(new.database_url),
        parts=len(keys),
        rows=rows,
        load_s=load_s,
        unusable=unusable,
        hours=len(hours),
        archived_alone=_archived_alone(pipeline.store, pipeline.engine),
        copied=copied,
        dropped=sum(retained.rows.values()),
        tables=tables,
        not_compared=old if isinstance(old, str) else "",
    )


class _Unpublished:
    """The landing, without what is published from a database and remembered of it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, key: str) -> bytes | None:
        return self._store.read(key)

    def write(self, key: str, data: bytes) -> None:
        if not key.startswith(("reference/", "state/")):
            self._store.write(key, data)

    def keys(self, prefix: str) -> Iterator[str]:
        return self._store.keys(prefix)


def _open_old(settings: Settings) -> Engine | str:
    """The configured database, to be read; or why it cannot be."""
    try:
        engine = open_reader(settings)
        return engine if revisions.current(engine) else f"{redacted(settings.database_url)} is empty"
    except ConfigError as error:
        return str(error)
    except DBAPIError as error:
        return f"{redacted(settings.database_url)} does not answer: {error.orig}"


def _copy(old: Engine, new: Engine) -> int:
    """Copies what nothing landed makes; how many rows that is."""
    copied = 0
    for table in COPIED:
        for rows in _read(old, table):
            in_transaction(new, partial(upsert, table=table, rows=rows))
            copied += len(rows)
    return copied


def _copy_hours(old: Engine, new: Engine, landed: Mapping[datetime, int]) -> int:
    """Copies the hours of stations that were made of more answers than are landed now; how many rows that is.

    So are the hours that follow them, which begin with what they ended with. `archive` then leaves both alone.

    Args:
        landed: how many parts each hour has.
    """
    of = station_hours.c
    with old.connect() as connection:
        systems = defaultdict[datetime, list[str]](list)
        for system_id, hour in connection.execute(select(of.system_id, of.hour_at).distinct()):
            systems[hour].append(system_id)
    lines = {line.hour_at: line for some in _read(old, archived_hours) for line in some}
    gone = {hour for hour in systems if landed.get(hour, 0) < (lines[hour].parts if hour in lines else 1)}
    copied, touched = 0, sorted(gone | {hour + HOUR for hour in gone} & systems.keys())
    for hour in touched:
        for system_id in sorted(systems[hour]):
            rows = [row for some in _read(old, station_hours, of.system_id == system_id, of.hour_at == hour) for row in some]
            in_transaction(new, partial(store_hours, system_id=system_id, hour=hour, hours=rows))
            copied += len(rows)
    for system_id in sorted({system_id for hour in touched for system_id in systems[hour]}):
        renew_usuals(new, system_id)
    known = [lines[hour] for hour in touched if hour in lines]
    in_transaction(new, partial(upsert, table=archived_hours, rows=known))
    return copied


def _read(engine: Engine, table: Table, *where: ColumnElement[bool]) -> Iterator[list[Any]]:
    """The rows of a table, by the columns that it has there, some at a time; none where there is no such table."""
    if not inspect(engine).has_table(table.name):
        return
    there = {column["name"] for column in inspect(engine).get_columns(table.name)}
    columns = [column for column in table.columns if column.name in there]
    query = select(*columns).where(*where).order_by(*table.primary_key)
    with engine.connect() as connection:
        for some in connection.execute(query, execution_options={"yield_per": 1_000}).partitions():
            yield validate_rows(table, tuple(column.name for column in columns), [tuple(row) for row in some])


def _archived_alone(store: Store, engine: Engine) -> int:
    """How many hours have files in the archive and no rows."""
    with engine.connect() as connection:
        return len(hours_of_files(store) - set(connection.scalars(select(station_hours.c.hour_at).distinct())))
