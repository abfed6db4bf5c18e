"""Free-floating vehicles with their type, range and state, every five minutes; none older than a day is kept.

The format: free_bike_status.json of GBFS 1.0 to 2.3, vehicle_status.json of 3.0 (https://gbfs.org/documentation).

Rules beside those of `_gbfs`
1. Ids rotate on purpose, so that nobody can be followed: nothing is ever inferred from two answers, captures and rows go after a
   day, and a refused vehicle is not shown.
2. The type is `vehicle_type_id`; before there were types, what some tell as `vehicle_type` (Lime) or `type` (Bay Wheels).
3. `current_fuel_percent` is a share from 0 to 1. The feed as a whole tells where it is percent: where at least as many of its
   vehicles have 2 and more as have a fraction of 1 (a little above 1 is a share still). A charge or a range that cannot be is
   unknown, and the ledger counts it.
4. Coordinates at 0, 0 or beyond the poles are unknown. A vehicle without any is stored: it stands at a station.
5. Where a vehicle belongs, until when it may be hired, and what it is called or equipped with (`home_station_id`,
   `available_until`, `name`, `vehicle_equipment`) are left out.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gans.schedule import every
from gans.source import Capture, CollectedSource, Reference, Reject, Repaired, Request, Rows
from gans.sources import _gbfs

_FARTHEST_M: Final = 10_000_000


class _Vehicle(msgspec.Struct, kw_only=True, gc=False):
    vehicle_id: _gbfs.Id | None = None
    bike_id: _gbfs.Id | None = None
    lat: float | None = None
    lon: float | None = None
    is_reserved: bool | None = None
    is_disabled: bool | None = None
    vehicle_type_id: _gbfs.Id | None = None
    vehicle_type: _gbfs.Id | None = None
    type: _gbfs.Id | None = None
    current_range_meters: float | None = None
    current_fuel_percent: float | None = None
    station_id: _gbfs.Id | None = None
    last_reported: _gbfs.Time | None = None

    def __post_init__(self) -> None:
        if self.vehicle_id is None and self.bike_id is None:
            raise ValueError("a vehicle without an id")

    @property
    def id(self) -> _gbfs.Id:
        """Its id, by either name."""
        return self.bike_id or "" if self.vehicle_id is None else self.vehicle_id


def plan(reference: Reference, slot: datetime) -> Iterator[Request]:
    """One request for each watched system that has the feed."""
    for system in reference.rows("systems"):
        if system["vehicle_status_url"]:
            context = {name: system[name] for name in ("system_id", "ttl_s")}
            yield _gbfs.request(system["system_id"], system["vehicle_status_url"], context)


def parse(capture: Capture) -> Iterator[Rows | Reject | Repaired]:
    """A row per vehicle.

    Raises:
        BadData: not the feed.
    """
    system_id, fetched_at = capture.context["system_id"], capture.fetched_at
    feed = _gbfs.feed(capture.body, _Vehicle, "id", "vehicles", "bikes")
    identity, (earliest, latest) = _gbfs.identity, _gbfs.reporting(fetched_at)
    percent = _percent_of([share for item in feed.items if (share := item.current_fuel_percent) is not None])
    rows = []
    for vehicle_id, item in zip(feed.ids, feed.items, strict=True):
        kind = item.vehicle_type_id or item.vehicle_type or item.type
        rows.append(
            (
                system_id,
                vehicle_id,
                identity(kind) or None if kind is not None else None,
                *_gbfs.location(item.lat, item.lon),
                _within(item.current_range_meters, _FARTHEST_M, "current_range_meters", feed.repairs),
                _within(percent(item.current_fuel_percent), 100, "current_fuel_percent", feed.repairs),
                item.is_reserved,
                item.is_disabled,
                None if item.station_id is None else identity(item.station_id) or None,
                reported_at if (reported_at := item.last_reported) is None or earliest <= reported_at <= latest else None,
            )
        )
    yield Rows("vehicles", _COLUMNS, rows)
    yield from feed.findings()


_COLUMNS = (
    "system_id", "vehicle_id", "vehicle_type_id", "latitude", "longitude", "range_m", "battery_pct", "is_reserved", "is_disabled",
    "station_id", "reported_at",
)  # fmt: skip


def _percent_of(shares: Sequence[float]) -> Callable[[float | None], float | None]:
    """What makes percent of how a feed with these `shares` tells a charge (rule 3)."""
    above, fractions = sum(share >= 2 for share in shares), sum(0 < share < 1 for share in shares)
    factor = 1 if above and above >= fractions else 100
    return lambda share: None if share is None else round(factor * share, 1)


def _within(number: float | None, most: float, name: str, repairs: Counter[str]) -> float | None:
    """A number from 0 to `most`; None for another, which is counted."""
    if number is None or 0 <= number <= most:
        return number
    repairs[f"{name}: does not fit"] += 1
    return None


source = CollectedSource(
    name="vehicles",
    provider="the systems of the watchlist (GBFS)",
    docs="https://gbfs.org/documentation/reference/",
    licence="each system's own",
    schedule=every(minutes=5),
    stale_after=timedelta(minutes=20),
    hosts=(),
    discovers_hosts=True,
    budget=timedelta(minutes=4),
    holds_until=_gbfs.holds_until,
    retention=timedelta(days=1),
    reads=("systems",),
    writes=("vehicles",),
    plan=plan,
    parse=parse,
)
