"""Nager.Date's public holidays of a country and a year. https://date.nager.at/Api

The holidays are plausible rather than complete. Of the countries of the world Kazakhstan alone is not supported.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pycountry

from local.simulator.upstream import Answer, Request
from local.simulator.world import World

HOSTS = ("date.nager.at",)

_PATH = re.compile(r"/api/v3/PublicHolidays/(\d{4})/(\w+)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class _Holiday:
    """A holiday of each year.

    Attributes:
        when: a date like "12-25", the days from Easter like "E-2", or month, weekday (Monday is 0) and which of them: "11:3:4".
        parts: ISO 3166-2 codes without the country's; "" for the whole of it.
    """

    when: str
    name: str
    local_name: str = ""
    parts: str = ""
    types: tuple[str, ...] = ("Public",)


_NEW_YEAR = _Holiday("01-01", "New Year's Day")
_GOOD_FRIDAY = _Holiday("E-2", "Good Friday")
_EASTER_MONDAY = _Holiday("E+1", "Easter Monday")
_LABOUR_DAY = _Holiday("05-01", "Labour Day")
_CHRISTMAS = _Holiday("12-25", "Christmas Day")
_SECOND_CHRISTMAS = _Holiday("12-26", "St. Stephen's Day")
_EASTER = (_NEW_YEAR, _GOOD_FRIDAY, _EASTER_MONDAY, _LABOUR_DAY, _CHRISTMAS, _SECOND_CHRISTMAS)
_WORK = (_NEW_YEAR, _LABOUR_DAY)
_LATIN = (_NEW_YEAR, _GOOD_FRIDAY, _LABOUR_DAY, _CHRISTMAS)

_HOLIDAYS: Mapping[str, tuple[_Holiday, ...]] = {
    "AR": (*_LATIN, _Holiday("05-25", "May Revolution", "Día de la Revolución de Mayo"),
           _Holiday("07-09", "Independence Day", "Día de la Independencia")),
    "AT": (*_EASTER, _Holiday("10-26", "National Day", "Nationalfeiertag")),
    "AU": (_NEW_YEAR, _Holiday("01-26", "Australia Day"), _GOOD_FRIDAY, _EASTER_MONDAY, _Holiday("04-25", "Anzac Day"),
           _CHRISTMAS, _Holiday("10:0:1", "Labour Day", "", "ACT NSW SA"), _Holiday("12-26", "Boxing Day")),
    "BR": (*_LATIN, _Holiday("04-21", "Tiradentes", "Dia de Tiradentes"),
           _Holiday("07-09", "Constitutionalist Revolution of 1932", "Revolução Constitucionalista de 1932", "SP"),
           _Holiday("09-07", "Independence Day", "Dia da Independência")),
    "CA": (_NEW_YEAR, _GOOD_FRIDAY, _Holiday("07-01", "Canada Day"), _Holiday("8:0:1", "Civic Holiday", "", "BC MB ON SK"),
           _Holiday("10:0:2", "Thanksgiving"), _CHRISTMAS),
    "CN": (_Holiday("01-01", "New Year's Day", "元旦"), _Holiday("05-01", "Labour Day", "劳动节"),
           _Holiday("10-01", "National Day", "国庆节")),
    "DE": (_Holiday("01-01", "New Year's Day", "Neujahr"), _Holiday("01-06", "Epiphany", "Heilige Drei Könige", "BW BY ST"),
           _Holiday("03-08", "International Women's Day", "Internationaler Frauentag", "BE MV"),
           _Holiday("E-2", "Good Friday", "Karfreitag"), _Holiday("E+1", "Easter Monday", "Ostermontag"),
           _Holiday("05-01", "Labour Day", "Tag der Arbeit"), _Holiday("E+39", "Ascension Day", "Christi Himmelfahrt"),
           _Holiday("E+50", "Whit Monday", "Pfingstmontag"),
           _Holiday("E+60", "Corpus Christi", "Fronleichnam", "BW BY HE NW RP SL"),
           _Holiday("10-03", "German Unity Day", "Tag der Deutschen Einheit"),
           _Holiday("10-31", "Reformation Day", "Reformationstag", "BB HB HH MV NI SN ST SH TH"),
           _Holiday("11-01", "All Saints' Day", "Allerheiligen", "BW BY NW RP SL"),
           _Holiday("12-25", "Christmas Day", "Erster Weihnachtstag"),
           _Holiday("12-26", "St. Stephen's Day", "Zweiter Weihnachtstag")),
    "EG": (_Holiday("01-07", "Coptic Christmas"), _LABOUR_DAY, _Holiday("07-23", "Revolution Day")),
    "ES": (*_LATIN, _Holiday("E+1", "Easter Monday", "Lunes de Pascua", "CT IB NC PV VC"),
           _Holiday("05-02", "Day of Madrid", "Fiesta de la Comunidad de Madrid", "MD"),
           _Holiday("10-12", "Hispanic Day", "Fiesta Nacional de España")),
    "FI": (*_EASTER, _Holiday("12-06", "Independence Day", "Itsenäisyyspäivä")),
    "FR": (_Holiday("01-01", "New Year's Day", "Jour de l'an"), _Holiday("E-2", "Good Friday", "Vendredi saint", "57 67 68"),
           _Holiday("E+1", "Easter Monday", "Lundi de Pâques"), _Holiday("05-01", "Labour Day", "Fête du Travail"),
           _Holiday("07-14", "Bastille Day", "Fête nationale"), _Holiday("12-25", "Christmas Day", "Noël")),
    "GB": (_NEW_YEAR, _GOOD_FRIDAY, _Holiday("E+1", "Easter Monday", "", "ENG WLS NIR"),
           _Holiday("5:0:1", "Early May Bank Holiday"), _Holiday("11-30", "Saint Andrew's Day", "", "SCT"), _CHRISTMAS,
           _Holiday("12-26", "Boxing Day")),
    "IN": (_Holiday("01-26", "Republic Day", "गणतंत्र दिवस"), _Holiday("08-15", "Independence Day"),
           _Holiday("10-02", "Gandhi Jayanti")),
    "IT": (_NEW_YEAR, _EASTER_MONDAY, _LABOUR_DAY, _Holiday("06-02", "Republic Day", "Festa della Repubblica"), _CHRISTMAS),
    "JP": (_Holiday("01-01", "New Year's Day", "元日"), _Holiday("1:0:2", "Coming of Age Day", "成人の日"),
           _Holiday("02-11", "Foundation Day", "建国記念の日"), _Holiday("11-03", "Culture Day", "文化の日")),
    "KE": (*_LATIN, _Holiday("06-01", "Madaraka Day"), _Holiday("12-12", "Jamhuri Day")),
    "MX": (_NEW_YEAR, _LABOUR_DAY, _Holiday("09-16", "Independence Day", "Día de la Independencia"), _CHRISTMAS),
    "NA": (*_LATIN, _Holiday("03-21", "Independence Day"), _Holiday("12-10", "Human Rights Day"),
           _Holiday("12-10", "Namibian Women's Day")),
    "NG": (*_LATIN, _Holiday("10-01", "Independence Day")),
    "PE": (*_LATIN, _Holiday("07-28", "Independence Day", "Día de la Independencia")),
    "PL": (*_EASTER, _Holiday("11-11", "Independence Day", "Narodowe Święto Niepodległości")),
    "RO": (*_WORK, _Holiday("12-01", "National Day", "Ziua Națională"), _CHRISTMAS),
    "SE": (*_EASTER, _Holiday("06-06", "National Day of Sweden", "Sveriges nationaldag"),
           _Holiday("12-24", "Christmas Eve", "Julafton", types=("Optional",))),
    "SG": (*_LATIN, _Holiday("08-09", "National Day")),
    "TR": (*_WORK, _Holiday("10-29", "Republic Day", "Cumhuriyet Bayramı")),
    "US": (_NEW_YEAR, _Holiday("1:0:3", "Martin Luther King, Jr. Day"),
           _Holiday("E-2", "Good Friday", "", "CT DE HI IN KY LA NC ND NJ TN"),
           _Holiday("E-2", "Good Friday", "", "TX", ("Optional",)), _Holiday("07-04", "Independence Day"),
           _Holiday("11:3:4", "Thanksgiving Day"), _CHRISTMAS),
    "ZA": (_NEW_YEAR, _GOOD_FRIDAY, _Holiday("04-27", "Freedom Day"), _Holiday("08-09", "National Women's Day"), _CHRISTMAS),
}  # fmt: skip


def answer(world: World, request: Request, now: datetime) -> Answer:
    """The holidays in the order of their dates; 204 for a country that is not supported, 404 for none."""
    found = _PATH.fullmatch(request.path)
    code = found[2].upper() if found else ""
    if not found or not pycountry.countries.get(alpha_2=code):
        return _problem(404, "Not Found")
    if code not in _HOLIDAYS:
        return Answer(204, {}, b"")
    return _json(200, list(_holidays(code, int(found[1]))))


def refuse(status: int) -> Answer:
    """A problem as the server tells it (RFC 9457)."""
    return _problem(status, "Too Many Requests" if status == 429 else "An error occurred while processing your request.")


def _json(status: int, content: object) -> Answer:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json; charset=utf-8"}, body)


def _problem(status: int, title: str) -> Answer:
    return _json(status, {"type": "https://tools.ietf.org/html/rfc9110#section-15", "title": title, "status": status})


def _holidays(code: str, year: int) -> Iterator[dict[str, object]]:
    for on, holiday in sorted(((_date(holiday.when, year), holiday) for holiday in _HOLIDAYS[code]), key=lambda pair: pair[0]):
        yield {
            "date": on.isoformat(),
            "localName": holiday.local_name or holiday.name,
            "name": holiday.name,
            "countryCode": code,
            "fixed": "-" in holiday.when and not holiday.when.startswith("E"),
            "global": not holiday.parts,
            "counties": [f"{code}-{part}" for part in holiday.parts.split()] or None,
            "launchYear": None,
            "types": holiday.types,
        }


def _date(when: str, year: int) -> date:
    if when.startswith("E"):
        return _easter(year) + timedelta(days=int(when[1:]))
    if ":" in when:
        month, weekday, nth = map(int, when.split(":"))
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
    return date.fromisoformat(f"{year}-{when}")


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    j = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * j) // 433
    n = (h + j - 7 * m + 90) // 25
    return date(year, n, (h + j - 7 * m + 33 * n + 19) % 32)
