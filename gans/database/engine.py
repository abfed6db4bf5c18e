"""From a URL to an engine: one that writes, or one that only reads."""

import sqlite3
import ssl
import time
from pathlib import Path
from typing import Any

import pymysql
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from gans.database.transactions import ACCESS_DENIED
from gans.errors import ConfigError
from gans.secrets import Login, read_login
from gans.settings import Settings, redacted

HANDSHAKE_S, SILENCE_S = 10, 300
"""How long a server may take to let us in (its own default is the same), and how long a statement may take."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


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
    setting = f"GANS_DATABASE_URL={redacted(settings.database_url)}"
    if kind not in ("mysql", "mariadb"):
        raise ConfigError(
            f"{setting} is not a database that Gans runs on. "
            "Give sqlite:///path/to/gans.db, or mysql+pymysql://user:password@host:3306/gans"
        )
    if not url.database:
        raise ConfigError(f"{setting} names no database: add its name, like /gans, at the end.")
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
        hide_parameters=True,  # a message of thousands of values helps nobody, and some are passwords
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
                if error.args[0] != ACCESS_DENIED:
                    raise
        known[:] = [read_login(name)]
        return connect()
