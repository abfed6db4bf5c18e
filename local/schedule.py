"""The local EventBridge: fires each job at the very slots that AWS would, and what each of them does."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from threading import Event, Lock
from typing import NamedTuple, Protocol, TypeVar

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy.exc import DBAPIError

from gans.archive.archive import LATE, archive, summary
from gans.clock import utc_now
from gans.errors import ConfigError, Transient
from gans.jobs import ARCHIVE, RETAIN
from gans.retain import retain
from gans.schedule import Schedule
from gans.source import CollectedSource
from local.pipeline import Outcome, Pipeline

T = TypeVar("T")


class Job(NamedTuple):
    """What is run at its slots.

    Attributes:
        run: called with the slot.
        is_maintenance: whether it looks after what is stored: of these, one is run at a time.
    """

    name: str
    schedule: Schedule
    run: Callable[[datetime], None]
    is_maintenance: bool = False


class Report(Protocol):
    """Receives what the jobs did."""

    def ran(self, outcome: Outcome) -> None:
        """A source ran."""
        ...

    def did(self, job: str, summary: str) -> None:
        """A job of maintenance did something."""
        ...

    def failed(self, job: str, reason: str) -> None:
        """A job failed; the others go on."""
        ...


class Rules:
    """The rules that EventBridge has on AWS, for one pipeline.

    Args:
        sources: those that are asked; a source that reads what another one changed is fired right after it.
    """

    def __init__(
        self, pipeline: Pipeline, sources: Sequence[CollectedSource], report: Report, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._pipeline, self._sources, self._report, self._clock = pipeline, sources, report, clock
        self._is_ending = Event()
        self._running = {source.name: Lock() for source in sources}

    def jobs(self) -> list[Job]:
        """A job for each source, one for the archive where stations are asked, and one for the retention."""
        jobs = [Job(source.name, source.schedule, partial(self.fire, source)) for source in self._sources]
        if any(source.name == "station_status" for source in self._sources):
            jobs.append(Job("archive", ARCHIVE, self.archive, is_maintenance=True))
        jobs.append(Job("retain", RETAIN, self.retain, is_maintenance=True))
        return jobs

    def fire(self, source: CollectedSource, slot: datetime) -> None:
        """Runs a source, and then the sources that read what it changed; none twice at the same time."""
        with self._running[source.name]:
            outcome = self._attempt(source.name, lambda: self._pipeline.run(source, slot))
        if outcome is None:
            return
        self._report.ran(outcome)
        for reader in self._pipeline.readers(changed for part in outcome.loaded for changed in part.published):
            if reader in self._sources and reader is not source:
                self.fire(reader, reader.schedule.slot(self._clock()))

    def archive(self, _: datetime) -> None:
        """Compacts the hours that are over, until all are done or the scheduler ends."""
        store, engine, now = self._pipeline.store, self._pipeline.engine, self._clock()
        source = self._pipeline.sources["station_status"]
        has_time = lambda: not self._is_ending.is_set()  # noqa: E731 - a word for one argument
        hours = self._attempt("archive", lambda: archive(store, engine, source, now, now - LATE, has_time=has_time))
        if hours:
            self._report.did("archive", summary(hours))

    def retain(self, _: datetime) -> None:
        """Drops what need not be kept."""
        if retained := self._attempt("retain", lambda: retain(self._pipeline.engine, self._clock())):
            self._report.did("retain", f"{sum(retained.rows.values()):,} rows dropped")

    def end(self) -> None:
        """Begins no further hour of the archive."""
        self._is_ending.set()

    def _attempt(self, job: str, run: Callable[[], T]) -> T | None:
        try:
            return run()
        except (ConfigError, Transient, DBAPIError) as error:
            self._report.failed(job, str(getattr(error, "orig", None) or error))
            return None


def trigger(schedule: Schedule) -> CronTrigger:
    """The schedule as APScheduler's cron, from the fields that EventBridge's cron expression is made of."""
    return CronTrigger(**schedule.cron(), timezone=UTC)


def serve(jobs: Iterable[Job], clock: Callable[[], datetime]) -> None:
    """Runs every job at every slot of its schedule, until Ctrl-C; each source in a thread of its own, so that none waits."""
    jobs = list(jobs)
    executors = {job.name: ThreadPoolExecutor(1) for job in jobs if not job.is_maintenance}
    executors["maintenance"] = ThreadPoolExecutor(1)
    scheduler = BlockingScheduler(timezone=UTC, executors=executors)
    for job in jobs:

        def due(job: Job = job) -> None:
            job.run(job.schedule.slot(clock()))

        # A laptop that slept through some slots makes up for the last one only.
        scheduler.add_job(
            due,
            trigger(job.schedule),
            id=job.name,
            executor="maintenance" if job.is_maintenance else job.name,
            coalesce=True,
            misfire_grace_time=None,
        )
    try:
        scheduler.start()
    finally:
        if scheduler.running:
            scheduler.shutdown(wait=False)
