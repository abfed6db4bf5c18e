"""Feeds of GBFS: Vélib' with its own ways of version 1, and a system that speaks versions 2.3 and 3.0. https://gbfs.org

Vélib' has no ETag, says that its answers hold for an hour though they are renewed every minute, calls the time of that
`lastUpdatedOther`, has integer ids, 0 and 1 for truths, and counts twice under two names. The other has an ETag.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from local.simulator import docks
from local.simulator.upstream import Answer, Request
from local.simulator.world import World

VELIB = "velib-metropole-opendata.smovengo.cloud"
TESTVILLE = "gbfs.testville.example"
HOSTS = (VELIB, TESTVILLE)

_VELIB_FOLDER = f"https://{VELIB}/opendata/Velib_Metropole"
_VELIB_PATH = re.compile(r"/opendata/Velib_Metropole/(\w+)\.json")
_TESTVILLE_PATH = re.compile(r"/(2\.3|3\.0)/(\w+)\.json")
_FIRST_ID = 17_278_900_000
"""Vélib's ids are beyond 32 bits."""

DISCOVERY = {"velib": f"{_VELIB_FOLDER}/gbfs.json", "testville": f"https://{TESTVILLE}/3.0/gbfs.json"}
"""System → its discovery document."""


def answer(world: World, request: Request, now: datetime) -> Answer:
    """The feed as it was renewed at the last full minute; 404 for one that there is none of."""
    pattern = _VELIB_PATH if request.host == VELIB else _TESTVILLE_PATH
    found = pattern.fullmatch(request.path)
    if not found:
        return refuse(404)
    minute = docks.minute_of(now)
    if request.host == VELIB:
        feed = _velib(docks.system(world, "velib"), minute).get(found[1])
        return _json({"lastUpdatedOther": int(minute.timestamp()), "ttl": 3600, "data": feed()}) if feed else refuse(404)
    version, name = found.groups()
    feed = _testville(docks.system(world, "testville"), minute, version).get(name)
    if not feed:
        return refuse(404)
    updated: object = minute.isoformat() if version == "3.0" else int(minute.timestamp())
    full = _json({"last_updated": updated, "ttl": 60, "version": version, "data": feed()})
    etag = f'"{blake2b(full.body, digest_size=8).hexdigest()}"'
    if request.headers.get("if-none-match") == etag:
        return Answer(304, {"ETag": etag}, b"")
    return Answer(200, {**full.headers, "ETag": etag}, full.body)


def refuse(status: int) -> Answer:
    """An error as most of these servers tell it."""
    return _json({"message": {404: "Not Found", 429: "Too Many Requests"}.get(status, "Internal Server Error")}, status)


def _json(content: object, status: int = 200) -> Answer:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json"}, body)


_Feeds = Mapping[str, Callable[[], Any]]


def _velib(system: docks.System, now: datetime) -> _Feeds:
    names = ("system_information", "station_information", "station_status")
    return {
        "gbfs": lambda: {"en": {"feeds": [{"name": name, "url": f"{_VELIB_FOLDER}/{name}.json"} for name in names]}},
        "system_information": lambda: {
            "system_id": "Paris",
            "language": "fr-FR",
            "name": system.name,
            "timezone": "Europe/Paris",
        },
        "station_information": lambda: {"stations": [_velib_station(station) for station in system.stations]},
        "station_status": lambda: {
            "stations": [_velib_status(station, system.level(station, now), now) for station in system.stations]
        },
    }


def _velib_station(station: docks.Station) -> dict[str, Any]:
    return {
        "station_id": _FIRST_ID + station.number,
        "stationCode": f"{10_000 + station.number}",
        "name": station.name,
        "lat": station.latitude,
        "lon": station.longitude,
        "capacity": station.capacity,
    }


def _velib_status(station: docks.Station, level: docks.Level, now: datetime) -> dict[str, Any]:
    is_open = int(station.is_open)
    return {
        "station_id": _FIRST_ID + station.number,
        "num_bikes_available": level.vehicles,
        "numBikesAvailable": level.vehicles,
        "num_bikes_available_types": [{"mechanical": level.vehicles - level.electric}, {"ebike": level.electric}],
        "num_docks_available": level.docks,
        "numDocksAvailable": level.docks,
        "is_installed": is_open,
        "is_returning": is_open,
        "is_renting": is_open,
        "last_reported": int(now.timestamp()) - 60 * (station.number % 5),
        "stationCode": f"{10_000 + station.number}",
    }


def _testville(system: docks.System, now: datetime, version: str) -> _Feeds:
    is_three = version == "3.0"
    vehicle_status = "vehicle_status" if is_three else "free_bike_status"
    names = ("system_information", "vehicle_types", "station_information", "station_status", vehicle_status)
    feeds = [{"name": name, "url": f"https://{TESTVILLE}/{version}/{name}.json"} for name in names]

    def text(value: str) -> object:
        return [{"text": value, "language": "en"}] if is_three else value

    def time() -> object:
        return now.isoformat() if is_three else int(now.timestamp())

    vehicles = "vehicles" if is_three else "bikes"
    return {
        "gbfs": lambda: {"feeds": feeds} if is_three else {"en": {"feeds": feeds}},
        "system_information": lambda: {
            "system_id": system.system_id,
            "name": text(system.name),
            "timezone": system.city.timezone,
            **({"languages": ["en"]} if is_three else {"language": "en"}),
        },
        "vehicle_types": lambda: {
            "vehicle_types": [
                {
                    "vehicle_type_id": "escooter",
                    "form_factor": "scooter_standing" if is_three else "scooter",
                    "propulsion_type": "electric",
                    "max_range_meters": 40_000.0,
                    "name": text("Scooter"),
                }
            ]
        },
        "station_information": lambda: {
            "stations": [
                {
                    "station_id": f"{station.number:03}",
                    "name": text(station.name),
                    "lat": station.latitude,
                    "lon": station.longitude,
                    "capacity": station.capacity,
                    "is_virtual_station": False,
                }
                for station in system.stations
            ]
        },
        "station_status": lambda: {
            "stations": [
                {
                    "station_id": f"{station.number:03}",
                    f"num_{vehicles}_available": level.vehicles,
                    f"num_{vehicles}_disabled": 0,
                    "num_docks_available": level.docks,
                    "is_installed": station.is_open,
                    "is_renting": station.is_open,
                    "is_returning": station.is_open,
                    "last_reported": time(),
                    "vehicle_types_available": [{"vehicle_type_id": "escooter", "count": level.vehicles}],
                }
                for station, level in ((station, system.level(station, now)) for station in system.stations)
            ]
        },
        vehicle_status: lambda: {
            vehicles: [
                {
                    f"{vehicles[:-1]}_id": vehicle.vehicle_id,
                    "lat": vehicle.latitude,
                    "lon": vehicle.longitude,
                    "is_reserved": vehicle.is_reserved,
                    "is_disabled": vehicle.is_disabled,
                    "vehicle_type_id": "escooter",
                    "current_range_meters": round(40_000 * vehicle.battery),
                    "current_fuel_percent": round(vehicle.battery, 2),
                    "last_reported": time(),
                }
                for vehicle in system.floating(now)
            ]
        },
    }
