"""The local EventBridge: fires each source at the very slots that AWS would."""

from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger

from gans.source import Schedule, Source


def trigger(schedule: Schedule) -> CronTrigger:
    """The schedule as APScheduler's cron, from the fields that EventBridge's cron expression is made of."""
    return CronTrigger(**schedule.cron(), timezone=UTC)


def serve(sources: list[Source], fire: Callable[[Source, datetime], None], clock: Callable[[], datetime]) -> None:
    """Calls `fire(source, slot)` at every slot, one after the other, until Ctrl-C."""
    scheduler = BlockingScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
    for source in sources:

        def due(source: Source = source) -> None:
            fire(source, source.schedule.slot(clock()))

        # A laptop that slept through some slots makes up for the last one only.
        scheduler.add_job(due, trigger(source.schedule), id=source.name, coalesce=True, misfire_grace_time=None)
    try:
        scheduler.start()
    finally:
        if scheduler.running:
            scheduler.shutdown(wait=False)
