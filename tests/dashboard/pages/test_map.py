"""The map in a real browser, on every database, for a user who may only read."""

import re
from datetime import date, datetime, timedelta
from itertools import chain, repeat

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text, update
from sqlalchemy.exc import DBAPIError

from gans.clock import utc_now
from gans.database.engine import open_reader
from gans.decisions.placement import STATUS_OLD
from gans.settings import Settings
from gans.tables import metadata
from tests.dashboard.conftest import Draw, installed, system, told

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
    assert "<b>Gare</b>:" in shown
    hour = page.select_slider(key="hour-lille-2026-05-12")
    assert hour.options == ["08:00", "09:00"]
    shown = told(hour.set_value(HOUR).run())
    assert "Tuesday 12 May 2026, 08:00 to 09:00" in shown
    assert "2 stations, 1 stood empty for half an hour or longer, 0 full. About 3 riders" in shown
    assert "<b>Quai</b>:" in shown
    assert "<b>Gare</b>:" not in shown


@pytest.mark.parametrize(
    ("zone", "known", "day", "offered"),
    [
        ("Asia/Kolkata", ["2026-05-12T03:00+00:00", "2026-05-12T04:00+00:00"], "2026-05-12", ["08:30", "09:30"]),
        ("Asia/Kathmandu", ["2026-05-12T17:00+00:00", "2026-05-12T18:00+00:00"], "2026-05-12", ["22:45", "23:45"]),
        ("Asia/Kolkata", ["2026-05-12T18:00+00:00", "2026-05-12T19:00+00:00"], "2026-05-13", []),  # one of each day
        ("America/St_Johns", ["2026-05-12T02:00+00:00", "2026-05-12T03:00+00:00"], "2026-05-12", ["00:30"]),
        (
            "Europe/Paris",
            ["2026-10-24T23:00+00:00", "2026-10-25T00:00+00:00", "2026-10-25T01:00+00:00"],
            "2026-10-25",
            ["01:00", "02:00 CEST", "02:00 CET"],
        ),
    ],
)
def test_the_hours_that_are_there_are_offered_in_local_time(
    draw: Draw, engine: Engine, zone: str, known: list[str], day: str, offered: list[str]
) -> None:
    hours = {datetime.fromisoformat(hour): {"Gare": 0} for hour in known}
    system(engine, "pune", {"Gare": 9}, utc_now(), hours, timezone=zone)
    page = draw("map")
    page.session_state["when"] = "Past hour"
    told(page.run())
    assert page.date_input(key="day-pune").value.isoformat() == day
    found = [slider.options for slider in page.select_slider]
    if len(offered) > 1:
        assert found == [offered]
    else:
        assert found == []  # nothing to choose from
        assert "to 00:30" in told(page) or "to 01:30" in told(page)


def test_a_day_without_an_hour_says_so(draw: Draw, engine: Engine) -> None:
    hours = {HOUR: {"Gare": 0}, HOUR + timedelta(days=2): {"Gare": 0}}
    system(engine, "lille", {"Gare": 9}, utc_now(), hours)
    page = draw("map")
    page.session_state["when"] = "Past hour"
    page.run()
    assert "Nothing was collected on this day." in told(page.date_input(key="day-lille").set_value(date(2026, 5, 13)).run())


def test_it_opens_on_the_largest_system(draw: Draw, engine: Engine) -> None:
    system(engine, "albi", {"A": 3}, utc_now())
    system(engine, "nantes", NANTES, utc_now())
    system(engine, "zwolle", {"Z": 3, "Y": 2}, utc_now())
    assert draw("map").selectbox(key="system").value.system_id == "nantes"


@pytest.mark.parametrize("simulated", [False, None])
def test_old_data_is_no_ground_to_propose_on(draw: Draw, engine: Engine, simulated: bool | None) -> None:
    system(engine, "nantes", NANTES, utc_now() - timedelta(hours=5))
    if simulated is not None:
        installed(engine, is_simulated=simulated)
    shown = told(draw("map"))
    assert "The collector has stopped" in shown
    assert "Nothing is proposed on data older than 60 min" in shown


def test_a_feed_that_stands_still_is_no_stopped_collector(draw: Draw, engine: Engine) -> None:
    system(engine, "nantes", NANTES, utc_now())
    with engine.begin() as connection:
        old = {"feed_updated_at": utc_now() - timedelta(hours=5), "is_stale": True}
        connection.execute(update(metadata.tables["station_status"]).values(old))
    shown = told(draw("map"))
    assert "5 h ago" in shown
    assert "the system's feed stands still" in shown
    assert "The collector has stopped" not in shown
    assert "Nothing is proposed on data older than 60 min" in shown


def test_a_simulated_system_is_said_to_be_one_as_of_its_time(draw: Draw, engine: Engine) -> None:
    system(engine, "nantes", NANTES, utc_now() - timedelta(hours=5))
    installed(engine, is_simulated=True)
    shown = told(draw("map"))
    assert re.search(r"simulated, as of \d\d:\d\d", shown)
    assert "The collector has stopped" not in shown
    assert "near <b>Quai</b>" in shown


def test_what_the_truck_has_is_asked(draw: Draw, engine: Engine) -> None:
    system(engine, "nantes", {"Quai": 0, "Gare": 0, "Parc": 0}, utc_now())
    page = draw("map")
    assert "stay in the truck" in told(page)
    assert "at one stop" in told(page.slider(key="stops").set_value(1).run())
    assert "No stop is worth its time." in told(page.slider(key="min_riders").set_value(1.0).run())
    page.session_state["when"] = "Past hour"
    assert "scooters" not in {slider.key for slider in page.run().slider}, "nothing is proposed for what has passed"


TOLD = "Quai de l'Horloge & Pont <b> {lack} $&"


def hovered(page: Page, is_there: str) -> list[str]:
    """The lines of the tooltip, once it has this text: from the middle of the map upwards, again until something has it.

    The layers come some time after the canvas.
    """
    box = page.locator('[data-testid="stDeckGlJsonChart"]').bounding_box()
    assert box
    tooltip = page.locator(".deck-tooltip")
    for up in chain.from_iterable(repeat(range(0, round(box["height"] / 2), 2), 20)):
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 - up)
        page.wait_for_timeout(30)
        if tooltip.count() and is_there in (tooltip.text_content() or "") and tooltip.is_visible():
            within = tooltip.bounding_box()
            assert within
            assert within["x"] >= box["x"], "cut off"
            assert within["x"] + within["width"] <= box["x"] + box["width"], "cut off"
            assert within["y"] + within["height"] <= box["y"] + box["height"], "cut off"
            return tooltip.inner_text().replace("\u2060", "").splitlines()
    raise AssertionError(f"no tooltip with {is_there}")


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("width", [1400, 390])
def test_a_tooltip_says_names_as_they_are_in_lines_and_whole(page: Page, engine: Engine, width: int) -> None:
    system(engine, "nantes", {TOLD: 0}, utc_now() - timedelta(seconds=20))
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto("/")
    drawn(page)
    expect(page.get_by_text("1 stations, 1 empty")).to_be_visible()
    assert hovered(page, "docks free") == [
        TOLD,
        "0 vehicles of 20, 20 docks free",
        "no history of this hour yet",
        "6.0 riders find none",
    ]
    said = hovered(page, "Put ")
    assert re.fullmatch(r"1\. Put \d+ here", said[0])
    assert re.fullmatch(rf"near {re.escape(TOLD)} \(\d+ m\)", said[1])
    assert said[2].startswith("1 station within ")
    assert said[3].endswith(" riders")


@pytest.mark.databases("sqlite")
def test_it_shows_what_the_database_has(page: Page, engine: Engine) -> None:
    system(engine, "nantes", NANTES, utc_now() - timedelta(seconds=20))
    page.goto("/")
    drawn(page)
    expect(page.get_by_text("3 stations, 1 empty, 0 full. About 6 riders of the hour will find no vehicle.")).to_be_visible()
    expect(page.get_by_text(re.compile(r"near Quai \(\d+ m\)"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"1 station within \d+ m is empty"))).to_be_visible()
    expect(page.get_by_text(re.compile(r", \d+ (s|min) ago"))).to_be_visible()


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


@pytest.mark.databases("sqlite")
def test_a_stopped_collector_turns_the_age_red_by_itself(page: Page, engine: Engine) -> None:
    page.clock.install()
    system(engine, "rouen", {"Quai": 0}, utc_now() - timedelta(seconds=30))
    page.goto("/")
    drawn(page)
    expect(page.get_by_text(re.compile(r"\d+ (s|min) ago"))).to_be_visible()
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
