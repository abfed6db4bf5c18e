"""The view `city_hours`: one row per city and hour, whatever is known of the hour, and nothing told for what is not known."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Table, insert, text

from gans.tables import metadata

MIDNIGHT = datetime(2025, 5, 29, tzinfo=UTC)
DRY: dict[str, Any] = {"temperature_c": 15.0, "precipitation_mm": 0.0, "snowfall_cm": 0.0, "wind_gust_kmh": 20.0}


def _hour(hour: int, provider: str = "open-meteo", city_id: int = 1, period_hours: int = 1, **told: Any) -> dict[str, Any]:
    """A forecast for the period that begins so many hours after midnight; the local clock is that of UTC."""
    begin = MIDNIGHT + timedelta(hours=hour)
    return {
        "city_id": city_id,
        "provider": provider,
        "issued_at": MIDNIGHT,
        "hour_at": begin,
        "valid_at": begin + timedelta(hours=period_hours),
        "period_hours": period_hours,
        "local_on": begin.date(),
        "local_hour_of_week": begin.weekday() * 24 + begin.hour,
        **DRY,
        **told,
    }


def _flight(number: str, scheduled_at: datetime, **told: Any) -> dict[str, Any]:
    hour_at = scheduled_at.replace(minute=0)
    known = {"status": "Expected", "is_cargo": False, "is_codeshare": False, "arrival_on": scheduled_at.date()}
    return {"arrival_icao": "EDDB", "flight_number": number, "scheduled_at": scheduled_at, "hour_at": hour_at, **known, **told}


def _holiday(on: date, name: str, region: str = "", is_public: bool = True) -> dict[str, Any]:
    return {"country_code": "DE", "region": region, "observed_on": on, "name": name, "is_public": is_public}


class City:
    """A database with two German cities in it, one of them removed from the watchlist, and one of no known country."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        cities = [(1, "Berlin", "DE", True), (2, "Bonn", "DE", False), (3, "Atlantis", None, True)]
        names = ("city_id", "name", "country_code", "is_watched")
        self.add("cities", *(dict(zip(names, city, strict=True)) for city in cities))

    def add(self, table: str, *rows: dict[str, Any]) -> None:
        target: Table = metadata.tables[table]
        with self._engine.begin() as connection:
            for row in rows:
                connection.execute(insert(target), row)

    def hours(self, columns: str) -> list[tuple[Any, ...]]:
        """The columns of all rows, by city and hour."""
        query = text(f"SELECT {columns} FROM city_hours ORDER BY city_id, hour_at")
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]


@pytest.fixture
def city(engine: Engine) -> City:
    return City(engine)


def test_an_hour_is_one_row_however_many_providers_issues_flights_and_holidays_it_has(city: City) -> None:
    earlier = {"issued_at": MIDNIGHT - timedelta(hours=3), "temperature_c": 9.0}
    city.add("weather_forecasts", *map(_hour, range(3)), *(_hour(hour, **earlier) for hour in range(3)))
    city.add(
        "weather_forecasts",
        *(_hour(hour, "open-meteo:icon_d2", temperature_c=1.0) for hour in range(3)),
        _hour(0, "openweather", period_hours=3),
    )
    city.add("weather_forecasts", _hour(0, city_id=2))
    city.add("airports", {"airport_icao": "EDDB"})
    city.add("city_airports", {"city_id": 1, "airport_icao": "EDDB", "distance_km": 18.0})
    city.add("flights", *(_flight(f"GA {number}", MIDNIGHT + timedelta(minutes=20 * number)) for number in range(6)))
    city.add("holidays", *(_holiday(MIDNIGHT.date(), name) for name in ("Labour Day", "Ascension Day")))
    assert city.hours("city_id, local_hour, temperature_c, arrivals, is_holiday, holiday") == [
        (1, 0, 15.0, 3, 1, "Ascension Day"),
        (1, 1, 15.0, 3, 1, "Ascension Day"),
        (1, 2, 15.0, None, 1, "Ascension Day"),
    ]


def test_an_hour_is_the_one_that_begins_then(city: City) -> None:
    """A flight at 01:59 falls into the rain of 01:00 to 02:00, which is told for 02:00."""
    city.add("weather_forecasts", _hour(0), _hour(1, precipitation_mm=2.5), _hour(2))
    city.add("airports", {"airport_icao": "EDDB"})
    city.add("city_airports", {"city_id": 1, "airport_icao": "EDDB", "distance_km": 18.0})
    city.add("flights", _flight("GA 1", MIDNIGHT + timedelta(hours=1, minutes=59)))
    assert city.hours("local_hour, precipitation_mm, arrivals") == [(0, 0.0, None), (1, 2.5, 1), (2, 0.0, None)]


def test_an_hour_whose_flights_are_all_cancelled_or_cargo_has_none(city: City) -> None:
    city.add("weather_forecasts", _hour(0))
    city.add("airports", {"airport_icao": "EDDB"})
    city.add("city_airports", {"city_id": 1, "airport_icao": "EDDB", "distance_km": 18.0})
    city.add("flights", _flight("GA 1", MIDNIGHT, status="Canceled"), _flight("GA 2", MIDNIGHT, is_cargo=True))
    assert city.hours("arrivals") == [(0,)]


def test_a_period_of_three_hours_is_no_hour(city: City) -> None:
    city.add("weather_forecasts", _hour(0), *(_hour(hour, "openweather", period_hours=3) for hour in (0, 3)))
    assert city.hours("local_hour") == [(0,)]


@pytest.mark.parametrize(
    ("on", "is_holiday", "holiday"),
    [
        ("2024-12-31", None, None),  # before the first that is known
        ("2025-01-01", 1, "New Year's Day"),
        ("2025-06-02", 0, None),
        ("2025-06-19", None, None),  # of a region alone, and in which one the city lies is not told
        ("2025-12-24", 0, None),  # not by law
        ("2025-12-26", 1, "St. Stephen's Day"),
        ("2025-12-27", None, None),  # after the last
    ],
)
def test_a_holiday_is_a_public_one_of_the_whole_country(city: City, on: str, is_holiday: int | None, holiday: str | None) -> None:
    city.add(
        "holidays",
        _holiday(date(2025, 1, 1), "New Year's Day"),
        _holiday(date(2025, 6, 19), "Corpus Christi", region="DE-BY"),
        _holiday(date(2025, 12, 24), "Christmas Eve", is_public=False),
        _holiday(date(2025, 12, 26), "St. Stephen's Day"),
    )
    city.add("weather_forecasts", _hour(0, local_on=date.fromisoformat(on)), _hour(0, city_id=3))
    assert city.hours("city_id, is_holiday, holiday") == [(1, is_holiday, holiday), (3, None, None)]


@pytest.mark.parametrize(
    ("region", "on", "is_holiday", "holiday"),
    [
        ("DE-BY", "2025-06-19", 1, "Corpus Christi"),
        ("DE-BE", "2025-06-19", 0, None),
        ("DE-BE", "2025-06-02", 0, None),
        ("DE-BE", "2025-01-01", 1, "New Year's Day"),
        ("DE-BE", "2025-12-27", None, None),
    ],
)
def test_a_holiday_of_its_region_counts(city: City, region: str, on: str, is_holiday: int | None, holiday: str | None) -> None:
    city.add("cities", {"city_id": 4, "name": "Ulm", "country_code": "DE", "is_watched": True, "region": region})
    city.add(
        "holidays",
        _holiday(date(2025, 1, 1), "New Year's Day"),
        _holiday(date(2025, 6, 19), "Corpus Christi", region="DE-BY"),
        _holiday(date(2025, 12, 26), "St. Stephen's Day", region="DE-BE"),
    )
    city.add("weather_forecasts", _hour(0, city_id=4, local_on=date.fromisoformat(on)))
    assert city.hours("is_holiday, holiday") == [(is_holiday, holiday)]


@pytest.mark.parametrize(
    ("told", "is_rideable"),
    [
        ({}, 1),
        ({"precipitation_mm": 0.2}, 1),
        ({"precipitation_mm": 0.3}, 0),
        ({"temperature_c": 0.0}, 0),
        ({"snowfall_cm": 0.1}, 0),
        ({"wind_gust_kmh": 50.0}, 0),
        ({"wind_gust_kmh": None}, None),
        ({"temperature_c": None}, None),
    ],
)
def test_an_hour_to_ride_in(city: City, told: dict[str, Any], is_rideable: int | None) -> None:
    city.add("weather_forecasts", _hour(0, **told))
    assert city.hours("is_rideable") == [(is_rideable,)]
