"""Who may only read: what such a user is given and refused, and that one who may do more is told apart."""

import os
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError

from gans.database import grants
from gans.database.grants import grant_read_only, rights_beyond_reading
from gans.secrets import Login

pytestmark = pytest.mark.databases("mariadb", "mysql")  # SQLite has no users

USER, ROLE = f"gans_test_reads_{os.getpid()}", f"gans_test_role_{os.getpid()}"


@pytest.fixture
def run(migrated: Engine) -> Iterator[Callable[..., None]]:
    """Runs statements as who may do everything."""

    def statements(*given: str) -> None:
        with migrated.begin() as connection:
            for one in given:
                connection.exec_driver_sql(one.replace("%", "%%"))

    yield statements
    statements(f"DROP USER IF EXISTS {USER}@'%'", f"DROP ROLE IF EXISTS {ROLE}")


@pytest.fixture
def reader(migrated: Engine, database_url: str, run: Callable[..., None]) -> Iterator[Engine]:
    grant_read_only(migrated, Login(USER, "p%w"))
    engine = create_engine(make_url(database_url).set(username=USER, password="p%w"))
    yield engine
    engine.dispose()


def test_who_writes_is_told_apart_and_who_reads_is_not(migrated: Engine, reader: Engine, run: Callable[..., None]) -> None:
    assert rights_beyond_reading(migrated)
    assert rights_beyond_reading(reader) == []
    run(f"GRANT INSERT (source), SELECT (source), UPDATE ON {migrated.url.database}.rejects TO {USER}@'%'")
    reader.dispose()
    assert rights_beyond_reading(reader) == ["INSERT", "UPDATE"]


def test_what_a_role_allows_counts(migrated: Engine, reader: Engine, run: Callable[..., None]) -> None:
    run(f"CREATE ROLE {ROLE}", f"GRANT SELECT ON {migrated.url.database}.* TO {ROLE}", f"GRANT {ROLE} TO {USER}@'%'")
    reader.dispose()
    assert rights_beyond_reading(reader) == []
    run(f"GRANT LOCK TABLES ON {migrated.url.database}.* TO {ROLE}")
    reader.dispose()
    assert rights_beyond_reading(reader) == ["LOCK TABLES"]


def test_a_reader_locks_no_table_and_takes_no_more_connections_than_its_own(
    migrated: Engine, database_url: str, reader: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reader.connect() as connection:
        for sql in ("LOCK TABLES cities READ", "CREATE TEMPORARY TABLE t (a INT)", "SET GLOBAL max_connections = 1", "SHUTDOWN"):
            with pytest.raises(DBAPIError, match="denied"):
                connection.exec_driver_sql(sql)
            connection.rollback()
    monkeypatch.setattr(grants, "MOST_CONNECTIONS", 2)
    grant_read_only(migrated, Login(USER, "p%w"))
    opened: list[Connection] = []
    with pytest.raises(DBAPIError, match="max_user_connections"):
        opened.extend(reader.connect() for _ in range(3))
    for connection in opened:
        connection.close()
