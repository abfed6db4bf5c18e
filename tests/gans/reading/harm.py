"""What a statement could harm: the database, what others see of it, and the server. As it is before, and after."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from gans.errors import Refused
from gans.reading.answer import Limits
from gans.reading.ask import ask
from gans.settings import Settings
from gans.tables import metadata
from tests.gans.reading.grammar import statements

_COUNTERS = ("gtid", "innodb_buffer_pool_load", "last_insert", "timestamp", "pseudo_thread_id", "rand_seed")
"""Settings of a server that change by themselves."""


def state(writer: Engine, page: Engine) -> Mapping[str, Any]:
    """All that must stay."""
    found: dict[str, Any] = {}
    with writer.connect() as connection:
        for table in metadata.sorted_tables:
            found[table.name] = sorted(map(str, connection.execute(table.select())))
        if writer.dialect.name == "sqlite":
            found["schema"] = connection.execute(text("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")).all()
            found["whole"] = connection.execute(text("PRAGMA integrity_check")).all()
            found["settings"] = [connection.execute(text(f"PRAGMA {one}")).all() for one in ("journal_mode", "user_version")]
            found["files"] = sorted(path.name for path in Path(writer.url.database or "").parent.iterdir())
        else:
            schema = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1"
            found["schema"] = connection.execute(text(schema)).all()
            found["users"] = connection.execute(text("SELECT user, host FROM mysql.user ORDER BY 1, 2")).all()
            databases = connection.scalars(text("SHOW DATABASES"))
            found["databases"] = [name for name in databases if not name.startswith("gans_test")]
            found["locks"] = connection.execute(text("SELECT IS_FREE_LOCK('alembic'), IS_FREE_LOCK('x')")).all()
            variables = connection.execute(text("SHOW GLOBAL VARIABLES"))
            found["settings"] = [tuple(row) for row in variables if not row[0].startswith(_COUNTERS)]
    with page.connect() as connection:  # of the pool of the pages, as they left it
        found["page"] = connection.execute(text("SELECT COUNT(*) FROM source_freshness")).all()
        if page.dialect.name != "sqlite":
            found["session"] = connection.execute(text("SELECT DATABASE(), @@sql_mode, @@time_zone, @@autocommit")).all()
    return found


def attack(settings: Settings, dialect: Any, seed: int, count: int, limits: Limits) -> tuple[int, int]:
    """Asks so many statements of the grammar, in the way of the page *Data*.

    Returns:
        How many were answered, and how many refused. Whatever else a statement does fails the test.
    """
    answered = 0
    for one in statements(dialect, seed, count):
        with suppress(Refused):
            ask(settings, one.sql, limits)
            assert not one.is_harmful, one.sql
            answered += 1
    return answered, count - answered
