"""A real MySQL for the benchmarks, and a migrated database on it."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.engine import make_url

from gans.database import migrate
from gans.database.engine import open_engine
from gans.errors import ConfigError
from gans.settings import Settings
from local.servers import mysql

DATABASE = "gans_benchmark"


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server, without a database: that of `GANS_TEST_MYSQL_URL`, or one of our own."""
    if url := os.environ.get("GANS_TEST_MYSQL_URL"):
        yield url
        return
    running = mysql.start("mysql", throwaway=True)
    try:
        yield running.url
    finally:
        mysql.stop(running.home)


@contextmanager
def migrated(server_url: str, *others: str) -> Iterator[Engine]:
    """An engine for a new database, migrated; it is dropped at the end, and `others` with it.

    Raises:
        ConfigError: the server is no MySQL, or refuses LOAD DATA.
    """
    admin = create_engine(server_url)
    with admin.begin() as connection:
        if connection.exec_driver_sql("SELECT @@version LIKE '%%MariaDB%%' OR NOT @@local_infile").scalar():
            raise ConfigError("GANS_TEST_MYSQL_URL: the benchmark needs a real MySQL whose local_infile is ON")
        for name in (DATABASE, *others):
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    url = make_url(server_url).set(database=DATABASE)
    engine = let_load_data(open_engine(Settings(database_url=url.render_as_string(hide_password=False))))
    try:
        migrate.upgrade(engine)
        yield engine
    finally:
        engine.dispose()
        with admin.begin() as connection:
            for name in (DATABASE, *others):
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        admin.dispose()


def let_load_data(engine: Engine) -> Engine:
    """The engine, whose new connections may send files (LOAD DATA LOCAL): a URL cannot ask for that."""

    @event.listens_for(engine, "do_connect")
    def _(_dialect: Any, _record: Any, _arguments: Any, named: dict[str, Any]) -> None:
        named["local_infile"] = True

    return engine


def write_tsv(file: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Writes rows as LOAD DATA reads them."""
    with file.open("w", encoding="utf-8") as lines:
        lines.writelines("\t".join(map(_field, row)) + "\n" for row in rows)


def _field(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, bool):
        return str(int(value))
    return str(value.replace(tzinfo=None) if isinstance(value, datetime) else value)


def load_data(file: Path, what_if_there: str, table: str, columns: Sequence[str]) -> str:
    """The statement that reads the file into the table; `what_if_there` is "REPLACE", or "" for an empty table."""
    return f"LOAD DATA LOCAL INFILE '{file}' {what_if_there} INTO TABLE {table} CHARACTER SET utf8mb4 ({', '.join(columns)})"


def versions(engine: Engine) -> Mapping[str, str]:
    """The server's."""
    assert isinstance(engine.dialect, MySQLDialect)
    return {"MySQL": ".".join(map(str, (engine.dialect.server_version_info or ())[:3]))}
