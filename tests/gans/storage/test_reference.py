"""What `collect` knows without a database: the watchlist and the published snapshots."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gans.errors import ConfigError
from gans.storage.reference import Snapshots, snapshot_key
from gans.storage.store import FolderStore
from gans.storage.watchlist import WatchedCity, Watchlist

Read = Callable[[str], Watchlist]
BERLIN = 'city_id = 1\nwikipedia_language = "en"\nwikipedia_title = "Berlin"\n'


def test_snapshots_are_the_watchlist_and_what_was_published(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    snapshots = Snapshots(store, Watchlist((WatchedCity(3, "de", "Ulm", is_watched=False),)))
    assert snapshots.rows("watched_cities") == [
        {"city_id": 3, "wikipedia_language": "de", "wikipedia_title": "Ulm", "is_watched": False, "region": None}
    ]
    assert snapshots.rows("watchlist") == [{"airport_distance_km": 60.0}]
    assert snapshots.rows("cities") == []
    store.write(snapshot_key("cities"), b'[{"city_id": 3, "latitude": null}]')
    assert snapshots.rows("cities") == [{"city_id": 3, "latitude": None}]


@pytest.mark.parametrize("damage", [b"", b"[{", b"{}", b"[1]", b"null", b'[{"name": "\xff"}]'])
def test_a_damaged_snapshot_is_said_plainly(tmp_path: Path, damage: bytes) -> None:
    store = FolderStore(tmp_path)
    store.write(snapshot_key("cities"), damage)
    with pytest.raises(ConfigError, match=r"The snapshot reference/cities\.json cannot be read: .*\. Delete it and collect"):
        Snapshots(store, Watchlist()).rows("cities")


VELIB = '[[systems]]\nsystem_id = "velib"\nurl = "https://x.test/gbfs.json"\n'
