"""How every source is doing: its last run, whether its data is fresh, when it runs next."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import case, func, select

from gans.tables import collection_runs
from local.pipeline import Pipeline


class SourceStatus(msgspec.Struct, frozen=True):
    """One source.

    Attributes:
        state: fresh, stale, or "never ran".
        status: of its last run.
        rows: rows that its last run offered.
        rejected: items and answers that its last run refused.
        failed_runs: how many of the runs of the last seven days failed.
        next_slot: its next scheduled time.
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


def statuses(pipeline: Pipeline, now: datetime) -> list[SourceStatus]:
    """Every source of the registry, also those that never ran."""
    runs = collection_runs.c
    newest = select(runs.source, runs.slot_at, runs.attempt_at).order_by(runs.slot_at.desc(), runs.attempt_at.desc())
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
                )
            )
    return found
