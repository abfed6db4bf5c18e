"""The country of a place as its page names it: an ISO 3166-1 alpha-2 code.

Rules
1. The box tells, in this order: its rows for the sovereign state; its ISO 3166 code; a German or Austrian Land. A row that
   names several states, or one without a code (Kosovo) or one that is no more (Yugoslavia), ends the search without an
   answer.
2. A name counts whole: as ISO 3166 has it (in German by pycountry's translation) or as listed below; letter case, accents, a
   leading `the` and what is in brackets aside. A cell counts as a whole, then line by line, then by its commas and slashes.
   England, Scotland, Wales and Northern Ireland are GB. A part of another state counts only where no row names the state.
3. Else the link of the coordinates tells, if it names a country.
4. Else the first sentence of the lead tells, if it names one country and the coordinates, where known, lie in it; of several
   it is the one that they lie in. What is only part of another name does not count: `New Mexico`, `Mexico City`, `Gulf of
   Oman`, `the state of Georgia`.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Final

from gans.sources._wikipedia.infobox import Entry, plain

_SOVEREIGN: Final = {
    "en": (("sovereign state",), ("country", "countries", "nation"), ("state",), ("constituent country", "territory")),
    "de": (("staat", "staaten"), ("landesteil", "land")),
}
_MAY_BE_A_PART: Final = ("state", "land", "landesteil", "constituent country", "territory")
_LAND: Final = ("bundesland", "land")
_ALSO: Final = {
    "en": {
        "BN": "Brunei",
        "CD": "Democratic Republic of the Congo|DR Congo|Zaire",
        "CI": "Ivory Coast",
        "CN": "PRC|PR China|P.R. China|Mainland China",
        "CV": "Cape Verde",
        "FK": "Falkland Islands",
        "FM": "Micronesia",
        "GB": "UK|U.K.|Great Britain|England|Scotland|Wales|Northern Ireland",
        "IE": "Republic of Ireland|Éire",
        "KR": "Republic of Korea",
        "MF": "Saint Martin",
        "MK": "Macedonia|Republic of Macedonia",
        "MM": "Burma|Republic of the Union of Myanmar",
        "MO": "Macau",
        "NL": "Holland",
        "PS": "Palestine|State of Palestine|Palestinian territories|Palestinian Territories",
        "RU": "Russia",
        "SX": "Sint Maarten",
        "SZ": "Swaziland",
        "TL": "East Timor",
        "TR": "Turkey|Republic of Turkey",
        "TW": "Republic of China",
        "US": "US|U.S.|USA|U.S.A.",
        "VA": "Vatican City|Holy See",
        "VI": "U.S. Virgin Islands|United States Virgin Islands",
    },
    "de": {
        "AE": "Vereinigten Arabischen Emirate|Vereinigten Arabischen Emiraten",
        "BN": "Brunei",
        "BY": "Weißrussland",
        "CD": "DR Kongo|Zaire",
        "CG": "Republik Kongo",
        "CI": "Elfenbeinküste",
        "CN": "VR China",
        "CV": "Kapverden|Cabo Verde",
        "CZ": "Tschechischen Republik",
        "FK": "Falklandinseln",
        "FM": "Mikronesien",
        "FO": "Färöer",
        "GB": "Großbritannien|England|Schottland|Wales|Nordirland|Vereinigten Königreich|Vereinigten Königreichs",
        "IE": "Republik Irland",
        "KR": "Republik Korea",
        "MD": "Republik Moldau|Moldawien",
        "MK": "Mazedonien",
        "MM": "Birma|Burma",
        "MO": "Macau",
        "NL": "Niederlanden|Holland",
        "PS": "Palästina|Palästinensische Autonomiegebiete",
        "RU": "Russland|Russischen Föderation",
        "SZ": "Swasiland",
        "TL": "Osttimor",
        "TW": "Republik China",
        "US": "USA|U.S.A.|Vereinigten Staaten|Vereinigten Staaten von Amerika",
        "VA": "Vatikanstadt|Vatikan",
    },
}
_ISO_CODE: Final = re.compile(r"([A-Za-z]{2})(?:(-)[A-Za-z0-9]{1,3})?\b")
_PART_BEFORE: Final = re.compile(
    r"(?:(?i:state|province|county|department|district|region|gulf|sea|bay|isle|strait|kingdom) of (?:the )?"
    r"|(?:New|New South|Lake|Mount|River|Fort|Provinz|Bundesstaat|Kanton|Golf von|Region) )$"
)
_PART_AFTER: Final = re.compile(
    r"-|\s(?:City|County|Province|State|Region|Department|District|Parish|River|Sea|Township|Street)\b"
)
_SENTENCE_END: Final = re.compile(r"(?<=[a-zß-ÿ\d)]{2})(?<!\bSt)(?<!\bMt)\.\s+(?=[A-ZÄÖÜ])")


def country_code(entries: Sequence[Entry], region: str | None, statement: str, timezone: str | None, language: str) -> str | None:
    """The country, or None where the page does not plainly name one.

    Args:
        entries: the rows of the infobox.
        region: what the link of the coordinates names.
        statement: what the lead says from its verb on.
        timezone: the IANA zone that the coordinates lie in.
        language: of the page, "en" or "de".
    """
    for labels in _SOVEREIGN[language]:
        for entry in entries:
            if plain(entry.label) in labels:
                codes = _in_cell(entry.value, language)
                if plain(entry.label) not in _MAY_BE_A_PART or (codes and not is_subdivision(entry.value[0])):
                    return codes.pop() if len(codes) == 1 else None
    return _by_iso_code(entries) or _by_land(entries) or _known(region) or _in_lead(statement, timezone, language)


def _in_cell(lines: Sequence[str], language: str) -> set[str]:
    names = _names(language)
    whole = names.get(_key(" ".join(lines)))
    if whole:
        return {whole}
    for parts in (lines, [part for line in lines for part in re.split(r"[,;/]", line)]):
        codes = {names[_key(part)] for part in parts if _key(part) in names}
        if codes:
            return codes
    return set()


def _known(code: str | None) -> str | None:
    import pycountry

    return code if code and pycountry.countries.get(alpha_2=code) else None


def _by_iso_code(entries: Sequence[Entry]) -> str | None:
    for entry in entries:
        label = plain(entry.label).replace("-", " ")
        found = _ISO_CODE.match(entry.value[0]) if label.startswith("iso 3166") else None
        # the code of a part may stand alone: AN is Andalusia's
        if found and (found[2] or "3166 2" not in label) and (code := _known(found[1].upper())):
            return code
    return None


def _by_land(entries: Sequence[Entry]) -> str | None:
    import pycountry

    lands = {land.name: land.country_code for land in pycountry.subdivisions if land.country_code in ("DE", "AT")}
    return next((lands[entry.value[0]] for entry in entries if plain(entry.label) in _LAND and entry.value[0] in lands), None)


def _in_lead(statement: str, timezone: str | None, language: str) -> str | None:
    sentence = _SENTENCE_END.split(statement, maxsplit=1)[0]
    names = _names(language)
    codes = {
        names[_key(found[1])]
        for found in _mention(language).finditer(sentence)
        if not _PART_BEFORE.search(sentence[: found.start()]) and not _PART_AFTER.match(sentence, found.end())
    }
    if timezone:
        codes &= {_zone_countries().get(timezone, "")}
    return codes.pop() if len(codes) == 1 else None


def _key(name: str) -> str:
    bare = unicodedata.normalize("NFKD", re.sub(r"\([^()]*\)", "", name).replace("’", "'"))
    words = "".join(letter for letter in bare if not unicodedata.combining(letter)).casefold().replace("&", "and").split()
    return " ".join(words[1:] if words[:1] == ["the"] else words).strip(" ,;:*")


@cache
def _spellings(language: str) -> dict[str, str]:
    """Every name of every country in `language`, as it is written."""
    import gettext

    import pycountry

    translated = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True).gettext
    spellings = {}
    for country in pycountry.countries:
        for kind in ("name", "common_name", "official_name"):
            if name := getattr(country, kind, ""):
                spellings[translated(name)] = country.alpha_2
    return spellings | {name: code for code, names in _ALSO[language].items() for name in names.split("|")}


@cache
def _names(language: str) -> dict[str, str]:
    return {_key(name): code for name, code in _spellings(language).items()}


@cache
def _mention(language: str) -> re.Pattern[str]:
    names = sorted((name for name in _spellings(language) if "(" not in name), key=len, reverse=True)
    ending = "(?:e?s)?" if language == "de" else ""
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, names))}){ending}(?!\w)")


def is_subdivision(name: str) -> bool:
    """Whether a part of a country (ISO 3166-2) has this name."""
    return name in _subdivisions()


@cache
def _subdivisions() -> frozenset[str]:
    import pycountry

    return frozenset(part.name for part in pycountry.subdivisions)


@cache
def _zone_countries() -> dict[str, str]:
    """The country of each zone, from the zone.tab of the tz database."""
    from importlib.resources import files

    lines = (files("tzdata.zoneinfo") / "zone.tab").read_text().splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {zone: code for code, _, zone, *_ in rows}
