"""What the layers of the map are given."""

import itertools
from typing import Any

import pytest

from dashboard.layers import DARK, LABELS, LIGHT, Palette, class_of, deck, describe, legend
from gans.decisions.placement import Spot
from gans.reading.stations import StationState


def station(name: str, deficit: float | None = 0.0, vehicles: float | None = 4, **fields: Any) -> StationState:
    where = {"station_id": name, "name": name, "latitude": 48.85, "longitude": 2.35, "capacity": 20}
    state = {"docks": 16, "minutes_empty": None, "is_empty": False, "is_full": False, "usual_taken": None}
    return StationState(**{**where, **state, "vehicles": vehicles, "deficit": deficit, **fields})


def layers(*stations: StationState, spots: tuple[Spot, ...] = ()) -> dict[str, list[dict[str, Any]]]:
    return {layer.id: layer.data for layer in deck(stations, spots, LIGHT, 500).layers}


def lightness(colour: tuple[int, int, int]) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def test_a_name_is_text_in_a_tooltip_and_never_markup() -> None:
    name = "<img src=x onerror=alert(1)>"
    spot = Spot(
        cell="8a",
        latitude=48.85,
        longitude=2.35,
        near=name,
        near_m=30,
        scooters=1,
        riders=1.0,
        reason=name,
        drive_km=0.0,
        geo_uri="geo:48.85,2.35",
        map_url="https://www.openstreetmap.org/",
    )
    told = layers(station(name), spots=(spot,))
    assert told["stations"][0]["name"] == "&lt;img src=x onerror=alert(1)&gt;"
    assert "<img" not in told["spots"][0]["detail"]


def test_the_most_in_need_are_drawn_on_top_and_larger() -> None:
    dots = layers(station("much", 9), station("none", 0), station("some", 2))["stations"]
    assert [dot["name"] for dot in dots] == ["none", "some", "much"]
    assert [dot["radius_m"] for dot in dots] == sorted(dot["radius_m"] for dot in dots)


@pytest.mark.parametrize(("deficit", "label"), [(0, "none"), (0.5, "under 1"), (1, "1 to 3"), (5.9, "3 to 6"), (40, "6 or more")])
def test_the_classes_are_those_of_the_legend(deficit: float, label: str) -> None:
    assert LABELS[class_of(deficit)] == label
    assert f"rgb{LIGHT.deficits[class_of(deficit)]}" in legend(LIGHT)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_a_grey_print_tells_the_classes_apart(palette: Palette) -> None:
    """From class to class farther from the ground, by a step that can be seen."""
    away = [abs(lightness(colour) - lightness(palette.ground)) for colour in palette.deficits[1:]]
    assert all(after - before > 20 for before, after in itertools.pairwise(away)), away


def test_what_is_not_known_is_said_so() -> None:
    assert describe(station("Nation", vehicles=None)) == "nothing is known of it"
    assert "gives no vehicles, or tells no capacity" in describe(station("Nation", None))
    assert "no history of this hour yet" in describe(station("Nation"))
    assert describe(station("Nation", vehicles=1.25, minutes_empty=20)).startswith(
        "1.2 vehicles of 20 on average, 20 min without any"
    )


def test_a_station_far_off_does_not_make_the_city_small() -> None:
    near = [station(str(number)) for number in range(100)]
    zoom = deck(near, (), LIGHT, 500).initial_view_state.zoom
    far = station("far", None, latitude=0.0, longitude=0.0)
    assert deck([*near, far], (), LIGHT, 500).initial_view_state.zoom == zoom
