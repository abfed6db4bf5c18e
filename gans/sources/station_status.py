"""What is available at every station now, every minute: vehicles, docks, and whether it gives and takes them.

The format: station_status.json of GBFS 1.0 to 3.0 (https://gbfs.org/documentation), or Paris's open data (see `_paris`). The
addresses of the feeds come from `systems`, so that a minute costs one request a system.

Rules beside those of `_gbfs`
1. Vehicles are `num_vehicles_available` (3.0), else `num_bikes_available` and, told beside it, `num_scooters_available` (Lyft)
   together. Disabled ones are `num_vehicles_disabled`, else `num_bikes_disabled` and `num_scooters_unavailable` together. What
   says the same again (`numBikesAvailable`, `stationCode`, `installed`, `status` and the like) is left out.
2. Their types are `vehicle_types_available`; before 2.1 some tell `num_bikes_available_types`, an object, or a list of objects
   with one key each, like {"mechanical": 5, "ebike": 0}. Where neither is told, those told beside the bikes are types: `ebike`
   (`num_ebikes_available`, some of the bikes) and `scooter`. Scooters that the types leave out are such a type as well.
3. A type named twice has both counts together, unless the first alone makes the types add up to the vehicles. One without an id
   is left out.
4. Where the vehicles are not told, they are what their types add up to, if each is known. Where one of the two is 0 and the other
   is not, that 0 is not believed: it is unknown. Where they differ otherwise, both stay as told, for which is right is not known.
5. Free docks are `num_docks_available`, and by rule 4 the sum of `vehicle_docks_available` (by types of vehicle) where that is
   not told, or is 0.
6. Counts are stored as told: a station may hold more than its capacity.
7. A station that no information was told of is stored all the same.
8. The hour of the week is that of the fetch, in the system's own zone; unknown where the system does not tell its zone.
9. Where every station tells when it reported last, and none did for a day, the feed is as old as the newest report and stale,
   whatever `last_updated` says: it is made anew of what stands still.

Whatever these rules change, or find to differ, the ledger counts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from gans.clock import clock_of, hour_of_week
from gans.schedule import every
from gans.source import Capture, CollectedSource, Reference, Reject, Repaired, Request, Rows
from gans.sources import _gbfs, _paris

_SILENT: Final = timedelta(days=1)
"""After how long without a report of any station a feed stands still: some tell as a report only that something changed."""


def plan(reference: Reference, slot: datetime) -> Iterator[Request]:
    """One request for each watched system that has the feed."""
    for system in reference.rows("systems"):
        if system["station_status_url"]:
            context = {name: system[name] for name in ("system_id", "provider", "timezone", "ttl_s")}
            yield _gbfs.request(system["system_id"], system["station_status_url"], context)


def parse(capture: Capture) -> Iterator[Rows | Reject | Repaired]:
    """A row per station, and one per station and type of vehicle.

    Raises:
        BadData: not the feed.
    """
    system_id, fetched_at = capture.context["system_id"], capture.fetched_at
    is_paris = capture.context["provider"] == _paris.PROVIDER
    if is_paris:
        feed = _paris.status(capture.body, fetched_at)
    else:
        feed = _gbfs.feed(capture.body, _gbfs.Status, "station_id", "stations")
    clock = clock_of(capture.context["timezone"])
    hour = hour_of_week(fetched_at.astimezone(clock)) if clock else None
    updated_at, is_stale = feed.head.updated_at, feed.head.is_stale(fetched_at)
    earliest, latest = _gbfs.reporting(fetched_at)
    if silent_since := _silent_since(feed.items, fetched_at):
        feed.repairs["last_updated: no station reported for a day"] += 1
        updated_at, is_stale = min(updated_at or silent_since, silent_since), True
    # All at once, with few calls for each: there are thousands every minute.
    status, types = list[tuple[Any, ...]](), list[tuple[str, str, str, int]]()
    for station_id, item in zip(feed.ids, feed.items, strict=True):
        vehicles = item.num_vehicles_available
        if vehicles is None:
            vehicles = item.num_bikes_available
        by_type = _plain(item, vehicles)
        if by_type is None:
            if is_paris:
                by_type = dict(_types(item))
            else:
                vehicles, by_type = _vehicles(item, feed.repairs)
        status.append(
            (
                updated_at,
                hour,
                hour,
                is_stale,
                system_id,
                station_id,
                vehicles,
                item.num_bikes_disabled
                if item.num_vehicles_disabled is None and not item.num_scooters_unavailable
                else _disabled(item),
                item.num_docks_available if item.vehicle_docks_available is None else _docks(item, feed.repairs),
                item.num_docks_disabled,
                item.is_installed,
                item.is_renting,
                item.is_returning,
                reported_at if (reported_at := item.last_reported) is None or earliest <= reported_at <= latest else None,
            )
        )
        for kind, count in by_type.items():
            if kind and count is not None:
                types.append((system_id, station_id, kind, count))
    yield Rows("station_status", _COLUMNS, status)
    if types:
        yield Rows("station_vehicle_types", ("system_id", "station_id", "vehicle_type_id", "vehicles_available"), types)
    yield from feed.findings()


_COLUMNS = (
    "feed_updated_at", "local_hour_of_week", "hour_of_week", "is_stale", "system_id", "station_id", "vehicles_available",
    "vehicles_disabled", "docks_available", "docks_disabled", "is_installed", "is_renting", "is_returning", "reported_at",
)  # fmt: skip


def _silent_since(items: Sequence[_gbfs.Status], fetched_at: datetime) -> datetime | None:
    """The newest report, where no station reported for long (rule 9); None where one may have."""
    earliest, _ = _gbfs.reporting(fetched_at)
    reports, recent = list[datetime](), fetched_at - _SILENT
    for item in items:
        if item.last_reported is None or not earliest <= item.last_reported < recent:
            return None
        reports.append(item.last_reported)
    return max(reports, default=None)


def _plain(item: _gbfs.Status, vehicles: int | None) -> Mapping[str, int | None] | None:
    """The counts by type where each is named once and they add up, as at nearly all stations; None where a rule has to look."""
    told = item.num_bikes_available_types
    if item.vehicle_types_available:
        by_type = {_gbfs.identity(one.vehicle_type_id): one.count for one in item.vehicle_types_available}
        names = len(item.vehicle_types_available)
    elif isinstance(told, list):
        by_type, names = {}, len(told)
        for one in told:
            by_type.update(one)
    else:
        by_type = told or {}
        names = len(by_type)
    if item.num_scooters_available or not by_type or names != len(by_type):
        return None
    try:
        return by_type if sum(by_type.values()) == vehicles and "" not in by_type else None  # type: ignore[arg-type]
    except TypeError:  # one of them is unknown
        return None


def _vehicles(item: _gbfs.Status, repairs: Counter[str]) -> tuple[int | None, Mapping[str, int | None]]:
    """How many vehicles there are, and how many of each type (rules 1 to 4)."""
    bikes, scooters = item.num_bikes_available, item.num_scooters_available
    vehicles = item.num_vehicles_available
    if vehicles is None:
        vehicles = _gbfs.total((bikes, scooters)) if scooters and bikes is not None else bikes
    told = _types(item)
    if not told:
        return vehicles, {"ebike": item.num_ebikes_available, "scooter": scooters}
    by_type = _once(told, vehicles, repairs)
    known = [count for count in by_type.values() if count is not None]
    of_types = sum(known)
    if len(known) < len(by_type) or of_types == vehicles:
        return vehicles, by_type
    if scooters and bikes == of_types and "scooter" not in by_type:
        return vehicles, {**by_type, "scooter": scooters}
    return _agreed(vehicles, of_types, "vehicles", repairs), by_type if of_types or not vehicles else {}


def _types(item: _gbfs.Status) -> list[tuple[str, int | None]]:
    """The counts by type, as told."""
    if item.vehicle_types_available:
        return [(_gbfs.identity(one.vehicle_type_id), one.count) for one in item.vehicle_types_available]
    counts = item.num_bikes_available_types or ()
    return list(counts.items()) if isinstance(counts, dict) else [pair for one in counts for pair in one.items()]


def _once(told: list[tuple[str, int | None]], vehicles: int | None, repairs: Counter[str]) -> Mapping[str, int | None]:
    """Each type once (rule 3); what has no id is under a blank one."""
    first, together = dict[str, int | None](), dict[str, int | None]()
    for kind, count in told:
        first.setdefault(kind, count)
        together[kind] = count if kind not in together else _gbfs.total((together[kind], count))
    if "" in first:
        repairs["a type of vehicle without an id"] += 1
    if repeats := len(told) - len(first):
        repairs["a type of vehicle named twice"] += repeats
    return first if _gbfs.total(first.values()) == vehicles else together


def _agreed(told: int | None, found: int, of: str, repairs: Counter[str]) -> int | None:
    """A count of a station, where its parts add up to another (rule 4)."""
    if told is None:
        repairs[f"{of}: told by type only"] += 1
        return _gbfs.total((found,))
    repairs[f"{of}: the types add up to another count"] += 1
    return None if told == 0 else told


def _docks(item: _gbfs.Status, repairs: Counter[str]) -> int | None:
    """How many docks are free (rule 5)."""
    told, found = item.num_docks_available, _gbfs.total(one.count for one in item.vehicle_docks_available or ())
    return told if found is None or found == told else _agreed(told, found, "docks", repairs)


def _disabled(item: _gbfs.Status) -> int | None:
    if item.num_vehicles_disabled is not None:
        return item.num_vehicles_disabled
    bikes, scooters = item.num_bikes_disabled, item.num_scooters_unavailable
    return _gbfs.total((bikes, scooters)) if scooters and bikes is not None else bikes


source = CollectedSource(
    name="station_status",
    provider="the systems of the watchlist (GBFS), Paris Data",
    docs="https://gbfs.org/documentation/reference/",
    licence="each system's own",
    schedule=every(minutes=1),
    stale_after=timedelta(minutes=5),
    hosts=(),
    discovers_hosts=True,
    budget=timedelta(seconds=50),
    holds_until=_gbfs.holds_until,
    reads=("systems",),
    writes=("station_status", "station_vehicle_types"),
    plan=plan,
    parse=parse,
)
