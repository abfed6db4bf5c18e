"""The schema's versions: Alembic's revisions in `schema/migrations`, and the views in `schema/views`, made anew each time."""

import logging
import re
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from gans.errors import ConfigError
from gans.tables import metadata

SCHEMA = Path(__file__).parent.parent / "schema"


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCHEMA / "migrations"))
    return config


def head() -> str:
    """The newest revision that this code knows."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None
    return found


def revision(engine: Engine) -> str | None:
    """The revision that the database is at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine) -> None:
    """Brings the database to the newest revision and its views to their present text."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with engine.begin() as connection:
        # SQLite looks into every view when a table changes, so they make way first.
        for name in inspect(connection).get_view_names():
            connection.exec_driver_sql(f"DROP VIEW {name}")
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")
    with engine.begin() as connection:
        for name, query in views().items():
            connection.execute(text(f"CREATE VIEW {name} AS\n{query}".replace(":", r"\:")))


def require_newest(engine: Engine) -> None:
    """Passes where the database is at the newest revision.

    Raises:
        ConfigError: it is empty, older or newer, and what to do.
    """
    found, known = revision(engine), head()
    if found == known:
        return
    if found is None:
        raise ConfigError("The database is empty. Run `gans db upgrade`.")
    known_revisions = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found in known_revisions:
        raise ConfigError(f"The database is at revision {found}, this code needs {known}. Run `gans db upgrade`.")
    raise ConfigError(
        f"The database is at revision {found}, which this code (at {known}) does not know: it is newer. Update Gans."
    )


def differences(engine: Engine) -> list[object]:
    """How the database differs from `gans.tables`, as `alembic check` sees it; empty when they are the same."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def views() -> dict[str, str]:
    """The views' queries by name, each after those that it reads from."""
    texts = {path.stem: path.read_text(encoding="utf-8").strip().rstrip(";") for path in sorted((SCHEMA / "views").glob("*.sql"))}
    ordered: dict[str, str] = {}
    while waiting := [name for name in texts if name not in ordered]:
        free = [
            name for name in waiting if not any(re.search(rf"\b{other}\b", texts[name]) for other in waiting if other != name)
        ]
        for name in free or waiting:
            ordered[name] = texts[name]
    return ordered
