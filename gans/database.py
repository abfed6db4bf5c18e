"""The database: from a URL to an engine, one transaction that is tried again, and the one upsert."""

import ssl
import time
from collections.abc import Callable, Sequence
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Boolean, Column, Connection, Engine, Executable, Table, case, create_engine, event
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from gans.errors import ConfigError
from gans.settings import Settings, redacted
from gans.tables import Instant

T = TypeVar("T")

TRIES = 5
BATCH_ROWS = 10_000
BATCH_BYTES = 8 * 1024 * 1024
"""The most JSON in one statement: half of the smallest `max_allowed_packet` in use (MariaDB's 16 MiB)."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Lock wait, deadlock; no connection, server gone, lost, shutting down, too many, killed: the transaction goes again.
_RETRIED = frozenset({1205, 1213, 2003, 2006, 2013, 1053, 1040, 1927, 1317})


def open_engine(settings: Settings) -> Engine:
    """An engine for `settings.database_url`: SQLite in WAL mode, or MySQL or MariaDB, with verified TLS off this machine.

    Raises:
        ConfigError: the URL is none, or names a database that Gans does not run on.
    """
    try:
        url = make_url(settings.database_url)
        kind = url.get_backend_name()
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError):
        kind = ""
    if kind == "sqlite":
        return _sqlite(url)
    if kind in ("mysql", "mariadb"):
        return _mysql(url, settings.database_ca)
    raise ConfigError(
        f"GANS_DATABASE_URL={redacted(settings.database_url)} is not a database that Gans runs on. "
        "Give sqlite:///path/to/gans.db, or mysql+pymysql://user:password@host:3306/gans"
    )


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: see "begin" below
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        # A transaction that reads first and writes later could find that it may not (SQLITE_BUSY): take the lock at once.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _mysql(url: URL, ca: str) -> Engine:
    arguments: dict[str, Any] = {"connect_timeout": 10, "read_timeout": 300, "write_timeout": 300, "charset": "utf8mb4"}
    if url.host not in _LOOPBACK:
        arguments["ssl"] = ssl.create_default_context(cafile=ca or None)
    engine = create_engine(
        url.set(drivername="mysql+pymysql"),
        connect_args=arguments,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_recycle=1800,
    )

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            # Errors instead of cut values, UTC whatever the server's zone is.
            cursor.execute("SET SESSION time_zone = '+00:00', sql_mode = 'TRADITIONAL', innodb_lock_wait_timeout = 20")

    return engine


def in_transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    """What `work` returns, committed; tried again from its beginning after a deadlock or a lost connection.

    Raises:
        DBAPIError: it failed for another reason, or too often.
    """
    for attempt in range(TRIES):
        try:
            with engine.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            if attempt == TRIES - 1 or not _may_pass(error):
                raise
            time.sleep(0.1 * 2**attempt)
    raise AssertionError("unreachable")


def _may_pass(error: DBAPIError) -> bool:
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return error.connection_invalidated or code in _RETRIED or "database is locked" in str(error.orig)


def upsert(connection: Connection, table: Table, rows: Sequence[msgspec.Struct]) -> None:
    """Inserts `rows`, or updates those that are there already, where the row is at least as new.

    Args:
        rows: of one struct of `gans.check`, in key order, no key twice. Columns that the struct has not are left alone; a
            struct of key columns alone only makes sure that the row is there.
    """
    if rows:
        columns = rows[0].__struct_fields__
        if connection.dialect.name == "sqlite":
            values = [dict(zip(columns, msgspec.structs.astuple(row), strict=True)) for row in rows]
            connection.execute(_sqlite_upsert(table, columns), values)
        else:
            statement = _mysql_upsert(table, columns)
            instants = [place for place, name in enumerate(columns) if isinstance(table.columns[name].type, Instant)]
            for start in range(0, len(rows), BATCH_ROWS):
                _send(connection, statement, [_zoneless(row, instants) for row in rows[start : start + BATCH_ROWS]])


def _zoneless(row: msgspec.Struct, instants: Sequence[int]) -> list[Any]:
    """The values of a row, its instants in UTC without a zone: in JSON, MySQL refuses a `Z` and MariaDB any other offset."""
    values = list(msgspec.structs.astuple(row))
    for place in instants:
        if values[place] is not None:
            values[place] = values[place].astimezone(UTC).replace(tzinfo=None)
    return values


def _send(connection: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """One statement, or two halves of it where the rows are long."""
    data = msgspec.json.encode(rows)
    if len(data) > BATCH_BYTES and len(rows) > 1:
        half = len(rows) // 2
        _send(connection, statement, rows[:half])
        _send(connection, statement, rows[half:])
    else:
        connection.exec_driver_sql(statement, (data.decode(),))


def newest_by(table: Table, column: str) -> str:
    """The name of the column that tells which of two versions of `column` is newer."""
    return str(table.columns[column].info.get("newest_by", "fetched_at"))


def _updates(table: Table, columns: Sequence[str]) -> list[tuple[str, str]]:
    """Each column that is not of the key with its version; versions last, since MySQL already sees what it assigned before."""
    values = [(name, newest_by(table, name)) for name in columns if not table.columns[name].primary_key]
    versions = {version for _, version in values}
    return [pair for pair in values if pair[0] not in versions] + [(name, name) for name in sorted(versions)]


@cache
def _sqlite_upsert(table: Table, columns: tuple[str, ...]) -> Executable:
    statement = sqlite.insert(table)
    updates = _updates(table, columns)
    if not updates:
        return statement.on_conflict_do_nothing()
    new = statement.excluded
    wins = {version: new[version] >= table.c[version] for _, version in updates}
    values = {name: case((wins[version], new[name]), else_=table.c[name]) for name, version in updates}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)


_MYSQL = mysql.dialect()


def _json_type(column: Column[Any]) -> str:
    """The type that JSON_TABLE reads a column's values as."""
    return "TINYINT" if isinstance(column.type, Boolean) else column.type.compile(_MYSQL)


@cache
def _mysql_upsert(table: Table, columns: tuple[str, ...]) -> str:
    """The rows travel as one JSON array of arrays: twice as fast as a VALUES list of parameters, and one text for every size."""
    quote = _MYSQL.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    parsed = ", ".join(
        f"{quote(name)} {_json_type(table.columns[name])} PATH '$[{place}]' NULL ON EMPTY ERROR ON ERROR"
        for place, name in enumerate(columns)
    )
    taken = ", ".join(f"new.{quote(name)}" for name in columns)
    target = quote(table.name)
    updates = ", ".join(
        f"{quote(name)} = IF(new.{quote(version)} >= {target}.{quote(version)}, new.{quote(name)}, {target}.{quote(name)})"
        for name, version in _updates(table, columns)
    )
    some_key = quote(next(iter(table.primary_key)).name)  # assigned to itself: nothing changes
    chosen = f"SELECT {taken} FROM JSON_TABLE(%s, '$[*]' COLUMNS ({parsed})) AS new"
    return f"INSERT INTO {target} ({names}) {chosen} ON DUPLICATE KEY UPDATE {updates or f'{some_key} = {target}.{some_key}'}"
