"""The migrate function: the newest schema, and an analyst who may read it and nothing else; then the nightly one."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from sqlalchemy import URL, Engine, create_engine, inspect, select
from sqlalchemy.exc import DBAPIError

from gans.database import revisions
from gans.database.engine import open_engine
from gans.database.grants import grant_read_only
from gans.database.migrate import differences
from gans.database.revisions import current, head
from gans.database.views import SCHEMA
from gans.errors import ConfigError
from gans.secrets import Login, read_login
from gans.settings import Settings
from gans.storage.store import S3Store
from gans.tables import cities
from lambdas import load, migrate, resources, retain
from tests.lambdas.conftest import (
    USERS,
    Context,
    Landing,
    Lines,
    batch,
    clear_resources,
    failed,
    notification_of,
    store_secret,
)

LOADER = f"{USERS}loader"
ANALYST = f"{USERS}o'brien"  # a name that must be quoted
PASSWORD = "p'4%s\\ss\"w"  # and a password


@pytest.fixture
def deployed(empty: URL, aws: None, environment: pytest.MonkeyPatch) -> URL:
    """A function that knows an empty database, its own login and the analyst's."""
    environment.setenv("GANS_DATABASE_URL", f"mysql+pymysql://{empty.host}:{empty.port}/{empty.database}")
    environment.setenv("GANS_DATABASE_SECRET", "gans/database")
    environment.setenv("GANS_ANALYST_SECRET", "gans/analyst")
    store_secret("gans/database", json.dumps({"username": "root", "password": "", "engine": "mysql", "port": 3306}))
    store_secret("gans/analyst", json.dumps({"username": ANALYST, "password": PASSWORD}))
    return empty


def as_analyst(url: URL, password: str = PASSWORD, **arguments: Any) -> Engine:
    return create_engine(url.set(username=ANALYST, password=password), connect_args=arguments)


def refused(engine: Engine, statement: str) -> str:
    """Why the database does not do it."""
    with pytest.raises(DBAPIError) as raised, engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
    return str(raised.value.orig)


@pytest.mark.databases("mariadb", "mysql")
def test_it_may_be_run_any_number_of_times(deployed: URL) -> None:
    for _ in range(3):
        assert migrate.handler({}, Context()) == {"revision": head()}
        assert differences(resources.engine()) == []
        clear_resources()


@pytest.mark.databases("mysql")
def test_after_a_roll_back_a_newer_database_stays_as_it_is(
    deployed: URL,
    more_revisions: Callable[[Mapping[str, str]], None],
    environment: pytest.MonkeyPatch,
    logged: Callable[[], Lines],
) -> None:
    """An error would break the roll-back off."""
    more_revisions({"later": "pass"})
    assert migrate.handler({}, Context()) == {"revision": "later"}
    environment.setattr(revisions, "SCHEMA", SCHEMA)
    views = set(inspect(resources.engine()).get_view_names())
    assert migrate.handler({}, Context()) == {"revision": "later"}
    assert set(inspect(resources.engine()).get_view_names()) == views
    assert logged()[-1]["message"] == "the database is newer than this code and stays as it is"


@pytest.mark.databases("mariadb", "mysql")
def test_the_analyst_reads_everything_and_changes_nothing(deployed: URL) -> None:
    other = f"{deployed.database}".replace("_", "x")  # GRANT reads an underscore as a wildcard
    migrate.handler({}, Context())
    with resources.engine().begin() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {other}")
        connection.exec_driver_sql(f"CREATE TABLE {other}.secrets (word VARCHAR(9))")
    try:
        analyst = as_analyst(deployed)
        with analyst.connect() as connection:
            for name in ("cities", "city_hours", "source_freshness", "collection_runs"):
                assert connection.exec_driver_sql(f"SELECT * FROM {name}").all() == []
        for statement in (
            "INSERT INTO countries (country_code, name) VALUES ('XX', 'Nowhere')",
            "DELETE FROM weather_forecasts",
            "DROP VIEW city_hours",
            "CREATE TABLE mine (a INT)",
            f"SELECT * FROM {other}.secrets",
            "SELECT authentication_string FROM mysql.user",
        ):
            assert "denied" in refused(analyst, statement)
    finally:
        with resources.engine().begin() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {other}")


@pytest.mark.databases("mariadb", "mysql")
def test_a_new_password_takes_the_place_of_the_old(deployed: URL) -> None:
    migrate.handler({}, Context())
    store_secret("gans/analyst", json.dumps({"username": ANALYST, "password": "new"}))
    migrate.handler({}, Context())
    assert "Access denied" in refused(as_analyst(deployed), "SELECT 1")
    with as_analyst(deployed, "new").connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


@pytest.mark.databases("mysql")  # MariaDB makes itself no certificate
def test_where_the_connection_is_encrypted_the_analysts_must_be(deployed: URL) -> None:
    migrate.handler({}, Context())
    plain = create_engine(deployed, connect_args={"ssl_disabled": True})
    assert "Access denied" in refused(as_analyst(deployed, ssl_disabled=True), "SELECT 1")
    grant_read_only(plain, read_login("gans/analyst"))
    with as_analyst(deployed, ssl_disabled=True).connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    plain.dispose()


@pytest.mark.databases("mariadb", "mysql")
def test_gans_itself_is_no_analyst(deployed: URL) -> None:
    store_secret("gans/analyst", json.dumps({"username": "root", "password": "locked-out"}))
    with pytest.raises(ConfigError, match="give it another name"):
        migrate.handler({}, Context())
    assert current(resources.engine()) == head()


@pytest.mark.databases("mariadb", "mysql")
def test_without_the_analysts_secret_there_is_no_analyst(deployed: URL, environment: pytest.MonkeyPatch) -> None:
    environment.delenv("GANS_ANALYST_SECRET")
    migrate.handler({}, Context())
    assert "Access denied" in refused(as_analyst(deployed), "SELECT 1")


@pytest.mark.databases("mariadb", "mysql")
@pytest.mark.parametrize("kept", ["", "root", '{"username": "root"}', '{"username": "root", "password": 7}'])
def test_a_secret_that_is_no_login_is_said_without_its_text(deployed: URL, kept: str) -> None:
    store_secret("gans/database", kept or " ")
    with pytest.raises(ConfigError, match="gans/database is not JSON with a username and a password") as raised:
        migrate.handler({}, Context())
    assert "root" not in str(raised.value)


@pytest.mark.databases("mariadb", "mysql")
def test_a_login_that_is_not_there_is_said(deployed: URL, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GANS_DATABASE_SECRET", "gans/other")
    with pytest.raises(ConfigError, match="Secrets Manager has no secret gans/other"):
        migrate.handler({}, Context())


def test_a_login_shows_no_password() -> None:
    assert "s3cret" not in repr(Login("gans", "s3cret"))


# The function of the night


def test_the_night_publishes_what_is_not_as_the_database_says(
    engine: Engine,
    database_url: str,
    bucket: S3Store,
    landing: Landing,
    environment: pytest.MonkeyPatch,
    logged: Callable[[], Lines],
) -> None:
    environment.setenv("GANS_DATABASE_URL", database_url)
    for key in landing.keys:
        bucket.write(key, landing.store.read(key) or b"")
    load.handler(batch([notification_of(key) for key in landing.keys if "/cities/" in key]), Context())
    published = bucket.read("reference/cities.json")
    bucket.write("reference/cities.json", b"[]")
    retain.handler({}, Context())
    assert bucket.read("reference/cities.json") == published
    assert "cities" in logged()[-1]["published"]
    with engine.connect() as connection:
        assert connection.execute(select(cities)).first()


# A secret that is rotated


def set_password(root: Engine, password: str, *, is_cut_off: bool) -> None:
    """What a rotation does to the database, which does not close the connections that stand; and where one is closed."""
    with root.begin() as connection:
        connection.exec_driver_sql(f"ALTER USER '{LOADER}'@'%%' IDENTIFIED BY %s", (password,))
        query = f"SELECT id FROM information_schema.processlist WHERE user = '{LOADER}'"
        for (id_,) in connection.exec_driver_sql(query).all() if is_cut_off else ():
            connection.exec_driver_sql(f"KILL {id_}")


@pytest.mark.databases("mariadb", "mysql")
def test_the_next_load_logs_in_with_a_secret_that_was_rotated(
    deployed: URL, landing: Landing, environment: pytest.MonkeyPatch
) -> None:
    def keep_password(password: str) -> None:
        store_secret("gans/loader", json.dumps({"username": LOADER, "password": password}))

    environment.setenv("GANS_LANDING", str(landing.folder))
    environment.setenv("GANS_DATABASE_SECRET", "gans/loader")
    root = open_engine(Settings(database_url=deployed.render_as_string(hide_password=False)))
    with root.begin() as connection:
        connection.exec_driver_sql(f"CREATE USER '{LOADER}'@'%%' IDENTIFIED BY 'first'")
        connection.exec_driver_sql(f"GRANT ALL ON *.* TO '{LOADER}'@'%%' WITH GRANT OPTION")
    keep_password("first")
    migrate.handler({}, Context())
    event = batch([notification_of(key) for key in landing.keys if "/holidays/" in key])
    assert failed(load.handler(event, Context())) == []
    for password, is_cut_off in (("second", False), ("third", True)):
        set_password(root, password, is_cut_off=is_cut_off)
        keep_password(password)
        assert failed(load.handler(event, Context())) == []
    set_password(root, "unknown", is_cut_off=True)
    with pytest.raises(BatchProcessingError, match="Access denied") as raised:
        load.handler(event, Context())
    assert "third" not in str(raised.value)
    keep_password("unknown")
    assert failed(load.handler(event, Context())) == [], "the load after the one that met half a rotation is good again"
    root.dispose()
