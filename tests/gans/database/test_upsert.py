"""The one upsert, on each database: which of two versions stays, and that every value comes out as it went in."""

import random
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Double,
    Engine,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    event,
    select,
)
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.exc import DBAPIError, IntegrityError

from gans.database import upsert as upserts
from gans.database.rows import row_type, validate_row
from gans.database.transactions import in_transaction
from gans.database.upsert import upsert
from gans.errors import BadData
from gans.tables import EPOCH, ColumnFacts, Instant, cities, column_facts, weather_forecasts
from gans.tables._columns import fetched_at

AT = datetime(2026, 5, 4, 3, 2, 1, 123_456, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def bits(count: int, newest_by: str = "fetched_at") -> ColumnFacts:
    return ColumnFacts(-(2 ** (count - 1)), 2 ** (count - 1) - 1, newest_by)


kinds = Table(
    "kinds_of_values",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False, info={"facts": bits(32)}),
    Column("label", String(64), primary_key=True),
    Column("note", Text),
    Column("short", String(5)),
    Column("is_so", Boolean),
    Column("small", SmallInteger, info={"facts": bits(16)}),
    Column("whole", Integer, info={"facts": bits(32)}),
    Column("big", BigInteger, info={"facts": bits(64)}),
    Column("exact", Double, info={"facts": ColumnFacts(ge=-sys.float_info.max, le=sys.float_info.max)}),
    Column("on", Date),
    Column("at", Instant),
    Column("other", Integer, info={"facts": bits(32, "other_at")}),
    fetched_at("other_at"),
    Column("fetched_at", Instant, nullable=False, server_default="1970-01-01 00:00:00"),
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
)
"""Every type of column; `on` and `at` are words of SQL, and so is `number` on some servers."""

COLUMNS = tuple(column.name for column in kinds.columns)


@pytest.fixture
def table(engine: Engine) -> Iterator[Table]:
    kinds.create(engine)
    yield kinds
    kinds.drop(engine)


def put(engine: Engine, table: Table, *rows: dict[str, Any], latest: datetime | None = None) -> None:
    """Checks and upserts rows that have the same columns."""
    columns = tuple(rows[0])
    fitting = [validate_row(table, columns, list(row.values())) for row in rows]
    in_transaction(engine, lambda connection: upsert(connection, table, fitting, latest=latest))


def rows(engine: Engine, table: Table) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]


def kind(number: int, **values: Any) -> dict[str, Any]:
    return {"number": number, "label": "a", **values, "fetched_at": values.get("fetched_at", AT)}


def city(city_id: int, name: str | None, fetched_at: datetime) -> dict[str, Any]:
    return {"city_id": city_id, "name": name, "fetched_at": fetched_at}


# which of two versions stays


@pytest.mark.parametrize("later_first", [False, True])
def test_the_newest_wins_in_either_order(engine: Engine, later_first: bool) -> None:
    older, newer = city(1, "old", AT), city(1, "new", AT + MICROSECOND)
    for row in (newer, older) if later_first else (older, newer):
        put(engine, cities, row)
    (found,) = rows(engine, cities)
    assert (found["name"], found["fetched_at"]) == ("new", AT + MICROSECOND)


def test_a_newer_null_wins_and_an_older_null_does_not(engine: Engine) -> None:
    put(engine, cities, city(1, "old", AT), city(2, "old", AT))
    put(engine, cities, city(1, None, AT + MICROSECOND), city(2, None, AT - MICROSECOND))
    assert [row["name"] for row in rows(engine, cities)] == [None, "old"]


def test_of_two_of_the_same_time_the_later_call_wins(engine: Engine) -> None:
    for name in ("first", "second"):
        put(engine, cities, city(1, name, AT))
    assert [row["name"] for row in rows(engine, cities)] == ["second"]


def test_each_row_is_judged_by_itself(engine: Engine) -> None:
    put(engine, cities, city(1, "old", AT), city(2, "newest", AT + 2 * MICROSECOND))
    put(engine, cities, *(city(number, "new", AT + MICROSECOND) for number in (1, 2, 3)))
    assert [row["name"] for row in rows(engine, cities)] == ["new", "newest", "new"]


def test_columns_with_a_version_of_their_own(engine: Engine) -> None:
    put(engine, cities, {"city_id": 1, "name": "old", "is_watched": True, "fetched_at": AT, "watched_at": AT})
    put(
        engine,
        cities,
        {"city_id": 1, "name": "new", "is_watched": False, "fetched_at": AT + MICROSECOND, "watched_at": AT - MICROSECOND},
    )
    (found,) = rows(engine, cities)
    assert (found["name"], found["fetched_at"]) == ("new", AT + MICROSECOND)
    assert (found["is_watched"], found["watched_at"]) == (True, AT)
    put(engine, cities, {"city_id": 1, "is_watched": False, "watched_at": AT + MICROSECOND})
    (found,) = rows(engine, cities)
    assert (found["name"], found["is_watched"], found["watched_at"]) == ("new", False, AT + MICROSECOND)


def test_columns_that_are_not_given_are_left_alone(engine: Engine) -> None:
    put(engine, cities, {"city_id": 1, "name": "Köln", "latitude": 50.9, "fetched_at": AT})
    put(engine, cities, city(1, "Cologne", AT + MICROSECOND))
    assert [(row["name"], row["latitude"]) for row in rows(engine, cities)] == [("Cologne", 50.9)]


def test_a_key_alone_is_inserted_where_it_is_absent_and_changes_nothing_where_it_is_there(engine: Engine) -> None:
    put(engine, cities, city(2, "Köln", AT))
    before = rows(engine, cities)
    put(engine, cities, {"city_id": 1}, {"city_id": 2}, {"city_id": 3})
    one, two, three = rows(engine, cities)
    assert [two] == before
    assert [row["city_id"] for row in (one, three)] == [1, 3]
    assert [(row["name"], row["fetched_at"], row["watched_at"]) for row in (one, three)] == [(None, EPOCH, EPOCH)] * 2


def test_a_version_beyond_the_latest_gives_way(engine: Engine) -> None:
    put(engine, cities, *(city(number, "there", AT + number * MICROSECOND) for number in (1, 2, 3)))
    put(engine, cities, city(1, "new", AT), city(2, "new", AT), latest=AT + MICROSECOND)
    found = rows(engine, cities)
    assert [row["name"] for row in found] == ["there", "new", "there"]
    assert found[1]["fetched_at"] == AT


def test_no_rows_are_no_statement(engine: Engine) -> None:
    in_transaction(engine, lambda connection: upsert(connection, cities, []))
    assert rows(engine, cities) == []


def test_many_batches_in_any_order_end_as_a_dictionary_would(engine: Engine, table: Table) -> None:
    dice = random.Random(7)
    expected: dict[int, dict[str, Any]] = {}
    for _ in range(60):
        columns = dice.choice([("small",), ("small", "short"), ("other",), ("small", "other"), ()])
        versions = [version for version, name in (("fetched_at", "small"), ("other_at", "other")) if name in columns]
        batch = []
        for number in sorted(dice.sample(range(12), dice.randint(1, 12))):
            row: dict[str, Any] = {"number": number, "label": "a"}
            for name in columns:
                row[name] = dice.choice((None, "x", "y")) if name == "short" else dice.choice((None, 1, 2, 3))
            for version in versions:
                row[version] = AT + dice.randint(0, 3) * MICROSECOND
            batch.append(row)
            known = expected.setdefault(number, {"fetched_at": EPOCH, "other_at": EPOCH})
            for version in versions:
                if row[version] >= known[version]:
                    known |= {name: row[name] for name in columns if (name == "other") == (version == "other_at")}
                    known[version] = row[version]
        put(engine, table, *batch)
    shown = ("small", "short", "other", "fetched_at", "other_at")
    found = {row["number"]: {name: row[name] for name in shown} for row in rows(engine, table)}
    assert found == {number: {name: known.get(name) for name in shown} for number, known in expected.items()}


# what goes in comes out

TEXTS = (
    "",
    " leading, trailing ",
    "it's \"quoted\" `so` \\ and \\' and \\\\",
    "'; DROP TABLE cities; -- '); /* */ #",
    "%s %(name)s %% 100% :name ? {}",
    "".join(map(chr, range(1, 32))) + "\x7f\x85\u2028\u2029\ufeff\ufffd\uffff",
    "Malmö Malmo\u0308 Łódź Ærø İstanbul ß ﷽ 北京 서울 עברית",
    "🛴 👩‍👩‍👧 \U0010ffff",
    '{"a": [1, null, "\\u0041"]} $[*] \\u0000',
    "null",
    "2026-05-04T03:02:01Z",
    "1e3",
    "x" * 10_000,
    "🛴" * 10_000,
)


def test_texts(engine: Engine, table: Table) -> None:
    put(engine, table, *(kind(number, note=note) for number, note in enumerate(TEXTS)))
    assert [row["note"] for row in rows(engine, table)] == list(TEXTS)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_that_all_rows_have_in_common(engine: Engine, table: Table, text: str) -> None:
    put(engine, table, kind(1, note=text, whole=1), kind(2, note=text, whole=2))
    assert [(row["note"], row["whole"]) for row in rows(engine, table)] == [(text, 1), (text, 2)]


def test_texts_in_a_key(engine: Engine, table: Table) -> None:
    labels = sorted(("a'b\"c\\d%s`e", "Malmo", "Malmö", "malmo", "🛴", "'; --"), key=str.encode)
    for whole in (1, 2):
        put(engine, table, *({"number": 1, "label": label, "whole": whole, "fetched_at": AT} for label in labels))
    assert [(row["label"], row["whole"]) for row in rows(engine, table)] == [(label, 2) for label in labels]


FLOATS = (
    0.0,
    -0.1,
    0.1 + 0.2,
    1 / 3,
    1e22,
    123456789.123456789,
    2.0**53 + 2,
    5e-300,
    1.7976931348623157e308,
    -2.2250738585072014e-308,
)


def test_numbers(engine: Engine, table: Table) -> None:
    put(engine, table, *(kind(number, exact=exact) for number, exact in enumerate(FLOATS)))
    assert [row["exact"] for row in rows(engine, table)] == list(FLOATS)


@pytest.mark.parametrize("column", ["small", "whole", "big"])
def test_whole_numbers_to_their_bounds(engine: Engine, table: Table, column: str) -> None:
    bounds = column_facts(table.c[column])
    values = [bounds.ge, -1, 0, 1, bounds.le, None]
    put(engine, table, *(kind(number, **{column: value}) for number, value in enumerate(values)))
    assert [row[column] for row in rows(engine, table)] == values


def test_booleans_dates_and_instants(engine: Engine, table: Table) -> None:
    east = timezone(timedelta(hours=5, minutes=45))
    note: list[dict[str, Any]] = [
        {"is_so": True, "on": date(2024, 2, 29), "at": AT},
        {"is_so": False, "on": date(1583, 1, 1), "at": datetime(2026, 5, 4, 0, 10, tzinfo=east)},
        {"is_so": None, "on": date(9999, 12, 31), "at": datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)},
        {"is_so": None, "on": None, "at": None},
    ]
    put(engine, table, *(kind(number, **values) for number, values in enumerate(note)))
    found = rows(engine, table)
    assert [{name: row[name] for name in ("is_so", "on", "at")} for row in found] == note
    assert found[1]["at"] == datetime(2026, 5, 3, 18, 25, tzinfo=UTC)
    assert [type(row["is_so"]) for row in found] == [bool, bool, type(None), type(None)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_rows_that_share_nearly_all_and_rows_of_nulls(engine: Engine, table: Table, count: int) -> None:
    values = {"note": "t", "short": "s", "is_so": True, "small": 1, "whole": 2, "big": 3, "exact": 0.5, "on": date(2026, 1, 1)}
    full = {**values, "at": AT, "other": 4, "other_at": AT, "fetched_at": AT}
    nulls = {**dict.fromkeys(full), "other_at": AT, "fetched_at": AT}
    put(engine, table, *({"number": number, "label": "full", **full} for number in range(count)))
    put(engine, table, *({"number": number, "label": "null", **nulls} for number in range(count)))
    found = rows(engine, table)
    assert {tuple(row) for row in found} == {COLUMNS}
    assert [{**row, "number": 0, "label": ""} for row in found] == [
        {"number": 0, "label": "", **full},
        {"number": 0, "label": "", **nulls},
    ] * count


# nothing is cut


def is_lenient(engine: Engine, column: str = "") -> bool:
    """Whether the database takes what does not fit: there, the check before it must be enough."""
    if isinstance(engine.dialect, MySQLDialect) and engine.dialect.is_mariadb:
        return column in ("big", "exact")  # for which its JSON_TABLE has no wider type
    return engine.dialect.name == "sqlite"


TOO_MUCH = {
    "short": "x" * 6,
    "small": 2**15,
    "whole": 2**31,
    "big": 2**63,
    "exact": "no number",
    "on": "no date",
    "label": "x" * 65,
}


@pytest.mark.parametrize("column", TOO_MUCH)
@pytest.mark.parametrize("others", [0, 2])
def test_what_does_not_fit_is_refused_by_the_check_and_by_the_database(
    engine: Engine, table: Table, column: str, others: int
) -> None:
    note = [kind(number) | {column: TOO_MUCH[column]} for number in range(others + 1)]
    with pytest.raises(BadData, match=column):
        put(engine, table, *note)
    if not is_lenient(engine, column):
        struct = row_type(table, tuple(note[0]))
        unchecked = [struct(**row) for row in note]
        with pytest.raises(DBAPIError):
            in_transaction(engine, lambda connection: upsert(connection, table, unchecked))
    assert rows(engine, table) == []


def forecast(city_id: int, hour: int) -> dict[str, Any]:
    at = AT + timedelta(hours=hour)
    return {"city_id": city_id, "provider": "p", "issued_at": AT, "valid_at": at, "period_hours": 1, "fetched_at": AT}


def test_a_missing_value_that_must_be_there_is_refused(engine: Engine) -> None:
    put(engine, cities, {"city_id": 1})
    row = {**forecast(1, 0), "period_hours": None}
    struct = row_type(weather_forecasts, tuple(row))(**row)
    with pytest.raises(IntegrityError):
        in_transaction(engine, lambda connection: upsert(connection, weather_forecasts, [struct]))


# batches


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[int]]:
    """The lengths of the INSERTs that are sent."""
    sent: list[int] = []

    def listen(_c: Connection, _d: Any, statement: str, parameters: Any, _e: Any, _m: bool) -> None:
        if statement.startswith("INSERT"):
            sent.append(len(statement) + len(str(parameters)))

    event.listen(engine, "before_cursor_execute", listen)
    yield sent
    event.remove(engine, "before_cursor_execute", listen)


def test_long_rows_go_in_several_statements(
    engine: Engine, table: Table, statements: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upserts, "BATCH_BYTES", 25_000)
    note = [str(number) * 10_000 for number in range(8)]
    put(engine, table, *(kind(number, note=text) for number, text in enumerate(note)))
    assert [row["note"] for row in rows(engine, table)] == note
    if not is_lenient(engine):
        assert len(statements) == 4
        assert max(statements) < 2 * 25_000 + 3_000


def test_a_row_longer_than_a_batch_goes_alone(
    engine: Engine, table: Table, statements: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upserts, "BATCH_BYTES", 5_000)
    note = ["x" * 100, "y" * 10_000, "z" * 100]
    put(engine, table, *(kind(number, note=text) for number, text in enumerate(note)))
    assert [row["note"] for row in rows(engine, table)] == note


def test_many_rows_go_in_several_statements(
    engine: Engine, table: Table, statements: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upserts, "BATCH_ROWS", 4)
    for whole in (1, 2):  # all have the same, or each batch has another: what is common may differ from batch to batch
        put(engine, table, *(kind(number, whole=whole * (number // 4 if whole == 2 else 1)) for number in range(10)))
    assert [row["whole"] for row in rows(engine, table)] == [2 * (number // 4) for number in range(10)]
    if not is_lenient(engine):
        assert len(statements) == 2 * 3


def test_an_error_in_a_later_batch_leaves_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upserts, "BATCH_ROWS", 2)
    put(engine, cities, {"city_id": 1})
    with pytest.raises(IntegrityError):
        put(engine, weather_forecasts, *(forecast(city_id, hour) for city_id in (1, 2) for hour in range(3)))
    assert rows(engine, weather_forecasts) == []
