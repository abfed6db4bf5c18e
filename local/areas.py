"""Changes to the area sets: each is landed as a capture of the source `areas`, so that a replay brings back what holds."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from gans.collect.files import land
from gans.errors import BadData, ConfigError, NotKnown, NotReady
from gans.geography import area_key
from gans.load.load import Loaded
from gans.source import Capture, Piece, Reject, Repaired
from gans.sources._areas import area_set
from gans.sources.areas import FILE_BYTES, RESOLUTIONS, Cells, Polygons, Removed, source
from gans.storage.reference import Snapshots
from gans.storage.watchlist import Watchlist
from local.pipeline import Pipeline

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
BY_COMMAND: Final = "command:"
"""What a capture says that it was asked of, where a person told it without a file."""

RADIUS_KM: Final = 10.0
"""Of the cells around a city whose area is not known."""


class Changed(NamedTuple):
    """What a change to a set did, and what should be known of its areas, like "12 cells in two areas"."""

    loaded: Loaded
    notes: list[str]


def add_polygons(pipeline: Pipeline, name: str, path: Path, name_field: str, number_field: str, city: str | None) -> Changed:
    """Adds the areas of a GeoJSON file as the set `name`; in place of those that the set has.

    Raises:
        BadData: the file is no GeoJSON of named areas; nothing is changed then.
        ConfigError: the name is none, or the file cannot be read.
        NotKnown: there is no such city.
    """
    try:
        if (size := path.stat().st_size) > FILE_BYTES:
            raise BadData(f"{path.name} has {size >> 20} MiB: {FILE_BYTES >> 20} at most. Simplify the outlines.")
        body = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    city_id = None if city is None else int(_city(pipeline, city)["city_id"])
    try:
        return _land(pipeline, f"file:{path.name}", Polygons(name, name_field, number_field, city_id), body)
    except BadData as error:
        raise BadData(f"{path.name}: {error}. Nothing was changed.") from None


def add_cells(pipeline: Pipeline, name: str, city: str, resolution: int) -> Changed:
    """Adds the H3 cells of a watched city as the set `name`: those in a circle as large as the city.

    Raises:
        ConfigError: the name or the resolution is none.
        NotKnown: there is no such city.
        NotReady: where it is, is not known yet.
    """
    if resolution not in RESOLUTIONS:
        raise ConfigError(f"A resolution is one of {RESOLUTIONS[0]} to {RESOLUTIONS[-1]}: at 8 a cell has 0.7 km².")
    found = _city(pipeline, city)
    if found["latitude"] is None or found["longitude"] is None:
        raise NotReady(f"Where {city} is, is not known yet: `gans collect cities` asks.")
    radius_km = math.sqrt(found["area_km2"] / math.pi) if found["area_km2"] else RADIUS_KM
    cells = Cells(name, found["city_id"], found["latitude"], found["longitude"], round(radius_km, 3), resolution)
    return _land(pipeline, BY_COMMAND, cells, b"")


def remove(pipeline: Pipeline, name: str) -> Changed:
    """Takes a set out of use. What was counted in it stays.

    Raises:
        NotKnown, NotReady: there is no such set.
    """
    area_set(_reference(pipeline), name)
    return _land(pipeline, BY_COMMAND, Removed(name), b"")


def _reference(pipeline: Pipeline) -> Snapshots:
    return Snapshots(pipeline.store, Watchlist())


def _city(pipeline: Pipeline, city: str) -> Mapping[str, Any]:
    """The snapshot's row of a watched city, named by its number, its name or its article's title.

    Raises:
        NotKnown: there is none, or there are several.
    """
    rows = _reference(pipeline).rows("cities")
    found = [row for row in rows if area_key(city) in {str(row["city_id"]), *map(area_key, _names(row))}]
    if len(found) == 1:
        return found[0]
    names = tuple(f"{name} ({row['city_id']})" for row in rows for name in _names(row)[:1])
    problem = f"Several cities are called {city!r}: give the number" if found else f"No watched city is called {city!r}"
    raise NotKnown(f"{problem}. Known: {', '.join(names) or 'none; `gans watch add`, then `gans collect cities`'}.")


def _names(row: Mapping[str, Any]) -> list[str]:
    return [name for name in (row["name"], row["wikipedia_title"]) if name]


def _land(pipeline: Pipeline, url: str, definition: Polygons | Cells | Removed, body: bytes) -> Changed:
    """Lands what was told of a set, and loads it.

    Raises:
        BadData: it cannot be read; nothing is landed then.
        ConfigError: its name is none, or its rows would mix with others.
    """
    if not NAME.fullmatch(definition.area_set):
        raise ConfigError(
            f"{definition.area_set!r} is no name for an area set: it has 1 to 64 small letters, digits, _ and -, like chicago."
        )
    pipeline.agree(asks=True)
    now, context = pipeline.clock(), msgspec.to_builtins(definition)
    capture = Capture(unit=definition.area_set, url=url, status=200, slot=now, fetched_at=now, context=context, body=body)
    items = list(source.parse(capture))
    rejects = [item.reason for item in items if isinstance(item, Reject)]
    if rejects:
        raise BadData("; ".join(rejects[:3]) + (f"; and {len(rejects) - 3} more" if len(rejects) > 3 else ""))
    (landed,) = land(source, definition.area_set, url, [Piece(body, context)], pipeline.store, now)
    return Changed(pipeline.load(landed.key), [f"{item.times:,} {item.rule}" for item in items if isinstance(item, Repaired)])
