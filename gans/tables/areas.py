"""Which areas demand is counted in: sets of named areas, and the H3 cells of each."""

from sqlalchemy import Boolean, Double, ForeignKey, Index, Integer, String

from gans.tables._columns import JSON_TEXT, fetched_at, key, table, value

area_sets = table(
    "area_sets",
    key("area_set", String(64), "its name, given once, like chicago"),
    value("kind", String(8), "what its areas are: polygons, or cells of H3"),
    value("areas", Integer, "how many areas it has", ge=0, le=1_000_000),
    value("latitude", Double, "of a point amid it, WGS 84, degrees north", ge=-90, le=90),
    value("longitude", Double, "of a point amid it, WGS 84, degrees east", ge=-180, le=180),
    value("timezone", String(64), "IANA time zone of that point: a date of the set's is one there"),
    value(
        "city_id", Integer, "the watched city that it is of, where it is of one", ForeignKey("cities.city_id"), ge=1, le=2**31 - 1
    ),
    value("is_removed", Boolean, "whether it is out of use; what was counted in it stays"),
    fetched_at(comment="when it was added, or removed (UTC); its areas are those of the same time"),
    Index(None, "city_id"),
    about="A set of areas, as `gans areas add` was given it.",
    rows="one per set",
    reference=True,
)

areas = table(
    "areas",
    key("area_set", String(64), "the set", ForeignKey("area_sets.area_set")),
    key("area_id", String(64), "its number in the file; or its name in small letters and digits alone; or its H3 cell"),
    value("name", String(200), "its name as the file has it", required=True),
    value("latitude", Double, "of a point within it, WGS 84, degrees north", required=True, ge=-90, le=90),
    value("longitude", Double, "of a point within it, WGS 84, degrees east", required=True, ge=-180, le=180),
    value("outline", JSON_TEXT, "its outline: a geometry of GeoJSON, coordinates to six digits", required=True),
    fetched_at(),
    about="An area of a set; one whose fetched_at is not its set's is no longer in it (see the view current_areas).",
    rows="77 in Chicago",
    reference=True,
    current_with="area_sets",
)

area_cells = table(
    "area_cells",
    key("area_set", String(64), "the set", ForeignKey("area_sets.area_set")),
    key("cell", String(16), "a cell of H3, resolution 10 (0.015 km²)"),
    value("area_id", String(64), "the area that the cell's centre lies in", required=True),
    fetched_at(),
    about="A cell, and the area it lies in; one without the fetched_at of its set no longer does (see current_area_cells).",
    is_long=True,
    rows="65 per km² of a set: 39,390 in Chicago",
)
