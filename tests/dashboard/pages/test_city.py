"""The page of a city's next 72 hours."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, insert, update

from gans.clock import utc_now
from gans.tables import metadata
from tests.dashboard.conftest import Draw, told

FORECASTS = metadata.tables["weather_forecasts"]


def forecast(engine: Engine, *issued_ago: int) -> None:
    """Berlin, and an issue of its forecast so many hours ago each: rain in the first of 72 hours."""
    now = utc_now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    city = {"city_id": 1, "name": "Berlin", "country_code": "DE", "timezone": "Europe/Berlin", "is_watched": True}
    weather = {"temperature_c": 9.0, "snowfall_cm": 0.0, "wind_speed_kmh": 8.0, "wind_gust_kmh": 20.0, "condition_code": 3}
    local = {"local_on": hour.date(), "local_hour_of_week": 8, "period_hours": 1, "provider": "open-meteo", "city_id": 1}
    with engine.begin() as connection:
        connection.execute(insert(metadata.tables["cities"]), {**city, "watched_at": now, "fetched_at": now})
        for ago in issued_ago:
            for ahead in range(72):
                at = hour + timedelta(hours=ahead)
                times = {"hour_at": at, "valid_at": at, "issued_at": hour - timedelta(hours=ago), "fetched_at": now}
                rain = {"precipitation_mm": 2.0 if ahead == 0 else 0.0}
                connection.execute(insert(FORECASTS), {**weather, **local, **times, **rain})


def test_the_hours_are_those_of_the_database(draw: Draw, engine: Engine) -> None:
    forecast(engine, 0, 3, 27)
    shown = told(draw("city"))
    assert "71 of the next 72 hours are hours to ride in." in shown
    assert "; dashed, that of " in shown
    assert "Times in Europe/Berlin." in shown


@pytest.mark.databases("sqlite")
def test_it_shows_the_hours_to_ride_in_and_an_older_forecast(page: Page, engine: Engine) -> None:
    forecast(engine, 0, 3, 27)
    page.goto("/")
    page.get_by_role("link", name="City", exact=True).click()
    expect(page.get_by_text("71 of the next 72 hours are hours to ride in.")).to_be_visible()
    expect(page.get_by_text("; dashed, that of ")).to_be_visible()
    expect(page.get_by_text("Times in Europe/Berlin.")).to_be_visible()
    expect(page.locator('[data-testid="stVegaLiteChart"] .marks')).to_have_count(4)


@pytest.mark.databases("sqlite")
def test_an_hour_tells_of_itself_wherever_one_points_and_what_is_not_known_is_no_zero(page: Page, engine: Engine) -> None:
    forecast(engine, 0)
    page.goto("/")
    page.get_by_role("link", name="City", exact=True).click()
    panels = page.locator('[data-testid="stVegaLiteChart"] .marks')
    expect(panels).to_have_count(4)
    for number in range(4):
        panels.nth(number).scroll_into_view_if_needed()
        box = panels.nth(number).bounding_box()
        assert box
        for across, down in ((0.4, 0.1), (0.6, 0.4)):  # in the shade, away from lines and bars
            page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
            tooltip = page.locator("#vg-tooltip-element.visible")
            expect(tooltip).to_contain_text("9.0")
            expect(tooltip).to_contain_text(re.compile(r"flights landing\s*not known"))
            page.mouse.move(0, 0)
            expect(tooltip).to_have_count(0)


@pytest.mark.databases("sqlite")
def test_it_says_where_no_older_forecast_is_kept(page: Page, engine: Engine) -> None:
    forecast(engine, 0, 3)
    page.goto("/")
    page.get_by_role("link", name="City", exact=True).click()
    expect(page.get_by_text("no forecast of a day before is kept yet")).to_be_visible()


@pytest.mark.databases("sqlite")
def test_without_a_city_it_says_what_to_do(page: Page, engine: Engine) -> None:
    page.goto("/")
    page.get_by_role("link", name="City", exact=True).click()
    expect(page.get_by_text("No city is known yet.")).to_be_visible()


@pytest.mark.databases("sqlite")
def test_a_name_becomes_no_picture_no_link_and_no_mark(page: Page, engine: Engine) -> None:
    name = (
        r"![p](http://evil.example/p.png) [l](http://evil.example) <https://evil.example> http://evil.example www.evil.example "
        r"a@evil.example **b** :red[r] :material/home: $x^2$ `c` {d} \*e ~~f~~ <i>g</i> &amp;"
    )
    forecast(engine)
    with engine.begin() as connection:
        connection.execute(update(metadata.tables["cities"]).values(name=name))
    page.goto("/")
    page.get_by_role("link", name="City", exact=True).click()
    said = page.get_by_test_id("stAlert")
    expect(said).to_contain_text("No forecast for ")
    assert said.inner_text().replace("\u2060", "").startswith(f"No forecast for {name} yet: ")
    assert (
        said.locator("a, img, strong, em, del, i, .katex, [data-testid=stIconMaterial], p code").count() == 1
    )  # `gans collect …`
