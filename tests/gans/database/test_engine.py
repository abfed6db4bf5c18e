"""From a URL to an engine: how long a server may keep us waiting, and what one that only reads refuses."""

import socket
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from gans.database import engine as engines
from gans.database.engine import make_database, open_engine, open_reader
from gans.errors import ConfigError
from gans.settings import Settings


def test_a_server_that_accepts_and_stays_silent_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engines.HANDSHAKE_S <= 10
    monkeypatch.setattr(engines, "HANDSHAKE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = open_engine(Settings(database_url=f"mysql+pymysql://root@127.0.0.1:{silent.getsockname()[1]}/gans"))
        with pytest.raises(DBAPIError, match="timed out"), engine.connect():
            pass


@pytest.mark.databases("mariadb", "mysql")  # SQLite has no handshake
def test_a_statement_may_take_longer_than_the_handshake(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "HANDSHAKE_S", 4)
    slow = open_engine(Settings(database_url=database_url))
    with slow.connect() as connection:
        assert connection.scalar(text("SELECT SLEEP(4.5)")) == 0
    slow.dispose()


FOR_EVER = {
    "sqlite": "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT COUNT(*) FROM c",
    "mysql": "SELECT MAX(CONCAT(a.name, b.name, c.name, d.name)) FROM countries a, countries b, countries c, countries d",
}


def test_a_reader_ends_a_query_that_takes_too_long_and_goes_on(engine: Engine, database_url: str) -> None:
    reader = open_reader(Settings(database_url=database_url), most_s=0.3)
    with pytest.raises(DBAPIError, match="interrupted"), reader.connect() as connection:
        connection.execute(text(FOR_EVER[engine.dialect.name])).all()
    with reader.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    reader.dispose()


def test_a_reader_cannot_be_told_to_write(engine: Engine, database_url: str, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    ways = {
        "sqlite": ("PRAGMA query_only = 0", f"ATTACH '{other}' AS other", f"VACUUM INTO '{other}'"),
        "mysql": ("SET SESSION TRANSACTION READ WRITE", "SET TRANSACTION READ WRITE"),
    }
    reader = open_reader(Settings(database_url=database_url))
    for way in ways[engine.dialect.name]:
        try:
            with reader.connect() as connection:
                connection.execute(text(way))
        except DBAPIError:
            continue
        with pytest.raises(DBAPIError), reader.begin() as connection:
            connection.execute(text("DELETE FROM countries"))
    assert not other.exists()
    reader.dispose()


def test_a_reader_makes_no_database(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"There is no database .*none\.db.*gans collect"):
        open_reader(Settings(database_url=f"sqlite:///{tmp_path}/none.db"))
    assert not (tmp_path / "none.db").exists()


@pytest.mark.databases("mariadb", "mysql")  # SQLite has no server
def test_a_database_is_made_on_its_server_where_that_is_allowed(database_url: str) -> None:
    url = make_url(database_url)
    own, user = url.set(database=f"{url.database}-own"), "gans_test_nobody"
    settings = Settings(database_url=own.render_as_string(hide_password=False))
    with create_engine(url).connect() as connection:
        connection.exec_driver_sql(f"CREATE USER {user}@'%%' IDENTIFIED BY 'x'")
        try:
            theirs = own.set(username=user, password="x").render_as_string(hide_password=False)
            with pytest.raises(ConfigError, match=r"making it is not allowed\. Whoever may: CREATE DATABASE"):
                make_database(Settings(database_url=theirs))
            for _ in range(2):
                make_database(settings)
            engine = open_engine(settings)
            with engine.connect() as made:
                assert made.scalar(text("SELECT @@collation_database")) == "utf8mb4_bin"
            engine.dispose()
        finally:
            connection.exec_driver_sql(f"DROP USER {user}@'%%'")
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS `{own.database}`")


@pytest.mark.databases("mariadb", "mysql")  # SQLite has no passwords
@pytest.mark.parametrize("password", ["p@s:s/w#o?r%d", "pässwört", "€ 100"])
def test_a_password_may_hold_anything(database_url: str, password: str) -> None:
    url, user = make_url(database_url), "gans_test_password"
    with create_engine(url).connect() as connection:
        connection.execute(text(f"CREATE USER {user}@'%' IDENTIFIED BY :password"), {"password": password})
        try:
            theirs = url.set(username=user, password=password, database="information_schema")
            engine = open_engine(Settings(database_url=theirs.render_as_string(hide_password=False)))
            with engine.connect() as opened:
                assert str(opened.scalar(text("SELECT CURRENT_USER()"))).startswith(user)
            engine.dispose()
        finally:
            connection.exec_driver_sql(f"DROP USER {user}@'%%'")


@pytest.mark.databases("mariadb", "mysql")  # SQLite has no server
def test_of_a_socket_no_tls_is_asked(database_url: str) -> None:
    url = make_url(database_url)
    with create_engine(url).connect() as connection:
        path = Path(*connection.execute(text("SELECT @@datadir, @@socket")).one())  # a path alone is of the folder of the data
    if not path.is_socket():
        pytest.skip("the server is not on this machine")
    by_socket = URL.create("mysql+pymysql", url.username, url.password, None, None, url.database, {"unix_socket": str(path)})
    engine = open_engine(Settings(database_url=by_socket.render_as_string(hide_password=False)))
    with engine.connect() as opened:
        assert opened.scalar(text("SELECT 1")) == 1
    engine.dispose()
