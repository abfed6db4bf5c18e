"""Which of the figures in an infobox are the place's own: its population, its area, its elevation.

Rules
1. A figure stands in a row of its own (`Population (2016): 49,024`) or in a bulleted row below (`Population (2011)` >
   `Total`).
   A header may go on after its bracket or its year, with the name of who counted (`Population (2016)INE`).
2. Never the place's own: density, rank, land, water, urban, rural and metropolitan areas, shares, changes, groups of people,
   households and a Metropolitan City, unless that is just what the box calls the place; nor what a bracket says is of another
   extent (`Total (metro)`, `8,917,749 (Extended UA)`).
3. The place's own are, best first; where a better one is there, the others are another place's:
   a. `Total`; what the box calls the place (`Statutory city`); its name; a row that tells only a year, a census or an
      estimate;
   b. a city, town, village or community, or a part of what the box calls the place (`Region` for `Region and capital`);
   c. a part of a municipality (`Municipal unit`, `Parish`);
   d. a municipality, commune, borough or another administration, and the first row, which has the place of the total,
      whatever it is called (`Greater London`), except a county, province, canton and so on.
4. The year stands in the row; else in the header, if that names one year, or one beside the row's label (`Municipality,
   August 2017; Urban, May 2014`). A header's year is not that of a row `Estimate`. A figure that is called a projection,
   or is for a year after the next, is left out.
5. Of several figures the one of the latest year counts, and one without a year only where no other is; of those the first.
6. A further line of a cell counts only if it tells a year of its own; one that begins with a bracket belongs to the line
   above.
7. A bare year, alone or with the word census or estimate, is in English no figure: there thousands have a comma.
8. The elevation is that of the row `Elevation`, neither the highest nor the lowest point.
9. Where a box has no header `Area` at all, a bulleted row b to d elsewhere that gives an area gives the place's.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from gans.sources._wikipedia.infobox import Entry, plain
from gans.sources._wikipedia.quantities import area_km2, count, elevation_m, years

_DATE_WORDS: Final = (
    r"(?:(?:official|latest|preliminary|provisional|mid|end|jan\w*|feb\w*|mar|march|apr\w*|may|june?|july?|aug\w*|sep\w*|oct\w*|nov\w*"
    r"|dec\w*|q[1-4]|\d+(?:st|nd|rd|th)?|census|estimates?|estimated|estimations?|est|count|statistics|as|of|on|in|at|year|stand)\b[\W_]*)+"
)
_POPULATION: Final = {
    "en": re.compile(rf"(?:total |resident )?population[\W_]*(?:total[\W_]*)?(?:{_DATE_WORDS})?"),
    "de": re.compile(r"(?:gesamt)?(?:einwohner(?:zahl)?|bevölkerung)"),
}
_AREA: Final = {"en": re.compile(rf"(?:total )?area[\W_]*(?:{_DATE_WORDS})?"), "de": re.compile(r"(?:gesamt)?fläche")}
_ELEVATION: Final = {"en": re.compile(r"elevation"), "de": re.compile(r"höhe(?: über.*)?")}

_NEVER: Final = re.compile(
    r"densit|rank|project|forecast|prognose"
    r"|\burban\b(?! (?:okrug|municipality))|\bmetro\b|metropolitan(?! (?:borough|municipality|district))"
    r"|\b(?:c?msa|csa|cma|necta|cbsa|ua)\b|agglom|conurb|rural|built|suburb|(?:inner|old|walled|central|historic) (?:city|town)"
    r"|ethni|racial|language|religio|demonym|change|growth|increas|decreas|household|dwelling|famil|percent|%|\bper\b|gdp|literacy"
    r"|\bsex\b|\b(?:fe)?males?\b|\b(?:wo)?men\b|\bage[sd]?\b|income|student|elector|voter|seasonal|daytime|foreign|catholic|\bland\b|water|forest|largest"
    r"|dichte|anteil|großraum|umland|ballung|wasser|wald|rang|ausländer"
)
_ANOTHER: Final = re.compile(
    r"region|count[yr]|province|prefecture\b(?!-)|\bstate\b|governorate|department|canton|island|division|zone|basin"
)
_OTHER_EXTENT: Final = re.compile(
    r"\((?:the |in |with |incl\w*\.? )*(?:metro|urban|agglom|conurb|extended|greater|region|suburb|county|province|district)"
)
_DATED: Final = re.compile(_DATE_WORDS)
_DATED_LABEL: Final = re.compile(r"(.*(?:\([^()]*\)|\b(?:1[5-9]|20)\d\d)) ?[^\W\d_]{2,12}")
_ESTIMATE: Final = re.compile(r"est", re.IGNORECASE)
_CITY: Final = re.compile(
    r"(?:local |municipal )?community|.*\b(?:city|town|village|capital|megacity|metropolis|hamlet|proper|limits"
    r"|\w*stadt|stadtgebiet)"
)
_UNIT: Final = re.compile(r".*\b(?:unit|parish|settlement|locality)")
_ADMINISTRATION: Final = re.compile(
    r".*\b(?:municipality|municipal|commune|comune|borough|township|territorial|authority|district|okrug|council area|gemeinde)"
)
_BARE_YEAR: Final = re.compile(
    r"\W*(?:(?:census|est\w*|as|of|in|on|at|year)\W+)*(?:1[5-9]|20)\d\d\W*(?:(?:census|est\w*)\W*)?", re.IGNORECASE
)


class Population(NamedTuple):
    """A number of inhabitants; `year` is 0 where the page does not tell it."""

    inhabitants: int
    year: int


def population(entries: Sequence[Entry], names: Sequence[str], language: str, this_year: int) -> Population | None:
    """The latest number of inhabitants of the place itself.

    Args:
        entries: the rows of the infobox.
        names: what the box and the article call the place, and what the box says that it is.
        language: of the page, "en" or "de".
        this_year: the year of the capture.
    """
    candidates = []
    for entry, grade in _own(entries, names, _POPULATION[language]):
        for number, line in enumerate(_whole_lines(entry.value)):
            fallback = (years(entry.label) or _header_years(entry)) if number == 0 else []
            figure = _dated_count(line, fallback) if language != "en" or not _BARE_YEAR.fullmatch(line) else None
            if not figure or figure.year > this_year + 1 or _OTHER_EXTENT.search(line.casefold()):
                continue
            if number == 0 or (figure.year and not _NEVER.search(line.casefold())):
                candidates.append((grade, figure))
    best = min((grade for grade, _ in candidates), default=0)
    return max((figure for grade, figure in candidates if grade == best), key=lambda figure: figure.year, default=None)


def area(entries: Sequence[Entry], names: Sequence[str], language: str) -> float | None:
    """The area of the place itself in km²."""
    own = list(_own(entries, names, _AREA[language]))
    if not any(_is_about(_AREA[language], label, plain(label)) for entry in entries for label in (entry.label, entry.parent)):
        graded = [(entry, _grade(plain(entry.label), frozenset(), is_first=False)) for entry in entries if entry.parent]
        own = [(entry, grade) for entry, grade in graded if grade]
    values = [
        (grade, -max(years(entry.label), default=0), value)
        for entry, grade in own
        if (value := area_km2(" ".join(entry.value), language)) is not None
    ]
    return min(values, key=lambda item: item[:2])[2] if values else None


def elevation(entries: Sequence[Entry], language: str) -> float | None:
    """The elevation of the place in metres."""
    own = [entry for entry in entries if _ELEVATION[language].fullmatch(plain(entry.label))]
    return next((value for entry in own if (value := elevation_m(" ".join(entry.value), language)) is not None), None)


def _own(entries: Sequence[Entry], names: Sequence[str], subject: re.Pattern[str]) -> Iterator[tuple[Entry, int]]:
    """The rows about `subject` that are of the place itself, each with its grade, 0 being best."""
    own_names = frozenset(plain(name) for name in names if name)
    last_parent = ""
    for entry in entries:
        label, parent = plain(entry.label), plain(entry.parent)
        if _OTHER_EXTENT.search(entry.label.casefold()):
            pass
        elif _is_about(subject, entry.label, label):
            if not _NEVER.search(parent):
                yield entry, 0 if _is_about(subject, entry.parent, parent) else _grade(parent, own_names, is_first=False) or 0
        elif _is_about(subject, entry.parent, parent):
            grade = _grade(label, own_names, is_first=entry.parent != last_parent)
            if grade is not None:
                yield entry, grade
        last_parent = entry.parent or entry.label


def _is_about(subject: re.Pattern[str], label: str, plain_label: str) -> bool:
    """Whether a label is that of `subject`, as a whole or up to a date and one word more (rule 1)."""
    if subject.fullmatch(plain_label):
        return True
    dated = _DATED_LABEL.fullmatch(label.strip())
    return dated is not None and not _NEVER.search(plain_label) and subject.fullmatch(plain(dated[1])) is not None


def _grade(label: str, own_names: frozenset[str], is_first: bool) -> int | None:
    if label in own_names or label in ("", "total", "gesamt") or _DATED.fullmatch(label):
        return 0
    if _NEVER.search(label):
        return None
    parts = (part.strip() for name in own_names for part in re.split(r",|/|&|\band\b", name))
    if _CITY.fullmatch(label) or any(part == label or part.endswith(f" {label}") for part in parts):
        return 1
    if _UNIT.fullmatch(label):
        return 2
    return 3 if _ADMINISTRATION.fullmatch(label) or (is_first and not _ANOTHER.search(label)) else None


def _whole_lines(lines: Sequence[str]) -> list[str]:
    whole: list[str] = []
    for line in lines:
        if whole and line.startswith("("):
            whole[-1] += " " + line
        else:
            whole.append(line)
    return whole


def _header_years(entry: Entry) -> list[int]:
    if _ESTIMATE.match(entry.label):
        return []
    found = years(entry.parent)
    if len(found) > 1:
        beside = [part for part in re.split(r"[;(]", entry.parent) if plain(entry.label) in part.casefold()]
        found = years(beside[0]) if beside else found
    return found


def _dated_count(line: str, fallback: list[int]) -> Population | None:
    found = count(line)
    if found is None:
        return None
    number, rest = found
    of = years(rest) or fallback
    return Population(number, of[0] if len(of) == 1 else 0)
