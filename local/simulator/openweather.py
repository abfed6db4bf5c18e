"""OpenWeatherMap's five-day forecast: forty steps of three hours for one place. https://openweathermap.org/forecast5

It sees the weather of `sky`, with errors of its own. The words of the error bodies are those that the service has
been seen to say.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from local.simulator import sky
from local.simulator.upstream import Answer, Request
from local.simulator.world import World

HOSTS = ("api.openweathermap.org",)

_STEPS = 40
_STEP_HOURS = 3

# WMO code of `sky` → condition id, group, description, number of the icon
_CONDITIONS: Mapping[int, tuple[int, str, str, str]] = {
    0: (800, "Clear", "clear sky", "01"),
    1: (801, "Clouds", "few clouds", "02"),
    2: (803, "Clouds", "broken clouds", "04"),
    3: (804, "Clouds", "overcast clouds", "04"),
    45: (741, "Fog", "fog", "50"),
    51: (300, "Drizzle", "light intensity drizzle", "09"),
    53: (301, "Drizzle", "drizzle", "09"),
    55: (302, "Drizzle", "heavy intensity drizzle", "09"),
    61: (500, "Rain", "light rain", "10"),
    63: (501, "Rain", "moderate rain", "10"),
    65: (502, "Rain", "heavy intensity rain", "10"),
    71: (600, "Snow", "light snow", "13"),
    73: (601, "Snow", "snow", "13"),
    75: (602, "Snow", "heavy snow", "13"),
    95: (201, "Thunderstorm", "thunderstorm with rain", "11"),
}

# units → temperature from °C, wind from km/h
_UNITS: Mapping[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "standard": (lambda c: c + 273.15, lambda kmh: kmh / 3.6),
    "metric": (lambda c: c, lambda kmh: kmh / 3.6),
    "imperial": (lambda c: c * 1.8 + 32, lambda kmh: kmh / 1.609344),
}


def answer(world: World, request: Request, now: datetime) -> Answer:
    """The forecast from the next step on; 401 without a key, 400 without a place."""
    if request.path != "/data/2.5/forecast":
        return _error("404", "Internal error")
    if not request.query.get("appid"):
        return _error(401, "Invalid API key. Please see https://openweathermap.org/faq#error401 for more info.")
    if not (request.query.get("lat") and request.query.get("lon")):
        return _error("400", "Nothing to geocode")
    latitude, longitude = _coordinate(request.query["lat"], 90), _coordinate(request.query["lon"], 180)
    if latitude is None or longitude is None:
        return _error("400", "wrong latitude" if latitude is None else "wrong longitude")
    count = request.query.get("cnt", "")
    steps = min(int(count), _STEPS) if count.isdecimal() and int(count) else _STEPS
    return _json(200, _forecast(world, latitude, longitude, now, request.query.get("units", "standard"), steps))


def refuse(status: int) -> Answer:
    """An error body of the service."""
    if status == 429:
        return _error(
            429,
            "Your account is temporary blocked due to exceeding of requests limitation of your subscription type. "
            "Please choose the proper subscription https://openweathermap.org/price",
        )
    return _error(status, "Internal server error")


def _json(status: int, content: object) -> Answer:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json; charset=utf-8"}, body)


def _error(code: str | int, message: str) -> Answer:
    """The code in the body is a text in some errors and a number in others."""
    return _json(int(code), {"cod": code, "message": message})


def _coordinate(text: str, limit: int) -> float | None:
    try:
        degrees = float(text)
    except ValueError:
        return None
    return degrees if -limit <= degrees <= limit else None


def _forecast(world: World, latitude: float, longitude: float, now: datetime, units: str, count: int) -> dict[str, Any]:
    hour = sky.hour_of(now)
    first = hour - hour % _STEP_HOURS + _STEP_HOURS
    elevation = world.elevation_m(latitude, longitude)
    hours = sky.forecast(
        world.seed, latitude, longitude, elevation, now, first - _STEP_HOURS + 1, count * _STEP_HOURS, "openweather"
    )
    city = min(world.cities, key=lambda city: (city.latitude - latitude) ** 2 + (city.longitude - longitude) ** 2)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "cod": "200",
        "message": 0,
        "cnt": count,
        "list": [_step(hours, number, first, _UNITS.get(units, _UNITS["standard"])) for number in range(count)],
        "city": {
            "id": 2_000_000 + city.city_id,
            # The place that the coordinates snap to is a part of the city.
            "name": "Mitte" if city.title == "Berlin" else f"{city.title} Centre",
            "coord": {"lat": round(latitude, 4), "lon": round(longitude, 4)},
            "country": city.country_code,
            "population": 0,
            "timezone": round(longitude / 15) * 3600,
            "sunrise": int((midnight + timedelta(hours=6)).timestamp()),
            "sunset": int((midnight + timedelta(hours=18)).timestamp()),
        },
    }


def _step(
    hours: sky.Hours, number: int, first: int, units: tuple[Callable[[float], float], Callable[[float], float]]
) -> dict[str, Any]:
    """One step: sums and worst of its three hours, and what is at its end."""
    degrees, speed = units
    during = slice(number * _STEP_HOURS, (number + 1) * _STEP_HOURS)
    end = during.stop - 1
    at = datetime.fromtimestamp((first + number * _STEP_HOURS) * 3600, UTC)
    code, group, description, icon = _CONDITIONS[max(hours.condition_code[during])]
    rain = round(sum(hours.rain_mm[during]), 2)
    snow = round(sum(hours.precipitation_mm[during]) - rain, 2)
    temperature = degrees(hours.temperature_c[end])
    return {
        "dt": int(at.timestamp()),
        "main": {
            "temp": _number(temperature),
            "feels_like": _number(degrees(hours.feels_like_c[end])),
            "temp_min": _number(temperature),
            "temp_max": _number(temperature),
            "pressure": 1015,
            "humidity": hours.humidity_pct[end],
        },
        "weather": [
            {"id": code, "main": group, "description": description, "icon": f"{icon}{'d' if 6 <= at.hour < 18 else 'n'}"}
        ],
        "clouds": {"all": hours.cloud_cover_pct[end]},
        "wind": {
            "speed": _number(speed(hours.wind_speed_kmh[end])),
            "deg": hours.wind_direction_deg[end],
            "gust": _number(speed(max(hours.wind_gust_kmh[during]))),
        },
        "visibility": 10000,
        "pop": _number(max(hours.precipitation_probability_pct[during]) / 100),
        # What does not fall is left out.
        **({"rain": {"3h": _number(rain)}} if rain else {}),
        **({"snow": {"3h": _number(snow)}} if snow else {}),
        "sys": {"pod": "d" if 6 <= at.hour < 18 else "n"},
        "dt_txt": f"{at:%Y-%m-%d %H:%M:%S}",
    }


def _number(value: float) -> float:
    """To the hundredth, as the service writes it: a whole number without a point."""
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded
