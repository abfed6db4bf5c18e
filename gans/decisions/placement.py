"""Where to put scooters now: the stops of a crew that serve the most riders for the crew's time.

The model is maximum coverage with capacities and a cost for each stop. A station has a deficit, the riders of the hour who find
no vehicle there or near; a spot is a cell of H3 at resolution 10 (about 130 m from the next) and reaches the stations within a
walk of its centre; a scooter at a spot serves at most one rider of the hour, of any station that the spot reaches. What
scooters serve is thus the greatest flow from the scooters to the stations' deficits: no scooter and no rider counts twice,
however the walks overlap. What is usual is only a mean (what a station of Vélib' gives in an hour varied by 1.1 times its mean,
over four weeks), so the flow is the mean over the `LEVELS` of demand: a scooter where much is unmet is likelier to be taken
than a fifth one for five riders.

All is counted in riders of the hour. A plan is worth

    riders served − min_riders · scooters put down − stop_minutes / RIDER_MINUTES · stops

A scooter that stays in the truck is worth `min_riders`, for the next hour or place: one that would serve fewer is not put down,
unless it makes up a least load that is worth it as a whole. A stop takes the crew `stop_minutes`, and `RIDER_MINUTES` of the
crew are worth a rider. No plan has more than `stops` stops, a stop with fewer than `min_load` scooters, or more scooters than
the truck. The way between the stops is short (`gans.geography.short_way`); it is told in km and minutes, and does not choose
the stops.

Finding the best plan is hard. On recorded stations this reaches 0.98 of it or more; the tests compare it with HiGHS.

- What scooters serve is a monotone and submodular function of them. Cut deficits and scooters into equal small pieces: the flow
  counts the pieces that can be matched, which is the rank of a transversal matroid (Edmonds and Fulkerson, 1965); ranks are
  submodular, and stay so over bundles of pieces (a scooter) and in a mean (over the levels).
- Scooters have a price: what one would serve elsewhere. At a price, the stop is opened that adds the most with as many scooters
  as are worth it, then the next; bisection finds the price at which the truck is just empty. Then the scooters are put one by
  one where they add the most at these stops, and stops are given up or moved while that makes the plan better.
- What a stop or a scooter adds only shrinks, so it is weighed anew only when it comes first: Minoux (1978), CELF (Leskovec,
  2007).
"""

import heapq
import math
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import h3
import msgspec

from gans.decision import Proposal, Solution
from gans.errors import NotReady
from gans.geography import EARTH_RADIUS_KM, great_circle_km, on_earth, short_way

RESOLUTION: Final = 10
WALK_M: Final = 300.0
STATUS_OLD: Final = timedelta(minutes=10)
"""A status older than this says little of now."""
LEVELS: Final = (0.1, 0.4, 0.7, 1.2, 2.6)
"""Demand, as multiples of what is usual: the means of the fifths of an exponential distribution (its deviation is its mean)."""
TARGET_PCT: Final = 30
"""The share of its capacity that a station needs while nothing is known of its hours, as in the view `station_needs`, %."""

RIDER_MINUTES: Final = 6.0
"""What a rider is worth of the crew's time, minutes: a ride of 4 EUR beside a crew with its truck for 40 EUR an hour."""
DRIVE_KMH: Final = 15.0
"""A truck in a town, as the crow flies."""
STARTS: Final = 6
"""The prices of a scooter, from `min_riders` to one rider, at which stops are chosen."""
HALVINGS: Final = 5
"""How often the step between two prices is halved, to find the one at which the truck is just empty."""
IMPROVED: Final = 3
"""How many of the choices are improved."""
EFFORT: Final = 4_000
"""How many scooters are put to improve one."""

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


class PlacementRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        scooters: how many are in the truck.
        walk_m: how far riders walk, m; at least 90, so that a cell is within a walk of each station.
        stops: how many stops the crew makes at most.
        min_load: how many scooters a stop gets at least.
        stop_minutes: what a stop takes of the crew, besides the way to it, minutes; weighed at `RIDER_MINUTES` a rider.
        min_riders: a scooter that would serve fewer riders of the hour stays in the truck.
        start: where the truck is, latitude and longitude in WGS 84; None to begin at the stop that serves the most riders.
    """

    scooters: int
    walk_m: float = WALK_M
    stops: int = 12
    min_load: int = 1
    stop_minutes: float = 5.0
    min_riders: float = 0.3
    start: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Passes where it can be answered.

        Raises:
            ValueError: it cannot.
        """
        if not self.walk_m >= _CELL_RADIUS_M:
            raise ValueError(f"walk_m={self.walk_m:g}: at least {_CELL_RADIUS_M:g}, or a station may have no spot within a walk.")
        if not (self.scooters >= 0 and self.stops >= 0 and self.min_load >= 1):
            raise ValueError(f"{self.scooters} scooters, {self.stops} stops of {self.min_load} at least: at least 0, 0 and 1.")
        if not (0 <= self.stop_minutes < math.inf and 0 <= self.min_riders < math.inf):
            raise ValueError(f"stop_minutes={self.stop_minutes:g}, min_riders={self.min_riders:g}: at least 0 each.")
        if self.start is not None and not on_earth(*self.start):
            raise ValueError(f"start={self.start}: latitude and longitude in degrees, like (48.85, 2.35).")


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where to put scooters.

    Attributes:
        cell: the H3 cell, at whose centre `latitude` and `longitude` are (WGS 84).
        near: the name of the nearest station in need, and `near_m` how far it is.
        scooters: how many to put there.
        riders: how many riders of the hour they are expected to serve.
        reason: why there, in words.
        drive_km: from the stop before, or from where the truck is, as the crow flies.
        geo_uri: for the phone's own map (RFC 5870).
        map_url: on OpenStreetMap.
    """

    cell: str
    latitude: float
    longitude: float
    near: str
    near_m: float
    scooters: int
    riders: float
    reason: str
    drive_km: float
    geo_uri: str
    map_url: str


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where to put the scooters.

    Attributes:
        stations: how many stations give vehicles, and of which it is known what they need and have.
        short: how many of these will leave riders without a vehicle, and `deficit` how many riders.
        scooters: how many are in the truck.
        kept: how many of them stay there: each would serve too few riders, or there is no stop left for it.
        riders: how many riders of the hour the others are expected to serve.
        minutes: what the stops and the ways between them take the crew, and `drive_km` how far these are, as the crow flies.
        spots: in driving order.
    """

    stations: int
    short: int
    deficit: float
    walk_m: float
    scooters: int
    kept: int
    riders: float
    minutes: float
    drive_km: float
    spots: list[Spot]


def solve(stations: Sequence[Station], request: PlacementRequest) -> Solution:
    """The spots for the scooters of the request.

    Args:
        stations: those of one system that give vehicles, in any order.

    Raises:
        NotReady: there is none, or of none it is known what it needs and has.
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
    spots = place(known, request)
    drive_km = math.fsum(spot.drive_km for spot in spots)
    answer = Placement(
        stations=len(known),
        short=len(short),
        deficit=round(math.fsum(short), 1),
        walk_m=request.walk_m,
        scooters=request.scooters,
        kept=request.scooters - sum(spot.scooters for spot in spots),
        riders=round(math.fsum(spot.riders for spot in spots), 1),
        minutes=round(len(spots) * request.stop_minutes + 60 * drive_km / DRIVE_KMH),
        drive_km=round(drive_km, 1),
        spots=spots,
    )
    best = max(spots, key=lambda spot: spot.riders, default=None)
    return Solution(answer, best.reason if best else _why_none(answer))


def _why_none(answer: Placement) -> str:
    return "no stop is worth its time" if answer.short else "nobody is short of a vehicle"


def place(stations: Iterable[Station], request: PlacementRequest) -> list[Spot]:
    """The spots of a request, in driving order; fewer scooters than there are where fewer are worth it.

    Args:
        stations: the stations of one system; those without a deficit are passed over.
    """
    needy = sorted((s for s in stations if (s.deficit or 0) > _NOTHING), key=lambda station: station.station_id)
    reached = reach(needy, request.walk_m)
    chosen = cover(reached, [station.deficit or 0 for station in needy], request)
    if not chosen:
        return []
    cells = sorted(chosen, key=lambda cell: (-round(math.fsum(chosen[cell]), 9), cell))
    places = [h3.cell_to_latlng(cell) for cell in cells]
    way = short_way(places, request.start or places[0])
    froms = [request.start or places[way[0]], *(places[number] for number in way)]
    return [
        _spot(
            cells[number],
            chosen[cells[number]],
            [(distance, needy[i]) for i, distance in reached[cells[number]].items()],
            great_circle_km(*before, *places[number]),
        )
        for before, number in zip(froms, way, strict=False)
    ]


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
    reached: Mapping[str, Mapping[int, float]], deficits: Sequence[float], request: PlacementRequest
) -> dict[str, list[float]]:
    """What each scooter adds, in riders, by the cell that it is put in.

    Of cells that add the same, the one with more unmet demand near its centre is taken, then the one of the lower name: the same
    input gives the same spots.
    """
    plan = _Plan(reached, deficits, request)
    step = (1 - request.min_riders) / STARTS  # no scooter serves more than one rider
    prices = [request.min_riders + step * number for number in range(STARTS)]
    opened = {price: plan.open(price) for price in prices}
    low = max((price for price in prices if _count(opened[price]) > request.scooters), default=None)
    price = request.min_riders
    if low is not None:
        price = low + step
        for _ in range(HALVINGS):
            middle = (low + price) / 2
            opened[middle] = plan.open(middle)
            low, price = (middle, price) if _count(opened[middle]) > request.scooters else (low, middle)
    filled = sorted(map(plan.fill, opened.values()), key=plan.worth, reverse=True)
    different = {frozenset(chosen): chosen for chosen in reversed(filled)}
    best = sorted(different.values(), key=plan.worth, reverse=True)[:IMPROVED]
    return max((plan.improve(chosen, price) for chosen in best), key=plan.worth)


def _count(chosen: Mapping[str, Sequence[float]]) -> int:
    return sum(map(len, chosen.values()))


_Pushed = list[tuple[list[tuple[str, int]], float]]
"""Paths, and the riders pushed along each."""


class _Plan:
    """The choice of stops at a price of scooters, and of scooters at stops."""

    def __init__(self, reached: Mapping[str, Mapping[int, float]], deficits: Sequence[float], request: PlacementRequest) -> None:
        self._deficits, self._request = deficits, request
        self._stop_riders = request.stop_minutes / RIDER_MINUTES
        walk_m = request.walk_m
        self._draw = {cell: math.fsum(deficits[i] * (walk_m - m) for i, m in near.items()) for cell, near in reached.items()}
        self._bounds: dict[float, dict[str, float]] = {}
        nearest: dict[frozenset[int], str] = {}
        for cell in sorted(reached, key=lambda cell: (-self._draw[cell], cell)):
            nearest.setdefault(frozenset(reached[cell]), cell)
        self._reached = {cell: reached[cell] for cell in nearest.values()}
        self._reaching: defaultdict[int, list[str]] = defaultdict(list)  # the cells by station
        for cell, near in self._reached.items():
            for i in near:
                self._reaching[i].append(cell)
        self._in_reach = {cell: math.fsum(deficits[i] for i in near) for cell, near in reached.items()}

    def worth(self, chosen: Mapping[str, Sequence[float]]) -> float:
        """What a plan is worth, in riders."""
        return round(math.fsum(self._net(gains, self._request.min_riders) for gains in chosen.values()), 9)

    def open(self, price: float, kept: Collection[str] = (), without: str = "") -> dict[str, list[float]]:
        """What each scooter adds by the stops that are worth it, where a scooter serves `price` riders elsewhere.

        Args:
            kept: the stops to begin with.
            without: a stop that is not to be opened.
        """
        flow = _Flow(self._deficits, self._reached)
        chosen: dict[str, list[float]] = {}
        for cell in kept:
            chosen[cell] = self._try(flow, cell, price)
        closed = {*chosen, without}
        heap = [(bound, -self._draw[cell], cell) for cell, bound in self._bound(price).items() if cell not in closed]
        heapq.heapify(heap)
        while len(chosen) < self._request.stops and heap and heap[0][0] < 0:
            _, draw, cell = heap[0]
            gains = self._try(flow, cell, price)
            fresh = (-self._net(gains, price), draw, cell)
            heapq.heapreplace(heap, fresh)
            if heap[0] == fresh and fresh[0] < 0:
                chosen[cell] = gains
                heapq.heappop(heap)
            else:
                flow.take_back(flow.count - len(gains))
        return chosen

    def _try(self, flow: "_Flow", cell: str, price: float) -> list[float]:
        """Puts scooters in the cell as long as they are worth it: what each adds."""
        before = flow.count
        gains = self._load((flow.put(cell) for _ in range(self._request.scooters)), price)
        flow.take_back(before + len(gains))
        return gains

    def improve(self, best: dict[str, list[float]], price: float) -> dict[str, list[float]]:
        """The plan with a stop given up, or moved to one that shares a station with it, while that makes it better."""
        moves, effort = deque(self._moves(best)), 0
        while moves and effort < EFFORT:
            given_up, moved_to = moves.popleft()
            kept = [cell for cell in best if cell != given_up] + moved_to
            found = self.fill(self.open(price, kept=kept, without=given_up))
            effort += self._request.scooters
            if self.worth(found) > self.worth(best):
                best, moves = found, deque(self._moves(found))
        return best

    def _moves(self, chosen: Collection[str]) -> list[tuple[str, list[str]]]:
        """Each stop alone, then with each cell that it could be moved to, but none that reaches a part of what another does."""
        moves: list[tuple[str, list[str]]] = [(cell, []) for cell in sorted(chosen)]
        for cell in sorted(chosen):
            around = {other for i in self._reached[cell] for other in self._reaching[i]}.difference(chosen)
            sets = {other: self._reached[other].keys() for other in around}
            widest = [other for other in sorted(around) if not any(sets[other] < one for one in sets.values())]
            moves += [(cell, [other]) for other in widest]
        return moves

    def fill(self, opened: Collection[str]) -> dict[str, list[float]]:
        """What each scooter adds, one by one where it adds the most at these stops; a stop that is not worth it is given up.

        Args:
            opened: the first opened first; the last are given up where not all can have the least load.
        """
        stops = list(opened)[: self._request.scooters // self._request.min_load]
        while True:
            chosen = self._fill(stops)
            worths = ((self._net(chosen[cell], self._request.min_riders), cell) for cell in stops)
            worst, cell = min(worths, default=(1.0, ""))
            if worst > 0:
                return chosen
            stops.remove(cell)

    def _fill(self, stops: Collection[str]) -> dict[str, list[float]]:
        flow, least = _Flow(self._deficits, self._reached), range(self._request.min_load)
        chosen = {cell: [flow.put(cell) for _ in least] for cell in stops}
        heap = [(-1.0, -self._draw[cell], cell) for cell in stops]  # no scooter serves more than one rider
        heapq.heapify(heap)
        while heap and flow.count < self._request.scooters:
            _, draw, cell = heap[0]
            gain = flow.put(cell)
            if gain < max(self._request.min_riders, _NOTHING):
                heapq.heappop(heap)
            elif heapq.heapreplace(heap, fresh := (-gain, draw, cell)) and heap[0] == fresh:
                chosen[cell].append(gain)
                continue
            flow.take_back(flow.count - 1)
        return chosen

    def _bound(self, price: float) -> dict[str, float]:
        """What a stop is worth at the most, negative as in the heaps, of those that are worth it."""
        if price not in self._bounds:
            worths = ((cell, self._net(self._alone(cell, price), price)) for cell in self._reached)
            self._bounds[price] = {cell: -worth for cell, worth in worths if worth > 0}
        return self._bounds[price]

    def _alone(self, cell: str, price: float) -> list[float]:
        """What scooters would add at a stop if there were no other: never less than they do."""
        levels = [level * self._in_reach[cell] for level in LEVELS]
        gains = (math.fsum(min(max(riders - n, 0), 1) for riders in levels) / len(levels) for n in range(self._request.scooters))
        return self._load((round(gain, 9) for gain in gains), price)

    def _load(self, gains: Iterable[float], price: float) -> list[float]:
        """The scooters of a stop that are worth the price, and those that make up the least load."""
        load: list[float] = []
        for gain in gains:
            if gain < max(price if len(load) >= self._request.min_load else 0, _NOTHING):
                break
            load.append(gain)
        return load

    def _net(self, gains: Sequence[float], price: float) -> float:
        """What a stop is worth, in riders; nothing with less than the least load."""
        if len(gains) < self._request.min_load:
            return 0.0
        return round(math.fsum(gain - price for gain in gains) - self._stop_riders, 9)


class _Flow:
    """The greatest flow from the scooters put so far to the stations, over the levels of demand."""

    def __init__(self, deficits: Sequence[float], reached: Mapping[str, Mapping[int, float]]) -> None:
        self._levels = [_Level([level * deficit for deficit in deficits], reached) for level in LEVELS]
        self._pushed: list[list[_Pushed]] = []  # by scooter and level

    @property
    def count(self) -> int:
        """How many scooters are put."""
        return len(self._pushed)

    def put(self, cell: str) -> float:
        """Puts one more scooter in the cell: how many riders it adds, 0 to 1."""
        self._pushed.append([level.serve(cell) for level in self._levels])
        return round(math.fsum(riders for pushed in self._pushed[-1] for _, riders in pushed) / len(LEVELS), 9)

    def take_back(self, count: int) -> None:
        """Takes the newest back, until there are `count`."""
        while len(self._pushed) > count:
            for level, pushed in zip(self._levels, self._pushed.pop(), strict=True):
                level.take_back(pushed)


class _Level:
    """The greatest flow from the scooters placed so far to the stations, at one level of demand.

    A path is a chain of (spot, station): each spot takes its station over from the next spot, which serves the next station
    instead; the last station has riders whom nobody serves yet.
    """

    def __init__(self, unserved: list[float], reached: Mapping[str, Mapping[int, float]]) -> None:
        self._unserved = unserved  # riders by station
        self._served: list[dict[str, float]] = [{} for _ in unserved]  # riders by station and by the spot that serves them
        self._reached = reached

    def serve(self, cell: str) -> _Pushed:
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

    def take_back(self, pushed: _Pushed) -> None:
        """Undoes the newest of `serve`."""
        for path, riders in reversed(pushed):
            self._push(path, -riders)

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


def _spot(cell: str, gains: Sequence[float], near: Sequence[tuple[float, Station]], drive_km: float) -> Spot:
    latitude, longitude = (round(degrees, 6) for degrees in h3.cell_to_latlng(cell))
    distance_m, nearest = min(near, key=lambda one: (one[0], one[1].station_id))
    return Spot(
        cell=cell,
        latitude=latitude,
        longitude=longitude,
        near=nearest.name or nearest.station_id,
        near_m=round(distance_m),
        scooters=len(gains),
        riders=round(math.fsum(gains), 1),
        reason=reason(near),
        drive_km=round(drive_km, 3),
        geo_uri=f"geo:{latitude:.6f},{longitude:.6f}",
        map_url=f"https://www.openstreetmap.org/?mlat={latitude:.5f}&mlon={longitude:.5f}&zoom=18",
    )


def geojson(spots: Sequence[Spot], data_at: datetime) -> bytes:
    """The spots as a FeatureCollection of points (RFC 7946: longitude first, WGS 84), in driving order.

    Args:
        data_at: how old the status is that they go by.
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
                "drive_km": spot.drive_km,
                "geo_uri": spot.geo_uri,
                "map_url": spot.map_url,
                "data_at": data_at,
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
