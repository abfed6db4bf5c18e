"""What the map shows: the stations of a system now, or as they were in a past hour, and the spots that follow."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import column, func, select, table

from dashboard.database import rows
from gans.clock import clock_of
from gans.decisions.placement import Spot, Station, place
from gans.tables import Instant, metadata

_stations, _status, _hours, _systems, _cities = (
    metadata.tables[name] for name in ("stations", "station_status", "station_hours", "systems", "cities")
)
_current: Final = table("current_stations", *(column(name) for name in ("system_id", "station_id")))
_deficits: Final = table(
    "station_deficits", *(column(name) for name in ("system_id", "station_id", "hour_of_week", "usual_taken", "deficit"))
)
_past: Final = table(
    "station_hour_deficits",
    column("hour_at", Instant),
    *(
        column(name)
        for name in ("system_id", "station_id", "name", "latitude", "longitude", "capacity", "hour_of_week", "vehicles_mean")
    ),
    *(column(name) for name in ("vehicles_min", "docks_mean", "minutes_empty", "minutes_full", "usual_taken", "deficit")),
)


class System(msgspec.Struct, frozen=True):
    """A watched system.

    Attributes:
        timezone: IANA; UTC where the system tells none.
    """

    system_id: str
    name: str
    city: str | None
    timezone: str

    @property
    def zone(self) -> ZoneInfo:
        """Its clock."""
        return clock_of(self.timezone) or ZoneInfo("UTC")

    @property
    def label(self) -> str:
        """What the chooser calls it."""
        return f"{self.city}: {self.name}" if self.city else self.name


class Place(msgspec.Struct, frozen=True):
    """A station on the map.

    Attributes:
        vehicles, docks: available; of a past hour their means. None where not told.
        minutes_empty: of a past hour.
        is_empty, is_full: now, or for half of the past hour or longer.
        station: what the choice of spots goes by; None where the station gives no vehicles, or its need is not known.
    """

    station_id: str
    name: str
    latitude: float
    longitude: float
    capacity: int | None
    vehicles: float | None
    docks: float | None
    minutes_empty: int | None
    is_empty: bool
    is_full: bool
    station: Station | None

    @property
    def deficit(self) -> float | None:
        """Riders of the hour who find no vehicle."""
        return self.station.deficit if self.station else None


class Scene(msgspec.Struct, frozen=True):
    """A system at a time.

    Attributes:
        at: when the newest status was fetched, or when the past hour begins; None before the first status.
        is_stale: whether the feed itself was old, or its clock wrong, when it was fetched.
    """

    at: datetime | None
    is_stale: bool
    places: list[Place]

    @property
    def deficit(self) -> float:
        """Riders of the hour who find no vehicle, over all stations."""
        return sum(place.deficit or 0 for place in self.places)

    def spots(self, scooters: int, walk_m: float) -> list[Spot]:
        """Where to put so many scooters, the one to begin with first."""
        return place((place.station for place in self.places if place.station), scooters, walk_m) if scooters else []


def systems() -> list[System]:
    """The systems of the watchlist, by city."""
    query = (
        select(_systems.c.system_id, _systems.c.name, _cities.c.name.label("city"), _systems.c.timezone)
        .join(_cities, _cities.c.city_id == _systems.c.city_id, isouter=True)
        .where(_systems.c.is_watched == True)  # noqa: E712 - SQL's
        .order_by(_cities.c.name.is_(None), _cities.c.name, _systems.c.system_id)
    )
    return [
        System(row["system_id"], row["name"] or row["system_id"], row["city"], row["timezone"] or "UTC") for row in rows(query)
    ]


def hours(system_id: str) -> tuple[datetime, datetime] | None:
    """The first and the last hour that is known of a system; None where none is yet."""
    query = select(func.min(_hours.c.hour_at, type_=Instant), func.max(_hours.c.hour_at, type_=Instant))
    ((first, last),) = (row.values() for row in rows(query.where(_hours.c.system_id == system_id)))
    return (first, last) if first else None


def now(system_id: str) -> Scene:
    """The newest status of a system; a station that it does not tell of is there, with nothing known."""
    informed = rows(
        select(_stations)
        .join(_current, (_current.c.system_id == _stations.c.system_id) & (_current.c.station_id == _stations.c.station_id))
        .where(_stations.c.system_id == system_id, _stations.c.latitude.is_not(None))
    )
    told = {row["station_id"]: row for row in rows(select(_status).where(_status.c.system_id == system_id))}
    needs = {row["station_id"]: row for row in rows(select(_deficits).where(_deficits.c.system_id == system_id))}
    newest = max((row["fetched_at"] for row in told.values()), default=None)
    places = []
    for row in informed:
        status = told.get(row["station_id"])
        status = status if status and status["fetched_at"] == newest else None
        need = needs.get(row["station_id"])
        vehicles, docks = (status["vehicles_available"], status["docks_available"]) if status else (None, None)
        is_known = need is not None and need["deficit"] is not None and vehicles is not None
        places.append(
            Place(
                row["station_id"],
                row["name"] or row["station_id"],
                row["latitude"],
                row["longitude"],
                row["capacity"],
                vehicles,
                docks,
                None,
                need is not None and vehicles == 0,
                need is not None and docks == 0,
                _station({**row, **need}, vehicles) if need and is_known else None,
            )
        )
    return Scene(newest, any(row["is_stale"] for row in told.values() if row["fetched_at"] == newest), places)


def then(system_id: str, hour_at: datetime) -> Scene:
    """A system in a past hour; without a station where nothing was collected."""
    query = select(_past).where(_past.c.system_id == system_id, _past.c.hour_at == hour_at, _past.c.latitude.is_not(None))
    places = [
        Place(
            row["station_id"],
            row["name"] or row["station_id"],
            row["latitude"],
            row["longitude"],
            row["capacity"],
            row["vehicles_mean"],
            row["docks_mean"],
            row["minutes_empty"],
            row["minutes_empty"] >= 30,
            row["minutes_full"] >= 30,
            None if row["deficit"] is None or row["vehicles_min"] is None else _station(row, row["vehicles_min"]),
        )
        for row in rows(query)
    ]
    return Scene(hour_at, False, places)


def _station(row: Mapping[str, Any], vehicles: Any) -> Station:
    told = {name: row[name] for name in Station.__struct_fields__ if name != "vehicles_available"}
    return Station(**told, vehicles_available=vehicles)
