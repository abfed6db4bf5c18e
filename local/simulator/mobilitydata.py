"""MobilityData's catalogue of the systems that publish GBFS. https://github.com/MobilityData/gbfs"""

import csv
import io
from datetime import datetime

from local.simulator import docks, gbfs
from local.simulator.upstream import Answer, Request
from local.simulator.world import World

HOSTS = ("raw.githubusercontent.com",)

_PATH = "/MobilityData/gbfs/master/systems.csv"
_HEAD = (
    "Country Code", "Name", "Location", "System ID", "URL", "Auto-Discovery URL", "Supported Versions", "Authentication Info URL",
    "Authentication Type", "Authentication Parameter Name",
)  # fmt: skip


def answer(world: World, request: Request, now: datetime) -> Answer:
    """The file, with the simulated systems; 404 for another one."""
    if request.path != _PATH:
        return refuse(404)
    file = io.StringIO()
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(_HEAD)
    for system_id, url in gbfs.DISCOVERY.items():
        system = docks.system(world, system_id)
        city = system.city
        versions = "1.0" if system_id == "velib" else "2.3 ; 3.0"
        lines.writerow((city.country_code, system.name, city.title, system_id, "https://example.com", url, versions, "", "", ""))
    return Answer(200, {"Content-Type": "text/plain; charset=utf-8"}, file.getvalue().encode())


def refuse(status: int) -> Answer:
    """An error in plain text."""
    return Answer(status, {"Content-Type": "text/plain; charset=utf-8"}, f"{status}\n".encode())
