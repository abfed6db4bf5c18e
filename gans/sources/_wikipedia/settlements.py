"""Whether an article's subject is a settlement: a place that a watchlist of cities may name.

Rules
1. What the subject is, is said by the line below the box's heading (`City and municipality`) and by the lead, up to the first
   noun that is a kind of place (`is the second-largest city in ...`, `is one of the regional units of ...`).
2. If either names a settlement (city, town, municipality, commune, borough, capital, city-state ...), it is one.
3. Otherwise, if either names a region (county, province, state, country, island, metropolitan area ...), it is none; except
   that a region or territory with 2,000 people per km² and more is a city in all but name (Hong Kong, Brussels). A district
   is a region only if its box names its seat, or fewer than 10 people live on a km² of it; else it may be a quarter.
4. Where neither tells, it is one if the box gives a population and a place on the map, and is not of the kind that countries
   have.
5. What follows `in`, `on`, `near` and the like is where the subject lies and not what it is, up to the next sentence (`is in the
   old county of Fife. The town has ...`), or, between commas, up to the second (`is, in the county of Kent, a town`).
6. A settlement has a population, or a country and a place on the map. What `was` one, or is an ancient or a former one, has a
   population.
"""

import re
from typing import Final

from gans.sources._wikipedia.infobox import Infobox, plain

_DENSE_PER_KM2: Final = 2_000
_THIN_PER_KM2: Final = 10
_PHRASES: Final = 6
_TEXT_CHARS: Final = 600

# what ends a noun phrase follows the noun: a city hall is no city
_SETTLEMENT: Final = {
    "en": re.compile(
        r"\b(?:city|cities|towns?|townships?|villages?|municipalit(?:y|ies)|communes?|comun[ei]|boroughs?|settlements?|hamlets?"
        r"|capitals?|metropolis|megacity|suburbs?|neighbou?rhoods?|localit(?:y|ies)|burghs?|wards?|barangays?"
        r"|census-designated place|(?<!autonomous )communit(?:y|ies)|civil parish|kibbutz|moshav|quarter"
        r"|(?:district|divisional|administrative|taluka?) headquarters|(?:county|district|parish|provincial|state) seat)\b"
        r"(?=\s*(?:$|[^\w\s]|(?:and|or|as|city|town|status|just|off|some|now|since|until|is|was"
        r"|north|south|east|west)))",
        re.IGNORECASE,
    ),
    "de": re.compile(
        r"\b(?:\w*st[aä]dt(?:en?|e|chens?|staat)?|\w*gemeinden?|\w*d(?:orf|örfer)|\w*ort(?:e|s|schaft|steil)?|\w*metropole"
        r"|\w*kommunen?|\w*siedlung|weiler|\w*markt|stadtteils?|stadtbezirk|municipio|comune)\b",
        re.IGNORECASE,
    ),
}
_REGION: Final = {
    "en": re.compile(
        r"\b(?:count(?:y|ies)|countr(?:y|ies)|nations?|republics?|kingdoms?|empires?|dynast(?:y|ies)|islands?|archipelagos?"
        r"|peninsulas?|metropolitan (?:area|region)s?|urban (?:area|agglomeration)s?|agglomerations?|conurbations?|provinces?"
        r"|regional units?|regions?|states?|prefectures?|oblasts?|krais?|raions?|governorates?|departments?|cantons?"
        r"|territor(?:y|ies)|autonomous communit(?:y|ies)|voivodeships?|emirates?|principalit(?:y|ies)|duch(?:y|ies)"
        r"|dependenc(?:y|ies)|regenc(?:y|ies)|electoral (?:district|division)s?|constituenc(?:y|ies)|(?:arch)?dioceses?"
        r"|reservations?|districts?|divisions?|organi[sz]ations?)\b"
        r"(?! (?:town|city|seat|capital)s?\b)",  # what is the county's is no county
        re.IGNORECASE,
    ),
    "de": re.compile(
        r"\b(?:\w*kreis(?:es)?|\w*länder|\w*land(?:es)?|\w*staat(?:en)?|\w*republik|\w*reich|\w*inseln?|\w*provinz(?:en)?"
        r"|\w*region(?:en)?|kantone?|\w*bezirke?|départements?|\w*gebiete?|distrikte?|gouvernements?|\w*territorium)\b",
        re.IGNORECASE,
    ),
}
_MAY_BE_A_CITY: Final = re.compile(r"\w*regions?|territory|\w*territorium", re.IGNORECASE)
_MAY_BE_A_QUARTER: Final = re.compile(r"districts?|divisions?|bezirke?|distrikte?", re.IGNORECASE)
_SEAT: Final = re.compile(
    r"(?:capital|(?:\w+ )?seat|(?:largest|main|principal) (?:city|town|settlement)|(?:administrative |district )?cent(?:re|er)"
    r"|chef-lieu|(?:\w+ )?headquarters?|hauptstadt|hauptort|verwaltungs(?:sitz|zentrum)|kreisstadt)\b.*"
)
_NO_MORE: Final = re.compile(
    r"(?:was|were|war)\b|\S+ (?:an?|the|eine?) (?:\w+ ){0,2}?"
    r"(?:ancient|former|abandoned|deserted|ruined|archaeological|prehistoric|antike|ehemalige)"
)
_OF_A_COUNTRY: Final = re.compile(r"currency|calling code|internet tld|drives on|driving side|währung|internet-tld")
_BOUNDARY: Final = re.compile(
    r"([,;:.]\s|\b(?:in|of|on|at|located|situated|that|which|who|whose|with|within|between|near|from|to|by|for|about|around|along"
    r"|across|covering|lying|comprising|including|containing|surrounding|bordering|centered|centred|named|called|has|have|had"
    r"|im|am|an|auf|bei|mit|von|vom|nahe|der|des|dem|den)\b)"
)  # where a noun phrase ends, in either language
_WHERE: Final = {
    "en": re.compile(r"in|on|at|located|situated|within|between|near|around|along|across"),
    "de": re.compile(r"in|im|am|an|auf|bei|nahe"),
}
_NO_NOUN: Final = re.compile(
    r"is|are|was|were|the|a|one|two|and|also|as|both|most|part|area|popul\w+|first|second|third|\d+\w*|\w+(?:est|th|ly)"
    r"|ist|war|sind|waren|eine?[rs]?|die|das|als|zugleich|sowie|und|heute|rund|etwa|millionen|einwohnern|\w+(?:ste[nr]?|reich)"
)


def why_none(
    box: Infobox,
    statement: str,
    language: str,
    *,
    population: int | None,
    area_km2: float | None,
    has_country: bool,
    has_coordinates: bool,
) -> str:
    """Why the subject of an article is no settlement; "" where it is one.

    Args:
        box: its infobox.
        statement: what its lead says from its verb on.
        language: of the page, "en" or "de".
        population: as the box has it.
        area_km2: as the box has it.
        has_country: whether the page names its country.
        has_coordinates: whether the page places it on the map.
    """
    found = [_kind(box.kind, language), _kind(statement, language)]
    if True not in (is_settlement for is_settlement, _ in found):
        region = next((word for is_settlement, word in found if is_settlement is False), "")
        per_km2 = population / area_km2 if population and area_km2 else None
        is_thin, is_dense = per_km2 is not None and per_km2 < _THIN_PER_KM2, per_km2 is not None and per_km2 >= _DENSE_PER_KM2
        has_seat = any(_SEAT.fullmatch(plain(entry.label)) for entry in box.entries)
        if _MAY_BE_A_QUARTER.fullmatch(region) and not has_seat and not is_thin:
            region = ""
        if region and not (is_dense and _MAY_BE_A_CITY.fullmatch(region)):
            return f"is a {region.casefold()}, not a settlement"
        is_of_a_country = any(_OF_A_COUNTRY.fullmatch(plain(entry.label)) for entry in box.entries)
        if not region and (population is None or not has_coordinates or is_of_a_country):
            return "is not called a settlement, and its infobox is not a settlement's"
    if population is None and _NO_MORE.match(statement):
        return "is no more, and has no population"
    if population is None and not (has_country and has_coordinates):
        return "has neither a population nor a country and a place on the map"
    return ""


def _kind(text: str, language: str) -> tuple[bool | None, str]:
    """Whether the first noun of `text` for a kind of place is a settlement (or a region), and the noun; (None, "") if none is."""
    marks_and_phrases = ["", *_BOUNDARY.split(text[:_TEXT_CHARS])]
    where = before = ""  # the mark before the phrases that tell where it lies (rule 5)
    for mark, phrase in list(zip(marks_and_phrases[::2], marks_and_phrases[1::2], strict=True))[:_PHRASES]:
        if mark[:1] in (".", ";") or (mark[:1] == where == ","):
            where = ""
        elif _WHERE[language].fullmatch(mark) and not where:
            where = before[:1] or " "
        before = mark
        if where:
            continue
        if found := _SETTLEMENT[language].search(phrase):
            return True, found[0]
        if found := _REGION[language].search(phrase):
            return False, found[0]
        if not all(_NO_NOUN.fullmatch(word) for word in re.findall(r"\w+", phrase.casefold())):
            break
    return None, ""
