"""How every source is doing: its last run, whether its data is fresh, when it runs next."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import case, func, select

from gans.errors import ConfigError
from gans.source import Reference, Request, Source
from gans.storage.reference import Snapshots
from gans.storage.watchlist import Watchlist, read_watchlist
from gans.tables import collection_runs
from local.pipeline import Pipeline

MONTH = timedelta(days=31)


class SourceStatus(msgspec.Struct, frozen=True):
    """One source.

    Attributes:
        state: fresh, stale, or "never ran".
        status: of its last run.
        rows: rows that its last run offered.
        rejected: items and answers that its last run refused.
        failed_runs: how many of the runs of the last seven days failed.
        next_slot: its next scheduled time.
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
    next_slot: datetime
    quota_use: int | None
    quota: int | None
    quota_plan: str


def statuses(pipeline: Pipeline, now: datetime) -> list[SourceStatus]:
    """Every source of the registry, also those that never ran."""
    runs = collection_runs.c
    newest = select(runs.source, runs.slot_at, runs.attempt_at).order_by(runs.slot_at.desc(), runs.attempt_at.desc())
    reference = _reference(pipeline)
    found = []
    with pipeline.engine.connect() as connection:
        for source in pipeline.sources.values():
            last = connection.execute(newest.where(runs.source == source.name).limit(1)).one_or_none()
            stale_at = connection.scalar(select(func.max(runs.stale_at)).where(runs.source == source.name))
            week = connection.execute(
                select(func.count(), func.sum(case((runs.status == "failed", 1), else_=0))).where(
                    runs.source == source.name, runs.slot_at > now - timedelta(days=7)
                )
            ).one()
            parts = (
                connection.execute(
                    select(collection_runs).where(
                        runs.source == source.name, runs.slot_at == last.slot_at, runs.attempt_at == last.attempt_at
                    )
                ).all()
                if last
                else []
            )
            kinds = {part.status for part in parts}
            found.append(
                SourceStatus(
                    source.name,
                    "never ran" if not last else "fresh" if stale_at and stale_at > now else "stale",
                    "" if not kinds else kinds.pop() if len(kinds) == 1 else "partial",
                    last.slot_at if last else None,
                    stale_at,
                    sum(part.rows_offered for part in parts),
                    sum(part.rows_rejected for part in parts),
                    week[0],
                    int(week[1] or 0),
                    next((part.error for part in parts if part.error), ""),
                    source.schedule.next(now),
                    quota_use(source, reference, now),
                    source.quota.per_month if source.quota else None,
                    source.quota.plan if source.quota else "",
                )
            )
    return found


def quota_use(source: Source, reference: Reference, now: datetime) -> int | None:
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
