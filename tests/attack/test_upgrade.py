"""The upgrade killed before each of its statements, from an empty database to the newest revision."""

from sqlalchemy import Engine, inspect, text

from gans.database import migrate
from gans.database.views import view_texts
from gans.tables import metadata
from tests.conftest import fixed_keys
from tests.gans.database.conftest import breaking_off_at_each


def _definitions(engine: Engine) -> dict[str, str]:
    """What the database itself says of our tables and views."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            return dict(connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").all())
        kinds = [("TABLE", name) for name in metadata.tables] + [("VIEW", name) for name in view_texts()]
        found = {name: connection.exec_driver_sql(f"SHOW CREATE {kind} {name}").one()[1] for kind, name in kinds}
        return {name: definition.replace(f"`{engine.url.database}`.", "") for name, definition in found.items()}


def test_an_upgrade_killed_before_each_statement_ends_as_one_that_was_not(migrated: Engine, empty: Engine) -> None:
    complete: set[str] = set()
    statements = 0
    for _ in breaking_off_at_each(empty, lambda: migrate.upgrade(empty)):
        statements += 1
        there = set(inspect(empty).get_view_names())
        assert there >= complete, "a view that was there stays"
        complete = there
    assert statements > 100
    assert _definitions(empty) == _definitions(migrated)
    assert migrate.differences(empty) == []
    with empty.connect() as connection:
        for name, keys in fixed_keys().items():
            (key,) = metadata.tables[name].primary_key
            assert set(connection.scalars(text(f"SELECT {key.name} FROM {name}"))) == keys
