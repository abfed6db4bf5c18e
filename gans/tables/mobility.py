"""Shared mobility: systems, their stations and vehicles, what is available now and what was by the hour.

Every answer about a system is the whole of one of its feeds, and its rows share one `fetched_at`: what was not in the last has
an older one than the newest of its system. Removed stations stay so; the view `current_stations` passes over them. A status and
an hour may be of a station that no feed of stations names, and the reverse, so these tables do not refer to each other.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import Boolean, Column, Date, Double, ForeignKey, Index, Integer, SmallInteger, String

from gans.tables._columns import Instant, fetched_at, key, table, value
from gans.tables._retention import Aged

PROVIDERS = ("gbfs", "paris_opendata")
ID_CHARS = 100
MOST_COUNTED = 10_000
"""The most vehicles or docks of one station; larger numbers stand for "any number" (999999 docks)."""


MOST_MINUTES = 100_000_000


def _system() -> Column[Any]:
    return key("system_id", String(64), "the system", ForeignKey("systems.system_id"))


def _station() -> Column[Any]:
    return key("station_id", String(ID_CHARS), "the station, by the system's own id")


def _vehicle_type() -> Column[Any]:
    return key("vehicle_type_id", String(ID_CHARS), "the type of vehicle, by the system's own id; mechanical or ebike in Paris")


def _count(name: str, comment: str) -> Column[Any]:
    return value(name, Integer, f"{comment}; null where it is not told", ge=0, le=MOST_COUNTED)


def _hourly(name: str, comment: str, *, required: bool = False, most: int = MOST_COUNTED) -> Column[Any]:
    return value(name, Integer, comment, required=required, ge=0, le=most)


def _mean(name: str, comment: str) -> Column[Any]:
    return value(name, Double, comment, ge=0, le=MOST_COUNTED)


def _total(name: str, comment: str) -> Column[Any]:
    return value(name, Integer, comment, ge=0, le=60 * MOST_COUNTED * 1_000)


def _watched(name: str, kind: Any, comment: str, *references: ForeignKey, **info: Any) -> Column[Any]:
    return value(name, kind, comment, *references, newest_by="watched_at", **info)


def _address(feed: str, comment: str) -> Column[Any]:
    """An address has a version of its own: a discovery document may leave out one feed and name the others."""
    return value(f"{feed}_url", String(500), comment, newest_by=f"{feed}_named_at")


def _named_at(feed: str) -> Column[Any]:
    return fetched_at(f"{feed}_named_at", f"when the discovery document named the address of {feed} (UTC)")


def _latitude() -> Column[Any]:
    return value("latitude", Double, "WGS 84, degrees north", ge=-90, le=90)


def _longitude() -> Column[Any]:
    return value("longitude", Double, "WGS 84, degrees east", ge=-180, le=180)


system_catalogue = table(
    "system_catalogue",
    key("catalogue_id", String(ID_CHARS), "System ID in MobilityData's catalogue"),
    value("name", String(200), "the system's name"),
    value("country_code", String(2), "the country, as the catalogue tells it"),
    value("location", String(200), "where it is, in words"),
    value("url", String(500), "its GBFS discovery document"),
    value("versions", String(100), "the versions of GBFS that it speaks, like 2.3 ; 3.0"),
    fetched_at(),
    about="A shared-mobility system of the world; one whose fetched_at is not the table's newest has left the catalogue.",
    rows="about 1,500 in all",
    reference=True,
    current_with="system_catalogue",
)

systems = table(
    "systems",
    key("system_id", String(64), "chosen once in the watchlist, like velib"),
    value("name", String(200), "the system's name"),
    value("operator", String(200), "who runs it"),
    value("timezone", String(64), "IANA time zone of the system"),
    value("language", String(35), "the language of its texts, like fr"),
    value(
        "gbfs_version",
        String(20),
        "the version of GBFS that it speaks; null where its feeds do not tell",
        newest_by="discovered_at",
    ),
    _address("station_information", "the feed of its stations"),
    _address("station_status", "the feed of what is available at them"),
    _address("vehicle_status", "the feed of its free-floating vehicles"),
    _watched("provider", String(20), f"one of {', '.join(PROVIDERS)}"),
    _watched("city_id", Integer, "the city that it serves", ForeignKey("cities.city_id"), ge=1, le=2_147_483_647),
    _watched("ttl_s", Integer, "how long an answer holds where the watchlist knows better than the feeds, s", ge=0, le=86_400),
    _watched("is_watched", Boolean, "whether it is on the watchlist now; a removed system keeps its rows"),
    fetched_at("watched_at", "when the watchlist said so (UTC)"),
    fetched_at("discovered_at", "when the discovery document said so (UTC)"),
    fetched_at(),
    _named_at("station_information"),
    _named_at("station_status"),
    _named_at("vehicle_status"),
    Index(None, "city_id"),
    about="A shared-mobility system of the watchlist.",
    rows="one per system",
    reference=True,
)

vehicle_types = table(
    "vehicle_types",
    _system(),
    _vehicle_type(),
    value("form_factor", String(50), "as told: bicycle, scooter, scooter_standing, moped, car …"),
    value("propulsion_type", String(50), "as told: human, electric_assist, electric, combustion …"),
    value("max_range_m", Double, "how far it goes with a full battery, m", ge=0, le=10_000_000),
    value("name", String(200), "its name"),
    fetched_at(),
    about="A type of vehicle of a system.",
    rows="1 to 20 per system",
)

stations = table(
    "stations",
    _system(),
    _station(),
    value("name", String(200), "the station's name"),
    _latitude(),
    _longitude(),
    _count("capacity", "docks, or places to park, as told: more may be parked there"),
    value("is_virtual", Boolean, "whether it is a marked place without docks; null where it is not told"),
    value("is_charging", Boolean, "whether vehicles are charged there; null where it is not told"),
    fetched_at(),
    Index(None, "system_id", "fetched_at"),
    about="A station, or another place of a system to take vehicles from; one whose fetched_at is not its system's newest is no "
    "longer told of (current_stations has the others).",
    rows="20 to 3,000 per system",
)

station_neighbours = table(
    "station_neighbours",
    _system(),
    _station(),
    key("neighbour_id", String(ID_CHARS), "the other station"),
    value("distance_m", Double, "great-circle distance between the two, m", required=True, ge=0, le=500),
    fetched_at(),
    about="A station and one of the 20 nearest others within 500 m of it; it holds while its fetched_at is that of the station.",
    rows="about 8 per station",
)

station_status = table(
    "station_status",
    _system(),
    _station(),
    _count("vehicles_available", "vehicles that can be taken"),
    _count("vehicles_disabled", "vehicles there that cannot be taken"),
    _count("docks_available", "places where one can be returned"),
    _count("docks_disabled", "places that are out of order"),
    value("is_installed", Boolean, "whether the station is on the street; null where it is not told"),
    value("is_renting", Boolean, "whether it gives vehicles; null where it is not told"),
    value("is_returning", Boolean, "whether it takes them back; null where it is not told"),
    value("reported_at", Instant, "when the station itself reported last (UTC)"),
    value("feed_updated_at", Instant, "when the feed says that it was renewed (UTC)"),
    value("is_stale", Boolean, "whether the feed was old when it was fetched, or its clock is wrong", required=True),
    value("local_hour_of_week", SmallInteger, "the hour of fetched_at in the system's own zone; 0 is Monday 00:00", ge=0, le=167),
    value("hour_of_week", SmallInteger, "the same, by its former name, which a later release drops", ge=0, le=167),
    fetched_at(),
    about="What is available at a station, as last told.",
    rows="one per station",
)

station_vehicle_types = table(
    "station_vehicle_types",
    _system(),
    _station(),
    _vehicle_type(),
    value("vehicles_available", Integer, "vehicles of the type that can be taken", required=True, ge=0, le=MOST_COUNTED),
    fetched_at(),
    about="How many vehicles of a type are available at a station; it holds while its fetched_at is that of station_status.",
    rows="one per station and type",
)

station_hours = table(
    "station_hours",
    _system(),
    _station(),
    key("hour_at", Instant, "when the hour begins (UTC)"),
    value("local_hour_of_week", SmallInteger, "the hour of hour_at in the system's own zone; 0 is Monday 00:00", ge=0, le=167),
    value("local_on", Date, "the date of hour_at in the system's own zone"),
    value("hour_of_week", SmallInteger, "the same as local_hour_of_week, by its former name", ge=0, le=167),
    value("local_date", Date, "the same as local_on, by its former name"),
    _mean("vehicles_mean", "vehicles available, mean of the minutes observed"),
    _hourly("vehicles_min", "the fewest vehicles available"),
    _hourly("vehicles_max", "the most vehicles available"),
    _mean("docks_mean", "docks available, mean of the minutes observed"),
    _hourly("docks_min", "the fewest docks available"),
    _hourly("docks_max", "the most docks available"),
    _hourly("minutes_observed", "minutes whose vehicles are known, from a feed that moves, min", required=True, most=60),
    _hourly("minutes_renting", "of the minutes observed, those in which it gave vehicles, min", most=60),
    _hourly("minutes_returning", "of the minutes observed, those in which it took them back, min", most=60),
    _hourly("minutes_empty", "of minutes_renting, minutes without a vehicle, min", required=True, most=60),
    _hourly("minutes_full", "of minutes_returning, minutes without a free dock, min", required=True, most=60),
    _hourly(
        "vehicles_taken",
        "sum of the decreases between consecutive minutes: at least so many were taken",
        required=True,
        most=60 * MOST_COUNTED,
    ),
    _hourly(
        "vehicles_returned",
        "sum of the increases between consecutive minutes: at least so many were returned",
        required=True,
        most=60 * MOST_COUNTED,
    ),
    fetched_at(),
    # station_usuals is made from it.
    Index(None, "system_id", "hour_of_week", "station_id"),
    # The whole system in a past hour.
    Index(None, "system_id", "hour_at"),
    about="A station in an hour, from every minute that was collected.",
    is_long=True,
    rows="24 per station and day",
)

archived_hours = table(
    "archived_hours",
    key("hour_at", Instant, "when the hour begins (UTC)"),
    value(
        "parts",
        Integer,
        "how many parts of station_status were landed for it then",
        required=True,
        newest_by="archived_at",
        ge=0,
        le=2_147_483_647,
    ),
    fetched_at("archived_at", "when it was archived last (UTC)"),
    about="An hour that is in the archive, and at its stations in station_hours.",
    rows="24 a day",
)

station_usuals = table(
    "station_usuals",
    _system(),
    _station(),
    key("hour_of_week", SmallInteger, "the same as local_hour_of_week, by its former name", ge=0, le=167),
    value("local_hour_of_week", SmallInteger, "the hour in the system's own zone; 0 is Monday 00:00", ge=0, le=167),
    value(
        "usual_taken",
        Double,
        "vehicles that such an hour would take if one were there all the time; null where too little was seen",
        ge=0,
        le=60 * MOST_COUNTED,
    ),
    value(
        "usual_returned",
        Double,
        "vehicles that such an hour would return if a dock were free all the time",
        ge=0,
        le=60 * MOST_COUNTED,
    ),
    value("minutes_observed", Integer, "how much was seen of such hours, min", required=True, ge=0, le=MOST_MINUTES),
    _total("taken", "vehicles taken in all such hours"),
    _total("minutes_with_vehicle", "minutes in which it gave vehicles and had one, min"),
    _total("minutes_renting", "minutes in which it gave vehicles, min"),
    _total("returned", "vehicles returned in all such hours"),
    _total("minutes_with_dock", "minutes in which it took vehicles back and had a free dock, min"),
    _total("minutes_returning", "minutes in which it took vehicles back, min"),
    fetched_at(),
    about="What an hour of the week usually takes from a station and returns to it, estimated from the minutes in which that "
    "could be seen, and from other hours where they are few (gans/archive/rates.py).",
    rows="168 per station in all",
)

vehicles = table(
    "vehicles",
    _system(),
    key("vehicle_id", String(ID_CHARS), "the vehicle; ids rotate on purpose, so nothing follows from two that differ"),
    value("vehicle_type_id", String(ID_CHARS), "its type"),
    _latitude(),
    _longitude(),
    value("range_m", Double, "how far it still goes, m", ge=0, le=10_000_000),
    value("battery_pct", Double, "charge of its battery, %", ge=0, le=100),
    value("is_reserved", Boolean, "whether somebody has reserved it; null where it is not told"),
    value("is_disabled", Boolean, "whether it cannot be taken; null where it is not told"),
    value("station_id", String(ID_CHARS), "the station where it stands, if any"),
    value("reported_at", Instant, "when the vehicle itself reported last (UTC)"),
    fetched_at(),
    Index(None, "fetched_at"),
    about="A vehicle that was told of within a day; one whose fetched_at is not its system's newest is no longer there.",
    rows="up to some 10,000 per system; none older than a day is kept",
    retain=Aged("fetched_at", timedelta(days=1)),
)
