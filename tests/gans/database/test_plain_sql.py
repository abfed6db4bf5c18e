"""Instants, dates and truths compare alike on every database, also where somebody writes them into SQL by hand."""

import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, text

from gans.tables import cities, metadata, weather_forecasts

NINE = datetime(2026, 11, 28, 9, tzinfo=UTC)
INSTANTS = [
    NINE - timedelta(microseconds=1),
    NINE,
    NINE + timedelta(microseconds=1),
    NINE + timedelta(milliseconds=500),
    NINE + timedelta(seconds=1),
    NINE + timedelta(hours=1),
]
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@pytest.fixture
def hours(engine: Engine) -> Engine:
    """Forecasts for these instants."""
    with engine.begin() as connection:
        connection.execute(insert(cities), {"city_id": 1, "is_watched": True})
        key = {"city_id": 1, "provider": "x", "issued_at": NINE, "period_hours": 1}
        rows = [{**key, "valid_at": at, "hour_at": at, "local_on": at.date()} for at in INSTANTS]
        connection.execute(insert(weather_forecasts), rows)
    return engine


def _selected(engine: Engine, condition: str) -> set[datetime]:
    query = text(f"SELECT hour_at FROM weather_forecasts WHERE {condition}").columns(weather_forecasts.c.hour_at)
    with engine.connect() as connection:
        return set(connection.scalars(query))


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("time", ["09:00:00", "09:00:00.000001", "09:00:00.500000", "09:00:01"])
def test_an_instant_compares_as_it_is_written(hours: Engine, sign: str, time: str) -> None:
    literal = f"2026-11-28 {time}"
    bound = datetime.fromisoformat(f"{literal}Z")
    assert _selected(hours, f"hour_at {sign} '{literal}'") == {at for at in INSTANTS if OPERATORS[sign](at, bound)}


def test_an_instant_lies_between_two_with_both_ends(hours: Engine) -> None:
    assert _selected(hours, "hour_at BETWEEN '2026-11-28 09:00:00' AND '2026-11-28 10:00:00'") == set(INSTANTS[1:])
    assert _selected(hours, "hour_at IN ('2026-11-28 09:00:00', '2026-11-28 10:00:00')") == {INSTANTS[1], INSTANTS[5]}


def test_a_day_bounds_instants_and_is_a_date(hours: Engine) -> None:
    assert _selected(hours, "hour_at >= '2026-11-28' AND hour_at < '2026-11-29'") == set(INSTANTS)
    assert _selected(hours, "local_on = '2026-11-28'") == set(INSTANTS)
    assert _selected(hours, "local_on > '2026-11-28'") == set()


def test_instants_sort_by_time(hours: Engine) -> None:
    with hours.connect() as connection:
        assert list(connection.scalars(select(weather_forecasts.c.hour_at).order_by(weather_forecasts.c.hour_at))) == INSTANTS


@pytest.mark.parametrize("truth", ["is_watched", "is_watched = 1", "is_watched = TRUE", "NOT is_watched = 0", "is_watched <> 0"])
def test_a_truth_is_1_and_true(hours: Engine, truth: str) -> None:
    with hours.connect() as connection:
        assert connection.scalars(text(f"SELECT city_id FROM cities WHERE {truth}")).all() == [1]


def test_a_date_is_itself(engine: Engine) -> None:
    row = {"country_code": "DE", "region": "", "observed_on": date(2027, 1, 1), "name": "New Year", "is_public": True}
    with engine.begin() as connection:
        connection.execute(insert(metadata.tables["holidays"]), row)
        query = "SELECT name FROM holidays WHERE observed_on = '2027-01-01' AND observed_on BETWEEN '2027-01-01' AND '2027-01-01'"
        assert connection.scalars(text(query)).all() == ["New Year"]
