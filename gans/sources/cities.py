"""Cities, from their Wikipedia articles: where they are, how large, how high, how many people; daily.

The format: the HTML of an article with an infobox, as Template:Infobox settlement and its kin on the English Wikipedia and
Infobox Ort, Infobox Gemeinde and their kin on the German one make it (https://en.wikipedia.org/wiki/Template:Infobox_settlement,
https://de.wikipedia.org/wiki/Vorlage:Infobox_Ort).

Rules; the modules beside this one hold those of their subjects
1. The name is the article's, without what only tells the place from its namesakes: what stands in brackets, and what stands
   after a comma if it is a part of a country, or is called one (`County Cork`), or the box names it among country, state and
   so on (`Burlington, Ontario`, but `Washington, D.C.`); part by part from the end (`Foxley, Grey County, Ontario`).
   `Municipal Borough of X`, and `X, Y`, are X where the box is headed X.
2. The time zone is that of the coordinates; where these lie in the open sea they are wrong, and it is unknown.
3. What the page does not plainly give is None, and a population without a year is of the year 0.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from gans.errors import BadData, ConfigError
from gans.geography import timezone_at
from gans.schedule import daily
from gans.source import Capture, CollectedSource, Provided, Reference, Request, Row
from gans.sources._wikipedia import figures, infobox
from gans.sources._wikipedia.article import read_article
from gans.sources._wikipedia.countries import country_code, is_subdivision
from gans.sources._wikipedia.settlements import why_none

LANGUAGES: Final = ("en", "de")
_WATCHLIST: Final = "watchlist"
_DESCRIPTION: Final = re.compile(r"(?:government|area|population|elevation)\b", re.IGNORECASE)
_SUBDIVISION: Final = re.compile(
    r"\b(?:country|state|province|county|region|prefecture|department|canton|district|parish|municipality|oblast|governorate"
    r"|voivodeship|bundesland|landkreis|kanton|provinz|bezirk)\b",
    re.IGNORECASE,
)


def plan(reference: Reference, slot: datetime) -> Iterator[Request | Provided]:
    """The watchlist itself, then the article of each watched city.

    Raises:
        ConfigError: a city is to be read in a language that there are no rules for.
    """
    cities = [dict(city) for city in reference.rows("watched_cities")]
    watched = [city for city in cities if city["is_watched"]]
    for city in watched:
        if city["wikipedia_language"] not in LANGUAGES:
            raise ConfigError(
                f"The watchlist has {city['wikipedia_title']!r} (city_id {city['city_id']}) in {city['wikipedia_language']!r};"
                f" articles can be read in {' and '.join(LANGUAGES)}. Name its article in one of these."
            )
    if cities:
        yield Provided(unit=_WATCHLIST, context={"cities": cities})
    for city in watched:
        language, title = city["wikipedia_language"], city["wikipedia_title"]
        yield Request(
            unit=str(city["city_id"]),
            url=f"https://{language}.wikipedia.org/wiki/{quote(title.replace(' ', '_'), safe=':/,()!*@;$~')}",
            context={"city_id": city["city_id"], "language": language, "title": title},
        )


def parse(capture: Capture) -> Iterator[Row]:
    """The rows of the watchlist, or the city and its population as an article gives them.

    Raises:
        BadData: the page is not the article of a settlement, or not the whole of it.
    """
    if capture.unit == _WATCHLIST:
        for city in capture.context["cities"]:
            columns = ("city_id", "wikipedia_language", "wikipedia_title", "is_watched", "region")
            yield Row("cities", {column: city.get(column) for column in columns})  # watchlists before 2026-12 have no region
        return
    yield from _read(capture.body, capture.context, capture.fetched_at.year)


def _read(body: bytes, context: Any, this_year: int) -> Iterator[Row]:
    city_id, language = context["city_id"], context["language"]
    article = read_article(body, language)
    box = infobox.read_infobox(article.box)
    title = article.title or context["title"] or "".join(box.heading[:1])
    if "\ufffd" in title:
        raise BadData(f"{title!r} is not in UTF-8; articles are.")
    name = _name(title, box)
    timezone = timezone_at(*article.coordinates) if article.coordinates else None
    country = country_code(box.entries, article.region, article.statement, timezone, language)
    population = figures.population(box.entries, (name, *box.heading, box.kind), language, this_year)
    area_km2 = figures.area(box.entries, (name, *box.heading, box.kind), language)
    reason = why_none(
        box,
        article.statement,
        language,
        population=population.inhabitants if population else None,
        area_km2=area_km2,
        has_country=country is not None,
        has_coordinates=article.coordinates is not None,
    )
    if reason:
        raise BadData(f"{title!r} {reason}.")
    latitude, longitude = article.coordinates or (None, None)
    yield Row(
        "cities",
        {
            "city_id": city_id,
            "name": name,
            "country_code": country,
            "latitude": latitude,
            "longitude": longitude,
            "elevation_m": figures.elevation(box.entries, language),
            "timezone": timezone,
            "area_km2": area_km2,
            "wikidata_id": article.wikidata_id,
        },
    )
    if population:
        yield Row("city_populations", {"city_id": city_id, "as_of_year": population.year, "population": population.inhabitants})


def _name(title: str, box: infobox.Infobox) -> str:
    name = re.sub(r"\s*\([^()]*\)$", "", title) or title
    settlement = name
    while ", " in settlement:
        settlement, where = settlement.rsplit(", ", 1)
        if not _is_part_of_a_country(where, box):
            break
    else:
        if settlement != name:
            return settlement
    heading = box.heading[0] if box.heading else ""
    return heading if heading and (name.endswith(f" of {heading}") or name.startswith(f"{heading}, ")) else name


def _is_part_of_a_country(where: str, box: infobox.Infobox) -> bool:
    words = where.split()
    if len(words) > 1 and (_SUBDIVISION.fullmatch(words[0]) or _SUBDIVISION.fullmatch(words[-1])):
        return True
    return is_subdivision(where) or any(_is_named(where, entry) for entry in _subdivisions(box))


def _subdivisions(box: infobox.Infobox) -> Iterator[infobox.Entry]:
    """The rows above those that describe the place, and below these the ones that are called by a kind of subdivision."""
    is_above = True
    for entry in box.entries:
        is_above = is_above and not _DESCRIPTION.match(entry.parent or entry.label)
        if is_above or _SUBDIVISION.search(entry.label):
            yield entry


def _is_named(where: str, entry: infobox.Entry) -> bool:
    """Whether a row names the part of a country, by itself or with the word for what it is."""
    kind = _SUBDIVISION.search(entry.label)
    names = {where} if kind is None else {where, _without(where, kind[0])}
    return any(
        part == name or part.startswith(f"{name} ") for line in entry.value for part in re.split(r", |; ", line) for name in names
    )


def _without(where: str, kind: str) -> str:
    """`where` without the word for its kind at either end: Grey County, County Durham."""
    return re.sub(rf"^{kind} | {kind}$", "", where, flags=re.IGNORECASE)


source = CollectedSource(
    name="cities",
    provider="Wikipedia",
    docs="https://en.wikipedia.org/wiki/Template:Infobox_settlement",
    licence="CC-BY-SA-4.0",
    schedule=daily("03:10"),
    stale_after=timedelta(days=3),
    hosts=("en.wikipedia.org", "de.wikipedia.org"),
    reads=("watched_cities",),
    writes=("cities", "city_populations"),
    pause=timedelta(seconds=0.25),  # one after the other, as the Wikimedia etiquette asks; 1,000 articles in one run
    plan=plan,
    parse=parse,
)
