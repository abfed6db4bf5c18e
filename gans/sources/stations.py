"""The systems of the watchlist, their types of vehicles and their stations; hourly.

The format: GBFS 1.0 to 3.0 (https://gbfs.org/documentation): a discovery document names a system's feeds, of which three are
followed: system_information, vehicle_types and station_information. Or Paris's open data (see `_paris`).

Rules beside those of `_gbfs`
1. Coordinates at 0, 0 or beyond the poles are unknown.
2. Where a system has at least three other stations, and a station lies more than a degree from the middle (median) of all while
   with its latitude and longitude swapped it would lie within that degree, they are swapped.
3. A capacity is stored as told, also where more vehicles are parked there; one that is no count is unknown. Where it is told by
   type of vehicle only, it is what they add up to: the docks (`vehicle_type_capacity`, 3.0 `vehicle_docks_capacity`), else the
   places to park (`vehicle_capacity`, 3.0 `vehicle_types_capacity`, in its drafts `vehicle_type_area_capacity`). A 0 beside them
   is not believed: it is unknown.
4. The neighbours of a station are those within 500 m (great circle), a walk of some six minutes, and at most the 20 nearest of
   them: the stations of some systems are mere places, fifty in a square of 500 m, and those beyond the fiftieth are passed over.
5. A time zone is found without regard to capitals and blanks; one that IANA has not is unknown.
6. A discovery document may for a moment leave a feed out: an address that it does not name stays what it was. A document that
   names only one of station_information and station_status is refused as to the other. It is asked again within the hour.
7. Each answer is the whole truth of its time: a station that it no longer gives keeps its row, with a `fetched_at` that stays
   behind.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from heapq import nsmallest
from statistics import median
from typing import Any, Final

import msgspec

from gans.clock import zone_named
from gans.errors import BadData
from gans.geography import EARTH_RADIUS_KM, great_circle_km
from gans.schedule import hourly
from gans.source import Capture, CollectedSource, Provided, Reference, Reject, Repaired, Request, Row
from gans.sources import _gbfs, _paris

WALK_M: Final = 500.0
FOLLOWED: Final = ("system_information", "vehicle_types", "station_information")

_DOCKED: Final = ("station_information", "station_status")
_ADDRESSES: Final = (*_DOCKED, "vehicle_status")

_STEP_DEG: Final = math.degrees(WALK_M / 1000 / EARTH_RADIUS_KM) * 1.01
"""The height of a square of the grid; a little more than the walk, for what the rows differ in width."""

_DEGREE: Final = 1.0
_OTHERS: Final = 3
_MOST_NEIGHBOURS: Final = 20
_MOST_IN_A_SQUARE: Final = 50
_WATCHLIST: Final = "watchlist"


class _System(msgspec.Struct, kw_only=True):
    name: _gbfs.Text = None
    operator: _gbfs.Text = None
    timezone: str | None = None
    language: str | None = None
    languages: list[str] | None = None


class _VehicleType(msgspec.Struct, kw_only=True):
    vehicle_type_id: _gbfs.Id
    form_factor: str | None = None
    propulsion_type: str | None = None
    max_range_meters: float | None = None
    name: _gbfs.Text = None


_Point = tuple[float | None, float | None]
"""Latitude and longitude."""


def plan(reference: Reference, slot: datetime) -> Iterator[Request | Provided]:
    """The watchlist itself, then the discovery document, or the data set, of each watched system.

    A system whose `catalogue_id` the catalogue has not is passed on so; while there is no catalogue, nothing is asked for it.
    """
    systems = [dict(system) for system in reference.rows("watched_systems")]
    catalogue = {row["catalogue_id"]: row["url"] for row in reference.rows("system_catalogue")}
    if systems:
        yield Provided(_WATCHLIST, {"systems": systems})
    for system in systems:
        system_id, provider = system["system_id"], system["provider"]
        if not system["is_watched"]:
            continue
        url = system["url"] or catalogue.get(system["catalogue_id"])
        if url and provider == _paris.PROVIDER:
            yield _request(system_id, "export", _paris.export_of(url))
        elif url:
            yield _request(system_id, "gbfs", url)
        elif catalogue:
            yield Provided(f"{system_id} gbfs", {"unknown": system["catalogue_id"]})


def follow(capture: Capture) -> Iterator[Request]:
    """The feeds that a discovery document names."""
    if capture.context["feed"] == "gbfs":
        system_id, urls = capture.context["system_id"], _gbfs.discovery(capture.body).urls
        for name in FOLLOWED:
            if name in urls:
                yield _request(system_id, name, urls[name])


def _request(system_id: str, feed: str, url: str) -> Request:
    return _gbfs.request(f"{system_id} {feed}", url, {"system_id": system_id, "feed": feed})


def parse(capture: Capture) -> Iterator[Row | Reject | Repaired]:
    """The rows of the watchlist, or those of a feed.

    Raises:
        BadData: not the feed, or a system that the catalogue does not know.
    """
    context = capture.context
    if capture.unit == _WATCHLIST:
        for system in context["systems"]:
            yield Row("systems", {name: system[name] for name in ("system_id", "provider", "city_id", "ttl_s", "is_watched")})
        return
    if "unknown" in context:
        raise BadData(
            f"MobilityData's catalogue has no system {context['unknown']!r}. Look into the table system_catalogue, "
            "or give its url in the watchlist."
        )
    read = {
        "gbfs": _discovered,
        "system_information": _system_information,
        "vehicle_types": _vehicle_types,
        "station_information": _station_information,
        "export": _exported,
    }[context["feed"]]
    yield from read(capture, context["system_id"])


def _discovered(capture: Capture, system_id: str) -> Iterator[Row | Reject | Repaired]:
    found = _gbfs.discovery(capture.body)
    urls = {name: found.urls[name] for name in _ADDRESSES if name in found.urls}
    if urls:
        yield Row("systems", {"system_id": system_id, "gbfs_version": found.head.gbfs_version})
    elif not found.refused:
        raise BadData("The discovery document names no feed of stations or vehicles")
    for name, url in urls.items():
        yield Row("systems", {"system_id": system_id, f"{name}_url": url})
    yield from found.refused
    yield from (Repaired(rule, times) for rule, times in sorted(found.repairs.items()))
    for name, other in (_DOCKED, _DOCKED[::-1]):
        if name in urls and other not in urls:
            yield Reject(f"The discovery document names {name} and no {other}: what was known of it stays", "")


def _system_information(capture: Capture, system_id: str) -> Iterator[Row | Repaired]:
    system, repairs = _gbfs.one(capture.body, _System, "system_id", "name", "timezone")
    language = system.language or next(iter(system.languages or ()), None)
    values = {"name": _gbfs.text(system.name), "operator": _gbfs.text(system.operator)}
    zone = zone_named(system.timezone)
    if zone != system.timezone:
        repairs.append(Repaired("timezone: untidy" if zone else "timezone: does not fit"))
    yield Row("systems", {"system_id": system_id, **values, "timezone": zone, "language": language})
    yield from repairs


def _vehicle_types(capture: Capture, system_id: str) -> Iterator[Row | Reject | Repaired]:
    feed = _gbfs.feed(capture.body, _VehicleType, "vehicle_type_id", "vehicle_types")
    for vehicle_type_id, item in zip(feed.ids, feed.items, strict=True):
        values = {
            "form_factor": item.form_factor,
            "propulsion_type": item.propulsion_type,
            "max_range_m": item.max_range_meters,
            "name": _gbfs.text(item.name),
        }
        yield Row("vehicle_types", {"system_id": system_id, "vehicle_type_id": vehicle_type_id, **values})
    yield from feed.findings()


def _station_information(capture: Capture, system_id: str) -> Iterator[Row | Reject | Repaired]:
    yield from _stations(_gbfs.feed(capture.body, _gbfs.Station, "station_id", "stations"), system_id)


def _exported(capture: Capture, system_id: str) -> Iterator[Row | Reject | Repaired]:
    feed = _paris.stations(capture.body)
    yield Row("systems", {"system_id": system_id, "gbfs_version": None})
    for name in _DOCKED:
        yield Row("systems", {"system_id": system_id, f"{name}_url": capture.url})
    yield Row("systems", {"system_id": system_id, **_paris.SYSTEM})
    yield from _stations(feed, system_id)


def _stations(feed: _gbfs.Feed[_gbfs.Station], system_id: str) -> Iterator[Row | Reject | Repaired]:
    points = _mended([(item.lat, item.lon) for item in feed.items], feed.repairs)
    for station_id, item, (latitude, longitude) in zip(feed.ids, feed.items, points, strict=True):
        yield Row(
            "stations",
            {
                "system_id": system_id,
                "station_id": station_id,
                "name": _gbfs.text(item.name),
                "latitude": latitude,
                "longitude": longitude,
                "capacity": _capacity(item, feed.repairs),
                "is_virtual": item.is_virtual_station,
                "is_charging": item.is_charging_station,
            },
        )
    yield from _neighbours(system_id, dict(zip(feed.ids, points, strict=True)))
    yield from feed.findings()


def _capacity(item: _gbfs.Station, repairs: Counter[str]) -> int | None:
    """How many docks there are, or places to park (rule 3)."""
    by_type = _capacity_by_type(item)
    if item.capacity is None and by_type:
        repairs["capacity: told by type only"] += 1
        return _gbfs.total(by_type)
    if item.capacity == 0 and any(by_type):
        repairs["capacity: the types add up to another count"] += 1
        return None
    return item.capacity


def _capacity_by_type(item: _gbfs.Station) -> list[int | None]:
    for by_type in (item.vehicle_type_capacity, item.vehicle_capacity):
        if by_type:
            return list(by_type.values())
    for places in (item.vehicle_docks_capacity, item.vehicle_types_capacity, item.vehicle_type_area_capacity):
        if places:
            return [one.count for one in places]
    return []


def _mended(raw: list[_Point], repairs: Counter[str]) -> list[_Point]:
    """The points by rules 1 and 2."""
    points = [_gbfs.location(*point) for point in raw]
    known = [(latitude, longitude) for latitude, longitude in points if latitude is not None and longitude is not None]
    if len(known) <= _OTHERS:
        return points
    middle = (median(latitude for latitude, _ in known), median(longitude for _, longitude in known))
    for position, (latitude, longitude) in enumerate(raw):
        swapped = _gbfs.location(longitude, latitude)
        if _is_near(swapped, middle) and not _is_near(points[position], middle):
            repairs["latitude and longitude swapped"] += 1
            points[position] = swapped
    return points


def _is_near(point: _Point, middle: tuple[float, float]) -> bool:
    return all(here is not None and abs(here - there) <= _DEGREE for here, there in zip(point, middle, strict=True))


def _neighbours(system_id: str, points: Mapping[str, _Point]) -> Iterator[Row]:
    """The nearest stations within a walk of each (rule 4), found in a grid: the work grows as the stations do."""
    squares: dict[tuple[int, int], list[tuple[str, float, float]]] = defaultdict(list)
    for station_id, (latitude, longitude) in sorted(points.items()):
        if latitude is not None and longitude is not None:
            row = math.floor(latitude / _STEP_DEG)
            square = squares[row, _column(row, longitude)]
            if len(square) < _MOST_IN_A_SQUARE:
                square.append((station_id, latitude, longitude))
    for (row, _), here in list(squares.items()):
        for station_id, latitude, longitude in here:
            near = (
                (1000 * great_circle_km(latitude, longitude, *there), neighbour_id)
                for neighbour_id, *there in _around(squares, row, longitude)
                if neighbour_id != station_id
            )
            for distance_m, neighbour_id in nsmallest(_MOST_NEIGHBOURS, (pair for pair in near if pair[0] <= WALK_M)):
                pair = {"station_id": station_id, "neighbour_id": neighbour_id}
                yield Row("station_neighbours", {"system_id": system_id, **pair, "distance_m": round(distance_m, 1)})


def _column(row: int, longitude: float) -> int:
    """The square of a longitude in a row; squares are as wide as high, so those near the poles span more degrees."""
    farthest = min(max(abs(row), abs(row + 1)) * _STEP_DEG, 89.9)
    return math.floor(longitude / (_STEP_DEG / math.cos(math.radians(farthest))))


def _around(squares: Mapping[tuple[int, int], list[tuple[str, float, float]]], row: int, longitude: float) -> Iterator[Any]:
    """What lies in the nine squares around a point."""
    for near in (row - 1, row, row + 1):
        column = _column(near, longitude)
        for beside in (column - 1, column, column + 1):
            yield from squares.get((near, beside), ())


source = CollectedSource(
    name="stations",
    provider="the systems of the watchlist (GBFS), Paris Data",
    docs="https://gbfs.org/documentation/reference/",
    licence="each system's own",
    schedule=hourly(40),
    stale_after=timedelta(days=3),
    hosts=(),
    discovers_hosts=True,
    holds_until=_gbfs.holds_until,
    pause=timedelta(seconds=0.25),
    reads=("watched_systems", "system_catalogue"),
    writes=("systems", "vehicle_types", "stations", "station_neighbours"),
    plan=plan,
    follow=follow,
    parse=parse,
)
