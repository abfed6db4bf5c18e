"""What the layers of the map are given."""

import itertools
from typing import Any

import pytest

from dashboard.layers import DARK, LABELS, LIGHT, Palette, class_of, deck, legend, said
from dashboard.stations import Place
from gans.decisions.placement import Spot, Station


def place(name: str, deficit: float | None = 0.0, vehicles: float | None = 4, **told: Any) -> Place:
    known = None if deficit is None else Station(name, name, 48.85, 2.35, 0, 8, None, deficit)
    given = {"capacity": 20, "docks": 16, "minutes_empty": None, "is_empty": False, "is_full": False}
    return Place(name, name, 48.85, 2.35, vehicles=vehicles, station=known, **{**given, **told})


def layers(*places: Place, spots: tuple[Spot, ...] = ()) -> dict[str, list[dict[str, Any]]]:
    return {layer.id: layer.data for layer in deck(places, spots, LIGHT, 500).layers}


def lightness(colour: tuple[int, int, int]) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def test_a_name_is_text_in_a_tooltip_and_never_markup() -> None:
    name = "<img src=x onerror=alert(1)>"
    spot = Spot("8a", 48.85, 2.35, name, 30, 1, 1.0, name)
    told = layers(place(name), spots=(spot,))
    assert told["stations"][0]["name"] == "&lt;img src=x onerror=alert(1)&gt;"
    assert "<img" not in told["spots"][0]["said"]


def test_the_most_in_need_are_drawn_on_top_and_larger() -> None:
    dots = layers(place("much", 9), place("none", 0), place("some", 2))["stations"]
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
    assert said(place("Nation", vehicles=None)) == "nothing is told of it"
    assert "gives no vehicles, or tells no capacity" in said(place("Nation", None))
    assert "no history of this hour yet" in said(place("Nation"))
    assert said(place("Nation", vehicles=1.25, minutes_empty=20)).startswith("1.2 vehicles of 20 on average, 20 min without any")


def test_a_station_far_off_does_not_make_the_city_small() -> None:
    near = [place(str(number)) for number in range(100)]
    zoom = deck(near, (), LIGHT, 500).initial_view_state.zoom
    far = Place("far", "far", 0.0, 0.0, 20, 1, 1, None, False, False, None)
    assert deck([*near, far], (), LIGHT, 500).initial_view_state.zoom == zoom
