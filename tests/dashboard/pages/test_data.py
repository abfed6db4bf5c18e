"""The page on which anything is asked of the database."""

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from dashboard.pages.data import MOST_ROWS


@pytest.fixture
def data(page: Page, engine: Engine) -> Page:
    """The page, open."""
    page.goto("/")
    page.get_by_role("link", name="Data").click()
    expect(page.get_by_role("textbox", name="SQL")).to_be_visible()
    return page


def ask(page: Page, sql: str) -> None:
    page.get_by_role("textbox", name="SQL").fill(sql)
    page.get_by_role("textbox", name="SQL").press("Control+Enter")
    page.wait_for_selector('[data-test-script-state="running"]')
    page.wait_for_selector('[data-test-script-state="notRunning"]')  # what was there before is gone by then


def test_a_query_is_answered_and_can_be_taken_along(data: Page) -> None:
    ask(data, "SELECT country_code, name FROM countries WHERE name LIKE 'Na%' ORDER BY name")
    expect(data.get_by_text("2 rows, in ")).to_be_visible()
    with data.expect_download() as download:
        data.get_by_test_id("stDownloadButton").click()
    assert download.value.path().read_text().split() == ["country_code,name", "NA,Namibia", "NR,Nauru"]


def test_of_many_rows_the_first_are_shown_and_that_is_said(data: Page) -> None:
    ask(data, "SELECT a.name FROM countries a, countries b, countries c")
    expect(data.get_by_text(f"{MOST_ROWS:,} rows, the first of more: add a LIMIT, or aggregate")).to_be_visible()


def test_a_change_is_refused_in_the_databases_own_words(data: Page, engine: Engine) -> None:
    ask(data, "DELETE FROM countries")
    expect(data.get_by_text("A query may only read")).to_be_visible()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM countries").scalar_one() > 200
