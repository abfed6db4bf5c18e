"""The simulated OpenWeatherMap: its answers as a client gets them and as the source reads them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from gans.sources.openweather import CONDITIONS
from local.simulator import Simulator, World, sky
from tests.local.simulator.conftest import rows_of

NOW = datetime(2026, 1, 10, 13, 20, tzinfo=UTC)
BERLIN: dict[str, Any] = {"lat": 52.52, "lon": 13.405, "appid": "any", "units": "metric"}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(clock=lambda: NOW) as running:
        yield running


def get(simulator: Simulator, path: str = "/data/2.5/forecast", **params: Any) -> requests.Response:
    asked = {name: value for name, value in {**BERLIN, **params}.items() if value is not None}
    return requests.get(f"{simulator.url}/api.openweathermap.org{path}", params=asked, timeout=5)


def rows(response: requests.Response) -> list[dict[str, Any]]:
    """The rows that the source takes from an answer; none may be refused."""
    context = {"city_id": 1, "timezone": "Europe/Berlin"}
    return [row.values for row in rows_of("openweather", response, context, NOW)]


def test_forty_steps_from_the_next_on_of_a_place_of_another_name(simulator: Simulator) -> None:
    answer = get(simulator).json()
    assert (answer["cod"], answer["cnt"], answer["city"]["name"]) == ("200", 40, "Mitte")
    assert [step["dt_txt"] for step in answer["list"][:2]] == ["2026-01-10 15:00:00", "2026-01-10 18:00:00"]
    assert answer["list"][-1]["dt"] - answer["list"][0]["dt"] == 39 * 3 * 3600
    assert get(simulator, cnt=3).json()["list"] == answer["list"][:3]


def test_the_source_reads_the_weather_that_it_was_made_from(simulator: Simulator) -> None:
    found = rows(get(simulator))
    first = sky.hour_of(NOW) // 3 * 3
    hours = sky.forecast(7, 52.52, 13.405, World().elevation_m(52.52, 13.405), NOW, first + 1, 120, "openweather")
    assert [row["hour_at"] for row in found] == [NOW.replace(hour=12, minute=0) + timedelta(hours=3 * n) for n in range(40)]
    assert [row["temperature_c"] for row in found] == hours.temperature_c[2::3]
    sums = [sum(hours.precipitation_mm[n : n + 3]) for n in range(0, 120, 3)]
    assert [row["precipitation_mm"] for row in found] == pytest.approx(sums, abs=0.011)
    assert [row["wind_speed_kmh"] for row in found] == pytest.approx(hours.wind_speed_kmh[2::3], abs=0.02)


def test_it_varies_as_real_ones_do(simulator: Simulator) -> None:
    steps = [step for degrees in range(-60, 70, 5) for step in get(simulator, lat=degrees, lon=degrees).json()["list"]]
    for kind in ("rain", "snow"):
        falls = [step for step in steps if kind in step]
        assert 0 < len(falls) < len(steps)
        assert all(step[kind]["3h"] > 0 for step in falls)
    assert {type(step["pop"]) for step in steps} == {int, float}
    assert {step["weather"][0]["id"] for step in steps} <= set(CONDITIONS)
    assert len({step["weather"][0]["id"] for step in steps}) > 8


def test_units_are_those_that_were_asked_for_and_are_not_told(simulator: Simulator) -> None:
    metric, standard, imperial = (get(simulator, units=units).json()["list"][0] for units in ("metric", None, "imperial"))
    assert standard["main"]["temp"] == pytest.approx(metric["main"]["temp"] + 273.15, abs=0.01)
    assert imperial["main"]["temp"] == pytest.approx(metric["main"]["temp"] * 1.8 + 32, abs=0.02)
    assert imperial["wind"]["speed"] == pytest.approx(metric["wind"]["speed"] * 2.23694, abs=0.02)


@pytest.mark.parametrize(
    ("params", "status", "cod", "message"),
    [
        ({"appid": None}, 401, 401, "Invalid API key"),
        ({"lat": None}, 400, "400", "Nothing to geocode"),
        ({"lat": 91}, 400, "400", "wrong latitude"),
        ({"lon": "east"}, 400, "400", "wrong longitude"),
        ({"path": "/data/2.5/nonsense"}, 404, "404", "Internal error"),
    ],
)
def test_refusals(simulator: Simulator, params: dict[str, Any], status: int, cod: object, message: str) -> None:
    response = get(simulator, **params)
    assert (response.status_code, response.json()["cod"]) == (status, cod)
    assert response.json()["message"].startswith(message)


def test_too_many_requests(simulator: Simulator) -> None:
    simulator.inject("rate_limited")
    response = get(simulator)
    assert (response.status_code, response.json()["cod"]) == (429, 429)
