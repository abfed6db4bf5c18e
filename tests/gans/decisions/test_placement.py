"""Spots for scooters: what the model says on small cities, and how near to the best choice it comes on real ones."""

import json
import math
import os
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h3
import highspy
import pytest

from gans.decisions.placement import LEVELS, TARGET_PCT, Spot, Station, cover, geojson, place, reach, reason
from gans.geography import great_circle_km

PARIS = (48.8566, 2.3522)
METRE_NORTH = 1 / 111_195


AT = datetime(2025, 5, 27, 6, 12, tzinfo=UTC)


def station(name: str, deficit: float | None, north_m: float = 0.0, **fields: Any) -> Station:
    known = {"name": name, "latitude": PARIS[0] + north_m * METRE_NORTH, "longitude": PARIS[1], "vehicles_available": 0}
    hour = {"local_hour_of_week": 32, "usual_taken": None, "share_observed": None, "data_at": AT, "known_at": AT}
    return Station(station_id=name, deficit=deficit, **{**known, **hour, **fields})


def placed(spots: Sequence[Spot]) -> int:
    return sum(spot.scooters for spot in spots)


def test_scooters_go_where_most_demand_is_unmet() -> None:
    spots = place([station("far", 3, 5_000), station("near", 30), station("enough", 0, 9_000)], scooters=3)
    assert [(spot.near, spot.scooters) for spot in spots] == [("near", 3)]


def test_a_spot_lies_where_it_reaches_several_stations() -> None:
    (spot,) = place([station("a", 1), station("b", 1, 250), station("c", 1, 500)], scooters=1)
    assert spot.near == "b"
    assert spot.reason.startswith("3 stations within 300 m are empty")


def test_no_rider_is_served_twice_however_the_walks_overlap() -> None:
    spots = place([station("a", 2), station("b", 2, 200)], scooters=50)
    # all the demand of each level, over the levels
    assert sum(spot.riders for spot in spots) == pytest.approx(4 * sum(LEVELS) / len(LEVELS), abs=0.1)


def test_a_scooter_serves_one_rider_and_those_that_would_serve_nobody_are_kept() -> None:
    spots = place([station("a", 2)], scooters=50)
    assert placed(spots) == math.ceil(2 * max(LEVELS))
    assert all(spot.riders <= spot.scooters for spot in spots)


def test_geojson_has_a_point_for_each_spot_longitude_first() -> None:
    spots = place([station("a", 30), station("b", 27, 900)], scooters=40)
    told = json.loads(geojson(spots, datetime(2025, 5, 27, 6, 12, tzinfo=UTC)))
    assert told["type"] == "FeatureCollection"
    assert len(told["features"]) == len(spots) > 1
    for feature, spot in zip(told["features"], spots, strict=True):
        assert feature["type"] == "Feature"
        assert feature["geometry"] == {"type": "Point", "coordinates": [spot.longitude, spot.latitude]}
        assert feature["properties"]["reason"] == spot.reason
        assert feature["properties"]["scooters"] == spot.scooters
        assert feature["properties"]["fetched_at"] == "2025-05-27T06:12:00Z"


def test_nothing_unmet_is_nothing_to_place() -> None:
    assert place([], 10) == []
    assert place([station("a", 0)], 10) == []


def test_a_walk_shorter_than_a_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="walk_m=50"):
        place([station("a", 1)], 1, walk_m=50)


def test_the_order_of_the_stations_changes_nothing(velib: list[Station]) -> None:
    shuffled = velib.copy()
    random.Random(4).shuffle(shuffled)
    assert place(shuffled, 25) == place(velib, 25)


@pytest.mark.parametrize("walk_m", [90, 300, 1000])
def test_every_cell_within_a_walk_is_found(walk_m: float) -> None:
    """Anywhere on Earth, also at the date line, near the poles and at a pentagon of the grid."""
    wild = random.Random(1)
    places = [(wild.uniform(-89.9, 89.9), wild.uniform(-180, 180)) for _ in range(20)]
    places += [(0.0, 180.0), (16.5, -180.0), (89.99, 12.0), h3.cell_to_latlng(min(h3.get_pentagons(10)))]
    for latitude, longitude in places:
        around = h3.grid_disk(h3.latlng_to_cell(latitude, longitude, 10), 24)
        within = {cell for cell in around if 1000 * great_circle_km(latitude, longitude, *h3.cell_to_latlng(cell)) <= walk_m}
        one = station("a", 1.0, latitude=latitude, longitude=longitude)
        assert reach([one], walk_m).keys() == within
        assert within


@pytest.mark.parametrize(
    ("near", "said"),
    [
        (
            [(30, {"usual_taken": 6.2}), (180, {"usual_taken": 4.1}), (240, {"usual_taken": 3.7})],
            "3 stations within 250 m are empty; about 14 riders usually leave here between 8 and 9",
        ),
        (
            [(30, {"usual_taken": 1.2}), (280, {"usual_taken": 0.1, "vehicles_available": 1})],
            "1 station within 50 m is empty and 1 runs low; about 1 rider usually leaves here between 8 and 9",
        ),
        (
            [(101, {"usual_taken": 0.4, "vehicles_available": 1}), (20, {"usual_taken": None, "vehicles_available": 2})],
            "2 stations within 150 m run low; seldom a rider leaves here between 8 and 9",
        ),
        (
            [(101, {"usual_taken": 9.0, "local_hour_of_week": 167})],
            "1 station within 150 m is empty; about 9 riders usually leave here between 23 and 24",
        ),
        (
            [(10, {}), (20, {"vehicles_available": 1}), (30, {"vehicles_available": 2})],
            f"1 station within 50 m is empty and 2 run low; "
            f"about 6 vehicles are missing to {TARGET_PCT} % of capacity (no history of this hour yet)",
        ),
    ],
)
def test_a_reason_says_how_many_how_far_and_how_much(near: list[tuple[float, dict[str, Any]]], said: str) -> None:
    assert reason([(distance, station(str(i), 2.0, **told)) for i, (distance, told) in enumerate(near)]) == said


# Against the best choice ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def velib(captures: Path) -> list[Station]:
    """Vélib' on a Tuesday morning of 2024, each station short of what is missing to the target share of its capacity."""

    def told(feed: str) -> list[dict[str, Any]]:
        found = json.loads((captures / "velib" / f"gbfs_2024-11-19_{feed}.json").read_bytes())["data"]["stations"]
        return sorted(found, key=lambda one: str(one["station_id"]))

    status = {one["station_id"]: one for one in told("station_status") if one["is_renting"] == 1}
    return [
        Station(
            station_id=str(one["station_id"]),
            name=one["name"],
            latitude=one["lat"],
            longitude=one["lon"],
            vehicles_available=(available := status[one["station_id"]]["num_bikes_available"]),
            local_hour_of_week=32,
            usual_taken=None,
            share_observed=None,
            deficit=max(0.0, TARGET_PCT / 100 * one["capacity"] - available),
            data_at=AT,
            known_at=AT,
        )
        for one in told("station_information")
        if one["station_id"] in status
    ]


def hourly(day: str, hour: int) -> list[Station]:
    """Vélib' at an hour of May 2022, each station short of what usually left it in this hour of a working day."""
    duckdb = pytest.importorskip("duckdb")
    file = Path(os.environ["GANS_DATASETS"]) / "velib" / "paris_velib_hourly_2022-05-12_2022-06-09.parquet"
    rows = duckdb.execute(
        """
        WITH told AS (
            SELECT name, snapshot_utc AS seen, bikes, lat, lon, is_renting,
                lead(bikes) OVER later AS next_bikes, lead(snapshot_utc) OVER later - snapshot_utc AS until
            FROM read_parquet(?) WHERE is_installed WINDOW later AS (PARTITION BY name ORDER BY snapshot_utc)
        ), usual AS (
            SELECT name, avg(greatest(bikes - next_bikes, 0)) AS taken FROM told
            WHERE until < INTERVAL 80 MINUTE AND hour(seen) = ? AND dayofweek(seen) BETWEEN 1 AND 5 GROUP BY name
        )
        SELECT name, any_value(lat), any_value(lon), min(bikes), any_value(taken) FROM told JOIN usual USING (name)
        WHERE CAST(seen AS DATE) = ? AND hour(seen) = ? AND is_renting GROUP BY name ORDER BY name
        """,
        [str(file), hour, day, hour],
    ).fetchall()
    return [
        station(
            name,
            max(0.0, taken - bikes),
            latitude=lat,
            longitude=lon,
            vehicles_available=bikes,
            local_hour_of_week=hour,
            usual_taken=taken,
        )
        for name, lat, lon, bikes, taken in rows
    ]


def solved(spots: Sequence[frozenset[int]], puts: Sequence[tuple[int, int]], deficits: Sequence[float], scooters: int) -> Any:
    """The model as a mixed-integer program, solved by HiGHS, which tells the riders served over all levels.

    Args:
        spots: the stations that each reaches.
        puts: the fewest and the most scooters for each.
    """
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("mip_rel_gap", 0.002)  # the bound holds all the same
    put = [model.addIntegral(least, most) for least, most in puts]
    model.addConstr(model.qsum(put) <= scooters)
    total: list[Any] = []
    for level in LEVELS:
        of_station: dict[int, list[Any]] = {}
        for number, spot in enumerate(spots):
            served = []
            for i in sorted(spot):
                served.append(model.addVariable(0, level * deficits[i]))
                of_station.setdefault(i, []).append(served[-1])
            model.addConstr(model.qsum(served) <= put[number])
            total += served
        for i, parts in of_station.items():
            model.addConstr(model.qsum(parts) <= level * deficits[i])
    model.maximize(model.qsum(total))
    return model.getInfo()


def compared(stations: Sequence[Station], scooters: int, walk_m: float) -> float:
    """What the spots serve, as a share of the most that any placement can; printed."""
    needy = sorted((one for one in stations if one.deficit > 0), key=lambda one: one.station_id)
    reached, deficits = reach(needy, walk_m), [one.deficit for one in needy]
    began = time.process_time()
    spots = place(stations, scooters, walk_m)
    took = time.process_time() - began

    chosen = cover(reached, deficits, scooters, walk_m)
    ours = sum(map(sum, chosen.values()))
    flow = solved([frozenset(reached[cell]) for cell in chosen], [(len(g), len(g)) for g in chosen.values()], deficits, scooters)
    assert ours == pytest.approx(flow.objective_function_value / len(LEVELS), abs=1e-5), "a flow that is not the greatest"

    # Of the cells that reach the same stations one is enough, and none that reaches only a part of what another does.
    sets = {frozenset(near) for near in reached.values()}
    widest = [one for one in sorted(sets, key=sorted) if not any(one < other for other in sets)]
    best = solved(widest, [(0, scooters)] * len(widest), deficits, scooters)
    bound = best.mip_dual_bound / len(LEVELS)
    assert ours <= bound + 1e-5
    print(  # noqa: T201
        f"{len(stations)} stations, {sum(deficits):.0f} riders, {scooters} scooters, walk {walk_m:.0f} m: "
        f"{placed(spots)} placed in {len(spots)} spots serve {ours:.2f}; "
        f"the best {best.objective_function_value / len(LEVELS):.2f}, none over {bound:.2f}; ratio {ours / bound:.4f}; "
        f"{took:.2f} s"
    )
    return ours / bound


@pytest.mark.parametrize("walk_m", [150, 300, 500])
@pytest.mark.parametrize("scooters", [10, 40, 200])
def test_a_district_is_served_nearly_as_well_as_it_can_be(velib: list[Station], scooters: int, walk_m: float) -> None:
    centre = [one for one in velib if great_circle_km(one.latitude, one.longitude, *PARIS) < 1.5]
    ratio = compared(centre, scooters, walk_m)
    assert ratio >= 1 - 1 / math.e
    assert ratio >= 0.99


@pytest.mark.skipif(
    "GANS_DATASETS" not in os.environ, reason="GANS_DATASETS is not set: it names the folder of longer real series"
)
@pytest.mark.parametrize("hour", [4, 6, 16])
@pytest.mark.parametrize("scooters", [20, 40, 100])
def test_a_city_is_served_nearly_as_well_as_it_can_be(hour: int, scooters: int) -> None:
    ratio = compared(hourly("2022-05-24", hour), scooters, 300)
    assert ratio >= 1 - 1 / math.e
    assert ratio >= 0.99
