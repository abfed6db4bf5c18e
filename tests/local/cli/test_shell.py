"""The SQL prompt on every database."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gans.database.engine import open_reader
from gans.reading.queries import query
from gans.settings import Settings
from local.cli.shell import prompt, statements


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


@pytest.mark.parametrize(
    ("sql", "whole", "rest"),
    [
        ("", [], ""),
        ("SELECT 1", [], "SELECT 1"),
        ("SELECT 1; ;; SELECT 2;", ["SELECT 1", "SELECT 2"], ""),
        ("SELECT 'a;''b' ; x", ["SELECT 'a;''b'"], " x"),
        ('SELECT "a;b", `c;d`;', ['SELECT "a;b", `c;d`'], ""),
        ("-- don't; stop\nSELECT 1; -- the end", ["SELECT 1"], ""),
        ("/* a; */ -- b\n/**/ SELECT 4 / 2 - 1;", ["SELECT 4 / 2 - 1"], ""),
        ("SELECT 'not; closed", [], "SELECT 'not; closed"),
        ("SELECT 1 /* not; closed", [], "SELECT 1 /* not; closed"),
    ],
)
def test_statements_end_where_their_semicolon_is(sql: str, whole: list[str], rest: str) -> None:
    assert statements(sql) == (whole, rest)


def test_the_prompt_goes_on_after_an_error_and_ends_with_the_input(
    reader: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = iter(["SELECT nonsense;", "-- a comment", "SELECT 1 +", "1 AS two; SELECT 3 AS three;", ".tables", "quit"])
    monkeypatch.setattr("builtins.input", lambda _: next(lines))
    prompt(reader)
    said = capsys.readouterr()
    assert "nonsense" in said.err
    assert [word in said.out for word in ("two", "three", "city_hours")] == [True] * 3
    assert next(lines, None) is None
