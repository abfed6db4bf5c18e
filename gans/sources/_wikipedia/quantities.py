"""Numbers as people write them in tables: counts of people, areas, elevations, years, angles.

Rules
1. A numeral is taken whole or not at all: `8,653,5218` or `20,000-25,000` is no number.
2. Thousands are parted by one kind of mark in groups of three (or, in India, of two before the last three).
3. A lone mark is read as the language writes it (`47.000` is 47 in English, 47 000 in German); a count of people has no
   fraction, so there it parts thousands in either.
4. A count may be scaled (`18.1 million`, `3,7 Mio.`); after it only a bracket, a mark, a date or a word for people may follow,
   so that `5th`, `17 %`, `39/km²` and `12 households` are no counts of people.
5. A date may stand before a count (`2011: 12,000`, `2011 – 12,000`, `est 2019: 12,000`) or after it (`56,269 2011 Census`).
   A year with a colon after it, or with words alone after a comma, and a day with a month after it, are no counts.
6. The metric figure is taken where there is one; a range gives its lower end.
7. What lies below the sea has a minus before it, or says so before or after it (`3 m (10 ft) below sea level`).
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from gans.geography import on_earth

# the marks of all countries
_GROUPED: Final = r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}|\d{1,3}(?:\.\d{3})+|\d{1,3}(?: \d{3})+|\d{1,3}(?:['’]\d{3})+"
_SCALES: Final = {
    "thousand": 10**3,
    "tausend": 10**3,
    "lakh": 10**5,
    "million": 10**6,
    "millionen": 10**6,
    "mio": 10**6,
    "crore": 10**7,
}
_ABOUT: Final = r"(?:ca|c|circa|about|approx|approximately|around|nearly|almost|over|est|estimated|rund|etwa|über)\b\.?"
_BARE_YEAR: Final = r"(?:1[5-9]|20)\d\d"
_MONTH: Final = (
    r"(?:jan|feb|mar|mär|apr|may|mai|ju[nl]|aug|sept?|oct|okt|nov|dec|dez|january|february|march|april|june|july|august"
    r"|september|october|november|december|januar|februar|märz|juni|juli|oktober|dezember)\b"
)
_DATE_WORD: Final = rf"(?:{_MONTH}|(?:census|est\w*|official|as|of|at|on|in|by|mid|end|stand|zensus)\b)"
_DATE_BEFORE: Final = re.compile(
    rf"\W*(?:(?:{_DATE_WORD}|\d{{1,2}}(?:st|nd|rd|th)?\b)[\s.,-]+)*{_BARE_YEAR}(?:-\d\d-\d\d)?(?!\d|[.,'’]\d)"
    rf"(?:\s*\([^()]*\)|\s+{_DATE_WORD}\.?)*(?:\s*[:=]|(?<=[a-z.])\s|(?:[,;]?\s|;|\s[-–—]\s)(?=\d{{1,3}}[.,'’]\d{{3}}))\s*(?=\S)",
    re.IGNORECASE,
)
_COUNT: Final = re.compile(
    rf"[^\w($€£¥₹]*(?P<before>(?:\([^()]*\))?)\s*(?:{_ABOUT}\s*)?[^\w($€£¥₹]*"
    r"(?:i(?=\d))?"  # the German box of Swiss places sets a link `i` before it
    rf"(?P<figure>\d(?:[\d.,'’ ]*\d)?)\s*(?P<scale>(?:{'|'.join(_SCALES)})\b\.?)?(?P<after>.*)",
    re.IGNORECASE | re.DOTALL,
)
_MAY_FOLLOW: Final = re.compile(
    r"[*†‡+.¹²³⁴-⁹⁰]*\s*(?:$|[(\[,;:]|[-–—]\s*[^\d\s]|"
    rf"{_MONTH}|(?:inhabitants|people|persons|residents|einwohner|est|estimate|estimated|census|in|as|at|on|by|according|stand)\b)",
    re.IGNORECASE,
)
_FIGURE_AND_DATE: Final = re.compile(rf"({_GROUPED}|\d{{1,3}}|\d{{5,9}})(,? (?:{_BARE_YEAR}|\d{{1,2}}\.?))")
_YEAR_ALONE: Final = re.compile(rf"{_BARE_YEAR}\s*(?:\([^()]*\)\s*)?(?:[:=]|[,;]\D*$)")
_DAY: Final = re.compile(rf"\d{{1,2}}\.?\s*{_MONTH}", re.IGNORECASE)
_TEXT_CHARS: Final = 300
_YEAR: Final = re.compile(r"(?<!\d)(?<!\d,)(1[5-9]\d\d|20\d\d)(?!,?\d)")
_NUMERAL: Final = {
    "en": r"(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}|\d{1,3}(?: \d{3})+|\d+)(?:\.\d+)?|\d+,\d{1,2}",
    "de": r"(?:\d{1,3}(?:\.\d{3})+|\d{1,3}(?:[ '’]\d{3})+|\d+)(?:,\d+)?|\d+\.\d{1,2}",
}
_AREA_UNITS: Final = (
    (r"km²|km2|sq\.? km|square kilomet\w+|Quadratkilometer|km", 1.0),
    (r"ha|hectares?|Hektar", 0.01),
    (r"sq\.? mi|square miles?|mi²", 2.589988110336),
    (r"acres?", 0.0040468564224),
)  # international mile and acre: NIST Handbook 44, appendix C
_LENGTH_UNITS: Final = ((r"m|met(?:er|re)s?|masl|msnm", 1.0), (r"ft|feet", 0.3048))
_BELOW_THE_SEA: Final = (
    r"\b(?:b\.?s\.?l\b|(?:below|beneath|under|unter) (?:the |dem )?(?:mean )?(?:sea|msl|nap|n\.?h?n|meer|normal))"
)
_BELOW_BEFORE: Final = re.compile(rf"\W*{_BELOW_THE_SEA}(?:\W*level)?\W*", re.IGNORECASE)
_BELOW_AFTER: Final = re.compile(rf"(?:(?!above|over|über)[^,;:]){{0,40}}?{_BELOW_THE_SEA}", re.IGNORECASE)
_ANGLE: Final = (
    r"(\d{{1,3}}(?:[.,]\d+)?)\s*°\s*(?:(\d{{1,2}}(?:[.,]\d+)?)\s*[′'’]\s*)?(?:(\d{{1,2}}(?:[.,]\d+)?)\s*(?:[″\"”]|′′)\s*)?([{}])"
)
_DEGREES: Final = re.compile(_ANGLE.format("NS") + r"[\s,;/]*" + _ANGLE.format("EOW"))


def count(text: str) -> tuple[int, str] | None:
    """The number of people that `text` begins with, and what else it says; None where it does not plainly give one."""
    text = text[:_TEXT_CHARS]
    date = _DATE_BEFORE.match(text)
    found = _COUNT.fullmatch(text, date.end() if date else 0)
    if found is None or not _MAY_FOLLOW.match(found["after"]):
        return None
    figure, after = found["figure"], found["after"]
    if both := _FIGURE_AND_DATE.fullmatch(figure):
        figure, after = both[1], both[2] + after
    if _DAY.match(figure + after) or _YEAR_ALONE.match(figure + after):
        return None
    rest = date[0] if date else found["before"] + after
    if found["scale"]:
        decimal = re.fullmatch(r"(\d{1,6})(?:[.,](\d{1,6}))?", figure)
        scale = _SCALES[found["scale"].rstrip(".").casefold()]
        return (round(float(f"{decimal[1]}.{decimal[2] or 0}") * scale), rest) if decimal else None
    if not re.fullmatch(rf"\d{{1,9}}|{_GROUPED}", figure):
        return None
    return int(re.sub(r"\D", "", figure)), rest


def years(text: str) -> list[int]:
    """The distinct years, 1500 to 2099, that `text` names, in order."""
    return list(dict.fromkeys(int(year) for year in _YEAR.findall(text)))


def area_km2(text: str, language: str) -> float | None:
    """The area in km² that `text` gives: in km² or, failing that, converted from hectares, square miles or acres."""
    for unit, km2 in _AREA_UNITS:
        if found := _measure(unit, language).search(text):
            return round(min(_value(figure, language) for figure in found.group(2, 4) if figure) * km2, 6)
    return None


def elevation_m(text: str, language: str) -> float | None:
    """The elevation in metres that `text` gives: in metres or, failing that, converted from feet."""
    for unit, metres in _LENGTH_UNITS:
        if found := _measure(unit, language).search(text):
            is_below = bool(_BELOW_BEFORE.fullmatch(text, 0, found.start()) or _BELOW_AFTER.match(text, found.end()))
            ends = [(sign, _value(figure, language)) for sign, figure in (found.group(1, 2), found.group(3, 4)) if figure]
            return round(min(-figure if sign or is_below else figure for sign, figure in ends) * metres, 2)
    return None


@cache
def _measure(unit: str, language: str) -> re.Pattern[str]:
    """Two signs and figures, the second pair of a range alone, and their unit."""
    number = _NUMERAL[language]
    sign = r"((?<![\w.,)])[-–—]|\bminus )?"  # a hyphen after a word is no minus
    other_end = rf"\s*(?:{unit})?\s*(?:-|–|—|to|bis|and|und)\s*(-|minus )?({number})"
    return re.compile(rf"(?<![\d.,]){sign}({number})(?:{other_end})?\s*(?:{unit})(?![\w/²])")


def coordinates(text: str) -> tuple[float, float] | None:
    """Latitude and longitude in degrees from a text such as `52° 31′ N, 13° 24′ O` or `46°31.19′N 6°38.01′E`."""
    found = _DEGREES.search(text)
    if found is None:
        return None
    parts = found.groups()
    return to_decimetre(
        _degrees(parts[:3]) * (-1 if parts[3] == "S" else 1), _degrees(parts[4:7]) * (-1 if parts[7] == "W" else 1)
    )


def to_decimetre(latitude: float, longitude: float) -> tuple[float, float] | None:
    """The pair, to a decimetre, or None where there is no such place."""
    return (round(latitude, 6), round(longitude, 6)) if on_earth(latitude, longitude) else None


def _value(numeral: str, language: str) -> float:
    if re.fullmatch(r"\d+[.,]\d{1,2}", numeral):  # too short a group for thousands
        return float(numeral.replace(",", "."))
    if language == "de":
        numeral = re.sub(r"[.\s'’]", "", numeral).replace(",", ".")
    return float(re.sub(r"[,\s]", "", numeral))


def _degrees(parts: Sequence[str | None]) -> float:
    return float(sum(float(part.replace(",", ".")) / 60.0**power for power, part in enumerate(parts) if part))
