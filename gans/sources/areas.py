"""Area sets: named polygons from a person's GeoJSON, or the H3 cells around a city; landed by `gans areas`.

The format: a FeatureCollection of RFC 7946, a feature an area, with its name, and perhaps a number, among its properties;
coordinates are longitude and latitude in degrees, WGS 84.

Rules
1. A feature that cannot be read costs itself; `gans areas add` then takes nothing, for trips there would be counted nowhere.
2. An area's id is its number, where the set has numbers, so that a new name does not part it from its past; else its name as
   `gans.geography.area_key` writes it, by which it is found too, however it is written. No two areas share either.
3. A cell (H3, resolution 10) belongs to the area that its centre lies in; of two that overlap, to the first in the file.
4. A point amid the set says its time zone, or, where that lies in the water, one of an area. A set without any lies at sea:
   longitude and latitude are swapped, mostly.
5. A set that is removed keeps its rows. Its own is marked, with a later time; its areas' stay behind (`current_areas`).
"""

import codecs
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec

from gans.errors import BadData
from gans.geography import area_key, great_circle_km, on_earth, timezone_at
from gans.source import Capture, Reject, Repaired, Row, Rows, Source
from gans.sources import _json

CELL_RESOLUTION: Final = 10
FILE_BYTES: Final = 32 * 1024 * 1024
MOST_KM2: Final = 5_000.0
"""The most that a set may cover: 330,000 cells."""

MOST_POSITIONS: Final = 50_000
"""Of an outline: as text it has 1.2 MB then."""

RESOLUTIONS: Final = range(5, CELL_RESOLUTION)
"""Of the cells that may be areas: from 250 km² to 0.1 km²."""

DIGITS: Final = 6
"""Of a coordinate: a tenth of a metre."""

_KM_PER_DEGREE: Final = 111.195


class Removed(msgspec.Struct, frozen=True, tag="removed", tag_field="kind"):
    """The set is out of use."""

    area_set: str


class Polygons(msgspec.Struct, frozen=True, tag="polygons", tag_field="kind"):
    """The areas stand in the file.

    Attributes:
        name_field, number_field: the properties that hold an area's name and its number; "" where there are no numbers.
    """

    area_set: str
    name_field: str
    number_field: str = ""
    city_id: int | None = None


class Cells(msgspec.Struct, frozen=True, tag="cells", tag_field="kind"):
    """The areas are the cells of a resolution whose centres lie within a distance of a place."""

    area_set: str
    city_id: int
    latitude: float
    longitude: float
    radius_km: float
    resolution: int


class _Polygon(msgspec.Struct, tag="Polygon"):
    coordinates: Annotated[list[Annotated[list[list[float]], msgspec.Meta(min_length=4)]], msgspec.Meta(min_length=1)]


class _MultiPolygon(msgspec.Struct, tag="MultiPolygon"):
    coordinates: Annotated[
        list[Annotated[list[Annotated[list[list[float]], msgspec.Meta(min_length=4)]], msgspec.Meta(min_length=1)]],
        msgspec.Meta(min_length=1),
    ]


class _Feature(msgspec.Struct):
    geometry: msgspec.Raw
    properties: dict[str, Any] | None = None


class _Area(NamedTuple):
    """An area, its polygons as rings of longitude and latitude, and its cells."""

    area_id: str
    name: str
    polygons: list[list[list[tuple[float, float]]]]
    cells: list[str]


def parse(capture: Capture) -> Iterator[Row | Rows | Reject | Repaired]:
    """The row of the set, one of each area, and one of each cell.

    Raises:
        BadData: it is no set of areas, or lies where nobody lives.
    """
    try:
        definition = msgspec.convert(capture.context, Removed | Polygons | Cells)
    except msgspec.ValidationError as error:
        raise BadData(f"not a set of areas: {error}") from None
    if isinstance(definition, Removed):
        yield Row("area_sets", {**dict.fromkeys(_SET_COLUMNS), "area_set": definition.area_set, "is_removed": True})
        return
    areas, first = list[_Area](), ""
    for area in _polygons(capture.body, definition) if isinstance(definition, Polygons) else _cells(definition):
        if isinstance(area, Reject):
            first = first or area.reason
            yield area
        else:
            areas.append(area)
    if not areas:
        raise BadData(f"none of its features is an area: {first}")
    own, shared = dict[str, str](), 0
    for area in areas:
        for cell in area.cells:
            shared += own.setdefault(cell, area.area_id) != area.area_id
    points = [_point_in(area) for area in areas]
    latitude, longitude = _middle(points)
    timezone = next(filter(None, (timezone_at(*point) for point in ((latitude, longitude), *points))), None)
    if timezone is None or abs(latitude) > 75:
        raise BadData(
            f"the set lies where nobody lives, at {latitude:.2f} degrees north and {longitude:.2f} east: "
            "are longitude and latitude swapped? GeoJSON has longitude first"
        )
    if shared:
        yield Repaired("cells in two areas", shared)
    if small := sum(not area.cells for area in areas):
        yield Repaired("areas without the centre of a cell", small)
    yield Row(
        "area_sets",
        {
            "area_set": definition.area_set,
            "kind": "polygons" if isinstance(definition, Polygons) else "cells",
            "areas": len(areas),
            "latitude": round(latitude, DIGITS),
            "longitude": round(longitude, DIGITS),
            "timezone": timezone,
            "city_id": definition.city_id,
            "is_removed": False,
        },
    )
    columns = ("area_set", "area_id", "name", "latitude", "longitude", "outline")
    yield Rows(
        "areas",
        columns,
        [
            (definition.area_set, area.area_id, area.name, round(north, DIGITS), round(east, DIGITS), _outline(area))
            for area, (north, east) in zip(areas, points, strict=True)
        ],
    )
    cells = [(definition.area_set, cell, area_id) for cell, area_id in own.items()]
    yield Rows("area_cells", ("area_set", "cell", "area_id"), cells)


_SET_COLUMNS: Final = ("kind", "areas", "latitude", "longitude", "timezone", "city_id")


def _polygons(body: bytes, definition: Polygons) -> Iterator[_Area | Reject]:
    """The areas of a file, in its order.

    Raises:
        BadData: it is no FeatureCollection, or its areas are too large together.
    """
    found, covered = dict[str, int](), 0.0
    for number, item in enumerate(_features(body), 1):
        name = ""
        try:
            feature = msgspec.json.decode(item, type=_Feature)
            name, area_id = _named(feature.properties or {}, definition)
            keys = {area_id, area_key(name)}
            if twice := [found[key] for key in keys if key in found]:
                raise BadData(f"feature {twice[0]} has its name or its number, too: join them, or name them apart")
            polygons = _rings(feature.geometry)
        except (BadData, ValueError, RecursionError) as error:
            yield Reject(f"feature {number}{name and f', {name}'}: {error}", bytes(item)[:400].decode(errors="replace"))
            continue
        found |= dict.fromkeys(keys, number)
        covered += sum(map(_km2, polygons))
        if covered > MOST_KM2:
            raise BadData(f"the areas cover more than {MOST_KM2:,.0f} km² together: make several sets of them")
        yield _Area(area_id, name, polygons, sorted({cell for rings in polygons for cell in _cells_in(rings)}))


def _cells_in(rings: Sequence[Sequence[tuple[float, float]]]) -> Sequence[str]:
    """The cells whose centres lie in a polygon."""
    import h3

    outer, *holes = ([(north, east) for east, north in ring] for ring in rings)
    cells: Sequence[str] = h3.polygon_to_cells(h3.LatLngPoly(outer, *holes), CELL_RESOLUTION)
    return cells


def _features(body: bytes) -> list[msgspec.Raw]:
    """The features of a file, undecoded.

    Raises:
        BadData: it is no FeatureCollection, or not the whole of one.
    """
    _json.check_size(body)
    try:
        answer = msgspec.json.decode(body.removeprefix(codecs.BOM_UTF8), type=dict[str, msgspec.Raw])
        kind = msgspec.json.decode(answer.get("type", msgspec.Raw(b"null")))
        if kind != "FeatureCollection":
            raise BadData(f"it is no FeatureCollection of GeoJSON; its type is {kind!r}")
        features = msgspec.json.decode(answer.get("features", msgspec.Raw(b"[]")), type=list[msgspec.Raw])
    except (ValueError, RecursionError) as error:
        raise BadData(f"it is not GeoJSON, or not the whole of it: {error}") from None
    if not features:
        raise BadData("its FeatureCollection has no features")
    return features


def _named(properties: Mapping[str, Any], definition: Polygons) -> tuple[str, str]:
    """An area's name and its id."""
    name, number = (_property(properties, field) for field in (definition.name_field, definition.number_field))
    area_id = area_key(number) if definition.number_field else area_key(name)
    for what, text, key in (("name", name, area_key(name)), ("number", number or name, area_id)):
        if not key or not text.isprintable() or len(text) > 200 or len(key) > 64:
            raise BadData(f"its {what} is {text[:80]!r}: it has letters or digits, 64 at most")
    return name, area_id


def _property(properties: Mapping[str, Any], field: str) -> str:
    if not field:
        return ""
    if field not in properties:
        raise BadData(f"it has no field {field!r}. Its fields: {', '.join(map(str, properties)) or 'none'}")
    value = properties[field]
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise BadData(f"its {field} is {value!r}, neither a text nor a number")
    return str(value).strip()


def _rings(geometry: msgspec.Raw) -> list[list[list[tuple[float, float]]]]:
    """The polygons of a geometry, each as its outer ring and its holes.

    Raises:
        BadData: it is no polygon on earth.
    """
    try:
        if bytes(geometry).strip() == b"null":
            raise BadData("it has no geometry")
        found = msgspec.json.decode(geometry, type=_Polygon | _MultiPolygon)
    except (ValueError, RecursionError) as error:
        raise BadData(f"its geometry is no outline (Polygon, MultiPolygon): {error}") from None
    polygons = [found.coordinates] if isinstance(found, _Polygon) else found.coordinates
    outlines = [[_ring(ring) for ring in rings] for rings in polygons]
    if any(_km2(rings) <= 0 for rings in outlines):
        raise BadData("an outline encloses nothing")
    if (positions := sum(len(ring) for rings in outlines for ring in rings)) > MOST_POSITIONS:
        raise BadData(f"its outline has {positions:,} positions: {MOST_POSITIONS:,} at most; simplify it")
    return outlines


def _ring(positions: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    ring = []
    for position in positions:
        if len(position) not in (2, 3):
            raise BadData(f"a position has longitude and latitude, and not {len(position)} numbers")
        east, north = position[:2]
        if not on_earth(north, east):
            metres = max(abs(east), abs(north)) > 360
            why = "are they metres of a projection? Save the file in WGS 84" if metres else "are longitude and latitude swapped?"
            raise BadData(f"longitude {east:g} and latitude {north:g} are not on earth: {why}")
        ring.append((round(east, DIGITS), round(north, DIGITS)))
    if ring[0] != ring[-1]:
        raise BadData("an outline does not end where it begins")
    return ring


def _km2(rings: Sequence[Sequence[tuple[float, float]]]) -> float:
    """The area within the first of the rings, less that of the others, on a cylinder that touches the sphere there."""
    sizes = []
    for ring in rings:
        twice = sum(east * next_north - next_east * north for (east, north), (next_east, next_north) in pairwise(ring))
        middle = sum(north for _, north in ring) / len(ring)
        sizes.append(abs(twice) / 2 * math.cos(math.radians(middle)) * _KM_PER_DEGREE**2)
    return sizes[0] - sum(sizes[1:])


def _cells(definition: Cells) -> list[_Area]:
    """The cells around a place as areas, in order."""
    import h3

    if definition.resolution not in RESOLUTIONS or not on_earth(definition.latitude, definition.longitude):
        raise BadData(f"cells of resolution {definition.resolution} at {definition.latitude}, {definition.longitude}")
    if not 0 < math.pi * definition.radius_km**2 <= MOST_KM2:
        raise BadData(f"a radius of {definition.radius_km:g} km: {math.sqrt(MOST_KM2 / math.pi):.0f} km at most")
    steps = math.ceil(definition.radius_km / (h3.average_hexagon_edge_length(definition.resolution) * 1.4))
    around = h3.grid_disk(h3.latlng_to_cell(definition.latitude, definition.longitude, definition.resolution), steps)
    found = []
    for cell in sorted(around):
        away_km = great_circle_km(definition.latitude, definition.longitude, *h3.cell_to_latlng(cell))
        if away_km <= definition.radius_km or len(around) == 1:
            corners = [(round(east, DIGITS), round(north, DIGITS)) for north, east in h3.cell_to_boundary(cell)]
            found.append(_Area(cell, cell, [[[*corners, corners[0]]]], sorted(h3.cell_to_children(cell, CELL_RESOLUTION))))
    return found


def _point_in(area: _Area) -> tuple[float, float]:
    """A point within an area, as latitude and longitude: the centre of a cell nearest to the middle of all."""
    import h3

    if not area.cells:
        return _middle([(north, east) for east, north in area.polygons[0][0]])
    centres: list[tuple[float, float]] = [h3.cell_to_latlng(cell) for cell in area.cells]
    middle = _middle(centres)
    return min(centres, key=lambda centre: (great_circle_km(*middle, *centre), centre))


def _middle(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(north for north, _ in points) / len(points), sum(east for _, east in points) / len(points)


def _outline(area: _Area) -> str:
    """The geometry as GeoJSON."""
    kind: Literal["Polygon", "MultiPolygon"] = "Polygon" if len(area.polygons) == 1 else "MultiPolygon"
    return msgspec.json.encode({"type": kind, "coordinates": area.polygons[0] if kind == "Polygon" else area.polygons}).decode()


source = Source(
    name="areas",
    provider="yourself, by `gans areas`",
    docs="https://datatracker.ietf.org/doc/html/rfc7946",
    licence="as its owner says",
    writes=("area_sets", "areas", "area_cells"),
    parse=parse,
)
