"""What the page *City* shows: the coming hours of a city, and what was forecast for them a day before."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import column, func, select, table

from dashboard.database import rows
from gans.clock import clock_of
from gans.tables import Instant, metadata

AHEAD: Final = timedelta(hours=72)
DAY: Final = timedelta(hours=24)

_cities, _forecasts = metadata.tables["cities"], metadata.tables["weather_forecasts"]
NUMBERS: Final = ("temperature_c", "precipitation_mm", "wind_speed_kmh", "wind_gust_kmh", "arrivals", "is_rideable")
_hours = table(
    "city_hours",
    *(column(name, Instant) for name in ("hour_at", "weather_issued_at")),
    *(column(name) for name in ("city_id", *NUMBERS, "condition_label", "holiday")),
)


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
    """What an older issue said of the same hours: temperature in °C and precipitation in mm by the hour."""

    issued_at: datetime
    said: dict[datetime, tuple[float | None, float | None]]


def cities() -> list[City]:
    """The cities of the watchlist that are known, by name."""
    query = select(_cities.c.city_id, _cities.c.name, _cities.c.timezone).where(
        _cities.c.is_watched == True,  # noqa: E712 - SQL's
        _cities.c.name.is_not(None),
    )
    found = (City(row["city_id"], row["name"], row["timezone"] or "UTC") for row in rows(query))
    return sorted(found, key=lambda city: city.name)


def coming(city: City, now: datetime) -> list[Mapping[str, Any]]:
    """The rows of `city_hours` from the hour that it is, in order of time."""
    since = now.replace(minute=0, second=0, microsecond=0)
    query = select(_hours).where(_hours.c.city_id == city.city_id, _hours.c.hour_at >= since, _hours.c.hour_at < since + AHEAD)
    return rows(query.order_by(_hours.c.hour_at))


def earlier(city: City, hours: list[Mapping[str, Any]]) -> Earlier | None:
    """What the newest issue that is at least a day older than that of the first hour said; None where none is kept."""
    of = _forecasts.c
    here = of.city_id == city.city_id, of.provider == "open-meteo", of.hour_at >= hours[0]["hour_at"]
    newest = select(func.max(of.issued_at, type_=Instant).label("issued_at"))
    (found,) = rows(newest.where(*here, of.issued_at <= hours[0]["weather_issued_at"] - DAY))
    if not (issued_at := found["issued_at"]):
        return None
    query = select(of.hour_at, of.temperature_c, of.precipitation_mm).where(
        *here, of.hour_at <= hours[-1]["hour_at"], of.issued_at == issued_at
    )
    return Earlier(issued_at, {row["hour_at"]: (row["temperature_c"], row["precipitation_mm"]) for row in rows(query)})
