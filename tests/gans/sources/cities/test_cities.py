"""The source `cities`: each written rule on a small page of our own."""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gans.errors import BadData, ConfigError
from gans.source import Capture, Provided, Request
from gans.sources import cities
from gans.sources._wikipedia.article import read_article

PAYLOAD = (Path(__file__).parent / "payload.html").read_bytes()
SLOT = datetime(2026, 10, 1, 3, 10, tzinfo=UTC)
TOWN_LEAD = "<p><b>Musterby</b> is a town in Jutland, Denmark.</p>"
COORDINATES = '<tr><td colspan="2">Coordinates: <span class="geo">56.05; 10.15</span></td></tr>'


# Small pages ------------------------------------------------------------------------------------------------------------


def row(label: str, value: str) -> str:
    return f'<tr><th scope="row" class="infobox-label">{label}</th><td class="infobox-data">{value}</td></tr>'


def head(text: str) -> str:
    return f'<tr><th colspan="2" class="infobox-header">{text}</th></tr>'


def page(
    *rows: str,
    title: str = "Musterby",
    kind: str = "",
    lead: str = TOWN_LEAD,
    heading: str = "",
    extra: str = "",
    box: str = "infobox",
) -> bytes:
    """An article with an infobox of these rows."""
    top = f'<tr><th colspan="2"><div class="fn org">{heading or title}</div></th></tr>'
    category = f'<tr><td colspan="2"><div class="category">{kind}</div></td></tr>' if kind else ""
    table = f'<table class="{box} vcard"><tbody>{top}{category}{"".join(rows)}</tbody></table>'
    return f'<!DOCTYPE html><html><body><h1 id="firstHeading">{title}</h1>{table}{lead}{extra}</body></html>'.encode()


def capture(body: bytes, language: str = "en", title: str = "Musterby") -> Capture:
    context = {"city_id": 7, "language": language, "title": title}
    return Capture(
        unit="7", url="https://en.wikipedia.org/wiki/Musterby", status=200, slot=SLOT, fetched_at=SLOT, context=context, body=body
    )


def read(body: bytes, language: str = "en") -> dict[str, Any]:
    """The city, with its population as the pair `population` of inhabitants and year."""
    rows = list(cities.parse(capture(body, language)))
    assert [row.table for row in rows] in (["cities"], ["cities", "city_populations"])
    figure = rows[1].values if len(rows) > 1 else None
    return rows[0].values | {"population": (figure["population"], figure["as_of_year"]) if figure else None}


def danish(*rows: str, **more: Any) -> dict[str, Any]:
    """A town in Denmark with these rows besides."""
    return read(page(COORDINATES, row("Country", "Denmark"), *rows, **more))


def refused(body: bytes, language: str = "en") -> str:
    with pytest.raises(BadData) as error:
        list(cities.parse(capture(body, language)))
    return str(error.value)


# The plan ---------------------------------------------------------------------------------------------------------------


class Watched:
    def __init__(self, *cities: Mapping[str, Any]) -> None:
        self.cities = cities

    def rows(self, table: str) -> Sequence[Mapping[str, Any]]:
        return self.cities if table == "watched_cities" else ()


def watched(city_id: int, language: str, title: str, is_watched: bool = True) -> dict[str, Any]:
    return {"city_id": city_id, "wikipedia_language": language, "wikipedia_title": title, "is_watched": is_watched}


def test_plan_gives_the_watchlist_and_asks_for_each_watched_article() -> None:
    paris, koeln = watched(1, "en", "Paris, Texas", is_watched=False), watched(2, "de", "Köln an der Ruhr?")
    plan = list(cities.plan(Watched(paris, koeln), SLOT))
    assert plan == [
        Provided(unit="watchlist", context={"cities": [paris, koeln]}),
        Request(
            unit="2",
            url="https://de.wikipedia.org/wiki/K%C3%B6ln_an_der_Ruhr%3F",
            context={"city_id": 2, "language": "de", "title": "Köln an der Ruhr?"},
        ),
    ]
    assert list(cities.plan(Watched(), SLOT)) == []


def test_plan_names_the_city_whose_language_it_cannot_read_before_it_asks_for_any() -> None:
    plan = cities.plan(Watched(watched(1, "en", "Paris"), watched(2, "fr", "Lyon")), SLOT)
    with pytest.raises(ConfigError, match=r"'Lyon' \(city_id 2\).*'fr'"):
        next(plan)


def test_the_watchlist_becomes_rows() -> None:
    town = watched(4, "en", "Musterby", is_watched=False)
    watchlist = Capture(unit="watchlist", url="", status=0, slot=SLOT, fetched_at=SLOT, context={"cities": [town]})
    assert [(row.table, row.values) for row in cities.parse(watchlist)] == [("cities", town | {"region": None})]
    town["region"] = "DK-82"
    assert [row.values for row in cities.parse(watchlist)] == [town]


# A whole page -----------------------------------------------------------------------------------------------------------


def test_a_page_of_today_is_read_whole() -> None:
    rows = list(cities.parse(capture(PAYLOAD)))
    assert [row.values for row in rows] == [
        {
            "city_id": 7,
            "name": "Brinkhaven",
            "country_code": "DK",
            "latitude": 56.05,
            "longitude": 10.15,
            "elevation_m": -2.0,
            "timezone": "Europe/Copenhagen",
            "area_km2": 61.25,
            "wikidata_id": "Q99999901",
        },
        {"city_id": 7, "as_of_year": 2024, "population": 43_918},
    ]


def test_what_the_page_does_not_say_is_none() -> None:
    city = danish()
    assert {name for name, value in city.items() if value is None} == {"elevation_m", "area_km2", "wikidata_id", "population"}


# Population -------------------------------------------------------------------------------------------------------------

HEADER = head("Population (2011)")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # where the figure and the year stand (figures, rules 1 and 4)
        ([row("Population (2016)", "49,024")], (49_024, 2016)),
        ([row("Population:", "23,456 (2011 census)")], (23_456, 2011)),
        ([row("Population (2010)", "649,133"), row(" • Estimate (2017)", "683,577 (US: 22nd)")], (683_577, 2017)),
        ([head("Population"), row(" - 1911", "13,385"), row(" - 1931", "14,229"), row(" - 1961", "17,792")], (17_792, 1961)),
        ([row("Population", ""), row(" • (2012)", "84,703")], (84_703, 2012)),
        ([HEADER, row(" • Total", "4,500")], (4_500, 2011)),
        ([head("Population (30.06.2016)"), row(" • City", "37,089")], (37_089, 2016)),
        ([head("Population (2014 (city, settlements))"), row(" • City", "4,893")], (4_893, 2014)),
        ([head("Population (2011)<sup>1</sup>"), row(" • Population<sup>2</sup>", "686")], (686, 2011)),
        ([head("Population"), row(" • Total", "4,500")], (4_500, 0)),
        ([head("Population (2010–2012)"), row(" • Total", "4,500")], (4_500, 0)),
        (
            [
                head("Population (Municipality, August 2017; Urban, May 2014)"),
                row(" • Municipality", "118,450"),
                row(" • Urban", "9"),
            ],
            (118_450, 2017),
        ),
        # the latest figure (5), and never one for a year to come (4)
        (
            [head("Population (2010 Census)"), row(" • Total", "43,005"), row(" • Estimate (2018)", "44,401 (+3.2%)")],
            (44_401, 2018),
        ),
        ([head("Population"), row("• 2010 estimate", "38,186 (34th)"), row("• 2012 census", "38,544")], (38_544, 2012)),
        ([HEADER, row(" • Total", "4,500"), row(" • 2040 estimate", "9,900")], (4_500, 2011)),
        ([HEADER, row(" • Total", "4,500"), row(" • Projected (2026)", "9,900")], (4_500, 2011)),
        # a dash, a label, a value
        ([head("Population"), "<tr><td> - </td><td>2012 census</td><td>38,544</td></tr>"], (38_544, 2012)),
        ([HEADER, row(" • Total", "4,500"), row(" • Estimate", "9,900")], (4_500, 2011)),
        ([HEADER, row(" • Estimate", "9,900")], (9_900, 0)),
        # the place itself (2 and 3)
        ([HEADER, row(" • Density", "6,670/km"), row(" • Urban", "1,565,572"), row(" • Metro", "1,869,001")], None),
        ([HEADER, row(" • Rank", "1st"), row(" • Comune", "28,728"), row(" • Metropolitan City", "435,572")], (28_728, 2011)),
        (
            [HEADER, row(" • Urban", "273,077"), row(" • Municipal", "340,421"), row(" • Municipal density", "707/km")],
            (340_421, 2011),
        ),
        ([HEADER, row(" • Musterby", "18,704"), row(" • Metro", "23,316")], (18_704, 2011)),
        ([HEADER, row(" • Greater Musterby", "88,250"), row(" • Density", "14/km")], (88_250, 2011)),
        ([HEADER, row(" • Territorial", "40,900"), row(" • Urban", "40,100")], (40_900, 2011)),
        ([HEADER, row(" • Municipality", "99,000"), row(" • City", "55,000")], (55_000, 2011)),
        ([HEADER, row(" • Municipal unit", "37,890"), head("Community"), row(" • Population", "29,656 (2011)")], (29_656, 2011)),
        ([HEADER, row(" • Province", "99,000")], None),
        ([HEADER, row(" • Urban", "9,000"), row(" • District", "264,692")], (264_692, 2011)),
        ([HEADER, row(" • Inner city", "9,000")], None),
        ([HEADER, row(" • Total", "4,500"), row(" • Estimate (metro, 2019)", "9,900")], (4_500, 2011)),
        ([HEADER, row(" • Total (urban area)", "9,900")], None),
        ([HEADER, row(" • Total", "9,900 (metropolitan area)")], None),
        # the same label elsewhere means something else
        ([row("City", "23 January 1979"), row("Municipality", "Benito Juárez"), row("City status", "1914")], None),
        ([head("GDP (2018)"), row(" • Total", "US$ 53.83 billion"), row(" • Per capita", "US$ 6,389")], None),
        ([head("Population by native language"), row(" • Finnish", "93.6%"), row(" • Others", "2.4%")], None),
        ([head("Population by age"), row(" • 15 to 64", "64.3%")], None),
        (['<tr><td colspan="2"><table><tr><th>Population</th><td>99 (2011)</td></tr></table></td></tr>'], None),
        ([row("Largest borough by population", "Brooklyn (2,636,735 – 2015 est)")], None),
        # several figures in a cell (6)
        ([HEADER, row(" • Total", "8,653<br>8,917 (Extended UA)")], (8_653, 2011)),
        ([HEADER, row(" • Total", "8,653 (2011)<br>8,917 (2021)")], (8_917, 2021)),
        ([HEADER, row(" • Total", "8,653<br>99,917 (metro, 2021)")], (8_653, 2011)),
        ([row("Population", "8,653<br>(1 July 2021)")], (8_653, 2021)),
        # a date beside the figure (1; quantities, rule 5)
        ([row("Population", "2011: 12,000")], (12_000, 2011)),
        ([row("Population", "2011 – 12,000")], (12_000, 2011)),
        ([row("Population", "11,000 – 12,000")], None),
        ([row("Population", "est 2019: 12,000")], (12_000, 2019)),
        ([row("Population", "1 January 2019: 12,000 (2001: 9,000)")], (12_000, 2019)),
        ([row("Population", "2019-01-01: 12,000")], (12_000, 2019)),
        ([row("Population", "2011 (census): 12,000")], (12_000, 2011)),
        ([row("Population", "In 2011, 12,000")], (12_000, 2011)),
        ([row("Population", "2011 12,000")], (12_000, 2011)),
        ([row("Population", "56,269 2011 Census")], (56_269, 2011)),
        ([row("Population", "56,269 May 2011")], (56_269, 2011)),
        ([row("Population", "56,269 31 December 2011")], (56_269, 2011)),
        ([row("Population", "850 2011 census")], (850, 2011)),
        ([row("Population", "2000–2500")], None),
        ([row("Population", "2010–2012: 4,500")], None),
        ([row("Population", "31 December 2011")], None),
        ([row("Population", "2011: unknown")], None),
        ([row("Population", "2011;12,000")], (12_000, 2011)),
        ([row("Population", "2011; unknown")], None),
        ([row("Population", "2011, not yet counted")], None),
        ([row("Population", "2011 (census); n/a")], None),
        ([row("Population", "1845; 2011 census")], (1_845, 2011)),
        # a header goes on after its bracket or its year (1)
        ([head("Population (2016)INE"), row(" • Total", "82,549")], (82_549, 2016)),
        ([head("Population 2016 ISTAT"), row(" • Total", "82,549")], (82_549, 2016)),
        ([head("Population (2016) density"), row(" • Total", "82")], None),
        ([row("Population (2016) rank", "82")], None),
        # a bare year is no figure (7)
        ([row("Population", "2011")], None),
        ([row("Population", "2011 census")], None),
        ([row("Population", "2011 (est.)")], None),
    ],
)
def test_population(rows: list[str], expected: tuple[int, int] | None) -> None:
    assert danish(*rows)["population"] == expected


@pytest.mark.parametrize(
    ("kind", "label", "expected"),
    [
        ("Region of the country and capital", "Capital", (9_000, 2011)),
        ("Region and capital", "Region", (9_000, 2011)),
        ("Province-level special capital region", "Special capital region", (9_000, 2011)),
        ("Province capital", "Province", None),
    ],
)
def test_a_part_of_what_the_box_calls_the_place_is_the_place(kind: str, label: str, expected: tuple[int, int] | None) -> None:
    assert danish(HEADER, row(f" • {label}", "9,000"), row(" • Metro", "44,000"), kind=kind)["population"] == expected


@pytest.mark.parametrize(
    "kind", ["Statutory city", "Metropolis", "State capital city", "Metropolitan city", "Megacity", "District"]
)
def test_a_row_that_is_labelled_as_the_box_calls_the_place_is_its_total(kind: str) -> None:
    rows = [HEADER, row(" • Urban", "9,000,000"), row(f" • {kind}", "377,028"), row(" • Metro", "810,000")]
    assert danish(*rows, kind=kind)["population"] == (377_028, 2011)


def test_older_boxes_name_the_place_and_its_kind_in_spans() -> None:
    kind = '<tr><td colspan="2"><span class="category"><a>Metropolitan city</a></span></td></tr>'
    rows = [HEADER, row(" • Urban", "9,000,000"), row(" • Metropolitan city", "377,028")]
    assert danish(kind, *rows)["population"] == (377_028, 2011)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8,443,675", 8_443_675),
        ("189\u00a0662 (18th)", 189_662),
        ("189\u2009662", 189_662),
        ("12,34,567", 1_234_567),
        ("1'234'567", 1_234_567),
        ("175,779 (Ranked 28th)", 175_779),
        ("1,060,397(US: 54th)", 1_060_397),
        ("2,872,800[1]", 2_872_800),
        ("4,530 <i>inhabitants</i>", 4_530),
        ("18.1 million", 18_100_000),
        ("ca. 810,000", 810_000),
        ("~ 20,000", 20_000),
        ("2011 census: 12,345", 12_345),
        ("<style>.x{color:red}</style>12,345", 12_345),
        ('<span style="display:none">7004123450000000000♠</span>12,345', 12_345),
        ("8,653,5218,917,749", None),  # two figures run together
        ("20,000–25,000", None),
        ("20,000 – 25,000", None),
        ("5th", None),
        ("17 %", None),
        ("39/km<sup>2</sup>", None),
        ("12 households", None),
        ("$2,100", None),
        ("unknown", None),
    ],
)
def test_a_count_of_people_is_read_whole_or_not_at_all(text: str, expected: int | None) -> None:
    figure = danish(HEADER, row(" • Total", text))["population"]
    assert (figure[0] if figure else None) == expected


# Area and elevation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("Area", "44.26 km<sup>2</sup> (17.09 sq mi)")], 44.26),
        ([row("Area", "12–15 km<sup>2</sup>")], 12),
        ([head("Area"), row(" • Total", "468.484 sq mi (1,213.37&nbsp;km<sup>2</sup>)")], 1213.37),
        ([head("Area (17.2% of it)"), row(" • Total", "312,679 km<sup>2</sup>[a] (70th)<br>120,696.41 sq mi")], 312_679),
        ([head("Area"), row(" • Total", "906.09 km (349.84 sq mi)")], 906.09),  # the superscript lost
        ([head("Area"), row(" - 1961", "4,656 acres")], 18.842164),
        ([row("Area", "33,669 ha")], 336.69),
        ([row("Area", "10 sq mi")], 25.899881),
        ([head("Area"), row(" • Land<sup>1</sup>", "13.5 km<sup>2</sup>")], None),
        ([head("Area"), row(" • Urban", "91 km<sup>2</sup>"), row(" • Municipal", "468 km<sup>2</sup>")], 468),
        ([head("Area"), row(" • Total", "10 km<sup>2</sup>"), row("Area rank", "2nd"), row("Area code(s)", "0123")], 10),
        ([row("Region", "North"), row(" • Municipal unit", "107.46 km<sup>2</sup> (41.49 sq mi)")], 107.46),
        ([row("Area", "44.26 km<sup>2</sup>"), head("UNESCO World Heritage Site"), row("Area", "19.47 ha")], 44.26),
        ([head("UNESCO World Heritage Site"), row("Area", "19.47 ha"), row("Region", "Europe")], None),
    ],
)
def test_area(rows: list[str], expected: float | None) -> None:
    assert danish(*rows)["area_km2"] == expected


@pytest.mark.parametrize(
    ("label", "text", "expected"),
    [
        ("Elevation", "920 m (3,020 ft)", 920),
        ("Elevation[6]", "4,593 ft (1,397 m)", 1_397),
        ("Elevation (Pont du Mont Blanc)", "375 m (1,230 ft)", 375),
        ("Elevation", "22–64 m (72–210 ft)<br>(avg. 30 m or 98 ft)", 22),
        ("Elevation", "569–1,280 ft (173–390 m)", 173),
        ("Elevation", "592.23 m (1,943.01 ft)", 592.23),
        ("Elevation", "\u22122 m (\u22126.6 ft)", -2),
        ("Elevation", "100 ft", 30.48),
        ("Elevation", "3 m (10 ft) below sea level", -3),
        ("Elevation", "3 m (10 ft below sea level)", -3),
        ("Elevation", "10 ft below mean sea level", -3.05),
        ("Elevation", "Below sea level: 3 m (10 ft)", -3),
        ("Elevation", "minus 3 m", -3),
        ("Elevation", "\u20133 m", -3),
        ("Elevation", "3 m (10 ft) above sea level", 3),
        ("Elevation", "3 m; its lowest street is 2 m below sea level", 3),
        ("Elevation", "3 m (2 m below the dam)", 3),
        ("Elevation", "-7 – -2 m", -7),
        ("Elevation", "-2 to 15 m", -2),
        ("Elevation", "120–80 m", 80),
        ("Elevation", "3 m – 20 m", 3),
        ("Elevation", "between 3 and 20 m", 3),
        ("Elevation", "sea level", None),
        ("Highest elevation", "2,010 m (6,590 ft)", None),
        ("Lowest elevation", "1 m (3 ft)", None),
    ],
)
def test_elevation(label: str, text: str, expected: float | None) -> None:
    assert danish(row(label, text))["elevation_m"] == expected


# Where it is ------------------------------------------------------------------------------------------------------------


def test_coordinates_in_the_box_come_before_those_of_the_page() -> None:
    other = '<span id="coordinates"><span class="geo">54.45; 18.567</span></span>'
    city = danish(extra=other)
    assert (city["latitude"], city["longitude"]) == (56.05, 10.15)


def test_coordinates_of_the_page_serve_where_the_box_has_none_but_never_those_of_the_text() -> None:
    text = '<p>A station is at <span class="geo">1.5; 2.5</span>.</p>'
    own = '<div id="coordinates">Coordinates: <span class="geo">56.1; 10.2</span></div>'
    rows = [row("Country", "Denmark"), row("Population", "1,200")]
    assert read(page(*rows, extra=text + own))["latitude"] == 56.1
    assert read(page(*rows, extra=text))["latitude"] is None


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (
            '<span class="geo"><span class="latitude">56.5</span><span class="longitude">9.5</span><span>34</span></span>',
            (56.5, 9.5),
        ),
        ("46°31.19′N 6°38.01′E", (46.519833, 6.633500)),
        ("33°51′35″S 151°12′40″E", (-33.859722, 151.211111)),
        ("17°20′S 65°20′W", (-17.333333, -65.333333)),
        ('<span class="geo">99.5; 9.5</span> then <span class="geo">56.5; 9.5</span>', (56.5, 9.5)),
        ('<span class="geo">nowhere</span>', (None, None)),
    ],
)
def test_coordinates_are_read(markup: str, expected: tuple[float | None, float | None]) -> None:
    city = read(page(row("Coordinates", markup), row("Country", "Denmark"), row("Population", "1,200")))
    assert (city["latitude"], city["longitude"]) == expected


def test_a_place_in_the_open_sea_has_no_time_zone() -> None:
    sea = '<tr><td colspan="2"><span class="geo">69.21667; 51.1</span></td></tr>'
    assert read(page(sea, row("Country", "Denmark"), row("Population", "1,200")))["timezone"] is None


# The country ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("Country", "Namibia")], "NA"),
        ([("Country", "People's Republic of China")], "CN"),
        ([("Country", "China (PRC)")], "CN"),
        ([("Country", "U.S.")], "US"),
        ([("Country", "Czech Republic")], "CZ"),
        ([("Country", "Turkey")], "TR"),
        ([("Country", "The Gambia")], "GM"),
        ([("Country", "Burma")], "MM"),
        ([("Country", "Italy[a]")], "IT"),
        ([("Country", "Scotland")], "GB"),
        ([("Country", "Cote d&#39;Ivoire")], "CI"),
        ([("Country", "England, United Kingdom")], "GB"),
        ([("Sovereign State", "United Kingdom"), ("Country", "England")], "GB"),
        ([("State", "Kingdom of Denmark"), ("Constituent country", "Greenland")], "DK"),
        ([("Country", "Germany"), ("State", "Lower Saxony")], "DE"),
        ([("Country", "Russia (de facto)<br>Ukraine (de jure)")], None),
        ([("Countries", "Slovakia, Ukraine, Germany")], None),
        ([("Country", "Kosovo")], None),
        ([("Country", "Yugoslavia")], None),
        ([("State", "Georgia")], None),
        ([("ISO 3166 code", "IN-KA")], "IN"),
        ([("ISO 3166-2", "cn-23-10")], "CN"),
        ([("ISO 3166-2", "CL")], None),  # Castile and León's, not Chile's
        ([("ISO 3166 code", "SG")], "SG"),
    ],
)
def test_country_from_the_box(rows: list[tuple[str, str]], expected: str | None) -> None:
    silent = "<p><b>Musterby</b> is a town.</p>"
    body = page(COORDINATES, *(row(*pair) for pair in rows), row("Population", "1,200"), lead=silent)
    assert read(body)["country_code"] == expected


def test_country_from_the_link_of_the_coordinates() -> None:
    link = row("Coordinates", '<a href="//geohack?params=32_49_N_34_59_E_region:IL-HA"><span class="geo">32.8; 34.9</span></a>')
    assert read(page(link, row("Population", "1,200"), lead="<p>It is big.</p>"))["country_code"] == "IL"


@pytest.mark.parametrize(
    ("point", "lead", "expected"),
    [
        ("", "was a municipal borough in Nottinghamshire, England from 1835 to 1974.", "GB"),
        ("", "is a town in France, near the border with Spain.", None),
        ("42.7; 2.9", "is a town in France, near the border with Spain.", "FR"),
        ("", "is a town in the U.S. state of Georgia.", "US"),
        ("31.8; 35.2", "is a town in Denmark.", None),  # it is not there
        ("", "is a town in New Mexico.", None),
        ("", "is a town on the Gulf of Oman.", None),
        ("", "is a suburb of Mexico City.", None),
        ("", "is a town in the north. It is far from Denmark.", None),
        ("-33.9; 151.2", "is a town in New South Wales, Australia.", "AU"),
        ("", "is a town.", None),
    ],
)
def test_country_from_the_lead(point: str, lead: str, expected: str | None) -> None:
    where = f'<tr><td colspan="2"><span class="geo">{point}</span></td></tr>' if point else ""
    body = page(where, row("Population (1961)", "1,200"), lead=f"<p><b>Musterby</b> {lead}</p>")
    assert read(body)["country_code"] == expected


# The name and the item --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "rows", "heading", "expected"),
    [
        ("Akita (city)", [], "", "Akita"),
        ("Burlington, Ontario", [("Province", "Ontario")], "", "Burlington"),
        ("Sado, Niigata", [("Prefecture", "Niigata Prefecture")], "", "Sado"),
        ("Newcastle, New South Wales", [], "", "Newcastle"),
        ("Gorgonzola, Milan", [("Metropolitan city", "Milan (MI)")], "", "Gorgonzola"),
        ("Washington, D.C.", [("Named for", "George Washington"), ("Website", "dc.gov")], "Washington, D.C.", "Washington, D.C."),
        ("Foxley, Grey County, Ontario", [("Province", "Ontario"), ("County", "Grey")], "", "Foxley"),
        ("Foxley, County Durham", [("Ceremonial county", "Durham")], "", "Foxley"),
        ("Foxley, Berkshire", [("Population", "1,205"), ("Ceremonial county", "Berkshire")], "", "Foxley"),
        ("Foxley, Berkshire", [("Population", "1,205"), ("Named for", "Berkshire")], "", "Foxley, Berkshire"),
        ("Foxley, Nowhere, Ontario", [("Province", "Ontario")], "", "Foxley, Nowhere, Ontario"),
        ("Foxley, Nowhere, Ontario", [], "Foxley", "Foxley"),
        ("Foxley, Grey County, Ontario", [], "", "Foxley"),
        ("Foxley, County Cork", [], "Foxley, County Cork", "Foxley"),
        ("Foxley, Upper Fox District", [], "", "Foxley"),
        ("Hann. Münden", [], "", "Hann. Münden"),
        ("Municipal Borough of East Musterby", [], "East Musterby", "East Musterby"),
        ("London Borough of Musterby", [], "London Borough of Musterby", "London Borough of Musterby"),
        ("Musterby Local Municipality", [], "Musterby", "Musterby Local Municipality"),
    ],
)
def test_name(title: str, rows: list[tuple[str, str]], heading: str, expected: str) -> None:
    assert danish(*(row(*pair) for pair in rows), title=title, heading=heading)["name"] == expected


def test_a_bare_rendering_has_the_title_that_was_asked_for() -> None:
    body = page(COORDINATES, row("Country", "Denmark")).replace(b'<h1 id="firstHeading">Musterby</h1>', b"")
    assert read(body)["name"] == "Musterby"


def test_wikidata_item_from_the_link_or_the_script() -> None:
    link = '<ul><li id="t-wikibase"><a href="https://www.wikidata.org/wiki/Special:EntityPage/Q64">Item</a></li></ul>'
    assert danish(extra=link)["wikidata_id"] == "Q64"
    assert danish(extra='<script>{"wgWikibaseItemId":"Q60"}</script>')["wikidata_id"] == "Q60"


# What is no settlement --------------------------------------------------------------------------------------------------

FIGURES = (row("Population (2010)", "84,703"), row("Area", "3,253 km<sup>2</sup>"))


@pytest.mark.parametrize(
    ("kind", "lead", "rows", "reason"),
    [
        ("", "is a county located in the state of Ohio, United States.", FIGURES, "county"),
        ("Province", "is a province in central Bolivia, whose capital is the city of Totora.", FIGURES, "province"),
        ("Regional unit", "is one of the regional units of Greece.", FIGURES, "regional unit"),
        ("Region of France", "contains the city of Paris and is the most populous of the 18 regions.", FIGURES, "region"),
        ("Metropolitan area", "is a major metropolitan area around a city.", FIGURES, "metropolitan area"),
        ("District", "is a district of the state.", (*FIGURES, row("Headquarters", "Musterby")), "district"),
        ("", "is a district in the east.", (*FIGURES, row("Administrative centre", "Musterby")), "district"),
        ("", "is a district in the east.", (row("Population", "14,099"), row("Area", "135,800 km<sup>2</sup>")), "district"),
        ("", "is in the south. The region has two towns.", FIGURES, "region"),
        ("", "is located in the north of Ohio. It is a county.", FIGURES, "county"),
        ("", "is a country in Central Europe.", (*FIGURES, row("Capital", "Warsaw"), row("Currency", "Złoty")), "country"),
        ("", "was one of the three major states of China.", (row("Capital", "Jianye"),), "states"),
        ("", "is a forum.", (row("Population", "25,880,000"), row("Currency", "Krone")), "not called a settlement"),
        ("", "is an association.", (row("Population", "25,880,000"), row("Founded", "1952")), "not called a settlement"),
        ("", "is a language of the Pacific.", (row("Native speakers", "1,200"),), "not called a settlement"),
        ("", "is a Danish painter.", (row("Born", "1 May 1912"), row("Died", "2 May 1999")), "not called a settlement"),
        ("", "was a treaty between two kings.", (row("Signed", "1648"),), "not called a settlement"),
        ("", "was an ancient city of the Hittites.", (row("Region", "Anatolia"),), "is no more"),
        ("", "is an ancient city on a hill.", (row("Country", "Denmark"),), "is no more"),
        ("", "is a city hall on a hill.", (row("Country", "Denmark"),), "not called a settlement"),
        ("", "is an airport that serves the city.", (row("Country", "Denmark"),), "not called a settlement"),
    ],
)
def test_what_is_no_settlement_is_refused_with_its_reason(kind: str, lead: str, rows: Sequence[str], reason: str) -> None:
    where = COORDINATES if "association" not in lead else ""
    assert reason in refused(page(where, *rows, kind=kind, lead=f"<p><b>Musterby</b> {lead}</p>"))


@pytest.mark.parametrize(
    ("kind", "lead", "rows"),
    [
        ("", "is an administrative division in the east.", FIGURES),
        ("Metropolitan area", "is a city in the North Island.", FIGURES),
        ("Island and Municipality", "is the largest of the islands.", FIGURES),
        ("City of regional significance", "is somewhere.", ()),
        ("Prefecture-level city", "is a prefecture-level city.", FIGURES),
        ("", "is the most densely populated and smallest of the five boroughs.", FIGURES),
        ("", "was a municipal borough until 1974.", FIGURES),
        ("District", "is a district of Musterstadt.", FIGURES),
        ("", "is a hamlet.", ()),
        ("", "is in the old county of Fife. The town keeps a fair.", (row("Population", "20,250"),)),
        ("", "is, in the county of Kent, a town.", (row("Population", "20,250"),)),
        ("", "is in Kent. The county town lies near.", (row("Population", "20,250"),)),
        ("", "is the county seat of a county in Ohio.", ()),
        ("", "is situated on the island of Man.", (row("Population", "20,250"),)),
        ("", "is located in Kent, a county of England.", (row("Population", "20,250"),)),
        # a region as dense as a city is one
        (
            "Special administrative region",
            "is a region of China.",
            (row("Population", "7,413,070"), row("Area", "1,114 km<sup>2</sup>")),
        ),
    ],
)
def test_what_is_a_settlement_is_kept(kind: str, lead: str, rows: Sequence[str]) -> None:
    assert danish(*rows, kind=kind, lead=f"<p><b>Musterby</b> {lead}</p>")["name"] == "Musterby"


def test_a_paragraph_in_a_table_is_not_the_lead() -> None:
    note = '<tr><td colspan="2"><p>This is a county, some say.</p></td></tr>'
    assert danish(row("Population", "1,200"), note)["name"] == "Musterby"


def test_a_density_of_a_city_makes_no_city_of_a_province() -> None:
    crowded = (row("Population", "7,413,070"), row("Area", "1,114 km<sup>2</sup>"))
    assert "province" in refused(page(COORDINATES, *crowded, kind="Province", lead="<p><b>X</b> is a province.</p>"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"<!-- nothing -->", "not HTML"),
        (b'{"error": "rate limited"}', "no infobox"),
        (b"\xff\xfe\x00<", "no infobox"),
        (b"<html><body><h1>Mercury</h1><div id='disambigbox'></div></body></html>", "disambiguation"),
        (b"<html><body><h1>Nix</h1><div class='noarticletext'></div></body></html>", "no such article"),
        (b"<html><body><h1>Wikimedia Error</h1><p>Too many requests</p></body></html>", "no infobox"),
        (b"<div>" * 90 + b"<table class=infobox><tr><td>", "cut short"),
        (page(row("Population", "<br>" * 20_000)), "no real one is that long"),
        (b"x" * 8_000_001, "The page has 8,000,001 bytes; no article has more"),
        (page(COORDINATES, title="M\ufffdsterby"), "UTF-8"),
    ],
)
def test_what_is_no_article_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    assert reason in refused(body)


def test_a_german_disambiguation_page_is_refused() -> None:
    assert "disambiguation" in refused("<h1>Bach</h1><div id='Vorlage_Begriffsklärungsseite'></div>".encode(), "de")


def test_a_page_cut_anywhere_gives_no_other_figure() -> None:
    whole = list(cities.parse(capture(PAYLOAD)))
    end_of_box = PAYLOAD.rindex(b"</table>")
    for length in range(len(PAYLOAD)):
        try:
            rows = list(cities.parse(capture(PAYLOAD[:length])))
        except BadData:
            assert length <= end_of_box + len(b'</table>\n<p class="mw-empty-elt">')
        else:
            assert length > end_of_box
            assert rows[1:] == whole[1:]
            assert rows[0].values | {"wikidata_id": "Q99999901"} == whole[0].values


@settings(deadline=None)  # the machine may be busy
@given(st.binary(max_size=300), st.integers(0, len(PAYLOAD)), st.integers(0, len(PAYLOAD)), st.sampled_from(["en", "de"]))
def test_any_bytes_give_rows_or_bad_data(noise: bytes, start: int, end: int, language: str) -> None:
    for body in (noise, PAYLOAD[:start] + noise + PAYLOAD[end:]):
        with suppress(BadData):
            list(cities.parse(capture(body, language)))


@pytest.mark.parametrize(
    ("extra", "bound"),
    [
        (f"<p>{'<span>' * 240}{'x<br>' * 200_000}{'</span>' * 240}</p>", r"has 200,\d+ tags; no article has more than 150,000"),
        (f"<p>{'<span>' * 101}x<br></p>", "tags nested more than 100 deep"),
        (f"<p>{'<!-- -->' * 150_001}</p>", r"has 150,\d+ tags"),
        (f"<p>{'<ul><li>' * 60}</p>", "tags nested more than 100 deep"),
        ("<table>" * 101, "tags nested more than 100 deep"),
        (f"<p {' '.join(f'a{number}' for number in range(200_000))}>x</p>", r"has 1,\d+,\d+ bytes from one tag to the next"),
        (f"<p class='{'x ' * 20_000}'>x</p>", r"has 40,\d+ bytes from one tag to the next"),
        (f"<p>{'&amp;' * 7_000}</p>", r"has 35,\d+ bytes from one tag to the next"),
    ],
    ids=["nodes", "depth", "comments", "lists", "tables", "attributes", "classes", "entities"],
)
def test_a_page_that_is_made_to_take_long_is_refused(extra: str, bound: str) -> None:
    assert re.search(bound, refused(page(COORDINATES, extra=extra)))
    assert re.search("nested more|no real one|bytes from|tags; no", refused(page(row("Area", extra), COORDINATES)))


def test_what_is_not_seen_is_not_read_however_it_is_nested() -> None:
    hidden = (
        "<span class='geo'>is 1</span><sup>is 2<b>is 3</b></sup><style>is 4</style><i style='display: none'>is 5</i><!-- is 6 -->"
    )
    lead = f"<p>The <b>X<!-- is 0 --></b>{hidden} <i><b>is</b> a</i> town{hidden}. It is old.</p>"
    box = page(COORDINATES, row("Country", "Denmark"), lead=lead)
    assert read_article(box, "en").statement == "is a town. It is old."


@pytest.mark.parametrize("text", ["(" * 30_000, "1 " * 15_000, "9,999" * 6_000, "- " * 15_000, "[" * 30_000, "a(b" * 10_000])
def test_long_nonsense_does_not_hang(text: str) -> None:
    body = page(
        COORDINATES,
        row("Country", "Denmark"),
        head(f"Population {text}"),
        row(text, text),
        row(" • Total", text),
        extra=f"<p>{text}</p>",
    )
    assert read(body)["population"] is None


# Shapes of today, English -----------------------------------------------------------------------------------------------


def test_a_city_state_with_a_box_of_a_country() -> None:
    capital = 'Singapore (city-state)<br><span class="geo">1.283; 103.833</span>'
    body = page(
        '<tr><td colspan="2">Flag <span>Arms</span></td></tr>',
        row("Capital", capital),
        row("Official languages", "English<br>Malay"),
        head("Area"),
        row("• Total", "744.3 km<sup>2</sup> (287.4 sq mi) (176th)"),
        row("• Water (%)", "1.44"),
        head("Population"),
        row("• 2020 census", "5,685,807"),
        row("• 2025 estimate", "6,110,200 (112th)"),
        row("• Density", "8,209/km<sup>2</sup>"),
        head("GDP (PPP)"),
        row("• Total", "$953 billion (38th)"),
        row("Currency", "Singapore dollar"),
        row("Calling code", "+65"),
        row("ISO 3166 code", "SG"),
        title="Singapore",
        heading="Republic of Singapore",
        lead="<p><b>Singapore</b>, officially a <b>Republic</b> (small), is an island country and city-state in Asia.</p>",
        extra='<span id="coordinates"><span class="geo">1.29; 103.85</span></span>',
        box="infobox ib-country",
    )
    city = read(body)
    assert (city["name"], city["country_code"], city["timezone"]) == ("Singapore", "SG", "Asia/Singapore")
    assert (city["latitude"], city["area_km2"], city["population"]) == (1.283, 744.3, (6_110_200, 2025))


def test_a_capital_that_is_a_state_as_well() -> None:
    kind = "Capital city, <a>state</a> and municipality"
    city = read(
        page(
            '<tr><td colspan="2"><span class="geo">48.2083; 16.3725</span></td></tr>',
            row("Country", "Austria"),
            row("State", "Vienna"),
            head("Area"),
            row("• Capital city, state and municipality", "414.78 km<sup>2</sup>"),
            head("Population (2025)"),
            row("• Capital city, state and municipality", "2,028,289"),
            row("• Rank", "1st in Austria<br>5th in the EU (2023)"),
            row("• Urban", "2,223,236"),
            row("• Metro", "2,890,577"),
            kind=kind,
            lead="<p><b>Vienna</b> is the capital, most populous city, and one of nine federal states of Austria.</p>",
        )
    )
    assert (city["country_code"], city["area_km2"], city["population"]) == ("AT", 414.78, (2_028_289, 2025))


def test_a_box_of_an_australian_place_has_no_country_and_dates_in_the_value() -> None:
    city = read(
        page(
            '<tr><td colspan="2"><span class="geo">-33.86778; 151.21</span></td></tr>',
            row("Population", "5,557,233 (2024)[1] (1st)"),
            row("&nbsp;•&nbsp;Density", "449.7/km<sup>2</sup>"),
            row("Area", "12,367.7 km<sup>2</sup> (4,775.2 sq mi)(GCCSA)"),
            lead="<p><b>Sydney</b> is the capital of the state of New South Wales and the most populous city in Australia.</p>",
        )
    )
    assert (city["country_code"], city["area_km2"], city["population"]) == ("AU", 12_367.7, (5_557_233, 2024))


def test_the_federal_district_of_a_country_counts_its_estimate() -> None:
    label = " • Federal capital city and federal district"
    rows = [row(label, "689,545"), row(" • Estimate (2024)", "702,250"), row(" • Metro (2024)", "6,436,489 (7th)")]
    assert danish(head("Population (2020)"), *rows)["population"] == (702_250, 2024)


# Shapes of today, German ------------------------------------------------------------------------------------------------


def zeile(label: str, value: str) -> str:
    return f"<tr><td>{label}</td><td>{value}</td></tr>"


def german(
    *rows: str, lead: str, title: str = "Musterstadt", box: str = "hintergrundfarbe5 float-right toptextcells infobox"
) -> dict[str, Any]:
    return read(page(*rows, title=title, lead=f"<p><b>{title}</b> {lead}</p>", box=box), "de")


GEO = (
    '52° 31′ N, 13° 24′ O<span class="geo noexcerpt" style="display:none">'
    '<span class="latitude">{}</span><span class="longitude">{}</span></span>'
)


def test_a_german_city_has_no_country_but_a_land() -> None:
    city = german(
        "<tr><th>Wappen</th><th>Deutschlandkarte</th></tr>",
        head("Basisdaten"),
        zeile("Koordinaten:", GEO.format("48.137", "11.575")),
        zeile("Bundesland:", "Bayern"),
        zeile("Höhe:", "519\u00a0m ü. NHN"),
        zeile("Fläche:", "310,7\u00a0km<sup>2</sup>"),
        zeile("Einwohner:", '1.510.378 <small>(31.\u00a0Dez. 2023)</small><sup class="reference">[1]</sup>'),
        zeile("Bevölkerungsdichte:", "4861 Einwohner je km<sup>2</sup>"),
        zeile("Gemeindeschlüssel:", "09 1 62 000"),
        lead="ist die Landeshauptstadt des Freistaates Bayern und liegt an der Isar.",
    )
    assert (city["country_code"], city["timezone"]) == ("DE", "Europe/Berlin")
    assert (city["elevation_m"], city["area_km2"], city["population"]) == (519, 310.7, (1_510_378, 2023))


def test_a_german_city_that_is_a_land() -> None:
    city = german(
        head("Land Musterstadt"),
        head("Bevölkerung"),
        zeile("Einwohner:", "3.685.265 (31. Dezember 2024)[4]"),
        zeile("–\u00a0Ausländeranteil:", "23,3 % (2023)"),
        zeile("Einwohner Metropolregion:", "6.216.845 (2023)"),
        head("Geographie"),
        zeile("Geographische Lage:", GEO.format("52.5186", "13.4083")),
        zeile("Fläche:", "891,1 km² (2024)[8]"),
        zeile("– Wasserfläche:", "59,7 km² (6,7 %)"),
        zeile("Höhe:", "29,5–115 m ü. NHN"),
        zeile("Telefonvorwahl:", "030"),
        lead="ist die Hauptstadt und ein Land der Bundesrepublik Deutschland. Sie grenzt an Polen nicht.",
        box="wikitable infobox toptextcells float-right",
    )
    assert (city["country_code"], city["elevation_m"], city["area_km2"]) == ("DE", 29.5, 891.1)
    assert city["population"] == (3_685_265, 2024)


def test_a_german_page_of_a_swiss_city() -> None:
    city = german(
        zeile("Staat:", "Schweiz"),
        zeile("Kanton:", "Zürich (ZH)"),
        zeile("BFS-Nr.:", '0261<span style="display:none">i1f3f4</span>'),
        zeile("Koordinaten:", GEO.format("47.3769", "8.5417")),
        zeile("Höhe:", "1’408\u00a0m ü. M."),
        zeile("Höhenbereich:", "392–871 m ü. M."),
        zeile("Fläche:", "87,93 km²"),
        zeile("Einwohner:", "i436’551 (31. Dezember 2023)"),
        lead="ist eine Schweizer Stadt und Hauptort des gleichnamigen Kantons.",
    )
    assert (city["country_code"], city["elevation_m"], city["population"]) == ("CH", 1_408, (436_551, 2023))


def test_a_german_page_of_an_american_city_pairs_its_lines() -> None:
    city = german(
        zeile("Staat:", "Vereinigte Staaten"),
        zeile("Bundesstaat:", "New York"),
        zeile("Koordinaten:", GEO.format("40.7128", "-74.006")),
        zeile("Einwohner:<br>–\u00a0Metropolregion:", "8.804.190 <small>(Stand: 2020)</small><br>20.140.470 (Stand: 2020)"),
        zeile("Fläche:<br>–\u00a0davon Land:", "1.214,9 km² (ca. 469 mi²)<br>785,6 km²"),
        zeile("Höhe:", "10 m"),
        lead="ist eine Weltstadt an der Ostküste der Vereinigten Staaten.",
    )
    assert (city["country_code"], city["area_km2"], city["population"]) == ("US", 1214.9, (8_804_190, 2020))


def test_a_german_page_of_an_austrian_land_and_city() -> None:
    city = german(
        zeile("Einwohner:", "2.028.289 (1. Jän. 2025)"),
        zeile("Koordinaten:", GEO.format("48.2083", "16.3725")),
        zeile("ISO-3166-2-Code:", "AT-9"),
        lead="ist die Bundeshauptstadt und zugleich eines der neun Bundesländer.",
    )
    assert (city["country_code"], city["population"]) == ("AT", (2_028_289, 2025))


def test_a_german_page_of_a_small_place_writes_thousands_without_a_mark() -> None:
    rows = [zeile("Staat:", "Frankreich"), zeile("Einwohner", "2011 (1. Januar 2022)"), zeile("Fläche", "47.000 km²")]
    city = german(zeile("Koordinaten:", GEO.format("48.85", "2.35")), *rows, lead="ist eine Gemeinde im Norden.")
    assert (city["population"], city["area_km2"]) == ((2_011, 2022), 47_000)


def test_a_german_landkreis_is_refused() -> None:
    body = page(
        zeile("Einwohner:", "92.000"), title="X", lead="<p>Der <b>Landkreis X</b> ist ein Landkreis in Bayern.</p>", box="infobox"
    )
    assert "landkreis" in refused(body, "de")


# The module -------------------------------------------------------------------------------------------------------------


def test_the_module_loads_no_parser_until_it_parses() -> None:
    code = "import sys, gans.sources.cities; print([m for m in ('bs4', 'lxml', 'pycountry', 'tzfpy') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
