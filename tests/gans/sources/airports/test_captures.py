"""The source `airports` against a whole real file, counted with pandas by the written rules (see $GANS_CAPTURES/INDEX.md)."""

import gzip
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gans.source import Capture, Omitted, Row
from gans.sources.airports import URL, parse

NOW = datetime(2026, 8, 10, 2, 10, tzinfo=UTC)
CITIES = (
    (1, 52.52, 13.405),  # Berlin
    (2, 51.5072, -0.1275),  # London
    (3, 40.7128, -74.0061),  # New York
    (4, -22.57, 17.0836),  # Windhoek
    (5, 1.2833, 103.8333),  # Singapore
    (6, -16.8, 179.95),  # west of the date line
)


@pytest.fixture(scope="module")
def items(captures: Path) -> list[Any]:
    body = gzip.decompress((captures / "airports/ourairports_airports_2026-08.csv.gz").read_bytes())
    cities = [{"city_id": city_id, "latitude": latitude, "longitude": longitude} for city_id, latitude, longitude in CITIES]
    return list(
        parse(
            Capture(
                unit="airports",
                url=URL,
                status=200,
                slot=NOW,
                fetched_at=NOW,
                context={"cities": cities, "distance_km": 60.0},
                body=body,
            )
        )
    )


@pytest.fixture(scope="module")
def airports(items: list[Any]) -> list[dict[str, Any]]:
    return [item.values for item in items if isinstance(item, Row) and item.table == "airports"]


def test_every_line_is_read(items: list[Any], airports: list[dict[str, Any]]) -> None:
    assert len(airports) == len({airport["airport_icao"] for airport in airports}) == 4_133
    assert [item for item in items if not isinstance(item, Row)] == [Omitted("airports.airport_icao")] * 227


def test_the_airports_are_those_of_another_count(airports: list[dict[str, Any]]) -> None:
    assert Counter(airport["kind"] for airport in airports) == {
        "large_airport": 1_155,
        "medium_airport": 2_133,
        "small_airport": 759,
        "heliport": 74,
        "seaplane_base": 12,
    }
    missing = Counter(name for airport in airports for name, value in airport.items() if value is None)
    assert missing == {"iata_code": 102, "elevation_m": 85, "municipality": 69, "country_code": 1}
    countries = Counter(airport["country_code"] for airport in airports)
    assert (countries["NA"], len(countries)) == (11, 235)
    assert sum(airport["elevation_m"] or 0 for airport in airports) == pytest.approx(1_283_144.9)
    assert sum(airport["latitude"] for airport in airports) == pytest.approx(105_616.99624)


def test_the_cities_have_their_airports(items: list[Any]) -> None:
    links = [item.values for item in items if isinstance(item, Row) and item.table == "city_airports"]
    assert {(link["city_id"], link["airport_icao"]): link["distance_km"] for link in links} == {
        (1, "EDDB"): 18.8,
        (2, "EGGW"): 44.1,
        (2, "EGKK"): 40.1,
        (2, "EGLC"): 12.7,
        (2, "EGLL"): 23.4,
        (2, "EGMC"): 57.2,
        (2, "EGSS"): 48.9,
        (3, "KEWR"): 14.1,
        (3, "KHPN"): 46.7,
        (3, "KJFK"): 20.8,
        (3, "KJRA"): 4.7,
        (3, "KLGA"): 13.3,
        (3, "KTEB"): 15.9,
        (4, "FYWE"): 3.9,
        (4, "FYWH"): 41.0,
        (5, "WIDD"): 36.5,
        (5, "WMKJ"): 43.8,
        (5, "WSSL"): 15.2,
        (5, "WSSS"): 19.4,
        (6, "NFNM"): 22.1,
    }
