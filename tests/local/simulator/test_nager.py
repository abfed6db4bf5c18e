"""The simulated Nager.Date: its answers as a client gets them and as the source reads them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests

from local.simulator import FAULTS, Simulator
from local.simulator.nager import _easter
from local.simulator.world import COUNTRIES
from tests.local.simulator.conftest import rows_of

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(clock=lambda: NOW) as running:
        yield running


def get(simulator: Simulator, year: object, country: str) -> requests.Response:
    return requests.get(f"{simulator.url}/date.nager.at/api/v3/PublicHolidays/{year}/{country}", timeout=5)


def rows(response: requests.Response, country: str) -> list[dict[str, Any]]:
    """The rows that the source takes from an answer; none may be refused."""
    return [row.values for row in rows_of("holidays", response, {"country_code": country}, NOW)]


@pytest.mark.parametrize(
    ("year", "easter"),
    [(2000, "2000-04-23"), (2024, "2024-03-31"), (2025, "2025-04-20"), (2026, "2026-04-05"), (2038, "2038-04-25")],
)
def test_easter(year: int, easter: str) -> None:
    assert _easter(year) == date.fromisoformat(easter)


def test_a_holiday_is_told_as_the_documentation_says(simulator: Simulator) -> None:
    holidays = get(simulator, 2026, "DE").json()
    assert holidays[1] == {
        "date": "2026-01-06",
        "localName": "Heilige Drei Könige",
        "name": "Epiphany",
        "countryCode": "DE",
        "fixed": True,
        "global": False,
        "counties": ["DE-BW", "DE-BY", "DE-ST"],
        "launchYear": None,
        "types": ["Public"],
    }
    assert [holiday["date"] for holiday in holidays] == sorted(holiday["date"] for holiday in holidays)
    assert {"2026-04-03", "2026-05-14"} <= {holiday["date"] for holiday in holidays if holiday["global"]}


def test_every_country_of_the_world_has_holidays_that_the_source_reads(simulator: Simulator) -> None:
    for country in set(COUNTRIES) - {"KZ"}:
        found = rows(get(simulator, 2026, country), country)
        assert len(found) >= 3
        assert {row["observed_on"].year for row in found} == {2026}
        assert any(row["region"] == "" and row["is_public"] for row in found)


def test_it_varies_as_real_ones_do(simulator: Simulator) -> None:
    american = [row for row in rows(get(simulator, 2026, "US"), "US") if row["name"] == "Good Friday"]
    assert {row["region"]: row["is_public"] for row in american}.items() >= {"US-TX": False, "US-NJ": True}.items()
    namibian = [row["name"] for row in rows(get(simulator, 2026, "NA"), "NA") if row["observed_on"] == date(2026, 12, 10)]
    assert namibian == ["Human Rights Day", "Namibian Women's Day"]
    thanksgiving = [row["observed_on"] for row in rows(get(simulator, 2026, "US"), "US") if row["name"] == "Thanksgiving Day"]
    assert thanksgiving == [date(2026, 11, 26)]


def test_a_country_that_is_not_supported_and_one_that_is_none(simulator: Simulator) -> None:
    silent = get(simulator, 2026, "KZ")
    assert (silent.status_code, silent.content) == (204, b"")
    assert rows(silent, "KZ") == []
    assert get(simulator, 2026, "XX").status_code == 404
    assert get(simulator, "next", "DE").status_code == 404


@pytest.mark.parametrize("country", ["DE", "KZ"])
@pytest.mark.parametrize("fault", ["wrong_charset", "changed_layout", "truncated", "empty"])
def test_a_fault_strikes_an_answer_without_a_body_too(simulator: Simulator, fault: str, country: str) -> None:
    assert fault in FAULTS
    simulator.inject(fault)
    assert get(simulator, 2026, country).status_code in (200, 204)
