"""What Open-Meteo's answers mean: units, offsets, models, gaps, and what is refused."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from gans.errors import BadData
from gans.load.transform import ParsedPart, parse_part
from gans.source import Capture, Reject, Repaired, Request, Rows, rows_of
from gans.sources._forecasts import HOURS_AHEAD
from gans.sources.weather import COLUMNS, LOCATIONS_PER_REQUEST, parse, plan, source
from gans.storage.landing import Footer, Header, Part

PAYLOAD = (Path(__file__).parent / "payload.json").read_bytes()
SLOT = datetime(2025, 3, 29, 21, tzinfo=UTC)
CONDITIONS = {"weather_conditions": set(range(100))}
UNITS = {
    "temperature_2m": "°C",
    "apparent_temperature": "°C",
    "precipitation": "mm",
    "precipitation_probability": "%",
    "snowfall": "cm",
    "wind_speed_10m": "km/h",
    "wind_gusts_10m": "km/h",
    "cloud_cover": "%",
    "weather_code": "wmo code",
}


def _location(
    start: str = "2025-03-29T22:00", *, offset: int = 0, units: Mapping[str, str] = UNITS, **hourly: Sequence[Any]
) -> dict[str, Any]:
    """The part of an answer about one place: `hourly` by variable, for the hours of which the first ends at the local `start`."""
    count = max(map(len, hourly.values()))
    times = [f"{datetime.fromisoformat(start) + timedelta(hours=hour):%Y-%m-%dT%H:%M}" for hour in range(count)]
    return {"utc_offset_seconds": offset, "hourly_units": units, "hourly": {"time": times, **hourly}}


def _capture(answer: object, zones: Sequence[str | None] = ("Europe/Berlin",), slot: datetime = SLOT) -> Capture:
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    cities = [{"city_id": city_id, "timezone": zone} for city_id, zone in enumerate(zones, 1)]
    return Capture(
        unit="cities",
        url="https://api.open-meteo.com/v1/forecast",
        status=200,
        slot=slot,
        fetched_at=slot,
        context={"cities": cities},
        body=body,
    )


def _rows(answer: object, zones: Sequence[str | None] = ("Europe/Berlin",), slot: datetime = SLOT) -> list[dict[str, Any]]:
    """The rows of an answer that holds nothing else."""
    items = list(parse(_capture(answer, zones, slot)))
    assert all(isinstance(item, Rows) and item.table == "weather_forecasts" for item in items), items
    return [row.values for row in rows_of(items)]


def _rejects(answer: object, zones: Sequence[str | None] = ("Europe/Berlin",)) -> list[str]:
    return [item.reason for item in parse(_capture(answer, zones)) if isinstance(item, Reject)]


def _parsed_part(answer: object, slot: datetime = SLOT) -> ParsedPart:
    header = Header(source="weather", slot=slot, attempt=slot, part=1, code_version="")
    return parse_part(
        source,
        Part(header, [_capture(answer, slot=slot)], Footer(finished_at=slot, requests=1, bytes_received=0, captures=1)),
        CONDITIONS,
    )


def _values(parsed: ParsedPart, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(row, column) for column in columns) for rows in parsed.rows.values() for row in rows]


class Cities:
    """A `Reference` of cities."""

    def __init__(self, count: int, **known: object) -> None:
        city = {"latitude": 52.52, "longitude": 13.41, "timezone": "Europe/Berlin"} | known
        self._cities = [{"city_id": city_id, **city} for city_id in range(1, count + 1)]

    def rows(self, table: str) -> Sequence[Mapping[str, Any]]:
        return self._cities if table == "cities" else ()


def test_the_payload() -> None:
    rows = _rows(PAYLOAD, ("America/Toronto", "Europe/Berlin"))
    assert [(row["city_id"], row["hour_at"]) for row in rows] == [
        (i, SLOT + timedelta(hours=h)) for i in (1, 2) for h in range(10)
    ]
    assert rows[14] == {
        "city_id": 2,
        "provider": "open-meteo",
        "issued_at": SLOT,
        "valid_at": datetime(2025, 3, 30, 2, tzinfo=UTC),
        "hour_at": datetime(2025, 3, 30, 1, tzinfo=UTC),
        "period_hours": 1,
        "temperature_c": 7.9,
        "feels_like_c": 5.4,
        "precipitation_mm": 0.6,
        "precipitation_probability_pct": 80,
        "snowfall_cm": 0.0,
        "wind_speed_kmh": 10.8,
        "wind_gust_kmh": 23.4,
        "cloud_cover_pct": 66,
        "condition_code": 61,
        "local_on": date(2025, 3, 30),
        "local_hour_of_week": 6 * 24 + 3,  # at 02:00 the clocks went to 03:00
    }


@pytest.mark.parametrize(
    ("variable", "unit", "value", "column", "meant"),
    [
        ("temperature_2m", "°F", 32.0, "temperature_c", 0.0),
        ("temperature_2m", "°F", -40, "temperature_c", -40.0),
        ("apparent_temperature", "°F", 71.6, "feels_like_c", 22.0),
        ("precipitation", "inch", 0.114, "precipitation_mm", 2.896),
        ("snowfall", "inch", 2.0, "snowfall_cm", 5.08),
        ("snowfall", "mm", 12.0, "snowfall_cm", 1.2),
        ("wind_speed_10m", "m/s", 10.0, "wind_speed_kmh", 36.0),
        ("wind_gusts_10m", "mp/h", 33.3, "wind_gust_kmh", 53.591),
        ("wind_gusts_10m", "kn", 20.0, "wind_gust_kmh", 37.04),
        ("cloud_cover", "%", 99.6, "cloud_cover_pct", 100),
        ("weather_code", "", 61.0, "condition_code", 61),
    ],
)
def test_units_are_those_that_the_answer_names(variable: str, unit: str, value: float, column: str, meant: float) -> None:
    hourly: dict[str, Any] = {"temperature_2m": [7.0], variable: [value]}
    (row,) = _rows(_location(units=UNITS | {variable: unit}, **hourly))
    assert row[column] == meant


def test_a_unit_that_is_not_known_is_never_guessed() -> None:
    kelvin = _location(units=UNITS | {"temperature_2m": "K"}, temperature_2m=[280.0])
    nameless = _location(units={}, temperature_2m=[7.0])
    items = list(parse(_capture([kelvin, _location(temperature_2m=[7.0]), nameless], ("UTC", "UTC", "UTC"))))
    assert [row.values["city_id"] for row in rows_of(items)] == [2]
    assert [item.reason for item in items if isinstance(item, Reject)] == [
        "city 1: temperature_2m is in 'K'; known: °C, °F",
        "city 3: temperature_2m is in ''; known: °C, °F",
    ]


@pytest.mark.parametrize(
    ("start", "offset"),
    [("2025-03-30T07:30", 34_200), ("2025-03-29T17:00", -18_000), ("2025-03-29T22:00", 0)],
    ids=["Adelaide", "Toronto", "GMT"],
)
def test_local_times_become_utc_by_the_one_offset_of_the_answer(start: str, offset: int) -> None:
    rows = _rows(_location(start, offset=offset, temperature_2m=[7.0, 7.5]))
    assert [row["hour_at"] for row in rows] == [SLOT, SLOT + timedelta(hours=1)]
    assert all(row["valid_at"] - row["hour_at"] == timedelta(hours=1) for row in rows)


@pytest.mark.parametrize(
    ("slot", "hours_of_week"),
    [
        ("2025-03-30T00:00", [145, 147, 148]),  # 01:00, 03:00 CEST, 04:00: Sunday, and there is no 02:00
        ("2025-10-26T00:00", [146, 146, 147]),  # 02:00 CEST, 02:00 CET, 03:00
        ("2025-06-01T21:00", [167, 0, 1]),  # Sunday 23:00, Monday 00:00
    ],
)
def test_the_hour_of_the_week_is_that_of_its_begin_in_the_city(slot: str, hours_of_week: list[int]) -> None:
    begin = datetime.fromisoformat(f"{slot}Z")
    rows = _rows(_location(f"{begin + timedelta(hours=1):%Y-%m-%dT%H:%M}", temperature_2m=[1, 2, 3]), slot=begin)
    assert [row["local_hour_of_week"] for row in rows] == hours_of_week


@pytest.mark.parametrize("zone", [None, "", "Atlantis/Poseidonis"])
def test_without_its_zone_a_city_has_no_local_hour(zone: str | None) -> None:
    (row,) = _rows(_location(temperature_2m=[7.0]), (zone,))
    assert (row["hour_at"], row["local_on"], row["local_hour_of_week"]) == (SLOT, None, None)


def test_each_model_is_a_provider_of_its_own() -> None:
    units = {"temperature_2m_icon_d2": "°C", "temperature_2m_gfs_global": "°F", "cloud_cover_gfs_global": "%"}
    series: dict[str, Any] = {
        "temperature_2m_icon_d2": [1.0, None],  # its reach ends after an hour
        "temperature_2m_gfs_global": [50.0, 59.0],
        "cloud_cover_gfs_global": [None, 25],
    }
    rows = _rows(_location(units=units, **series))
    assert [(row["provider"], row["hour_at"].hour, row["temperature_c"], row["cloud_cover_pct"]) for row in rows] == [
        ("open-meteo:icon_d2", 21, 1.0, None),
        ("open-meteo:gfs_global", 21, 10.0, None),
        ("open-meteo:gfs_global", 22, 15.0, 25),
    ]


def test_a_gap_is_none_and_an_hour_of_gaps_is_no_row() -> None:
    rows = _rows(_location(temperature_2m=[7.0, None, None], cloud_cover=[None, None, 40], snowfall=[None, None, None]))
    assert [(row["hour_at"].hour, row["temperature_c"], row["cloud_cover_pct"]) for row in rows] == [
        (21, 7.0, None),
        (23, None, 40),
    ]
    assert all(row["snowfall_cm"] is None and row["wind_gust_kmh"] is None for row in rows)


def test_a_variable_without_a_value_needs_no_unit() -> None:
    (row,) = _rows(_location(units=UNITS | {"snowfall": "undefined"}, temperature_2m=[7.0], snowfall=[None]))
    assert row["snowfall_cm"] is None


def test_only_the_week_from_the_slot_on_is_a_forecast() -> None:
    rows = _rows(_location("2025-03-29T19:00", temperature_2m=[float(hour % 20) for hour in range(HOURS_AHEAD + 10)]))
    assert len(rows) == HOURS_AHEAD
    assert (rows[0]["hour_at"], rows[0]["temperature_c"]) == (SLOT, 3.0)
    assert rows[-1]["hour_at"] == SLOT + timedelta(hours=HOURS_AHEAD - 1)


@pytest.mark.parametrize(
    ("late", "issued_hours"),
    [
        (timedelta(hours=2, minutes=59), 0),  # a retry within the period
        (timedelta(hours=3), 3),
        (timedelta(days=2, hours=1), 48),
        (-timedelta(seconds=1), 0),  # a clock that is a moment behind
    ],
)
def test_a_slot_that_is_repeated_late_was_issued_when_it_was_asked(late: timedelta, issued_hours: int) -> None:
    capture = _capture(_location(temperature_2m=[float(hour % 20) for hour in range(HOURS_AHEAD)]))
    rows = list(rows_of(parse(msgspec.structs.replace(capture, fetched_at=SLOT + late))))
    assert len(rows) == HOURS_AHEAD - issued_hours, "what is over by then is no forecast"
    assert {row.values["issued_at"] for row in rows} == {SLOT + timedelta(hours=issued_hours)}


def test_one_bad_time_costs_its_hour() -> None:
    location = _location(temperature_2m=[7.0, 8.0])
    location["hourly"]["time"][0] = "soon"
    reject, rows = parse(_capture(location))
    assert isinstance(reject, Reject)
    (row,) = rows_of([rows])
    assert (reject.reason, row.values["temperature_c"]) == ("city 1: a time is not one: 'soon'", 8.0)


@pytest.mark.parametrize("bad", ["warm", 99.0, True, [7.0], 1e300], ids=str)
def test_one_bad_value_costs_itself(bad: object) -> None:
    result = _parsed_part(_location(temperature_2m=[7.0, bad, 9.0], cloud_cover=[1, 2, 3]))
    assert _values(result, "temperature_c", "cloud_cover_pct") == [(7.0, 1), (None, 2), (9.0, 3)]
    assert result.omitted == {"weather_forecasts.temperature_c does not fit": 1}
    assert result.status == "ok"


def test_rain_below_zero_costs_no_temperature() -> None:
    result = _parsed_part(_location(temperature_2m=[3.0, 4.0, 5.0], precipitation=[-3276.8, 0.0, -0.1]))
    assert _values(result, "temperature_c", "precipitation_mm") == [(3.0, None), (4.0, 0.0), (5.0, 0.0)]
    assert result.omitted == {"weather_forecasts.precipitation_mm does not fit": 1, "precipitation a little below zero": 1}


@pytest.mark.parametrize("token", ["NaN", "-nan", "Infinity"])
def test_a_number_that_is_none_costs_itself(token: str) -> None:
    body = msgspec.json.encode([_location(temperature_2m=[3.0, 4.0])] * 3).replace(b"3.0,", f"{token},".encode(), 1)
    items = list(parse(_capture(body, ("UTC",) * 3)))
    assert [row.values["temperature_c"] for row in rows_of(items)] == [4.0, 3.0, 4.0, 3.0, 4.0]
    assert [item for item in items if not isinstance(item, Rows)] == [Repaired("a number that is none", 1)]


def test_a_byte_order_mark_costs_nothing() -> None:
    items = list(parse(_capture(b"\xef\xbb\xbf" + msgspec.json.encode(_location(temperature_2m=[7.0])))))
    assert [type(item) for item in items] == [Repaired, Rows]


def test_a_variable_of_another_length_or_unit_costs_itself() -> None:
    units = UNITS | {"wind_speed_10m": "furlong"}
    items = list(
        parse(
            _capture(
                _location(units=units, temperature_2m=[7.0] * 2, cloud_cover=[1] * 2, wind_speed_10m=[4.0] * 2, snowfall=[1])
            )
        )
    )
    row, _ = [row.values for row in rows_of(items)]
    assert (row["temperature_c"], row["cloud_cover_pct"], row["wind_speed_kmh"], row["snowfall_cm"]) == (7.0, 1, None, None)
    assert [item.reason for item in items if isinstance(item, Reject)] == [
        "city 1: snowfall has 1 values for 2 hours",
        "city 1: wind_speed_10m is in 'furlong'; known: km/h, m/s, mp/h, kn",
    ]


def test_a_condition_that_is_not_in_the_table_costs_itself() -> None:
    result = _parsed_part(_location(temperature_2m=[7.0, 8.0, 9.0], weather_code=[61.0, 100, 61.5]))
    assert _values(result, "temperature_c", "condition_code") == [(7.0, 61), (8.0, None), (9.0, None)]


def test_a_time_that_tells_its_own_offset_is_taken_by_it() -> None:
    location = _location(offset=7200, temperature_2m=[7.0, 8.0])
    location["hourly"]["time"] = ["2025-03-29T22:00Z", "2025-03-29T22:00-01:00"]
    assert [row["hour_at"] for row in _rows(location)] == [SLOT, SLOT + timedelta(hours=1)]


BAD_LOCATIONS: dict[str, tuple[bytes, str]] = {
    "no hours": (b'{"utc_offset_seconds": 0}', "missing required field `hourly_units`"),
    "nothing": (b"null", "Expected `object`, got `null`"),
    "no times": (b'{"utc_offset_seconds": 0, "hourly_units": {}, "hourly": {"temperature_2m": []}}', "the hours have no time"),
    "a time that is none": (
        b'{"utc_offset_seconds": 0, "hourly_units": {}, "hourly": {"time": ["tomorrow"]}}',
        "a time is not one",
    ),
    "a time of another type": (
        b'{"utc_offset_seconds": 0, "hourly_units": {}, "hourly": {"time": [1743282000]}}',
        "a time is not one",
    ),
    "no temperatures": (
        b'{"utc_offset_seconds": 0, "hourly_units": {}, "hourly": {"time": ["2025-03-29T21:00"], "cloud_cover": [1]}}',
        "temperature_2m",
    ),
    "values for other hours": (
        b'{"utc_offset_seconds": 0, "hourly_units": {}, "hourly": {"time": ["2025-03-29T21:00"], "temperature_2m": [1, 2]}}',
        "temperature_2m has 2 values for 1 hours",
    ),
    "an offset beyond the calendar": (
        b'{"utc_offset_seconds": 1000000000000000, "hourly_units": {}, "hourly": {"time": ["2025-03-29T21:00"]}}',
        "",
    ),
    "the end of the calendar": (b'{"utc_offset_seconds": 0, "hourly_units": {}, "hourly": {"time": ["9999-12-31T23:00"]}}', ""),
    "another charset": (b'{"utc_offset_seconds": 0, "hourly_units": {"temperature_2m": "\xb0C"}, "hourly": {"time": []}}', ""),
    "a number without end": (
        b'{"utc_offset_seconds": 0, "hourly_units": {"temperature_2m": "\xc2\xb0F"}, "hourly": {"time": ["2025-03-29T21:00"],'
        b' "temperature_2m": [1' + b"0" * 400 + b"]}}",
        "",
    ),
}


@pytest.mark.parametrize("case", BAD_LOCATIONS)
def test_a_place_that_cannot_be_read_costs_only_itself(case: str) -> None:
    location, reason = BAD_LOCATIONS[case]
    good = msgspec.json.encode(_location(temperature_2m=[7.0]))
    items = list(parse(_capture(b"[" + location + b"," + good + b"]", ("Pacific/Auckland", "UTC"))))
    assert [type(item) for item in items] == [Reject, Rows]
    assert isinstance(items[0], Reject)
    assert items[0].reason.startswith("city 1: ")
    assert reason in items[0].reason


def test_one_place_comes_bare_and_several_come_in_a_list() -> None:
    location = _location(temperature_2m=[7.0])
    assert _rows(location) == _rows([location])
    assert [row["city_id"] for row in _rows([location, location], ("UTC", "UTC"))] == [1, 2]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_places_is_no_answer(count: int) -> None:
    with pytest.raises(BadData, match=rf"about {count} places, 2 were asked for"):
        _rows([_location(temperature_2m=[7.0])] * count, ("UTC", "UTC"))


def test_an_error_is_told_as_the_service_tells_it() -> None:
    with pytest.raises(BadData, match=r"Open-Meteo says: Daily API request limit exceeded\. Please try again tomorrow\."):
        _rows({"error": True, "reason": "Daily API request limit exceeded. Please try again tomorrow."})


def test_a_hundred_cities_a_request() -> None:
    requests = [request for request in plan(Cities(2 * LOCATIONS_PER_REQUEST + 1), SLOT) if isinstance(request, Request)]
    assert [request.unit for request in requests] == ["cities 1-100", "cities 101-200", "cities 201-201"]
    assert [request.params["latitude"].count(",") + 1 for request in requests] == [100, 100, 1]
    assert [len(request.context["cities"]) for request in requests] == [100, 100, 1]


def test_it_asks_for_the_week_from_the_slot_on() -> None:
    (request,) = plan(Cities(1), SLOT)
    assert isinstance(request, Request)
    assert request.full_url == (
        "https://api.open-meteo.com/v1/forecast?latitude=52.5200&longitude=13.4100"
        f"&hourly={','.join(COLUMNS)}&start_hour=2025-03-29T22:00&end_hour=2025-04-05T21:00&timezone=GMT"
    )
    assert request.context == {"cities": [{"city_id": 1, "timezone": "Europe/Berlin"}]}


@pytest.mark.parametrize("known", [{"latitude": None}, {"longitude": None}])
def test_a_city_without_coordinates_is_not_asked_for(known: dict[str, None]) -> None:
    assert list(plan(Cities(3, **known), SLOT)) == []


def test_on_the_equator_and_the_meridian_there_is_weather_too() -> None:
    (request,) = plan(Cities(1, latitude=0.0, longitude=0.0), SLOT)
    assert isinstance(request, Request)
    assert (request.params["latitude"], request.params["longitude"]) == ("0.0000", "0.0000")


class Expected(NamedTuple):
    """What a careful reader takes from a recorded answer.

    Attributes:
        slot: the time it is read as an answer for.
        hours: how many rows, by provider.
        first: some values of the first row, read off the file by hand.
    """

    slot: str
    hours: dict[str, int]
    first: dict[str, object]


READ = {
    "archive_adelaide.json": Expected(
        "2025-01-09T11:00Z",
        {"open-meteo": 72},
        {"valid_at": "2025-01-09T14:30Z", "temperature_c": 20.3, "precipitation_mm": 0.0, "wind_speed_kmh": 4.572},
    ),
    "archive_berlin_hourly_2025-11-17.json": Expected(
        "2025-11-16T23:00Z", {"open-meteo": 24}, {"valid_at": "2025-11-17T00:00Z", "temperature_c": 3.8, "precipitation_mm": None}
    ),
    "forecast_adelaide_halfhour_offset.json": Expected(
        "2026-07-15T11:00Z", {"open-meteo": 72}, {"valid_at": "2026-07-15T14:30Z", "temperature_c": 6.5, "wind_speed_kmh": 9.36}
    ),
    "forecast_melbourne_sample.json": Expected(
        "2025-05-09T11:00Z",
        {"open-meteo": 156},
        {"valid_at": "2025-05-09T12:00Z", "temperature_c": 13.2, "precipitation_mm": 0, "snowfall_cm": None},
    ),
    "forecast_toronto_fahrenheit_2026-03.json": Expected(
        "2026-03-04T02:00Z",
        {"open-meteo": 166},
        {
            "valid_at": "2026-03-04T05:00Z",
            "temperature_c": 0.0,
            "feels_like_c": -3.611,
            "wind_gust_kmh": 12.231,
            "condition_code": 0,
        },
    ),
    "hourly_melbourne_2025-10-25.json": Expected(
        "2025-10-24T23:00Z",
        {"open-meteo": 168},
        {"valid_at": "2025-10-25T00:00Z", "temperature_c": 15.5, "cloud_cover_pct": 1, "condition_code": 3, "snowfall_cm": 0.0},
    ),
    "forecast_multimodel_venice_2025-11.json": Expected(
        "2025-11-23T23:00Z",
        {  # gem_regional and bom_access_global had nothing to say
            "open-meteo:ecmwf_ifs025": 168,
            "open-meteo:icon_d2": 55,
            "open-meteo:gfs_global": 168,
            "open-meteo:ecmwf_ifs": 168,
            "open-meteo:icon_global": 168,
            "open-meteo:knmi_harmonie_arome_europe": 66,
            "open-meteo:dmi_harmonie_arome_europe": 63,
            "open-meteo:meteofrance_arpege_europe": 103,
            "open-meteo:italia_meteo_arpae_icon_2i": 73,
            "open-meteo:cma_grapes_global": 123,
        },
        {"provider": "open-meteo:ecmwf_ifs025", "temperature_c": 2.0, "feels_like_c": -1.1, "wind_gust_kmh": 14.8},
    ),
}
REFUSED = {
    "daily_melbourne_2025-10-25.json": "missing required field `hourly_units`",
    "daily_newyork_2025-12-28.json": "missing required field `hourly_units`",
    "geocoding_goiania.json": "missing required field `utc_offset_seconds`",
}
ERRORS = ("error_docs_invalid_variable.txt", "error_reasons_from_server_source.json")


def test_there_is_an_expectation_for_every_capture(captures: Path) -> None:
    assert {path.name for path in (captures / "openmeteo").iterdir()} == {*READ, *REFUSED, *ERRORS}


@pytest.mark.parametrize("name", READ)
def test_a_captured_forecast(captures: Path, name: str) -> None:
    expected = READ[name]
    slot = datetime.fromisoformat(expected.slot)
    body = (captures / "openmeteo" / name).read_bytes()
    rows = _rows(body, slot=slot)
    assert Counter(row["provider"] for row in rows) == expected.hours
    first = {key: f"{value:%Y-%m-%dT%H:%MZ}" if isinstance(value, datetime) else value for key, value in rows[0].items()}
    assert expected.first.items() <= first.items()
    result = _parsed_part(body, slot)
    assert result.refused == []
    assert sum(map(len, result.rows.values())) == len(rows)


@pytest.mark.parametrize("name", REFUSED)
def test_a_captured_answer_that_is_no_hourly_forecast(captures: Path, name: str) -> None:
    (reason,) = _rejects((captures / "openmeteo" / name).read_bytes())
    assert REFUSED[name] in reason


def test_captured_errors(captures: Path) -> None:
    broken, derived = ((captures / "openmeteo" / name).read_bytes() for name in ERRORS)
    with pytest.raises(BadData, match="Not an answer of Open-Meteo"):
        _rows(broken)
    for body in (body for bodies in msgspec.json.decode(derived).values() for body in bodies):
        with pytest.raises(BadData, match=f"Open-Meteo says: {re.escape(body['reason'])}"):
            _rows(body)
