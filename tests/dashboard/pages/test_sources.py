"""The page that tells how the pipeline is."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, insert

from gans.clock import utc_now
from gans.tables import collection_runs, rejects
from tests.dashboard.conftest import Draw, installed, told


def run_late(engine: Engine) -> None:
    """A run of a source that is fresh, with a reject, and one of a source that is late."""
    now = utc_now()
    counts = dict.fromkeys(("requests", "bytes_received", "units_planned", "units_failed", "rows_offered", "rows_rejected"), 1)
    told = {"status": "ok", "missing": "{}", "landing_key": "k", "code_version": "1", "loaded_at": now}
    run = {"attempt_at": now, "part": 1, **counts, **told}
    with engine.begin() as connection:
        for source, stale_at in (("weather", now + timedelta(hours=1)), ("flights", now - timedelta(minutes=1))):
            connection.execute(insert(collection_runs), {**run, "source": source, "slot_at": now, "stale_at": stale_at})
        refused = {"ordinal": 1, "unit": "Berlin", "reason": "no temperature", "item": "{}"}
        key = {"source": "weather", "slot_at": now, "attempt_at": now, "part": 1}
        connection.execute(insert(rejects), {**key, **refused})


def test_the_sources_that_are_late_are_those_of_the_database(draw: Draw, engine: Engine) -> None:
    run_late(engine)
    page = draw("sources")
    assert "1 of 2 sources are late" in told(page)
    sources, runs, refused = (shown.value.to_dict("records") for shown in page.dataframe)
    assert [(one["source"], one["data"]) for one in sources] == [("flights", "late"), ("weather", "fresh")]
    assert [(one["source"], one["status"]) for one in runs] == [("flights", "ok"), ("weather", "ok")]
    assert [(one["source"], one["unit"], one["reason"]) for one in refused] == [("weather", "Berlin", "no temperature")]


def test_what_was_simulated_is_said_to_be_and_never_late(draw: Draw, engine: Engine) -> None:
    run_late(engine)
    installed(engine, is_simulated=True)
    page = draw("sources")
    assert "simulated, as of 20" in told(page)
    assert "are late" not in told(page)
    assert {one["data"] for one in page.dataframe[0].value.to_dict("records")} == {"simulated"}


@pytest.mark.databases("sqlite")
def test_it_names_the_sources_that_are_late(page: Page, engine: Engine) -> None:
    run_late(engine)
    page.goto("/")
    page.get_by_role("link", name="Pipeline", exact=True).click()
    expect(page.get_by_text("1 of 2 sources are late")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(3)


@pytest.mark.databases("sqlite")
def test_without_a_run_it_says_what_to_do(page: Page, engine: Engine) -> None:
    page.goto("/")
    page.get_by_role("link", name="Pipeline", exact=True).click()
    expect(page.get_by_text("Nothing has run yet")).to_be_visible()
