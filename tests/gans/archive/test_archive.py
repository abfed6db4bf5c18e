"""Hours compacted: what stands in the files and in `station_hours`, and that it is the same however the captures came."""

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import Engine, select

from gans.archive.archive import HOUR, archive, compact
from gans.archive.columns import COLUMNS
from gans.database.views import SCHEMA
from gans.source import Capture
from gans.sources import asked
from gans.sources.station_status import source
from gans.storage.landing import Footer, Header, PartKey, PartWriter
from gans.storage.store import FolderStore
from gans.tables.mobility import archived_hours, station_hours, station_usuals, stations, systems

TEN = datetime(2026, 11, 21, 10, tzinfo=UTC)  # a Saturday; 11 o'clock in Paris
FILE = "archive/station_status/system_id=velib/date=2026-11-21/hour=10.parquet"
NOT_MODIFIED, FAILED, UNREADABLE = "not modified", "failed", "unreadable"

Outcome = Mapping[str, Any] | str
"""Vehicles by station (docks are 10 less these), or what else became of a question."""


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


Land = Callable[..., str]


@pytest.fixture
def land(store: FolderStore) -> Land:
    def land(minute: float, outcome: Outcome, **context: Any) -> str:
        key, data = part(minute, outcome, **context)
        store.write(key, data)
        return key

    return land


def part(
    minute: float, outcome: Outcome, late_s: float = 3, zone: str | None = "Europe/Paris", unit: str = "velib", number: int = 1
) -> tuple[str, bytes]:
    """A landed part with one answer, asked so many minutes after ten, fetched so long after that."""
    slot = TEN + timedelta(minutes=minute)
    at = slot + timedelta(seconds=late_s)
    body = b"<html>" if outcome == UNREADABLE else b""
    if isinstance(outcome, Mapping):
        body = json.dumps(
            {
                "last_updated": outcome.get("last_updated", int(at.timestamp())),
                "data": {"stations": [_station(one) for one in outcome.items() if one[0] != "last_updated"]},
            }
        ).encode()
    capture = Capture(
        unit=unit,
        url="https://gbfs.example.com/",
        status={NOT_MODIFIED: 304, FAILED: 500}.get(str(outcome), 200),
        slot=slot,
        fetched_at=at,
        context={"system_id": unit, "provider": "gbfs", "timezone": zone, "ttl_s": 60},
        body=body,
        error="Transient: 500" if outcome == FAILED else "",
    )
    header = Header(source=source.name, slot=slot, attempt=at, part=number, code_version="0")
    writer = PartWriter(header)
    writer.add(capture)
    return str(PartKey.of(header)), writer.close(Footer(finished_at=at, requests=1, bytes_received=len(body), captures=1))


def _station(counted: tuple[str, Any]) -> dict[str, Any]:
    station_id, vehicles = counted
    of = vehicles if isinstance(vehicles, dict) else {"num_bikes_available": vehicles, "num_docks_available": 10 - vehicles}
    return {"station_id": station_id, **of}


def rows(engine: Engine, table: Any = station_hours) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]


def hour_of(engine: Engine, station_id: str = "a", hour: datetime = TEN) -> dict[str, Any]:
    (row,) = [row for row in rows(engine) if (row["station_id"], row["hour_at"]) == (station_id, hour)]
    return row


def changes(row: Mapping[str, Any]) -> tuple[int, int, int]:
    return row["minutes_observed"], row["vehicles_taken"], row["vehicles_returned"]


def test_an_hour_of_a_station(store: FolderStore, engine: Engine, land: Land) -> None:
    for minute, vehicles in enumerate((3, 0, 0, 10, 9)):
        land(minute, {"a": vehicles, "b": 5})
    done = compact(store, engine, source, TEN)
    assert (done.parts, done.unreadable) == (5, {})
    assert [(one.system_id, one.key, one.rows, one.stations) for one in done.systems] == [("velib", FILE, 10, 2)]
    assert hour_of(engine) == {
        "system_id": "velib", "station_id": "a", "hour_at": TEN, "local_hour_of_week": 5 * 24 + 11,
        "local_on": date(2026, 11, 21), "hour_of_week": 5 * 24 + 11, "local_date": date(2026, 11, 21),
        "minutes_renting": 5, "minutes_returning": 5, "vehicles_mean": 4.4, "vehicles_min": 0, "vehicles_max": 10,
        "docks_mean": 5.6, "docks_min": 0, "docks_max": 10,
        "minutes_observed": 5, "minutes_empty": 2, "minutes_full": 1, "vehicles_taken": 4, "vehicles_returned": 10,
        "fetched_at": TEN + timedelta(minutes=4, seconds=3),
    }  # fmt: skip
    assert changes(hour_of(engine, "b")) == (5, 0, 0)


def test_a_file_tells_every_answer_in_order_and_what_its_columns_mean(store: FolderStore, engine: Engine, land: Land) -> None:
    bike = {"num_bikes_available": 3, "num_bikes_available_types": {"mechanical": 1, "ebike": 2}, "is_renting": 1}
    land(1, {"b": {}, "a": {**bike, "last_reported": int((TEN + timedelta(seconds=40)).timestamp())}})
    land(0, {"b": 7})
    compact(store, engine, source, TEN)
    with duckdb.connect() as duck:
        duck.execute("SET TimeZone = 'UTC'")
        files = f"'{store.root}/archive/station_status/*/*/*.parquet'"
        found = duck.execute(f"SELECT system_id, date, station_id, slot_at::VARCHAR FROM {files}").fetchall()
        day, slots = date(2026, 11, 21), ("2026-11-21 10:00:00+00", "2026-11-21 10:01:00+00")
        assert found == [("velib", day, "a", slots[1]), ("velib", day, "b", slots[0]), ("velib", day, "b", slots[1])]
        names = "vehicles_available, docks_available, is_renting, vehicles_by_type, reported_ago_s, hour_of_week"
        assert duck.execute(f"SELECT {names} FROM {files}").fetchall() == [
            (3, None, True, {"mechanical": 1, "ebike": 2}, 20, 131), (7, 3, None, None, None, 131),
            (None,) * 5 + (131,),
        ]  # fmt: skip
        described = duck.execute(f"DESCRIBE FROM read_parquet({files}, hive_partitioning = false)").fetchall()
        metadata = duck.execute(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata({files})").fetchall()
    kinds = {"VARCHAR(100)": "VARCHAR", "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
    assert [(name, kind) for name, kind, *_ in described] == [
        (name, kinds.get(kind, kind)) for name, (kind, _) in COLUMNS.items()
    ]
    assert dict(metadata) == {name: description for name, (_, description) in COLUMNS.items()}


def test_the_table_of_athena_has_the_columns_of_the_files() -> None:
    text = (SCHEMA / "archive" / "station_status.sql").read_text(encoding="utf-8")
    kinds = {
        "VARCHAR(100)": "string", "TIMESTAMPTZ": "timestamp", "BOOLEAN": "boolean", "SMALLINT": "smallint", "INTEGER": "int",
        "MAP(VARCHAR, INTEGER)": "map<string,int>",
    }  # fmt: skip
    columns = re.findall(r"^    `(\w+)` (\S+) COMMENT '((?:[^']|'')*)'", text, re.MULTILINE)
    expected = [(name, kinds[kind], description.replace("'", "''")) for name, (kind, description) in COLUMNS.items()]
    assert columns == [*expected, ("system_id", "string", "the system"), ("date", "string", "the date of slot_at (UTC)")]


def test_what_is_not_told_is_not_zero(store: FolderStore, engine: Engine, land: Land) -> None:
    land(0, {"a": {}, "b": {"num_docks_available": 0}, "c": {"num_bikes_available": 0}})
    land(1, {"a": {}, "c": {"num_bikes_available": 4}})
    compact(store, engine, source, TEN)
    for station_id, expected in {"a": (0, 0, 0), "b": (0, 0, 0), "c": (2, 0, 4)}.items():
        assert changes(hour_of(engine, station_id)) == expected
    assert {hour_of(engine, "a")[name] for name in ("vehicles_mean", "vehicles_min", "docks_mean", "docks_max")} == {None}
    assert (hour_of(engine, "b")["minutes_full"], hour_of(engine, "c")["minutes_empty"]) == (0, 1)
    assert [row["station_id"] for row in rows(engine, station_usuals)] == ["c"]


def test_what_happened_in_a_missing_minute_is_not_known(store: FolderStore, engine: Engine, land: Land) -> None:
    for minute, outcome in enumerate(({"a": 9}, FAILED, {"a": 5}, {"b": 1}, {"a": 3}, {"a": 2})):
        land(minute, outcome)
    compact(store, engine, source, TEN)
    assert changes(hour_of(engine)) == (4, 1, 0)


def test_an_answer_holds_while_it_is_not_modified(store: FolderStore, engine: Engine, land: Land) -> None:
    outcomes: list[Outcome] = [{"a": 4}, NOT_MODIFIED, NOT_MODIFIED, {"a": 2}, UNREADABLE, NOT_MODIFIED, {"a": 9}]
    for minute, one in enumerate(outcomes):
        land(minute, one)
    (done,) = compact(store, engine, source, TEN).systems
    assert done.rows == 3, "what was not modified has no rows in the file"
    assert changes(hour_of(engine)) == (5, 2, 0), "after what cannot be read, nothing is known until the next answer"
    assert hour_of(engine)["vehicles_mean"] == (4 + 4 + 4 + 2 + 9) / 5


def test_an_hour_begins_with_the_last_minute_of_the_one_before(store: FolderStore, engine: Engine, land: Land) -> None:
    for minute, outcome in ((-3, {"a": 9}), (-2, {"a": 7}), (-1, NOT_MODIFIED), (0, NOT_MODIFIED), (1, {"a": 6}), (2, {"a": 6})):
        land(minute, outcome)
    (done,) = compact(store, engine, source, TEN).systems
    assert (done.rows, changes(hour_of(engine))) == (2, (3, 1, 0))
    land(58, {"a": 6})
    land(60, NOT_MODIFIED)
    (done,) = compact(store, engine, source, TEN + HOUR).systems
    assert (done.key, done.rows, done.stations) == ("", 0, 1), "an hour in which nothing changed has no file"
    assert changes(hour_of(engine, hour=TEN + HOUR)) == (1, 0, 0)


def test_of_a_minute_the_first_capture_counts_and_none_twice(store: FolderStore, engine: Engine, land: Land) -> None:
    land(0, {"a": 5})
    land(1, {"a": 4})
    land(1, {"a": 1}, late_s=30)
    land(2, {"a": 4})
    land(2, {"a": 4}, number=2)
    wrong = land(2, {"a": 4}, number=3)
    store.write(wrong, part(2, {"a": 9}, number=4)[1])  # not what its key says
    land(3, {"a": 3}, late_s=100)  # only now, after the next
    land(4, {"a": 4})
    done = compact(store, engine, source, TEN)
    assert list(done.unreadable) == [wrong]
    assert changes(hour_of(engine)) == (5, 1, 0)
    assert done.systems[0].rows == 6, "every answer has its rows in the file"


@pytest.mark.parametrize(
    ("zone", "local"),
    [
        ("Asia/Kolkata", (5 * 24 + 15, date(2026, 11, 21))),  # 15:30
        ("Pacific/Kiritimati", (6 * 24 + 0, date(2026, 11, 22))),
        ("Mars/Olympus", (None, None)),
        (None, (None, None)),
    ],
)
def test_an_hour_is_called_as_the_systems_own_clock_does(
    store: FolderStore, engine: Engine, land: Land, zone: str | None, local: tuple[int | None, date | None]
) -> None:
    land(0, {"a": 1}, zone="Europe/Paris")
    land(1, {"a": 1}, zone=zone)
    compact(store, engine, source, TEN)
    assert (hour_of(engine)["local_hour_of_week"], hour_of(engine)["local_on"]) == local
    assert len(rows(engine, station_usuals)) == (local[0] is not None)


def test_what_was_seen_of_an_hour_is_counted_over_all_weeks(store: FolderStore, engine: Engine, land: Land) -> None:
    week = 7 * 24 * 60
    for minute, vehicles in ((0, {"a": 9}), (1, {"a": 3}), (week, {"a": 5}), (week + 1, {"a": 4}), (week + 2, {"a": 4})):
        land(minute, vehicles)
    land(60, {"a": 9})
    for _ in range(2):
        archive(store, engine, source, TEN + 30 * 24 * HOUR, is_again=True)
        usual, other = rows(engine, station_usuals)
        assert usual == {
            "system_id": "velib", "station_id": "a", "hour_of_week": 131, "local_hour_of_week": 131,
            "minutes_observed": 5, "taken": 7, "minutes_with_vehicle": 5, "minutes_renting": 5, "returned": 0,
            "minutes_with_dock": 5, "minutes_returning": 5, "usual_taken": None, "usual_returned": None,
            "fetched_at": TEN + timedelta(minutes=week + 2, seconds=3),
        }  # fmt: skip
        assert (other["local_hour_of_week"], other["taken"], other["minutes_observed"]) == (132, 0, 1)


def test_minutes_in_which_a_station_was_closed_are_neither_empty_nor_full(store: FolderStore, engine: Engine, land: Land) -> None:
    for minute, flags in enumerate(({}, {"is_renting": 0}, {"is_returning": False}, {"is_installed": 0}, {"is_renting": 1})):
        land(minute, {"a": {"num_bikes_available": 0, "num_docks_available": 0, **flags}})
    compact(store, engine, source, TEN)
    row = hour_of(engine)
    assert (row["minutes_observed"], row["minutes_renting"], row["minutes_returning"]) == (5, 3, 3)
    assert (row["minutes_empty"], row["minutes_full"]) == (3, 3)


@pytest.mark.parametrize("again", ["told again", NOT_MODIFIED])
def test_minutes_of_a_feed_that_stands_still_are_not_observed(store: FolderStore, engine: Engine, land: Land, again: str) -> None:
    at = int((TEN + timedelta(minutes=4)).timestamp())
    for minute in range(60):
        standing = NOT_MODIFIED if again == NOT_MODIFIED else {"a": 0, "last_updated": at}
        land(minute, {"a": 4 - minute, "last_updated": at} if minute == 4 else {"a": 4 - minute} if minute < 4 else standing)
    compact(store, engine, source, TEN)
    assert (hour_of(engine)["minutes_observed"], hour_of(engine)["vehicles_taken"]) == (20, 4), (
        "a quarter of an hour after it stood"
    )


def test_a_feed_whose_clock_is_ahead_is_observed(store: FolderStore, engine: Engine, land: Land) -> None:
    ahead = int((TEN + timedelta(hours=3)).timestamp())
    for minute in range(3):
        land(minute, {"a": 3 - minute, "last_updated": ahead})
    compact(store, engine, source, TEN)
    assert changes(hour_of(engine)) == (3, 2, 0)


def test_a_station_that_stood_empty_wants_what_it_gives_when_it_is_not(store: FolderStore, engine: Engine, land: Land) -> None:
    """The case that once counted as wanting nothing: empty all hour, while it gives a vehicle every two minutes before."""
    for minute in range(-120, 60):
        land(minute, {"a": max(0, -minute // 2), "b": 10 + minute % 2})
    archive(store, engine, source, TEN + HOUR)
    usual = {(row["station_id"], row["local_hour_of_week"]): row for row in rows(engine, station_usuals)}
    empty, before = usual["a", 131], usual["a", 130]
    assert (empty["taken"], empty["minutes_with_vehicle"], empty["minutes_renting"]) == (0, 0, 60)
    assert empty["usual_taken"] > 20
    assert before["usual_taken"] == pytest.approx(30, abs=2)


def test_rates_are_estimated_again_alike(store: FolderStore, engine: Engine, land: Land) -> None:
    for minute in range(90):
        land(minute, {"a": 9 - minute % 3, "b": 0})
    archive(store, engine, source, TEN + 2 * HOUR)
    before = rows(engine, station_usuals)
    archive(store, engine, source, TEN + 2 * HOUR, is_again=True)
    assert rows(engine, station_usuals) == before


def history(unit: str, seed: int) -> Iterator[tuple[float, Outcome, float]]:
    """Three hours of a system, with everything in them that may happen to a capture: minute, what it told, how late it was."""
    made = random.Random(f"{unit} {seed}")
    vehicles = {"a": 5, "b": 0, "c": 10}
    for minute in range(180):
        for station_id in vehicles:
            vehicles[station_id] = min(10, max(0, vehicles[station_id] + made.choice((-2, -1, 0, 0, 0, 1, 2))))
        shown = {station_id: count for station_id, count in vehicles.items() if made.random() < 0.9}
        (outcome,) = made.choices([shown, NOT_MODIFIED, FAILED, UNREADABLE], (60, 20, 5, 5))
        if made.random() < 0.95:
            yield minute, outcome, made.uniform(0, 59) if made.random() < 0.9 else made.uniform(60, 200)
        if made.random() < 0.05:
            yield minute, shown, made.uniform(0, 200)


def by_the_rules(captures: list[tuple[float, Outcome, float]], station_id: str, hour: int) -> tuple[int, ...] | None:
    """Minutes observed and empty, vehicles taken and returned: what the rules say, worked out in another way."""
    answered = sorted((minute, minute * 60 + late_s, one) for minute, one, late_s in captures if one != FAILED)
    before = [one for one in answered if hour * 60 - 60 <= one[0] < hour * 60]
    begin = max((minute for minute, _, one in before if one != NOT_MODIFIED), default=0)
    before = [one for one in before if one[0] >= begin]
    last: Outcome = UNREADABLE
    seen: dict[float, Outcome] = {}
    for minute, _, one in sorted(before + [one for one in answered if one[0] // 60 == hour], key=lambda one: one[1]):
        last = last if one == NOT_MODIFIED else one
        if isinstance(last, Mapping):
            seen.setdefault(minute, last)
    known = [(minute, one[station_id]) for minute, one in seen.items() if isinstance(one, Mapping) and station_id in one]
    here = [vehicles for minute, vehicles in known if minute >= hour * 60]
    steps = [b - a for (m, a), (n, b) in pairwise(known) if n - m == 1 and n >= hour * 60]
    return (len(here), here.count(0), -sum(s for s in steps if s < 0), sum(s for s in steps if s > 0)) if here else None


def files(store: FolderStore) -> dict[str, bytes | None]:
    return {key: store.read(key) for key in store.keys("archive/")}


@pytest.mark.databases("sqlite", "mysql")
@pytest.mark.parametrize("seed", range(2))
def test_it_is_the_same_however_often_and_in_whatever_order_the_captures_came(tmp_path: Path, engine: Engine, seed: int) -> None:
    histories = {unit: list(history(unit, seed)) for unit in ("oslo", "velib")}
    parts = [part(minute, one, late_s, unit=unit) for unit, all_of in histories.items() for minute, one, late_s in all_of]
    made, until = random.Random(seed), TEN + 3 * HOUR
    results = []
    for attempt in range(3):
        store = FolderStore(tmp_path / str(attempt))
        for number, (key, data) in enumerate(made.sample(parts, len(parts))):
            store.write(key, data)
            if number in (attempt * 50, attempt * 150):  # the rule fires when only some of it is there
                archive(store, engine, source, until)
        archive(store, engine, source, until)
        results.append((rows(engine), rows(engine, station_usuals), files(store)))
        assert archive(store, engine, source, until) == [], "nothing is left to do"
        with engine.begin() as connection:
            for table in (station_usuals, station_hours, archived_hours):
                connection.execute(table.delete())
    assert results[0] == results[1] == results[2]
    assert sum(key.endswith(".parquet") for key in results[0][2]) == 6
    names = ("minutes_observed", "minutes_empty", "vehicles_taken", "vehicles_returned")
    found = {(row["system_id"], row["station_id"], (row["hour_at"] - TEN) // HOUR): row for row in results[0][0]}
    assert {where: tuple(row[name] for name in names) for where, row in found.items()} == {
        (unit, station_id, hour): by_the_rules(histories[unit], station_id, hour)
        for unit in histories for station_id in "abc" for hour in range(3)
    }  # fmt: skip


def test_a_late_capture_rewrites_its_hour_and_the_next(store: FolderStore, engine: Engine, land: Land) -> None:
    land(58, {"a": 8})
    land(60, {"a": 5})
    until = TEN + 2 * HOUR
    assert [done.hour for done in archive(store, engine, source, until)] == [TEN + HOUR, TEN]
    assert changes(hour_of(engine, hour=TEN + HOUR)) == (1, 0, 0)
    land(59, {"a": 7})
    seen: list[tuple[int, int]] = []
    done = archive(store, engine, source, until, on_progress=lambda *of: seen.append(of))
    assert ([one.hour for one in done], seen) == ([TEN + HOUR, TEN], [(1, 2), (2, 2)])
    assert changes(hour_of(engine)) == (2, 1, 0)
    assert changes(hour_of(engine, hour=TEN + HOUR)) == (1, 2, 0)
    land(119, {"a": 5})
    assert [one.hour for one in archive(store, engine, source, until)] == [TEN + HOUR]


def test_the_hours_that_are_over_and_not_before_the_first_that_is_wanted(store: FolderStore, engine: Engine, land: Land) -> None:
    for hour in range(4):
        land(hour * 60 + 30, {"a": hour})
    store.write("landing/station_status/notes.txt", b"some other file")
    nearly, first = TEN + timedelta(hours=3, minutes=59), TEN + timedelta(hours=1, minutes=20)
    assert [one.hour for one in archive(store, engine, source, nearly, first)] == [TEN + 2 * HOUR, TEN + HOUR]
    assert [one.hour for one in archive(store, engine, source, nearly)] == [TEN + HOUR, TEN], "the later begins with the former"
    assert len(archive(store, engine, source, nearly, first, is_again=True)) == 2


def test_an_hour_that_is_not_kept_whole_any_more_is_left_alone(store: FolderStore, engine: Engine, land: Land) -> None:
    keys = [land(minute, {"a": minute}) for minute in range(5)]
    archive(store, engine, source, TEN + HOUR)
    before = rows(engine), files(store)
    store.drop(keys[0])
    assert archive(store, engine, source, TEN + HOUR, is_again=True) == []
    assert (rows(engine), files(store)) == before


def test_what_a_late_capture_makes_untrue_goes(store: FolderStore, engine: Engine, land: Land) -> None:
    land(59, {"a": 5, "b": 5}, late_s=30)
    land(60, NOT_MODIFIED)
    archive(store, engine, source, TEN + 2 * HOUR)
    assert len(rows(engine)) == len(rows(engine, station_usuals)) == 4
    land(59, {"a": 5}, late_s=40)
    land(59, {"a": 5}, late_s=20)
    archive(store, engine, source, TEN + 2 * HOUR)
    assert [(row["station_id"], row["hour_at"]) for row in rows(engine)] == [("a", TEN), ("a", TEN + HOUR)]
    assert len(rows(engine, station_usuals)) == 2


def test_what_is_broken_off_is_done_the_next_time(
    store: FolderStore, engine: Engine, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(59, {"a": 5})
    land(60, {"a": 4})
    archive(store, engine, source, TEN + 2 * HOUR)
    land(59, {"a": 3}, late_s=1)
    with monkeypatch.context() as broken:
        broken.setattr(store, "write", lambda key, data: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            archive(store, engine, source, TEN + 2 * HOUR)
    archive(store, engine, source, TEN + 2 * HOUR)
    assert changes(hour_of(engine, hour=TEN + HOUR)) == (1, 0, 1)
    assert hour_of(engine)["vehicles_mean"] == 3


def test_what_there_is_no_time_for_is_done_the_next_time(store: FolderStore, engine: Engine, land: Land) -> None:
    for hour in range(3):
        land(hour * 60, {"a": 5})
    time = iter([True, False])
    done = archive(store, engine, source, TEN + 3 * HOUR, has_time=lambda: next(time))
    assert [one.hour for one in done] == [TEN + 2 * HOUR]
    assert [one.hour for one in archive(store, engine, source, TEN + 3 * HOUR)] == [TEN + 2 * HOUR, TEN + HOUR, TEN]


def test_a_part_that_cannot_be_read_costs_only_itself(store: FolderStore, engine: Engine, land: Land) -> None:
    land(0, {"a": 5})
    bad = land(1, {"a": 5})
    store.write(bad, b"not gzip")
    land(2, {"a": 5})
    done = compact(store, engine, source, TEN)
    assert (done.parts, list(done.unreadable)) == (3, [bad])
    assert "gzip" in done.unreadable[bad]
    assert changes(hour_of(engine)) == (2, 0, 0)


@pytest.mark.parametrize("bad", ["a\0b", " a\u3000x\0", "x" * 101, "\r\n\0"])
def test_an_id_that_no_table_takes_costs_only_itself(store: FolderStore, engine: Engine, land: Land, bad: str) -> None:
    types = {"num_bikes_available_types": {bad: 1, "ebike": 2}}
    land(0, {bad: 1, "'; DROP TABLE stations": 2, '🚲\n"': types})
    (done,) = compact(store, engine, source, TEN).systems
    assert (done.rows, done.stations) == (2, 2)
    data = store.read(done.key)
    assert data
    (store.root / "x.parquet").write_bytes(data)
    found = duckdb.execute(f"SELECT station_id, vehicles_by_type FROM '{store.root}/x.parquet'").fetchall()
    assert found == [("'; DROP TABLE stations", None), ('🚲\n"', {"ebike": 2})]


def test_an_hour_of_which_nothing_can_be_said(store: FolderStore, engine: Engine, land: Land) -> None:
    assert compact(store, engine, source, TEN).systems == []
    for minute, outcome in enumerate((NOT_MODIFIED, FAILED, UNREADABLE, {})):
        land(minute, outcome)
    (done,) = compact(store, engine, source, TEN).systems
    assert (done.key, done.rows, done.stations) == ("", 0, 0)
    assert rows(engine) == rows(engine, station_usuals) == []


def test_what_may_not_be_kept_is_never_archived(store: FolderStore, engine: Engine) -> None:
    with pytest.raises(ValueError, match="never archived"):
        compact(store, engine, asked()["vehicles"], TEN)


def test_a_system_that_no_information_was_told_of_is_known_by_its_key(store: FolderStore, engine: Engine, land: Land) -> None:
    land(0, {"a": 5})
    compact(store, engine, source, TEN)
    (system,) = rows(engine, systems)
    assert (system["system_id"], system["name"], rows(engine, stations)) == ("velib", None, [])


def test_a_real_answer_has_all_its_stations(store: FolderStore, engine: Engine, captures: Path) -> None:
    body = (captures / "velib" / "gbfs_2024-11-19_station_status.json").read_bytes()
    feed = json.loads(body)
    at = datetime.fromtimestamp(feed["lastUpdatedOther"], UTC) + timedelta(seconds=20)  # as when it was fetched: it was in motion
    slot = at.replace(second=0)
    context = {"system_id": "velib", "provider": "gbfs", "timezone": "Europe/Paris", "ttl_s": 60}
    writer = PartWriter(Header(source=source.name, slot=slot, attempt=at, part=1, code_version="0"))
    writer.add(
        Capture(unit="velib", url="https://gbfs.example.com/", status=200, slot=slot, fetched_at=at, context=context, body=body)
    )
    store.write(
        str(PartKey.of(writer.header)), writer.close(Footer(finished_at=at, requests=1, bytes_received=len(body), captures=1))
    )
    (done,) = compact(store, engine, source, slot.replace(minute=0)).systems
    assert (done.rows, done.stations) == (1485, 1485)
    expected = {str(one["station_id"]): one["num_bikes_available"] for one in feed["data"]["stations"]}
    assert {row["station_id"]: row["vehicles_mean"] for row in rows(engine)} == expected
