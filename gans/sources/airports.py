"""Airports with scheduled service, from OurAirports, and which of them are near which city; weekly.

The format: one CSV file of every airfield on earth (https://ourairports.com/help/data-dictionary.html), a line each, UTF-8, with
double quotes around text. `NA` is Namibia, and North America; a missing value is an empty field.

Rules
1. An airport is taken where its line says that it has scheduled service and is not closed; closed ones keep their `yes`.
2. Its key is its ICAO code, four capital letters: `icao_code`, else `gps_code`, else `ident`, whichever is four letters first.
   (`icao_code` is empty for some that have a code, and older files have no such column; `ident` is often a local code.) An
   airport without one is left out, and the ledger counts it.
3. Of two lines with one code, that stays which has it by the better field of rule 2, then the one with the lower id.
4. The time zone is that of the coordinates; a country that ISO 3166 has no code for (Kosovo) is unknown. So is any other value
   that does not fit, like the IATA code `-`, and the ledger counts it: only a line without id, place or code is lost to that.
5. An airport is near a city where the great circle between their coordinates is at most as long as the watchlist says, whatever
   the airport is called and whichever country it is in.
6. The file is the whole truth of its time: an airport or a link that it no longer gives is not deleted, since an older answer may
   arrive later, but its `fetched_at` stays behind, and snapshots and views pass over it.
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec

from gans.errors import BadData
from gans.geography import EARTH_RADIUS_KM, great_circle_km, timezone_at
from gans.schedule import weekly
from gans.source import Capture, CollectedSource, Omitted, Reference, Reject, Repaired, Request, Row
from gans.sources import _csv
from gans.sources._optional import without_bad

URL: Final = "https://davidmegginson.github.io/ourairports-data/airports.csv"
_M_PER_FT: Final = 0.3048
_MOST_AIRPORTS: Final = 50_000
_CODE_FIELDS: Final = ("icao_code", "gps_code", "ident")
_ICAO: Final = re.compile(r"[A-Z]{4}")


_Text = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z")]


class _Line(msgspec.Struct, kw_only=True):
    """A line about an airport with scheduled service; empty fields are None."""

    id: Annotated[int, msgspec.Meta(ge=1)]
    ident: str | None
    type: Literal["large_airport", "medium_airport", "small_airport", "heliport", "seaplane_base", "balloonport"] | None = None
    name: _Text | None = None
    latitude_deg: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    longitude_deg: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    elevation_ft: Annotated[float, msgspec.Meta(ge=-1_600, le=19_600)] | None = None
    iso_country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")] | None = None
    municipality: _Text | None = None
    gps_code: str | None
    iata_code: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{3}\Z")] | None = None
    icao_code: str | None = None


_REQUIRED: Final = {"scheduled_service"} | set(_Line.__struct_fields__) - {"icao_code"}


class _Found(NamedTuple):
    """An airport and its code; of two with one code the lesser (`rank`, `id`) stays."""

    rank: int
    line: _Line
    text: str


def plan(reference: Reference, slot: datetime) -> Iterator[Request]:
    """The one file; with it go the cities whose airports are to be found in it."""
    cities = [
        {name: city[name] for name in ("city_id", "latitude", "longitude")}
        for city in reference.rows("cities")
        if city["latitude"] is not None and city["longitude"] is not None
    ]
    if cities:
        (watchlist,) = reference.rows("watchlist")
        yield Request(
            unit="airports", url=URL, context={"cities": cities, "distance_km": float(watchlist["airport_distance_km"])}
        )


def parse(capture: Capture) -> Iterator[Row | Reject | Omitted | Repaired]:
    """A row per airport with scheduled service, and one per city that it is near.

    Raises:
        BadData: not the file, not the whole of it, or none of its airports has scheduled service.
    """
    from pycountry import countries

    is_near = _Near(capture.context["cities"], capture.context["distance_km"])
    known = {country.alpha_2 for country in countries}
    airports: dict[str, _Found] = {}
    for item in _airports(capture.body):
        if not isinstance(item, _Found):
            yield item
            continue
        if len(airports) == _MOST_AIRPORTS:
            raise BadData(f"The file holds more than {_MOST_AIRPORTS:,} airports with scheduled service: there are some 4,500")
        code = getattr(item.line, _CODE_FIELDS[item.rank])
        other = airports.setdefault(code, item)
        if other is not item:
            stays, goes = sorted((other, item), key=lambda found: (found.rank, found.line.id))
            airports[code] = stays
            yield Reject(f"{code} is the code of {stays.line.name!r} (id {stays.line.id})", goes.text)
    if not airports:
        raise BadData("No airport of the answer has scheduled service")
    for code, (_, line, _) in sorted(airports.items()):
        latitude, longitude = line.latitude_deg, line.longitude_deg
        yield Row(
            "airports",
            {
                "airport_icao": code,
                "iata_code": line.iata_code,
                "name": line.name,
                "municipality": line.municipality,
                "country_code": line.iso_country if line.iso_country in known else None,
                "latitude": latitude,
                "longitude": longitude,
                "elevation_m": None if line.elevation_ft is None else round(line.elevation_ft * _M_PER_FT, 1),
                "timezone": timezone_at(latitude, longitude),
                "kind": line.type,
            },
        )
        for city_id, distance_km in is_near(latitude, longitude):
            yield Row("city_airports", {"city_id": city_id, "airport_icao": code, "distance_km": round(distance_km, 1)})


def _airports(body: bytes) -> Iterator[_Found | Reject | Omitted | Repaired]:
    """The airports that are taken, by rules 1 and 2."""
    names, lines = _csv.lines(body, "the airports.csv of OurAirports", _REQUIRED)
    repairs = Counter[str]()
    for number, text in enumerate(lines, 2):
        try:
            fields = _csv.record(text, names)
            if fields["scheduled_service"] not in ("yes", "no"):
                raise BadData(f"scheduled_service is {fields['scheduled_service']!r}, neither yes nor no")
            if fields["scheduled_service"] == "no" or fields["type"] == "closed":
                continue
            values = {name: value if value and _csv.UNREADABLE not in value else None for name, value in fields.items()}
            line, left_out = without_bad(values, _Line, strict=False)
        except (BadData, ValueError) as error:  # ValueError: not as declared
            yield Reject(f"line {number}: {error}", text)
            continue
        repairs += left_out
        if _csv.UNREADABLE in text:
            repairs[_csv.NOT_UTF8] += 1
        rank = next((rank for rank, name in enumerate(_CODE_FIELDS) if _ICAO.fullmatch(getattr(line, name) or "")), None)
        yield Omitted("airports.airport_icao") if rank is None else _Found(rank, line, text)
    yield from (Repaired(rule, times) for rule, times in sorted(repairs.items()))


class _Near:
    """The cities within a distance of a place; those in the belt of latitudes around it are measured, and no others."""

    def __init__(self, cities: Sequence[Mapping[str, Any]], distance_km: float) -> None:
        self._cities = sorted(cities, key=lambda city: (city["latitude"], city["city_id"]))
        self._latitudes = [city["latitude"] for city in self._cities]
        self._distance_km = distance_km
        self._belt_deg = math.degrees(distance_km / EARTH_RADIUS_KM) + 1e-6  # for what rounding takes

    def __call__(self, latitude: float, longitude: float) -> Iterator[tuple[int, float]]:
        first = bisect_left(self._latitudes, latitude - self._belt_deg)
        last = bisect_right(self._latitudes, latitude + self._belt_deg)
        for city in self._cities[first:last]:
            distance_km = great_circle_km(latitude, longitude, city["latitude"], city["longitude"])
            if distance_km <= self._distance_km:
                yield city["city_id"], distance_km


source = CollectedSource(
    name="airports",
    provider="OurAirports",
    docs="https://ourairports.com/help/data-dictionary.html",
    licence="public domain",
    schedule=weekly("MON", "02:10"),
    stale_after=timedelta(days=15),
    hosts=("davidmegginson.github.io",),
    reads=("cities", "watchlist"),
    writes=("airports", "city_airports"),
    plan=plan,
    parse=parse,
)
