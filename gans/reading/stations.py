"""The stations of a shared-mobility system: now, or as they were in a past hour."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Engine, RowMapping, func, select

from gans.clock import clock_of
from gans.database.views import current_stations, station_deficits, station_hour_deficits
from gans.errors import NotKnown
from gans.tables import Instant, metadata

HALF_HOUR_MIN: Final = 30
"""Of a past hour: a station that was empty or full for so many minutes counts as empty or full."""

_systems, _stations, _status, _hours, _cities, _installation = (
    metadata.tables[name] for name in ("systems", "stations", "station_status", "station_hours", "cities", "installation")
)


class System(msgspec.Struct, frozen=True, kw_only=True):
    """A watched system.

    Attributes:
        timezone: IANA; UTC where the system states none.
        stations: how many of it are known.
    """

    system_id: str
    name: str
    city: str | None
    timezone: str
    stations: int

    @property
    def zone(self) -> ZoneInfo:
        """Its clock."""
        return clock_of(self.timezone) or ZoneInfo("UTC")

    @property
    def label(self) -> str:
        """What a person calls it."""
        return f"{self.city}: {self.name}" if self.city else self.name


class StationState(msgspec.Struct, frozen=True, kw_only=True):
    """A station whose place is known.

    Attributes:
        vehicles, docks: available; of a past hour their means. None where not known.
        minutes_empty: of a past hour.
        is_empty, is_full: now, or for half of the past hour or longer.
        usual_taken: the vehicles that are usually taken in this hour; None before there is history.
        deficit: the riders of the hour who find no vehicle; None where the station gives none, or its need is not known.
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
    usual_taken: float | None
    deficit: float | None


class SystemState(msgspec.Struct, frozen=True):
    """A system at a time.

    Attributes:
        at: how old the newest status is (the older of what the feed says of itself and of when it was fetched), or when the past
            hour begins; None before the first status.
        fetched_at: when the newest status was fetched, later than `at` where the feed stands still; None of a past hour.
        is_stale: whether the feed itself was old, or its clock wrong, when it was fetched.
    """

    at: datetime | None
    fetched_at: datetime | None
    is_stale: bool
    stations: list[StationState]

    @property
    def deficit(self) -> float:
        """Riders of the hour who find no vehicle, over all stations."""
        return sum(station.deficit or 0 for station in self.stations)


def systems(engine: Engine) -> list[System]:
    """The systems of the watchlist, by city."""
    count = select(func.count()).where(_stations.c.system_id == _systems.c.system_id).scalar_subquery()
    query = (
        select(_systems.c.system_id, _systems.c.name, _cities.c.name.label("city"), _systems.c.timezone, count.label("stations"))
        .join(_cities, _cities.c.city_id == _systems.c.city_id, isouter=True)
        .where(_systems.c.is_watched == True)  # noqa: E712 - SQL's
        .order_by(_cities.c.name.is_(None), _cities.c.name, _systems.c.system_id)
    )
    with engine.connect() as connection:
        return [
            System(
                system_id=row.system_id,
                name=row.name or row.system_id,
                city=row.city,
                timezone=row.timezone or "UTC",
                stations=row.stations,
            )
            for row in connection.execute(query)
        ]


def is_simulated(engine: Engine) -> bool | None:
    """Whether what the database has was simulated; None where it does not say."""
    with engine.connect() as connection:
        return connection.scalar(select(_installation.c.is_simulated))


def require_system(engine: Engine, system_id: str) -> None:
    """Passes where there is such a system.

    Raises:
        NotKnown: there is none; which there are, and how to add one.
    """
    with engine.connect() as connection:
        known = connection.scalars(select(_systems.c.system_id).order_by(_systems.c.system_id)).all()
    if system_id not in known:
        others = f"Known: {', '.join(known)}." if known else "None is known yet."
        raise NotKnown(
            f"There is no system {system_id}. {others} `gans watch add-system` adds one, `gans collect stations` fetches it."
        )


def why_no_needs(engine: Engine, system_id: str) -> str:
    """Why no station of a system is known to give vehicles, and what to do where something can be done."""
    counts = [select(func.count()).where(table.c.system_id == system_id) for table in (_stations, _status)]
    named = select(_systems.c.provider, _systems.c.vehicle_status_url, _systems.c.station_status_url)
    with engine.connect() as connection:
        informed, statuses = (connection.scalar(count) or 0 for count in counts)
        provider, vehicles, status = connection.execute(named.where(_systems.c.system_id == system_id)).one()
    if provider != "paris_opendata" and vehicles and not status:
        return f"{system_id} has no stations, only free-floating vehicles: nothing is proposed for these yet."
    if statuses:
        return f"No station of {system_id} gives vehicles now, or none says where it is: {informed:,} are known."
    source = "station_status" if informed else "stations station_status"
    return f"No station of {system_id} is known to give vehicles. `gans collect {source}` asks now."


def hours(engine: Engine, system_id: str) -> tuple[datetime, datetime] | None:
    """The first and the last hour that is known of a system; None where none is yet."""
    query = select(func.min(_hours.c.hour_at, type_=Instant), func.max(_hours.c.hour_at, type_=Instant))
    with engine.connect() as connection:
        first, last = connection.execute(query.where(_hours.c.system_id == system_id)).one()
    return (first, last) if first else None


def hours_of(engine: Engine, system: System, day: date) -> list[datetime]:
    """The hours of a system that are known and begin on a local day, in order. They are UTC's, and so may begin at half past."""
    begins, ends = (datetime.combine(one, time(), system.zone).astimezone(UTC) for one in (day, day + timedelta(days=1)))
    query = select(_hours.c.hour_at).distinct().order_by(_hours.c.hour_at)
    with engine.connect() as connection:
        return list(
            connection.scalars(
                query.where(_hours.c.system_id == system.system_id, _hours.c.hour_at >= begins, _hours.c.hour_at < ends)
            )
        )


def current(engine: Engine, system_id: str) -> SystemState:
    """The newest status of a system; a station without one is there, with nothing known."""
    listed = (
        select(_stations)
        .join(
            current_stations,
            (current_stations.c.system_id == _stations.c.system_id) & (current_stations.c.station_id == _stations.c.station_id),
        )
        .where(_stations.c.system_id == system_id, _stations.c.latitude.is_not(None), _stations.c.longitude.is_not(None))
    )
    needs = station_deficits.c
    with engine.connect() as connection:
        stations = connection.execute(listed).mappings().all()
        statuses = {
            row["station_id"]: row
            for row in connection.execute(select(_status).where(_status.c.system_id == system_id)).mappings()
        }
        deficits = {
            row["station_id"]: row
            for row in connection.execute(
                select(needs.station_id, needs.usual_taken, needs.deficit).where(needs.system_id == system_id)
            ).mappings()
        }
    newest = max((row["fetched_at"] for row in statuses.values()), default=None)
    fresh = {station_id: row for station_id, row in statuses.items() if row["fetched_at"] == newest}
    ages = (min(row["feed_updated_at"] or row["fetched_at"], row["fetched_at"]) for row in fresh.values())
    return SystemState(
        max(ages, default=None),
        newest,
        any(row["is_stale"] for row in fresh.values()),
        [_now(row, fresh.get(row["station_id"]), deficits.get(row["station_id"])) for row in stations],
    )


def _now(station: RowMapping, status: RowMapping | None, need: RowMapping | None) -> StationState:
    vehicles, docks = (status["vehicles_available"], status["docks_available"]) if status else (None, None)
    return StationState(
        **_listed(station),
        vehicles=vehicles,
        docks=docks,
        minutes_empty=None,
        is_empty=need is not None and vehicles == 0,
        is_full=need is not None and docks == 0,
        usual_taken=need["usual_taken"] if need else None,
        deficit=need["deficit"] if need and vehicles is not None else None,
    )


def past(engine: Engine, system_id: str, hour_at: datetime) -> SystemState:
    """A system in a past hour; without a station where nothing was collected."""
    of = station_hour_deficits.c
    query = select(station_hour_deficits).where(
        of.system_id == system_id, of.hour_at == hour_at, of.latitude.is_not(None), of.longitude.is_not(None)
    )
    with engine.connect() as connection:
        rows = connection.execute(query).mappings().all()
    return SystemState(
        hour_at,
        None,
        False,
        [
            StationState(
                **_listed(row),
                vehicles=row["vehicles_mean"],
                docks=row["docks_mean"],
                minutes_empty=row["minutes_empty"],
                is_empty=row["minutes_empty"] >= HALF_HOUR_MIN,
                is_full=row["minutes_full"] >= HALF_HOUR_MIN,
                usual_taken=row["usual_taken"],
                deficit=row["deficit"] if row["vehicles_min"] is not None else None,
            )
            for row in rows
        ],
    )


def _listed(row: RowMapping) -> dict[str, Any]:
    """What both kinds of row say of the station itself."""
    return {
        "station_id": row["station_id"],
        "name": row["name"] or row["station_id"],
        "latitude": row["latitude"],
        "longitude": row["longitude"],
        "capacity": row["capacity"],
    }
