"""What a row must be before it may go to the database, for each kind of column."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

from gans.database.rows import row_type, validate_row, validate_rows
from gans.errors import BadData
from gans.tables import ColumnFacts, Instant, metadata

TABLE = Table(
    "things",
    MetaData(),
    Column("code", String(5), primary_key=True),
    Column("small", SmallInteger, info={"facts": ColumnFacts(ge=0, le=100)}),
    Column("number", Integer, nullable=False, info={"facts": ColumnFacts(ge=1, le=2_147_483_647)}),
    Column("large", BigInteger, info={"facts": ColumnFacts(ge=0, le=2**62)}),
    Column("real", Double, info={"facts": ColumnFacts(ge=-90, le=90)}),
    Column("flag", Boolean),
    Column("on", Date),
    Column("at", Instant),
    Column("label", String(5)),
    Column("text", Text),
)
NOW = datetime(2025, 3, 30, 1, 2, 3, 456_789, tzinfo=UTC)
BIG = 10**400


def check(column: str, value: Any) -> Any:
    return getattr(validate_row(TABLE, (column,), [value]), column)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("code", "a"), ("code", "a b"), ("code", ""), ("code", "Malmö"), ("code", "🛴🛴🛴🛴🛴"), ("code", "';--"),
        ("small", 0), ("small", 100), ("small", None),
        ("number", 1), ("number", 2_147_483_647),
        ("large", 2**62),
        ("real", -90.0), ("real", 90.0), ("real", 5e-324), ("real", -0.0), ("real", None),
        ("flag", True), ("flag", False), ("flag", None),
        ("on", date(2025, 3, 30)), ("on", date.min), ("on", date.max), ("on", None),
        ("at", NOW), ("at", None),
        ("label", " a \n"), ("label", ""), ("label", "\u200fאב"), ("label", None),
        ("text", "x" * 100_000), ("text", "\x1b[31m"), ("text", None),
    ],
)  # fmt: skip
def test_what_fits_passes_unchanged(column: str, value: Any) -> None:
    assert check(column, value) == value
    assert type(check(column, value)) is type(value)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("code", None), ("code", "abcdef"), ("code", "a\x00"), ("code", " a"), ("code", "a "), ("code", "a\t"),
        ("code", "\u00a0"), ("code", "a\n"), ("code", "\n"), ("code", 1), ("code", b"a"), ("code", "a\ud800"),
        ("small", -1), ("small", 101), ("small", 1.0), ("small", 1.5), ("small", "1"), ("small", True), ("small", float("nan")),
        ("number", 0), ("number", 2_147_483_648), ("number", -BIG), ("number", BIG), ("number", None), ("number", [1]),
        ("large", 2**63), ("large", BIG),
        ("real", -90.000001), ("real", float("nan")), ("real", float("inf")), ("real", float("-inf")), ("real", BIG),
        ("real", "1.5"), ("real", True), ("real", []), ("real", {}),
        ("flag", 1), ("flag", 0), ("flag", "true"), ("flag", ""),
        ("on", "2025-02-30"), ("on", NOW), ("on", 20250330), ("on", ""),
        ("at", datetime(2025, 3, 30)), ("at", "2025-03-30T01:02:03"), ("at", date(2025, 3, 30)), ("at", 0), ("at", "now"),  # noqa: DTZ001
        ("at", datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))),
        ("label", "abcdef"), ("label", "a\x00b"), ("label", "\udfff"), ("label", 1), ("label", True), ("label", ["a"]),
        ("text", "\x00"), ("text", b""),
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_column(column: str, value: Any) -> None:
    with pytest.raises(BadData) as refused:
        check(column, value)
    assert str(refused.value).startswith(f"things.{column}: ")
    assert str(refused.value).count("`") % 2 == 0
    str(refused.value).encode()  # it will stand in a table


def test_a_whole_number_may_be_a_real_one() -> None:
    assert check("real", 3) == 3.0
    assert type(check("real", 3)) is float


@pytest.mark.parametrize(
    "instant",
    [NOW.astimezone(timezone(timedelta(hours=5, minutes=45))), "2025-03-30T06:47:03.456789+05:45", "2025-03-30T01:02:03.456789Z"],
)
def test_an_instant_is_kept_in_utc(instant: Any) -> None:
    """As JSON, with its offset, MariaDB would keep its local time."""
    kept = check("at", instant)
    assert kept == NOW
    assert kept.utcoffset() == timedelta(0)
    assert msgspec.json.encode(kept) == b'"2025-03-30T01:02:03.456789Z"'


def test_the_first_value_that_does_not_fit_is_named() -> None:
    with pytest.raises(BadData, match=r"^things\.flag: Expected `bool \| null`, got `int`$"):
        validate_row(TABLE, ("code", "number", "flag"), ["a", 1, 1])


def test_many_rows_are_checked_together_and_keep_their_order() -> None:
    columns, abroad = ("code", "at"), NOW.astimezone(timezone(timedelta(hours=2)))
    rows = validate_rows(TABLE, columns, [("b", NOW), ("a", None), ("b", abroad)])
    assert [msgspec.structs.astuple(row) for row in rows] == [("b", NOW), ("a", None), ("b", NOW)]
    assert rows[2].at.tzinfo is UTC  # type: ignore[attr-defined]
    assert validate_rows(TABLE, columns, []) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a", 101, None), r"^things\.small: Expected `int` <= 100$"),
        (("a ", 1, None), r"^things\.code: white space at an end of a key"),
        (("a", 1, "\udfff"), r"^things\.label: a NUL, where most tools stop, or half of a surrogate pair"),
        (("a", 1), r"^things: Expected `array` of at least length 3, got 2$"),
    ],
)
def test_one_of_many_that_does_not_fit_is_named_by_its_column(row: tuple[Any, ...], message: str) -> None:
    with pytest.raises(BadData, match=message):
        validate_rows(TABLE, ("code", "small", "label"), [("a", 1, "b"), row, ("b", 2, None)])


def test_a_row_has_just_the_columns_that_are_told() -> None:
    row = validate_row(TABLE, ("number", "code"), [7, "a"])
    assert row.__struct_fields__ == ("number", "code")
    assert msgspec.json.encode(row) == b'[7,"a"]'
    with pytest.raises(BadData):
        validate_row(TABLE, ("number", "code"), [7])


def test_a_column_that_could_not_be_checked_is_a_mistake_of_ours() -> None:
    wrong = Table(
        "wrong",
        MetaData(),
        Column("x", Double, info={"facts": ColumnFacts(ge=0)}),
        Column("y", LargeBinary),
        Column("z", Integer),
    )
    for column in wrong.columns:
        with pytest.raises(TypeError, match=rf"wrong\.{column.name}: "):
            row_type(wrong, (column.name,))


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_every_column_of_every_table_can_be_checked(name: str) -> None:
    table = metadata.tables[name]
    row_type(table, tuple(column.name for column in table.columns))
