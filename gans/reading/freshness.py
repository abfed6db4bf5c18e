"""How fresh each source's data is, and how much of its last run was refused: what the alarms look at."""

from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection, func, select, text

from gans.tables import Instant, collection_runs


class Freshness(msgspec.Struct, frozen=True):
    """A source that ran at least once.

    Attributes:
        is_stale: nothing that it brought counts as fresh any more, or it never brought anything.
        rejected_pct: of the items that its last slot offered, all attempts together, the share that was refused.
    """

    source: str
    is_stale: bool
    rejected_pct: float


def freshness(connection: Connection, now: datetime) -> list[Freshness]:
    """Every source of the ledger, by name."""
    runs = collection_runs.c
    fresh = text("SELECT source, last_slot_at, stale_at FROM source_freshness").columns(
        runs.source, last_slot_at=Instant, stale_at=Instant
    ).subquery("fresh")  # fmt: skip
    query = (
        select(fresh.c.source, fresh.c.stale_at, func.sum(runs.rows_offered), func.sum(runs.rows_rejected))
        .join(collection_runs, (runs.source == fresh.c.source) & (runs.slot_at == fresh.c.last_slot_at))
        .group_by(fresh.c.source, fresh.c.stale_at)
        .order_by(fresh.c.source)
    )
    return [
        Freshness(source, stale_at is None or stale_at <= now.astimezone(UTC), _share_pct(int(rejected), int(offered)))
        for source, stale_at, offered, rejected in connection.execute(query)
    ]


def _share_pct(rejected: int, offered: int) -> float:
    """At most 100: an answer that failed as a whole is refused without having offered anything."""
    return 100.0 * min(1.0, rejected / (offered or 1))
