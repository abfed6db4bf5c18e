"""The schema's versions: Alembic's revisions in `schema/migrations`, and the views in `schema/views`, made anew each time."""

import logging
import time

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, func, inspect, literal, select, text
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.exc import DBAPIError

from gans.database.revisions import alembic_config, current_of, require_known
from gans.database.transactions import is_locked_out
from gans.database.views import view_texts
from gans.errors import Transient
from gans.tables import collection_runs, metadata

LOCK_WAIT_S = 60
"""How long one upgrade waits for another."""

TABLE_WAIT_S, TABLE_PAUSE_S, TABLE_TRIES = 5, 1, 10
"""How long a statement waits for others that use its table, how long they then have it to themselves, and how often it comes.

While a change of a table waits, whoever comes after it waits too, so it does not wait for long at a time.
"""

_log = logging.getLogger(__name__)


def holds_nothing(engine: Engine) -> bool:
    """Whether the database is empty, or has tables of ours alone and nothing was ever stored in them."""
    with engine.connect() as connection:
        there = set(inspect(connection).get_table_names())
        ours = [table for table in metadata.sorted_tables if table.name in there]
        stored = [table for table in ours if "fetched_at" in table.columns or table is collection_runs]
        return there <= {"alembic_version", *(table.name for table in ours)} and not any(
            connection.execute(select(literal(1)).select_from(table).limit(1)).first() for table in stored
        )


def upgrade(engine: Engine) -> None:
    """Brings the database to the newest revision and its views to their present text; of two at a time, one waits.

    It may break off anywhere, and is run again to go on: on MySQL and MariaDB each statement is done or not (`repeatable`) and a
    view gives way only to its next text; on SQLite all of it is one transaction. So nobody meets a database without its views.

    Raises:
        ConfigError: the database is newer than this code; nothing was changed.
        Transient: another upgrade does not end, or somebody goes on using what is to be changed.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for left in reversed(range(TABLE_TRIES)):
        try:
            return _upgrade(engine)
        except DBAPIError as error:
            if not is_locked_out(error):
                raise
            if not left or engine.dialect.name == "sqlite":  # there it has waited long enough for one that writes
                raise Transient(_LOCKED[engine.dialect.name]) from error
            _log.warning("The upgrade waits: another connection has a transaction open on a table or view that is to be changed")
            time.sleep(TABLE_PAUSE_S)
    raise AssertionError("unreachable")


_LOCKED = {
    "sqlite": "Another program has been writing into the database all the time. Nothing was changed. End it, or wait until it is "
    "done; then run `gans db upgrade` again.",
    "mysql": "The upgrade gave up: another connection has a transaction open on a table or view that is to be changed, and does "
    "not end it. Nothing is half done, and readers and loaders may go on. `SHOW PROCESSLIST` names the connections, and "
    "`KILL <id>` ends one (an idle one has the command Sleep); then run `gans db upgrade` again, and it goes on where it stood.",
}


def _upgrade(engine: Engine) -> None:
    with engine.begin() as connection:
        _keep_others_out(connection)
        require_known(current_of(connection))
        replace, others = "CREATE OR REPLACE VIEW", list[str]()
        if engine.dialect.name == "sqlite":
            # It looks into every view when a table changes, so all make way first; nobody sees that before the commit.
            replace, others = "CREATE VIEW", _drop_views(connection)
        command.upgrade(alembic_config(connection), "head")
        for name, query in view_texts().items():
            connection.execute(text(f"{replace} {name} AS\n{query}".replace(":", r"\:")))
        for definition in others:
            connection.exec_driver_sql(definition)


def _drop_views(connection: Connection) -> list[str]:
    """Drops all views of a SQLite database.

    Returns:
        The definitions of those that are not ours.
    """
    views = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'view'").all()
    for name, _ in views:
        connection.exec_driver_sql(f"DROP VIEW {connection.dialect.identifier_preparer.quote_identifier(name)}")
    return [definition for name, definition in views if name not in view_texts()]


def _keep_others_out(connection: Connection) -> None:
    """Until the connection ends. SQLite does so by itself: of two transactions that write, one waits."""
    if isinstance(connection.dialect, MySQLDialect):
        connection.detach()  # ended, not kept in the pool, and the lock with it
        connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {TABLE_WAIT_S}")
        lock = func.get_lock(func.left(func.concat("gans.", func.database()), 64), LOCK_WAIT_S)
        if not connection.scalar(select(lock)):
            raise Transient(f"Another upgrade of the database has not ended in {LOCK_WAIT_S} s. Try again when it has.")


def differences(engine: Engine) -> list[object]:
    """How the database differs from `gans.tables`, as `alembic check` sees it; empty when they are the same."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))
