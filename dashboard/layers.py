"""The map's layers. No tile server is asked: H3 cells and the outline of the city, by its own stations, are the ground."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import h3
import pydeck as pdk

from dashboard.text import untemplated
from gans.decisions.placement import WALK_M, Spot
from gans.geography import EARTH_RADIUS_KM
from gans.reading.stations import StationState

RESOLUTION: Final = 8
"""Cells of the ground, about 900 m across (https://h3geo.org/docs/core-library/restable)."""

BOUNDS: Final = (0.05, 1, 3, 6)
"""The deficits, in riders, at which a station takes the next colour."""
TOOLTIP: Final = {
    "html": "<b>{name}</b><div>{there}</div><div>{usual}</div><div>{lack}</div>",
    # In a corner, and not beside the pointer: there the edge of the map, or of a phone, would cut it off.
    "style": {"transform": "none", "left": "8px", "top": "auto", "bottom": "8px", "maxWidth": "calc(100% - 16px)", "zIndex": "2"},
}
"""A field of plain text for each line: the browser gets their values escaped (Streamlit does that), the template as it is."""
LABELS: Final = ("none", "under 1", "1 to 3", "3 to 6", "6 or more")

Colour = tuple[int, int, int]


class Palette(NamedTuple):
    """The colours of a theme: the more is lacking, the farther a station's lightness is from the ground's.

    Orange to red of ColorBrewer (https://colorbrewer2.org), which the colour-blind and a grey print tell apart; spots in blue.

    Attributes:
        deficits: by the classes of `BOUNDS`.
        closed: a station that gives no vehicles, or of which nothing is known.
    """

    ground: Colour
    line: Colour
    outline: Colour
    closed: Colour
    deficits: tuple[Colour, ...]
    spot: Colour
    on_spot: Colour


LIGHT: Final = Palette(
    ground=(246, 247, 249),
    line=(228, 231, 236),
    outline=(170, 177, 188),
    closed=(214, 218, 224),
    deficits=((158, 176, 196), (254, 204, 110), (253, 141, 60), (217, 45, 25), (120, 0, 30)),
    spot=(0, 92, 175),
    on_spot=(255, 255, 255),
)
DARK: Final = Palette(
    ground=(22, 27, 34),
    line=(36, 43, 53),
    outline=(86, 96, 110),
    closed=(58, 64, 74),
    deficits=((82, 101, 122), (140, 62, 22), (204, 88, 20), (250, 150, 50), (255, 226, 130)),
    spot=(86, 180, 233),
    on_spot=(8, 18, 30),
)


def deck(
    stations: Sequence[StationState], spots: Sequence[Spot], palette: Palette, width_px: int, walk_m: float = WALK_M
) -> pdk.Deck:
    """The map of a system.

    Args:
        width_px: how wide the city may be on the screen, at the beginning.
        walk_m: how far riders walk, m: a ring around a spot has the stations that it serves inside.
    """
    cells, outline = _ground(tuple(sorted({_cell(station) for station in stations})))
    by_need = sorted(stations, key=lambda station: station.deficit or 0)  # the most in need are drawn last, on top
    stops = [_ring(number, spot, walk_m) for number, spot in enumerate(spots, 1)]
    layers = [
        pdk.Layer(
            "PolygonLayer",
            id="ground",
            data=cells,
            get_polygon="ring",
            get_fill_color=palette.ground,
            get_line_color=palette.line,
            line_width_min_pixels=1,
        ),
        pdk.Layer(
            "PathLayer",
            id="outline",
            data=outline,
            get_path="ring",
            get_color=palette.outline,
            width_min_pixels=1.5,
        ),
        pdk.Layer(
            "ScatterplotLayer",
            id="stations",
            data=[_dot(station, palette) for station in by_need],
            get_position="at",
            get_radius="radius_m",
            get_fill_color="colour",
            radius_min_pixels=2.5,
            radius_max_pixels=40,
            pickable=True,
        ),
        pdk.Layer(
            "PathLayer",
            id="way",
            data=[{"path": [stop["at"] for stop in stops]}] if stops else [],
            get_path="path",
            get_color=[*palette.spot, 110],
            width_min_pixels=2,
        ),
        pdk.Layer(
            "ScatterplotLayer",
            id="spots",
            data=stops,
            get_position="at",
            get_radius=walk_m,
            filled=False,
            stroked=True,
            get_line_color=palette.spot,
            line_width_min_pixels=2.5,
            radius_min_pixels=9,
            pickable=True,
        ),
        pdk.Layer(
            "TextLayer",
            id="numbers",
            data=stops,
            get_position="top",
            get_text="label",
            get_size=13,
            get_color=palette.on_spot,
            get_alignment_baseline=pdk.types.String("bottom"),
            background=True,
            get_background_color=palette.spot,
            background_padding=[4, 1],
            font_weight=700,
            pickable=True,
        ),
    ]
    return pdk.Deck(
        layers=layers,
        map_provider=None,
        initial_view_state=_view(stations, width_px),
        tooltip=TOOLTIP,
    )


def class_of(deficit: float) -> int:
    """Which of the classes of `LABELS` a deficit belongs to."""
    return sum(deficit >= bound for bound in BOUNDS)


def legend(palette: Palette, *, with_stops: bool = True) -> str:
    """What the colours mean, as HTML."""
    shown = [(f"rgb{colour}", label) for colour, label in zip(palette.deficits, LABELS, strict=True)]
    dots = "".join(
        f'<span style="white-space:nowrap"><i style="display:inline-block;width:.75em;height:.75em;border-radius:50%;'
        f'background:{colour};margin-right:.35em"></i>{label}</span>'
        for colour, label in [*shown, (f"rgb{palette.closed}", "closed or unknown")]
    )
    ring = (
        '<span style="white-space:nowrap"><i style="display:inline-block;width:.75em;height:.75em;border-radius:50%;'
        f'border:2px solid rgb{palette.spot};margin-right:.35em"></i>a stop and its walk; number: scooters to put</span>'
    )
    style = "display:flex;flex-wrap:wrap;gap:.2em 1.1em;font-size:.85rem"
    return f'<div style="{style}"><span>Riders without a vehicle:</span>{dots}{ring if with_stops else ""}</div>'


def _cell(station: StationState) -> str:
    return str(h3.latlng_to_cell(station.latitude, station.longitude, RESOLUTION))


@lru_cache(maxsize=16)
def _ground(occupied: tuple[str, ...]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The cells of the stations and those around them, and the lines around all of them; rings of (longitude, latitude)."""
    cells = sorted({near for cell in occupied for near in h3.grid_disk(cell, 1)})
    polygons = h3.cells_to_geo(cells, tight=False)["coordinates"] if cells else []
    rings = [ring for polygon in polygons for ring in polygon]
    return [{"ring": _boundary(cell)} for cell in cells], [{"ring": ring} for ring in rings]


def _boundary(cell: str) -> list[tuple[float, float]]:
    return [(round(longitude, 5), round(latitude, 5)) for latitude, longitude in h3.cell_to_boundary(cell)]


def _dot(station: StationState, palette: Palette) -> dict[str, Any]:
    deficit = station.deficit
    return {
        "at": (round(station.longitude, 5), round(station.latitude, 5)),
        "radius_m": round(45 + 14 * min(deficit or 0, 10)),
        "colour": palette.closed if deficit is None else palette.deficits[class_of(deficit)],
        "name": untemplated(station.name),
        **dict(zip(("there", "usual", "lack"), [*describe(station), "", ""], strict=False)),
    }


def describe(station: StationState) -> list[str]:
    """A station in words, one to three lines."""
    if station.vehicles is None:
        return ["nothing is known of it"]
    of = f" of {station.capacity}" if station.capacity else ""
    if station.minutes_empty is not None:
        what = f"{station.vehicles:.1f} vehicles{of} on average, {station.minutes_empty} min without any"
    else:
        docks = f", {station.docks:.0f} docks free" if station.docks is not None else ""
        what = f"{station.vehicles:.0f} vehicles{of}{docks}"
    if station.deficit is None:
        return [what, "gives no vehicles, or tells no capacity"]
    usual = station.usual_taken
    need = "no history of this hour yet" if usual is None else f"{usual:.1f} are usually taken in this hour"
    return [what, need, f"{station.deficit:.1f} riders find none"]


def _ring(number: int, spot: Spot, walk_m: float) -> dict[str, Any]:
    """A spot, and where its number stands: on top of its ring, so that no station is under it."""
    return {
        "at": (spot.longitude, spot.latitude),
        "top": (spot.longitude, spot.latitude + math.degrees(walk_m / 1000 / EARTH_RADIUS_KM)),
        "label": f"{number}: {spot.scooters}",
        "name": f"{number}. Put {spot.scooters} here",
        "there": untemplated(f"near {spot.near} ({spot.near_m:.0f} m)"),
        "usual": untemplated(spot.reason),
        "lack": f"about {spot.riders:.1f} riders",
    }


def _view(stations: Sequence[StationState], width_px: int) -> pdk.ViewState:
    """Where the middle 96 % of the stations fit: one that lies far off does not make the city small."""

    def middle(values: list[float]) -> tuple[float, float]:
        values.sort()
        cut = len(values) // 50
        return values[cut], values[-1 - cut]

    south, north = middle([station.latitude for station in stations])
    west, east = middle([station.longitude for station in stations])
    latitude, longitude = (south + north) / 2, (west + east) / 2
    across = max(east - west, (north - south) / math.cos(math.radians(latitude)), 0.01)
    # 512 px are 360° at zoom 0 (Web Mercator, https://deck.gl/docs/developer-guide/views)
    return pdk.ViewState(latitude=latitude, longitude=longitude, zoom=math.log2(width_px / 512 * 360 / across))
