"""What OpenWeatherMap's answers mean: steps of three hours, rain and snow, conditions, and what is refused."""

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from gans.database.views import SCHEMA
from gans.errors import BadData
from gans.load.transform import ParsedPart, parse_part
from gans.source import Capture, Reject, Repaired, Request, Rows, rows_of
from gans.sources.openweather import CONDITIONS, parse, plan, source
from gans.storage.landing import Footer, Header, Part

PAYLOAD = (Path(__file__).parent / "payload.json").read_bytes()
SLOT = datetime(2025, 3, 29, 21, tzinfo=UTC)
FIRST = int(datetime(2025, 3, 30, tzinfo=UTC).timestamp())


def _step(number: int = 0, **fields: Any) -> dict[str, Any]:
    """The `number`-th step of an answer, dry unless it is told otherwise; what is told to be None is left out."""
    step = {
        "dt": FIRST + number * 3 * 3600,
        "main": {"temp": 7.5, "feels_like": 5.0},
        "weather": [{"id": 800}],
        "clouds": {"all": 0},
        "wind": {"speed": 2.5, "deg": 90, "gust": 5},
        "pop": 0,
    }
    return {name: value for name, value in {**step, **fields}.items() if value is not None}


def _answer(*steps: object, cod: object = "200") -> dict[str, Any]:
    return {"cod": cod, "message": 0, "cnt": len(steps), "list": steps, "city": {"name": "Mitte"}}


def _capture(answer: object, zone: str | None = "Europe/Berlin", slot: datetime = SLOT) -> Capture:
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    context = {"city_id": 1, "timezone": zone}
    return Capture(
        unit="city 1",
        url="https://api.openweathermap.org/data/2.5/forecast",
        status=200,
        slot=slot,
        fetched_at=slot,
        context=context,
        body=body,
    )


def _rows(answer: object, zone: str | None = "Europe/Berlin", slot: datetime = SLOT) -> list[dict[str, Any]]:
    """The rows of an answer that holds nothing else."""
    items = list(parse(_capture(answer, zone, slot)))
    assert all(isinstance(item, Rows) and item.table == "weather_forecasts" for item in items), items
    return [row.values for row in rows_of(items)]


def _parsed_part(answer: object, slot: datetime = SLOT) -> ParsedPart:
    part = Part(
        Header(source="openweather", slot=slot, attempt=slot, part=1, code_version=""),
        [_capture(answer, slot=slot)],
        Footer(finished_at=slot, requests=1, bytes_received=0, captures=1),
    )
    return parse_part(source, part, {"weather_conditions": set(range(100))})


class Cities:
    """A `Reference` of cities."""

    def __init__(self, *coordinates: tuple[float | None, float | None]) -> None:
        self._cities = [
            {"city_id": city_id, "latitude": latitude, "longitude": longitude, "timezone": "Europe/Berlin"}
            for city_id, (latitude, longitude) in enumerate(coordinates, 1)
        ]

    def rows(self, table: str) -> Sequence[Mapping[str, Any]]:
        return self._cities if table == "cities" else ()


def test_the_payload() -> None:
    rows = _rows(PAYLOAD)
    assert [row["hour_at"] for row in rows] == [SLOT + timedelta(hours=hours) for hours in (0, 3, 6)]
    assert [row["precipitation_mm"] for row in rows] == [0.0, 1.55, 0.62]
    assert [row["snowfall_cm"] for row in rows] == [0.0, None, 0.0]
    assert rows[1] == {
        "city_id": 1,
        "provider": "openweather",
        "issued_at": SLOT,
        "valid_at": datetime(2025, 3, 30, 3, tzinfo=UTC),
        "hour_at": datetime(2025, 3, 30, 0, tzinfo=UTC),
        "period_hours": 3,
        "temperature_c": 1.25,
        "feels_like_c": -2.1,
        "precipitation_mm": 1.55,
        "precipitation_probability_pct": 83,
        "snowfall_cm": None,
        "wind_speed_kmh": 18.0,
        "wind_gust_kmh": 39.6,
        "cloud_cover_pct": 100,
        "condition_code": 69,
        "local_on": date(2025, 3, 30),
        "local_hour_of_week": 6 * 24 + 1,  # of its begin: at 02:00 the clocks went to 03:00
    }


@pytest.mark.parametrize(
    ("amounts", "precipitation_mm", "snowfall_cm"),
    [
        ({}, 0.0, 0.0),
        ({"rain": {"3h": 0.13}}, 0.13, 0.0),
        ({"snow": {"3h": 1.5}}, 1.5, None),
        ({"rain": {"3h": 0.1}, "snow": {"3h": 0.2}}, 0.3, None),
        ({"rain": {"3h": 2}, "snow": {"3h": 0}}, 2.0, 0.0),
        ({"rain": {}}, None, 0.0),
        ({"rain": {"1h": 0.5}}, None, 0.0),
        ({"snow": {"1h": 0.5}}, None, None),
        ({"pop": None}, None, None),
        ({"pop": None, "rain": {"3h": 0.5}}, None, None),
    ],
)
def test_absent_rain_and_snow_is_none_that_falls_where_pop_is_told(
    amounts: dict[str, Any], precipitation_mm: float | None, snowfall_cm: float | None
) -> None:
    (row,) = _rows(_answer(_step(**amounts)))
    assert (row["precipitation_mm"], row["snowfall_cm"]) == (precipitation_mm, snowfall_cm)


@pytest.mark.parametrize(("pop", "pct"), [(0, 0), (1, 100), (0.29, 29), (0.995, 100), (None, None)])
def test_a_chance_is_told_from_0_to_1(pop: float | None, pct: int | None) -> None:
    (row,) = _rows(_answer(_step(pop=pop)))
    assert row["precipitation_probability_pct"] == pct


def test_what_is_not_told_is_none() -> None:
    (row,) = _rows(_answer(_step(wind=None, clouds=None, main={"temp": 7})))
    assert {name for name, value in row.items() if value is None} == {
        "feels_like_c", "wind_speed_kmh", "wind_gust_kmh", "cloud_cover_pct",
    }  # fmt: skip


@pytest.mark.parametrize("cod", ["200", 200])
def test_the_code_of_success_is_a_text_or_a_number(cod: object) -> None:
    assert len(_rows(_answer(_step(), cod=cod))) == 1


def test_every_documented_condition_has_a_code_of_its_kind() -> None:
    groups = {}
    with (SCHEMA / "migrations/data/weather_conditions.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            groups[int(row["condition_code"])] = row["condition_group"]
    documented = {
        2: ("00 01 02 10 11 12 21 30 31 32", {"storm"}),
        3: ("00 01 02 10 11 12 13 14 21", {"rain"}),
        5: ("00 01 02 03 04 11 20 21 22 31", {"rain"}),
        6: ("00 01 02 11 12 13 15 16 20 21 22", {"snow"}),
        7: ("01 11 21 31 41 51 61 62 71 81", {"fog", "storm"}),
        8: ("00 01 02 03 04", {"clear", "cloud"}),
    }
    assert set(CONDITIONS) == {hundreds * 100 + int(rest) for hundreds, (all_, _) in documented.items() for rest in all_.split()}
    for condition, code in CONDITIONS.items():
        assert groups[code] in documented[condition // 100][1], condition


def test_the_first_condition_is_the_one_that_counts() -> None:
    (row,) = _rows(_answer(_step(weather=[{"id": 741}, {"id": 500}])))
    assert row["condition_code"] == 45


@pytest.mark.parametrize("zone", [None, "", "Atlantis/Poseidonis"])
def test_without_its_zone_a_city_has_no_local_hour(zone: str | None) -> None:
    (row,) = _rows(_answer(_step()), zone)
    assert (row["hour_at"], row["local_on"], row["local_hour_of_week"]) == (SLOT, None, None)


def test_a_period_that_is_begun_is_no_forecast() -> None:
    rows = _rows(_answer(*map(_step, range(-1, 40))))
    assert [row["hour_at"] for row in rows] == [SLOT + timedelta(hours=3 * number) for number in range(40)]


BAD_STEPS: dict[str, tuple[Any, str]] = {
    "nothing": (None, "Expected `object`, got `null`"),
    "no time": (_step(dt=None), "missing required field `dt`"),
    "a time in words": (_step(dt="2025-03-30 00:00:00"), "Expected `int`, got `str` - at `$.dt`"),
    "a time beyond the calendar": (_step(dt=10**15), ""),
    "nothing but a time": (
        {"dt": _step()["dt"], "main": {}, "weather": []}, "a step that says nothing of the weather",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_STEPS)
def test_a_bad_step_costs_only_itself(case: str) -> None:
    step, reason = BAD_STEPS[case]
    items = list(parse(_capture(_answer(step, _step(1)))))
    assert [type(item) for item in items] == [Reject, Rows]
    assert isinstance(items[0], Reject)
    assert reason in items[0].reason


@pytest.mark.parametrize(
    ("bad", "column", "rule"),
    [
        ({"wind": {"speed": 1e308}}, "wind_speed_kmh", "wind.speed does not fit"),
        ({"wind": "strong"}, "wind_speed_kmh", "wind does not fit"),
        ({"main": {"temp": "warm"}}, "temperature_c", "main.temp does not fit"),
        ({"main": 7}, "temperature_c", "main does not fit"),
        ({"main": {"temp": 99.0}}, "temperature_c", "weather_forecasts.temperature_c does not fit"),
        ({"main": {"temp": 1, "feels_like": -200}}, "feels_like_c", "weather_forecasts.feels_like_c does not fit"),
        ({"weather": [{"id": 999}]}, "condition_code", "there is no condition 999"),
        ({"weather": [{"id": None}]}, "condition_code", "weather.id does not fit"),
        ({"pop": 1.5}, "precipitation_probability_pct", "pop does not fit"),
        ({"rain": {"3h": -0.1}}, "precipitation_mm", "rain.3h does not fit"),
        ({"rain": "some"}, "precipitation_mm", "rain does not fit"),
        ({"clouds": {"all": 101}}, "cloud_cover_pct", "clouds.all does not fit"),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_costs_itself(bad: dict[str, Any], column: str, rule: str) -> None:
    result = _parsed_part(_answer(_step(**bad), _step(1)))
    (rows,) = result.rows.values()
    assert [getattr(row, column) is None for row in rows] == [True, False]
    assert (result.status, result.refused, result.omitted[rule]) == ("ok", [], 1)


def test_a_number_that_is_none_and_a_byte_order_mark_cost_nothing_else() -> None:
    body = b"\xef\xbb\xbf" + msgspec.json.encode(_answer(_step(pop=0.123), _step(1))).replace(b"0.123", b"NaN")
    items = list(parse(_capture(body)))
    rows = [row.values["precipitation_probability_pct"] for row in rows_of(items)]
    assert rows[0] is None
    assert rows[1] is not None
    assert Repaired("a number that is none") in items


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([_step()], r"Not an answer of OpenWeatherMap: Expected `object`, got `array`"),
        (_step(), "missing required field `cod`"),
        (_answer(), "A forecast without a step"),
        ({"cod": "200"}, "A forecast without a step"),
        (_answer(_step(), cod=500), "OpenWeatherMap says 500"),
        ({"cod": "404", "message": "city not found"}, "OpenWeatherMap says 404: city not found"),
        ({"cod": 429, "message": "Your account is blocked"}, "OpenWeatherMap says 429: Your account is blocked"),
    ],
)
def test_what_is_no_forecast_is_refused_as_a_whole(answer: object, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        list(parse(_capture(answer)))


def test_a_request_for_every_city_with_coordinates() -> None:
    requests = list(plan(Cities((52.52, 13.405), (None, 7.0), (7.0, None), (0.0, 0.0)), SLOT))
    assert all(isinstance(request, Request) for request in requests)
    assert [request.unit for request in requests] == ["city 1", "city 4"]
    first = requests[0]
    assert isinstance(first, Request)
    assert first.full_url == "https://api.openweathermap.org/data/2.5/forecast?lat=52.5200&lon=13.4050&units=metric"
    assert first.context == {"city_id": 1, "timezone": "Europe/Berlin"}


class Expected(NamedTuple):
    """What a careful reader takes from a recorded answer.

    Attributes:
        slot: the time it is read as an answer for.
        wet: how many of its 40 steps have rain or snow.
        sum_mm: all of it together.
        first: some values of the first row, read off the file by hand.
    """

    slot: str
    wet: int
    sum_mm: float
    first: dict[str, object]


READ = {
    "forecast_berlin_2023-10-05.json": Expected(
        "2023-10-05T09:00Z",
        14,
        22.07,
        {
            "valid_at": "2023-10-05T12:00Z",
            "temperature_c": 15.77,
            "feels_like_c": 15.33,
            "precipitation_mm": 0.38,
            "precipitation_probability_pct": 27,
            "snowfall_cm": 0.0,
            "wind_speed_kmh": 17.244,
            "wind_gust_kmh": 37.476,
            "cloud_cover_pct": 78,
            "condition_code": 61,
        },
    ),
    "forecast_berlin_2024-05-17.json": Expected(
        "2024-05-17T09:00Z",
        8,
        4.28,
        {
            "valid_at": "2024-05-17T12:00Z",
            "temperature_c": 24.49,
            "precipitation_mm": 0.0,
            "precipitation_probability_pct": 0,
            "wind_gust_kmh": 36.972,
            "cloud_cover_pct": 0,
            "condition_code": 0,
        },
    ),
    "forecast_latlon_berlin_is_Mitte_2024-07-11.json": Expected(
        "2024-07-11T06:00Z",
        12,
        16.19,
        {"valid_at": "2024-07-11T09:00Z", "city_id": 1, "temperature_c": 22.41, "precipitation_mm": 0.22, "condition_code": 61},
    ),
    "forecast_leipzig_2023-12-07_snow.json": Expected(
        "2023-12-07T12:00Z",
        19,
        13.2,
        {
            "valid_at": "2023-12-07T15:00Z",
            "temperature_c": 3.51,
            "precipitation_mm": 0.0,
            "snowfall_cm": 0.0,
            "condition_code": 1,
        },
    ),
}
REFUSED = {
    "error_400_nothing_to_geocode.json": "OpenWeatherMap says 400: Nothing to geocode",
    "error_401_invalid_key.json": "OpenWeatherMap says 401: Invalid API key",
    "error_404_city_not_found.json": "OpenWeatherMap says 404: city not found",
    "error_429_blocked.json": "OpenWeatherMap says 429: Your account is temporary blocked",
    "forecast_list0_frankfurt_2023-03-02.json": "missing required field `cod`",
    "forecast_list_only_london_2022-06-15.json": "Expected `object`, got `array`",
}


def test_there_is_an_expectation_for_every_capture(captures: Path) -> None:
    assert {path.name for path in (captures / "openweather").iterdir()} == {*READ, *REFUSED}


@pytest.mark.parametrize("name", READ)
def test_a_captured_forecast(captures: Path, name: str) -> None:
    expected = READ[name]
    slot = datetime.fromisoformat(expected.slot)
    body = (captures / "openweather" / name).read_bytes()
    rows = _rows(body, slot=slot)
    assert [row["hour_at"] for row in rows] == [slot + timedelta(hours=3 * number) for number in range(40)]
    first = {key: f"{value:%Y-%m-%dT%H:%MZ}" if isinstance(value, datetime) else value for key, value in rows[0].items()}
    assert expected.first.items() <= first.items()
    amounts = [row["precipitation_mm"] for row in rows]
    assert (sum(amount > 0 for amount in amounts), round(sum(amounts), 2)) == (expected.wet, expected.sum_mm)
    result = _parsed_part(body, slot)
    assert result.refused == []
    assert sum(map(len, result.rows.values())) == 40


def test_the_captured_snow_is_water_of_unknown_depth(captures: Path) -> None:
    body = (captures / "openweather/forecast_leipzig_2023-12-07_snow.json").read_bytes()
    (row,) = [row for row in _rows(body, slot=datetime(2023, 12, 7, 12, tzinfo=UTC)) if row["snowfall_cm"] is None]
    assert (row["precipitation_mm"], row["condition_code"], row["precipitation_probability_pct"]) == (1.55, 73, 99)


@pytest.mark.parametrize("name", REFUSED)
def test_a_captured_answer_that_is_no_forecast(captures: Path, name: str) -> None:
    with pytest.raises(BadData) as refused:
        list(parse(_capture((captures / "openweather" / name).read_bytes())))
    assert REFUSED[name] in str(refused.value)


def test_a_slot_that_is_repeated_late_was_issued_when_it_was_asked() -> None:
    capture = _capture(_answer(*map(_step, range(3))))
    row, *_ = rows_of(parse(msgspec.structs.replace(capture, fetched_at=SLOT + timedelta(hours=3))))
    assert (row.values["issued_at"], row.values["hour_at"]) == (SLOT + timedelta(hours=3),) * 2
