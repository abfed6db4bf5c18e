"""What is landed and not loaded: the landing compared with the ledger."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from gans.source import Source
from gans.storage.landing import PartKey, parts_among
from gans.storage.store import Store
from gans.tables import collection_runs


def pending(
    store: Store, engine: Engine, sources: Iterable[Source], now: datetime, since: datetime | None = None
) -> list[PartKey]:
    """The landed parts of `sources` that the ledger does not know, oldest slot first.

    Those that may not be read any more (`Source.retention`) are not among them.

    Args:
        since: only slots of this day (UTC) or later; None for all, which lists the whole landing.

    Raises:
        DBAPIError: the database failed.
    """
    runs = collection_runs.c
    query = select(runs.landing_key)
    if since:
        query = query.where(runs.slot_at >= since.replace(hour=0, minute=0, second=0, microsecond=0))
    with engine.connect() as connection:
        loaded = set(connection.scalars(query))
    kept = {source.name: source.retention for source in sources}
    keys = (key for name in kept for prefix in _prefixes(name, now, since) for key in store.keys(prefix) if key not in loaded)
    return [part for part in parts_among(keys) if not ((age := kept[part.source]) and part.attempt < now - age)]


def _prefixes(source: str, now: datetime, since: datetime | None) -> Iterator[str]:
    """Where the parts lie: of all slots, or day by day until tomorrow, since a slot may be a little ahead."""
    if since is None:
        yield f"landing/{source}/"
        return
    for number in range((now.date() - since.date()).days + 2):
        yield f"landing/{source}/{since + timedelta(days=number):%Y%m%d}T"
