"""The generated schema is what is committed, and says what it must of every column."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Table, inspect

from gans.database.views import view_texts
from gans.tables import metadata, table_facts, weather_forecasts
from local.generate import dictionary
from local.generate.answers import Answer

UNITS = {
    "_c": "°C", "_mm": "mm", "_cm": "cm", "_m": "m", "_km": "km", "_km2": "km²", "_kmh": "km/h", "_pct": "%", "_hours": "h",
}  # fmt: skip
TABLES = list(metadata.sorted_tables)
COLUMNS = [column for table in TABLES for column in table.columns]


def test_what_is_committed_is_what_is_generated(demo_answers: Mapping[str, Answer]) -> None:
    stale = "Run `python -m local.generate.dictionary` and commit what it writes."
    assert dictionary.SQL.read_text(encoding="utf-8") == dictionary.sql(), stale
    assert dictionary.README.read_text(encoding="utf-8") == dictionary.dictionary(demo_answers), stale


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_says_what_a_row_is_and_how_it_grows(table: Table) -> None:
    assert table.comment
    assert table_facts(table).rows


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_a_column_has_a_comment_and_names_its_unit(column: Column[Any]) -> None:
    assert column.comment
    unit = UNITS.get(f"_{column.name.rpartition('_')[2]}", "")
    assert column.comment.endswith(f", {unit}" if unit else "")


@pytest.mark.parametrize("name", view_texts())
def test_a_view_begins_with_what_one_row_is(name: str) -> None:
    assert view_texts()[name].startswith("-- One row per ")


def test_the_dictionary_has_every_column(engine: Engine) -> None:
    found = inspect(engine)
    columns = {name: [str(column["name"]) for column in found.get_columns(name)] for name in found.get_view_names()}
    assert {name: [column.name for column in told] for name, told in dictionary.view_columns().items()} == columns
    columns |= {str(table.name): [str(column.name) for column in table.columns] for table in TABLES}
    readme = dictionary.README.read_text(encoding="utf-8")
    sections = re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", readme, re.MULTILINE | re.DOTALL)
    assert {name: re.findall(r"^\| `(\w+)`", section, re.MULTILINE) for name, section in sections} == columns


def test_a_column_of_a_view_has_the_meaning_of_its_origin_or_of_the_comment_above_it() -> None:
    views_columns = dictionary.view_columns()
    told = {column.name: column for column in views_columns["latest_weather"]}
    taken = {column.name: column for column in views_columns["city_hours"]}["weather_issued_at"]
    assert taken.origin == "latest_weather.issued_at"
    assert taken.meaning == weather_forecasts.c.issued_at.comment
    assert told["is_rideable"].meaning.startswith("1 if the period is dry, above freezing")
    assert told["is_rideable"].origin.startswith("CASE WHEN f.temperature_c IS NULL")


def test_the_diagram_shows_every_reference() -> None:
    lines = set(dictionary.README.read_text(encoding="utf-8").splitlines())
    assert '    countries |o--o{ cities : "country_code"' in lines  # a city's country may be unknown
    assert '    cities ||--o{ weather_forecasts : "city_id"' in lines
    references = [key for table in TABLES for key in table.foreign_key_constraints]
    assert sum("--o{" in line for line in lines) == len(references)


def test_what_a_query_answers_stands_below_it(demo_answers: Mapping[str, Answer]) -> None:
    rows = [("Köln", "2026-05-12 06:00:00", None, 1.5), *[("x", "", 0, 0.0)] * dictionary.SHOWN_ROWS]
    told = dictionary.dictionary({**demo_answers, "late_sources": Answer(["a", "b", "c", "d"], rows)})
    section = told[told.index("### Which source is late?\n") :]
    assert "| a | b | c | d |\n| --- | --- | --- | --- |\n| Köln | 2026-05-12 06:00 |  | 1.5 |\n" in section
    assert "\n… and 1 more.\n" in section
