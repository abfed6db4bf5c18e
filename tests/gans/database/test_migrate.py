"""The schema's versions on every database: from empty to the newest and back, and what a database must enforce."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from pymysql.constants import CLIENT
from sqlalchemy import Connection, Engine, Table, create_engine, event, func, insert, inspect, make_url, select, text
from sqlalchemy.exc import IntegrityError

from gans.database import migrate, revisions
from gans.database.engine import open_engine
from gans.database.views import SCHEMA, view_texts
from gans.errors import ConfigError
from gans.settings import Settings
from gans.tables import (
    Instant,
    cities,
    city_populations,
    collection_runs,
    countries,
    metadata,
    rejects,
    weather_conditions,
    weather_forecasts,
)
from local.generate import dictionary

NOW = datetime(2025, 6, 1, 12, 0, 0, 999_999, tzinfo=UTC)
STRAYS = (
    "ALTER TABLE countries ADD COLUMN stray INTEGER",
    "ALTER TABLE countries DROP COLUMN name",
    "CREATE TABLE stray (stray_id INTEGER)",
    "DROP TABLE rejects",
    "CREATE INDEX stray ON cities (timezone)",
)


@pytest.fixture
def empty(database: str, database_url: str, tmp_path: Path) -> Iterator[Engine]:
    """A database with nothing in it, of this test's own."""
    url = make_url(database_url)
    name = f"{url.database}_empty"
    server = create_engine(url)
    if database == "sqlite":
        url = url.set(database=str(tmp_path / "empty.db"))
    else:
        with server.begin() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        url = url.set(database=name)
    engine = open_engine(Settings(database_url=url.render_as_string(hide_password=False)))
    yield engine
    engine.dispose()
    if database != "sqlite":
        with server.begin() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
    server.dispose()


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCHEMA / "migrations"))
    return config


def _upgrade(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        command.upgrade(_config(connection), revision)


def _downgrade(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        for view in inspect(connection).get_view_names():  # they make way first, as for an upgrade
            connection.execute(text(f"DROP VIEW {view}"))
        command.downgrade(_config(connection), revision)


def _objects(engine: Engine) -> set[str]:
    found = inspect(engine)
    return {*found.get_table_names(), *found.get_view_names()} - {"alembic_version"}


def _counts(connection: Connection) -> tuple[int, int]:
    found = [connection.scalar(select(func.count()).select_from(table)) for table in (countries, weather_conditions)]
    return found[0] or 0, found[1] or 0


def test_from_empty_to_the_newest_twice_back_and_again(empty: Engine) -> None:
    assert revisions.current(empty) is None
    everything = metadata.tables.keys() | view_texts().keys()
    for _ in range(2):
        migrate.upgrade(empty)
        migrate.upgrade(empty)
        assert revisions.current(empty) == revisions.head()
        assert migrate.differences(empty) == []
        assert _objects(empty) == everything
        with empty.connect() as connection:
            assert _counts(connection) == (249, 100)
        _downgrade(empty, "base")
        assert revisions.current(empty) is None
        assert not _objects(empty) & metadata.tables.keys()


def test_upgrading_keeps_what_is_there_and_renews_the_views(empty: Engine) -> None:
    migrate.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(insert(cities), {"city_id": 7, "name": "Ulm"})
        connection.execute(text("DROP VIEW city_hours"))
        connection.execute(text("DROP VIEW latest_populations"))
        connection.execute(text("CREATE VIEW latest_populations AS SELECT 1 AS outdated"))
    migrate.upgrade(empty)
    with empty.connect() as connection:
        assert connection.scalar(select(cities.c.name)) == "Ulm"
    assert _objects(empty) >= view_texts().keys()
    assert inspect(empty).get_columns("latest_populations")[0]["name"] == "city_id"


class BrokenOff(Exception):
    """The process dies here."""


@contextmanager
def breaking_off(engine: Engine, beginning: str, nth: int) -> Iterator[None]:
    """Ends what is under way before its nth statement with this beginning, as a kill would: MySQL keeps all DDL before it."""
    seen = count(1)

    def hook(_: Connection, __: Any, statement: str, *___: Any) -> None:
        if statement.lstrip().startswith(beginning) and next(seen) == nth:
            raise BrokenOff

    event.listen(engine, "before_cursor_execute", hook)
    try:
        with pytest.raises(BrokenOff):
            yield
    finally:
        event.remove(engine, "before_cursor_execute", hook)


@pytest.mark.parametrize(
    ("beginning", "nth"),
    [
        ("CREATE TABLE", 5),
        ("INSERT INTO alembic_version", 1),
        ("CREATE INDEX ix_airports_country_code", 1),
        ("CREATE VIEW", 3),
    ],
)
def test_a_first_set_up_that_was_broken_off_is_begun_anew(empty: Engine, beginning: str, nth: int) -> None:
    with breaking_off(empty, beginning, nth):
        migrate.upgrade(empty)
    assert migrate.holds_nothing(empty)
    if empty.dialect.name != "sqlite" and beginning != "CREATE VIEW":
        with breaking_off(empty, "DROP TABLE", 2):  # and so is the beginning anew
            migrate.upgrade(empty)
    migrate.upgrade(empty)
    assert revisions.current(empty) == revisions.head()
    assert migrate.differences(empty) == []
    assert _objects(empty) == metadata.tables.keys() | view_texts().keys()
    with empty.connect() as connection:
        assert _counts(connection) == (249, 100)


def test_what_holds_something_or_is_not_ours_alone_is_never_begun_anew(empty: Engine) -> None:
    assert migrate.holds_nothing(empty)
    _upgrade(empty, "0001")
    assert migrate.holds_nothing(empty)
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (theirs_id INTEGER)"))
        connection.execute(text("INSERT INTO countries (country_code, name) VALUES ('XX', 'Nowhere')"))
    assert not migrate.holds_nothing(empty)
    migrate.upgrade(empty)
    with empty.begin() as connection:
        assert _counts(connection) == (250, 100)
        connection.execute(text("DROP TABLE theirs"))
    _downgrade(empty, "0001")
    with empty.begin() as connection:
        connection.execute(insert(cities), {"city_id": 7})
    assert not migrate.holds_nothing(empty)
    migrate.upgrade(empty)
    with empty.connect() as connection:
        assert connection.scalar(select(cities.c.city_id)) == 7
        assert _counts(connection) == (250, 100)


def test_of_two_upgrades_at_once_one_waits(empty: Engine) -> None:
    with ThreadPoolExecutor(3) as threads:
        for upgraded in [threads.submit(migrate.upgrade, empty) for _ in range(3)]:
            upgraded.result()
    assert migrate.differences(empty) == []
    assert _objects(empty) == metadata.tables.keys() | view_texts().keys()


@pytest.mark.databases("mariadb", "mysql")  # SQLite lets no two transactions write at once
def test_an_upgrade_that_does_not_end_keeps_others_out(empty: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_WAIT_S", 0)
    with empty.connect() as connection:
        migrate._keep_others_out(connection)
        with pytest.raises(ConfigError, match="Another upgrade of the database has not ended in 0 s"):
            migrate.upgrade(empty)
    migrate.upgrade(empty)


@pytest.mark.parametrize("stray", STRAYS)
def test_a_difference_is_seen(empty: Engine, stray: str) -> None:
    migrate.upgrade(empty)
    with empty.begin() as connection:
        for view in reversed(view_texts()):  # SQLite refuses to alter a table beneath a view
            connection.execute(text(f"DROP VIEW {view}"))
        connection.execute(text(stray))
    assert len(migrate.differences(empty)) == 1


@pytest.fixture
def one_revision_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Code that knows one more revision than this one."""
    schema = shutil.copytree(SCHEMA, tmp_path / "schema")
    text = f'revision = "later"\ndown_revision = "{revisions.head()}"\n\n\ndef upgrade():\n    pass\n\n\ndowngrade = upgrade\n'
    (schema / "migrations/versions/later.py").write_text(text)
    monkeypatch.setattr(revisions, "SCHEMA", schema)
    return "later"


def test_an_empty_database_is_told_from_one_that_is_at_the_newest_revision(empty: Engine) -> None:
    with pytest.raises(ConfigError, match=r"The database is empty\. Run `gans db upgrade`"):
        revisions.require_newest(empty)
    migrate.upgrade(empty)
    revisions.require_newest(empty)


def test_an_older_database_must_be_upgraded(engine: Engine, one_revision_more: str) -> None:
    with pytest.raises(ConfigError, match=rf"at revision \d{{4}}, this code needs {one_revision_more}\. Run `gans db upgrade`"):
        revisions.require_newest(engine)


def test_a_newer_database_needs_newer_code(empty: Engine, one_revision_more: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate.upgrade(empty)
    assert revisions.current(empty) == one_revision_more
    monkeypatch.undo()
    with pytest.raises(ConfigError, match=rf"at revision {one_revision_more}, which this code .* newer\. Update Gans"):
        revisions.require_newest(empty)


@pytest.mark.parametrize("view", view_texts())
def test_a_view_can_be_selected_from(engine: Engine, view: str) -> None:
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT * FROM {view}")).all() == []


FORECAST: dict[str, Any] = {
    "city_id": 1, "provider": "open-meteo", "issued_at": NOW, "valid_at": NOW, "period_hours": 1,
}  # fmt: skip
RUN: dict[str, Any] = {"source": "weather", "slot_at": NOW, "attempt_at": NOW, "part": 1}


ORPHANS: dict[str, tuple[Table, dict[str, Any]]] = {
    "a city of no country": (cities, {"city_id": 2, "country_code": "XX"}),
    "a population of no city": (city_populations, {"city_id": 404, "as_of_year": 2020, "population": 1}),
    "a forecast for no city": (weather_forecasts, {**FORECAST, "city_id": 404}),
    "a forecast of no weather": (weather_forecasts, {**FORECAST, "condition_code": 404}),
    "a reject of no run": (rejects, {**RUN, "ordinal": 1, "unit": "", "reason": "", "item": ""}),
}


@pytest.mark.parametrize("case", ORPHANS)
def test_an_orphan_is_refused(engine: Engine, case: str) -> None:
    table, row = ORPHANS[case]
    with engine.begin() as connection:
        connection.execute(insert(cities), {"city_id": 1})
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), engine.begin() as connection:
        connection.execute(insert(table), row)


def test_a_parent_with_children_stays(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert(cities), {"city_id": 1})
        connection.execute(insert(city_populations), {"city_id": 1, "as_of_year": 2020, "population": 1})
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), engine.begin() as connection:
        connection.execute(cities.delete())


def test_keys_tell_apart_letters_accents_and_microseconds(engine: Engine) -> None:
    providers = ["Malmo", "Malmö", "malmo"]
    instants = [NOW, NOW.replace(microsecond=999_998)]
    with engine.begin() as connection:
        connection.execute(insert(cities), {"city_id": 1})
        keys = [{**FORECAST, "provider": provider, "issued_at": at} for provider in providers for at in instants]
        connection.execute(insert(weather_forecasts), keys)
        assert set(connection.scalars(select(weather_forecasts.c.issued_at))) == set(instants)
        assert connection.scalar(select(func.count()).where(weather_forecasts.c.provider == "malmo")) == 2


@pytest.mark.databases("sqlite")
def test_instants_that_were_kept_with_a_fraction_of_zeros_are_mended(empty: Engine) -> None:
    """A reject refers to its run by instants, so the keys of both change at once."""
    query = text("SELECT slot_at, attempt_at FROM rejects JOIN collection_runs USING (source, slot_at, attempt_at, part)")
    whole = NOW.replace(microsecond=0)
    migrate.upgrade(empty)
    with empty.begin() as connection:
        run = {column.name: whole if isinstance(column.type, Instant) else 0 for column in collection_runs.columns}
        connection.execute(insert(collection_runs), {**run, **RUN, "slot_at": whole})
        connection.execute(insert(rejects), {**RUN, "slot_at": whole, "ordinal": 1, "unit": "", "reason": "", "item": ""})
    _downgrade(empty, "0030")
    at, long = NOW.isoformat(" ")[:26], whole.isoformat(" ", "microseconds")[:26]
    with empty.connect() as connection:
        assert connection.execute(query).all() == [(long, at)]
    migrate.upgrade(empty)
    with empty.connect() as connection:
        assert connection.execute(query).all() == [(long[:19], at)]


def test_the_tables_bring_their_own_collation_and_engine(empty: Engine) -> None:
    migrate.upgrade(empty)
    _require_own_collation(empty)


@pytest.mark.databases("mariadb", "mysql")
def test_the_generated_sql_makes_the_same_schema(empty: Engine) -> None:
    script = create_engine(empty.url, connect_args={"client_flag": CLIENT.MULTI_STATEMENTS})
    with script.begin() as connection:
        cursor: Any = connection.connection.cursor()
        cursor.execute(dictionary.SQL.read_text(encoding="utf-8"))
        while cursor.nextset():  # raises what is wrong with a later statement
            pass
    script.dispose()
    assert migrate.differences(empty) == []
    assert _objects(empty) == metadata.tables.keys() | view_texts().keys()
    _require_own_collation(empty)


def _require_own_collation(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        query = "SELECT table_name, table_collation, engine FROM information_schema.tables WHERE table_schema = DATABASE()"
        with engine.connect() as connection:
            found = {name: (collation, kind) for name, collation, kind in connection.execute(text(query))}
        assert {found[name] for name in metadata.tables} == {("utf8mb4_bin", "InnoDB")}
