"""What the feeds about a system and its stations mean: discovery, places, neighbours, names in all languages."""

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, delete, select

from gans.errors import BadData
from gans.geography import great_circle_km
from gans.load.load import load
from gans.source import Capture, Provided, Reject, Repaired, Request, Row
from gans.sources import _gbfs, stations
from gans.storage.landing import Footer, Header, PartKey, PartWriter
from gans.storage.store import FolderStore
from gans.tables import metadata

PAYLOAD = (Path(__file__).parent / "payload.json").read_bytes()
NOW = datetime(2025, 3, 30, 2, 40, tzinfo=UTC)


def capture(feed: str, content: Any) -> Capture:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    context = {"system_id": "testville", "feed": feed}
    return Capture(
        unit=f"testville {feed}", url="https://x.test/f.json", status=200, slot=NOW, fetched_at=NOW, context=context, body=body
    )


def items(feed: str, content: Any) -> list[Any]:
    return list(stations.parse(capture(feed, content)))


def table(found: list[Any], name: str) -> list[dict[str, Any]]:
    return [item.values for item in found if isinstance(item, Row) and item.table == name]


def information(*stations: dict[str, Any]) -> list[Any]:
    return items("station_information", {"data": {"stations": stations}})


def station(station_id: str, lat: Any, lon: Any) -> dict[str, Any]:
    return {"station_id": station_id, "lat": lat, "lon": lon}


def test_the_payload() -> None:
    found = items("station_information", PAYLOAD)
    first, second, third = table(found, "stations")
    assert first == {
        "system_id": "testville", "station_id": "1", "name": "Town Hall", "latitude": 52.5183, "longitude": 13.4083,
        "capacity": 24, "is_virtual": False, "is_charging": None,
    }  # fmt: skip
    assert (second["name"], third["capacity"]) == ("Brücke", None)
    pairs = {(row["station_id"], row["neighbour_id"]): row["distance_m"] for row in table(found, "station_neighbours")}
    assert pairs == {("1", "2"): pytest.approx(298, abs=2), ("2", "1"): pytest.approx(298, abs=2)}


def discovered(found: list[Any]) -> dict[str, Any]:
    """What a discovery document tells of the system, over all its rows; each address stands in one of its own."""
    rows = table(found, "systems")
    assert all(len(row) == 2 for row in rows)
    return {name: value for row in rows for name, value in row.items()}


FEEDS = [
    {"name": "gbfs", "url": "https://x.test/gbfs.json"},
    {"name": "system_information", "url": "https://x.test/i.json"},
    {"name": "station_information", "url": "http://x.test/stations.json?lang=å"},
    {"name": "station_status", "url": "https://x.test/status.json"},
    {"name": "free_bike_status", "url": "https://x.test/bikes.json"},
]


@pytest.mark.parametrize(
    "data",
    [
        {"feeds": FEEDS},
        {"en": {"feeds": FEEDS}},
        {"nb": {"feeds": FEEDS}},
        {"nb": {"feeds": []}, "en": {"feeds": FEEDS}},
        {"en": None, "fr": {"feeds": []}, "nb": {"feeds": FEEDS}},
        {"feeds": [None, {"name": 7}, {"name": "alerts"}, *FEEDS]},
    ],
    ids=["3.0", "English", "another language", "several", "English is empty", "bad links"],
)
def test_discovery_in_every_version_and_language(data: Any) -> None:
    assert discovered(items("gbfs", {"version": "2.3", "data": data})) == {
        "system_id": "testville",
        "gbfs_version": "2.3",
        "station_information_url": "https://x.test/stations.json?lang=%C3%A5",
        "station_status_url": "https://x.test/status.json",
        "vehicle_status_url": "https://x.test/bikes.json",
    }
    followed = list(stations.follow(capture("gbfs", {"data": data})))
    assert [(request.unit, request.url) for request in followed] == [
        ("testville system_information", "https://x.test/i.json"),
        ("testville station_information", "https://x.test/stations.json"),
    ]
    assert followed[1].params == {"lang": "å"}
    assert list(stations.follow(capture("station_information", PAYLOAD))) == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://x.test/s", "//x.test/s", "https://", "https://[", "https:// x.test/s", "https://x test/s",
        "javascript:1", "",
    ],
)  # fmt: skip
def test_an_address_that_is_none_of_the_web_is_refused_and_never_followed(url: str) -> None:
    data = {"feeds": [{"name": "station_information", "url": url}, *FEEDS[3:]]}
    found = items("gbfs", {"data": data})
    assert "station_information_url" not in discovered(found), "what was known stays"
    assert "no address of the web" in next(item.reason for item in found if isinstance(item, Reject))
    assert list(stations.follow(capture("gbfs", {"data": data}))) == []


@pytest.mark.parametrize("content", [b"", {}, {"data": {}}, {"data": {"feeds": [{"name": "gbfs", "url": "https://x.test"}]}}])
def test_a_discovery_document_without_our_feeds_is_refused(content: Any) -> None:
    with pytest.raises(BadData):
        items("gbfs", content)


@pytest.mark.parametrize(
    ("there", "away"), [("station_information", "station_status"), ("station_status", "station_information")]
)
def test_a_feed_that_is_left_out_keeps_its_address_and_is_told(there: str, away: str) -> None:
    found = items("gbfs", {"data": {"en": {"feeds": [{"name": there, "url": "HTTP://x.test:80/f.json"}]}}})
    assert discovered(found) == {"system_id": "testville", "gbfs_version": None, f"{there}_url": "https://x.test/f.json"}
    assert [item.reason for item in found if isinstance(item, Reject)] == [
        f"The discovery document names {there} and no {away}: what was known of it stays"
    ]


def test_a_known_address_outlives_a_gap_in_either_order_and_is_asked_for_within_the_hour(engine: Engine, tmp_path: Path) -> None:
    store, systems = FolderStore(tmp_path), metadata.tables["systems"]
    documents = [FEEDS, FEEDS[:3], [*FEEDS[:3], {"name": "station_status", "url": "https://x.test/new.json"}]]
    keys = []
    for hours, feeds in enumerate(documents):
        at = NOW + timedelta(hours=hours)
        writer = PartWriter(Header(source="stations", slot=at, attempt=at, part=1, code_version=""))
        writer.add(msgspec.structs.replace(capture("gbfs", {"data": {"feeds": feeds}}), slot=at, fetched_at=at))
        keys.append(str(PartKey.of(writer.header)))
        store.write(keys[-1], writer.close(Footer(finished_at=at, requests=1, bytes_received=1, captures=1)))

    def addresses(*loaded: int) -> tuple[str, str]:
        with engine.begin() as connection:
            connection.execute(delete(systems))
        for place in loaded:
            load(
                keys[place],
                store=store,
                engine=engine,
                sources={"stations": stations.source},
                clock=lambda: NOW + timedelta(hours=3),
            )
        with engine.connect() as connection:
            row = connection.execute(select(systems.c.station_status_url, systems.c.vehicle_status_url)).one()
        return row[0].rpartition("/")[2], row[1].rpartition("/")[2]

    assert addresses(0, 1) == addresses(1, 0) == ("status.json", "bikes.json")
    for order in permutations(range(3)):
        assert addresses(*order) == ("new.json", "bikes.json")
    assert stations.source.schedule.period <= timedelta(hours=1)


@pytest.mark.parametrize("name", ["datasets", "versions"])
def test_a_list_of_discovery_documents_is_called_by_its_name(name: str) -> None:
    versions = [{"version": "2.3", "url": "https://x.test/2/gbfs.json"}]
    data = {"versions": versions} if name == "versions" else {"datasets": [{"system_id": "x", "versions": versions}]}
    with pytest.raises(BadData, match=rf"(manifest|gbfs_versions)\.json.* {name}, .*watchlist: https://x\.test/2/gbfs\.json$"):
        items("gbfs", {"data": data})


@pytest.mark.parametrize(
    ("told", "zone", "findings"),
    [
        ("Europe/Berlin", "Europe/Berlin", []),
        (" Europe/Berlin ", "Europe/Berlin", [Repaired("timezone: untidy")]),
        ("europe/berlin", "Europe/Berlin", [Repaired("timezone: untidy")]),
        ("America/New York", "America/New_York", [Repaired("timezone: untidy")]),
        ("Mars/Olympus", None, [Repaired("timezone: does not fit")]),
        (7, None, [Repaired("timezone: does not fit")]),
        (None, None, []),
    ],
)
def test_a_time_zone_is_found_however_it_is_told(told: Any, zone: str | None, findings: list[Repaired]) -> None:
    row, *others = items("system_information", {"data": {"name": "X", "timezone": told}})
    assert (row.values["timezone"], others) == (zone, findings)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ([{"text": "", "language": "en"}, {"text": "Bahnhof", "language": "de"}], "Bahnhof"),
        ([{"text": "Gare", "language": "fr"}, {"text": " Station ", "language": "EN-GB"}], "Station"),
        ([{"text": None, "language": "en"}, {"text": "Bahnhof"}], "Bahnhof"),
        ([7, {"text": 8}, {"text": "Bahnhof", "language": "de"}], "Bahnhof"),
        ([{"text": "Bahnhof", "language": 7}], "Bahnhof"),
        (["Bahnhof"], None),
        ([], None),
        (12, "12"),
        ({"en": "x"}, None),
    ],
)
def test_a_name_is_taken_from_whatever_tells_it(told: Any, name: str | None) -> None:
    (row,) = table(information({**station("1", 50.0, 8.0), "name": told}), "stations")
    assert (row["name"], row["latitude"]) == (name, 50.0)


@pytest.mark.parametrize(
    ("fields", "capacity"),
    [
        ({"capacity": 5, "vehicle_type_capacity": {"s": 8}}, 5),
        ({"vehicle_type_capacity": {"s": 8, "b": 4}}, 12),
        ({"vehicle_capacity": {"s": 8}}, 8),
        ({"vehicle_types_capacity": [{"vehicle_type_ids": ["s"], "count": 6}, {"vehicle_type_ids": ["b"], "count": 5}]}, 11),
        ({"vehicle_docks_capacity": [{"vehicle_type_ids": ["s"], "count": 6}], "vehicle_types_capacity": [{"count": 9}]}, 6),
        ({"vehicle_type_area_capacity": [{"vehicle_type_id": "s", "count": 10}]}, 10),
        ({"vehicle_type_capacity": {"s": 8, "b": -1}}, None),
        ({"capacity": 999}, None),
        ({"capacity": "lots"}, None),
        ({"vehicle_type_capacity": {}}, None),
        ({"capacity": 0, "vehicle_type_capacity": {"s": 8}}, None),
        ({"capacity": 0, "vehicle_type_capacity": {"s": 0}}, 0),
    ],
)
def test_a_capacity_may_be_told_by_type_only(fields: dict[str, Any], capacity: int | None) -> None:
    (row,) = table(information({**station("1", 50.0, 8.0), **fields}), "stations")
    assert row["capacity"] == capacity


def test_a_system_in_version_1_and_3() -> None:
    old = {"system_id": "x", "name": "Räder", "operator": "", "timezone": "Europe/Oslo", "language": "nb"}
    new = {"system_id": "x", "name": [{"text": "Räder", "language": "de"}], "timezone": "Europe/Oslo", "languages": ["nb", "en"]}
    for data in (old, new):
        (row,) = items("system_information", {"data": data})
        assert row.values == {
            "system_id": "testville", "name": "Räder", "operator": None, "timezone": "Europe/Oslo", "language": "nb",
        }  # fmt: skip


CITY = [station(str(number), 48.85 + number / 100, 2.35) for number in range(4)]


@pytest.mark.parametrize(
    ("coordinates", "stored", "repairs"),
    [
        ((48.9, 2.3), (48.9, 2.3), []),
        (("48.9", "2.3"), (48.9, 2.3), []),
        ((2.3, 48.9), (48.9, 2.3), ["latitude and longitude swapped"]),
        ((0, 0), (None, None), []),
        ((0.0, None), (None, None), []),
        ((91, 2.3), (None, None), []),
        ((50.9, 6.9), (50.9, 6.9), []),
    ],
)
def test_a_place_is_mended_where_the_others_make_it_sure(coordinates: Any, stored: Any, repairs: list[str]) -> None:
    found = information(*CITY, station("x", *coordinates))
    row = table(found, "stations")[-1]
    assert (row["latitude"], row["longitude"]) == stored
    assert [item.rule for item in found if isinstance(item, Repaired)] == repairs


def test_a_place_is_left_as_told_where_nothing_makes_it_sure() -> None:
    found = information(*CITY[:2], station("x", 2.3, 48.9))
    assert table(found, "stations")[-1]["latitude"] == 2.3


def test_neighbours_are_all_pairs_within_a_walk_anywhere_on_earth() -> None:
    for latitude, longitude in ((0.0, 0.0), (48.85, 2.35), (-33.9, 151.2), (69.6, 18.9), (52.0, -0.001)):
        grid = [station(f"{a}-{b}", latitude + a / 400, longitude + b / 300) for a in range(5) for b in range(5)]
        found = {(row["station_id"], row["neighbour_id"]) for row in table(information(*grid), "station_neighbours")}
        expected = {
            (one["station_id"], other["station_id"])
            for one in grid
            for other in grid
            if one is not other and (one["lat"], one["lon"]) != (0, 0) != (other["lat"], other["lon"])
            and great_circle_km(one["lat"], one["lon"], other["lat"], other["lon"]) <= 0.5
        }  # fmt: skip
        assert found == expected
        assert found


def test_a_system_of_mere_places_gives_each_the_nearest_twenty() -> None:
    found = table(information(*(station(str(n), 46 + n / 1e5, 8.0) for n in range(120))), "station_neighbours")
    assert max(sum(row["station_id"] == str(n) for row in found) for n in range(120)) == 20


class Reference:
    def __init__(self, **tables: Any) -> None:
        self.tables = tables

    def rows(self, name: str) -> Any:
        return self.tables.get(name, ())


def test_a_system_is_asked_by_its_url_or_by_the_catalogue() -> None:
    defaults: dict[str, Any] = {
        "provider": "gbfs",
        "url": None,
        "catalogue_id": None,
        "city_id": None,
        "ttl_s": None,
        "is_watched": True,
    }
    systems = [
        {**defaults, "system_id": "a", "url": "https://x.test/gbfs.json"},
        {**defaults, "system_id": "b", "catalogue_id": "known"},
        {**defaults, "system_id": "c", "catalogue_id": "gone"},
        {**defaults, "system_id": "d", "provider": "paris_opendata", "url": "https://o.test/datasets/v/"},
        {**defaults, "system_id": "e", "url": "https://x.test/e.json", "is_watched": False},
    ]
    catalogue = [{"catalogue_id": "known", "url": "https://y.test/gbfs.json"}]
    _, *units = stations.plan(Reference(watched_systems=systems, system_catalogue=catalogue), NOW)
    asked = [(unit.unit, unit.url if isinstance(unit, Request) else unit.context["unknown"]) for unit in units]
    assert asked == [
        ("a gbfs", "https://x.test/gbfs.json"),
        ("b gbfs", "https://y.test/gbfs.json"),
        ("c gbfs", "gone"),
        ("d export", "https://o.test/datasets/v/exports/json"),
    ]
    unknown = next(unit for unit in units if isinstance(unit, Provided))
    with pytest.raises(BadData, match="no system 'gone'"):
        list(stations.parse(Capture(unit=unknown.unit, url="", status=0, slot=NOW, fetched_at=NOW, context=unknown.context)))
    assert len(list(stations.plan(Reference(watched_systems=systems[:3]), NOW))) == 2, "no catalogue yet: nothing to ask of it"


def test_a_discovery_document_that_is_none_by_its_size_is_refused_and_not_followed() -> None:
    body = b'{"data": {"feeds": [' + b"1," * 131_000 + b"1]}}"
    with pytest.raises(BadData, match=r"A discovery document of 262,224 bytes: no honest one has more than 262,144"):
        _gbfs.discovery(body + b" " * 200)
    _gbfs.discovery(b'{"data": {"feeds": [1]}}')
