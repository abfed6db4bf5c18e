"""The archive: an hour of captured station statuses as one Parquet file per system, and what the hour was at each station.

    archive/station_status/system_id=velib/date=2026-11-21/hour=07.parquet

What an hour is depends on what is landed for it and for the hour before, and on nothing else: neither on how often it is
compacted, nor on the order in which its captures came. A capture that comes late rewrites its hour. The rules:

1. An hour has the captures whose slot lies in it (UTC). A file has a row per station and answer, in the order of both.
2. Where an answer was not modified, the last one of this hour or the one before still holds. Such a minute counts
   for `station_hours`, and has no rows in the file. After an answer that cannot be read nothing is known until the next.
3. A minute is a slot; where it has several captures, the first counts.
4. A minute is observed while the feed says of itself (`last_updated`) that it is not older than 15 minutes, or says nothing: one
   that stands still is no news. Minutes without a vehicle or a free dock are those in which the station gives, or takes back.
5. `vehicles_taken` and `vehicles_returned` are the changes between minutes that follow each other, beginning with the last of the
   hour before: what happened around a minute that is missing is not known. What trucks take and return is among them.
6. `station_usuals` counts all `station_hours` of the same hour of the week, and is estimated from these counts (`rates.py`).

Which hours were compacted, and from how many parts, stands in the database (`archived_hours`): another one that is filled from
the same landing begins with none.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb
import msgspec
from sqlalchemy import Connection, Engine, select

from gans.archive.captures import HourCaptures, SystemCaptures
from gans.archive.history import hours_of_system, renew_usuals, store_hours
from gans.archive.parquet import tabulate, to_parquet
from gans.clock import utc_now
from gans.database.rows import validate_row
from gans.database.transactions import in_transaction
from gans.database.upsert import upsert
from gans.errors import BadData
from gans.schedule import EARLIEST
from gans.source import Source
from gans.storage.landing import PartKey
from gans.storage.store import Store
from gans.tables.mobility import archived_hours

HOUR: Final = timedelta(hours=1)
LATE: Final = timedelta(days=7)
"""For how long what runs every hour looks at an hour again: a capture may come late, and the database may be away for days."""

ROOT: Final = "archive/station_status"
_FILE: Final = re.compile(r"/date=(?P<date>\d{4}-\d\d-\d\d)/hour=(?P<hour>\d\d)\.parquet$")


class ArchivedSystem(msgspec.Struct, frozen=True, kw_only=True):
    """An hour of one system.

    Attributes:
        key: of its file; "" where it gave no answer in the hour.
        rows: of the file.
        file_bytes: its size.
        stations: how many got their row of `station_hours`.
    """

    system_id: str
    key: str
    rows: int
    file_bytes: int
    stations: int


class Archived(msgspec.Struct, frozen=True):
    """What compacting an hour did.

    Attributes:
        parts: how many are landed for it.
        unreadable: the keys of those that cannot be read, and why.
    """

    hour: datetime
    parts: int
    unreadable: dict[str, str]
    systems: list[ArchivedSystem]

    @property
    def rows(self) -> int:
        """Those of all its files."""
        return sum(system.rows for system in self.systems)

    @property
    def file_bytes(self) -> int:
        """The size of all its files."""
        return sum(system.file_bytes for system in self.systems)


def summary(hours: Sequence[Archived]) -> str:
    """What compacting some hours did, in words."""
    systems = {system.system_id for hour in hours for system in hour.systems}
    rows, size_mb = sum(hour.rows for hour in hours), sum(hour.file_bytes for hour in hours) / 1e6
    return f"{len(hours)} hours of {len(systems)} systems: {rows:,} rows, {size_mb:.1f} MB"


def archive(
    store: Store,
    engine: Engine,
    source: Source,
    until: datetime,
    since: datetime | None = None,
    *,
    is_again: bool = False,
    has_time: Callable[[], bool] = lambda: True,
    on_progress: Callable[[int, int], None] = lambda done, planned: None,
) -> list[Archived]:
    """Compacts the hours that were over by `until` and have more parts than when they were compacted last, the newest first.

    One that has fewer is left alone: some of them are no longer kept.

    Args:
        since: no hour that began before the one that it lies in; None for all that are landed.
        is_again: also those that have as many (after a parser was mended).
        has_time: asked before each hour; once it has not, the others are left to the next time.
        on_progress: called with how many hours are done, and of how many.

    Raises:
        ValueError: the captures of the source must not be kept.
        DBAPIError: the database failed, or went away for longer than a few tries.
    """
    parts = parts_by_hour(store, source, until, since)
    before = _archived_parts(engine, min(parts, default=until))
    whole = {hour for hour in parts if parts[hour] >= before[hour]}
    grown = {hour for hour in whole if is_again or parts[hour] > before[hour]}
    # An hour begins with what the one before ended with. The later goes first: if this is broken off, both are found again.
    hours = sorted(whole & (grown | {hour + HOUR for hour in grown}), reverse=True)
    done: list[Archived] = []
    for hour in hours:
        if not has_time():
            break
        done.append(compact(store, engine, source, hour))
        on_progress(len(done), len(hours))
    for system_id in sorted({system.system_id for hour in done for system in hour.systems}):
        renew_usuals(engine, system_id)
    return done


def compact(store: Store, engine: Engine, source: Source, hour: datetime) -> Archived:
    """Writes the files of an hour and its rows of `station_hours`, and counts what `station_usuals` are estimated from.

    Args:
        source: whose captures are parsed into `station_status`.
        hour: when it begins.

    Raises:
        ValueError: the captures of the source must not be kept.
        DBAPIError: the database failed, or went away for longer than a few tries.
    """
    if source.retention:
        raise ValueError(f"The captures of {source.name} are kept for {source.retention}, and never archived.")
    parts = _landed(store, source, hour)
    unreadable: dict[str, str] = {}
    with TemporaryDirectory(prefix="gans-archive-") as folder:
        captures = HourCaptures(source, Path(folder))
        for part in parts:
            try:
                captures.read(store, part)
            except BadData as error:
                unreadable[str(part)] = str(error)
        missing = set(captures.systems)
        for _, of_minute in groupby(reversed(_landed(store, source, hour - HOUR)), key=attrgetter("slot")):
            answered = set[str]()
            for part in of_minute if missing else ():
                with suppress(BadData):  # its own hour names it
                    answered |= captures.read(store, part, missing)
            missing -= answered
        with duckdb.connect(config={"threads": 1, "memory_limit": "192MB", "temp_directory": folder}) as duck:
            done = [_compact_system(store, engine, duck, system, hour) for _, system in sorted(captures.systems.items())]
    in_transaction(engine, lambda connection: _record_parts(connection, hour, len(parts)))
    return Archived(hour, len(parts), unreadable, done)


def _compact_system(
    store: Store, engine: Engine, duck: duckdb.DuckDBPyConnection, system: SystemCaptures, hour: datetime
) -> ArchivedSystem:
    tabulate(duck, system)
    hours = hours_of_system(duck, system, hour)
    in_transaction(engine, lambda connection: store_hours(connection, system.system_id, hour, hours))
    ((rows,),) = duck.execute("SELECT count(*) FROM answers WHERE slot_at >= ?", [hour]).fetchall()
    key, data = "", b""
    if rows:
        key = f"{ROOT}/system_id={system.system_id}/date={hour:%Y-%m-%d}/hour={hour:%H}.parquet"
        data = to_parquet(duck, system, hour)
        store.write(key, data)
    return ArchivedSystem(system_id=system.system_id, key=key, rows=rows, file_bytes=len(data), stations=len(hours))


def hours_of_files(store: Store) -> set[datetime]:
    """The hours of which the archive has a file."""
    found = (_FILE.search(key) for key in store.keys(f"{ROOT}/"))
    return {datetime.strptime(f"{of['date']} {of['hour']}", "%Y-%m-%d %H").replace(tzinfo=UTC) for of in found if of}


def _landed(store: Store, source: Source, hour: datetime) -> list[PartKey]:
    """The parts of an hour, by slot and attempt."""
    return sorted(_parts(store, f"landing/{source.name}/{hour:%Y%m%dT%H}"))


def _parts(store: Store, prefix: str) -> Iterator[PartKey]:
    for key in store.keys(prefix):
        with suppress(BadData):  # a file that is no part: it is left alone
            yield PartKey.parse(key)


def parts_by_hour(store: Store, source: Source, until: datetime, since: datetime | None = None) -> Counter[datetime]:
    """How many parts are landed for each hour that was over by `until`."""
    prefixes, first = [f"landing/{source.name}/"], None
    if since:
        since = max(since, EARLIEST)
        days = (until.date() - since.date()).days + 1
        prefixes = [f"landing/{source.name}/{since + timedelta(days=number):%Y%m%dT}" for number in range(days)]
        first = _hour(since)
    hours = (_hour(part.slot) for prefix in prefixes for part in _parts(store, prefix))
    return Counter(hour for hour in hours if hour <= until - HOUR and (first is None or hour >= first))


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def _archived_parts(engine: Engine, since: datetime) -> Counter[datetime]:
    """How many parts each hour had when it was compacted last, from `since` on."""
    of = archived_hours.c
    with engine.connect() as connection:
        rows = connection.execute(select(of.hour_at, of.parts).where(of.hour_at >= since)).all()
    return Counter({row.hour_at: row.parts for row in rows})


def _record_parts(connection: Connection, hour: datetime, parts: int) -> None:
    row = {"hour_at": hour, "parts": parts, "archived_at": utc_now()}
    upsert(connection, archived_hours, [validate_row(archived_hours, tuple(row), tuple(row.values()))])
