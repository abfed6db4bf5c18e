"""Places on the earth: distances, taken for a sphere, and time zones."""

import math
from typing import Final

EARTH_RADIUS_KM: Final = 6371.0088
"""The mean radius, R1 (IUGG)."""


def great_circle_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The distance of two places on a sphere, km, from degrees.

    The haversine formula: R. W. Sinnott, Virtues of the Haversine, Sky & Telescope 68, 159 (1984).
    """
    north, other_north = math.radians(latitude), math.radians(other_latitude)
    half_east = math.radians(other_longitude - longitude) / 2
    chord = math.sin((other_north - north) / 2) ** 2 + math.cos(north) * math.cos(other_north) * math.sin(half_east) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, chord)))


def on_earth(latitude: float, longitude: float) -> bool:
    """Whether WGS 84 has such coordinates, in degrees; NaN are none."""
    return abs(latitude) <= 90 and abs(longitude) <= 180


def timezone_at(latitude: float, longitude: float) -> str | None:
    """The IANA time zone at WGS 84 coordinates in degrees; None at sea, where there are only those by longitude (Etc/…)."""
    from tzfpy import get_tz

    zone = get_tz(longitude, latitude)
    return zone if zone and not zone.startswith("Etc/") else None
