"""Holidays from Nager.Date, this year's and the next's, for every country that a watched city lies in.

Written from the public documentation (https://date.nager.at/Api) and the server's published source; there is no recorded answer.

- `counties` is null for a holiday of the whole country, else the ISO 3166-2 codes of the parts that keep it: a row each.
- `types` tells who is off: Public, Bank, School, Authorities, Optional, Observance. `is_public` is whether Public is among them.
  The same holiday may come twice on one date, for other parts or with other types; one part of the country has it once, and
  public if either is.
- A day that is public in all parts of a country is a public holiday of the whole of it, and has a row for that besides: under the
  name that most parts have for it, of two the first. The parts of a country are the subdivisions of ISO 3166-2 that lie in no
  other (GB-ENG, GB-NIR, GB-SCT and GB-WLS of GB; the Länder of DE), without those that are a country of their own in ISO 3166-1
  or lie overseas (Puerto Rico). It is not asked which parts an answer names: one that names two may have forgotten the others.
- A part that is none of the country is refused, and costs the other parts nothing.
- Two holidays on one date are two rows. One that is withdrawn upstream is in no later answer, and stays.
- A country without holidays there is answered with 204, one that is not known with 404 (recorded as a failure).

The server's code is under the MIT licence, and the web service is free to ask.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import msgspec

from gans.errors import BadData
from gans.schedule import weekly
from gans.source import Capture, CollectedSource, Provided, Reference, Reject, Repaired, Request, Row
from gans.sources import _json
from gans.sources._optional import without_bad

URL = "https://date.nager.at/api/v3/PublicHolidays"

MOST_HOLIDAYS = 5_000


class _Holiday(msgspec.Struct, kw_only=True, rename="camel"):
    date: date
    name: str
    local_name: str | None = None
    country_code: str
    types: list[str]
    counties: Any = None  # looked at part by part: without a bad list it would be the whole country's


_OVERSEAS = ("Overseas", "Outlying", "Dependency")

_decode_answer = msgspec.json.Decoder(list[msgspec.Raw]).decode


def plan(reference: Reference, slot: datetime) -> Iterator[Request | Provided]:
    """One request for every country and year."""
    countries = sorted({city["country_code"] for city in reference.rows("cities")} - {None})
    for country in countries:
        for year in (slot.year, slot.year + 1):
            yield Request(unit=f"{country} {year}", url=f"{URL}/{year}/{country}", context={"country_code": country})


def parse(capture: Capture) -> Iterator[Row | Reject | Repaired]:
    """A row per holiday and part of the country that keeps it.

    Raises:
        BadData: not a list.
    """
    if capture.status == 204:
        return
    try:
        answer, repairs = _json.decode(capture.body, _decode_answer)
    except (ValueError, RecursionError) as error:  # ValueError: not JSON, no list, or not UTF-8
        raise BadData(f"Not an answer of Nager.Date: {error}") from None
    if len(answer) > MOST_HOLIDAYS:
        raise BadData(f"The answer holds {len(answer):,} holidays: no country has more than {MOST_HOLIDAYS:,} in a year")
    country = capture.context["country_code"]
    rows: dict[tuple[str, date, str], dict[str, Any]] = {}
    for raw in answer:
        try:
            holiday, left_out = without_bad(msgspec.json.decode(raw), _Holiday)
            name = holiday.name.strip()
            if not name:
                raise BadData("a holiday without a name")
            regions, strange = _regions(holiday, country)
            repairs += left_out
            if strange:
                yield Reject(f"{strange[0]!r} is no part of {country}", bytes(raw)[:400].decode(errors="replace"))
            for region in regions:
                key = (region, holiday.date, name)
                seen = rows.get(key, {"is_public": False})
                rows[key] = {
                    "country_code": country,
                    "region": region,
                    "observed_on": holiday.date,
                    "name": name,
                    "local_name": (holiday.local_name or "").strip() or None,
                    "is_public": "Public" in holiday.types or seen["is_public"],
                }
        except (ValueError, RecursionError, BadData) as error:  # ValueError: not as declared, or not UTF-8
            yield Reject(str(error), bytes(raw)[:400].decode(errors="replace"))
    yield from (Row("holidays", row) for row in (*rows.values(), *_of_all_parts(country, rows.values())))
    yield from (Repaired(rule, times) for rule, times in sorted(repairs.items()))


def _regions(holiday: _Holiday, country: str) -> tuple[list[str], list[Any]]:
    """The parts of the country that keep the holiday, "" for the whole of it; and what is told as a part and is none."""
    if holiday.country_code != country:
        raise BadData(f"a holiday of {holiday.country_code!r}, asked for {country}")
    if holiday.counties is None or holiday.counties == []:
        return [""], []
    if not isinstance(holiday.counties, list):
        raise BadData(f"counties is {holiday.counties!r}, no list")
    is_part = [isinstance(region, str) and region.startswith(f"{country}-") for region in holiday.counties]
    regions = [region for region, known in zip(holiday.counties, is_part, strict=True) if known]
    return regions, [region for region, known in zip(holiday.counties, is_part, strict=True) if not known]


def _of_all_parts(country: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row of the whole country for each day that is public in all its parts, and not told as the whole country's."""
    parts = parts_of(country)
    days: dict[date, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["is_public"]:
            days.setdefault(row["observed_on"], []).append(row)
    for kept in days.values():
        regions = {row["region"] for row in kept}
        if parts and parts <= regions and "" not in regions:
            names = Counter(row["name"] for row in sorted(kept, key=lambda row: str(row["name"])))
            name = names.most_common(1)[0][0]
            yield {**next(row for row in kept if row["name"] == name), "region": ""}


@cache
def parts_of(country: str) -> frozenset[str]:
    """The ISO 3166-2 codes of the parts that make up a country."""
    from pycountry import countries, subdivisions

    states = {other.name for other in countries}
    return frozenset(
        part.code
        for part in subdivisions
        if part.country_code == country
        and part.parent_code is None
        and not part.type.startswith(_OVERSEAS)
        and not (part.type == "Country" and part.name in states)  # Aruba, but not the Georgia of the United States
    )


source = CollectedSource(
    name="holidays",
    provider="Nager.Date",
    docs="https://date.nager.at/Api",
    licence="MIT",
    schedule=weekly("MON", "04:20"),
    stale_after=timedelta(days=15),
    hosts=("date.nager.at",),
    pause=timedelta(seconds=1),
    reads=("cities",),
    writes=("holidays",),
    plan=plan,
    parse=parse,
)
