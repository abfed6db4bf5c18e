"""The users as which the functions connect: each does what its function does, and is refused everything else."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from gans.database import grants
from gans.database.roles import ROLES
from gans.database.transactions import error_code
from gans.secrets import read_login
from gans.tables import metadata
from lambdas import archive, freshness, load, migrate, resources, retain
from tests.gans.archive.test_archive import TEN, part
from tests.lambdas.conftest import USERS, Context, Landing, batch, clear_resources, failed, notification_of, store_secret
from tests.survival.conftest import dump

PASSWORD = "p'4%s\\ss\"w"
DENIED = (1142, 1044, 1045, 1049, 1227)
As = Callable[[str], Engine]


def user(role: str) -> str:
    """A name that must be quoted."""
    return f"{USERS}o'{role}"


@pytest.fixture
def deployed(empty: URL, aws: None, landing: Landing, tmp_path: Path, environment: pytest.MonkeyPatch) -> URL:
    """A migrated database with a user for every function, and what was landed."""
    shutil.copytree(landing.folder, tmp_path / "data")
    environment.setenv("GANS_LANDING", str(tmp_path / "data"))
    environment.setenv("GANS_DATABASE_URL", f"mysql+pymysql://{empty.host}:{empty.port}/{empty.database}")
    environment.setenv("GANS_DATABASE_SECRET", "gans/database")
    store_secret("gans/database", json.dumps({"username": "root", "password": ""}))
    for role in ROLES:
        environment.setenv(f"GANS_{role.upper()}_SECRET", f"gans/{role}")
        store_secret(f"gans/{role}", json.dumps({"username": user(role), "password": PASSWORD}))
    migrate.handler({}, Context())
    return empty


@pytest.fixture
def as_role(deployed: URL) -> Iterator[As]:
    """Connects as the user of a function."""
    engines: list[Engine] = []

    def connect(role: str) -> Engine:
        engines.append(create_engine(deployed.set(username=user(role), password=PASSWORD)))
        return engines[-1]

    yield connect
    for engine in engines:
        engine.dispose()


def become(role: str, environment: pytest.MonkeyPatch) -> None:
    """The next function connects as the user of `role`, and knows no other."""
    clear_resources()
    environment.setenv("GANS_DATABASE_SECRET", f"gans/{role}")


def may(engine: Engine, statement: str) -> bool:
    """Whether the database does it; what it does not do for any other reason than that of rights is an error of the test."""
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if error_code(error) in DENIED:
            return False
        raise
    return True


@pytest.mark.databases("mariadb", "mysql")
def test_each_function_does_its_work_as_its_own_user(deployed: URL, landing: Landing, environment: pytest.MonkeyPatch) -> None:
    become("load", environment)
    assert failed(load.handler(batch([notification_of(key) for key in landing.keys]), Context())) == []
    become("database", environment)
    assert dump(resources.engine()) == landing.tables
    with resources.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE vehicles SET fetched_at = '2020-01-01'")
    for minute in (0, 1):
        key, data = part(minute, {"a": 9 - minute})
        resources.store().write(key, data)
    become("archive", environment)
    assert archive.handler({"since": TEN.isoformat()}, Context(900))["hours"] == [TEN.isoformat()]
    resources.store().write("reference/cities.json", b"[]")
    become("retain", environment)
    retain.handler({}, Context())
    assert resources.store().read("reference/cities.json") != b"[]"
    become("freshness", environment)
    freshness.handler({}, Context())
    become("database", environment)
    now = dump(resources.engine())
    assert len(now["station_hours"]) == 1
    assert now["vehicles"] == [], "retention has dropped what is older than a day"


@pytest.mark.databases("mariadb", "mysql")
def test_a_user_may_touch_the_tables_of_its_function_and_nothing_else(as_role: As) -> None:
    for role, rights in ROLES.items():
        engine = as_role(role)
        expected = {(name, right) for name, some in rights().items() for right in some}
        assert {pair for pair, statement in EACH.items() if may(engine, f"EXPLAIN {statement}")} == expected
        assert [statement for statement in OTHER if may(engine, statement)] == []


EACH = {
    (name, right): statement.format(name, next(iter(table.columns)).name)
    for name, table in metadata.tables.items()
    for right, statement in {
        "SELECT": "SELECT {1} FROM {0}",
        "INSERT": "INSERT INTO {0} ({1}) VALUES ('1')",
        "UPDATE": "UPDATE {0} SET {1} = '1'",
        "DELETE": "DELETE FROM {0}",
    }.items()
}
"""Every right to every table, with what takes it; explained, it takes the same right."""

OTHER = (
    "CREATE TABLE mine (a INT)",
    "ALTER TABLE collection_runs ADD COLUMN mine INT",
    "DROP TABLE rejects",
    "TRUNCATE TABLE collection_runs",
    "DROP VIEW city_hours",
    "SELECT * FROM city_hours",
    "CREATE INDEX mine ON collection_runs (status)",
    "LOCK TABLES cities WRITE",
    "CREATE USER mine",
    "GRANT SELECT ON collection_runs TO CURRENT_USER()",
    "SELECT * FROM mysql.user",
    "SET GLOBAL max_connections = 1",
    "SELECT 1 INTO OUTFILE '/tmp/mine'",
    "SELECT * FROM alembic_version",
)


def test_the_freshness_function_reads_only_the_ledger_and_the_loader_does_not_forget_it() -> None:
    """Spelt out, beside what follows from the tables."""
    assert dict(ROLES["freshness"]()) == {"collection_runs": {"SELECT"}}
    load_rights = ROLES["load"]()
    assert load_rights["collection_runs"] == {"SELECT", "INSERT", "UPDATE"}
    assert load_rights["countries"] == {"SELECT"}
    assert {name for name, some in load_rights.items() if "DELETE" in some} == {"rejects", "vehicles"}
    assert set(metadata.tables) - set(load_rights) == {"archived_hours", "proposals", "station_hours", "station_usuals"}
    assert {name for name, some in ROLES["retain"]().items() if "DELETE" in some} == {
        "proposals",
        "rejects",
        "vehicles",
        "weather_forecasts",
    }


@pytest.mark.databases("mariadb", "mysql")
def test_rights_that_a_user_had_before_go_and_those_it_keeps_are_never_gone(
    deployed: URL, as_role: As, environment: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    login, engine, name = read_login("gans/freshness"), resources.engine(), (user("freshness"),)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"GRANT DELETE, UPDATE ON {deployed.database}.collection_runs TO %s@'%%'", name)
    event.listen(engine, "before_cursor_execute", lambda _, __, statement, *___: said.append(str(statement)))
    grants.grant_rights(engine, login, ROLES["freshness"]())
    changes = [statement for statement in said if statement.startswith(("GRANT", "REVOKE"))]
    assert [statement.split(" ON ")[0] for statement in changes] == ["REVOKE DELETE", "REVOKE UPDATE"]
    assert not may(as_role("freshness"), "DELETE FROM collection_runs")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"GRANT ALL ON {deployed.database}.* TO %s@'%%'", name)
    grants.grant_rights(engine, login, ROLES["freshness"]())
    assert not may(as_role("freshness"), "DELETE FROM rejects")
    assert may(as_role("freshness"), "SELECT * FROM collection_runs")
