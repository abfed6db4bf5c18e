"""Three-hourly forecasts from OpenWeatherMap, five days ahead, for every city with coordinates: a second opinion.

- A step is about the three hours that end at its `dt`: rain and snow are "for the last 3 hours".
- Rain or snow that is absent has not happened: 0, in a step that tells `pop` and so speaks of precipitation; else not known. Rain
  or snow that is there without its sum over three hours is not known either.
- Rain and snow are both in mm of water, and `precipitation_mm` is their sum. How deep the snow lies it does not tell, and ten to
  one would be a guess: `snowfall_cm` is 0 where no snow falls, and not known where some does.
- The answer does not tell its units: they are those of `units=metric`, which is asked for. Wind is in m/s then.
- A value that does not fit is unknown, and so is a condition that is not in the list; the ledger counts them. A step is refused
  that has no time, or nothing else.
- Coordinates snap to a place of another name (Berlin answers "Mitte"), so nothing is read from `city`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from gans.errors import BadData
from gans.source import Capture, CollectedSource, Provided, Reference, Reject, Repaired, Request, Rows, Secret
from gans.sources import _json
from gans.sources._forecasts import SCHEDULE, WHEN, ahead, issued_at
from gans.sources._optional import without_bad

URL = "https://api.openweathermap.org/data/2.5/forecast"
PERIOD_HOURS = 3

CONDITIONS = {
    # 2xx thunderstorm: with light rain, rain, heavy rain; light, plain, heavy, ragged; with light, plain, heavy drizzle
    200: 95, 201: 95, 202: 97, 210: 95, 211: 95, 212: 97, 221: 95, 230: 95, 231: 95, 232: 95,
    # 3xx drizzle: light, plain, heavy; with rain, the same; showers of rain and drizzle, heavy ones; showers of drizzle
    300: 51, 301: 53, 302: 55, 310: 58, 311: 59, 312: 59, 313: 81, 314: 81, 321: 80,
    # 5xx rain: light, moderate, heavy, very heavy, extreme; freezing; showers: light, plain, heavy, ragged
    500: 61, 501: 63, 502: 65, 503: 65, 504: 65, 511: 67, 520: 80, 521: 81, 522: 81, 531: 81,
    # 6xx snow: light, plain, heavy; sleet, light showers of it, showers of it
    600: 71, 601: 73, 602: 75, 611: 69, 612: 83, 613: 84,
    # light rain and snow, rain and snow; showers of snow: light, plain, heavy
    615: 68, 616: 69, 620: 85, 621: 86, 622: 86,
    # 7xx: mist, smoke, haze, dust whirls, fog, sand, dust, volcanic ash (WMO's 4 is smoke or ash), squalls, tornado
    701: 10, 711: 4, 721: 5, 731: 8, 741: 45, 751: 7, 761: 6, 762: 4, 771: 18, 781: 19,
    # 8xx clouds: none; 11-25 %, 25-50 %, 51-84 %, 85-100 % of the sky; 0 to 3 mean what Open-Meteo means by them
    800: 0, 801: 1, 802: 2, 803: 2, 804: 3,
}  # fmt: skip
"""OpenWeatherMap's condition id → WMO code 4677, complete (https://openweathermap.org/weather-conditions).

Without a word on its strength a weather is moderate, which WMO counts with heavy (63, 67, 69, 81, 84, 86); "violent" (82) is more
than heavy. Sleet is meant as in Britain: rain and snow at once.
"""


_Amount = Annotated[float, msgspec.Meta(ge=0)]
_Speed = Annotated[float, msgspec.Meta(ge=0, le=1_000)]  # beyond any wind, m/s


class _Weather(msgspec.Struct, gc=False):
    id: int


class _Main(msgspec.Struct, gc=False):
    temp: float | None = None
    feels_like: float | None = None


class _Wind(msgspec.Struct, gc=False):
    speed: _Speed | None = None
    gust: _Speed | None = None


class _Clouds(msgspec.Struct, gc=False):
    all: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None


class _Fall(msgspec.Struct, gc=False):
    """Rain or snow of a step; its sum, mm, is None where it is told for another period alone."""

    sum_mm: _Amount | None = msgspec.field(name="3h", default=None)


class _Step(msgspec.Struct, kw_only=True, gc=False):
    dt: int
    main: _Main = msgspec.field(default_factory=_Main)
    weather: list[_Weather] = msgspec.field(default_factory=list)
    wind: _Wind = msgspec.field(default_factory=_Wind)
    clouds: _Clouds = msgspec.field(default_factory=_Clouds)
    pop: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    rain: _Fall | None = None
    snow: _Fall | None = None


class _Forecast(msgspec.Struct):
    """An answer in which every step is as declared."""

    cod: Literal["200", 200]
    steps: list[_Step] = msgspec.field(name="list")


class _Answer(msgspec.Struct):
    """A forecast, or the word why there is none; `cod` is a text in the one and often a number in the other."""

    cod: str | int
    message: str | float = ""
    steps: list[msgspec.Raw] = msgspec.field(name="list", default_factory=list)


_decode_forecast = msgspec.json.Decoder(_Forecast).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode


def plan(reference: Reference, slot: datetime) -> Iterator[Request | Provided]:
    """One request for every city whose coordinates are known."""
    for city in reference.rows("cities"):
        if city["latitude"] is not None and city["longitude"] is not None:
            yield Request(
                unit=f"city {city['city_id']}",
                url=URL,
                params={"lat": f"{city['latitude']:.4f}", "lon": f"{city['longitude']:.4f}", "units": "metric"},
                context={"city_id": city["city_id"], "timezone": city["timezone"]},
            )


def parse(capture: Capture) -> Iterator[Rows | Reject | Repaired]:
    """A row per step, from the issue on.

    Raises:
        BadData: not a forecast in its envelope (a bare list of steps is none: it does not say that all went well), or no step.
    """
    steps, repairs = _steps(capture.body)
    city = (capture.context["city_id"], "openweather")
    periods = ahead(issued_at(capture), PERIOD_HOURS, capture.context["timezone"])
    rows = []
    for step in steps:
        if isinstance(step, Reject):
            yield step
            continue
        try:
            if when := periods(_instant(step.dt)):
                rows.append((*city, *when, *_values(step, repairs)))
        except (ValueError, OverflowError, OSError, BadData) as error:  # ValueError, OSError: no such year
            yield Reject(str(error), msgspec.json.encode(step).decode())
    yield Rows("weather_forecasts", _ROW, rows)
    yield from (Repaired(rule, times) for rule, times in sorted(repairs.items()))


def _steps(body: bytes) -> tuple[Iterable[_Step | Reject], Counter[str]]:
    """The steps of an answer, decoded all at once; where one of them is bad, each by itself; and what was mended how often."""
    _json.check_size(body)
    try:
        if steps := _decode_forecast(body).steps:
            return steps, Counter()
    except (ValueError, RecursionError):
        pass
    try:
        answer, repairs = _json.decode(body, _decode_answer)
    except (ValueError, RecursionError) as error:  # ValueError: not JSON, another shape, or not UTF-8
        raise BadData(f"Not an answer of OpenWeatherMap: {error}") from None
    if str(answer.cod) != "200":
        raise BadData(f"OpenWeatherMap says {answer.cod}: {answer.message}")
    if not answer.steps:
        raise BadData("A forecast without a step")
    return (_step(raw, repairs) for raw in answer.steps), repairs


def _step(raw: msgspec.Raw, repairs: Counter[str]) -> _Step | Reject:
    try:
        item = msgspec.json.decode(raw)
        for name in ("rain", "snow"):  # absent it would not have happened
            if isinstance(item, dict) and not isinstance(item.get(name), dict | None):
                item[name] = {}
                repairs[f"{name} does not fit"] += 1
        step, left_out = without_bad(item, _Step)
    except (ValueError, RecursionError) as error:  # ValueError: not as declared, or not UTF-8
        return Reject(str(error), bytes(raw)[:400].decode(errors="replace"))
    repairs += left_out
    return step


@lru_cache(maxsize=256)  # the same steps come again for every city
def _instant(dt: int) -> datetime:
    return datetime.fromtimestamp(dt, UTC)


def _values(step: _Step, repairs: Counter[str]) -> tuple[Any, ...]:
    """The values of `_MEASURED`, rounded to the thousandth (by whole numbers, which is twice as fast).

    Raises:
        BadData: there are none.
    """
    code = CONDITIONS.get(step.weather[0].id) if step.weather else None  # the first is the chief one
    if step.weather and code is None:
        repairs[f"there is no condition {step.weather[0].id}"] += 1
    nothing = None if step.pop is None else 0.0
    rain = nothing if step.rain is None else step.rain.sum_mm
    snow = nothing if step.snow is None else step.snow.sum_mm
    wind, gust, clouds = step.wind.speed, step.wind.gust, step.clouds.all
    if code is None and step.main.temp is None and step.pop is None and wind is None and clouds is None:
        raise BadData("a step that says nothing of the weather")
    return (
        step.main.temp,
        step.main.feels_like,
        None if rain is None or snow is None else round((rain + snow) * 1000) / 1000,
        None if step.pop is None else round(step.pop * 100),
        0.0 if snow == 0 else None,
        None if wind is None else round(wind * 3600) / 1000,
        None if gust is None else round(gust * 3600) / 1000,
        None if clouds is None else round(clouds),
        code,
    )


_MEASURED = (
    "temperature_c", "feels_like_c", "precipitation_mm", "precipitation_probability_pct", "snowfall_cm", "wind_speed_kmh",
    "wind_gust_kmh", "cloud_cover_pct", "condition_code",
)  # fmt: skip
_ROW = ("city_id", "provider", *WHEN, *_MEASURED)


source = CollectedSource(
    name="openweather",
    provider="OpenWeatherMap",
    docs="https://openweathermap.org/forecast5",
    licence="ODbL-1.0",
    schedule=SCHEDULE,
    stale_after=timedelta(hours=9),
    hosts=("api.openweathermap.org",),
    secret=Secret(setting="GANS_OPENWEATHER_KEY", param="appid"),
    # A free key may ask 60 times a minute.
    pause=timedelta(seconds=1.2),
    reads=("cities",),
    writes=("weather_forecasts",),
    plan=plan,
    parse=parse,
)
