"""Reference tables to the snapshots that `collect` reads."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Engine, func, select

from gans.storage.reference import snapshot_key
from gans.storage.store import Store
from gans.tables import Instant, metadata, table_facts


def publish(engine: Engine, store: Store, tables: Iterable[str]) -> tuple[str, ...]:
    """Writes the snapshot of each reference table among `tables`, where it differs from the one that is there.

    A snapshot is a JSON array of rows in key order, without the columns that are only versions; of the cities, the watched;
    of a table that every answer holds the whole of, or all that belongs to a row of another, the rows of the newest answer.

    Returns:
        The tables whose snapshot changed.
    """
    changed = []
    for table in (metadata.tables[name] for name in sorted(set(tables))):
        if not table_facts(table).is_reference:
            continue
        columns = [column for column in table.columns if not isinstance(column.type, Instant)]
        query = select(*columns).order_by(*table.primary_key)
        if "is_watched" in table.columns:
            query = query.where(table.c.is_watched)
        if whole := table_facts(table).current_with:
            other = metadata.tables[whole]
            newest = select(func.max(other.c.fetched_at))
            first = next(iter(table.columns))
            if first.references(next(iter(other.primary_key))):
                newest = newest.where(first == next(iter(other.primary_key)))
            query = query.where(table.c.fetched_at == newest.scalar_subquery())
        with engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        data = msgspec.json.encode(rows)
        if data != store.read(snapshot_key(table.name)):
            store.write(snapshot_key(table.name), data)
            changed.append(str(table.name))
    return tuple(changed)
