"""From a URL to an engine: one that writes, or one that only reads."""

import re
import sqlite3
import ssl
import time
from pathlib import Path
from typing import Any

import pymysql
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from gans.database.transactions import ACCESS_DENIED, NO_SUCH_RIGHT, UNKNOWN_DATABASE, error_code
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
    url = database_url(settings)
    return _sqlite(url) if url.get_backend_name() == "sqlite" else _mysql(url, settings)


def open_reader(settings: Settings, most_s: float | None = None) -> Engine:
    """An engine that changes nothing: the database refuses it. On MySQL, give it a user who may only read all the same.

    Args:
        most_s: the longest that a query may take; the database ends one that takes longer. None for as long as it likes.

    Raises:
        ConfigError: as `open_engine`; or the SQLite file is not there.
    """
    url = database_url(settings)
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


def make_database(settings: Settings) -> None:
    """Makes the database on its server, where it is not there yet; a file of SQLite makes itself.

    Raises:
        ConfigError: as `open_engine`; or the user may not.
        DBAPIError: the server is away, or lets nobody in.
    """
    url = database_url(settings)
    if url.get_backend_name() == "sqlite":
        return
    there = _mysql(url, settings)
    try:
        with there.connect():
            return
    except DBAPIError as error:
        if error_code(error) not in (UNKNOWN_DATABASE, NO_SUCH_RIGHT):
            raise
    finally:
        there.dispose()
    server = _mysql(url.set(database=""), settings)
    name = server.dialect.identifier_preparer.quote_identifier(url.database or "")
    make = f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    try:
        with server.begin() as connection:
            connection.execute(text(make))
    except DBAPIError as error:
        if error_code(error) != NO_SUCH_RIGHT:
            raise
        raise ConfigError(
            f"There is no database {url.database} on {url.host or 'the server'} that {url.username or 'this user'} may use, and "
            f"making it is not allowed. Whoever may: {make}; then GRANT ALL ON {name}.* to the user."
        ) from None
    finally:
        server.dispose()


MOST_CHARS = 64
"""In the name of a database: what MySQL takes."""


def database_beside(settings: Settings, suffix: str) -> str:
    """The URL of a database whose name is that of the configured one with `suffix` behind it: on its server, or in its folder.

    Raises:
        ConfigError: as `open_engine`.
    """
    url = database_url(settings)
    name = url.database or ""
    if url.get_backend_name() == "sqlite":
        path = Path(name)
        beside = str(path.with_name(f"{path.stem}{suffix}{path.suffix}"))
    else:
        beside = name[: MOST_CHARS - len(suffix)] + suffix
    return url.set(database=beside).render_as_string(hide_password=False)


_SERVER = "mysql+pymysql://user:password@host:3306/gans"
_TLS = re.compile(r"(use)?_?(ssl|tls)", re.IGNORECASE)


def database_url(settings: Settings) -> URL:
    """The setting, checked.

    Raises:
        ConfigError: it is no URL, names a database that Gans does not run on, or says what Gans does not obey.
    """
    given = settings.database_url
    setting = f"GANS_DATABASE_URL={redacted(given)}"
    if not given.startswith("sqlite") and given.count("@") > 1:
        raise ConfigError(
            f"{setting} has more than one @: in the user or the password write %40 for it "
            "(and %23 for #, %2F for /, %3A for :, %3F for ?, %25 for %)."
        )
    try:
        url = make_url(given)
        kind = url.get_backend_name()
        url.get_dialect()
    except (ArgumentError, ModuleNotFoundError, NoSuchModuleError, ValueError):
        kind = ""
    if kind not in ("sqlite", "mysql", "mariadb"):
        raise ConfigError(f"{setting} is not a database that Gans runs on. Give sqlite:///path/to/gans.db, or {_SERVER}")
    if kind == "sqlite":
        if url.query or url.host or url.username or url.drivername not in ("sqlite", "sqlite+pysqlite"):
            raise ConfigError(f"{setting} must name a file alone, like sqlite:///path/to/gans.db, without a host or options.")
        if not url.database or url.database == ":memory:":
            raise ConfigError(f"{setting} names no file, and what is only in memory is lost: give sqlite:///path/to/gans.db")
        return url
    for name, value in url.query.items():
        if name == "unix_socket" or (name, value) == ("charset", "utf8mb4"):
            continue
        if _TLS.match(name):
            advice = "Off this machine Gans always uses TLS and verifies it; GANS_DATABASE_CA names the file of another authority"
        elif name in ("user", "username", "password", "passwd", "host", "port", "db", "database"):
            advice = f"Write it in front of the ?, as in {_SERVER}"
        else:
            advice = "Behind the ? only unix_socket=/path may stand, for a server on this machine"
        raise ConfigError(f"{setting} has the option {name}, which Gans does not take: leave it out. {advice}.")
    if not url.database:
        raise ConfigError(f"{setting} names no database: add its name, like /gans, at the end.")
    if not 0 < (url.port or 3306) < 65_536 or not _is_host(url.host or ""):
        raise ConfigError(f"{setting} names no host and port that can be: give them like {_SERVER}")
    return url


def _is_host(name: str) -> bool:
    """Whether the resolver can be asked for `name`."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return not re.search(r"\s", name)


def _sqlite(url: URL) -> Engine:
    folder = Path(url.database or "").parent
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
    if url.host and url.host.lower() not in _LOOPBACK and "unix_socket" not in url.query:
        arguments["ssl"] = _tls(settings.database_ca)
    if url.password:
        arguments["password"] = str(url.password).encode()  # the driver would take Latin-1, and MySQL hashed UTF-8
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


def _tls(authority: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority or None)
    except OSError as error:
        raise ConfigError(
            f"GANS_DATABASE_CA={authority} cannot be used: {error.strerror or error}. Give a PEM file with the certificate of "
            "the authority that signed the server's."
        ) from None


def _log_in_by_secret(engine: Engine, name: str) -> None:
    """Each new connection logs in as the secret says; one that is refused, as it says now: it may have been rotated."""
    known: list[Login] = []

    @event.listens_for(engine, "do_connect")
    def _(dialect: Dialect, _record: Any, arguments: Any, named: dict[str, Any]) -> Any:
        def connect() -> Any:
            return dialect.connect(*arguments, **{**named, "user": known[0].username, "password": known[0].password.encode()})

        if known:
            try:
                return connect()
            except pymysql.err.OperationalError as error:
                if error.args[0] != ACCESS_DENIED:
                    raise
        known[:] = [read_login(name)]
        return connect()
