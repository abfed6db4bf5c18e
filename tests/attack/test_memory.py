"""What the largest answers that an upstream may give take of memory: less than the 512 MB of the function that loads them."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from gans.database import migrate
from gans.database.engine import open_engine
from gans.settings import Settings
from gans.source import Capture
from gans.storage.landing import Footer, Header, PartKey, PartWriter
from gans.storage.store import FolderStore

SLOT: Final = datetime(2025, 3, 30, 3, tzinfo=UTC)
MOST_MIB: Final = 400
LOAD: Final = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from gans.database.engine import open_engine
from gans.load.load import load
from gans.settings import Settings
from gans.sources import registry
from gans.storage.store import FolderStore
folder, key = sys.argv[1:]
loaded = load(
    key, store=FolderStore(Path(folder) / "landing"), engine=open_engine(Settings(database_url=f"sqlite:///{folder}/gans.db")),
    sources=registry(), clock=lambda: datetime(2025, 3, 30, 3, 1, tzinfo=UTC),
)
print(loaded.status, sum(loaded.rows.values()), loaded.rejected)
print(loaded.error)
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""

SYSTEM: Final = {"system_id": "a", "provider": "gbfs", "timezone": "Europe/Paris", "ttl_s": None, "feed": "station_information"}
PARIS: Final = SYSTEM | {"provider": "paris_opendata"}
CITY: Final = {"city_id": 1, "latitude": 0.0, "longitude": 0.0, "timezone": None}


class Attack(NamedTuple):
    """An answer of `source`, and what becomes of it: status, rows, items refused, and the beginning of the error."""

    source: str
    context: Mapping[str, Any]
    body: Callable[[], bytes]
    outcome: str
    error: str = ""


def feed(item: bytes, count: int) -> bytes:
    items = b",".join(item % {b"n": number} for number in range(count)) if b"%" in item else b",".join([item] * count)
    return b'{"last_updated": 1743303500, "ttl": 60, "data": {"stations": [' + items + b"]}}"


def dense() -> bytes:
    """Stations each of which has as many neighbours as are kept."""
    places = (
        b'{"station_id":%d,"lat":%.5f,"lon":%.5f}' % (n, 40 + n // 12_000 * 0.0047, n // 40 % 300 * 0.0062) for n in range(23_000)
    )
    return b'{"data": {"stations": [' + b",".join(places) + b"]}}"


HEAD: Final = (
    "id,ident,type,name,latitude_deg,longitude_deg,elevation_ft,iso_country,municipality,scheduled_service,gps_code,iata_code"
    ",icao_code\n"
)
NOWHERE: Final = {"cities": [], "distance_km": 60.0}


def airports(count: int) -> bytes:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    codes = (a + b + c + d for a in letters for b in letters for c in letters for d in letters)
    lines = (
        f"{number},{code},small_airport,{'x' * 40},0.1,0.1,0,FR,,yes,,,{code}\n"
        for number, code in zip(range(1, count + 1), codes, strict=False)
    )
    return (HEAD + "".join(lines)).encode()


ONES: Final = b"[" + b",".join([b"1"] * 1_990_000) + b"]"
HOURS: Final = b'{"utc_offset_seconds": 0, "hourly_units": {}, "hourly": {"time": ["2025-03-30T04:00"], "temperature_2m": '
ALL_REFUSED: Final = "failed 0 1990000"

ATTACKS: Final = {
    "500,000 stations that are none": Attack("station_status", SYSTEM, lambda: feed(b"1", 500_000), "failed 0 500000"),
    "2 million stations that are none": Attack("station_status", SYSTEM, lambda: feed(b"1", 1_990_000), ALL_REFUSED),
    "500,000 stations": Attack(
        "station_status",
        SYSTEM,
        lambda: feed(b'{"station_id": %(n)d}', 500_000),
        "failed 0 1",
        "The answer holds 500,002 objects:",
    ),
    "as many stations as there may be": Attack(
        "station_status", SYSTEM, lambda: feed(b'{"station_id":%(n)d,"num_bikes_available":3}', 240_000), "ok 240000 0"
    ),
    "as many neighbours as there may be": Attack("stations", SYSTEM, dense, "ok 483000 0"),
    "2 million records": Attack("station_status", PARIS, lambda: ONES, ALL_REFUSED),
    "2 million vehicles": Attack("vehicles", SYSTEM, lambda: b'{"data": {"bikes": ' + ONES + b"}}", ALL_REFUSED),
    "2 million flights": Attack("flights", {"airport_icao": "EDDB"}, lambda: b'{"arrivals": ' + ONES + b"}", ALL_REFUSED),
    "2 million steps": Attack("openweather", CITY, lambda: b'{"cod": "200", "list": ' + ONES + b"}", ALL_REFUSED),
    "2 million holidays": Attack(
        "holidays", {"country_code": "DE"}, lambda: ONES, "failed 0 1", "The answer holds 1,990,000 holidays:"
    ),
    "2 million hours": Attack(
        "weather",
        {"cities": [CITY]},
        lambda: HOURS + ONES + b"}}",
        "failed 0 1",
        "city 1: temperature_2m has 1990000 values for 1 hours",
    ),
    "deep nesting": Attack("station_status", SYSTEM, lambda: b"[" * 30_000_000, "failed 0 1", "Not a feed of GBFS"),
    "a wide character among 32 MB": Attack(
        "airports", NOWHERE, lambda: (HEAD + "\U0001f600\n" + f"{'x' * 99}\n" * 335_000).encode(), "failed 0 1", "No airport"
    ),
    "33 million lines": Attack(
        "airports", NOWHERE, lambda: HEAD.encode() + b"\n" * 33_000_000, "failed 0 1", "The file holds 33,000,001 lines:"
    ),
    "300,000 airports": Attack(
        "airports", NOWHERE, lambda: airports(300_000), "failed 0 1", "The file holds more than 50,000 airports"
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_loading_takes_little_memory_whatever_an_upstream_says(name: str, tmp_path: Path) -> None:
    attack = ATTACKS[name]
    key = str(PartKey(attack.source, SLOT, SLOT, 1))
    writer = PartWriter(Header(source=attack.source, slot=SLOT, attempt=SLOT, part=1, code_version="0"))
    writer.add(
        Capture(
            unit="a", url="https://api.test/", status=200, slot=SLOT, fetched_at=SLOT, context=attack.context, body=attack.body()
        )
    )
    FolderStore(tmp_path / "landing").write(key, writer.close(Footer(finished_at=SLOT, requests=1, bytes_received=1, captures=1)))
    engine = open_engine(Settings(database_url=f"sqlite:///{tmp_path}/gans.db"))
    migrate.upgrade(engine)
    engine.dispose()
    run = subprocess.run((sys.executable, "-c", LOAD, tmp_path, key), capture_output=True, text=True, check=True)
    outcome, error, peak_mib = run.stdout.splitlines()
    assert (outcome, error[: len(attack.error)]) == (attack.outcome, attack.error)
    assert int(peak_mib) < MOST_MIB
