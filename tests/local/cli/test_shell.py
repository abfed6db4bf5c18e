"""The SQL prompt on every database."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gans.database.engine import open_reader
from gans.reading.queries import query
from gans.settings import Settings


@pytest.fixture
def reader(engine: Engine, database_url: str) -> Iterator[Engine]:
    found = open_reader(Settings(database_url=database_url))
    yield found
    found.dispose()


def test_a_query_with_percent_signs_and_colons_is_sent_as_it_is(reader: Engine) -> None:
    assert query(reader, "SELECT name FROM countries WHERE name LIKE 'Na%' AND ':x' = ':x'") == (
        ["name"],
        [("Namibia",), ("Nauru",)],
    )


@pytest.mark.parametrize("sql", ["DELETE FROM countries", "DROP TABLE rejects", "CREATE TABLE t (a INTEGER)"])
def test_every_change_is_refused(reader: Engine, sql: str) -> None:
    with pytest.raises(SQLAlchemyError):
        query(reader, sql)
    assert query(reader, "SELECT COUNT(*) FROM rejects")[1] == [(0,)]


def test_no_more_rows_are_read_than_wanted(reader: Engine) -> None:
    columns, rows = query(reader, "SELECT a.name FROM countries a, countries b ORDER BY 1", most_rows=3)
    assert (columns, len(rows)) == (["name"], 3)
    assert query(reader, "SELECT 1", most_rows=3)[1] == [(1,)]
