"""Shared-mobility systems that live through their days: docks that the commute empties and fills, vehicles that stand about.

All of it depends on the seed and the time alone, so that any minute of any day can be asked for in any order.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from local.simulator.world import City, World

STREETS = ("Market", "Station", "Mill", "Church", "Park", "River", "School", "Harbour", "Garden", "Castle")
KM_PER_DEGREE = 111.2


@dataclass(frozen=True)
class Station:
    """A station, whatever its feeds say.

    Attributes:
        share: how full it is on average, 0 to 1: crews leave some stations poor.
        draw: how the commute moves it: 1 where people work, -1 where they live.
        phase: what tells its ups and downs from its neighbours'.
        is_open: False for a building site, which gives and takes nothing.
    """

    number: int
    name: str
    latitude: float
    longitude: float
    capacity: int
    share: float
    draw: float
    phase: float
    is_open: bool


@dataclass(frozen=True)
class Level:
    """What is at a station at a time."""

    vehicles: int
    electric: int
    docks: int


@dataclass(frozen=True)
class Vehicle:
    """A free-floating vehicle at a time."""

    vehicle_id: str
    latitude: float
    longitude: float
    battery: float
    is_reserved: bool
    is_disabled: bool


@dataclass(frozen=True)
class System:
    """A system of a city.

    Attributes:
        system_id: its name on the watchlist.
        radius_km: how far its stations reach.
    """

    system_id: str
    name: str
    city: City
    stations: tuple[Station, ...]
    vehicles: int
    radius_km: float

    def level(self, station: Station, now: datetime) -> Level:
        """What is at a station now."""
        if not station.is_open:
            return Level(0, 0, 0)
        tide, minute = _tide_at(self.city.timezone, now)
        share = station.share + 0.45 * station.draw * (tide - 0.3)
        share += 0.07 * math.sin(minute / 9 + station.phase) + 0.05 * math.sin(minute / 2.3 + 3 * station.phase)
        vehicles = min(max(round(share * station.capacity), 0), station.capacity)
        return Level(vehicles, round(0.4 * vehicles), station.capacity - vehicles)

    def floating(self, now: datetime) -> Iterator[Vehicle]:
        """The free-floating vehicles now; each is parked anew, under another id, every hour or so."""
        for number in range(self.vehicles):
            ride = int((now.timestamp() / 3600) + number / self.vehicles)
            dice = random.Random(f"{self.system_id} {number} {ride}")
            latitude, longitude = _at(self.city, self.radius_km * math.sqrt(dice.random()), dice.uniform(0, math.tau))
            is_disabled = dice.random() < 0.05
            yield Vehicle(f"{dice.getrandbits(64):016x}", latitude, longitude, dice.random(), dice.random() < 0.03, is_disabled)


@lru_cache(maxsize=16)
def _tide_at(timezone: str, now: datetime) -> tuple[float, float]:
    """How much of the day's commute is at work, and the minute; at the weekend half as many go."""
    local = now.astimezone(ZoneInfo(timezone))
    return _tide(local.hour + local.minute / 60) * (1.0 if local.weekday() < 5 else 0.5), local.timestamp() / 60


def _tide(hour: float) -> float:
    """How much of a working day's commute is at work, 0 to 1: it comes at half past eight and leaves at six."""

    def rise(at: float, width: float) -> float:
        return 1 / (1 + math.exp(-(hour - at) / width))

    return rise(8.5, 0.5) - rise(18.0, 0.7)


def _at(city: City, km: float, angle: float) -> tuple[float, float]:
    north, east = km * math.cos(angle), km * math.sin(angle)
    shrink = math.cos(math.radians(city.latitude))
    return round(city.latitude + north / KM_PER_DEGREE, 6), round(city.longitude + east / KM_PER_DEGREE / shrink, 6)


def _stations(seed: int, city: City, number: int, radius_km: float) -> Iterator[Station]:
    """Over a city with a few suburbs, denser within: offices in the middle, homes around it."""
    for index in range(number):
        dice = random.Random(f"{seed} {city.city_id} station {index}")
        angle = index * math.pi * (3 - math.sqrt(5)) + dice.uniform(-0.05, 0.05)  # Vogel's spiral, which crowds nowhere
        suburbs = 1 + 0.13 * math.sin(2 * angle + 0.6) + 0.09 * math.sin(5 * angle) + 0.05 * math.sin(9 * angle + 2)
        out = ((index + 0.5 + dice.uniform(-0.5, 0.5)) / number) ** 0.58
        latitude, longitude = _at(city, radius_km * suburbs * out, angle)
        is_open = index % 53 != 52
        yield Station(
            number=index + 1,
            name=f"{dice.choice(STREETS)} {dice.choice(('Street', 'Square', 'Lane', 'Gate'))} {index + 1}",
            latitude=latitude,
            longitude=longitude,
            capacity=dice.randint(12, 55) if is_open else 0,
            share=dice.uniform(0.12, 0.78),
            draw=max(-1.0, min(1.0, 1.3 - 2.4 * out + dice.uniform(-0.4, 0.4))),
            phase=dice.uniform(0, math.tau),
            is_open=is_open,
        )


@lru_cache(maxsize=16)
def system(world: World, system_id: str) -> System:
    """A system of the world: `velib` is the Paris one, as large as the real one; `testville` a smaller one in the first city.

    Raises:
        KeyError: there is none of this name.
    """
    first = world.cities[0]
    if system_id == "velib":
        city = world.find("en", "Paris") or first
        return System("velib", "Vélib' Metropole", city, tuple(_stations(world.seed, city, 1450, 6.0)), 0, 6.0)
    if system_id == "testville":
        return System("testville", "Testville Scooters", first, tuple(_stations(world.seed, first, 60, 2.0)), 250, 3.0)
    raise KeyError(system_id)


def minute_of(now: datetime) -> datetime:
    """When the feeds of a time were renewed: at the full minute."""
    return now.replace(second=0, microsecond=0)
