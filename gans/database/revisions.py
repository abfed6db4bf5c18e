"""Which revision a database is at, and which this code knows: Alembic's, in `schema/migrations`."""

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from gans.database.views import SCHEMA, view_texts
from gans.errors import ConfigError


def alembic_config(connection: Connection | None = None) -> Config:
    """What Alembic has to know: where the revisions are, and the connection to run them on."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCHEMA / "migrations"))
    return config


def head() -> str:
    """The newest revision that this code knows."""
    found = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert found is not None
    return found


def current(engine: Engine) -> str | None:
    """The revision that the database is at; None for an empty one."""
    with engine.connect() as connection:
        return current_of(connection)


def current_of(connection: Connection) -> str | None:
    """The same on a connection, in its transaction."""
    return MigrationContext.configure(connection).get_current_revision()


def known() -> set[str]:
    """The revisions that this code knows."""
    return {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}


def is_older(engine: Engine) -> bool:
    """Whether the database is at a revision that this code knows, and not at the newest."""
    return current(engine) in known() - {head()}


def require_newest(engine: Engine) -> None:
    """Passes where the database is at the newest revision and has all its views.

    Raises:
        ConfigError: it is empty, older or newer, or lacks a view; and what to do.
    """
    found, newest = current(engine), head()
    if found is None:
        raise ConfigError("The database is empty. Run `gans db upgrade`.")
    require_known(found)
    if found != newest:
        raise ConfigError(f"The database is at revision {found}, this code needs {newest}. Run `gans db upgrade`.")
    if missing := sorted(view_texts().keys() - set(inspect(engine).get_view_names())):
        raise ConfigError(f"The database has no view {', '.join(missing)}. Run `gans db upgrade`, which makes all of them anew.")


def require_known(revision: str | None) -> None:
    """Passes where this code knows the revision that a database is at, or it is at none.

    Raises:
        ConfigError: it is newer.
    """
    if is_unknown(revision):
        raise ConfigError(
            f"The database is at revision {revision}, which this code (at {head()}) does not know: it is newer. Update Gans."
        )


def is_unknown(revision: str | None) -> bool:
    """Whether the revision that a database is at is one that later code brought it to."""
    return revision is not None and revision not in known()
