"""The export of Paris's open data about Vélib' as JSON: the same stations as the feeds of `gbfs`. https://opendata.paris.fr"""

import json
from datetime import datetime

from local.simulator import docks
from local.simulator.upstream import Answer, Request
from local.simulator.world import World

HOSTS = ("opendata.paris.fr",)
DATASET = "https://opendata.paris.fr/api/explore/v2.1/catalog/datasets/velib-disponibilite-en-temps-reel"


def answer(world: World, request: Request, now: datetime) -> Answer:
    """Every record; 404 for another data set."""
    if f"https://{request.host}{request.path}" != f"{DATASET}/exports/json":
        return refuse(404)
    system, minute = docks.system(world, "velib"), docks.minute_of(now)
    records = []
    for station in system.stations:
        level, truth = system.level(station, minute), "OUI" if station.is_open else "NON"
        records.append(
            {
                "stationcode": f"{10_000 + station.number}",
                "name": station.name,
                "is_installed": truth,
                "capacity": station.capacity,
                "numdocksavailable": level.docks,
                "numbikesavailable": level.vehicles,
                "mechanical": level.vehicles - level.electric,
                "ebike": level.electric,
                "is_renting": truth,
                "is_returning": truth,
                "duedate": minute.isoformat(),
                "coordonnees_geo": {"lon": station.longitude, "lat": station.latitude},
                "nom_arrondissement_communes": "Paris",
            }
        )
    return _json(200, records)


def refuse(status: int) -> Answer:
    """An error as the Explore API tells it."""
    code = {404: "NotFound", 429: "TooManyRequests"}.get(status, "InternalError")
    return _json(status, {"error_code": code, "message": "The request could not be answered."})


def _json(status: int, content: object) -> Answer:
    body = json.dumps(content, ensure_ascii=False).encode()
    return Answer(status, {"Content-Type": "application/json; charset=utf-8"}, body)
