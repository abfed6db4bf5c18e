"""Schedules: slots, and the cron fields of the same instants."""

from datetime import UTC, datetime, timedelta

import pytest

from gans.schedule import Schedule, daily, every, hourly, weekly
from local.schedule import trigger

SCHEDULES = [
    every(minutes=1),
    every(minutes=15),
    every(minutes=60),
    every(hours=1),
    every(hours=3),
    every(hours=12),
    every(hours=24),
    hourly(5),
    daily("03:10"),
    daily("00:00"),
    weekly("MON", "00:00"),
    weekly("SUN", "23:59"),
    weekly("WED", "03:10"),
    Schedule(timedelta(minutes=15), timedelta(minutes=7)),
    Schedule(timedelta(hours=6), timedelta(hours=1, minutes=20)),
]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "instant", "slot", "following"),
    [
        (every(hours=3), "2025-03-30T02:59:59.999999", "2025-03-30T00:00", "2025-03-30T03:00"),
        (every(hours=3), "2025-03-30T03:00", "2025-03-30T03:00", "2025-03-30T06:00"),
        (every(hours=3), "2024-12-31T22:00", "2024-12-31T21:00", "2025-01-01T00:00"),
        (every(minutes=20), "2025-01-01T00:59", "2025-01-01T00:40", "2025-01-01T01:00"),
        (hourly(5), "2025-01-01T00:04:59", "2024-12-31T23:05", "2025-01-01T00:05"),
        (daily("03:10"), "2025-03-01T03:09:59", "2025-02-28T03:10", "2025-03-01T03:10"),
        (daily("03:10"), "2024-02-29T03:10", "2024-02-29T03:10", "2024-03-01T03:10"),
        (weekly("MON", "05:00"), "2025-01-06T04:59", "2024-12-30T05:00", "2025-01-06T05:00"),
        (weekly("SUN", "05:00"), "2025-01-06T04:59", "2025-01-05T05:00", "2025-01-12T05:00"),
        (weekly("MON", "05:00"), "1969-12-31T00:00", "1969-12-29T05:00", "1970-01-05T05:00"),
    ],
)
def test_a_slot_is_the_last_scheduled_time(schedule: Schedule, instant: str, slot: str, following: str) -> None:
    assert schedule.slot(at(instant)) == at(slot)
    assert schedule.next(at(instant)) == at(following)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_the_cron_fires_at_every_slot_of_three_weeks(schedule: Schedule) -> None:
    """Over a leap day and the clock changes of summer time, which UTC does not have."""
    cron, days = trigger(schedule), timedelta(days=21) if schedule.period > timedelta(minutes=15) else timedelta(days=2)
    for start in (at("2024-02-19T11:11:11"), at("2025-03-20T00:00")):
        slot, fired = schedule.next(start - timedelta(microseconds=1)), cron.get_next_fire_time(None, start)
        while slot < start + days:
            assert fired == slot
            slot, fired = schedule.next(slot), cron.get_next_fire_time(fired, fired)


def test_the_cron_fields_are_those_of_eventbridge() -> None:
    assert every(minutes=15).cron() == {"minute": "0/15", "hour": "*", "day_of_week": "*"}
    assert hourly(5).cron() == {"minute": "5", "hour": "0/1", "day_of_week": "*"}
    assert every(hours=3).cron() == {"minute": "0", "hour": "0/3", "day_of_week": "*"}
    assert weekly("WED", "03:10").cron() == {"minute": "10", "hour": "3", "day_of_week": "WED"}


@pytest.mark.parametrize(
    ("minutes", "hours"), [(0, 0), (7, 0), (0, 5), (90, 0), (0, 48), (30, 1), (-5, 0), (0, -3)], ids=lambda number: str(number)
)
def test_a_period_that_drifts_along_the_clock_is_refused(minutes: int, hours: int) -> None:
    with pytest.raises(ValueError, match=r"divisor of 60 or of 24"):
        every(minutes=minutes, hours=hours)


def test_a_schedule_says_when_it_is() -> None:
    expected = ["every 15 min", "every 3 h", "daily at 03:10 UTC", "Wed at 03:10 UTC"]
    assert [str(s) for s in (every(minutes=15), every(hours=3), daily("03:10"), weekly("WED", "03:10"))] == expected
