"""How every source is doing: what is fresh, what ran last, what was rejected."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Executable, Row, and_, case, exists, func, or_, select

from gans.clock import CLOCKS_DIFFER
from gans.database.views import source_freshness
from gans.source import CollectedSource
from gans.tables import collection_runs, rejects

WEEK: Final = timedelta(days=7)
WINDOW: Final = timedelta(hours=1)
"""How much of a source that is asked more often is looked at; of any other, its last slot."""

LEAST_FAILED: Final = 3
"""Fewer failed units are nothing to tell a person, whatever their share; but for a slot that had not so many, and all failed."""


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """How a source is doing that ever ran.

    Attributes:
        is_stale: nothing that it brought counts as fresh any more, or it never brought anything; not where it had nothing to ask
            for a week.
        failed_pct: of the units that the runs of `WINDOW`, or of the last slot, asked for, the share that got no usable answer in
            the last attempt of its slot; 0 where they are too few to tell.
        rejected_pct: of the items that these runs offered, all attempts together, the share that was refused.
    """

    source: str
    is_stale: bool
    failed_pct: float
    rejected_pct: float


def freshness(engine: Engine, sources: Iterable[CollectedSource], now: datetime) -> list[Freshness]:
    """Every one of `sources` that ever ran; runs of a time that is yet to come do not count.

    Reads few lines of the ledger, so that it may be asked every minute.
    """
    with engine.connect() as connection:
        found = [_freshness(connection, source, now.astimezone(UTC)) for source in sources]
    return [one for one in found if one]


def _has_come(now: datetime) -> ColumnElement[bool]:
    """Whether the slot of a run is not yet to come: one that was asked for by a clock that was ahead tells nothing of now."""
    return collection_runs.c.slot_at <= now + CLOCKS_DIFFER


def _freshness(connection: Connection, source: CollectedSource, now: datetime) -> Freshness | None:
    runs = collection_runs.c
    of = and_(runs.source == source.name, _has_come(now))
    newest = connection.scalar(select(func.max(runs.slot_at)).where(of))
    if newest is None:
        return None
    is_frequent = source.schedule.period < WINDOW
    since = now - WINDOW if is_frequent else newest
    lines = connection.execute(select(collection_runs).where(of, runs.slot_at >= since)).all()
    attempts = [(line.slot_at, line.attempt_at) for line in lines]
    last = dict(sorted(attempts))  # of each slot
    units = [_units(line) for line, (slot, attempt) in zip(lines, attempts, strict=True) if attempt == last[slot]]
    asked, failed = (sum(counts) for counts in zip(*units, strict=True)) if units else (0, 0)
    is_enough = failed >= LEAST_FAILED or (not is_frequent and failed == asked)
    return Freshness(
        source=source.name,
        is_stale=_is_stale(connection, source, of, newest, now),
        failed_pct=_share_pct(failed, asked) if is_enough else 0.0,
        rejected_pct=_share_pct(sum(line.rows_rejected for line in lines), sum(line.rows_offered for line in lines)),
    )


def _units(line: Row[Any]) -> tuple[int, int]:
    """How many units a part asked for, and how many failed; a part that failed as a whole has lost at least one."""
    is_lost = line.status == "failed" and not line.units_planned
    return line.units_planned + is_lost, line.units_failed + is_lost


def _is_stale(connection: Connection, source: CollectedSource, of: ColumnElement[bool], newest: datetime, now: datetime) -> bool:
    runs, first = collection_runs.c, now - source.stale_after

    def is_any(*conditions: ColumnElement[bool]) -> bool:
        return bool(connection.scalar(select(exists().where(of, *conditions))))

    if is_any(runs.slot_at > first, runs.stale_at > now):
        return False
    asked = or_(runs.units_planned > 0, runs.status == "failed")
    return newest <= first - WEEK or is_any(runs.slot_at > first - WEEK, asked)


def _share_pct(part: int, whole: int) -> float:
    """At most 100: an answer that failed as a whole is refused without having offered anything."""
    return 100.0 * min(1.0, part / (whole or 1))


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
