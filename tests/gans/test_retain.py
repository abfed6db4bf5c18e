"""Retention on each database: what stays, what goes, and that neither a kill nor a loader minds it."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, event, func, insert, select, text, update

from gans import retain as module
from gans.database.rows import validate_row
from gans.database.transactions import in_transaction
from gans.database.upsert import upsert
from gans.retain import retain
from gans.tables import (
    Aged,
    Instant,
    TableFacts,
    Thinned,
    cities,
    collection_runs,
    metadata,
    rejects,
    table_facts,
    weather_forecasts,
)

NOW = datetime(2026, 6, 1, 3, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEADS_HOURS = (6, 24, 48, 72, 144)
COLUMNS = ("city_id", "provider", "issued_at", "valid_at", "hour_at", "period_hours", "temperature_c", "fetched_at")

Version = tuple[int, str, datetime, datetime]
"""City, provider, when it was issued, the hour it is about."""


def vintages(seed: int = 7) -> list[Version]:
    """What three providers forecast every three hours over 70 days for two cities, in the days around the 60th before now.

    With gaps as they come: a run that failed, an upstream that was away for days, a run by hand beside the schedule.
    """
    chance, found = random.Random(seed), []
    first = NOW.replace(hour=0, minute=0) - timedelta(days=70)
    for city in (1, 2):
        for provider, hours in (("open-meteo", 4), ("openweather", 9), ("by hand", 7)):
            for run in range(0, 12 * 24, 3):
                issued = first + run * HOUR
                if provider == "by hand":
                    issued += timedelta(minutes=chance.randrange(180))
                if chance.random() < 0.1 or (city == 2 and 60 < run < 130):
                    continue
                begins = issued.replace(minute=0)
                found += [(city, provider, issued, begins + ahead * HOUR) for ahead in range(0, 168, hours)]
    return found


def stays(versions: list[Version]) -> set[Version]:
    """What the rule keeps, said in another way than the code says it."""
    kept, by_hour = set(), defaultdict(list)
    for version in versions:
        city, provider, _, about = version
        by_hour[city, provider, about].append(version)
    for (*_, about), known in by_hour.items():
        if about >= NOW - timedelta(days=60):
            kept.update(known)
            continue
        kept.add(max(known))
        for lead in LEADS_HOURS:
            early = [version for version in known if version[2] <= about - lead * HOUR]
            if early:
                kept.add(max(early))
    return kept


def store(engine: Engine, versions: list[Version]) -> None:
    rows = [
        validate_row(weather_forecasts, COLUMNS, [city, provider, issued, about + HOUR, about, 1, float(issued.hour), issued])
        for city, provider, issued, about in sorted(versions)
    ]

    def put(connection: Connection) -> None:
        upsert(connection, cities, [validate_row(cities, ("city_id",), [city]) for city in sorted({v[0] for v in versions})])
        upsert(connection, weather_forecasts, rows)

    in_transaction(engine, put)


def stored(engine: Engine) -> set[Version]:
    columns = (weather_forecasts.c[name] for name in ("city_id", "provider", "issued_at", "hour_at"))
    with engine.connect() as connection:
        return {tuple(row) for row in connection.execute(select(*columns))}


def test_the_newest_and_the_last_before_each_lead_stay(engine: Engine) -> None:
    versions = vintages()
    store(engine, versions)
    kept = stays(versions)
    dropped = retain(engine, NOW).rows
    assert stored(engine) == kept
    assert dropped == {"weather_forecasts": len(versions) - len(kept), "rejects": 0, "proposals": 0, "vehicles": 0}
    assert dropped["weather_forecasts"] > 2_000
    assert set(retain(engine, NOW).rows.values()) == {0}
    # What is loaded again comes back, and goes again.
    store(engine, versions)
    assert stored(engine) == set(versions)
    retain(engine, NOW)
    assert stored(engine) == kept


def test_two_days_ahead_keeps_its_answer_whatever_else_was_issued(engine: Engine) -> None:
    about = NOW.replace(minute=0) - timedelta(days=61)
    issued = [about - lead * HOUR for lead in (168, 49, 48, 47, 3, 0)] + [about + HOUR / 2]
    store(engine, [(1, "open-meteo", at, about) for at in issued])
    retain(engine, NOW)
    left = sorted(about - at for _, _, at, _ in stored(engine))
    assert left == [-HOUR / 2, 47 * HOUR, 48 * HOUR, 168 * HOUR]


def test_every_transaction_is_small_and_progress_is_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = vintages()
    store(engine, versions)
    monkeypatch.setattr(module, "READ_ROWS", 500)
    monkeypatch.setattr(module, "BATCH_ROWS", 70)
    sizes, progress = [0], []

    @event.listens_for(engine, "after_cursor_execute")
    def count(_c: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("DELETE"):
            sizes[-1] += cursor.rowcount

    @event.listens_for(engine, "commit")
    def end(_: Connection) -> None:
        sizes.append(0)

    try:
        dropped = retain(engine, NOW, on_progress=lambda done, planned: progress.append((done, planned)))
    finally:
        event.remove(engine, "after_cursor_execute", count)
        event.remove(engine, "commit", end)
    assert stored(engine) == stays(versions)
    assert max(sizes) == 70
    assert sum(sizes) == sum(dropped.rows.values())
    assert progress == [(done, 9) for done in range(1, 10)]  # two cities of three providers each, and three tables


def test_killed_at_any_moment_it_ends_the_next_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = [version for version in vintages() if version[:2] == (1, "by hand")]
    store(engine, versions)
    kept = stays(versions)
    monkeypatch.setattr(module, "BATCH_ROWS", 100)
    monkeypatch.setattr(module, "WINDOW", timedelta(days=2, hours=5))
    chance, delete = random.Random(7), module._delete

    def killed(*arguments: Any, **named: Any) -> int:
        if chance.random() < 0.5:
            raise KeyboardInterrupt
        deleted = delete(*arguments, **named)
        if chance.random() < 0.3:
            raise KeyboardInterrupt  # before it is committed
        return deleted

    monkeypatch.setattr(module, "_delete", killed)
    kills, left = 0, len(versions)
    has_ended = False
    while not has_ended:
        try:
            retain(engine, NOW)
            has_ended = True
        except KeyboardInterrupt:
            kills += 1
        now_left = stored(engine)
        assert kept <= now_left
        assert len(now_left) <= left
        left = len(now_left)
    assert kills > 5
    assert stored(engine) == kept


@pytest.mark.databases("mariadb", "mysql")  # SQLite has one writer at a time
def test_loaders_go_on_while_rows_are_being_deleted(engine: Engine) -> None:
    versions = vintages()
    store(engine, versions)
    kept = stays(versions)
    (step, *_) = module._steps(engine, weather_forecasts, NOW)
    query, is_old = module._expired(engine, step)
    late = (1, "by hand", NOW - timedelta(days=66, minutes=1), NOW - timedelta(days=66, minutes=10))  # among those being deleted
    with engine.begin() as deleting:
        keys = sorted(map(tuple, deleting.execute(query)))
        assert module._delete(deleting, step.table, keys, is_old) == len(keys) > 400
        with engine.begin() as loading:
            loading.execute(text("SET SESSION innodb_lock_wait_timeout = 1"))
            new = [(1, "by hand", NOW, NOW + hour * HOUR) for hour in range(168)]
            upsert(
                loading,
                weather_forecasts,
                [
                    validate_row(weather_forecasts, COLUMNS, [city, provider, issued, about + HOUR, about, 1, 1.0, issued])
                    for city, provider, issued, about in sorted([late, *new, *(v for v in kept if v[:2] == late[:2])])
                ],
            )
        with engine.begin() as connection:
            connection.execute(text("SET SESSION innodb_lock_wait_timeout = 20"))  # the pool gives the connection again
    assert {late, *new} <= stored(engine)


def test_refused_items_go_with_age_and_the_ledger_stays(engine: Engine) -> None:
    days = (0, 89, 90, 91, 400)
    slots = [NOW - timedelta(days=age) for age in days]
    line: dict[str, Any] = {"source": "cities", "part": 1, "status": "partial", "missing": "{}", "code_version": "1"}
    counts = ("requests", "bytes_received", "units_planned", "units_failed", "rows_offered", "rows_rejected")
    with engine.begin() as connection:
        connection.execute(
            insert(collection_runs),
            [
                {
                    **line,
                    **dict.fromkeys(counts, 3),
                    "slot_at": slot,
                    "attempt_at": slot,
                    "loaded_at": NOW,
                    "landing_key": str(slot),
                }
                for slot in slots
            ],
        )
        connection.execute(
            insert(rejects),
            [
                {"source": "cities", "slot_at": slot, "attempt_at": slot, "part": 1, "ordinal": ordinal, "unit": "u",
                 "reason": "r", "item": "i"}
                for slot in slots for ordinal in (1, 2, 3)
            ],
        )  # fmt: skip
    assert retain(engine, NOW).rows["rejects"] == 6
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(collection_runs)) == len(days)
        assert set(connection.scalars(select(rejects.c.slot_at))) == set(slots[:3])


@pytest.fixture
def seen(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    """A table whose rows are renewed by each answer, and go a day after the last."""
    own = MetaData()
    rule = Aged("fetched_at", timedelta(days=1))
    table = Table(
        "seen",
        own,
        Column("seen_id", Integer, primary_key=True, autoincrement=False),
        Column("fetched_at", Instant),
        info={"facts": TableFacts("some", retention=rule)},
    )
    own.create_all(engine)
    monkeypatch.setattr(module, "metadata", own)
    yield table
    own.drop_all(engine)


def test_a_row_that_is_renewed_just_before_it_would_go_stays(
    engine: Engine, seen: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = NOW - timedelta(days=1, minutes=1)
    with engine.begin() as connection:
        connection.execute(insert(seen), [{"seen_id": number, "fetched_at": old} for number in range(2_500)])
    begin = module.in_transaction

    def renewed(engine: Engine, work: Any) -> Any:
        with engine.begin() as connection:
            connection.execute(update(seen).where(seen.c.seen_id % 100 == 0).values(fetched_at=NOW))
        return begin(engine, work)

    monkeypatch.setattr(module, "in_transaction", renewed)
    assert retain(engine, NOW).rows == {"seen": 2_475}
    with engine.connect() as connection:
        assert set(connection.scalars(select(seen.c.seen_id))) == set(range(0, 2_500, 100))


@pytest.mark.parametrize("table", [table for table in metadata.sorted_tables if table_facts(table).retention], ids=str)
def test_every_rule_names_columns_of_its_table_and_thinning_has_its_index(table: Table) -> None:
    rule = table_facts(table).retention
    if isinstance(rule, Aged):
        assert isinstance(table.c[rule.column].type, Instant)
        return
    assert isinstance(rule, Thinned)
    assert list(rule.leads_hours) == sorted(set(rule.leads_hours))
    assert (*rule.series, rule.about, rule.issued) in [tuple(index.columns.keys()) for index in table.indexes]


def test_the_newest_is_thinned_first_in_every_series(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = vintages()
    store(engine, versions)
    monkeypatch.setattr(module, "WINDOW", timedelta(days=2))

    def cut_short(done: int, planned: int) -> None:
        if done == 8:  # the rejects, the proposals, and the first window of each of six series
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retain(engine, NOW, on_progress=cut_short)
    border = NOW - timedelta(days=62)
    assert {v for v in stored(engine) if v[3] >= border} == {v for v in stays(versions) if v[3] >= border}
    assert {v for v in stored(engine) if v[3] < border} == {v for v in versions if v[3] < border}
    retain(engine, NOW)
    assert stored(engine) == stays(versions)
