"""The infobox of a city, in the variety that real ones have: what it says, where it says it, and in which markup.

Whatever the shape, a careful reader finds what is true of the city, or nothing: no box says a wrong thing of the place.
"""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from local.simulator.world import COUNTRIES, City

_KM2_PER_SQUARE_MILE = 2.589988
_M_PER_FOOT = 0.3048
_REGIONS = {
    "DE-BE": ("Berlin", "Berlin"),
    "DE-BY": ("Bavaria", "Bayern"),
    "DE-HH": ("Hamburg", "Hamburg"),
    "DE-NW": ("North Rhine-Westphalia", "Nordrhein-Westfalen"),
    "US-NY": ("New York", "New York"),
}
_EXTENTS = ("Total", "City", "City proper", "Municipality", "Metropolis", "Capital", "Commune")  # the city itself
_GEO_STYLE = '<style data-mw-deduplicate="TemplateStyles:r1">.mw-parser-output .geo-nondefault{display:none}</style>'
_CELL_STYLE = '<style data-mw-deduplicate="TemplateStyles:r2">.mw-parser-output .nobold{font-weight:normal}</style>'


@dataclass
class _Row:
    """A line of the box: a header without data, a label with data, or data alone. The texts are HTML.

    Attributes:
        note: small print beside the label: a year, a footnote.
        opens: whether a new group begins here.
    """

    label: str
    data: str = ""
    note: str = ""
    opens: bool = False


def english(city: City, dice: random.Random) -> str:
    """The box on the English page."""
    name = city.titles["en"]
    country = COUNTRIES[city.country_code][0]
    if name == country:
        return _Modern("infobox ib-country vcard").table(name, "City-state", _state_rows(city))
    extent = dice.choices(_EXTENTS, (3, 2, 1, 1, 1, 1, 1))[0]
    markup = dice.choices((_Modern("infobox ib-settlement vcard"), _Of2019(), _Of2014()), (13, 5, 2))[0]
    rows = [
        *([_Row("", f"Coordinates: {english_coordinates(city)}")] if dice.random() < 0.8 else []),
        *_country_rows(city, country),
        _Row("Established", "c. 1180", opens=True),
        *([_Row(" • City", "23 January 1979")] if dice.random() < 0.2 else []),
        _Row("Government", opens=True),
        _Row(" • Mayor", "A. N. Other (Independent)"),
        *_area_rows(city, extent, dice),
        *_elevation_rows(city, dice),
        *_population_rows(city, extent, dice),
        *([_Row(link("Demonym"), "Townspeople", opens=True)] if dice.random() < 0.6 else []),
        *_economy_rows(dice),
        *_time_zone_rows(city, dice),
        _Row("Postal code", "10000–10999", opens=True),
        _Row("Area code", "+00 (0)30"),
        _Row("Website", '<a class="external text" href="https://city.example/">city.example</a>'),
    ]
    return markup.table(name, dice.choice(("City", "Capital city", "Municipality", "City and municipality")), rows)


def german(city: City, dice: random.Random) -> str:
    """The box on the German page."""
    is_german = city.country_code == "DE"
    region = _REGIONS[city.region][1] if city.region in _REGIONS else ""
    when = f"{dice.choice(('31. Dezember ', '31. Dez. ', '1. Januar ', 'Juni ', ''))}{city.population_year}"
    people, metro = (f"{figure:,}".replace(",", ".") for figure in (city.population, 2 * city.population))
    area = f"{city.area_km2:.1f}".replace(".", ",")
    density = round(city.population / city.area_km2)
    height = str(city.elevation_m).replace("-", "\N{MINUS SIGN}")
    rows = [
        ("" if is_german else "Staat", link(COUNTRIES[city.country_code][1])),
        ("Bundesland" if is_german and region else "", link(region)),
        ("Koordinaten" if dice.random() < 0.8 else "", german_coordinates(city)),
        ("Höhe", f'{height} <abbr title="Meter über Normalhöhennull">m ü. NHN</abbr>'),
        (link("Fläche"), f"{area} km² <small>(2023)</small>{_cite(1)}<br>"),
        ("– Wasserfläche", f"{city.area_km2 * 0.05:.1f}".replace(".", ",") + " km² (5,0 %)"),
        (link("Einwohner"), f"{people} <small>({when})</small>{_cite(2)}"),
        ("– Ausländeranteil", "23,3 % <small>(2023)</small>"),
        (link("Bevölkerungsdichte"), f"{density} Einwohner je km²"),
        (f"Einwohner {link('Metropolregion')}", f"{metro} <small>(2023)</small>"),
        (link("Postleitzahl") + "en", "10000–10999"),
        ("Kfz-Kennzeichen", "T"),
        ("ISO-3166-2-Code" if city.region else "", city.region),
        ("Website", '<a rel="nofollow" class="external text" href="https://stadt.example/">stadt.example</a>'),
    ]
    lines = "\n".join(f"<tr>\n<td>{label}:</td>\n<td>{data}</td></tr>" for label, data in rows if label)
    return (
        '<table class="wikitable infobox toptextcells float-right" style="width:320px">\n<tbody>'
        f'<tr><th colspan="2" style="font-size:1.4em">{escape(city.titles["de"])}</th></tr>\n'
        f'<tr><th colspan="2">Basisdaten</th></tr>\n{lines}\n</tbody></table>'
    )


def link(title: str, text: str = "") -> str:
    """A link to an article."""
    return f'<a href="/wiki/{escape(title.replace(" ", "_"))}" title="{escape(title)}">{escape(text or title)}</a>'


def english_coordinates(city: City) -> str:
    """The coordinates as the English template writes them: by degrees, by decimals, and hidden."""
    north, east = "N" if city.latitude >= 0 else "S", "E" if city.longitude >= 0 else "W"
    sides = ((*_degrees(city.latitude), north), (*_degrees(city.longitude), east))
    latitude, longitude = (f"{degrees}°{minutes:02}′{seconds:02}″{side}" for degrees, minutes, seconds, side in sides)
    params = "_".join(str(part) for side in sides for part in side)
    decimals = f"{abs(city.latitude):.4f}°{north} {abs(city.longitude):.4f}°{east}"
    return (
        f'<span class="geo-inline">{_GEO_STYLE}<span class="plainlinks nourlexpansion">'
        f'<a class="external text" href="{_geohack(city, "en", params)}">'
        f'<span class="geo-default"><span class="geo-dms"><span class="latitude">{latitude}</span> '
        f'<span class="longitude">{longitude}</span></span></span>'
        '<span class="geo-multi-punct">&#xfeff; / &#xfeff;</span>'
        f'<span class="geo-nondefault"><span class="geo-dec">{decimals}</span><span style="display:none">&#xfeff; / '
        f'<span class="geo">{city.latitude:.4f}; {city.longitude:.4f}</span></span></span></a></span></span>'
    )


def german_coordinates(city: City) -> str:
    """The coordinates as the German template writes them."""
    axes = (
        ("Breitengrad", city.latitude, "Nord" if city.latitude >= 0 else "Süd"),
        ("Längengrad", city.longitude, "Ost" if city.longitude >= 0 else "West"),
    )
    shown = []
    for axis, value, side in axes:
        degrees, minutes, _ = _degrees(value)
        shown.append(f'<span title="{axis}">{degrees}°&#160;{minutes}′&#160;<abbr title="{side}">{side[0]}</abbr></span>')
    params = "_".join(f"{abs(value)}_{side[0].replace('O', 'E')}" for _, value, side in axes)
    return (
        '<span class="coordinates plainlinks-print"><a class="external text" '
        f'href="{_geohack(city, "de", params)}">{", ".join(shown)}</a></span>'
        f'<span class="geo noexcerpt" style="display:none"><span class="latitude">{city.latitude}</span>'
        f'<span class="longitude">{city.longitude}</span><span class="elevation">{city.elevation_m}</span></span>'
    )


def _geohack(city: City, language: str, coordinates: str) -> str:
    title = escape(city.titles[language].replace(" ", "_"))
    params = f"{coordinates}_region:{city.region or city.country_code}_type:city({city.population})"
    return f"https://geohack.toolforge.org/geohack.php?pagename={title}&amp;language={language}&amp;params={params}"


def _degrees(value: float) -> tuple[int, int, int]:
    minutes, seconds = divmod(round(abs(value) * 3600), 60)
    return *divmod(minutes, 60), seconds


def _country_rows(city: City, country: str) -> list[_Row]:
    region = _REGIONS[city.region][0] if city.region in _REGIONS else ""
    if city.country_code == "GB":
        return [_Row("Sovereign state", link(country), opens=True), _Row("Country", "England")]
    flag = '<span class="flagicon"><img alt="" src="//upload.wikimedia.org/flag.svg" width="23"></span>&#160;'
    rows = [_Row(link("List of sovereign states", "Country"), flag + link(country), opens=True)]
    return rows + ([_Row("State", link(region))] if region else [])


def _area_rows(city: City, extent: str, dice: random.Random) -> list[_Row]:
    def area(km2: float) -> str:
        metric = f"{km2:,.2f}".rstrip("0").rstrip(".") + " km<sup>2</sup>"
        imperial = f"{km2 / _KM2_PER_SQUARE_MILE:,.1f} sq mi"
        return f"{imperial} ({metric})" if city.country_code in ("US", "GB") else f"{metric} ({imperial})"

    if dice.random() < 0.15:
        return [_Row("Area", area(city.area_km2), _cite(3), opens=True)]
    rows = [_Row("Area", note=_cite(3), opens=True), _Row(f" • {extent}", area(city.area_km2))]
    if dice.random() < 0.3:
        rows.append(_Row(" • Land", area(city.area_km2 * 0.95)))
        rows.append(_Row(" • Water", f"{area(city.area_km2 * 0.05)} &#160;5%"))
    return rows + ([_Row(" • Metro", area(city.area_km2 * 8))] if dice.random() < 0.4 else [])


def _elevation_rows(city: City, dice: random.Random) -> list[_Row]:
    def metres(value: int) -> str:
        return f"{value:,} m ({round(value / _M_PER_FOOT):,} ft)".replace("-", "\N{MINUS SIGN}")

    rows = [_Row("Elevation", metres(city.elevation_m), _cite(4), opens=True)]
    if dice.random() < 0.15:
        rows.append(_Row("Highest elevation", metres(city.elevation_m + 250)))
        rows.append(_Row("Lowest elevation", metres(city.elevation_m - 8)))
    return rows


def _population_rows(city: City, extent: str, dice: random.Random) -> list[_Row]:
    year, people = city.population_year, _people(city.population, dice)
    per_km2 = city.population / city.area_km2
    density = f"{per_km2:,.0f}/km<sup>2</sup> ({per_km2 * _KM2_PER_SQUARE_MILE:,.0f}/sq mi)"
    # A word inside the brackets tells what the figure is; a date stands for its year.
    when = dice.choice((f"{year}", f"31 December {year}", f"{year}-12-31", f"Jan. {year}", f"{year} census", f"mid-{year} est."))
    note = f" ({when}){_cite(5)}" if dice.random() < 0.7 else f"{_cite(5)} ({when}{_cite(6)})"
    match dice.choices(("header", "inline", "estimate", "row", "no year"), (11, 3, 3, 2, city.is_invented))[0]:
        case "inline":
            rows = [_Row("Population", people, note, opens=True)]
        case "estimate":
            census = _Row(f" • {extent}", f"{round(city.population * 0.93):,}")
            rows = [
                _Row("Population", note=f" ({year - 6})", opens=True),
                census,
                _Row(" • Estimate ", people, f"({year})"),
            ]
        case "row":
            rows = [_Row("Population", opens=True), _Row(f" • {year} {dice.choice(('estimate', 'census'))}", people)]
        case "no year":
            rows = [_Row("Population", opens=True), _Row(f" • {extent}", people)]
        case _:
            rows = [_Row("Population", note=note, opens=True), _Row(f" • {extent}", people)]
    beside = [
        _Row(" • Rank", f"{dice.randint(4, 20)}th in {COUNTRIES[city.country_code][0]}"),
        _Row(" • Density", density),
    ]
    # A few boxes have the rank and the density before the figure itself.
    rows = [rows[0], *beside, *rows[1:]] if len(rows) == 2 and dice.random() < 0.15 else rows + beside
    if dice.random() < 0.5:
        rows.append(_Row(f" • {link('Urban area', 'Urban')}", f"{round(city.population * 1.2):,}", _cite(7)))
    if dice.random() < 0.5:
        metro = city.population * 2
        two = f"{metro:,}<br>{metro + 250_000:,} (Extended UA)"
        ways = (f"{metro:,}", f"{metro / 1e6:.2f} million", f"ca. {round(metro, -4):,}", two)
        rows.append(_Row(" • Metro", dice.choice(ways)))
    return rows


def _people(population: int, dice: random.Random) -> str:
    """The figure, in one of the ways to write it that lose nothing."""
    if population > 1_000_000 and population % 100_000 == 0:
        return f"{population / 1_000_000:.1f} million"
    if population % 10_000 == 0:
        return f"ca. {population:,}"
    plain = f"{population:,}"
    ways = (
        plain,
        plain + _cite(8),
        f"{plain} ({dice.randint(4, 20)}th)",
        f"{plain.replace(',', '&#160;')} ({dice.randint(4, 20)}th)",
        f'{_CELL_STYLE}<span class="nowrap">{plain}</span>',
    )
    return dice.choices(ways, (5, 2, 1, 1, 1))[0]


def _economy_rows(dice: random.Random) -> list[_Row]:
    if dice.random() < 0.6:
        return []
    note = f' {_CELL_STYLE}<span class="nobold">(2022)</span>'
    return [_Row("GDP", note=note, opens=True), _Row(" • Total", "€179.379 billion"), _Row(" • Per capita", "€45,046")]


def _time_zone_rows(city: City, dice: random.Random) -> list[_Row]:
    zone = ZoneInfo(city.timezone)
    seasons = [datetime(2024, month, 1, tzinfo=UTC).astimezone(zone) for month in (1, 7)]
    standard = next((season for season in seasons if not season.dst()), seasons[0])
    rows = [_Row(link("Time zone"), _offset(standard, dice), opens=True)]
    summer = [season for season in seasons if season.dst()]
    return rows + ([_Row(" • Summer (<a>DST</a>)", _offset(summer[0], dice))] if summer else [])


def _offset(instant: datetime, dice: random.Random) -> str:
    offset = instant.utcoffset() or timedelta()
    sign = "\N{MINUS SIGN}" if offset < timedelta() else "+"
    hours, minutes = divmod(int(abs(offset).total_seconds()) // 60, 60)
    text = f"UTC{sign}{hours:02}:{minutes:02}" if minutes or dice.random() < 0.5 else f"UTC{sign}{hours}"
    abbreviation = instant.tzname() or ""
    return link(text) + (f" ({abbreviation})" if abbreviation.isalpha() else "")


def _state_rows(city: City) -> list[_Row]:
    """The rows of a city that is a country: no Country row, and its coordinates twice."""
    people = f"{city.population:,} ({link('List of countries by population', '113th')})"
    return [
        _Row("Capital", f"{escape(city.titles['en'])} (city-state)<br>{english_coordinates(city)}", opens=True),
        _Row(
            "Largest planning area",
            f"Bedok<br>{english_coordinates(replace(city, latitude=1.3236, longitude=103.9273))}",
        ),
        _Row("Official languages", "English, Malay, Mandarin, Tamil"),
        _Row("Area", opens=True),
        _Row(" • Total", f"{city.area_km2} km<sup>2</sup> ({city.area_km2 / _KM2_PER_SQUARE_MILE:.1f} sq mi){_cite(3)}"),
        _Row("Population", opens=True),
        _Row(f" • {city.population_year} estimate", people),
        _Row(" • Density", f"{city.population / city.area_km2:,.0f}/km<sup>2</sup>"),
        _Row("GDP", note=" (2024 estimate)", opens=True),
        _Row(" • Total", "$530.708 billion"),
        _Row("Time zone", "UTC+8 (Singapore Standard Time)", opens=True),
        _Row("ISO 3166 code", city.country_code, opens=True),
    ]


def _cite(number: int) -> str:
    bracket = '<span class="cite-bracket">&#{};</span>'
    text = f"{bracket.format(91)}{number}{bracket.format(93)}"
    return f'<sup id="cite_ref-{number}" class="reference"><a href="#cite_note-{number}">{text}</a></sup>'


class _Modern:
    """The markup since 2021: a class on every cell."""

    note = '<div class="ib-settlement-fn">{}</div>'
    header = '<th colspan="2" class="infobox-header">{}</th>'
    label = '<th scope="row" class="infobox-label">{}</th>'
    data = '<td class="infobox-data">{}</td>'
    full = '<td colspan="2" class="infobox-full-data">{}</td>'
    above = '<th colspan="2" class="infobox-above"><div class="fn org">{}</div></th>'
    kind = '<td colspan="2" class="infobox-subheader"><div class="category">{}</div></td>'
    classes = "infobox geography vcard"

    def __init__(self, classes: str = "") -> None:
        self.classes = classes or self.classes

    def table(self, name: str, kind: str, rows: list[_Row]) -> str:
        """The whole box."""
        head = f"<tr>{self.above.format(escape(name))}</tr><tr>{self.kind.format(kind)}</tr>"
        return f'<table class="{self.classes}"><tbody>{head}{"".join(map(self._line, rows))}</tbody></table>'

    def _line(self, row: _Row) -> str:
        label = row.label + (self.note.format(row.note) if row.note else "")
        if not row.data:
            cells = self.header.format(label)
        elif row.label:
            cells = self.label.format(label) + self.data.format(row.data)
        else:
            cells = self.full.format(row.data)
        return f'<tr class="{"mergedtoprow" if row.opens else "mergedrow"}">{cells}</tr>\n'


class _Of2019(_Modern):
    """The markup before 2021: plain cells with styles."""

    note = '<div style="font-weight:normal;display:inline;"> {}</div>'
    header = '<th colspan="2" style="text-align:center;text-align:left">{}</th>'
    label = '<th scope="row">{}</th>'
    data = "<td>{}</td>"
    full = '<td colspan="2" style="text-align:center">{}</td>'
    above = '<th colspan="2" style="font-size:125%"><div class="fn org" style="display:inline">{}</div></th>'
    kind = '<td colspan="2" style="background-color:#cddeff;font-weight:bold"><div class="category">{}</div></td>'


class _Of2014(_Of2019):
    """Older still: spans for divisions, and more attributes."""

    note = '<span style="font-weight:normal"> {}</span>'
    label = '<th scope="row" style="text-align:left;">{}</th>'
    above = '<th colspan="2" style="font-size:125%"><span class="fn org">{}</span></th>'
    kind = '<td colspan="2" style="background-color:#cddeff;font-weight:bold;"><span class="category">{}</span></td>'
