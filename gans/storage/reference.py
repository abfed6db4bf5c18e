"""What `collect` knows of the world without a database: snapshots of reference tables, and the watchlist."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gans.errors import ConfigError
from gans.storage.store import Store
from gans.storage.watchlist import Watchlist


def snapshot_key(table: str) -> str:
    """Where the snapshot of a reference table is kept."""
    return f"reference/{table}.json"


class Snapshots:
    """The `Reference` that a plan reads: the watchlist, and the tables that `load` published.

    A snapshot that is no list of rows raises ConfigError.
    """

    def __init__(self, store: Store, watchlist: Watchlist) -> None:
        self._store, self._watchlist = store, watchlist

    def rows(self, table: str) -> Sequence[Mapping[str, Any]]:
        if table == "watched_cities":
            return [msgspec.structs.asdict(city) for city in self._watchlist.cities]
        if table == "watched_systems":
            return [msgspec.structs.asdict(system) for system in self._watchlist.systems]
        if table == "watchlist":
            return [{"airport_distance_km": self._watchlist.airport_distance_km}]
        key = snapshot_key(table)
        if (data := self._store.read(key)) is None:
            return []
        try:
            return msgspec.json.decode(data, type=list[dict[str, Any]])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"The snapshot {key} cannot be read: {error}. Delete it and collect the source that writes {table}: "
                "loading what was collected publishes it again."
            ) from None
