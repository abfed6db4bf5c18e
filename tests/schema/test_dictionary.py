"""The generated schema is what is committed, says what it must of every column, and its queries answer alike everywhere."""

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Table, insert, inspect, text

from gans.migrate import views
from gans.tables import cities, city_populations, metadata, weather_forecasts
from local import dictionary

UNITS = {
    "_c": "°C", "_mm": "mm", "_cm": "cm", "_m": "m", "_km": "km", "_km2": "km²", "_kmh": "km/h", "_pct": "%", "_hours": "h",
}  # fmt: skip
TABLES = list(metadata.sorted_tables)
COLUMNS = [column for table in TABLES for column in table.columns]
ISSUED_AT = datetime.fromisoformat("2025-06-01T21:00Z")


def test_what_is_committed_is_what_is_generated() -> None:
    stale = "Run `python -m local.dictionary` and commit what it writes."
    assert dictionary.SQL.read_text(encoding="utf-8") == dictionary.sql(), stale
    assert dictionary.README.read_text(encoding="utf-8") == dictionary.dictionary(), stale


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_says_what_a_row_is_and_how_it_grows(table: Table) -> None:
    assert table.comment
    assert table.info["rows"]


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_a_column_has_a_comment_and_names_its_unit(column: Column[Any]) -> None:
    assert column.comment
    unit = UNITS.get(f"_{column.name.rpartition('_')[2]}", "")
    assert column.comment.endswith(f", {unit}" if unit else "")


@pytest.mark.parametrize("name", views())
def test_a_view_begins_with_what_one_row_is(name: str) -> None:
    assert views()[name].startswith("-- One row per ")


def test_the_dictionary_has_every_column(engine: Engine) -> None:
    found = inspect(engine)
    columns = {name: [str(column["name"]) for column in found.get_columns(name)] for name in found.get_view_names()}
    assert {name: [column.name for column in told] for name, told in dictionary.view_columns().items()} == columns
    columns |= {str(table.name): [str(column.name) for column in table.columns] for table in TABLES}
    sections = re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", dictionary.dictionary(), re.MULTILINE | re.DOTALL)
    assert {name: re.findall(r"^\| `(\w+)`", section, re.MULTILINE) for name, section in sections} == columns


def test_a_column_of_a_view_has_the_meaning_of_its_origin_or_of_the_comment_above_it() -> None:
    told = {column.name: column for column in dictionary.view_columns()["city_hours"]}
    taken = told["weather_issued_at"]
    assert taken.origin == "latest_weather.issued_at"
    assert taken.meaning == weather_forecasts.c.issued_at.comment
    assert told["is_rideable"].meaning.startswith("1 if dry, above freezing")
    assert told["is_rideable"].origin.startswith("CASE WHEN w.temperature_c IS NULL")


def test_the_diagram_shows_every_reference() -> None:
    lines = set(dictionary.dictionary().splitlines())
    assert '    countries |o--o{ cities : "country_code"' in lines  # a city's country may be unknown
    assert '    cities ||--o{ weather_forecasts : "city_id"' in lines
    references = [key for table in TABLES for key in table.foreign_key_constraints]
    assert sum("--o{" in line for line in lines) == len(references)


@pytest.fixture
def two_cities(engine: Engine) -> Engine:
    """Berlin and Bern, with three hours of weather each from two issues; the second one sees rain in Bern."""
    hours = range(3)
    issues = (ISSUED_AT - timedelta(hours=3), ISSUED_AT)
    weather = [
        {
            "city_id": city_id,
            "provider": "open-meteo",
            "issued_at": issued_at,
            "valid_at": ISSUED_AT + timedelta(hours=hour + 1),
            "hour_at": ISSUED_AT + timedelta(hours=hour),
            "period_hours": 1,
            "temperature_c": 15.5 - hour,
            "precipitation_mm": 1.25 if city_id == 2 and issued_at == ISSUED_AT else 0.0,
            "precipitation_probability_pct": 80 if city_id == 2 else 5,
            "snowfall_cm": 0.0,
            "wind_gust_kmh": 20.0,
            "local_on": date(2025, 6, 1) if hour == 0 else date(2025, 6, 2),
            "local_hour_of_week": (6 * 24 + 23 + hour) % 168,
        }
        for city_id in (1, 2)
        for issued_at in issues
        for hour in hours
    ]
    with engine.begin() as connection:
        known = {"is_watched": True, "country_code": None}
        connection.execute(
            insert(cities),
            [
                {"city_id": 1, "name": "Berlin", "area_km2": 891.1, **known},
                {"city_id": 2, "name": "Bern", "area_km2": 51.6, **known},
                {"city_id": 3, "name": None, "area_km2": None, **known},
            ],
        )
        figures = [(1, 2011, 3_292_365), (1, 2024, 3_685_265), (2, 2023, 136_988), (3, 0, 5)]
        connection.execute(
            insert(city_populations), [{"city_id": i, "as_of_year": year, "population": n} for i, year, n in figures]
        )
        connection.execute(insert(weather_forecasts), weather)
    return engine


def _answer(engine: Engine, name: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(dictionary.queries()[name][1])).mappings()]


def test_rideable_hours(two_cities: Engine) -> None:
    rows = _answer(two_cities, "rideable_hours")
    assert [(row["city"], str(row["local_on"]), row["forecast_hours"], row["rideable_hours"]) for row in rows] == [
        ("Berlin", "2025-06-01", 1, 1),
        ("Berlin", "2025-06-02", 2, 2),
        ("Bern", "2025-06-01", 1, 0),
        ("Bern", "2025-06-02", 2, 0),
    ]
    assert [(row["coldest_c"], row["warmest_c"]) for row in rows] == [(15.5, 15.5), (13.5, 14.5)] * 2
    assert [row["precipitation_mm"] for row in rows] == [0, 0, 1.25, 2.5]


def test_forecast_changes(two_cities: Engine) -> None:
    rows = _answer(two_cities, "forecast_changes")
    assert [(row["city"], row["precipitation_mm"]) for row in rows] == [("Berlin", 0), ("Berlin", 0), ("Bern", 0), ("Bern", 1.25)]
    assert {str(row["hour_at"])[:19] for row in rows} == {"2025-06-01 21:00:00"}


def test_population_density(two_cities: Engine) -> None:
    rows = _answer(two_cities, "population_density")
    assert [(row["city"], row["as_of_year"], row["people_per_km2"]) for row in rows] == [
        ("Berlin", 2024, 4136),
        ("Bern", 2023, 2655),
    ]


def test_every_query_has_a_test_and_a_question() -> None:
    questions = {name: question for name, (question, _) in dictionary.queries().items()}
    assert all("?" in question for question in questions.values())
    assert {f"test_{name}" for name in questions} <= globals().keys()
