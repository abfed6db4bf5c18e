"""Places on the earth: distances, taken for a sphere, and time zones."""

import math
import re
import unicodedata
from collections.abc import Sequence
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


def short_way(places: Sequence[tuple[float, float]], start: tuple[float, float]) -> list[int]:
    """A short way from the start through all places, by great circles, as the places' numbers; it ends at the last.

    The nearest place next, then pieces of the way turned round while that makes it shorter (2-opt: Croes, A method for solving
    traveling-salesman problems, Operations Research 6, 1958).
    """
    stops = [start, *places]
    km = [[great_circle_km(*one, *other) for other in stops] for one in stops]
    way, left = [0], set(range(1, len(stops)))
    while left:
        way.append(min(left, key=lambda number: (km[way[-1]][number], number)))
        left.remove(way[-1])
    is_shorter = True
    while is_shorter:
        is_shorter = False
        for first in range(1, len(way) - 1):
            for last in range(first + 1, len(way)):
                before, begin, end = way[first - 1], way[first], way[last]
                saved = km[before][begin] - km[before][end]
                if last + 1 < len(way):
                    saved += km[end][way[last + 1]] - km[begin][way[last + 1]]
                if saved > 1e-9:
                    way[first : last + 1] = reversed(way[first : last + 1])
                    is_shorter = True
    return [number - 1 for number in way[1:]]


def area_key(name: str) -> str:
    """The one spelling of an area's name, of all that people write: its letters and digits, small and without diacritics.

    `O'Hare`, `OHARE` and `o hare` are `ohare`, `Île-de-France` is `iledefrance`; a number is itself, however it is written: `8`,
    `08` and `8.0`.
    """
    text = name.strip()
    if number := re.fullmatch(r"0*([0-9]+)(?:\.0*)?", text):
        return number[1]
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if c.isalnum())


def timezone_at(latitude: float, longitude: float) -> str | None:
    """The IANA time zone at WGS 84 coordinates in degrees; None at sea, where there are only those by longitude (Etc/…)."""
    from tzfpy import get_tz

    zone = get_tz(longitude, latitude)
    return zone if zone and not zone.startswith("Etc/") else None
