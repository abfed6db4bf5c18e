"""The schema's versions: Alembic's revisions in `schema/migrations`, and the views in `schema/views`, made anew each time."""

import logging

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, func, inspect, literal, select, text
from sqlalchemy.dialects.mysql.base import MySQLDialect

from gans.database.revisions import alembic_config, current_of, head, known
from gans.database.views import view_texts
from gans.errors import ConfigError
from gans.tables import collection_runs, metadata

LOCK_WAIT_S = 60


def holds_nothing(engine: Engine) -> bool:
    """Whether the database is empty, or has tables of ours alone and nothing was ever stored in them."""
    with engine.connect() as connection:
        return _holds_nothing(connection)


def _holds_nothing(connection: Connection) -> bool:
    there = set(inspect(connection).get_table_names())
    ours = [table for table in metadata.sorted_tables if table.name in there]
    stored = [table for table in ours if "fetched_at" in table.columns or table is collection_runs]
    return there <= {"alembic_version", *(table.name for table in ours)} and not any(
        connection.execute(select(literal(1)).select_from(table).limit(1)).first() for table in stored
    )


def upgrade(engine: Engine) -> None:
    """Brings the database to the newest revision and its views to their present text; of two at a time, one waits.

    A first set-up that was broken off is begun anew: MySQL keeps what was made until then, since it cannot roll back DDL.

    Raises:
        ConfigError: another upgrade does not end.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with engine.begin() as connection:
        _keep_others_out(connection)
        # SQLite looks into every view when a table changes, so they make way first.
        for name in inspect(connection).get_view_names():
            connection.exec_driver_sql(f"DROP VIEW {name}")
        config = alembic_config(connection)
        if current_of(connection) in {None, *known()} - {head()} and _holds_nothing(connection):
            metadata.drop_all(connection)
            command.stamp(config, "base", purge=True)
        command.upgrade(config, "head")
        for name, query in view_texts().items():
            connection.execute(text(f"CREATE VIEW {name} AS\n{query}".replace(":", r"\:")))


def _keep_others_out(connection: Connection) -> None:
    """Until the connection ends. SQLite does so by itself: of two transactions that write, one waits."""
    if isinstance(connection.dialect, MySQLDialect):
        connection.detach()  # ended, not kept in the pool, and the lock with it
        lock = func.get_lock(func.left(func.concat("gans.", func.database()), 64), LOCK_WAIT_S)
        if not connection.scalar(select(lock)):
            raise ConfigError(f"Another upgrade of the database has not ended in {LOCK_WAIT_S} s. Try again when it has.")


def differences(engine: Engine) -> list[object]:
    """How the database differs from `gans.tables`, as `alembic check` sees it; empty when they are the same."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))
