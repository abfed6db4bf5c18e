"""Where to put scooters now: from the database to spots."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Engine, Select, column, func, select, table

from gans.decisions.placement import Spot, Station, place
from gans.errors import ConfigError
from gans.tables import Instant, metadata

_deficits = table(
    "station_deficits", column("system_id"), column("fetched_at", Instant), *(column(name) for name in Station.__struct_fields__)
)


class Placement(msgspec.Struct, frozen=True):
    """What is proposed for a system.

    Attributes:
        fetched_at: how old the status is that it goes by.
        stations: how many stations of the system give vehicles, and tell what they need and have.
        short: how many of these will leave riders without a vehicle, and `deficit` how many riders.
        scooters: how many there are to be placed; the spots may need fewer.
    """

    system_id: str
    fetched_at: datetime
    stations: int
    short: int
    deficit: float
    walk_m: float
    scooters: int
    spots: list[Spot]


def proposed(engine: Engine, system_id: str, scooters: int, walk_m: float) -> Placement:
    """The spots for so many scooters in a system, by its newest status.

    Raises:
        ConfigError: the system is not known, or there is nothing yet to go by; what to do.
    """
    systems, stations = metadata.tables["systems"], metadata.tables["stations"]
    needs: Select[Any] = select(_deficits).where(_deficits.c.system_id == system_id)
    with engine.connect() as connection:
        known = connection.scalars(select(systems.c.system_id).order_by(systems.c.system_id)).all()
        if system_id not in known:
            others = f"Known: {', '.join(known)}." if known else "None is known yet."
            raise ConfigError(
                f"There is no system {system_id}. {others} `gans watch add-system` adds one, `gans collect stations` fetches it."
            )
        rows = connection.execute(needs).all()
        if not rows:
            informed = connection.scalar(select(func.count()).where(stations.c.system_id == system_id))
            source = "station_status" if informed else "stations station_status"
            raise ConfigError(f"No station of {system_id} is known to give vehicles. `gans collect {source}` asks now.")
    told = [msgspec.convert(row._mapping, Station) for row in rows if row.deficit is not None]
    if not told:
        raise ConfigError(
            f"The stations of {system_id} tell no capacity, or not what is there: what they need is known once `gans archive` "
            "has made their first hours."
        )
    short = [station.deficit for station in told if station.deficit > 0]
    spots = place(told, scooters, walk_m)
    newest = max(row.fetched_at for row in rows)
    return Placement(system_id, newest, len(told), len(short), round(sum(short), 1), walk_m, scooters, spots)
