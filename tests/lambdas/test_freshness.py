"""The freshness function: what the alarms look at, measured every minute from the ledger."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert
from sqlalchemy.exc import DBAPIError

from gans.sources import registry
from gans.tables import collection_runs
from lambdas import freshness
from tests.lambdas.conftest import Context, Lines, measured
from tests.survival.conftest import NOW

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def run(source: str, ago: timedelta, failed: int = 0, units: int = 10, **values: Any) -> dict[str, Any]:
    """A line of the ledger: of `units`, `failed` got no answer that could be used."""
    slot, is_good = NOW - ago, failed < units
    return {
        "source": source,
        "slot_at": slot,
        "attempt_at": slot,
        "part": 1,
        "status": "ok" if not failed else "partial" if is_good else "failed",
        "requests": 1,
        "bytes_received": 1,
        "units_planned": units,
        "units_failed": failed,
        "rows_offered": 100 if is_good else 0,
        "rows_rejected": failed,
        "missing": "{}",
        "landing_key": "",
        "code_version": "",
        "stale_at": slot + registry()[source].stale_after if is_good else None,
        "loaded_at": NOW,
        **values,
    }


def idle(source: str, ago: timedelta, status: str = "ok") -> dict[str, Any]:
    """That of a run that had nothing to ask."""
    return run(source, ago, units=0, status=status, stale_at=None, rows_offered=0)


@pytest.fixture
def measure(
    engine: Engine, database_url: str, environment: pytest.MonkeyPatch, logged: Callable[[], Lines]
) -> Callable[..., dict[str, dict[str, float]]]:
    """What is measured of a ledger, by source."""

    def measure(*runs: dict[str, Any]) -> dict[str, dict[str, float]]:
        with engine.begin() as connection:
            connection.execute(insert(collection_runs), list(runs))
        environment.setenv("GANS_DATABASE_URL", database_url)
        environment.setattr(freshness, "utc_now", lambda: NOW)
        freshness.handler({}, Context())
        return measured(logged())

    return measure


Measure = Callable[..., dict[str, dict[str, float]]]


def test_every_source_that_is_asked_and_ever_ran_is_measured(measure: Measure) -> None:
    found = measure(
        run("weather", 30 * HOUR, rows_rejected=90),
        run("weather", 3 * HOUR, rows_offered=60, rows_rejected=3),
        run("weather", 3 * HOUR, part=2, rows_offered=40),
        run("cities", 3 * DAY + HOUR),
        run("flights", HOUR, failed=10),
        run("holidays", HOUR, rows_offered=0),
        run("airports", 8 * DAY),
        run("airports", DAY, failed=3),
        run("openweather", HOUR, failed=10),
        run("openweather", HOUR, attempt_at=NOW - MINUTE),
        run("area_counts", DAY),
    )
    assert found.pop("") == {"IsMeasured": 1}
    assert found == {
        "weather": {"IsStale": 0, "FailedPct": 0, "RejectedPct": 3},
        "cities": {"IsStale": 1, "FailedPct": 0, "RejectedPct": 0},
        "flights": {"IsStale": 1, "FailedPct": 100, "RejectedPct": 100},
        "holidays": {"IsStale": 0, "FailedPct": 0, "RejectedPct": 0},
        "airports": {"IsStale": 0, "FailedPct": 30, "RejectedPct": 3},
        "openweather": {"IsStale": 0, "FailedPct": 0, "RejectedPct": 10},
    }


@pytest.mark.parametrize(
    ("runs", "failed_pct"),
    [
        ([run("station_status", minute * MINUTE, failed=1, units=2) for minute in range(1, 11)], 50),
        ([run("station_status", minute * MINUTE, failed=minute in (5, 6), units=1) for minute in range(2, 10)], 0),
        ([run("station_status", 61 * MINUTE, failed=10), run("station_status", MINUTE)], 0),
        ([run("stations", HOUR, failed=2)], 0),
        ([run("systems_catalogue", HOUR, failed=1, units=1)], 100),
        ([idle("stations", HOUR, status="failed")], 100),
    ],
    ids=[
        "half of an hour",
        "two failures",
        "an hour ago",
        "two of ten",
        "the only one",
        "nothing was asked, and should have been",
    ],
)
@pytest.mark.databases("sqlite")
def test_a_share_of_failures_is_told_where_they_are_enough(
    measure: Measure, runs: list[dict[str, Any]], failed_pct: float
) -> None:
    assert measure(*runs)[runs[0]["source"]]["FailedPct"] == failed_pct


@pytest.mark.parametrize(
    ("runs", "is_stale"),
    [
        ([idle("vehicles", minute * MINUTE) for minute in range(1, 60)], 0),
        ([run("vehicles", 2 * DAY), idle("vehicles", MINUTE)], 1),
        ([run("vehicles", 9 * DAY), idle("vehicles", MINUTE)], 0),
        ([run("vehicles", 9 * DAY)], 1),
        ([run("vehicles", MINUTE), run("vehicles", -5 * DAY)], 0),
        ([run("vehicles", HOUR), run("vehicles", -5 * DAY)], 1),
    ],
    ids=["never asked", "since two days", "since nine days", "no run since", "good", "a clock that was ahead"],
)
def test_what_nobody_watches_is_not_stale_and_what_stands_still_is(
    measure: Measure, runs: list[dict[str, Any]], is_stale: int
) -> None:
    assert measure(*runs)["vehicles"]["IsStale"] == is_stale


def test_a_database_that_is_away_is_measured_too(environment: pytest.MonkeyPatch, logged: Callable[[], Lines]) -> None:
    environment.setenv("GANS_DATABASE_URL", "mysql+pymysql://root@127.0.0.1:9/gans")
    with pytest.raises(DBAPIError):
        freshness.handler({}, Context())
    assert measured(logged()) == {"": {"IsMeasured": 0}}
