"""How every source is doing: what is fresh, what ran last, what was rejected."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Engine, Executable, case, func, select

from gans.clock import CLOCKS_DIFFER
from gans.database.views import source_freshness
from gans.tables import collection_runs, rejects

WEEK: Final = timedelta(days=7)


class Freshness(msgspec.Struct, frozen=True):
    """A source that ran at least once.

    Attributes:
        is_stale: nothing that it brought counts as fresh any more, or it never brought anything.
        rejected_pct: of the items that its last slot offered, all attempts together, the share that was refused.
    """

    source: str
    is_stale: bool
    rejected_pct: float


def freshness(engine: Engine, now: datetime) -> list[Freshness]:
    """Every source of the ledger, by name; runs of a time that is yet to come do not count."""
    runs = collection_runs.c
    last = (
        select(runs.source, func.max(runs.slot_at).label("slot_at"), func.max(runs.stale_at).label("stale_at"))
        .where(_has_come(now))
        .group_by(runs.source)
        .subquery()
    )
    query = (
        select(last.c.source, last.c.stale_at, func.sum(runs.rows_offered), func.sum(runs.rows_rejected))
        .join(collection_runs, (runs.source == last.c.source) & (runs.slot_at == last.c.slot_at))
        .group_by(last.c.source, last.c.stale_at)
        .order_by(last.c.source)
    )
    with engine.connect() as connection:
        found = connection.execute(query).all()
    return [
        Freshness(source, stale_at is None or stale_at <= now.astimezone(UTC), _share_pct(int(rejected), int(offered)))
        for source, stale_at, offered, rejected in found
    ]


def _has_come(now: datetime) -> ColumnElement[bool]:
    """Whether the slot of a run is not yet to come: one that was asked for by a clock that was ahead tells nothing of now."""
    return collection_runs.c.slot_at <= now + CLOCKS_DIFFER


def _share_pct(rejected: int, offered: int) -> float:
    """At most 100: an answer that failed as a whole is refused without having offered anything."""
    return 100.0 * min(1.0, rejected / (offered or 1))


class LastRun(msgspec.Struct, frozen=True, kw_only=True):
    """A source's last run, and its week.

    Attributes:
        slot_at: None for one that never ran.
        status: the one of all its parts; "" for one that never ran.
        stale_at: until when its data counts as fresh; None where it never brought any.
        rows, rejected: offered and refused by the last run.
        runs, failed_runs: of the last seven days.
        error: the first failure of the last run; "" where there was none.
    """

    slot_at: datetime | None
    status: str
    stale_at: datetime | None
    rows: int
    rejected: int
    runs: int
    failed_runs: int
    error: str


def last_run(engine: Engine, source: str, now: datetime) -> LastRun:
    """How a source did last; also of one that never ran. Runs of a time that is yet to come do not count."""
    runs = collection_runs.c
    of = (runs.source == source) & _has_come(now)
    newest = select(runs.slot_at, runs.attempt_at).where(of).order_by(runs.slot_at.desc(), runs.attempt_at.desc()).limit(1)
    week = select(func.count(), func.sum(case((runs.status == "failed", 1), else_=0))).where(of, runs.slot_at > now - WEEK)
    with engine.connect() as connection:
        last = connection.execute(newest).one_or_none()
        stale_at = connection.scalar(select(func.max(runs.stale_at)).where(of))
        of_week, failed = connection.execute(week).one()
        parts = (
            connection.execute(
                select(collection_runs).where(of, runs.slot_at == last.slot_at, runs.attempt_at == last.attempt_at)
            ).all()
            if last
            else []
        )
    statuses = {part.status for part in parts}
    return LastRun(
        slot_at=last.slot_at if last else None,
        status="" if not statuses else statuses.pop() if len(statuses) == 1 else "partial",
        stale_at=stale_at,
        rows=sum(part.rows_offered for part in parts),
        rejected=sum(part.rows_rejected for part in parts),
        runs=of_week,
        failed_runs=int(failed or 0),
        error=next((part.error for part in parts if part.error), ""),
    )


def sources(engine: Engine) -> list[Mapping[str, Any]]:
    """The rows of `source_freshness`, by source."""
    return _rows(engine, select(source_freshness).order_by(source_freshness.c.source))


def newest_runs(engine: Engine, most: int) -> list[Mapping[str, Any]]:
    """The lines of the ledger with the newest slots."""
    runs = collection_runs.c
    query = select(runs.slot_at, runs.source, runs.status, runs.rows_offered, runs.rows_rejected, runs.error)
    return _rows(engine, query.order_by(runs.slot_at.desc(), runs.source).limit(most))


def newest_rejects(engine: Engine, most: int) -> list[Mapping[str, Any]]:
    """The items that were refused last, with their reasons."""
    return _rows(engine, select(rejects).order_by(rejects.c.attempt_at.desc()).limit(most))


def _rows(engine: Engine, query: Executable) -> list[Mapping[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
