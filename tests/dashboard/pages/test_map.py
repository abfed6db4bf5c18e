"""The map in a real browser, on every database, for a user who may only read."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text, update
from sqlalchemy.exc import DBAPIError

from gans.clock import utc_now
from gans.database.engine import open_reader
from gans.decisions.placement import STATUS_OLD
from gans.settings import Settings
from gans.tables import metadata
from tests.dashboard.conftest import Draw, system, told

HOUR = datetime.fromisoformat("2026-05-12T06:00:00+00:00")
NANTES = {"Quai": 0, "Gare <b>Sud</b>": 9, "Parc": None}
LILLE = {HOUR: {"Gare": 0, "Quai": 30}, HOUR + timedelta(hours=1): {"Gare": 60, "Quai": 0}}


def drawn(page: Page) -> None:
    """Waits until the layers are on the canvas."""
    page.wait_for_selector('[data-testid="stDeckGlJsonChart"] canvas')


def test_now_is_what_the_database_has(draw: Draw, engine: Engine) -> None:
    system(engine, "nantes", NANTES, utc_now() - timedelta(seconds=20))
    shown = told(draw("map"))
    assert "3 stations, 1 empty, 0 full. About 6 riders of the hour will find no vehicle." in shown
    assert re.search(r", \d+ s ago", shown)
    assert re.search(r"near <b>Quai</b> \(\d+ m\)", shown)
    assert re.search(r"1 station within \d+ m is empty", shown)


def test_a_past_hour_is_what_the_database_has(draw: Draw, engine: Engine) -> None:
    system(engine, "lille", {"Quai": 9, "Gare": 9}, utc_now(), LILLE)
    page = draw("map")
    assert "there is nothing to place" in told(page)
    page.session_state["when"] = "Past hour"
    shown = told(page.run())
    assert "Tuesday 12 May 2026, 09:00 to 10:00" in shown
    assert "near <b>Gare</b>" in shown
    hour = page.slider(key="hour-lille")
    shown = told(hour.set_value(8).run())
    assert "Tuesday 12 May 2026, 08:00 to 09:00" in shown
    assert "2 stations, 1 stood empty for half an hour or longer, 0 full. About 3 riders" in shown
    assert "near <b>Quai</b>" in shown
    assert "near <b>Gare</b>" not in shown
    assert "Nothing was collected in this hour." in told(page.slider(key="hour-lille").set_value(7).run())


@pytest.mark.databases("sqlite")
def test_it_shows_what_the_database_has(page: Page, engine: Engine) -> None:
    system(engine, "nantes", NANTES, utc_now() - timedelta(seconds=20))
    page.goto("/")
    drawn(page)
    expect(page.get_by_text("3 stations, 1 empty, 0 full. About 6 riders of the hour will find no vehicle.")).to_be_visible()
    expect(page.get_by_text(re.compile(r"near Quai \(\d+ m\)"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"1 station within \d+ m is empty"))).to_be_visible()
    expect(page.get_by_text(re.compile(r", \d+ s ago"))).to_be_visible()


@pytest.mark.databases("sqlite")
def test_the_slider_moves_through_the_past_hours(page: Page, engine: Engine) -> None:
    system(engine, "lille", {"Quai": 9, "Gare": 9}, utc_now(), LILLE)
    page.goto("/")
    expect(page.get_by_text("there is nothing to place")).to_be_visible()
    page.get_by_text("Past hour").click()
    expect(page.get_by_text("Tuesday 12 May 2026, 09:00 to 10:00")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Gare: [\d.]+ riders, 60 min without a vehicle"))).to_be_visible()
    expect(page.get_by_text("GeoJSON")).to_have_count(0)
    page.get_by_role("slider", name="Hour").press("ArrowLeft")
    expect(page.get_by_text("Tuesday 12 May 2026, 08:00 to 09:00")).to_be_visible()
    expect(page.get_by_text("2 stations, 1 stood empty for half an hour or longer, 0 full. About 3 riders")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Quai: [\d.]+ riders, 30 min without a vehicle"))).to_be_visible()
    expect(page.get_by_text(re.compile("Gare:"))).to_have_count(0)
    page.get_by_role("slider", name="Hour").press("ArrowLeft")
    expect(page.get_by_text("Nothing was collected in this hour.")).to_be_visible()


@pytest.mark.databases("sqlite")
def test_a_stopped_collector_turns_the_age_red_by_itself(page: Page, engine: Engine) -> None:
    page.clock.install()
    system(engine, "rouen", {"Quai": 0}, utc_now() - timedelta(seconds=30))
    page.goto("/")
    drawn(page)
    expect(page.get_by_text(re.compile("s ago"))).to_be_visible()
    red = page.get_by_text("The collector has stopped")
    expect(red).to_have_count(0)
    with engine.begin() as connection:
        connection.execute(update(metadata.tables["station_status"]).values(fetched_at=utc_now() - STATUS_OLD))
    for _ in range(20):  # a minute of the page each; what it read last may be shown for 20 s
        if red.count():
            break
        page.clock.run_for(61_000)
        page.wait_for_timeout(2_000)
    expect(red).to_be_visible()


@pytest.mark.databases("sqlite")
def test_without_a_system_it_says_what_to_do(page: Page, engine: Engine) -> None:
    page.goto("/")
    expect(page.get_by_text("No shared-mobility system is watched yet.")).to_be_visible()
    expect(page.get_by_text("gans watch add-system oslo")).to_be_visible()


def test_its_user_may_only_read(engine: Engine, reader_url: str) -> None:
    reader = open_reader(Settings(database_url=reader_url))
    with pytest.raises(DBAPIError), reader.begin() as connection:
        connection.execute(text("DELETE FROM systems"))
    reader.dispose()
