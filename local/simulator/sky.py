"""The weather of the simulated world: one hidden truth for each place, and forecasts that err more the further ahead.

Everything is a smooth noise: seeded random values at knots in time, and a smooth curve between them. A forecast is the
truth plus an error that grows with the lead time; the errors of successive issues are related, as in real models.
"""

import math
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b

# Hours between the knots.
_WAVE = 60  # highs and lows
_FRONT = 9  # what passes within a day
_ERROR = 24
_ISSUE = 12  # successive issues share their errors for about so long

_ERROR_GROWTH_HOURS = 60
_MAX_ERROR_C = 4.0

_DAILY = [math.cos(2 * math.pi * (hour - 15) / 24) for hour in range(24)]  # warmest at 15 h of the sun


@dataclass
class Hours:
    """The weather of one place, a value an hour, in the units of the names."""

    temperature_c: list[float] = field(default_factory=list)
    feels_like_c: list[float] = field(default_factory=list)
    humidity_pct: list[int] = field(default_factory=list)
    precipitation_mm: list[float] = field(default_factory=list)
    precipitation_probability_pct: list[int] = field(default_factory=list)
    rain_mm: list[float] = field(default_factory=list)
    snowfall_cm: list[float] = field(default_factory=list)
    wind_speed_kmh: list[float] = field(default_factory=list)
    wind_gust_kmh: list[float] = field(default_factory=list)
    wind_direction_deg: list[int] = field(default_factory=list)
    cloud_cover_pct: list[int] = field(default_factory=list)
    condition_code: list[int] = field(default_factory=list)


def hour_of(instant: datetime) -> int:
    """Hours since the epoch, rounded down."""
    return int(instant.timestamp()) // 3600


def forecast(
    seed: int,
    latitude: float,
    longitude: float,
    elevation_m: float,
    issued_at: datetime,
    first_hour: int,
    count: int,
    model: str = "",
) -> Hours:
    """What `model` says at `issued_at` (to the hour) of the `count` hours from `first_hour` (since the epoch) on.

    For hours gone by it says the truth.
    """
    cell = f"{seed} {round(latitude * 4)} {round(longitude * 4)}"  # a quarter of a degree shares its weather
    issue_hour = hour_of(issued_at.astimezone(UTC))
    waves = _noise(f"{cell} wave", _WAVE, first_hour, count)
    fronts = _noise(f"{cell} front", _FRONT, first_hour, count)
    errors = _noise(f"{cell} {model} error", _ERROR, first_hour, count, issue_hour)

    climate_c = 27.5 - 0.0065 * latitude**2 - 0.0065 * elevation_m  # near the yearly means of the world's cities
    season_c = 0.18 * latitude  # negative in the south: its summer is in January
    dryness = 0.35 + 0.25 * math.exp(-(((abs(latitude) - 25) / 8) ** 2))  # the deserts lie around the tropics
    sun_shift = round(longitude / 15)

    hours = Hours()
    for hour, wave, front, error in zip(range(first_hour, first_hour + count), waves, fronts, errors, strict=True):
        lead = max(hour - issue_hour, 0)
        doubt = 1 - math.exp(-lead / _ERROR_GROWTH_HOURS)
        disturbance = 0.65 * wave[0] + 0.5 * front[0] + 0.5 * doubt * error[0]
        cloud = min(max(round(50 + 140 * disturbance), 0), 100)
        sun = _DAILY[(hour + sun_shift) % 24]
        season = math.cos(2 * math.pi * (hour / 24 - 200) / 365.25)  # warmest about the 20th of July in the north
        warmth = 3.5 * wave[1] + 1.5 * front[1] + _MAX_ERROR_C * doubt * error[1]
        temperature = climate_c + season_c * season + (6 - 0.04 * cloud) * sun + warmth
        humidity = min(max(round(68 + 30 * disturbance - 14 * sun), 15), 100)
        excess = disturbance - dryness
        precipitation = round(7 * excess**1.4, 1) if excess > 0 else 0.0
        is_snow = temperature < 0.5
        snowfall = round(0.7 * precipitation, 2) if is_snow else 0.0
        wind = max(11 + 6 * wave[2] + 5 * front[2] + 8 * disturbance + 6 * doubt * error[2] + 2 * sun, 0.4)
        vapour_hpa = humidity / 100 * 6.105 * math.exp(17.27 * temperature / (237.7 + temperature))

        hours.temperature_c.append(round(temperature, 1))
        # R. G. Steadman's apparent temperature, as the Australian Bureau of Meteorology uses it.
        hours.feels_like_c.append(round(temperature + 0.33 * vapour_hpa - 0.7 * wind / 3.6 - 4, 1))
        hours.humidity_pct.append(humidity)
        hours.precipitation_mm.append(precipitation)
        hours.precipitation_probability_pct.append(round(100 / (1 + math.exp(-excess / (0.04 + 0.2 * doubt)))))
        hours.rain_mm.append(0.0 if is_snow else precipitation)
        hours.snowfall_cm.append(snowfall)
        hours.wind_speed_kmh.append(round(wind, 1))
        hours.wind_gust_kmh.append(round(wind * (1.7 + 0.5 * max(disturbance, 0)), 1))
        hours.wind_direction_deg.append(round(240 + 100 * wave[3] + 40 * front[3]) % 360)
        hours.cloud_cover_pct.append(cloud)
        is_thundery = precipitation >= 1 and temperature > 18 and sun > 0
        hours.condition_code.append(95 if is_thundery else _condition(precipitation, snowfall, cloud, humidity, wind))
    return hours


def _condition(precipitation_mm: float, snowfall_cm: float, cloud_cover_pct: int, humidity_pct: int, wind_kmh: float) -> int:
    """The WMO 4677 code, by steps like those of Open-Meteo."""
    if snowfall_cm > 0:
        return 71 if snowfall_cm < 0.2 else 73 if snowfall_cm < 0.8 else 75
    if precipitation_mm > 0:
        steps = ((0.5, 51), (1.0, 53), (1.3, 55), (2.5, 61), (7.6, 63))
        return next((code for limit, code in steps if precipitation_mm < limit), 65)
    if humidity_pct >= 90 and wind_kmh < 6:
        return 45
    return next((code for limit, code in ((20, 0), (50, 1), (80, 2)) if cloud_cover_pct < limit), 3)


_Values = tuple[float, float, float, float]  # each from -1 to 1


def _noise(key: str, step: int, first: int, count: int, issue_hour: int | None = None) -> list[_Values]:
    """Four smooth curves, with a knot every `step` hours; with an issue, smooth from issue to issue too."""
    first_knot = first // step
    knots = [_knot(key, number, issue_hour) for number in range(first_knot, (first + count - 1) // step + 2)]
    values = []
    for hour in range(first, first + count):
        index, rest = divmod(hour - first_knot * step, step)
        values.append(_between(knots[index], knots[index + 1], rest / step))
    return values


def _knot(key: str, number: int, issue_hour: int | None) -> _Values:
    if issue_hour is None:
        return _random(f"{key} {number}")
    block, rest = divmod(issue_hour, _ISSUE)
    return _between(_random(f"{key} {number} {block}"), _random(f"{key} {number} {block + 1}"), rest / _ISSUE)


def _random(key: str) -> _Values:
    a, b, c, d = struct.unpack("<4i", blake2b(key.encode(), digest_size=16).digest())
    return a / 2**31, b / 2**31, c / 2**31, d / 2**31


def _between(left: _Values, right: _Values, way: float) -> _Values:
    smooth = way * way * (3 - 2 * way)
    return (
        left[0] + (right[0] - left[0]) * smooth,
        left[1] + (right[1] - left[1]) * smooth,
        left[2] + (right[2] - left[2]) * smooth,
        left[3] + (right[3] - left[3]) * smooth,
    )
