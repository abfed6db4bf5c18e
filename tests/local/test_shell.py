"""The SQL prompt on every database."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from local import shell


def test_a_query_with_percent_signs_and_colons_is_sent_as_it_is(engine: Engine) -> None:
    assert shell.query(engine, "SELECT name FROM countries WHERE name LIKE 'Na%' AND ':x' = ':x'") == (
        ["name"],
        [("Namibia",), ("Nauru",)],
    )


@pytest.mark.parametrize("sql", ["DELETE FROM countries", "DROP TABLE rejects", "CREATE TABLE t (a INTEGER)"])
def test_every_change_is_refused(engine: Engine, sql: str) -> None:
    with pytest.raises(SQLAlchemyError):
        shell.query(engine, sql)
    assert shell.query(engine, "SELECT COUNT(*) FROM rejects")[1] == [(0,)]
