"""A real MySQL for the benchmarks, and a migrated database on it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.engine import make_url

from gans import migrate
from gans.database import open_engine
from gans.errors import ConfigError
from gans.settings import Settings
from local import mysql

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
    url = make_url(server_url).set(database=DATABASE).update_query_dict({"local_infile": "1"})
    engine = open_engine(Settings(database_url=url.render_as_string(hide_password=False)))
    try:
        migrate.upgrade(engine)
        yield engine
    finally:
        engine.dispose()
        with admin.begin() as connection:
            for name in (DATABASE, *others):
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        admin.dispose()


def versions(engine: Engine) -> Mapping[str, str]:
    """The server's."""
    assert isinstance(engine.dialect, MySQLDialect)
    return {"MySQL": ".".join(map(str, (engine.dialect.server_version_info or ())[:3]))}
