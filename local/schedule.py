"""The local EventBridge: fires each job at the very slots that AWS would."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger

from gans.source import Schedule


class Job(NamedTuple):
    """What is run at its slots.

    Attributes:
        run: is told the slot.
        is_upkeep: whether it looks after what is stored, beside the others, which ask the upstreams one after the other.
    """

    name: str
    schedule: Schedule
    run: Callable[[datetime], None]
    is_upkeep: bool = False


def trigger(schedule: Schedule) -> CronTrigger:
    """The schedule as APScheduler's cron, from the fields that EventBridge's cron expression is made of."""
    return CronTrigger(**schedule.cron(), timezone=UTC)


def serve(jobs: Iterable[Job], clock: Callable[[], datetime]) -> None:
    """Runs every job at every slot of its schedule, until Ctrl-C."""
    executors = {name: ThreadPoolExecutor(1) for name in ("default", "upkeep")}
    scheduler = BlockingScheduler(timezone=UTC, executors=executors)
    for job in jobs:

        def due(job: Job = job) -> None:
            job.run(job.schedule.slot(clock()))

        # A laptop that slept through some slots makes up for the last one only.
        scheduler.add_job(
            due,
            trigger(job.schedule),
            id=job.name,
            executor="upkeep" if job.is_upkeep else "default",
            coalesce=True,
            misfire_grace_time=None,
        )
    try:
        scheduler.start()
    finally:
        if scheduler.running:
            scheduler.shutdown(wait=False)
