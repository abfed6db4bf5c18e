"""The source `cities` against real pages, and what a careful reader takes from each (see $GANS_CAPTURES/INDEX.md)."""

import json
import re
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from gans.errors import BadData
from gans.source import Capture
from gans.sources import cities

NOW: Final = datetime(2026, 10, 1, 3, 10, tzinfo=UTC)

# the least agreement, in percent of the settlements; a wrong number of inhabitants is never right
AGREEMENT: Final = {
    "is_settlement": 97,
    "name": 97,
    "country": 98,
    "latitude/longitude": 98,
    "population": 97,
    "population year": 97,
    "area": 97,
    "elevation": 97,
    "timezone": 97,
}


class Page(NamedTuple):
    """A captured page: its file below `wikipedia/`, the article's title where the page itself has none, and its year."""

    file: str
    title: str
    year: int

    def capture(self, captures: Path) -> Capture:
        language = "de" if Path(self.file).name.startswith("de_") else "en"
        context = {"city_id": 1, "language": language, "title": self.title}
        body = (captures / "wikipedia" / self.file).read_bytes()
        return Capture(unit="1", url="https://x", status=200, slot=NOW, fetched_at=NOW, context=context, body=body)


def index(captures: Path) -> dict[str, Page]:
    """The captured pages by file, from the index beside them."""
    rows = (captures / "INDEX.md").read_text().splitlines()
    found = (re.match(r'\| wikipedia/((?:.*_(\d{4})_)?\S.*?\.html) \| \w+wiki (?:"(.+?)")?', row) for row in rows)
    return {row[1]: Page(row[1], row[3] or "", int(row[2] or 2025)) for row in found if row}


def read(page: Capture) -> dict[str, Any] | None:
    """The city and its population, or None where the page was refused."""
    try:
        rows = list(cities.parse(page))
    except BadData:
        return None
    return {"population": None, "as_of_year": None} | {name: value for row in rows for name, value in row.values.items()}


def close(ours: float | None, theirs: float | None, least: float) -> bool:
    return ours == theirs or (ours is not None and theirs is not None and abs(ours - theirs) <= max(least, 0.001 * abs(theirs)))


def standard_offset_h(zone: str | None, year: int) -> float | None:
    """The offset of the zone's standard time in hours."""
    if zone is None:
        return None
    offsets = [datetime(year, month, 1, tzinfo=ZoneInfo(zone)).utcoffset() for month in (1, 7)]
    return min(offset.total_seconds() / 3600 for offset in offsets if offset is not None)


def hours(utc_offset: str) -> float:
    found = re.search(r"([+−-])(\d+)(?::(\d+))?", utc_offset)
    return (int(found[2]) + int(found[3] or 0) / 60) * (1 if found[1] == "+" else -1) if found else 0.0


def compare(city: dict[str, Any], label: dict[str, Any], year: int) -> dict[str, bool]:
    """Whether each field agrees; a field the label does not tell is left out."""
    figures = [[label["population"], label["population_year"]], *label["population_also_acceptable"]]
    known = {
        "name": city["name"] == label["name"],
        "country": city["country_code"] == (label["country"] or label.get("country_from_lead")),
        "latitude/longitude": all(close(city[axis], label[axis], 0.001) for axis in ("latitude", "longitude")),
        "population": city["population"] in [figure for figure, _ in figures],
        "population year": [city["population"], city["as_of_year"] or None] in figures,
        "area": close(city["area_km2"], label["area_km2"], 0.01),
        "elevation": close(city["elevation_m"], label["elevation_m"], 0.5),
    }
    if label["utc_offset"]:
        # the pages of 2018 are from its end, when Morocco had moved to another standard time
        known["timezone"] = standard_offset_h(city["timezone"], year + 1) == hours(label["utc_offset"])
    return known


def test_agreement_with_a_careful_reader(captures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    misses: list[str] = []
    wrong_figures: list[str] = []
    pages = index(captures)
    for label in json.loads((captures / "wikipedia" / "expected.json").read_text()):
        page = pages[label["file"]]
        city = read(page.capture(captures))
        fields = {"is_settlement": (city is not None) == label["is_settlement"]}
        if city and label["is_settlement"]:
            fields |= compare(city, label, page.year)
            if city["population"] is not None and not fields["population"]:
                wrong_figures.append(f"{label['file']}: {city['population']}")
        for field, agrees in fields.items():
            asked[field] += 1
            right[field] += agrees
            misses += [] if agrees else [f"{label['file']}: {field}"]
    table = [f"{field:20} {right[field]:3} of {asked[field]:3}  {right[field] / asked[field]:7.2%}" for field in AGREEMENT]
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join([*table, *misses]) + "\n")
    assert wrong_figures == []
    assert {field for field, least in AGREEMENT.items() if 100 * right[field] < least * asked[field]} == set()
