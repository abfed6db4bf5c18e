"""The page on which anything is asked of the database."""

import csv

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from dashboard.pages.data import LIMITS
from tests.dashboard.conftest import Draw, told


@pytest.fixture
def data(page: Page, engine: Engine) -> Page:
    """The page, open."""
    page.goto("/")
    page.get_by_role("link", name="Data", exact=True).click()
    expect(page.get_by_role("textbox", name="SQL")).to_be_visible()
    return page


def ask(page: Page, sql: str) -> None:
    page.get_by_role("textbox", name="SQL").fill(sql)
    page.get_by_role("textbox", name="SQL").press("Control+Enter")


NAMIBIA_AND_NAURU = "SELECT country_code, name FROM countries WHERE name LIKE 'Na%' ORDER BY name"
MILLIONS = "SELECT a.name FROM countries a, countries b, countries c"


def test_the_database_answers_a_query_with_so_many_rows_as_are_shown_and_refuses_a_change(draw: Draw, engine: Engine) -> None:
    page = draw("data")
    assert "2 rows, in " in told(page.text_area[0].set_value(NAMIBIA_AND_NAURU).run())
    assert page.dataframe[0].value.values.tolist() == [["NA", "Namibia"], ["NR", "Nauru"]]
    shown = told(page.text_area[0].set_value(MILLIONS).run())
    assert f"{LIMITS.rows:,} rows, the first of more: add a LIMIT, or aggregate" in shown
    assert "Refused: DELETE." in told(page.text_area[0].set_value("DELETE FROM countries").run())
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM countries").scalar_one() > 200


@pytest.mark.databases("sqlite")
def test_a_query_is_answered_and_can_be_taken_along(data: Page) -> None:
    ask(data, NAMIBIA_AND_NAURU)
    expect(data.get_by_text("2 rows, in ")).to_be_visible()
    data.wait_for_selector('[data-test-script-state="notRunning"]')  # the button is that of these rows by then
    with data.expect_download() as download:
        data.get_by_test_id("stDownloadButton").click()
    assert download.value.path().read_text().split() == ["country_code,name", "NA,Namibia", "NR,Nauru"]


FORMULAS = """
SELECT '=1+2' AS "=a", '+SUM(A1)' AS b, '-2+3' AS c, '@x' AS d, char(9) || '=1' AS e, ' =1' AS f, '-2.5e3' AS g, -7 AS h,
       'a=b' AS i, '+49' AS j, '' AS k, NULL AS l
"""


@pytest.mark.databases("sqlite")
def test_a_cell_that_a_spreadsheet_would_run_is_taken_along_as_text_and_a_number_as_a_number(data: Page) -> None:
    ask(data, FORMULAS)
    expect(data.get_by_text("1 rows, in ")).to_be_visible()
    data.wait_for_selector('[data-test-script-state="notRunning"]')
    data.get_by_test_id("stDataFrame").hover()
    expect(data.get_by_role("button", name="Search").first).to_be_visible()
    expect(data.get_by_role("button", name="Download as CSV")).to_be_hidden()  # Streamlit's own, which defuses nothing
    with data.expect_download() as download:
        data.get_by_test_id("stDownloadButton").click()
    with download.value.path().open(newline="") as file:
        names, cells = csv.reader(file)
    assert names[:2] == ["'=a", "b"]
    assert cells == ["'=1+2", "'+SUM(A1)", "'-2+3", "'@x", "'\t=1", "' =1", "-2.5e3", "-7", "a=b", "+49", "", ""]


@pytest.mark.databases("sqlite")
def test_of_many_rows_the_first_are_shown_and_that_is_said(data: Page) -> None:
    ask(data, MILLIONS)
    expect(data.get_by_text(f"{LIMITS.rows:,} rows, the first of more: add a LIMIT, or aggregate")).to_be_visible()


@pytest.mark.databases("sqlite")
def test_a_change_is_refused(data: Page, engine: Engine) -> None:
    ask(data, "DELETE FROM countries")
    expect(data.get_by_text("Refused: DELETE.")).to_be_visible()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM countries").scalar_one() > 200
