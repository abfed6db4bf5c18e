"""The area sets that are in use, and what was counted in each."""

from datetime import date

import msgspec
from sqlalchemy import Engine, case, func, select

from gans.tables.areas import area_sets
from gans.tables.demand import area_days


class CountedSet(msgspec.Struct, frozen=True):
    """An area set in use.

    Attributes:
        kind, areas, timezone, city_id: as in the table `area_sets`.
        first_on, last_on: the first and the last day that was counted; None where none was.
        complete_to: the last that is complete.
        days: how many were counted.
        trips_started, trips_ended: on all days together; None where that was not counted.
    """

    area_set: str
    kind: str | None
    areas: int | None
    timezone: str | None
    city_id: int | None
    first_on: date | None
    last_on: date | None
    complete_to: date | None
    days: int
    trips_started: int | None
    trips_ended: int | None


def counted_sets(engine: Engine) -> list[CountedSet]:
    """Every set that was not removed, by name."""
    sets, days = area_sets.c, area_days.c
    of_set = (sets.area_set, sets.kind, sets.areas, sets.timezone, sets.city_id)
    query = (
        select(
            *of_set,
            func.min(days.local_on),
            func.max(days.local_on),
            func.max(case((days.is_complete, days.local_on))),
            func.count(days.local_on.distinct()),
            func.sum(days.trips_started),
            func.sum(days.trips_ended),
        )
        .join_from(area_sets, area_days, isouter=True)
        .where(func.coalesce(sets.is_removed, 0) == 0)
        .group_by(*of_set)
        .order_by(sets.area_set)
    )
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    # MySQL's sums are decimals.
    return [CountedSet(*row[:-2], *(None if total is None else int(total) for total in row[-2:])) for row in rows]
