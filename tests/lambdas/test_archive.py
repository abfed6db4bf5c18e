"""The archive function: what is over and new becomes files in the bucket, and rows; a person may have it done again."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import Engine

from gans.archive.archive import HOUR, LATE
from gans.errors import ConfigError
from gans.storage.store import S3Store
from lambdas import archive
from tests.gans.archive.test_archive import FILE, TEN, part, rows
from tests.lambdas.conftest import Context, Lines, scheduled

Land = Callable[..., str]
Fire = Callable[..., dict[str, Any]]


@pytest.fixture
def land(bucket: S3Store) -> Land:
    def land(minute: float, vehicles: Mapping[str, Any], **context: Any) -> str:
        key, data = part(minute, vehicles, **context)
        bucket.write(key, data)
        return key

    return land


@pytest.fixture
def fire(engine: Engine, database_url: str, bucket: S3Store, environment: pytest.MonkeyPatch) -> Fire:
    """Fires the function at a time; for as long as that time is now."""
    environment.setenv("GANS_DATABASE_URL", database_url)

    def fire(at: datetime, event: dict[str, Any] | None = None, context: Context | None = None) -> dict[str, Any]:
        environment.setattr(archive, "utc_now", lambda: at)
        return archive.handler(event or scheduled(f"{at:%Y-%m-%dT%H:%M:%SZ}"), context or Context(900))

    return fire


def done(*hours: datetime, is_complete: bool = True) -> dict[str, Any]:
    return {"hours": [hour.isoformat() for hour in hours], "is_complete": is_complete}


def test_the_rule_compacts_what_is_over_and_new(
    land: Land, fire: Fire, bucket: S3Store, engine: Engine, logged: Callable[[], Lines], tmp_path: Path
) -> None:
    for minute in (0, 1, 60):
        land(minute, {"a": 9 - minute // 30, "b": 5})
    at = TEN + HOUR + timedelta(minutes=5)
    assert fire(at) == done(TEN)
    file = bucket.read(FILE)
    assert file
    (tmp_path / "hour.parquet").write_bytes(file)
    stored = duckdb.sql(f"SELECT station_id, vehicles_available FROM '{tmp_path}/hour.parquet'").fetchall()
    assert stored == [("a", 9), ("a", 9), ("b", 5), ("b", 5)]
    assert [(row["station_id"], row["minutes_observed"]) for row in rows(engine)] == [("a", 2), ("b", 2)]
    (line,) = [line for line in logged() if line["message"] == "archived"]
    assert (line["hour"], line["parts"], line["systems"], line["rows"]) == ("2026-11-21T10:00:00+00:00", 2, 1, 4)
    assert (line["file_bytes"], line["unreadable"]) == (len(file), {})
    assert fire(at) == done(), "nothing is new"
    land(2, {"a": 9, "b": 5})
    assert fire(at) == done(TEN), "what is late rewrites its hour"
    assert {row["minutes_observed"] for row in rows(engine)} == {3}
    assert set(bucket.keys("archive/")) == {FILE}


def test_what_is_long_ago_is_left_to_a_person(land: Land, fire: Fire, engine: Engine) -> None:
    land(0, {"a": 9})
    land(60, {"a": 9})
    at = TEN + HOUR + LATE + timedelta(minutes=5)
    assert fire(at) == done(TEN + HOUR)
    assert fire(at, {"since": "2026-11-21T16:10:00+05:30", "until": "2026-11-21T11:59:00Z"}) == done(TEN)
    assert fire(at, {"since": "2026-11-21T10:30:00Z"}) == done(TEN + HOUR, TEN), "again, though nothing is new"
    assert fire(at, {"since": "2026-11-21T10:30:00Z", "until": "2030-01-01T00:00:00Z"}) == done(TEN + HOUR, TEN)
    assert fire(at) == done()


def test_no_hour_is_begun_that_may_not_be_finished(
    land: Land, fire: Fire, environment: pytest.MonkeyPatch, logged: Callable[[], Lines]
) -> None:
    for hour in range(4):
        land(60 * hour, {"a": hour})
    context = Context()
    remaining = iter([900_000, 1_000 * archive.COMPACTING_S, 1_000 * archive.COMPACTING_S - 1])
    environment.setattr(context, "get_remaining_time_in_millis", lambda: next(remaining))
    at = TEN + 4 * HOUR
    assert fire(at, context=context) == done(TEN + 3 * HOUR, TEN + 2 * HOUR, is_complete=False)
    assert [line["message"].partition(":")[0] for line in logged() if line["level"] == "WARNING"] == ["the time was nearly up"]
    # The first of the hours that were done begins with what the last of the others ended with.
    assert fire(at) == done(TEN + 2 * HOUR, TEN + HOUR, TEN)
    assert fire(at) == done()


def test_a_part_that_cannot_be_read_is_told(land: Land, fire: Fire, bucket: S3Store, logged: Callable[[], Lines]) -> None:
    land(0, {"a": 9})
    bucket.write(bad := land(1, {"a": 9}), b"not gzip")
    assert fire(TEN + HOUR) == done(TEN)
    assert "gzip" in logged()[-1]["unreadable"][bad]


@pytest.mark.parametrize("event", [{"since": "2026-11-21"}, {"since": "2026-11-21T10:00:00"}, {"until": 7}])
def test_a_wrong_event_is_told_plainly(fire: Fire, event: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="The event does not fit"):
        fire(TEN, event)
