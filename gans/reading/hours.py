"""The coming hours of a city, and what was forecast for them a day before."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Engine, Executable, func, select

from gans.clock import clock_of
from gans.database.views import city_hours
from gans.tables import Instant, metadata

AHEAD: Final = timedelta(hours=72)
DAY: Final = timedelta(hours=24)

_cities, _forecasts = metadata.tables["cities"], metadata.tables["weather_forecasts"]
NUMBERS: Final = ("temperature_c", "precipitation_mm", "wind_speed_kmh", "wind_gust_kmh", "arrivals", "is_rideable")
_hours = city_hours.c


class City(msgspec.Struct, frozen=True):
    """A watched city; `timezone` is IANA's, UTC where none is known."""

    city_id: int
    name: str
    timezone: str

    @property
    def zone(self) -> ZoneInfo:
        """Its clock."""
        return clock_of(self.timezone) or ZoneInfo("UTC")


class Earlier(msgspec.Struct, frozen=True):
    """An older issue for the same hours: temperature in °C and precipitation in mm by the hour."""

    issued_at: datetime
    forecasts: dict[datetime, tuple[float | None, float | None]]


def cities(engine: Engine) -> list[City]:
    """The cities of the watchlist that are known, by name."""
    query = select(_cities.c.city_id, _cities.c.name, _cities.c.timezone).where(
        _cities.c.is_watched == True,  # noqa: E712 - SQL's
        _cities.c.name.is_not(None),
    )
    found = (City(row["city_id"], row["name"], row["timezone"] or "UTC") for row in _rows(engine, query))
    return sorted(found, key=lambda city: city.name)


def coming(engine: Engine, city: City, now: datetime) -> list[Mapping[str, Any]]:
    """The rows of `city_hours` from the hour that it is, in order of time."""
    since = now.replace(minute=0, second=0, microsecond=0)
    shown = ("hour_at", "weather_issued_at", "condition_label", "holiday", *NUMBERS)
    query = select(*(_hours[name] for name in shown))
    query = query.where(_hours.city_id == city.city_id, _hours.hour_at >= since, _hours.hour_at < since + AHEAD)
    return _rows(engine, query.order_by(_hours.hour_at))


def wettest(engine: Engine, since: datetime, until: datetime) -> list[Mapping[str, Any]]:
    """The rows of `city_hours` from `since` to before `until`, of the city where it will rain most, in order of time."""
    between = _hours.hour_at >= since, _hours.hour_at < until
    rain = func.sum(_hours.precipitation_mm).desc()
    first = select(_hours.city_id).where(*between).group_by(_hours.city_id).order_by(rain, _hours.city_id).limit(1).subquery()
    query = select(city_hours).join(first, first.c.city_id == _hours.city_id).where(*between)
    return _rows(engine, query.order_by(_hours.hour_at))


def earlier(engine: Engine, city: City, hours: list[Mapping[str, Any]]) -> Earlier | None:
    """What the newest issue that is at least a day older than that of the first hour said; None where none is kept."""
    of = _forecasts.c
    here = of.city_id == city.city_id, of.provider == "open-meteo", of.hour_at >= hours[0]["hour_at"]
    newest = select(func.max(of.issued_at, type_=Instant).label("issued_at"))
    (found,) = _rows(engine, newest.where(*here, of.issued_at <= hours[0]["weather_issued_at"] - DAY))
    if not (issued_at := found["issued_at"]):
        return None
    query = select(of.hour_at, of.temperature_c, of.precipitation_mm).where(
        *here, of.hour_at <= hours[-1]["hour_at"], of.issued_at == issued_at
    )
    return Earlier(issued_at, {row["hour_at"]: (row["temperature_c"], row["precipitation_mm"]) for row in _rows(engine, query)})


def _rows(engine: Engine, query: Executable) -> list[Mapping[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
