"""What each function may do in the database, by table: what its step reads and writes, and no more."""

from collections.abc import Callable, Mapping
from typing import Final

from gans.sources import registry
from gans.tables import collection_runs, installation, metadata, rejects, table_facts
from gans.tables.mobility import archived_hours, station_hours, station_usuals, systems

Rights = Mapping[str, frozenset[str]]
"""By the name of a table: what may be done to its rows, in SQL's words."""

_READ: Final = frozenset({"SELECT"})
_ADD: Final = _READ | {"INSERT"}
_UPSERT: Final = _ADD | {"UPDATE"}
_DELETE: Final = _READ | {"DELETE"}


def _merged(*parts: Rights) -> Rights:
    return {name: frozenset().union(*(part.get(name, ()) for part in parts)) for part in parts for name in part}


def _load() -> Rights:
    """Stores what the sources give, parents that are known by their keys alone, the ledger and the rejects."""
    sources = registry().values()
    written = {metadata.tables[name] for source in sources for name in source.writes}
    parents = {key.column.table for table in written for key in table.foreign_keys}
    return _merged(
        {table.name: _UPSERT for table in written},
        {parent.name: _UPSERT if "fetched_at" in parent.columns else _READ for parent in parents},
        {name: _DELETE for source in sources if source.retention for name in source.writes},
        {collection_runs.name: _UPSERT, installation.name: _ADD, rejects.name: _ADD | _DELETE},
    )


def _archive() -> Rights:
    """Stores the hours of the stations and what is usual, in place of those that are there, and which hours these are."""
    replaced = {table.name: _UPSERT | _DELETE for table in (station_hours, station_usuals)}
    return {systems.name: _UPSERT, archived_hours.name: _UPSERT, **replaced}


def _retain() -> Rights:
    """Deletes by the rules of the tables, and reads what it publishes."""
    tables = metadata.tables.values()
    return _merged(
        {table.name: _DELETE for table in tables if table_facts(table).retention},
        {table.name: _READ for table in tables if table_facts(table).is_reference},
    )


def _freshness() -> Rights:
    """Reads the ledger."""
    return {collection_runs.name: _READ}


ROLES: Final[Mapping[str, Callable[[], Rights]]] = {
    "load": _load,
    "archive": _archive,
    "retain": _retain,
    "freshness": _freshness,
}
"""By the function's name, what gives its rights."""
