"""What is available at every station now, every minute: vehicles, docks, and whether it gives and takes them.

The format: station_status.json of GBFS 1.0 to 3.0 (https://gbfs.org/documentation), or Paris's open data (see `_paris`). The
addresses of the feeds come from `systems`, so that a minute costs one request a system.

Rules beside those of `_gbfs`
1. Vehicles are `num_vehicles_available` (3.0), else `num_bikes_available`; what else counts the same (`numBikesAvailable`) is not
   read. Their types are `vehicle_types_available`; before 2.1 some tell `num_bikes_available_types`, an object, or a list of
   objects with one key each, like {"mechanical": 5, "ebike": 0}.
2. Counts are stored as told: a station may hold more than its capacity.
3. A station that no information was told of is stored all the same.
4. The hour of the week is that of the fetch, in the system's own zone; unknown where the system does not tell its zone.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from gans.clock import clock_of, hour_of_week
from gans.schedule import every
from gans.source import Capture, Reference, Reject, Repaired, Request, Rows, Source
from gans.sources import _gbfs, _paris


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
    if capture.context["provider"] == _paris.PROVIDER:
        feed = _paris.status(capture.body, fetched_at)
    else:
        feed = _gbfs.feed(capture.body, _gbfs.Status, "station_id", "stations")
    clock = clock_of(capture.context["timezone"])
    hour = hour_of_week(fetched_at.astimezone(clock)) if clock else None
    common = (feed.head.updated_at, hour, hour, feed.head.is_stale(fetched_at), system_id)
    earliest, latest = _gbfs.reporting(fetched_at)
    # All at once, without a call for each: there are thousands every minute.
    yield Rows(
        "station_status",
        _COLUMNS,
        [
            (
                *common,
                station_id,
                item.num_bikes_available if item.num_vehicles_available is None else item.num_vehicles_available,
                item.num_bikes_disabled if item.num_vehicles_disabled is None else item.num_vehicles_disabled,
                item.num_docks_available,
                item.num_docks_disabled,
                item.is_installed,
                item.is_renting,
                item.is_returning,
                reported_at if (reported_at := item.last_reported) is None or earliest <= reported_at <= latest else None,
            )
            for station_id, item in zip(feed.ids, feed.items, strict=True)
        ],
    )
    types = [
        (system_id, station_id, vehicle_type_id, vehicles)
        for station_id, item in zip(feed.ids, feed.items, strict=True)
        for counts in _types(item)
        for vehicle_type_id, vehicles in counts.items()
    ]
    if types:
        yield Rows("station_vehicle_types", ("system_id", "station_id", "vehicle_type_id", "vehicles_available"), types)
    yield from feed.findings()


_COLUMNS = (
    "feed_updated_at", "local_hour_of_week", "hour_of_week", "is_stale", "system_id", "station_id", "vehicles_available",
    "vehicles_disabled", "docks_available", "docks_disabled", "is_installed", "is_renting", "is_returning", "reported_at",
)  # fmt: skip


def _types(item: _gbfs.Status) -> Iterable[Mapping[str, int]]:
    """How many there are of each type of vehicle (rule 1)."""
    if item.vehicle_types_available is not None:
        return [{_gbfs.identity(one.vehicle_type_id): one.count} for one in item.vehicle_types_available]
    counts = item.num_bikes_available_types or ()
    return (counts,) if isinstance(counts, dict) else counts


source = Source(
    name="station_status",
    provider="the systems of the watchlist (GBFS), Paris Data",
    docs="https://gbfs.org/documentation/reference/",
    licence="each system's own",
    schedule=every(minutes=1),
    stale_after=timedelta(minutes=5),
    hosts=(),
    discovers_hosts=True,
    holds_until=_gbfs.holds_until,
    reads=("systems",),
    writes=("station_status", "station_vehicle_types"),
    plan=plan,
    parse=parse,
)
