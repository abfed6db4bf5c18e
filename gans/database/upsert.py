"""The one upsert, for every table, on all three databases."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import cache, lru_cache
from itertools import repeat
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Boolean, Column, Connection, Dialect, Integer, String, Table, bindparam, case, or_
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.dialects.mysql.base import MySQLDialect

from gans.tables import Instant, column_facts
from gans.tables._columns import zoneless

BATCH_ROWS = 10_000
BATCH_BYTES = 4 * 1024 * 1024
"""The most JSON in one statement: as hexadecimal digits, half of the smallest `max_allowed_packet` in use (MariaDB's 16 MiB)."""


def upsert(connection: Connection, table: Table, rows: Sequence[msgspec.Struct], *, latest: datetime | None = None) -> None:
    """Inserts `rows`, or updates those that are there already, where the row is at least as new.

    Args:
        rows: of one struct of `gans.database.rows`, in key order, no key twice. Columns that the struct has not are left alone; a
            struct of key columns alone only makes sure that the row is there.
        latest: a version beyond which what is there gives way to any: it was stored while some clock was ahead, and would hold
            back all that comes until then. None where every version is to be believed.
    """
    if not rows:
        return
    dialect = connection.dialect
    batches = (rows[start : start + BATCH_ROWS] for start in range(0, len(rows), BATCH_ROWS))
    if isinstance(dialect, MySQLDialect):
        with ThreadPoolExecutor(1) as ahead:  # packs the next batch while the server stores this one
            packing: Future[list[_Packed]] | None = ahead.submit(_packed, table, next(batches))
            while packing:
                packed, following = packing.result(), next(batches, None)
                packing = ahead.submit(_packed, table, following) if following else None
                for common, own, data in packed:
                    text = _mysql_upsert(table, common, own, dialect.is_mariadb, latest is not None)
                    connection.exec_driver_sql(text, {"data": data.hex(), "latest": zoneless(latest)})
    else:
        names = rows[0].__struct_fields__
        statement = _sqlite_upsert(table, names, latest is not None)
        (late,) = _bound(_LATEST, [latest], dialect)
        for batch in batches:
            columns = [_bound(table.columns[name], map(attrgetter(name), batch), dialect) for name in names]
            given = zip(*columns, repeat(late, len(batch)), strict=True)
            connection.exec_driver_sql(statement, [dict(zip((*names, _LATEST.key), row, strict=True)) for row in given])


_Packed = tuple[tuple[str, ...], tuple[str, ...], bytes]


def _packed(table: Table, rows: Sequence[msgspec.Struct]) -> list[_Packed]:
    """The rows as JSON: `[[value, …], [[value, …], …]]`, what all have in common and then what each has of its own.

    A column with one value in all rows (the issue of a forecast, its provider, `fetched_at`) is common: it is sent once, and the
    server reads it once.

    Returns:
        The names of the common columns, those of the others, and the JSON; long rows in several parts.
    """
    columns: dict[str, Sequence[Any]] = {name: list(map(attrgetter(name), rows)) for name in rows[0].__struct_fields__}
    for name, values in columns.items():
        if isinstance(table.columns[name].type, Instant):
            columns[name] = list(map(zoneless, values))  # in JSON, MySQL refuses a `Z` and MariaDB any other offset
    common = tuple(name for name, values in columns.items() if values.count(values[0]) == len(values) > 1)
    own = tuple(name for name in columns if name not in common)
    each = list(zip(*(columns[name] for name in own), strict=True))
    data = msgspec.json.encode([[columns[name][0] for name in common], each])
    if len(data) > BATCH_BYTES and len(rows) > 1:
        half = len(rows) // 2
        return _packed(table, rows[:half]) + _packed(table, rows[half:])
    return [(common, own, data)]


def newest_by(table: Table, column: str) -> str:
    """The name of the column that is the version of `column`: of two values the one with the newer stays."""
    return column_facts(table.columns[column]).newest_by


def _updates(table: Table, columns: Sequence[str]) -> list[tuple[str, str]]:
    """Each column that is not of the key with its version; versions last, since MySQL already sees what it assigned before."""
    values = [(name, newest_by(table, name)) for name in columns if not table.columns[name].primary_key]
    versions = {version for _, version in values}
    return [pair for pair in values if pair[0] not in versions] + [(name, name) for name in sorted(versions)]


_LATEST = bindparam("latest", type_=Instant())


def _bound(column: Column[Any] | BindParameter[Any], values: Iterable[Any], dialect: Dialect) -> Iterable[Any]:
    """The values as the driver takes them."""
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    return map(convert, values) if convert else values


@cache
def _sqlite_upsert(table: Table, columns: tuple[str, ...], has_latest: bool) -> str:
    """One statement for one row, its parameters by name: by place, as SQLAlchemy has them, `latest` would come once a column."""
    statement = sqlite.insert(table)
    updates = _updates(table, columns)
    new = statement.excluded
    wins = {
        version: or_(new[version] >= table.c[version], table.c[version] > _LATEST)
        if has_latest
        else new[version] >= table.c[version]
        for _, version in updates
    }
    values = {name: case((wins[version], new[name]), else_=table.c[name]) for name, version in updates}
    keyed = list(table.primary_key)
    whole = statement.on_conflict_do_update(index_elements=keyed, set_=values) if values else statement.on_conflict_do_nothing()
    return str(whole.compile(dialect=sqlite.dialect(paramstyle="named"), column_keys=columns))


_MYSQL = mysql.dialect()


def _json_type(column: Column[Any], is_mariadb: bool) -> str:
    """The type that JSON_TABLE reads a column's values as.

    MariaDB's cuts what does not fit, ERROR ON ERROR or not: there it is a wider type, and the column itself refuses the value.
    """
    if isinstance(column.type, Boolean):
        return "TINYINT"
    if is_mariadb and isinstance(column.type, (Integer, String)):
        return "BIGINT" if isinstance(column.type, Integer) else "LONGTEXT"
    return column.type.compile(_MYSQL)


@lru_cache(maxsize=256)
def _mysql_upsert(table: Table, common: tuple[str, ...], own: tuple[str, ...], is_mariadb: bool, has_latest: bool) -> str:
    """One statement for all rows of a batch, which travel as JSON (`_packed`): half the time of a VALUES list of parameters.

    Its parameters are `data` and, where too late versions give way, `latest`.
    The JSON stands in the text as a hexadecimal literal, `_utf8mb4 x'…'`, for which the driver puts the quotes: there is
    nothing in it to escape, which took longer than all else on this side. MySQL reads a value of its JSON type in place, but
    copies every row of a JSON text before it looks into it; in MariaDB JSON is text.
    """
    quote = _MYSQL.identifier_preparer.quote
    columns, target = (*common, *own), quote(table.name)

    def read(name: str, path: str) -> str:
        return f"{quote(name)} {_json_type(table.columns[name], is_mariadb)} PATH '{path}' NULL ON EMPTY ERROR ON ERROR"

    def wins(version: str) -> str:
        is_newer = f"new.{version} >= {target}.{version}"
        return f"{is_newer} OR {target}.{version} > %(latest)s" if has_latest else is_newer

    once = "".join(read(name, f"$[0][{index}]") + ", " for index, name in enumerate(common))
    each = ", ".join(read(name, f"$[{index}]") for index, name in enumerate(own))
    parsed = f"'$' COLUMNS ({once}NESTED PATH '$[1][*]' COLUMNS ({each}))"
    if is_mariadb:
        new = f"JSON_TABLE(_utf8mb4 x%(data)s, {parsed}) AS new"
    else:
        new = f"(SELECT CAST(_utf8mb4 x%(data)s AS JSON) AS payload) AS sent, JSON_TABLE(sent.payload, {parsed}) AS new"
    updates = ", ".join(
        f"{quote(name)} = IF({wins(quote(version))}, new.{quote(name)}, {target}.{quote(name)})"
        for name, version in _updates(table, columns)
    )
    some_key = quote(next(iter(table.primary_key)).name)  # assigned to itself: nothing changes
    return (
        f"INSERT INTO {target} ({', '.join(map(quote, columns))}) SELECT {', '.join(f'new.{quote(name)}' for name in columns)} "
        f"FROM {new} ON DUPLICATE KEY UPDATE {updates or f'{some_key} = {target}.{some_key}'}"
    )
