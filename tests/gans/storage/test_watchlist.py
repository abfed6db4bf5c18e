"""The watchlist: what it may say, and what is said where it is wrong."""

from pathlib import Path

import msgspec
import pytest

from gans.errors import ConfigError
from gans.storage.reference import Snapshots
from gans.storage.store import FolderStore, Store
from gans.storage.watchlist import KEY, WatchedCity, WatchedSystem, Watchlist, read_watchlist
from tests.gans.storage.test_reference import BERLIN, VELIB, Read


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The watchlist of a file with this text."""

    def read(text: str) -> Watchlist:
        file = tmp_path / "watchlist.toml"
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
        return read_watchlist(FolderStore(tmp_path), file)

    return read


def test_a_watchlist_names_cities_and_remembers_those_removed(read: Read) -> None:
    watchlist = read(f"# ours\n[[cities]]\n{BERLIN}[[cities]]\n{BERLIN.replace('1', '2')}is_watched = false\n")
    assert watchlist.cities == (WatchedCity(1, "en", "Berlin"), WatchedCity(2, "en", "Berlin", is_watched=False))
    assert read("") == Watchlist()


def test_a_watchlist_says_how_far_an_airport_may_be(read: Read) -> None:
    assert read("").airport_distance_km == 60
    assert read("airport_distance_km = 35").airport_distance_km == 35


def test_without_a_file_it_is_in_the_store(tmp_path: Path) -> None:
    store: Store = FolderStore(tmp_path)
    with pytest.raises(ConfigError, match=r"There is no watchlist at reference/watchlist\.json\. Begin one with `gans watch add"):
        read_watchlist(store, None)
    watchlist = Watchlist((WatchedCity(1, "de", "Köln"),))
    store.write(KEY, msgspec.json.encode(watchlist))
    assert read_watchlist(store, None) == watchlist


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"[[cities]]\n{BERLIN}[[cities]]\n{BERLIN.replace('Berlin', 'Paris')}", "city_id 1 to 'Berlin' and to 'Paris'"),
        (f"[[cities]]\n{BERLIN.replace('1', '0')}", r"`int` >= 1 - at `\$\.cities\[0\]\.city_id`"),
        (f"[[cities]]\n{BERLIN.replace('1', '3000000000')}", r"<= 2147483647 - at `\$\.cities\[0\]\.city_id`"),
        (f"[[cities]]\n{BERLIN.replace('Berlin', '')}", "wikipedia_title"),
        (f"[[cities]]\n{BERLIN.replace('Berlin', '  ')}", r"wikipedia_title.*A title has 1 to 255 characters.*remove #1"),
        (f"[cities]\n{BERLIN}", r"Write \[\[cities\]\], in double brackets"),
        (f"[[cities]]\n{BERLIN.replace('1', 'true')}", "Expected `int`, got `bool`"),
        ('[[cities]]\ncity_id = 1\nwikipedia_language = "en"\n', "missing required field `wikipedia_title`"),
        (f"[[cities]]\n{BERLIN}is_watchd = false\n", "unknown field `is_watchd`"),
        ("[[city]]\ncity_id = 1\n", "unknown field `city`"),
        ("airport_distance_km = 301", r"`float` <= 300.0 - at `\$\.airport_distance_km`"),
        ('airport_distance_km = "60"', r"Expected `float`, got `str` - at `\$\.airport_distance_km`"),
        ("[[cities]\n", "watchlist.toml cannot be read"),
        ("# \udcff", "watchlist.toml cannot be read"),
    ],
)
def test_a_wrong_watchlist_is_said_plainly(read: Read, text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        read(text)


def test_a_watchlist_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"There is no watchlist at .*absent\.toml"):
        read_watchlist(FolderStore(tmp_path), tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match=r"The watchlist .* cannot be read: Is a directory"):
        read_watchlist(FolderStore(tmp_path), tmp_path)


def test_a_watchlist_names_systems_by_their_address_or_their_id(read: Read, tmp_path: Path) -> None:
    watchlist = read(VELIB + '[[systems]]\nsystem_id = "oslo-2"\ncatalogue_id = "oslobysykkel"\nttl_s = 60\nis_watched = false\n')
    assert watchlist.systems == (
        WatchedSystem(system_id="velib", url="https://x.test/gbfs.json"),
        WatchedSystem(system_id="oslo-2", catalogue_id="oslobysykkel", ttl_s=60, is_watched=False),
    )
    assert [row["system_id"] for row in Snapshots(FolderStore(tmp_path), watchlist).rows("watched_systems")] == [
        "velib",
        "oslo-2",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (VELIB + VELIB, "two systems called velib"),
        (VELIB + "city_id = 3\n", "no city with the city_id of the system velib"),
        (VELIB + 'catalogue_id = "a"\n', "either the url or the catalogue_id of the system 'velib'"),
        ('[[systems]]\nsystem_id = "a"\n', "either the url or the catalogue_id"),
        (VELIB.replace("velib", "Vélib"), "matching regex"),
        (VELIB.replace("https", "http"), "matching regex"),
        (VELIB + 'provider = "gtfs"\n', "Invalid enum value 'gtfs'"),
        (VELIB + "ttl_s = -1\n", "`int` >= 0"),
    ],
)
def test_a_wrong_system_is_said_plainly(read: Read, text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        read(text)
