"""What the feeds of free-floating vehicles mean, and that nothing of them is kept for longer than it may be."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, select, text

from gans.load.load import load
from gans.load.transform import parse_part
from gans.source import Capture, Reject, Repaired, rows_of
from gans.sources.vehicles import parse, source
from gans.storage.landing import Footer, Header, Part, PartKey, PartWriter
from gans.storage.store import FolderStore
from gans.tables import metadata

PAYLOAD = (Path(__file__).parent / "payload.json").read_bytes()
NOW = datetime(2025, 3, 30, 4, 56, 7, tzinfo=UTC)


def capture(*vehicles: Any, name: str = "bikes", at: datetime = NOW) -> Capture:
    body = json.dumps({"last_updated": int(at.timestamp()), "data": {name: vehicles}}).encode()
    return Capture(
        unit="testville",
        url="https://x.test/",
        status=200,
        slot=at,
        fetched_at=at,
        context={"system_id": "testville", "ttl_s": None},
        body=body,
    )


def rows(response: Capture) -> list[dict[str, Any]]:
    return [row.values for row in rows_of(parse(response))]


def test_the_payload() -> None:
    response = capture()
    first, second, third = rows(
        Capture(unit="u", url="https://x", status=200, slot=NOW, fetched_at=NOW, context=response.context, body=PAYLOAD)
    )
    assert first == {
        "system_id": "testville", "vehicle_id": "f6a9", "vehicle_type_id": "escooter", "latitude": 52.5183, "longitude": 13.4083,
        "range_m": 18500.0, "battery_pct": 62.0, "is_reserved": False, "is_disabled": False, "station_id": None,
        "reported_at": datetime(2025, 3, 30, 4, 55, 42, tzinfo=UTC),
    }  # fmt: skip
    assert (second["vehicle_type_id"], second["latitude"], second["is_disabled"], second["reported_at"]) == (
        "scooter",
        52.52,
        True,
        None,
    )
    assert (third["station_id"], third["latitude"], third["vehicle_type_id"]) == ("3", None, None)


@pytest.mark.parametrize(
    ("vehicle", "expected"),
    [
        ({"vehicle_id": 7}, {"vehicle_id": "7"}),
        ({"bike_id": "a", "type": "electric_bike"}, {"vehicle_type_id": "electric_bike"}),
        ({"bike_id": "a", "vehicle_type_id": 2, "type": "x"}, {"vehicle_type_id": "2"}),
        ({"bike_id": "a", "current_fuel_percent": 0.5}, {"battery_pct": 50.0}),
        ({"bike_id": "a", "current_fuel_percent": 50.0}, {"battery_pct": 50.0}),
        ({"bike_id": "a", "lat": 0, "lon": 0}, {"latitude": None, "longitude": None}),
        ({"bike_id": "a", "lat": 95, "lon": 0}, {"latitude": None, "longitude": None}),
        ({"bike_id": "a", "type": 3}, {"vehicle_type_id": "3"}),
    ],
)
def test_versions_and_repairs(vehicle: dict[str, Any], expected: dict[str, Any]) -> None:
    for name in ("bikes", "vehicles"):
        (row,) = rows(capture(vehicle, name=name))
        assert expected.items() <= row.items()


@pytest.mark.parametrize(
    ("name", "value", "column"),
    [
        ("lat", "north", "latitude"),
        ("current_range_meters", -1, "range_m"),
        ("current_range_meters", "NaN", "range_m"),
        ("current_range_meters", 1e9, "range_m"),
        ("current_fuel_percent", -0.1, "battery_pct"),
        ("is_reserved", "", "is_reserved"),
        ("type", [3], "vehicle_type_id"),
        ("station_id", {}, "station_id"),
        ("last_reported", "soon", "reported_at"),
    ],
)
def test_a_bad_field_costs_only_itself(name: str, value: Any, column: str) -> None:
    response = capture({"bike_id": "a", "is_disabled": True, name: value}, {"bike_id": "b"})
    first, second = rows(response)
    assert (first["vehicle_id"], first["is_disabled"], first[column]) == ("a", True, None)
    assert second["vehicle_id"] == "b"
    assert [item for item in parse(response) if isinstance(item, Repaired)] == [Repaired(f"{name}: does not fit")]


@pytest.mark.parametrize(
    ("told", "percent"),
    [
        ([87, 1, 100], [87.0, 1.0, 100.0]),
        ([87, 0.5], [87.0, 0.5]),
        ([1, 0, 0.25], [100.0, 0.0, 25.0]),
        ([1, 1], [100.0, 100.0]),
        ([0.5, 1, 1.01], [50.0, 100.0, None]),
        ([0.25, 0.5, 0.75, 87], [25.0, 50.0, 75.0, None]),
        ([None, 101, 55], [None, None, 55.0]),
    ],
)
def test_the_feed_as_a_whole_tells_whether_a_charge_is_percent(told: list[Any], percent: list[float | None]) -> None:
    vehicles = ({"bike_id": str(number), "current_fuel_percent": share} for number, share in enumerate(told))
    assert [row["battery_pct"] for row in rows(capture(*vehicles))] == percent


def test_the_list_that_has_vehicles_is_read() -> None:
    response = capture({"bike_id": "a"})
    body = response.body.replace(b'"bikes"', b'"vehicles": [], "bikes"')
    assert len(rows(msgspec.structs.replace(response, body=body))) == 1
    assert rows(capture(name="vehicles")) == rows(capture(name="bikes")) == []


def test_a_vehicle_without_an_id_costs_only_itself() -> None:
    response = capture({"lat": 1.5, "lon": 1.5}, {"vehicle_id": None}, {"bike_id": ""}, {"bike_id": "a"})
    assert [row["vehicle_id"] for row in rows(response)] == ["a"]
    refused = [item.reason for item in parse(response) if isinstance(item, Reject)]
    assert refused == ["a vehicle without an id", "a vehicle without an id", "id is blank"]


def test_a_refused_vehicle_is_not_shown() -> None:
    response = capture({"bike_id": ["secret"], "lat": 1}, {"lat": 1}, {"bike_id": "secret " + "x" * 200})
    part = Part(
        Header(source="vehicles", slot=NOW, attempt=NOW, part=1, code_version=""),
        [response],
        Footer(finished_at=NOW, requests=1, bytes_received=1, captures=1),
    )
    refused = parse_part(source, part, {}).refused
    assert len(refused) == 3
    assert not any("secret" in str(one) for one in refused)


def landed(store: FolderStore, response: Capture) -> str:
    writer = PartWriter(Header(source="vehicles", slot=response.slot, attempt=response.fetched_at, part=1, code_version=""))
    writer.add(response)
    key = str(PartKey.of(writer.header))
    store.write(
        key, writer.close(Footer(finished_at=response.fetched_at, requests=1, bytes_received=len(response.body), captures=1))
    )
    return key


def test_nothing_older_than_a_day_is_stored_or_stays(engine: Engine, tmp_path: Path) -> None:
    store, vehicles = FolderStore(tmp_path), metadata.tables["vehicles"]

    def loaded(response: Capture, now: datetime) -> tuple[str, set[str]]:
        done = load(landed(store, response), store=store, engine=engine, sources={"vehicles": source}, clock=lambda: now)
        with engine.connect() as connection:
            return done.status, set(connection.scalars(select(vehicles.c.vehicle_id)))

    day = timedelta(days=1)
    assert loaded(capture({"bike_id": "a"}), NOW) == ("ok", {"a"})
    assert loaded(capture({"bike_id": "b"}, at=NOW + day), NOW + day) == ("ok", {"a", "b"})
    assert loaded(capture({"bike_id": "c"}, at=NOW + day * 1.1), NOW + day * 1.1) == ("ok", {"b", "c"})
    assert loaded(capture({"bike_id": "d"}), NOW + day * 1.1) == ("failed", {"b", "c"})
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT MAX(error) FROM collection_runs")) == (
            "The part is older than vehicles may keep: it is not read any more"
        )
