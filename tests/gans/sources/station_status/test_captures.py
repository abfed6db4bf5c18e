"""The recorded feeds of many systems and versions: every item becomes a row or is accounted for."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gans.load.transform import ParsedPart, parse_part
from gans.source import Capture, Source
from gans.sources import _gbfs, station_status, stations, vehicles
from gans.storage.landing import Footer, Header, Part

CONTEXT = {"system_id": "recorded", "provider": "gbfs", "timezone": "Europe/Paris", "ttl_s": None}
ITEMS = {
    "station_status": "stations",
    "station_information": "stations",
    "free_bike_status": "bikes",
    "vehicle_status": "vehicles",
}


def parsed_part(source: Source, body: bytes, **context: object) -> ParsedPart:
    head = json.loads(body)
    at = _gbfs.instant(head.get("last_updated") or head.get("lastUpdatedOther")) if isinstance(head, dict) else None
    at = at or datetime(2021, 1, 20, 15, tzinfo=UTC)
    capture = Capture(
        unit="recorded", url="https://x.test/", status=200, slot=at, fetched_at=at, context={**CONTEXT, **context}, body=body
    )
    return parse_part(
        source,
        Part(
            Header(source=source.name, slot=at, attempt=at, part=1, code_version=""),
            [capture],
            Footer(finished_at=at, requests=1, bytes_received=len(body), captures=1),
        ),
        {},
    )


def rows(result: ParsedPart, name: str) -> int:
    return sum(len(found) for (table, _), found in result.rows.items() if table == name)


@pytest.mark.parametrize(
    ("name", "source", "table"),
    [
        ("station_status", station_status.source, "station_status"),
        ("station_information", stations.source, "stations"),
        ("free_bike_status", vehicles.source, "vehicles"),
        ("vehicle_status", vehicles.source, "vehicles"),
    ],
)
def test_every_item_of_every_feed_is_a_row_or_accounted_for(captures: Path, name: str, source: Source, table: str) -> None:
    files = [*captures.glob(f"gbfs/**/{name}*.json"), *captures.glob(f"velib/gbfs*{name}.json")]
    files = [file for file in files if "schemas" not in file.parts]
    assert files
    for file in files:
        body = file.read_bytes()
        number = len(json.loads(body)["data"][ITEMS[name]])
        result = parsed_part(source, body, feed="station_information")
        repeated = sum(times for rule, times in result.omitted.items() if rule.endswith("repeats"))
        assert rows(result, table) + len(result.refused) + repeated == number, file
        assert rows(result, table) >= 0.7 * number, file


def test_lime_names_no_feed(captures: Path) -> None:
    assert rows(parsed_part(vehicles.source, next(captures.glob("gbfs/lime*/lime.json")).read_bytes()), "vehicles") == 7325


def test_the_open_data_of_paris(captures: Path) -> None:
    fields = list(json.loads((captures / "velib/opendata_v1_2021-01-20_full.json").read_bytes()).values())
    pages = json.loads((captures / "velib/opendata_v2.1_records_doc_sample.json").read_bytes())
    for payload, number in (({"records": fields}, 1397), (pages, 2), (pages["results"], 2)):
        body = json.dumps(payload).encode()
        assert rows(parsed_part(stations.source, body, feed="export"), "stations") == number
        status = parsed_part(station_status.source, body, provider="paris_opendata")
        assert rows(status, "station_status") == number
        assert rows(status, "station_vehicle_types") == 2 * number
        assert status.refused == []
