"""Hourly weather forecasts from Open-Meteo, a week ahead, for every city with coordinates.

The answer tells its own units and its own offset from UTC; both are read from it, never assumed. It names an hour by its end: its
sums, its gusts and its chance of rain are those of the hour before, its other values those of the moment. Where several models
were asked for, the name of each variable ends in the model's, and each model is a provider of its own.

A sum a little below zero, which is what interpolation leaves of none, is 0, and counted. Any other value that cannot be is
unknown, and counted; so is a number that is none (`nan`). A variable of an unknown unit, or with more or fewer values than hours,
is refused and costs no other, unless it is the temperature: then the answer is of another layout, and the place is refused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import NoneType
from typing import Any

import msgspec

from gans.errors import BadData
from gans.source import Capture, CollectedSource, Provided, Reference, Reject, Repaired, Request, Rows, Secret
from gans.sources import _json
from gans.sources._forecasts import HOURS_AHEAD, SCHEDULE, WHEN, ahead, issued_at

URL = "https://api.open-meteo.com/v1/forecast"
LOCATIONS_PER_REQUEST = 100

COLUMNS = {
    "temperature_2m": "temperature_c",
    "apparent_temperature": "feels_like_c",
    "precipitation": "precipitation_mm",
    "precipitation_probability": "precipitation_probability_pct",
    "snowfall": "snowfall_cm",
    "wind_speed_10m": "wind_speed_kmh",
    "wind_gusts_10m": "wind_gust_kmh",
    "cloud_cover": "cloud_cover_pct",
    "weather_code": "condition_code",
}
"""Open-Meteo's variable → our column."""

_ROW = ("city_id", "provider", *WHEN, *COLUMNS.values())

_SUMS = {"precipitation_mm", "snowfall_cm"}
_NOISE = 0.5
"""How far below zero a sum may be that stands for none."""

_Convert = Callable[[float], float]


def _times(factor: float) -> _Convert:
    return lambda value: round(value * factor, 3)


def _whole(value: float) -> float:
    """A code told as 61.0; one between two stays, to be left out."""
    return int(value) if value == int(value) else value


CONVERSIONS: Mapping[str, Mapping[str, _Convert | None]] = {
    "_c": {"°C": None, "°F": lambda value: round((value - 32) / 1.8, 3)},
    "_mm": {"mm": None, "inch": _times(25.4)},
    "_cm": {"cm": None, "mm": _times(0.1), "inch": _times(2.54)},
    "_kmh": {"km/h": None, "m/s": _times(3.6), "mp/h": _times(1.609344), "kn": _times(1.852)},
    "_pct": {"%": round},
    "_code": {"wmo code": _whole, "": _whole},
}
"""The ending of a column's name → the unit that the answer names → to our unit; None where it is ours."""


class _Location(msgspec.Struct):
    """The part of an answer that is about one location."""

    utc_offset_seconds: int
    hourly_units: dict[str, Any]
    hourly: dict[str, Any]


def plan(reference: Reference, slot: datetime) -> Iterator[Request | Provided]:
    """One request for every hundred cities whose coordinates are known."""
    cities = [city for city in reference.rows("cities") if city["latitude"] is not None and city["longitude"] is not None]
    for start in range(0, len(cities), LOCATIONS_PER_REQUEST):
        asked = cities[start : start + LOCATIONS_PER_REQUEST]
        yield Request(
            unit=f"cities {asked[0]['city_id']}-{asked[-1]['city_id']}",
            url=URL,
            params={
                "latitude": ",".join(f"{city['latitude']:.4f}" for city in asked),
                "longitude": ",".join(f"{city['longitude']:.4f}" for city in asked),
                "hourly": ",".join(COLUMNS),
                # By the slot and not by "now", so that a late try asks for the same hours; named by their ends.
                "start_hour": f"{slot + timedelta(hours=1):%Y-%m-%dT%H:%M}",
                "end_hour": f"{slot + timedelta(hours=HOURS_AHEAD):%Y-%m-%dT%H:%M}",
                "timezone": "GMT",
            },
            context={"cities": [{"city_id": city["city_id"], "timezone": city["timezone"]} for city in asked]},
        )


def parse(capture: Capture) -> Iterator[Rows | Reject | Repaired]:
    """A row per city, model and hour, from the issue to a week ahead.

    Raises:
        BadData: not JSON, an error message, or not as many locations as were asked for.
    """
    cities, issued = capture.context["cities"], issued_at(capture)
    try:
        locations, repairs = _json.decode(capture.body, _locations)
    except (ValueError, RecursionError) as error:  # ValueError: not JSON, not UTF-8
        raise BadData(f"Not an answer of Open-Meteo: {error}") from None
    yield from (Repaired(rule, times) for rule, times in sorted(repairs.items()))
    if len(locations) != len(cities):
        raise BadData(f"The answer is about {len(locations)} places, {len(cities)} were asked for")
    for city, location in zip(cities, locations, strict=True):
        try:
            yield from _rows(city["city_id"], city["timezone"], msgspec.json.decode(location, type=_Location), issued)
        except (ValueError, OverflowError, BadData) as error:  # ValueError: not JSON as declared, or not UTF-8
            yield Reject(f"city {city['city_id']}: {error}", bytes(location)[:400].decode(errors="replace"))


def _locations(body: bytes) -> Sequence[msgspec.Raw]:
    """The locations of an answer, undecoded: it is an object for one and a list for several."""
    answer = msgspec.json.decode(body, type=msgspec.Raw)
    if bytes(answer).lstrip().startswith(b"["):
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    decoded = msgspec.json.decode(body, type=dict[str, Any])
    if decoded.get("error"):
        raise BadData(f"Open-Meteo says: {decoded.get('reason')}")
    return [answer]


def _rows(city_id: int, zone: str | None, location: _Location, issued: datetime) -> Iterator[Rows | Reject | Repaired]:
    instants, bad = _instants(location)
    if bad and not any(instants):
        raise BadData(f"a time is not one: {bad[0]!r}")
    if bad:
        yield Reject(f"city {city_id}: a time is not one: {bad[0]!r}", repr(bad)[:400])
    periods = ahead(issued, 1, zone)
    times = [periods(instant) if instant else None for instant in instants]
    for model in _models(location):
        series = []
        for name, column in COLUMNS.items():
            values, problem = _series(location, f"{name}_{model}" if model else name, column)
            if problem and column == "temperature_c":
                raise BadData(problem)
            if problem:
                yield Reject(f"city {city_id}: {problem}", name)
            if column in _SUMS and (below := _little_below_zero(values)):
                yield Repaired(f"{name} a little below zero", len(below))
                values = [0.0 if hour in below else value for hour, value in enumerate(values)]
            series.append(values)
        city = (city_id, f"open-meteo:{model}" if model else "open-meteo")
        hours = zip(times, zip(*series, strict=True), strict=True)
        # An hour without a value is beyond the model's reach.
        rows = [(*city, *when, *hour) for when, hour in hours if when and hour.count(None) < len(hour)]
        yield Rows("weather_forecasts", _ROW, rows)


def _little_below_zero(values: list[Any]) -> set[int]:
    """The hours whose sum is what interpolation leaves of none."""
    try:
        if min(filter(None, values), default=0) >= 0:
            return set()
    except TypeError:
        pass
    return {hour for hour, value in enumerate(values) if type(value) in (float, int) and -_NOISE <= value < 0}


def _models(location: _Location) -> list[str]:
    """The models of an answer; "" where its variables bear no model's name.

    Raises:
        BadData: there is none: a changed layout must not pass for "no weather".
    """
    name = "temperature_2m"
    models = [key.removeprefix(name).removeprefix("_") for key in location.hourly if key == name or key.startswith(f"{name}_")]
    if not models:
        raise BadData(f"the hours have no {name}")
    return models


def _instants(location: _Location) -> tuple[list[datetime | None], list[Any]]:
    """The hours of an answer, local times with the one offset that the answer names, or their own; and what is no time."""
    times = location.hourly.get("time")
    if not isinstance(times, list):
        raise BadData("the hours have no time")
    instants, bad = list[datetime | None](), list[Any]()
    for time in times:
        try:
            instants.append(_instant(time, location.utc_offset_seconds))
        except (TypeError, ValueError, OverflowError):
            instants.append(None)
            bad.append(time)
    return instants, bad


@lru_cache(maxsize=1024)  # the same hours come again for every city
def _instant(time: str, utc_offset_seconds: int) -> datetime:
    at = datetime.fromisoformat(time)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC) - timedelta(seconds=utc_offset_seconds)


def _series(location: _Location, name: str, column: str) -> tuple[list[Any], str]:
    """The values of one variable in our unit, and why there are none, if they cannot be read.

    Anything that is no number stays as it is, for the check of its row to leave out.
    """
    hours = len(location.hourly["time"])
    values, unknown = location.hourly.get(name), [None] * hours
    if values is None:
        return unknown, ""
    if not isinstance(values, list):
        return unknown, f"{name} is no list of values"
    kinds = set(map(type, values))
    if kinds <= {NoneType}:
        return unknown, ""
    if len(values) != hours:
        return unknown, f"{name} has {len(values)} values for {hours} hours"
    conversions, unit = CONVERSIONS[column[column.rindex("_") :]], location.hourly_units.get(name, "")
    if not isinstance(unit, str) or unit not in conversions:
        return unknown, f"{name} is in {unit!r}; known: {', '.join(conversions)}"
    convert = conversions[unit]
    if convert is None or (convert in (round, _whole) and float not in kinds):
        return values, ""
    return [convert(value) if type(value) in (float, int) else value for value in values], ""


source = CollectedSource(
    name="weather",
    provider="Open-Meteo",
    docs="https://open-meteo.com/en/docs",
    licence="CC-BY-4.0",
    schedule=SCHEDULE,
    stale_after=timedelta(hours=9),
    hosts=("api.open-meteo.com",),
    # The keyless service is for non-commercial use; customers have a host of their own.
    secret=Secret(setting="GANS_OPENMETEO_KEY", param="apikey", is_required=False, host="customer-api.open-meteo.com"),
    # A location counts as a call, and the keyless service takes 600 calls a minute.
    pause=timedelta(seconds=10),
    reads=("cities",),
    writes=("weather_forecasts",),
    plan=plan,
    parse=parse,
)
