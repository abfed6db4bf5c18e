"""The local EventBridge: APScheduler fires at the very slots, and a job is handed the slot that fired it."""

import signal
from datetime import UTC, datetime, timedelta
from threading import Event, main_thread

import pytest
from apscheduler.triggers.date import DateTrigger

from gans.schedule import Schedule, daily, every, hourly, weekly
from local import schedule


@pytest.mark.parametrize(
    "times",
    [every(minutes=1), every(minutes=15), every(hours=1), every(hours=3), hourly(5), daily("03:10"), weekly("MON", "23:59")],
    ids=str,
)
def test_the_cron_fires_at_every_slot_and_at_no_other_time(times: Schedule) -> None:
    trigger, now = schedule.trigger(times), datetime(2026, 2, 27, 13, 7, 31, tzinfo=UTC)
    for _ in range(50):
        fired = trigger.get_next_fire_time(None, now)
        assert fired == times.next(now)
        now = fired + timedelta(seconds=1)


def test_maintenance_keeps_no_upstream_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, ended, slots, waited = Event(), Event(), list[datetime](), list[bool]()

    def ask(slot: datetime) -> None:
        slots.append(slot)
        asked.set()

    def look_after(slot: datetime) -> None:
        slots.append(slot)
        waited.append(asked.wait(60))
        for pause_s in (0.5, 10, 10, 10):  # what interrupts the scheduler before it waits, it swallows
            if not ended.wait(pause_s):
                signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)

    jobs = [
        schedule.Job("archive", hourly(5), look_after, is_maintenance=True),
        schedule.Job("station_status", every(minutes=1), ask),
    ]
    monkeypatch.setattr(schedule, "trigger", lambda _: DateTrigger())  # at once
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in the background
    try:
        with pytest.raises(KeyboardInterrupt):
            schedule.serve(jobs, lambda: datetime(2026, 11, 21, 10, 7, 31, tzinfo=UTC))
    finally:
        ended.set()
        signal.signal(signal.SIGINT, before)
    assert waited == [True]
    assert sorted(slots) == [datetime(2026, 11, 21, 10, minute, tzinfo=UTC) for minute in (5, 7)]
