"""The local EventBridge: APScheduler fires at the very slots, and a job is handed the slot that fired it."""

import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event, Lock, main_thread
from time import sleep

import pytest
from apscheduler.triggers.date import DateTrigger

from gans.collect.collect import Collected
from gans.load.load import Loaded
from gans.schedule import Schedule, daily, every, hourly, weekly
from gans.source import Source
from gans.sources import asked, registry
from gans.storage.landing import PartKey
from local import schedule
from local.pipeline import Outcome, Pipeline, Progress


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


def test_neither_maintenance_nor_another_upstream_keeps_one_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, ended, slots, waited = Event(), Event(), list[datetime](), list[bool]()

    def ask(slot: datetime) -> None:
        slots.append(slot)
        asked.set()

    def hang(slot: datetime) -> None:
        slots.append(slot)
        waited.append(asked.wait(60))

    def look_after(slot: datetime) -> None:
        hang(slot)
        for pause_s in (0.5, 10, 10, 10):  # what interrupts the scheduler before it waits, it swallows
            if not ended.wait(pause_s):
                signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)

    jobs = [
        schedule.Job("archive", hourly(5), look_after, is_maintenance=True),
        schedule.Job("stations", hourly(6), hang),
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
    assert waited == [True, True]
    assert sorted(slots) == [datetime(2026, 11, 21, 10, minute, tzinfo=UTC) for minute in (5, 6, 7)]


def test_a_source_that_another_one_fires_is_not_run_twice_at_once() -> None:
    sources = [asked()[name] for name in ("stations", "station_status")]
    running, seen, both = Lock(), list[str](), Barrier(2, timeout=60)

    class Shared(Pipeline):
        def __init__(self) -> None:
            self.sources = registry()

        def run(self, source: Source, slot: datetime, on_progress: Progress = lambda done, planned: None) -> Outcome:
            if source.name == "stations":
                both.wait()
                return Outcome(source.name, slot, Collected([], 0, 0, 0), [loaded_with("systems")])
            assert running.acquire(blocking=False), "it was running already"
            if not seen:
                both.wait()  # the other is about to fire it
            seen.append(source.name)
            sleep(0.2)  # what would meet, meets
            running.release()
            return Outcome(source.name, slot, Collected([], 0, 0, 0), [loaded_with()])

    rules = schedule.Rules(Shared(), sources, Silent(), lambda: SLOT)
    with ThreadPoolExecutor(2) as pool:
        for fired in [pool.submit(rules.fire, source, SLOT) for source in sources]:
            fired.result(60)
    assert seen == ["station_status"] * 2


SLOT = datetime(2026, 11, 21, 10, 7, tzinfo=UTC)


def loaded_with(*published: str) -> Loaded:
    key = PartKey("probe", SLOT, SLOT, 1)
    return Loaded(key=key, status="ok", rows={}, rejected=0, published=published, error="", unusable=0, lag_s=None)


class Silent:
    """A report that nobody reads."""

    def ran(self, outcome: Outcome) -> None: ...

    def did(self, job: str, summary: str) -> None: ...

    def failed(self, job: str, reason: str) -> None: ...
