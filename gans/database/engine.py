"""The database: from a URL to an engine, one transaction that is tried again, and the one upsert."""

import random
import sqlite3
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pymysql
from sqlalchemy import Boolean, Column, Connection, Engine, Executable, Integer, String, Table, case, create_engine, event, text
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from gans.errors import ConfigError
from gans.secrets import Login, read_login
from gans.settings import Settings, redacted
from gans.tables import Instant

T = TypeVar("T")

TRIES = 5
HANDSHAKE_S, SILENCE_S = 10, 300
"""How long a server may take to let us in (its own default is the same), and how long a statement may take."""

BATCH_ROWS = 10_000
BATCH_BYTES = 4 * 1024 * 1024
"""The most JSON in one statement: as hexadecimal digits, half of the smallest `max_allowed_packet` in use (MariaDB's 16 MiB)."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# No connection, server gone, lost, shutting down, too many, killed; lock wait, deadlock, interrupted: the transaction goes again.
_AWAY = frozenset({2003, 2006, 2013, 1053, 1040, 1927})
_RETRIED = _AWAY | {1205, 1213, 1317}
_REFUSED = 1045


def open_engine(settings: Settings) -> Engine:
    """An engine for `settings.database_url`: SQLite in WAL mode, or MySQL or MariaDB, with verified TLS off this machine.

    Raises:
        ConfigError: the URL is none, or names a database that Gans does not run on.
    """
    url = _url(settings)
    return _sqlite(url) if url.get_backend_name() == "sqlite" else _mysql(url, settings)


def open_reader(settings: Settings, most_s: float | None = None) -> Engine:
    """An engine that changes nothing: the database refuses it. On MySQL, give it a user who may only read all the same.

    Args:
        most_s: the longest that a query may take; the database ends one that takes longer. None for as long as it likes.

    Raises:
        ConfigError: as `open_engine`; or the SQLite file is not there.
    """
    url = _url(settings)
    if url.get_backend_name() == "sqlite":
        return _sqlite_reader(url, most_s)
    engine = _mysql(url, settings)

    @event.listens_for(engine, "checkout")  # each time: a query may have set it otherwise
    def _(connection: Any, *_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            if most_s and "MariaDB" in connection.get_server_info():
                cursor.execute("SET SESSION max_statement_time = %s", (most_s,))
            elif most_s:
                cursor.execute("SET SESSION max_execution_time = %s", (round(most_s * 1000),))

    return engine


def _url(settings: Settings) -> URL:
    try:
        url = make_url(settings.database_url)
        kind = url.get_backend_name()
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        kind = ""
    if kind == "sqlite":
        return url
    given = f"GANS_DATABASE_URL={redacted(settings.database_url)}"
    if kind not in ("mysql", "mariadb"):
        raise ConfigError(
            f"{given} is not a database that Gans runs on. "
            "Give sqlite:///path/to/gans.db, or mysql+pymysql://user:password@host:3306/gans"
        )
    if not url.database:
        raise ConfigError(f"{given} names no database: add its name, like /gans, at the end.")
    return url


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        folder = Path(url.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"GANS_DATABASE_URL: cannot make the folder {folder}: {error.strerror}.") from None
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


def _sqlite_reader(url: URL, most_s: float | None) -> Engine:
    path = Path(url.database or "")
    if not path.is_file():
        raise ConfigError(f"There is no database {path}. `gans collect` makes and fills one, and `gans demo` one to try.")
    read_only = URL.create("sqlite", database=path.absolute().as_uri(), query={"mode": "ro", "uri": "true"})
    engine = create_engine(read_only, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _(connection: sqlite3.Connection, _record: Any) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # another file would not be read-only

    if most_s:

        @event.listens_for(engine, "before_cursor_execute")
        def _(connection: Connection, *_: Any) -> None:
            ends_at = time.monotonic() + most_s
            raw: Any = connection.connection.driver_connection
            raw.set_progress_handler(lambda: time.monotonic() > ends_at, 100_000)

    return engine


def _mysql(url: URL, settings: Settings) -> Engine:
    # PyMySQL's connect_timeout is over once TCP is there: what accepts and stays silent meets the read time-out.
    arguments: dict[str, Any] = {
        "connect_timeout": HANDSHAKE_S,
        "read_timeout": HANDSHAKE_S,
        "write_timeout": SILENCE_S,
        "charset": "utf8mb4",
    }
    if url.host not in _LOOPBACK:
        arguments["ssl"] = ssl.create_default_context(cafile=settings.database_ca or None)
    engine = create_engine(
        url.set(drivername="mysql+pymysql"),
        connect_args=arguments,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,  # a message of thousands of values tells nobody anything, and some are passwords
    )

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            # Errors instead of cut values, UTC whatever the server's zone is.
            cursor.execute("SET SESSION time_zone = '+00:00', sql_mode = 'TRADITIONAL', innodb_lock_wait_timeout = 20")
        connection._read_timeout = SILENCE_S  # looked at before each answer; it cannot be changed in another way

    if settings.database_secret:
        _log_in_by_secret(engine, settings.database_secret)
    return engine


def _log_in_by_secret(engine: Engine, name: str) -> None:
    """Each new connection logs in as the secret says; one that is refused, as it says now: it may have been rotated."""
    known: list[Login] = []

    @event.listens_for(engine, "do_connect")
    def _(dialect: Dialect, _record: Any, arguments: Any, named: dict[str, Any]) -> Any:
        def connect() -> Any:
            return dialect.connect(*arguments, **{**named, "user": known[0].username, "password": known[0].password})

        if known:
            try:
                return connect()
            except pymysql.err.OperationalError as error:
                if error.args[0] != _REFUSED:
                    raise
        known[:] = [read_login(name)]
        return connect()


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
            time.sleep(random.uniform(0.5, 1.5) * 0.1 * 2**attempt)  # not all at once again
    raise AssertionError("unreachable")


def query(engine: Engine, sql: str, most_rows: int | None = None) -> tuple[list[str], Sequence[Sequence[Any]]]:
    """The columns and rows of a query that a person wrote.

    Args:
        engine: of `open_reader`.
        most_rows: no more are given; on MySQL a LIMIT of the query's own may have the driver read more.

    Raises:
        DBAPIError: the database refuses it, as it refuses every change.
    """
    limits = most_rows is not None and engine.dialect.name == "mysql"  # the driver would read all; SQLite reads row by row
    with engine.connect() as connection:
        if limits:
            connection.exec_driver_sql("SET SESSION sql_select_limit = %s", (most_rows,))
        try:
            result = connection.execute(text(sql.replace(":", r"\:")))
            if not result.returns_rows:
                return [], []
            return list(result.keys()), result.fetchall() if most_rows is None else result.fetchmany(most_rows)
        finally:
            if limits:
                connection.exec_driver_sql("SET SESSION sql_select_limit = DEFAULT")


def _code(error: DBAPIError) -> Any:
    return error.orig.args[0] if error.orig is not None and error.orig.args else None


def _may_pass(error: DBAPIError) -> bool:
    return error.connection_invalidated or _code(error) in _RETRIED or "database is locked" in str(error.orig)


def is_away(error: DBAPIError) -> bool:
    """Whether there was no database to talk to, or it let nobody in: then another transaction need not be tried now."""
    return error.connection_invalidated or _code(error) in {*_AWAY, _REFUSED}


def upsert(connection: Connection, table: Table, rows: Sequence[msgspec.Struct]) -> None:
    """Inserts `rows`, or updates those that are there already, where the row is at least as new.

    Args:
        rows: of one struct of `gans.database.rows`, in key order, no key twice. Columns that the struct has not are left alone; a
            struct of key columns alone only makes sure that the row is there.
    """
    if not rows:
        return
    dialect = connection.dialect
    if isinstance(dialect, MySQLDialect):
        batches = [rows[start : start + BATCH_ROWS] for start in range(0, len(rows), BATCH_ROWS)]
        with ThreadPoolExecutor(1) as ahead:  # packs the next batches while the server stores this one
            for packed in ahead.map(partial(_packed, table), batches):
                for common, own, data in packed:
                    connection.exec_driver_sql(_mysql_upsert(table, common, own, dialect.is_mariadb), (data.hex(),))
    else:
        columns = rows[0].__struct_fields__
        values = [dict(zip(columns, msgspec.structs.astuple(row), strict=True)) for row in rows]
        connection.execute(_sqlite_upsert(table, columns), values)


def _packed(table: Table, rows: Sequence[msgspec.Struct]) -> list[tuple[tuple[str, ...], tuple[str, ...], bytes]]:
    """The rows as JSON: `[[value, …], [[value, …], …]]`, what all have in common and then what each has of its own.

    A column with one value in all rows (the issue of a forecast, its provider, `fetched_at`) is common: it is sent once, and the
    server reads it once.

    Returns:
        The names of the common columns, those of the others, and the JSON; long rows in several parts.
    """
    columns: dict[str, Sequence[Any]] = {name: list(map(attrgetter(name), rows)) for name in rows[0].__struct_fields__}
    for name, values in columns.items():
        if isinstance(table.columns[name].type, Instant):
            columns[name] = list(map(_zoneless, values))
    common = tuple(name for name, values in columns.items() if values.count(values[0]) == len(values) > 1)
    own = tuple(name for name in columns if name not in common)
    each = list(zip(*(columns[name] for name in own), strict=True))
    data = msgspec.json.encode([[columns[name][0] for name in common], each])
    if len(data) > BATCH_BYTES and len(rows) > 1:
        half = len(rows) // 2
        return _packed(table, rows[:half]) + _packed(table, rows[half:])
    return [(common, own, data)]


@lru_cache(maxsize=4096)  # the same hours come again for every city
def _zoneless(instant: datetime | None) -> datetime | None:
    """In UTC without a zone: in JSON, MySQL refuses a `Z` and MariaDB any other offset."""
    return None if instant is None else instant.astimezone(UTC).replace(tzinfo=None)


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
def _mysql_upsert(table: Table, common: tuple[str, ...], own: tuple[str, ...], is_mariadb: bool) -> str:
    """One statement for all rows of a batch, which travel as JSON (`_packed`): half the time of a VALUES list of parameters.

    The JSON stands in the text as a hexadecimal literal, `_utf8mb4 x'…'`, for which the driver puts the quotes: there is
    nothing in it to escape, which took longer than all else on this side. MySQL reads a value of its JSON type in place, but
    copies every row of a JSON text before it looks into it; in MariaDB JSON is text.
    """
    quote = _MYSQL.identifier_preparer.quote
    columns, target = (*common, *own), quote(table.name)

    def read(name: str, path: str) -> str:
        return f"{quote(name)} {_json_type(table.columns[name], is_mariadb)} PATH '{path}' NULL ON EMPTY ERROR ON ERROR"

    once = "".join(read(name, f"$[0][{place}]") + ", " for place, name in enumerate(common))
    each = ", ".join(read(name, f"$[{place}]") for place, name in enumerate(own))
    parsed = f"'$' COLUMNS ({once}NESTED PATH '$[1][*]' COLUMNS ({each}))"
    if is_mariadb:
        new = f"JSON_TABLE(_utf8mb4 x%s, {parsed}) AS new"
    else:
        new = f"(SELECT CAST(_utf8mb4 x%s AS JSON) AS told) AS sent, JSON_TABLE(sent.told, {parsed}) AS new"
    updates = ", ".join(
        f"{quote(name)} = IF(new.{quote(version)} >= {target}.{quote(version)}, new.{quote(name)}, {target}.{quote(name)})"
        for name, version in _updates(table, columns)
    )
    some_key = quote(next(iter(table.primary_key)).name)  # assigned to itself: nothing changes
    return (
        f"INSERT INTO {target} ({', '.join(map(quote, columns))}) SELECT {', '.join(f'new.{quote(name)}' for name in columns)} "
        f"FROM {new} ON DUPLICATE KEY UPDATE {updates or f'{some_key} = {target}.{some_key}'}"
    )
