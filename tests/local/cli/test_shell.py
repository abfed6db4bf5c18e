"""The SQL prompt on every database."""

import json

import pytest
from msgspec import structs
from sqlalchemy import Engine

from gans.errors import Refused
from gans.settings import Settings
from local.cli import shell
from local.cli.shell import prompt, run, statements


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
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = iter(
        [
            "SELECT nonsense;",
            "DROP TABLE cities;",
            "-- a comment",
            "SELECT 1 +",
            "1 AS two; SELECT 3 AS three;",
            ".tables",
            "quit",
        ]
    )
    monkeypatch.setattr("builtins.input", lambda _: next(lines))
    prompt(Settings(database_url=database_url))
    said = capsys.readouterr()
    assert [word in said.err for word in ("nonsense", "Refused: DROP")] == [True] * 2
    assert [word in said.out for word in ("two", "three", "city_hours")] == [True] * 3
    assert next(lines, None) is None


@pytest.mark.databases("sqlite")
def test_an_answer_that_is_cut_says_so_and_is_no_json(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shell, "LIMITS", structs.replace(shell.LIMITS, rows=3))
    settings = Settings(database_url=database_url)
    run(settings, "SELECT country_code FROM countries", json=False)
    assert "more than 3 rows" in capsys.readouterr().out
    with pytest.raises(Refused, match="more than 3 rows"):
        run(settings, "SELECT country_code FROM countries", json=True)
    assert capsys.readouterr().out == ""
    run(settings, "SELECT country_code FROM countries ORDER BY 1 LIMIT 3", json=True)
    assert len(json.loads(capsys.readouterr().out)) == 3
