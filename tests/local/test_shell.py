"""The SQL prompt on every database."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gans.database import open_reader
from gans.settings import Settings
from local import shell


@pytest.fixture
def reader(engine: Engine, database_url: str) -> Iterator[Engine]:
    found = open_reader(Settings(database_url))
    yield found
    found.dispose()


def test_a_query_with_percent_signs_and_colons_is_sent_as_it_is(reader: Engine) -> None:
    assert shell.query(reader, "SELECT name FROM countries WHERE name LIKE 'Na%' AND ':x' = ':x'") == (
        ["name"],
        [("Namibia",), ("Nauru",)],
    )


@pytest.mark.parametrize("sql", ["DELETE FROM countries", "DROP TABLE rejects", "CREATE TABLE t (a INTEGER)"])
def test_every_change_is_refused(reader: Engine, sql: str) -> None:
    with pytest.raises(SQLAlchemyError):
        shell.query(reader, sql)
    assert shell.query(reader, "SELECT COUNT(*) FROM rejects")[1] == [(0,)]
