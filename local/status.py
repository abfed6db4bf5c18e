"""How every source is doing: its last run, whether its data is fresh, when it runs next."""

from datetime import datetime, timedelta

import msgspec

from gans.errors import ConfigError
from gans.reading.freshness import LastRun, last_run
from gans.source import CollectedSource, Reference, Request, Source
from gans.storage.reference import Snapshots
from gans.storage.watchlist import Watchlist, read_watchlist
from local.pipeline import Pipeline

MONTH = timedelta(days=31)


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One source.

    Attributes:
        state: fresh, stale, or "never ran".
        status: of its last run.
        rows: rows that its last run offered.
        rejected: items and answers that its last run refused.
        failed_runs: how many of the runs of the last seven days failed.
        next_slot: its next scheduled time; None for one that only takes files.
        quota_use: the units of its quota that a month of its schedule costs, every request answered at the first try; None
            where it has no quota.
        quota: the units that a month has.
        quota_plan: the subscription that gives them.
    """

    source: str
    state: str
    status: str
    last_slot: datetime | None
    stale_at: datetime | None
    rows: int
    rejected: int
    runs: int
    failed_runs: int
    error: str
    next_slot: datetime | None
    quota_use: int | None
    quota: int | None
    quota_plan: str


def statuses(pipeline: Pipeline, now: datetime) -> list[SourceStatus]:
    """Every source of the registry, also those that never ran."""
    reference = _reference(pipeline)
    return [_status(source, last_run(pipeline.engine, source.name, now), reference, now) for source in pipeline.sources.values()]


def _status(source: Source, last: LastRun, reference: Reference, now: datetime) -> SourceStatus:
    asked = source if isinstance(source, CollectedSource) else None
    quota = asked.quota if asked else None
    is_fresh = last.stale_at is not None and last.stale_at > now
    return SourceStatus(
        source=source.name,
        state="never ran" if last.slot_at is None else "fresh" if is_fresh else "stale",
        status=last.status,
        last_slot=last.slot_at,
        stale_at=last.stale_at,
        rows=last.rows,
        rejected=last.rejected,
        runs=last.runs,
        failed_runs=last.failed_runs,
        error=last.error,
        next_slot=asked.schedule.next(now) if asked else None,
        quota_use=quota_use(asked, reference, now) if asked else None,
        quota=quota.per_month if quota else None,
        quota_plan=quota.plan if quota else "",
    )


def quota_use(source: CollectedSource, reference: Reference, now: datetime) -> int | None:
    """The units that the requests planned for the coming 31 days cost; None for a source without a quota."""
    if source.quota is None:
        return None
    requests, slot = 0, source.schedule.next(now)
    while slot <= now + MONTH:
        requests += sum(isinstance(unit, Request) for unit in source.plan(reference, slot))
        slot = source.schedule.next(slot)
    return requests * source.quota.per_request


def _reference(pipeline: Pipeline) -> Reference:
    """What a plan would read now; without a watchlist nothing is planned."""
    try:
        watchlist = read_watchlist(pipeline.store, pipeline.settings.watchlist_file)
    except ConfigError:
        watchlist = Watchlist()
    return Snapshots(pipeline.store, watchlist)
