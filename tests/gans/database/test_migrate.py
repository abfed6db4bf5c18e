"""The schema's versions on every database: from empty to the newest and back, and what a database must enforce."""

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from pymysql.constants import CLIENT
from sqlalchemy import Connection, Engine, Table, create_engine, event, func, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from gans.database import migrate, revisions
from gans.database.views import SCHEMA, view_texts
from gans.errors import ConfigError, Transient
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
from tests.gans.database.conftest import breaking_off, breaking_off_at_each

NOW = datetime(2025, 6, 1, 12, 0, 0, 999_999, tzinfo=UTC)
STRAYS = (
    "ALTER TABLE countries ADD COLUMN stray INTEGER",
    "ALTER TABLE countries DROP COLUMN name",
    "CREATE TABLE stray (stray_id INTEGER)",
    "DROP TABLE rejects",
    "CREATE INDEX stray ON cities (timezone)",
)


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


@pytest.mark.parametrize(
    ("beginning", "nth"),
    [("CREATE TABLE", 5), ("INSERT INTO alembic_version", 1), ("CREATE INDEX ix_airports", 1), ("CREATE", 40)],
)
def test_a_first_set_up_that_was_broken_off_goes_on(empty: Engine, beginning: str, nth: int) -> None:
    with breaking_off(empty, beginning, nth):
        migrate.upgrade(empty)
    assert migrate.holds_nothing(empty)
    migrate.upgrade(empty)
    assert revisions.current(empty) == revisions.head()
    assert migrate.differences(empty) == []
    assert _objects(empty) == metadata.tables.keys() | view_texts().keys()
    with empty.connect() as connection:
        assert _counts(connection) == (249, 100)


KINDS = {
    "made": """
    columns = [sa.Column("kind_id", sa.Integer(), nullable=False), sa.Column("name", sa.String(20), index=True)]
    op.create_table("kinds", *columns, sa.Column("former", sa.Integer()), sa.PrimaryKeyConstraint("kind_id", name="pk_kinds"))
    op.create_table("spare_kinds", sa.Column("kind_id", sa.Integer(), nullable=False), sa.PrimaryKeyConstraint("kind_id"))
    op.create_index("ix_kinds_former", "kinds", ["former"])
    op.bulk_insert(sa.table("kinds", sa.column("kind_id"), sa.column("name")), [{"kind_id": 1, "name": "first"}])
    """,
    "changed": """
    with op.batch_alter_table("kinds") as batch:
        batch.add_column(sa.Column("city_id", sa.Integer()))
        batch.alter_column("name", existing_type=sa.String(20), type_=sa.String(40), comment="what it is called")
        batch.alter_column("former", existing_type=sa.Integer(), new_column_name="later")
    with op.batch_alter_table("kinds") as batch:
        batch.create_foreign_key("fk_kinds_city_id_cities", "cities", ["city_id"], ["city_id"])
        batch.create_unique_constraint("uq_kinds_later", ["later"])
    op.execute("UPDATE kinds SET later = kind_id WHERE later IS NULL")
    """,
    "dropped": """
    with op.batch_alter_table("kinds") as batch:
        batch.drop_constraint("fk_kinds_city_id_cities", type_="foreignkey")
        batch.drop_constraint("uq_kinds_later", type_="unique")
        batch.drop_index("ix_kinds_name")
    with op.batch_alter_table("kinds") as batch:
        batch.drop_column("city_id")
    op.drop_table("spare_kinds")
    op.rename_table("kinds", "sorts")
    """,
}
"""Revisions with every kind of statement, in their order."""


def test_a_revision_may_break_off_at_any_statement(empty: Engine, more_revisions: Callable[[Mapping[str, str]], None]) -> None:
    """MySQL and MariaDB keep what was done before; the views are there all the time."""
    migrate.upgrade(empty)
    more_revisions(KINDS)
    with empty.begin() as connection:
        connection.execute(insert(cities), {"city_id": 7, "name": "Ulm"})
        connection.execute(text("CREATE VIEW theirs AS SELECT name FROM cities"))
    views = {"theirs", *view_texts()}
    broken_off = 0
    for _ in breaking_off_at_each(empty, lambda: migrate.upgrade(empty)):
        broken_off += 1
        assert set(inspect(empty).get_view_names()) == views
    assert broken_off >= 15
    assert revisions.current(empty) == "dropped"
    assert _objects(empty) == metadata.tables.keys() | views | {"sorts"}
    found = inspect(empty)
    assert [(column["name"], str(column["type"])[:11]) for column in found.get_columns("sorts")] == [
        ("kind_id", "INTEGER"),
        ("name", "VARCHAR(40)"),
        ("later", "INTEGER"),
    ]
    assert {index["name"] for index in found.get_indexes("sorts")} == {"ix_kinds_former"}
    assert (found.get_foreign_keys("sorts"), found.get_unique_constraints("sorts")) == ([], [])
    with empty.connect() as connection:
        assert connection.execute(text("SELECT kind_id, name, later FROM sorts")).all() == [(1, "first", 1)]
        assert connection.scalar(text("SELECT name FROM theirs")) == "Ulm"


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
        with pytest.raises(Transient, match="Another upgrade of the database has not ended in 0 s"):
            migrate.upgrade(empty)
    migrate.upgrade(empty)


@pytest.mark.databases("mariadb", "mysql")  # SQLite's readers keep nobody waiting
@pytest.mark.parametrize("used", ["cities", "city_hours"])
def test_an_open_transaction_makes_an_upgrade_wait_and_give_up_unharmed(
    empty: Engine,
    more_revisions: Callable[[Mapping[str, str]], None],
    used: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for setting, value in {"TABLE_WAIT_S": 1, "TABLE_PAUSE_S": 0, "TABLE_TRIES": 2}.items():
        monkeypatch.setattr(migrate, setting, value)
    migrate.upgrade(empty)
    more_revisions({"wider": 'op.add_column("cities", sa.Column("mayor", sa.String(20)))'})
    with empty.connect() as reader:
        reader.execute(text(f"SELECT * FROM {used}")).all()
        with pytest.raises(Transient, match=r"another connection has a transaction open.*KILL <id>.*`gans db upgrade` again"):
            migrate.upgrade(empty)
        assert [record.getMessage()[:18] for record in caplog.records] == ["The upgrade waits:"]
        assert _objects(empty) == metadata.tables.keys() | view_texts().keys()
        with empty.connect() as other:
            assert other.execute(text("SELECT * FROM city_hours")).all() == []
    migrate.upgrade(empty)
    assert revisions.current(empty) == "wider"
    assert "mayor" in {column["name"] for column in inspect(empty).get_columns("cities")}


@pytest.mark.databases("sqlite")
def test_a_program_that_goes_on_writing_makes_an_upgrade_give_up_unharmed(empty: Engine) -> None:
    migrate.upgrade(empty)
    impatient = create_engine(empty.url, connect_args={"timeout": 0})
    with empty.begin() as writer:
        writer.execute(insert(cities), {"city_id": 7})
        with pytest.raises(Transient, match="Another program has been writing into the database all the time"):
            migrate.upgrade(impatient)
    assert _objects(empty) == metadata.tables.keys() | view_texts().keys()


@pytest.mark.parametrize("stray", STRAYS)
def test_a_difference_is_seen(empty: Engine, stray: str) -> None:
    migrate.upgrade(empty)
    with empty.begin() as connection:
        for view in reversed(view_texts()):  # SQLite refuses to alter a table beneath a view
            connection.execute(text(f"DROP VIEW {view}"))
        connection.execute(text(stray))
    assert len(migrate.differences(empty)) == 1


def test_an_empty_database_is_told_from_one_that_is_at_the_newest_revision(empty: Engine) -> None:
    with pytest.raises(ConfigError, match=r"The database is empty\. Run `gans db upgrade`"):
        revisions.require_newest(empty)
    migrate.upgrade(empty)
    revisions.require_newest(empty)


def test_an_older_database_must_be_upgraded(engine: Engine, more_revisions: Callable[[Mapping[str, str]], None]) -> None:
    more_revisions({"later": "pass"})
    with pytest.raises(ConfigError, match=r"at revision \d{4}, this code needs later\. Run `gans db upgrade`"):
        revisions.require_newest(engine)


def test_a_newer_database_needs_newer_code_and_is_left_alone_by_this(
    empty: Engine, more_revisions: Callable[[Mapping[str, str]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    more_revisions({"later": "pass"})
    migrate.upgrade(empty)
    assert revisions.current(empty) == "later"
    monkeypatch.undo()
    with empty.begin() as connection:
        connection.execute(text("CREATE VIEW of_later AS SELECT name FROM cities"))
    before = _objects(empty)
    statements: list[str] = []
    event.listen(empty, "before_cursor_execute", lambda _, __, statement, *___: statements.append(statement))
    for refused in (revisions.require_newest, migrate.upgrade):
        with pytest.raises(ConfigError, match=r"at revision later, which this code .* newer\. Update Gans"):
            refused(empty)
    assert [one for one in statements if re.match(r"\s*(CREATE|DROP|ALTER|INSERT|UPDATE|DELETE)", one)] == []
    assert _objects(empty) == before


def test_a_view_that_is_missing_is_said(empty: Engine) -> None:
    migrate.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("DROP VIEW city_hours"))
    with pytest.raises(ConfigError, match=r"The database has no view city_hours\. Run `gans db upgrade`"):
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
