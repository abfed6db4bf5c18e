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
            beside = (path.name for path in Path(writer.url.database or "").parent.iterdir())
            found["files"] = sorted(name for name in beside if not name.startswith("gans.db"))
        else:
            schema = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1"
            found["schema"] = connection.execute(text(schema)).all()
            # Of what all databases of the server share, only what the grammar would change: other tests run beside.
            found["users"] = connection.execute(text("SELECT user FROM mysql.user WHERE user = 'x'")).all()
            found["databases"] = [name for name in connection.scalars(text("SHOW DATABASES")) if name == "x"]
            found["locks"] = connection.execute(text("SELECT IS_FREE_LOCK('gans.x')")).all()
            found["settings"] = connection.execute(text("SELECT @@GLOBAL.max_connections, @@GLOBAL.read_only")).all()
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
