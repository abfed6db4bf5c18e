"""The archive: an hour of captured station statuses as one Parquet file per system, and what the hour was at each station.

    archive/station_status/system_id=velib/date=2026-11-21/hour=07.parquet

What an hour is depends on what is landed for it and for the hour before, and on nothing else: neither on how often it is
compacted, nor on the order in which its captures came. A capture that comes late rewrites its hour. The rules:

1. An hour has the captures whose slot lies in it (UTC). A file has a row per station and answer, in the order of both.
2. Where an answer was not modified, the last one of this hour or the one before still tells what there was. Such a minute counts
   for `station_hours`, and has no rows in the file. After an answer that cannot be read nothing is known until the next.
3. A minute is a slot; where it has several captures, the first counts.
4. `vehicles_taken` and `vehicles_returned` are the changes between minutes that follow each other, beginning with the last of the
   hour before: what happened around a minute that is missing is not known. What trucks take and return is among them.
5. `station_usuals` is made from all `station_hours` of the same hour of the week.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import duckdb
import msgspec
from sqlalchemy import Column, Connection, Engine, delete, func, select

from gans.database.engine import in_transaction, upsert
from gans.database.rows import all_checked, checked
from gans.errors import BadData
from gans.source import Capture, Rows, Source
from gans.sources._clock import clock_of, hour_of_week
from gans.storage.landing import PartKey, Store, read_part
from gans.tables import Instant
from gans.tables.mobility import station_hours, station_status, station_usuals, station_vehicle_types, systems

HOUR: Final = timedelta(hours=1)
LATE: Final = timedelta(days=7)
"""For how long what runs every hour looks at an hour again: a capture may come late, and the database may be away for days."""

ROOT: Final = "archive/station_status"


def _type(column: Column[Any]) -> str:
    return "TIMESTAMPTZ" if isinstance(column.type, Instant) else column.type.compile()


_OF_ANSWER: Final[Mapping[str, tuple[str, str]]] = {
    "slot_at": ("TIMESTAMPTZ", "the minute for which it was asked (UTC)"),
    "fetched_at": ("TIMESTAMPTZ", "when the upstream said so (UTC)"),
}
_OF_STATION: Final[Mapping[str, tuple[str, str]]] = {
    **{
        column.name: (_type(column), str(column.comment))
        for column in station_status.columns
        if column.name not in ("system_id", "fetched_at")
    },
    "vehicles_by_type": ("MAP(VARCHAR, INTEGER)", "how many of vehicles_available are of which type; null where it is not told"),
}
COLUMNS: Final[Mapping[str, tuple[str, str]]] = {
    "station_id": _OF_STATION["station_id"],
    **_OF_ANSWER,
    **{name: column for name, column in _OF_STATION.items() if name not in ("station_id", "reported_at")},
    # reported_at would be more than half of the file; this is a third smaller.
    "reported_ago_s": ("INTEGER", "how long before slot_at the station itself reported last, s; below 0 where it was after it"),
}
"""The columns of a file: their types, as DuckDB calls them, and what they mean. `system_id` and `date` stand in its path."""

_LINE_BYTES: Final = 16 * 1024 * 1024
"""The most that an answer may take here, some 100,000 stations; one that takes more counts as one that cannot be read."""

_NOT_MODIFIED: Final = -1
_UNREADABLE: Final = -2


class ArchivedSystem(msgspec.Struct, frozen=True):
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
        on_progress: told how many hours are done, and of how many.

    Raises:
        ValueError: the captures of the source must not be kept.
        DBAPIError: the database failed, or went away for longer than a few tries.
    """
    parts = _parts_by_hour(store, source, since, until)
    days = {day: _compacted_parts(store, day) for day in {hour.date() for hour in parts}}
    before = {hour: days[hour.date()].get(f"{hour:%H}", 0) for hour in parts}
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
    return done


def compact(store: Store, engine: Engine, source: Source, hour: datetime) -> Archived:
    """Writes the files of an hour, its rows of `station_hours`, and the `station_usuals` that they change.

    Args:
        source: whose captures tell `station_status`.
        hour: when it begins.

    Raises:
        ValueError: the captures of the source must not be kept.
        DBAPIError: the database failed, or went away for longer than a few tries.
    """
    if source.keep:
        raise ValueError(f"The captures of {source.name} are kept for {source.keep}, and never archived.")
    parts = _landed(store, source, hour)
    unreadable: dict[str, str] = {}
    with TemporaryDirectory(prefix="gans-archive-") as folder:
        heard = _Heard(source, Path(folder))
        for part in parts:
            try:
                heard.part(store, part)
            except BadData as error:
                unreadable[str(part)] = str(error)
        sought = set(heard.systems)
        for _, of_minute in groupby(reversed(_landed(store, source, hour - HOUR)), key=attrgetter("slot")):
            answered = set[str]()
            for part in of_minute if sought else ():
                with suppress(BadData):  # it is told of with its own hour
                    answered |= heard.part(store, part, sought)
            sought -= answered
        with duckdb.connect(config={"threads": 1, "memory_limit": "192MB", "temp_directory": folder}) as duck:
            done = [_compact_system(store, engine, duck, system, hour) for _, system in sorted(heard.systems.items())]
    _record_parts(store, hour, len(parts))
    return Archived(hour, len(parts), unreadable, done)


class _Told(NamedTuple):
    """A capture.

    Attributes:
        answer: the number of the line that tells what it says, or `_NOT_MODIFIED`, or `_UNREADABLE`.
        zone: the system's, by its IANA name.
    """

    slot: datetime
    answer: int
    zone: str | None


class _System:
    """The captures of a system.

    Attributes:
        answers: NDJSON; a line for each answer, with a list for each column of `_OF_STATION`.
        told: by when they were fetched, so that what was landed twice is there once.
    """

    def __init__(self, system_id: str, answers: Path) -> None:
        self.system_id, self.answers, self.told = system_id, answers, dict[datetime, _Told]()

    def minutes(self) -> Iterator[tuple[datetime, datetime, int]]:
        """The slots for which it is known what there was, when that was fetched, and the answer that tells it."""
        seen, last = set[datetime](), _UNREADABLE
        for fetched_at, (slot, answer, _) in sorted(self.told.items()):
            last = last if answer == _NOT_MODIFIED else answer
            if last != _UNREADABLE and slot not in seen:
                seen.add(slot)
                yield slot, fetched_at, last


class _Heard:
    """What parts tell, by system."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.source, self.folder = source, folder
        self.systems: dict[str, _System] = {}

    def part(self, store: Store, key: PartKey, only: Set[str] | None = None) -> set[str]:
        """Takes in the captures of a part, where `only` is given of those systems alone.

        Returns:
            The systems that answered, whether that can be read or not.

        Raises:
            BadData: the part cannot be read.
        """
        data, answered = store.read(str(key)), set[str]()
        if data is None:
            raise BadData("It was there, and is no longer")
        part = read_part(data)
        if (found := PartKey.of(part.header)) != key:
            raise BadData(f"The part is that of {found}")
        for capture in part.captures:
            if capture.error or (only is not None and capture.unit not in only):
                continue
            system = self.systems.get(capture.unit)
            if system is None:
                system = self.systems[capture.unit] = _System(capture.unit, self.folder / f"{len(self.systems)}.ndjson")
            is_answer = capture.status != 304
            if is_answer:
                answered.add(capture.unit)
            if capture.fetched_at not in system.told:
                answer = self._answer(system, capture) if is_answer else _NOT_MODIFIED
                system.told[capture.fetched_at] = _Told(capture.slot, answer, capture.context.get("timezone"))
        return answered

    def _answer(self, system: _System, capture: Capture) -> int:
        """Writes what a capture says into a line, and gives its number."""
        try:
            tables = {item.table: item for item in self.source.parse(capture) if isinstance(item, Rows)}
        except Exception:  # `load` told the ledger why
            return _UNREADABLE
        types: defaultdict[str, dict[str, int]] = defaultdict(dict)
        if by_type := tables.get("station_vehicle_types"):
            names = ("station_id", "vehicle_type_id", "vehicles_available")
            for station_id, type_id, vehicles in map(itemgetter(*map(by_type.columns.index, names)), by_type.values):
                if _is_id(type_id):
                    types[station_id][type_id] = vehicles
        told = tables["station_status"]
        place = told.columns.index("station_id")
        stations = [values for values in told.values if _is_id(values[place])]
        columns = dict(zip(told.columns, zip(*stations, strict=True), strict=False))  # none where there is no station
        columns["vehicles_by_type"] = tuple(types.get(station_id) for station_id in columns.get("station_id", ()))
        number = len(system.told)
        of_answer = {"answer": number, "slot_at": capture.slot, "fetched_at": capture.fetched_at}
        line = msgspec.json.encode(of_answer | {name: columns.get(name, ()) for name in _OF_STATION})
        if len(line) > _LINE_BYTES:
            return _UNREADABLE
        with system.answers.open("ab") as file:
            file.write(line + b"\n")
        return number


@lru_cache(maxsize=100_000)
def _is_id(told: str) -> bool:
    """Whether a table may have it as a key; the rows of one that it may not are in `rejects`."""
    try:
        checked(station_vehicle_types, ("vehicle_type_id",), [told])
    except BadData:
        return False
    return True


def _compact_system(
    store: Store, engine: Engine, duck: duckdb.DuckDBPyConnection, system: _System, hour: datetime
) -> ArchivedSystem:
    _tabulate(duck, system)
    hours = _station_hours(duck, system, hour)
    in_transaction(engine, lambda connection: _store(connection, system.system_id, hour, hours))
    ((rows,),) = duck.execute("SELECT count(*) FROM answers WHERE slot_at >= ?", [hour]).fetchall()
    key, data = "", b""
    if rows:
        key = f"{ROOT}/system_id={system.system_id}/date={hour:%Y-%m-%d}/hour={hour:%H}.parquet"
        data = _parquet(duck, system, hour)
        store.write(key, data)
    return ArchivedSystem(system.system_id, key, rows, len(data), len(hours))


def _tabulate(duck: duckdb.DuckDBPyConnection, system: _System) -> None:
    """Makes the tables `answers` (a row per station and answer) and `minutes` (the answer that tells what there was)."""
    line = {"answer": "INTEGER"}
    line |= {name: kind for name, (kind, _) in _OF_ANSWER.items()}
    line |= {name: f"{kind}[]" for name, (kind, _) in _OF_STATION.items()}
    system.answers.touch()
    duck.execute(
        f"""
        CREATE OR REPLACE TABLE answers AS
        SELECT *, round(epoch(slot_at) - epoch(reported_at))::INTEGER AS reported_ago_s
        FROM (
            SELECT answer, {", ".join(_OF_ANSWER)}, {", ".join(f"unnest({name}) AS {name}" for name in _OF_STATION)}
            FROM read_json(?, format = 'newline_delimited', columns = {line}, maximum_object_size = {_LINE_BYTES})
        )
        """,
        [str(system.answers)],
    )
    duck.execute("CREATE OR REPLACE TABLE minutes (slot_at TIMESTAMPTZ, fetched_at TIMESTAMPTZ, answer INTEGER)")
    if minutes := list(system.minutes()):
        duck.executemany("INSERT INTO minutes VALUES (?, ?, ?)", minutes)


def _parquet(duck: duckdb.DuckDBPyConnection, system: _System, hour: datetime) -> bytes:
    """The answers of the hour; the same bytes for the same answers. What the columns mean stands in the file's metadata."""
    file = system.answers.with_suffix(".parquet")
    meanings = {name: meaning for name, (_, meaning) in COLUMNS.items()}
    duck.execute(
        f"""
        COPY (SELECT {", ".join(COLUMNS)} FROM answers WHERE slot_at >= ? ORDER BY station_id, fetched_at)
        TO '{file}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 12, KV_METADATA {meanings})
        """,
        [hour],
    )
    return file.read_bytes()


def _station_hours(duck: duckdb.DuckDBPyConnection, system: _System, hour: datetime) -> list[msgspec.Struct]:
    """The rows of `station_hours`, in key order."""
    found = duck.execute(
        """
        WITH observed AS (
            SELECT station_id, minutes.slot_at, minutes.fetched_at, vehicles_available AS vehicles, docks_available AS docks,
                CASE WHEN minutes.slot_at - lag(minutes.slot_at) OVER told = INTERVAL 1 MINUTE
                    THEN vehicles_available - lag(vehicles_available) OVER told END AS change
            FROM minutes JOIN answers USING (answer)
            WINDOW told AS (PARTITION BY station_id ORDER BY minutes.fetched_at)
        )
        SELECT station_id, avg(vehicles), min(vehicles), max(vehicles), avg(docks), min(docks), max(docks), count(vehicles),
            count(*) FILTER (vehicles = 0), count(vehicles) FILTER (docks = 0),
            coalesce(sum(-change) FILTER (change < 0), 0)::INTEGER, coalesce(sum(change) FILTER (change > 0), 0)::INTEGER,
            max(fetched_at AT TIME ZONE 'UTC')
        FROM observed WHERE slot_at >= ? GROUP BY station_id ORDER BY station_id
        """,
        [hour],
    ).fetchall()
    clock = clock_of(system.told[max(system.told)].zone)
    local = hour.astimezone(clock) if clock else None
    common = (system.system_id, hour, hour_of_week(local) if local else None, local.date() if local else None)
    return all_checked(
        station_hours,
        (
            "system_id", "hour_at", "hour_of_week", "local_date", "station_id", "vehicles_mean", "vehicles_min", "vehicles_max",
            "docks_mean", "docks_min", "docks_max", "minutes_observed", "minutes_empty", "minutes_full", "vehicles_taken",
            "vehicles_returned", "fetched_at",
        ),
        [(*common, *values, fetched_at.replace(tzinfo=UTC)) for *values, fetched_at in found],
    )  # fmt: skip


def _store(connection: Connection, system_id: str, hour: datetime, hours: list[Any]) -> None:
    """Puts the rows of an hour in place of those that are there, and renews what is usual at the hours of the week of both."""
    # This also locks the system's row: of two compactions, the second counts what the first one stored.
    upsert(connection, systems, [checked(systems, ("system_id",), [system_id])])
    there = station_hours.c.system_id == system_id, station_hours.c.hour_at == hour
    touched = set(connection.scalars(select(station_hours.c.hour_of_week).where(*there).distinct()))
    connection.execute(delete(station_hours).where(*there))
    upsert(connection, station_hours, hours)
    for week_hour in sorted((touched | {row.hour_of_week for row in hours}) - {None}):
        connection.execute(
            delete(station_usuals).where(station_usuals.c.system_id == system_id, station_usuals.c.hour_of_week == week_hour)
        )
        upsert(connection, station_usuals, _usuals(connection, system_id, week_hour))


def _usuals(connection: Connection, system_id: str, week_hour: int) -> list[msgspec.Struct]:
    """The rows of `station_usuals` for an hour of the week, in key order."""
    of = station_hours.c
    minutes = func.sum(of.minutes_observed)
    query = (
        select(of.station_id, func.sum(of.vehicles_taken), minutes, func.max(of.fetched_at))
        .where(of.system_id == system_id, of.hour_of_week == week_hour)
        .group_by(of.station_id)
        .having(minutes > 0)
        .order_by(of.station_id)
    )
    return all_checked(
        station_usuals,
        ("system_id", "hour_of_week", "station_id", "usual_taken", "minutes_observed", "fetched_at"),
        [
            (system_id, week_hour, station_id, int(taken) * 60 / int(observed), int(observed), fetched_at)
            for station_id, taken, observed, fetched_at in connection.execute(query)
        ],
    )


def _landed(store: Store, source: Source, hour: datetime) -> list[PartKey]:
    """The parts of an hour, by slot and attempt."""
    return sorted(_parts(store, f"landing/{source.name}/{hour:%Y%m%dT%H}"))


def _parts(store: Store, prefix: str) -> Iterator[PartKey]:
    for key in store.keys(prefix):
        with suppress(BadData):  # a file that is no part: it is left alone
            yield PartKey.parse(key)


def _parts_by_hour(store: Store, source: Source, since: datetime | None, until: datetime) -> Counter[datetime]:
    """How many parts are landed for each hour that was over by `until`."""
    prefixes, first = [f"landing/{source.name}/"], None
    if since:
        days = (until.date() - since.date()).days + 1
        prefixes = [f"landing/{source.name}/{since + timedelta(days=number):%Y%m%dT}" for number in range(days)]
        first = _hour(since)
    hours = (_hour(part.slot) for prefix in prefixes for part in _parts(store, prefix))
    return Counter(hour for hour in hours if hour <= until - HOUR and (first is None or hour >= first))


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def _key_of_counts(day: date) -> str:
    return f"{ROOT}/_parts/{day}.json"


def _compacted_parts(store: Store, day: date) -> dict[str, int]:
    """How many parts the hours of a day had when they were compacted last, by the two digits of the hour."""
    data = store.read(_key_of_counts(day))
    try:
        return msgspec.json.decode(data, type=dict[str, int]) if data else {}
    except msgspec.DecodeError:  # then the day is compacted once more
        return {}


def _record_parts(store: Store, hour: datetime, parts: int) -> None:
    counts = _compacted_parts(store, hour.date()) | {f"{hour:%H}": parts}
    store.write(_key_of_counts(hour.date()), msgspec.json.encode(counts, order="sorted"))
