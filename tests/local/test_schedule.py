"""The local EventBridge: APScheduler fires at the very slots, and a source is handed the slot that fired it."""

from datetime import UTC, datetime, timedelta

import pytest

from gans.source import Schedule, daily, every, weekly
from local import schedule


@pytest.mark.parametrize(
    "times",
    [every(minutes=1), every(minutes=15), every(hours=1), every(hours=3), daily("03:10"), weekly("MON", "23:59")],
    ids=str,
)
def test_the_cron_fires_at_every_slot_and_at_no_other_time(times: Schedule) -> None:
    trigger, now = schedule.trigger(times), datetime(2026, 2, 27, 13, 7, 31, tzinfo=UTC)
    for _ in range(50):
        fired = trigger.get_next_fire_time(None, now)
        assert fired == times.next(now)
        now = fired + timedelta(seconds=1)
