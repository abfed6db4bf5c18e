"""What a landed part means, stored: together or not at all, and the same whatever the order, the number of times, the loaders."""

import json
import random
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, Engine, event, select

from gans import __version__
from gans.clock import CLOCKS_DIFFER, utc_now
from gans.collect.collect import collect
from gans.collect.http import Http, Response
from gans.database.upsert import newest_by
from gans.errors import BadData
from gans.load import load as module
from gans.load.load import Loaded, load
from gans.reading.freshness import Freshness, freshness
from gans.schedule import every
from gans.settings import Settings
from gans.source import Capture, CollectedSource, Reject, Request, Row, Source
from gans.sources import registry
from gans.storage.landing import Footer, Header, PartKey, PartWriter
from gans.storage.reference import Snapshots, snapshot_key
from gans.storage.store import FolderStore
from gans.storage.validators import Validators, read_validators, write_validators
from gans.storage.watchlist import WatchedCity, Watchlist
from gans.tables import EPOCH, cities, city_populations, collection_runs, metadata, rejects, weather_forecasts
from local.simulator import Simulator

SLOT = datetime(2025, 3, 30, 3, tzinfo=UTC)
NOW = datetime(2025, 3, 30, 3, 0, 1, 123_456, tzinfo=UTC)
LOADED = datetime(2025, 3, 31, 4, tzinfo=UTC)

Item = tuple[str, dict[str, Any]] | str


def parse(capture: Capture) -> Iterator[Row | Reject]:
    """The answers here are lists of rows (table and values) and of texts, which are rejects."""
    try:
        items = msgspec.json.decode(capture.body or b"[]", type=list[tuple[str, dict[str, Any]] | str])
    except msgspec.DecodeError as error:
        raise BadData(f"Not a list: {error}") from None
    for item in items:
        yield Reject("refused", item) if isinstance(item, str) else Row(*item)


PROBE = CollectedSource(
    name="probe", provider="", docs="", licence="", schedule=every(hours=3), stale_after=timedelta(hours=9), hosts=(), reads=(),
    writes=("cities", "city_populations", "weather_forecasts"), plan=lambda *_: iter(()), parse=parse,
)  # fmt: skip
SOURCES = {"probe": PROBE}


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


Land = Callable[..., str]


@pytest.fixture
def land(store: FolderStore) -> Land:
    """Lands a part of these captures; gives its key."""

    def land(*captures: Capture, attempt: datetime = NOW, slot: datetime = SLOT, part: int = 1, **footer: Any) -> str:
        header = Header(source="probe", slot=slot, attempt=attempt, part=part, code_version="0")
        writer = PartWriter(header)
        for capture in captures:
            writer.add(capture)
        told = {"requests": len(captures), "bytes_received": writer.body_bytes, "captures": len(captures), **footer}
        key = str(PartKey.of(header))
        store.write(key, writer.close(Footer(finished_at=attempt + timedelta(seconds=9), **told)))
        return key

    return land


def answer(*items: Item, unit: str = "a", at: datetime = NOW, **told: Any) -> Capture:
    body = msgspec.json.encode(items)
    return Capture(
        **{"unit": unit, "url": "https://api.test/", "status": 200, "slot": SLOT, "fetched_at": at, "body": body} | told
    )


@pytest.fixture
def stored(store: FolderStore, engine: Engine) -> Callable[[str], Loaded]:
    """Loads a part; every reading of the clock is a second later."""
    seconds, lock = iter(range(100_000)), threading.Lock()

    def clock() -> datetime:
        with lock:
            return LOADED + timedelta(seconds=next(seconds))

    return lambda key: load(key, store=store, engine=engine, sources=SOURCES, clock=clock)


Stored = Callable[[str], Loaded]


def row(table: Any, **values: Any) -> Item:
    """A row with all the columns that share a version with one of `values`."""
    versions = {newest_by(table, name) for name in values if not table.c[name].primary_key}
    told = [str(c.name) for c in table.columns if not c.primary_key and newest_by(table, c.name) in versions - {c.name}]
    return str(table.name), {**dict.fromkeys(told), **values}


def city(city_id: int, **values: Any) -> Item:
    return row(cities, city_id=city_id, **values)


def hour(city_id: int, hours: int = 0, **values: Any) -> Item:
    at = (SLOT + timedelta(hours=hours)).isoformat()
    key = {"city_id": city_id, "provider": "open-meteo", "issued_at": SLOT.isoformat(), "valid_at": at, "period_hours": 1}
    return row(weather_forecasts, **(key | values))


def rows(engine: Engine, table: Any) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]


def dump(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every table, but for when the ledger's lines were written."""
    tables = {table.name: rows(engine, table) for table in metadata.sorted_tables}
    for line in tables["collection_runs"]:
        del line["loaded_at"]
    return tables


def empty(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("countries", "weather_conditions"):
                connection.execute(table.delete())


# what is stored


def test_rows_rejects_and_the_ledger(land: Land, stored: Stored, engine: Engine) -> None:
    good = answer(city(1, name="Köln", country_code="DE"), hour(1, temperature_c=None), hour(1, 1, temperature_c=7.5), "odd")
    lost = answer(unit="b", status=0, body=b"", error="Transient: api.test did not answer in time (tried 3 times)")
    key = land(good, lost, answer(unit="c", status=304, body=b""), answer(city(0, country_code="??"), unit="d"), requests=6)
    loaded = stored(key)
    assert (loaded.key, loaded.status) == (PartKey.parse(key), "partial")
    assert loaded.rows == {"cities": 1, "weather_forecasts": 2}
    assert (loaded.rejected, loaded.published, loaded.error) == (3, ("cities",), "refused")
    assert [(row["valid_at"], row["temperature_c"], row["fetched_at"]) for row in rows(engine, weather_forecasts)] == [
        (SLOT, None, NOW),
        (SLOT + timedelta(hours=1), 7.5, NOW),
    ]
    (line,) = rows(engine, collection_runs)
    counted = json.loads(line.pop("missing"))
    assert (counted["weather_forecasts.temperature_c"], counted["weather_forecasts.cloud_cover_pct"]) == (1, 2)
    assert "cities.name" not in counted
    assert line == {
        "source": "probe",
        "slot_at": SLOT,
        "attempt_at": NOW,
        "part": 1,
        "finished_at": NOW + timedelta(seconds=9),
        "status": "partial",
        "requests": 6,
        "bytes_received": sum(len(capture.body) for capture in (good, answer(city(0, country_code="??")))),
        "units_planned": 4,
        "units_failed": 2,
        "rows_offered": 5,
        "rows_rejected": 3,
        "landing_key": key,
        "code_version": __version__,
        "error": "refused",
        "stale_at": SLOT + timedelta(hours=9),
        "loaded_at": LOADED,
    }
    refused = rows(engine, rejects)
    assert json.loads(refused[2].pop("item"))["country_code"] == "??"
    assert [(reject["ordinal"], reject["unit"], reject["reason"], reject.get("item")) for reject in refused] == [
        (1, "a", "refused", "odd"),
        (2, "b", "Transient: api.test did not answer in time (tried 3 times)", ""),
        (3, "d", "cities.city_id: Expected `int` >= 1", None),
    ]


def test_instants_and_texts_come_back_as_they_were(land: Land, stored: Stored, engine: Engine) -> None:
    names = [
        "'; DROP TABLE cities; --",
        '"\\`%s%(x)s:name',
        "🛴 Malmö ≠ Malmo",
        "\u202eكوبنهاغن",
        "\x1b[31m\r\n\t",
        " trailing ",
        "x" * 200,
    ]
    at = NOW.replace(microsecond=999_999)
    items = [city(number, name=name, latitude=1 / 3) for number, name in enumerate(names, 1)]
    valid = {**hour(1)[1], "valid_at": "2025-03-30T08:45:00.000001+05:45", "local_on": "2025-03-30", "temperature_c": -0.1}  # type: ignore[dict-item]
    stored(land(answer(*items, ("weather_forecasts", valid), *names, at=at)))
    assert [(row["name"], row["latitude"], row["fetched_at"]) for row in rows(engine, cities)] == [(n, 1 / 3, at) for n in names]
    assert [reject["item"] for reject in rows(engine, rejects)] == names
    (row,) = rows(engine, weather_forecasts)
    assert row["valid_at"] == SLOT.replace(microsecond=1)
    assert (row["local_on"], row["temperature_c"]) == (date(2025, 3, 30), -0.1)


def test_what_is_too_long_for_the_ledger_is_shortened(land: Land, stored: Stored, engine: Engine) -> None:
    long = "ß🛴" * 5_000
    assert stored(land(answer(long, unit=long), answer(unit=long, status=0, error=long))).rejected == 2
    refused, failed = rows(engine, rejects)
    assert (refused["unit"], refused["item"], failed["reason"]) == (long[:255], long[:4_000], long[:1_000])
    assert rows(engine, collection_runs)[0]["error"] == "refused"


# together or not at all


@pytest.fixture
def failing(engine: Engine) -> Iterator[Callable[[str], None]]:
    """Makes the next statement with some text fail."""
    hooks = []

    def fail(text: str) -> None:
        def hook(_: Connection, __: Any, statement: str, *___: Any) -> None:
            if text in statement:
                raise RuntimeError("the process dies here")

        event.listen(engine, "before_cursor_execute", hook)
        hooks.append(hook)

    yield fail
    for hook in hooks:
        event.remove(engine, "before_cursor_execute", hook)


@pytest.mark.parametrize("where", ["INTO weather_forecasts", "INTO collection_runs", "DELETE FROM rejects", "INTO rejects"])
def test_a_load_that_dies_leaves_everything_as_it_was(
    land: Land, stored: Stored, engine: Engine, store: FolderStore, failing: Callable[[str], None], where: str
) -> None:
    stored(land(answer(city(1, name="Köln", is_watched=True), hour(1, temperature_c=1.0), "odd")))
    before, snapshot = dump(engine), store.read(snapshot_key("cities"))
    later = NOW + timedelta(hours=1)
    key = land(
        answer(city(1, name="Cologne"), city(2, is_watched=True), hour(1, temperature_c=2.0), hour(3), "odder", at=later),
        attempt=later,
    )
    failing(where)
    with pytest.raises(RuntimeError, match="dies here"):
        stored(key)
    assert dump(engine) == before
    assert store.read(snapshot_key("cities")) == snapshot


# any number of times, in any order


def a_day(land: Land, store: FolderStore) -> list[str]:
    """The parts of a few runs: overlapping rows, parents that come late, two attempts at a slot, failures of every kind."""
    minute = [NOW + timedelta(minutes=n) for n in range(9)]
    watch = [city(n, wikipedia_language="en", wikipedia_title=f"City {n}", is_watched=True) for n in (1, 2, 3)]
    parts = [
        land(
            answer(*watch, unit="watchlist", url="", at=minute[0]), answer(city(1, name="One", country_code="DE"), at=minute[0])
        ),
        land(answer(hour(1, temperature_c=1.0), hour(2, temperature_c=1.0), hour(9), at=minute[1]), attempt=minute[1]),
        land(answer(hour(1, temperature_c=2.0), hour(2, 1), "odd", "odder", at=minute[2]), attempt=minute[2]),
        land(answer(hour(2, temperature_c=None), hour(7), at=minute[2]), attempt=minute[2], part=2, is_cut_short=True),
        land(answer(unit="x", status=0, body=b"", error="Transient: busy", at=minute[3]), attempt=minute[3]),
        land(answer(unit="x", status=304, body=b"", at=minute[4]), attempt=minute[4], slot=SLOT + timedelta(hours=3)),
        land(
            answer(
                city(1, name="Uno", latitude=1.5),
                ("city_populations", {"city_id": 1, "as_of_year": 2020, "population": 7}),
                at=minute[5],
            ),
            answer(city(2, name="Due"), ("city_populations", {"city_id": 5, "as_of_year": 0, "population": 1}), at=minute[5]),
            answer(unit="bad", body=b"<html>"),
            attempt=minute[5],
            slot=SLOT + timedelta(hours=3),
        ),
        land(
            answer(city(1, is_watched=False), unit="watchlist", url="", at=minute[6]),
            answer(city(1, name="Eins", latitude=None, country_code="FR"), at=minute[6]),
            attempt=minute[6],
        ),
        land(attempt=minute[7], note="nothing to ask: cities gave no unit yet"),
        str(PartKey("probe", SLOT, minute[8], 1)),
    ]
    store.write(parts[-1], b"no gzip")
    return parts


def test_any_order_and_number_of_loads_gives_the_same_tables(
    land: Land, stored: Stored, engine: Engine, store: FolderStore
) -> None:
    parts, chance = a_day(land, store), random.Random(3)
    for key in parts:
        stored(key)
    expected, snapshot = dump(engine), store.read(snapshot_key("cities"))
    assert [row["name"] for row in expected["cities"]] == ["Eins", "Due", None, None, None, None]
    assert len(expected["collection_runs"]) == len(parts)
    assert {line["status"] for line in expected["collection_runs"]} == {"ok", "partial", "failed", "not_modified"}
    for key in parts:
        stored(key)
    assert dump(engine) == expected, "a replay over what is there"
    for order in (parts[::-1], chance.sample(parts * 3, len(parts) * 3), chance.sample(parts * 2, len(parts) * 2)):
        empty(engine)
        for key in order:
            stored(key)
        assert dump(engine) == expected
        assert store.read(snapshot_key("cities")) == snapshot


def test_an_older_answer_that_comes_last_changes_nothing(land: Land, stored: Stored, engine: Engine) -> None:
    newer, older = NOW, NOW - timedelta(microseconds=1)
    stored(land(answer(city(1, name="new", latitude=None), hour(1, temperature_c=None), at=newer), attempt=newer))
    before = dump(engine)
    stored(land(answer(city(1, name="old", latitude=1.0), hour(1, temperature_c=1.0), at=older), attempt=older))
    after = dump(engine)
    assert (after["cities"], after["weather_forecasts"]) == (before["cities"], before["weather_forecasts"])


def test_several_loaders_at_once_give_the_same_tables(land: Land, stored: Stored, engine: Engine) -> None:
    parts = []
    for number in range(8):
        at = NOW + timedelta(seconds=number)
        hours = [hour(c, h, temperature_c=float(number)) for c in range(1 + number % 4, 13) for h in range(number, 30)]
        parts.append(land(answer(*hours, city(number % 3 + 1, name=f"{number}"), "odd", at=at), attempt=at))
    for key in parts:
        stored(key)
    expected = dump(engine)
    for seed in range(2):
        empty(engine)
        waiting, errors, together = random.Random(seed).sample(parts * 2, 16), [], threading.Barrier(4)

        def loader(waiting: list[str] = waiting, errors: list[Any] = errors, together: Any = together) -> None:
            together.wait()
            try:
                while waiting:
                    stored(waiting.pop())
            except IndexError:
                pass  # another took the last
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=loader) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert dump(engine) == expected


# parents


def test_a_parent_that_is_not_there_yet_is_known_by_its_key_until_its_own_part_comes(
    land: Land, stored: Stored, engine: Engine
) -> None:
    forecast = land(answer(hour(4), ("city_populations", {"city_id": 5, "as_of_year": 2020, "population": 9})))
    assert stored(forecast).rows == {"weather_forecasts": 1, "city_populations": 1}
    assert [(row["city_id"], row["name"], row["fetched_at"], row["watched_at"]) for row in rows(engine, cities)] == [
        (4, None, EPOCH, EPOCH),
        (5, None, EPOCH, EPOCH),
    ]
    old = datetime(1990, 1, 1, tzinfo=UTC)
    stored(land(answer(city(4, name="Four"), at=old), attempt=old))
    stored(forecast)
    assert [(row["name"], row["fetched_at"]) for row in rows(engine, cities)] == [("Four", old), (None, EPOCH)]


# the ledger


def test_rejects_are_replaced_not_added(land: Land, store: FolderStore, stored: Stored, engine: Engine) -> None:
    key = land(answer("one", "two", "three", city(0)), answer(unit="b", status=0, error="Transient: busy"))
    other = land(answer("another's"), attempt=NOW + timedelta(seconds=1))
    for part in (key, other, key, key):
        stored(part)
    assert [reject["item"] for reject in rows(engine, rejects)] == ["one", "two", "three", '{"city_id":0}', "", "another's"]

    def mended(capture: Capture) -> Iterator[Row | Reject]:
        return (item for item in parse(capture) if isinstance(item, Row) or item.item == "two")

    source = msgspec.structs.replace(PROBE, parse=mended)
    load(key, store=store, engine=engine, sources={"probe": source}, clock=lambda: LOADED + timedelta(days=1))
    assert [reject["item"] for reject in rows(engine, rejects)] == ["two", '{"city_id":0}', "", "another's"]
    assert [line["rows_rejected"] for line in rows(engine, collection_runs)] == [3, 1]


def test_a_part_with_nothing_newer_is_a_success(land: Land, stored: Stored, engine: Engine) -> None:
    loaded = stored(land(answer(status=304, body=b"")))
    assert (loaded.status, loaded.rows, loaded.rejected, loaded.error) == ("not_modified", {}, 0, "")
    (line,) = rows(engine, collection_runs)
    assert (line["units_planned"], line["units_failed"], line["error"]) == (1, 0, None)
    assert line["stale_at"] == SLOT + timedelta(hours=9)


@pytest.mark.parametrize(
    ("captures", "footer", "status", "error", "is_fresh"),
    [
        ([], {"note": "nothing to ask"}, "ok", "nothing to ask", False),
        ([answer()], {}, "ok", None, True),
        ([answer(city(1), "odd")], {}, "partial", "refused", True),
        ([answer("odd")], {}, "failed", "refused", False),
        ([answer(city(1))], {"is_cut_short": True}, "partial", "the run was stopped before its end", True),
        ([answer(status=304)], {"is_cut_short": True}, "partial", "the run was stopped before its end", True),
        ([answer(status=304), answer(unit="b", status=0, error="Transient: busy")], {}, "partial", "Transient: busy", True),
        ([], {"is_cut_short": True}, "failed", "the run was stopped before its end", False),
        ([answer("odd")], {"is_cut_short": True}, "failed", "refused", False),
    ],
)
def test_a_run_says_how_it_ended_and_how_long_its_data_is_fresh(
    land: Land, stored: Stored, engine: Engine, captures: list[Capture], footer: Any, status: str, error: str, is_fresh: bool
) -> None:
    assert stored(land(*captures, **footer)).status == status
    (line,) = rows(engine, collection_runs)
    assert (line["status"], line["error"]) == (status, error)
    assert line["stale_at"] == (SLOT + timedelta(hours=9) if is_fresh else None)


def test_a_run_that_plans_nothing_where_the_last_one_planned_something_is_not_ok(
    land: Land, stored: Stored, engine: Engine
) -> None:
    def status(hours: int, *captures: Capture) -> tuple[str, str]:
        slot = SLOT + timedelta(hours=hours)
        loaded = stored(land(*captures, slot=slot, attempt=slot, note="" if captures else "nothing to ask"))
        return loaded.status, loaded.error

    assert status(0) == ("ok", "nothing to ask")
    assert status(3, answer(city(1))) == ("ok", "")
    assert status(6) == ("failed", "nothing to ask; the run of 2025-03-30 06:00 UTC had something to ask")
    assert status(9, answer(status=304, body=b"")) == ("not_modified", "")
    assert [status(hours)[0] for hours in (12, 15, 18, 21)] == ["failed", "failed", "ok", "ok"], "stale by then"
    lines = {line["slot_at"]: line["stale_at"] for line in rows(engine, collection_runs)}
    assert lines[SLOT + timedelta(hours=6)] is None


@pytest.mark.parametrize("piece_rows", [1, 3, 100])
def test_a_large_part_is_stored_in_pieces_and_is_the_same(
    land: Land, stored: Stored, engine: Engine, monkeypatch: pytest.MonkeyPatch, piece_rows: int
) -> None:
    monkeypatch.setattr(module, "PIECE_ROWS", piece_rows)
    answers = [
        answer(city(1, name="Köln"), hour(1), "odd", unit="a"),
        answer(hour(2), hour(2, hours=1), hour(3), unit="b", at=NOW + timedelta(seconds=1)),
        answer(status=304, body=b"", unit="c", at=NOW + timedelta(seconds=2)),
        answer(city(1, name="Cologne"), city(2, name="Ulm"), "odder", unit="d", at=NOW + timedelta(seconds=3)),
        answer(unit="e", body=b"<html>", at=NOW + timedelta(seconds=4)),
    ]
    loaded = stored(land(*answers))
    assert (loaded.status, loaded.rows, loaded.rejected, loaded.unusable) == (
        "partial",
        {"cities": 3 if piece_rows < 100 else 2, "weather_forecasts": 4},
        3,
        1,
    )
    assert [row["name"] for row in rows(engine, cities)] == ["Cologne", "Ulm", None]
    assert [(one["ordinal"], one["unit"]) for one in rows(engine, rejects)] == [(1, "a"), (2, "d"), (3, "e")]
    (line,) = rows(engine, collection_runs)
    counts = {name: line[name] for name in ("status", "units_planned", "units_failed", "rows_offered", "rows_rejected")}
    assert counts == {"status": "partial", "units_planned": 5, "units_failed": 1, "rows_offered": 10, "rows_rejected": 3}
    assert json.loads(line["missing"])["weather_forecasts.temperature_c"] == 4


def test_a_large_part_is_stored_whole_or_not_at_all(
    land: Land, stored: Stored, engine: Engine, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE_ROWS", 1)
    key = land(answer(city(1), unit="a"), answer(city(2), unit="b"), answer(city(3), unit="c", body=b"<html>"))
    write_validators(store, "probe", {"c": Validators(url="x", context="", at=SLOT, etag='"1"')})

    def full(*_: Any) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_store_line", full)
        with pytest.raises(RuntimeError, match="full"):
            stored(key)
    assert (rows(engine, cities), rows(engine, collection_runs)) == ([], [])
    assert stored(key).rows == {"cities": 2}
    assert read_validators(store, "probe") == {}


def test_what_was_stored_while_a_clock_was_ahead_gives_way(
    land: Land, stored: Stored, engine: Engine, store: FolderStore
) -> None:
    ahead, late = LOADED + timedelta(days=2), LOADED - timedelta(minutes=20)
    shown = {"ahead": ahead, "live": LOADED}
    for at, name in ((ahead, "ahead"), (late, "ahead"), (LOADED, "live"), (late, "live")):
        key = land(answer(city(1, name=f"of {at}"), city(2), at=at), attempt=at, slot=PROBE.schedule.slot(at))
        if at == ahead:
            load(key, store=store, engine=engine, sources=SOURCES, clock=lambda: ahead)
            assert (rows(engine, collection_runs)[0]["stale_at"] or SLOT) > ahead
        else:
            stored(key)
        row = rows(engine, cities)[0]
        assert row["name"] == f"of {shown[name]}"


def test_what_was_stored_while_a_clock_was_ahead_and_is_gone_is_not_the_newest(
    land: Land, stored: Stored, engine: Engine, store: FolderStore
) -> None:
    ahead, fresh = LOADED + timedelta(days=2), Freshness(source="probe", is_stale=False, failed_pct=0.0, rejected_pct=0.0)
    gone = land(
        answer(city(1, name="Köln"), city(2, name="Ulm"), hour(1), at=ahead), attempt=ahead, slot=PROBE.schedule.slot(ahead)
    )
    load(gone, store=store, engine=engine, sources=SOURCES, clock=lambda: ahead)
    assert freshness(engine, [PROBE], ahead) == [fresh]
    assert freshness(engine, [PROBE], LOADED) == []
    stored(land(answer(city(1, name="Köln"), hour(1), at=LOADED), attempt=LOADED))
    assert {row["city_id"]: row["fetched_at"] for row in rows(engine, cities)} == {1: LOADED, 2: EPOCH}
    slots = {line["slot_at"]: line["stale_at"] for line in rows(engine, collection_runs)}
    assert slots == {SLOT: SLOT + timedelta(hours=9), PROBE.schedule.slot(ahead): None}
    assert freshness(engine, [PROBE], LOADED) == [msgspec.structs.replace(fresh, is_stale=True)]


@pytest.mark.parametrize(
    ("slot", "attempt", "reason"),
    [
        (datetime(2062, 3, 30, 3, tzinfo=UTC), NOW, r"slot 2062-03-30T03:00:00\+00:00 is refused: .*ahead of the clock"),
        (LOADED + timedelta(hours=3, seconds=1), NOW, r"more than a period \(every 3 h\) ahead of the clock"),
        (SLOT, LOADED + timedelta(days=2), r"collected at 2025-04-02 04:00 UTC, which is yet to come: a clock is wrong"),
    ],
)
def test_a_part_of_a_time_to_come_leaves_nothing_until_then(
    land: Land, engine: Engine, store: FolderStore, slot: datetime, attempt: datetime, reason: str
) -> None:
    key = land(answer(city(1)), slot=slot, attempt=attempt)
    early = load(key, store=store, engine=engine, sources=SOURCES, clock=lambda: LOADED)
    assert (early.status, early.unusable, rows(engine, collection_runs), rows(engine, cities)) == ("failed", 1, [], [])
    assert re.search(reason, early.error)
    assert load(key, store=store, engine=engine, sources=SOURCES, clock=lambda: max(slot, attempt)).status == "ok"


@pytest.mark.parametrize(
    ("slot", "reason"),
    [
        (LOADED - timedelta(days=400), ""),
        (LOADED + CLOCKS_DIFFER + timedelta(seconds=1), r"lies ahead of the clock, which shows 2025-03-31 04:00 UTC"),
    ],
    ids=["as long ago as it is", "to come"],
)
def test_the_slot_of_a_file_is_any_time_until_now(
    land: Land, engine: Engine, store: FolderStore, slot: datetime, reason: str
) -> None:
    told = {name: getattr(PROBE, name) for name in Source.__struct_fields__}
    key = land(answer(city(1), at=slot), slot=slot, attempt=slot)
    loaded = load(key, store=store, engine=engine, sources={"probe": Source(**told)}, clock=lambda: LOADED)
    assert (loaded.status, len(rows(engine, cities))) == (("failed", 0) if reason else ("ok", 1))
    assert re.search(reason, loaded.error)


def test_an_answer_of_a_time_to_come_is_refused(land: Land, stored: Stored, engine: Engine) -> None:
    loaded = stored(land(answer(city(1), at=datetime(2062, 3, 30, 3, tzinfo=UTC))))
    assert (loaded.status, rows(engine, cities)) == ("failed", [])
    assert loaded.error == "The part holds an answer of 2062-03-30 03:00 UTC, which is yet to come: a clock is wrong"


def test_a_part_that_cannot_be_read_leaves_a_failed_line_until_it_can(
    land: Land, stored: Stored, engine: Engine, store: FolderStore
) -> None:
    key = land(answer(city(1)))
    whole = store.read(key) or b""
    store.write(key, whole[:-9])
    loaded = stored(key)
    assert (loaded.status, loaded.rows) == ("failed", {})
    (line,) = rows(engine, collection_runs)
    assert (line["status"], line["landing_key"], line["stale_at"]) == ("failed", key, None)
    assert line["error"] == loaded.error == "The part is cut short: its gzip stream does not end"
    store.write(key, whole)
    assert stored(key).status == "ok"
    (line,) = rows(engine, collection_runs)
    assert (line["status"], line["error"]) == ("ok", None)


def test_a_part_in_the_place_of_another_is_not_taken_for_it(
    land: Land, stored: Stored, engine: Engine, store: FolderStore
) -> None:
    elsewhere = str(PartKey("probe", SLOT + timedelta(hours=3), NOW, 1))
    store.write(elsewhere, store.read(land(answer(hour(1)))) or b"")
    loaded = stored(elsewhere)
    assert (loaded.status, loaded.error) == ("failed", f"The part is that of {PartKey('probe', SLOT, NOW, 1)}")
    assert rows(engine, weather_forecasts) == []


def test_a_part_that_is_not_there_any_more_leaves_a_failed_line(stored: Stored, engine: Engine) -> None:
    key = str(PartKey("probe", SLOT, NOW, 7))
    for _ in range(2):
        loaded = stored(key)
        assert (loaded.status, loaded.rows, loaded.error) == ("failed", {}, "The part is no longer in the landing")
        (line,) = rows(engine, collection_runs)
        assert (line["status"], line["landing_key"], line["error"], line["stale_at"]) == ("failed", key, loaded.error, None)


def test_a_part_that_was_loaded_before_it_went_keeps_its_line(
    land: Land, stored: Stored, engine: Engine, store: FolderStore
) -> None:
    key = land(answer(city(1), "odd"))
    stored(key)
    before = dump(engine)
    (store.root / key).unlink()
    loaded = stored(key)
    assert (loaded.status, loaded.rows, loaded.error) == ("partial", {}, "refused")
    assert dump(engine) == before


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("reference/cities.json", "is not the key of a landed part"),
        ("landing/../state/probe.json", "is not the key of a landed part"),
        (str(PartKey("nobody", SLOT, NOW, 1)), r"there is no source 'nobody'\. Known: probe"),
    ],
)
def test_what_is_no_part_of_ours_is_refused(stored: Stored, engine: Engine, key: str, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        stored(key)
    assert rows(engine, collection_runs) == []


# snapshots


def snapshot(store: FolderStore) -> list[dict[str, Any]]:
    return json.loads(store.read(snapshot_key("cities")) or b"null")


def test_a_snapshot_is_written_when_it_changes_and_names_the_watched(land: Land, stored: Stored, store: FolderStore) -> None:
    facts = answer(city(1, name="Köln", latitude=50.9), city(2, name="Ulm"))
    assert stored(land(facts)).published == ("cities",)
    assert snapshot(store) == []
    later = NOW + timedelta(hours=1)
    watch = answer(city(2, is_watched=True), city(1, is_watched=True), city(3, is_watched=False), url="", at=later)
    key = land(watch, attempt=later)
    assert stored(key).published == ("cities",)
    assert [(row["city_id"], row["name"], row["latitude"]) for row in snapshot(store)] == [(1, "Köln", 50.9), (2, "Ulm", None)]
    assert not {"fetched_at", "watched_at"} & set(snapshot(store)[0])
    written = (store.root / snapshot_key("cities")).stat().st_mtime_ns
    assert stored(key).published == ()
    assert stored(land(facts, attempt=NOW + timedelta(hours=2))).published == ()
    assert stored(land(answer(hour(1)), attempt=NOW + timedelta(hours=3))).published == ()
    assert (store.root / snapshot_key("cities")).stat().st_mtime_ns == written
    newer = NOW + timedelta(hours=4)
    assert stored(land(answer(city(1, name="Cologne"), at=newer), attempt=newer)).published == ("cities",)
    assert snapshot(store)[0]["name"] == "Cologne"


@pytest.mark.parametrize("damage", [None, b"", b"[{"])
def test_a_lost_or_damaged_snapshot_is_published_again_also_where_nothing_is_newer(
    land: Land, stored: Stored, store: FolderStore, damage: bytes | None
) -> None:
    stored(land(answer(city(1, is_watched=True))))
    whole = store.read(snapshot_key("cities"))
    (store.root / snapshot_key("cities")).unlink()
    if damage is not None:
        store.write(snapshot_key("cities"), damage)
    assert stored(land(answer(status=304, body=b""), attempt=NOW + timedelta(hours=1))).published == ("cities",)
    assert store.read(snapshot_key("cities")) == whole


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_a_removed_city_keeps_its_facts(
    land: Land, stored: Stored, engine: Engine, store: FolderStore, order: tuple[int, ...]
) -> None:
    first, second = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    parts = [
        land(answer(city(1, is_watched=True), unit="watchlist", url=""), answer(city(1, name="Köln"))),
        land(answer(city(1, is_watched=False), unit="watchlist", url="", at=first), attempt=first),
        land(answer(city(1, name="Cologne"), at=second), attempt=second),
    ]
    for place in order:
        stored(parts[place])
    (row,) = rows(engine, cities)
    assert (row["name"], row["is_watched"], row["watched_at"], row["fetched_at"]) == ("Cologne", False, first, second)
    assert snapshot(store) == []


# what the next run asks


def test_what_was_answered_and_meant_nothing_is_asked_for_in_full(land: Land, stored: Stored, store: FolderStore) -> None:
    kept = Validators(url="x", context="", at=SLOT, etag='"1"')
    write_validators(store, "probe", dict.fromkeys(("good", "bad", "odd", "lost", "same"), kept))
    stored(
        land(
            answer(city(1), "odd", unit="good"),
            answer(unit="bad", body=b"<html>"),
            answer("odd", unit="odd"),
            answer(unit="lost", status=0, error="Transient: busy"),
            answer(unit="same", status=304),
        )
    )
    assert sorted(read_validators(store, "probe")) == ["good", "lost", "same"]


class Truncating(Http):
    """Gets only the beginning of the first answer, with the headers of the whole."""

    def get(self, source: CollectedSource, request: Request, conditions: Mapping[str, str] | None = None) -> Response:
        response = super().get(source, request, conditions)
        return msgspec.structs.replace(response, body=response.body[:3_000]) if request.unit == "1" else response


def test_a_truncated_page_is_healed_by_the_next_run(engine: Engine, store: FolderStore) -> None:
    source, statuses = registry()["cities"], []
    with Simulator(cities=2) as simulator:
        watchlist = Watchlist(tuple(WatchedCity(**city) for city in simulator.world.watchlist()))
        for hours, session in enumerate((Truncating, Http, Http)):
            slot, asking = SLOT + timedelta(hours=hours), session(Settings(simulator_url=simulator.url))
            collected = collect(source, slot, store=store, reference=Snapshots(store, watchlist), http=asking)
            for key in collected.parts:
                statuses.append(load(key, store=store, engine=engine, sources=registry(), clock=utc_now).status)
    assert statuses == ["partial", "ok", "not_modified"]
    assert all(row["name"] for row in rows(engine, cities))
    assert len(rows(engine, city_populations)) == 2
