"""Stops for a crew: what the model says on small cities, and how near to the best plan it comes on real ones."""

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

from gans.decisions.placement import (
    DRIVE_KMH,
    LEVELS,
    RIDER_MINUTES,
    TARGET_PCT,
    Placement,
    PlacementRequest,
    Spot,
    Station,
    cover,
    geojson,
    place,
    reach,
    reason,
    solve,
)
from gans.geography import great_circle_km

PARIS = (48.8566, 2.3522)
METRE_NORTH = 1 / 111_195


AT = datetime(2025, 5, 27, 6, 12, tzinfo=UTC)


def station(name: str, deficit: float | None, north_m: float = 0.0, **fields: Any) -> Station:
    known = {"name": name, "latitude": PARIS[0] + north_m * METRE_NORTH, "longitude": PARIS[1], "vehicles_available": 0}
    hour = {"local_hour_of_week": 32, "usual_taken": None, "share_observed": None, "data_at": AT, "known_at": AT}
    return Station(station_id=name, deficit=deficit, **{**known, **hour, **fields})


def asked(scooters: int, **fields: Any) -> PlacementRequest:
    """Of a crew whose time costs nothing, unless told."""
    return PlacementRequest(scooters=scooters, **{"stops": scooters, "stop_minutes": 0, "min_riders": 0, **fields})


def placed(spots: Sequence[Spot]) -> int:
    return sum(spot.scooters for spot in spots)


def test_scooters_go_where_most_demand_is_unmet() -> None:
    spots = place([station("far", 3, 5_000), station("near", 30), station("enough", 0, 9_000)], asked(3))
    assert [(spot.near, spot.scooters) for spot in spots] == [("near", 3)]


def test_a_spot_lies_where_it_reaches_several_stations() -> None:
    (spot,) = place([station("a", 1), station("b", 1, 250), station("c", 1, 500)], asked(1))
    assert spot.near == "b"
    assert spot.reason.startswith("3 stations within 300 m are empty")


def test_no_rider_is_served_twice_however_the_walks_overlap() -> None:
    spots = place([station("a", 2), station("b", 2, 200)], asked(50))
    # all the demand of each level, over the levels
    assert sum(spot.riders for spot in spots) == pytest.approx(4 * sum(LEVELS) / len(LEVELS), abs=0.1)


def test_a_scooter_serves_one_rider_and_those_that_would_serve_nobody_are_kept() -> None:
    spots = place([station("a", 2)], asked(50))
    assert placed(spots) == math.ceil(2 * max(LEVELS))
    assert all(spot.riders <= spot.scooters for spot in spots)


def test_a_scooter_that_would_serve_too_few_stays_in_the_truck() -> None:
    """Of 2 riders, a first scooter serves 0.8 over the levels, the next 0.48, 0.28, 0.2, 0.2 and 0.04."""
    for least, scooters in ((0.85, 0), (0.3, 2), (0.25, 3), (0.1, 5), (0.0, 6)):
        found = solve([station("a", 2)], asked(50, min_riders=least)).answer
        assert (placed(found.spots), found.kept) == (scooters, 50 - scooters)


def test_a_stop_must_be_worth_its_time() -> None:
    """At "a", two scooters serve 1.28 riders, 0.68 more than they must; at "b", one serves 0.584, 0.284 more."""
    city = [station("a", 2), station("b", 0.8, 5_000)]
    for minutes, stops in ((0, 2), (1.7, 2), (1.71, 1), (4.07, 1), (4.09, 0)):
        found = place(city, asked(50, stop_minutes=minutes, min_riders=0.3))
        assert len(found) == stops, minutes
    assert RIDER_MINUTES == 6


def test_a_crew_makes_no_more_stops_than_it_can_and_the_best_of_them() -> None:
    city = [station(str(number), 1 + number, 2_000 * number) for number in range(6)]
    for stops in range(7):
        assert {spot.near for spot in place(city, asked(50, stops=stops))} == {str(5 - number) for number in range(stops)}


@pytest.mark.parametrize("least", [1, 2, 5, 9])
def test_no_stop_has_less_than_the_least_load(least: int) -> None:
    city = [station(str(number), 1 + number, 2_000 * number) for number in range(6)]
    spots = place(city, asked(20, min_load=least, min_riders=0.2, stop_minutes=1))
    assert spots
    assert all(spot.scooters >= least for spot in spots)
    assert placed(spots) <= 20


def test_a_truck_with_less_than_the_least_load_makes_no_stop() -> None:
    assert place([station("a", 30)], asked(4, min_load=5)) == []


def test_the_answer_tells_the_crews_time_and_way() -> None:
    city = [station("a", 30), station("b", 20, 4_000), station("c", 25, 2_000)]
    found: Placement = solve(city, asked(60, stop_minutes=5, min_riders=0.3)).answer
    assert [spot.near for spot in found.spots] == ["a", "c", "b"]
    assert found.spots[0].drive_km == 0
    assert found.drive_km == pytest.approx(4, abs=0.4)
    assert found.minutes == pytest.approx(3 * 5 + 60 * found.drive_km / DRIVE_KMH, abs=1)
    assert found.riders == pytest.approx(sum(spot.riders for spot in found.spots))
    assert found.kept == 60 - placed(found.spots)
    from_the_north = solve(city, asked(60, stop_minutes=5, min_riders=0.3, start=(PARIS[0] + 0.05, PARIS[1]))).answer
    assert [spot.near for spot in from_the_north.spots] == ["b", "c", "a"]
    assert from_the_north.drive_km == pytest.approx(0.05 / METRE_NORTH / 1000, abs=0.4)


def test_a_spot_is_on_the_phones_map_and_on_openstreetmap() -> None:
    (spot,) = place([station("a", 3, latitude=-33.9, longitude=-0.00001)], asked(1))
    assert spot.geo_uri == f"geo:{spot.latitude:.6f},{spot.longitude:.6f}"
    assert "e" not in spot.geo_uri.removeprefix("geo:")  # RFC 5870 has no exponents
    assert spot.map_url == f"https://www.openstreetmap.org/?mlat={spot.latitude:.5f}&mlon={spot.longitude:.5f}&zoom=18"


def test_nobody_short_is_told_apart_from_no_stop_that_is_worth_it() -> None:
    assert solve([station("a", 0)], asked(5)).reason == "nobody is short of a vehicle"
    assert solve([station("a", 0.1)], asked(5, min_riders=0.3)).reason == "no stop is worth its time"


def test_geojson_has_a_point_for_each_spot_longitude_first() -> None:
    spots = place([station("a", 30), station("b", 27, 900)], asked(40))
    told = json.loads(geojson(spots, datetime(2025, 5, 27, 6, 12, tzinfo=UTC)))
    assert told["type"] == "FeatureCollection"
    assert len(told["features"]) == len(spots) > 1
    for feature, spot in zip(told["features"], spots, strict=True):
        assert feature["type"] == "Feature"
        assert feature["geometry"] == {"type": "Point", "coordinates": [spot.longitude, spot.latitude]}
        assert feature["properties"]["reason"] == spot.reason
        assert feature["properties"]["scooters"] == spot.scooters
        assert feature["properties"]["geo_uri"] == spot.geo_uri
        assert feature["properties"]["data_at"] == "2025-05-27T06:12:00Z"


def test_nothing_unmet_is_nothing_to_place() -> None:
    assert place([], asked(10)) == []
    assert place([station("a", 0)], asked(10)) == []
    assert place([station("a", 5)], asked(0)) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"walk_m": 50}, "walk_m=50"),
        ({"walk_m": math.nan}, "walk_m=nan"),
        ({"min_load": 0}, "stops of 0"),
        ({"stops": -1}, "-1 stops"),
        ({"stop_minutes": math.nan}, "stop_minutes=nan"),
        ({"min_riders": -0.1}, "min_riders=-0.1"),
        ({"start": (91.0, 2.0)}, "start="),
        ({"start": (math.nan, 2.0)}, "start="),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        PlacementRequest(scooters=1, **wrong)


def test_the_order_of_the_stations_changes_nothing(velib: list[Station]) -> None:
    shuffled = velib.copy()
    random.Random(4).shuffle(shuffled)
    request = PlacementRequest(scooters=25)
    assert place(shuffled, request) == place(velib, request)


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


def solved(spots: Sequence[frozenset[int]], deficits: Sequence[float], request: PlacementRequest) -> Any:
    """The model as a mixed-integer program, solved by HiGHS: what the best plan is worth, in riders, times the levels.

    Args:
        spots: the stations that each reaches.
    """
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("mip_rel_gap", 0.002)  # the bound holds all the same
    inside = [math.fsum(deficits[i] for i in spot) for spot in spots]
    most = [min(request.scooters, math.ceil(max(LEVELS) * riders)) for riders in inside]
    spots, inside, most = zip(*(one for one in zip(spots, inside, most, strict=True) if one[2] >= request.min_load), strict=True)
    put = [model.addIntegral(0, upper) for upper in most]
    is_open = [model.addBinary() for _ in spots]
    model.addConstr(model.qsum(put) <= request.scooters)
    model.addConstr(model.qsum(is_open) <= request.stops)
    for scooters, stop, upper in zip(put, is_open, most, strict=True):
        model.addConstr(scooters <= upper * stop)
        model.addConstr(scooters >= request.min_load * stop)
    total: list[Any] = []
    for level in LEVELS:
        of_station: dict[int, list[Any]] = {}
        for number, spot in enumerate(spots):
            served = []
            for i in sorted(spot):
                served.append(model.addVariable(0, level * deficits[i]))
                of_station.setdefault(i, []).append(served[-1])
            model.addConstr(model.qsum(served) <= put[number])
            model.addConstr(model.qsum(served) <= level * inside[number] * is_open[number])  # follows; a tighter bound
            total += served
        for i, parts in of_station.items():
            model.addConstr(model.qsum(parts) <= level * deficits[i])
    cost = request.min_riders * model.qsum(put) + request.stop_minutes / RIDER_MINUTES * model.qsum(is_open)
    model.maximize(model.qsum(total) - len(LEVELS) * cost)
    return model.getInfo()


def compared(stations: Sequence[Station], request: PlacementRequest) -> float:
    """What the plan is worth, as a share of the most that any can be; printed."""
    needy = sorted((one for one in stations if one.deficit > 0), key=lambda one: one.station_id)
    reached, deficits = reach(needy, request.walk_m), [one.deficit for one in needy]
    began = time.process_time()
    chosen = cover(reached, deficits, request)
    took = time.process_time() - began
    put, riders = sum(map(len, chosen.values())), math.fsum(map(math.fsum, chosen.values()))
    ours = riders - request.min_riders * put - request.stop_minutes / RIDER_MINUTES * len(chosen)

    # Of the cells that reach the same stations one is enough, and none that reaches only a part of what another does.
    sets = {frozenset(near) for near in reached.values()}
    widest = [one for one in sorted(sets, key=sorted) if not any(one < other for other in sets)]
    best = solved(widest, deficits, request)
    bound = best.mip_dual_bound / len(LEVELS)
    assert ours <= bound + 1e-5
    print(  # noqa: T201
        f"{len(stations)} stations, {sum(deficits):.0f} riders, {request}: {put} put at {len(chosen)} stops serve {riders:.2f}; "
        f"worth {ours:.2f}; the best {best.objective_function_value / len(LEVELS):.2f}, none over {bound:.2f}; "
        f"{took:.2f} s"
    )
    return ours / bound if bound > 1e-6 else 1.0  # no stop may be worth it


def served_at_most(chosen: dict[str, list[float]], reached: Any, deficits: Sequence[float]) -> float:
    """The riders that scooters put so can serve at the most, by HiGHS."""
    total = 0.0
    for level in LEVELS:
        model = highspy.Highs()
        model.setOptionValue("output_flag", False)
        flow: list[Any] = []
        of_station: dict[int, list[Any]] = {}
        for cell, gains in chosen.items():
            served = [model.addVariable(0, level * deficits[i]) for i in reached[cell]]
            model.addConstr(model.qsum(served) <= len(gains))
            for i, part in zip(reached[cell], served, strict=True):
                of_station.setdefault(i, []).append(part)
            flow += served
        for i, parts in of_station.items():
            model.addConstr(model.qsum(parts) <= level * deficits[i])
        model.maximize(model.qsum(flow))
        total += model.getInfo().objective_function_value
    return total / len(LEVELS)


CREWS = {
    "usual": {},
    "few_long_stops": {"stops": 5, "stop_minutes": 10},
    "least_load": {"min_load": 4},
    "time_for_all": {"stops": 200, "stop_minutes": 1, "min_riders": 0.1},
}


@pytest.fixture(scope="session")
def centre(velib: list[Station]) -> list[Station]:
    return [one for one in velib if great_circle_km(one.latitude, one.longitude, *PARIS) < 1.5]


def test_the_riders_told_are_those_that_can_be_served(centre: list[Station]) -> None:
    needy = [one for one in centre if one.deficit]
    reached, deficits = reach(needy, 300), [one.deficit or 0 for one in needy]
    chosen = cover(reached, deficits, asked(100))
    assert sum(map(sum, chosen.values())) == pytest.approx(served_at_most(chosen, reached, deficits), abs=1e-5)


@pytest.mark.parametrize("crew", CREWS)
@pytest.mark.parametrize("walk_m", [150, 300, 500])
@pytest.mark.parametrize("scooters", [10, 40, 200])
def test_a_district_is_served_nearly_as_well_as_it_can_be(centre: list[Station], scooters: int, walk_m: float, crew: str) -> None:
    assert compared(centre, PlacementRequest(scooters=scooters, walk_m=walk_m, **CREWS[crew])) >= 0.98


@pytest.mark.skipif(
    "GANS_DATASETS" not in os.environ, reason="GANS_DATASETS is not set: it names the folder of longer real series"
)
@pytest.mark.parametrize("crew", CREWS)
@pytest.mark.parametrize("hour", [4, 6, 16])
@pytest.mark.parametrize("scooters", [20, 40, 100])
def test_a_city_is_served_nearly_as_well_as_it_can_be(hour: int, scooters: int, crew: str) -> None:
    assert compared(hourly("2022-05-24", hour), PlacementRequest(scooters=scooters, **CREWS[crew])) >= 0.98
