"""The kinds of column that all tables share, so that the same quantity looks the same everywhere.

What more is known of a table or a column than SQL can say stands in its `info`, as `TableFacts` and `ColumnFacts`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.mysql import DATETIME, MEDIUMTEXT
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeDecorator

from gans.tables._retention import Aged, Thinned

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The version of a row that is known by its key alone: older than any answer."""

SAMPLE_PAGES = "2048"
"""Of a long table's index. InnoDB counts the few values that a key begins with well while the level above the leaves has no more
pages than that: up to some 70 million rows."""

JSON_TEXT = Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
"""JSON of up to 16 MiB."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def zoneless(instant: datetime | None) -> datetime | None:
    """In UTC without a zone, as the databases keep it."""
    return None if instant is None else _zoneless(instant.astimezone(UTC))


@lru_cache(maxsize=4096)  # the same instants stand in thousands of rows
def _zoneless(utc: datetime) -> datetime:
    """Of an instant in UTC already: of two that are equal but for their `fold`, the cache would keep one."""
    return utc.replace(tzinfo=None)


@lru_cache(maxsize=4096)
def _sqlite_text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(" ")


class _SqliteInstant(sqlite.DATETIME):
    """An instant as SQLite keeps it: a text like `2026-11-28 09:00:00`, with six digits behind it where it is no whole second.

    So plain SQL compares it as MySQL does, if it writes whole seconds without a fraction, as people and Python's own driver do. A
    text with a fraction of zeros is read too.
    """

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        return _sqlite_text


_SQLITE_INSTANT = _SqliteInstant()  # type: ignore[no-untyped-call]


class Instant(TypeDecorator[datetime]):
    """An instant in UTC to the microsecond: aware in Python, a zone-less DATETIME(6) in the database.

    A plain DATETIME is rounded by MySQL, cut by MariaDB and kept by SQLite, so that the older of two rows could win.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        is_mysql = dialect.name in ("mysql", "mariadb")
        return dialect.type_descriptor(DATETIME(fsp=6) if is_mysql else _SQLITE_INSTANT)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return zoneless(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class TableFacts(msgspec.Struct, frozen=True):
    """What people and the code want to know of a table.

    Attributes:
        rows: how many rows it grows by, in words.
        is_reference: whether `load` publishes it for the plans of other sources.
        current_with: for a table whose every answer holds the whole of it: the table whose newest `fetched_at` is that of the
            newest answer; or, where an answer holds all that belongs to one row of another table, that table, to whose key the
            first column refers. A row with an older one was not in it; it stays, and is not published.
        retention: which of its rows `gans.retain` drops with time; None for none.
        is_long: whether it grows to millions of rows.
    """

    rows: str
    is_reference: bool = False
    current_with: str = ""
    retention: Aged | Thinned | None = None
    is_long: bool = False


class ColumnFacts(msgspec.Struct, frozen=True):
    """What a value of a column must be, and which of two is the newer.

    Attributes:
        ge, le: the least and the greatest value.
        newest_by: the column that is the version of it.
    """

    ge: int | float | None = None
    le: int | float | None = None
    newest_by: str = "fetched_at"


def table_facts(table: Table) -> TableFacts:
    """Of one of our tables."""
    facts: TableFacts = table.info["facts"]
    return facts


def column_facts(column: Column[Any]) -> ColumnFacts:
    """Of a column; one that says nothing has the defaults."""
    facts: ColumnFacts = column.info.get("facts", _NO_FACTS)
    return facts


_NO_FACTS = ColumnFacts()


def table(
    name: str,
    *items: SchemaItem,
    about: str,
    rows: str,
    reference: bool = False,
    current_with: str = "",
    retain: Aged | Thinned | None = None,
    is_long: bool = False,
) -> Table:
    """A table with what people want to know of it.

    Args:
        about: what one row is.
        rows, reference, current_with, retain, is_long: its `TableFacts`. From the 20 pages that InnoDB samples by default, it
            guesses a few hundred times too many cities of a long one, and MySQL reads all years of a city to find a day's rows.
    """
    sampled: dict[str, Any] = {"mysql_stats_sample_pages": SAMPLE_PAGES} if is_long else {}
    # One binary collation everywhere: `Malmo` is not `Malmö` in a key, and views compare alike on every database.
    return Table(
        name,
        metadata,
        *items,
        comment=about,
        info={"facts": TableFacts(rows, reference, current_with, retain, is_long)},
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        **sampled,
    )


def key(name: str, kind: Any, comment: str, *references: ForeignKey, **facts: Any) -> Column[Any]:
    """A column of the primary key; never generated by the database."""
    info = {"facts": ColumnFacts(**facts)}
    return Column(name, kind, *references, primary_key=True, autoincrement=False, comment=comment, info=info)


def value(name: str, kind: Any, comment: str, *references: ForeignKey, required: bool = False, **facts: Any) -> Column[Any]:
    """A column that is not of the key: nullable unless `required`."""
    return Column(name, kind, *references, nullable=not required, comment=comment, info={"facts": ColumnFacts(**facts)})


def fetched_at(
    name: str = "fetched_at", comment: str = "when the upstream said so (UTC); of two versions the newer stays"
) -> Column[Any]:
    """The version of a row, or of some of its columns (UTC)."""
    info = {"facts": ColumnFacts(newest_by=name)}
    return Column(name, Instant, nullable=False, server_default="1970-01-01 00:00:00", comment=comment, info=info)


def is_backfilled() -> Column[Any]:
    """Of a table with `known_at`: how that is known."""
    comment = "whether known_at is what the source says, and not when it was really asked"
    return value("is_backfilled", Boolean, comment, required=True)


def celsius(name: str, comment: str) -> Column[Any]:
    """A temperature; the bounds are a little beyond the records that the WMO has verified (-89.2 and 56.7 °C)."""
    return value(name, Double, f"{comment}, °C", ge=-95, le=65)


def percent(name: str, comment: str) -> Column[Any]:
    """A share of a hundred."""
    return value(name, SmallInteger, f"{comment}, %", ge=0, le=100)
