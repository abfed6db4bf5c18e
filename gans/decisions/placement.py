"""Where to put scooters now: spots that cover the most unmet demand within a walk.

The model is maximum coverage with capacities. A station has a deficit, the riders of the hour who find no vehicle there or near;
a spot is a cell of H3 at resolution 10 (about 130 m from the next) and reaches the stations within a walk of its centre; a
scooter at a spot serves at most one rider of the hour, of any station that the spot reaches. What k scooters serve is thus the
greatest flow from the scooters to the stations' deficits: no scooter and no rider counts twice, however the walks overlap. What
is usual is only a mean (what a station of Vélib' gives in an hour varied by 1.1 times its mean, over four weeks), so the flow is
the mean over the `LEVELS` of demand: a scooter where much is unmet is likelier to be taken than a fifth one for five riders.

Finding the best spots for k scooters is hard, so each scooter is put where it adds the most.

- What they serve is a monotone and submodular function of the scooters. Cut deficits and scooters into equal small pieces: the
  flow counts the pieces that can be matched, which is the rank of a transversal matroid (Edmonds and Fulkerson, 1965); ranks are
  submodular, and stay so over bundles of pieces (a scooter) and in a mean (over the levels).
- So the choice serves at least 1 − 1/e (63 %) of what the best one does: Nemhauser, Wolsey and Fisher, An analysis of
  approximations for maximizing submodular set functions, Mathematical Programming 14 (1978). On real snapshots it is over 99 %.
- What a scooter adds only shrinks, so a spot is weighed anew only when it comes first: Minoux (1978), CELF (Leskovec, 2007).
"""

import heapq
import math
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import h3
import msgspec

from gans.decision import Proposal, Solution
from gans.errors import NotReady
from gans.geography import EARTH_RADIUS_KM

RESOLUTION: Final = 10
WALK_M: Final = 300.0
STATUS_OLD: Final = timedelta(minutes=10)
"""A status older than this says little of now."""
LEVELS: Final = (0.1, 0.4, 0.7, 1.2, 2.6)
"""Demand, as multiples of what is usual: the means of the fifths of an exponential distribution (its deviation is its mean)."""
TARGET_PCT: Final = 30
"""The share of its capacity that a station needs while nothing is known of its hours, as in the view `station_needs`, %."""

_NOTHING: Final = 1e-9
_CELL_RADIUS_M: Final = 90.0  # no corner of a cell is farther from its centre, wherever on Earth
_RING_M: Final = 80.0  # the nth ring of cells is at least n times as far


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """A station that gives vehicles, as the view `station_deficits` has it.

    Attributes:
        local_hour_of_week: the hour that `usual_taken` is of, in the system's own zone; 0 is Monday 00:00.
        usual_taken: the vehicles that are usually taken in this hour; None before there is history.
        deficit: the riders of the hour who will find no vehicle, here or at a neighbour; None where it is not known what the
            station needs or has.
        share_observed: how much of `usual_taken` was seen, 0 to 1: the rest is estimated; None before there is history.
        data_at: how old its status is: the older of what the feed says of itself and of when it was fetched.
        known_at: when its status was fetched.
    """

    station_id: str
    name: str | None
    latitude: float
    longitude: float
    vehicles_available: int | None
    local_hour_of_week: int | None
    usual_taken: float | None
    share_observed: float | None
    deficit: float | None
    data_at: datetime
    known_at: datetime


class PlacementRequest(msgspec.Struct, frozen=True):
    """What is asked for.

    Attributes:
        scooters: how many there are to be placed.
        walk_m: how far riders walk, m; at least 90, so that a cell is within a walk of each station.
    """

    scooters: int
    walk_m: float = WALK_M


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where to put scooters.

    Attributes:
        cell: the H3 cell, at whose centre `latitude` and `longitude` are (WGS 84).
        near: the name of the nearest station in need, and `near_m` how far it is.
        scooters: how many to put there.
        riders: how many riders of the hour they are expected to serve.
        reason: why there, in words.
    """

    cell: str
    latitude: float
    longitude: float
    near: str
    near_m: float
    scooters: int
    riders: float
    reason: str


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where to put the scooters.

    Attributes:
        stations: how many stations give vehicles, and of which it is known what they need and have.
        short: how many of these will leave riders without a vehicle, and `deficit` how many riders.
        scooters: how many there are to be placed; the spots may need fewer.
        spots: the one to begin with first.
    """

    stations: int
    short: int
    deficit: float
    walk_m: float
    scooters: int
    spots: list[Spot]


def solve(stations: Sequence[Station], request: PlacementRequest) -> Solution:
    """The spots for the scooters of the request.

    Args:
        stations: those of one system that give vehicles, in any order.

    Raises:
        NotReady: there is none, or of none it is known what it needs and has.
        ValueError: a walk that is too short.
    """
    if not stations:
        raise NotReady("No station is known to give vehicles. `gans collect stations station_status` asks now.")
    known = [station for station in stations if station.deficit is not None]
    if not known:
        raise NotReady(
            "The stations tell no capacity, or not what is there: what they need is known once `gans archive` has made their "
            "first hours."
        )
    short = sorted(station.deficit for station in known if station.deficit)
    spots = place(known, request.scooters, request.walk_m)
    answer = Placement(
        stations=len(known),
        short=len(short),
        deficit=round(math.fsum(short), 1),
        walk_m=request.walk_m,
        scooters=request.scooters,
        spots=spots,
    )
    return Solution(answer, spots[0].reason if spots else "nobody is short of a vehicle")


def place(stations: Iterable[Station], scooters: int, walk_m: float = WALK_M) -> list[Spot]:
    """The spots for so many scooters, the one to begin with first; fewer scooters are placed where fewer could serve anybody.

    Args:
        stations: the stations of one system; those without a deficit are passed over.
        scooters, walk_m: as in `PlacementRequest`.

    Raises:
        ValueError: a shorter walk.
    """
    if walk_m < _CELL_RADIUS_M:
        raise ValueError(f"walk_m={walk_m:g}: at least {_CELL_RADIUS_M:g}, or a station may have no spot within a walk.")
    needy = sorted((s for s in stations if (s.deficit or 0) > _NOTHING), key=lambda station: station.station_id)
    reached = reach(needy, walk_m)
    chosen = cover(reached, [station.deficit or 0 for station in needy], scooters, walk_m)
    return [_spot(cell, gains, [(distance, needy[i]) for i, distance in reached[cell].items()]) for cell, gains in chosen.items()]


def reach(stations: Sequence[Station], walk_m: float) -> dict[str, dict[int, float]]:
    """The cells with their centre within a walk of a station: for each, the stations' numbers and how far they are, m."""
    rings = math.ceil((walk_m + _CELL_RADIUS_M) / _RING_M)
    points: dict[str, tuple[float, float, float]] = {}
    reached: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for number, station in enumerate(stations):
        x, y, z = _point(station.latitude, station.longitude)
        for cell in h3.grid_disk(h3.latlng_to_cell(station.latitude, station.longitude, RESOLUTION), rings):
            centre = points.get(cell)
            if centre is None:
                centre = points[cell] = _point(*h3.cell_to_latlng(cell))
            # The chord: over a walk it differs from the great circle by less than a micrometre.
            distance_m = 1000 * EARTH_RADIUS_KM * math.dist(centre, (x, y, z))
            if distance_m <= walk_m:
                reached[cell][number] = distance_m
    return dict(reached)


def cover(
    reached: Mapping[str, Mapping[int, float]], deficits: Sequence[float], scooters: int, walk_m: float
) -> dict[str, list[float]]:
    """What each scooter adds, in riders, by the cell that it is put in; cells in the order of their first scooter.

    Of cells that add the same, the one with more unmet demand near its centre is taken, then the one of the lower name: the same
    input gives the same spots.
    """
    levels = [_Level([level * deficit for deficit in deficits], reached) for level in LEVELS]

    def gain(cell: str) -> float:
        return round(math.fsum(level.gain(cell) for level in levels) / len(levels), 9)

    draw = {cell: math.fsum(deficits[i] * (walk_m - m) for i, m in near.items()) for cell, near in reached.items()}
    heap = [(-1.0, -draw[cell], cell) for cell in reached]  # no scooter serves more than one rider
    heapq.heapify(heap)
    chosen: dict[str, list[float]] = {}
    for _ in range(scooters):
        while heap and (fresh := (-gain(cell := heap[0][2]), -draw[cell], cell)) != heap[0]:
            heapq.heapreplace(heap, fresh)
        if not heap or heap[0][0] >= 0:
            break
        served, _, cell = heap[0]
        chosen.setdefault(cell, []).append(-served)
        for level in levels:
            level.serve(cell)
    return chosen


class _Level:
    """The greatest flow from the scooters placed so far to the stations, at one level of demand.

    A path is a chain of (spot, station): each spot takes its station over from the next spot, which serves the next station
    instead; the last station has riders whom nobody serves yet.
    """

    def __init__(self, unserved: list[float], reached: Mapping[str, Mapping[int, float]]) -> None:
        self._unserved = unserved  # riders by station
        self._served: list[dict[str, float]] = [{} for _ in unserved]  # riders by station and by the spot that serves them
        self._reached = reached

    def gain(self, cell: str) -> float:
        """How many riders one more scooter in the cell would serve, 0 to 1."""
        if math.fsum(self._unserved[i] for i in self._reached[cell]) >= 1:
            return 1.0
        pushed = self.serve(cell)
        for path, riders in reversed(pushed):
            self._push(path, -riders)
        return math.fsum(riders for _, riders in pushed)

    def serve(self, cell: str) -> list[tuple[list[tuple[str, int]], float]]:
        """Puts one more scooter in the cell: the paths, and the riders pushed along each.

        Shortest augmenting paths (Edmonds and Karp, 1972). The scooters before need no second look: where none of their paths led
        to an unserved rider, none does later.
        """
        pushed, left = [], 1.0
        while left > _NOTHING and (path := self._path(cell)):
            taken_over = (self._served[i][other] for (_, i), (other, _) in pairwise(path))
            riders = min(left, self._unserved[path[-1][1]], *taken_over)
            self._push(path, riders)
            pushed.append((path, riders))
            left -= riders
        return pushed

    def _push(self, path: list[tuple[str, int]], riders: float) -> None:
        for spot, i in path:
            self._served[i][spot] = self._served[i].get(spot, 0.0) + riders
        for (_, i), (other, _) in pairwise(path):
            self._served[i][other] -= riders
        self._unserved[path[-1][1]] -= riders

    def _path(self, cell: str) -> list[tuple[str, int]]:
        """The shortest path from the cell; empty where there is none."""
        came: dict[str, tuple[str, int] | None] = {cell: None}
        seen: set[int] = set()
        queue = deque([cell])
        while queue:
            spot = queue.popleft()
            for i in self._reached[spot]:
                if i in seen:
                    continue
                seen.add(i)
                if self._unserved[i] > _NOTHING:
                    path = [(spot, i)]
                    while step := came[path[-1][0]]:
                        path.append(step)
                    return path[::-1]
                for other, riders in self._served[i].items():
                    if other not in came and riders > _NOTHING:
                        came[other] = (spot, i)
                        queue.append(other)
        return []


def _spot(cell: str, gains: Sequence[float], near: Sequence[tuple[float, Station]]) -> Spot:
    latitude, longitude = h3.cell_to_latlng(cell)
    distance_m, nearest = min(near, key=lambda one: (one[0], one[1].station_id))
    return Spot(
        cell=cell,
        latitude=round(latitude, 6),
        longitude=round(longitude, 6),
        near=nearest.name or nearest.station_id,
        near_m=round(distance_m),
        scooters=len(gains),
        riders=round(math.fsum(gains), 1),
        reason=reason(near),
    )


def geojson(spots: Sequence[Spot], fetched_at: datetime) -> bytes:
    """The spots as a FeatureCollection of points (RFC 7946: longitude first, WGS 84), the one to begin with first.

    Args:
        fetched_at: how old the status is that they go by.
    """
    features = [
        {
            "type": "Feature",
            "id": spot.cell,
            "geometry": {"type": "Point", "coordinates": [spot.longitude, spot.latitude]},
            "properties": {
                "number": number,
                "scooters": spot.scooters,
                "near": spot.near,
                "near_m": spot.near_m,
                "riders": spot.riders,
                "reason": spot.reason,
                "fetched_at": fetched_at,
            },
        }
        for number, spot in enumerate(spots, 1)
    ]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def reason(near: Sequence[tuple[float, Station]]) -> str:
    """Why a spot, from the stations in need within a walk of it and how far they are, m."""
    empty = [distance for distance, station in near if station.vehicles_available == 0]
    farthest = math.ceil(max(empty or (distance for distance, _ in near)) / 50) * 50
    low = len(near) - len(empty)
    if empty:
        what = f"{_said(len(empty), 'station')} within {farthest} m {'is' if len(empty) == 1 else 'are'} empty"
        what += f" and {_said(low, 'runs low', 'run low')}" if low else ""
    else:
        what = f"{_said(low, 'station')} within {farthest} m {'runs' if low == 1 else 'run'} low"
    known = [
        (station.usual_taken, station.local_hour_of_week % 24)
        for _, station in near
        if station.usual_taken is not None and station.local_hour_of_week is not None
    ]
    if not known:
        missing = max(round(math.fsum(station.deficit or 0 for _, station in near)), 1)
        short = f"{_said(missing, 'vehicle')} {'is' if missing == 1 else 'are'}"
        return f"{what}; about {short} missing to {TARGET_PCT} % of capacity (no history of this hour yet)"
    riders, hour = round(math.fsum(taken for taken, _ in known)), known[0][1]
    leave = (
        f"about {_said(riders, 'rider')} usually {'leaves' if riders == 1 else 'leave'}" if riders else "seldom a rider leaves"
    )
    return f"{what}; {leave} here between {hour} and {hour + 1}"


def _said(count: int, one: str, many: str = "") -> str:
    """A count with its noun: 1 station, 3 stations."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def _point(latitude: float, longitude: float) -> tuple[float, float, float]:
    """A place on the unit sphere: distances are right over the poles and the date line too."""
    north, east = math.radians(latitude), math.radians(longitude)
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)


decision = Proposal(
    name="placement",
    question="Where do the scooters in the truck serve the most riders now?",
    scope="system",
    features="placement",
    row=Station,
    rule="greedy-coverage",
    oldest=timedelta(minutes=60),
    solve=solve,
)
