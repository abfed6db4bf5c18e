"""Open-Meteo's forecast API: hourly values, one place or many, one model or several. https://open-meteo.com/en/docs

Forecasts are issued every hour, on the hour. The words of the error bodies are those of the server's published source.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import tzfpy

from local.simulator import sky
from local.simulator.upstream import Answer, Request
from local.simulator.world import World

HOSTS = ("api.open-meteo.com", "customer-api.open-meteo.com")

_MAX_LOCATIONS = 1000
_MAX_DAYS = 16


@dataclass(frozen=True)
class _Variable:
    """Attributes: the quantity that decides the unit, and the column of `sky.Hours`."""

    quantity: str
    column: str


_VARIABLES = {
    "temperature_2m": _Variable("temperature", "temperature_c"),
    "apparent_temperature": _Variable("temperature", "feels_like_c"),
    "relative_humidity_2m": _Variable("percentage", "humidity_pct"),
    "precipitation": _Variable("precipitation", "precipitation_mm"),
    "precipitation_probability": _Variable("percentage", "precipitation_probability_pct"),
    "rain": _Variable("precipitation", "rain_mm"),
    "snowfall": _Variable("snowfall", "snowfall_cm"),
    "wind_speed_10m": _Variable("wind_speed", "wind_speed_kmh"),
    "wind_gusts_10m": _Variable("wind_speed", "wind_gust_kmh"),
    "wind_direction_10m": _Variable("direction", "wind_direction_deg"),
    "cloud_cover": _Variable("percentage", "cloud_cover_pct"),
    "weather_code": _Variable("code", "condition_code"),
}


@dataclass(frozen=True)
class _Model:
    """Attributes: how many hours ahead it looks, and whether it gives a probability."""

    hours: int
    has_probability: bool


_MODELS = {
    "best_match": _Model(384, True),
    "icon_seamless": _Model(180, True),
    "icon_global": _Model(180, False),
    "icon_d2": _Model(48, False),
    "ecmwf_ifs025": _Model(360, True),
    "gfs_global": _Model(384, True),
}

# parameter → (the server's name for its type, choice → quantity → (unit, from the unit of `sky`)); first the default
_Unit = tuple[str, Callable[[float], float]]
_UNITS: Mapping[str, tuple[str, Mapping[str, Mapping[str, _Unit]]]] = {
    "temperature_unit": (
        "TemperatureUnit",
        {
            "celsius": {"temperature": ("°C", lambda c: c)},
            "fahrenheit": {"temperature": ("°F", lambda c: round(c * 1.8 + 32, 1))},
        },
    ),
    "wind_speed_unit": (
        "WindspeedUnit",
        {
            "kmh": {"wind_speed": ("km/h", lambda kmh: kmh)},
            "ms": {"wind_speed": ("m/s", lambda kmh: round(kmh / 3.6, 2))},
            "mph": {"wind_speed": ("mp/h", lambda kmh: round(kmh / 1.609344, 1))},
            "kn": {"wind_speed": ("kn", lambda kmh: round(kmh / 1.852, 1))},
        },
    ),
    "precipitation_unit": (
        "PrecipitationUnit",
        {
            "mm": {"precipitation": ("mm", lambda mm: mm), "snowfall": ("cm", lambda cm: cm)},
            "inch": {
                "precipitation": ("inch", lambda mm: round(mm / 25.4, 3)),
                "snowfall": ("inch", lambda cm: round(cm / 2.54, 3)),
            },
        },
    ),
}
_FIXED_UNITS: Mapping[str, _Unit] = {
    "percentage": ("%", lambda pct: pct),
    "direction": ("°", lambda degrees: degrees),
    "code": ("wmo code", lambda code: code),
}


class _BadRequestError(Exception):
    """The reason of a 400."""


def answer(world: World, request: Request, now: datetime) -> Answer:
    """The forecasts: an object for one place, a list for several; 400 with the reason for a bad parameter."""
    if request.path != "/v1/forecast":
        return _error(404, "Not Found")
    if request.host.startswith("customer-") and not request.query.get("apikey"):
        return _error(400, "The supplied API key is invalid.")
    try:
        question = _understood(request.query)
        forecasts = [_forecast(world, question, number, now) for number in range(len(question.locations))]
    except _BadRequestError as error:
        return _error(400, str(error))
    return _json(200, forecasts if len(forecasts) > 1 else forecasts[0])


def refuse(status: int) -> Answer:
    """An error body of the server."""
    if status == 429:
        return _error(429, "Minutely API request limit exceeded. Please try again in one minute.")
    return _error(status, "Something went wrong.")


def _json(status: int, content: object) -> Answer:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json; charset=utf-8"}, body)


def _error(status: int, reason: str) -> Answer:
    return _json(status, {"error": True, "reason": reason})


@dataclass(frozen=True)
class _Question:
    """The query, understood; `span` is the first and last local hour where they are given, else `days` counts from midnight
    and `hours`, where it is given, from the hour that is."""

    locations: list[tuple[float, float]]
    variables: list[str]
    models: list[str]
    units: Mapping[str, _Unit]
    timezone: str
    days: int
    hours: int | None
    span: tuple[int, int] | None


def _understood(query: Mapping[str, str]) -> _Question:
    units = dict(_FIXED_UNITS)
    for parameter, (kind, choices) in _UNITS.items():
        units |= choices[_member(query.get(parameter, next(iter(choices))), kind, choices, parameter)]
    return _Question(
        locations=_locations(query),
        variables=[
            _member(name, "ForecastVariable", _VARIABLES, "hourly") for name in query.get("hourly", "").split(",") if name
        ],
        models=[_member(name, "MultiDomains", _MODELS, "models") for name in query.get("models", "best_match").split(",")],
        units=units,
        timezone=query.get("timezone", "GMT"),
        days=_steps(query, "forecast_days", _MAX_DAYS) if "forecast_days" in query else 7,
        hours=_steps(query, "forecast_hours", _MAX_DAYS * 24) if "forecast_hours" in query else None,
        span=_span(query) if "start_hour" in query else None,
    )


def _forecast(world: World, question: _Question, number: int, now: datetime) -> dict[str, Any]:
    """The object of one place."""
    latitude, longitude = question.locations[number]
    zone, offset, abbreviation = _zone(question.timezone, latitude, longitude, now)
    # Counted in local hours; the data is that of whole hours of UTC, as the server does it for half-hour zones.
    local_hour = sky.hour_of(now + timedelta(seconds=offset))
    if question.span is not None:
        first, count = question.span[0], question.span[1] - question.span[0] + 1
    elif question.hours is None:
        first, count = local_hour // 24 * 24, question.days * 24
    else:
        first, count = local_hour, question.hours
    elevation = world.elevation_m(latitude, longitude)
    hourly: dict[str, list[Any]] = {"time": _times(first, count)}
    units = {"time": "iso8601"}
    for model in question.models:
        first_utc = first - offset // 3600
        weather = sky.forecast(world.seed, latitude, longitude, elevation, now, first_utc, count, model)
        horizon = max(sky.hour_of(now) + _MODELS[model].hours - first_utc, 0)
        for name in question.variables:
            key = f"{name}_{model}" if len(question.models) > 1 else name
            if name == "precipitation_probability" and not _MODELS[model].has_probability:
                units[key], hourly[key] = "undefined", [None] * count
                continue
            units[key], convert = question.units[_VARIABLES[name].quantity]
            known = getattr(weather, _VARIABLES[name].column)[:horizon]
            hourly[key] = [convert(value) for value in known] + [None] * (count - len(known))
    return {
        # The answer is for the middle of a cell of the grid, and says so.
        "latitude": round(round(latitude * 50) / 50, 2),
        "longitude": round(round(longitude * 50) / 50, 2),
        "generationtime_ms": round(0.002 * count * len(question.models), 3),
        "utc_offset_seconds": offset,
        "timezone": zone,
        "timezone_abbreviation": abbreviation,
        "elevation": elevation,
        **({"location_id": number} if number else {}),
        **({"hourly_units": units, "hourly": hourly} if question.variables else {}),
    }


def _locations(query: Mapping[str, str]) -> list[tuple[float, float]]:
    latitudes, longitudes = _numbers(query, "latitude"), _numbers(query, "longitude")
    if len(latitudes) != len(longitudes):
        raise _BadRequestError("Parameter 'latitude' and 'longitude' must have the same number of elements")
    for latitude, longitude in zip(latitudes, longitudes, strict=True):
        if not -90 <= latitude <= 90:
            raise _BadRequestError(f"Latitude must be in range of -90 to 90°. Given: {latitude}.")
        if not -180 <= longitude <= 180:
            raise _BadRequestError(f"Longitude must be in range of -180 to 180°. Given: {longitude}.")
    if len(latitudes) > _MAX_LOCATIONS:
        raise _BadRequestError(f"Only up to {_MAX_LOCATIONS} locations can be requested at once")
    return list(zip(latitudes, longitudes, strict=True))


def _numbers(query: Mapping[str, str], parameter: str) -> list[float]:
    if not query.get(parameter):
        raise _BadRequestError(f"Value required for key '{parameter}'.")
    try:
        return [float(text) for text in query[parameter].split(",")]
    except ValueError as error:
        raise _BadRequestError(f"Parameter '{parameter}' must be a list of numbers. Given: {query[parameter]}.") from error


def _steps(query: Mapping[str, str], parameter: str, most: int) -> int:
    text = query[parameter]
    steps = int(text) if text.isdecimal() else -1
    if not 0 <= steps <= most:
        raise _BadRequestError(f"Forecast days is invalid. Allowed range 0 to {most}. Given {text}.")
    return steps


def _span(query: Mapping[str, str]) -> tuple[int, int]:
    try:
        first, last = (
            sky.hour_of(datetime.fromisoformat(query[name]).replace(tzinfo=UTC)) for name in ("start_hour", "end_hour")
        )
    except (KeyError, ValueError) as error:
        raise _BadRequestError("Invalid date format. Make sure to use 'YYYY-MM-DDTHH:MM'") from error
    if not 0 <= last - first < _MAX_DAYS * 24:
        raise _BadRequestError("End-date must be larger or equals than start-date")
    return first, last


def _member(name: str, kind: str, members: Mapping[str, object], parameter: str) -> str:
    if name not in members:
        raise _BadRequestError(f"Cannot initialize {kind} from invalid String value {name} for key {parameter}")
    return name


def _zone(name: str, latitude: float, longitude: float, now: datetime) -> tuple[str, int, str]:
    """The zone's name, its offset from UTC in seconds, and its abbreviation, for the whole of the answer."""
    if name == "GMT":
        return "GMT", 0, "GMT"
    zone = tzfpy.get_tz(longitude, latitude) if name == "auto" else name
    try:
        offset = now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    except (LookupError, ValueError, OSError) as error:
        raise _BadRequestError("Invalid timezone") from error
    hours, minutes = divmod(abs(round(offset.total_seconds() / 60)), 60)
    sign = math.copysign(1, offset.total_seconds())
    text = f"GMT{'-' if sign < 0 else '+'}{hours}" + (f":{minutes:02}" if minutes else "")
    return zone, round(offset.total_seconds()), text if offset else "GMT"


def _times(first: int, count: int) -> list[str]:
    days = [f"{datetime.fromtimestamp(day * 86400, UTC):%Y-%m-%d}T" for day in range(first // 24, (first + count) // 24 + 1)]
    return [f"{days[hour // 24 - first // 24]}{hour % 24:02}:00" for hour in range(first, first + count)]
