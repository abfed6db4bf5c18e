"""What the layers of the map are given."""

import itertools
import re
from typing import Any

import pytest

from dashboard.layers import DARK, LABELS, LIGHT, TOOLTIP, Palette, class_of, deck, describe, legend
from gans.decisions.placement import Spot
from gans.geography import great_circle_km
from gans.reading.stations import StationState


def station(name: str, deficit: float | None = 0.0, vehicles: float | None = 4, **fields: Any) -> StationState:
    where = {"station_id": name, "name": name, "latitude": 48.85, "longitude": 2.35, "capacity": 20}
    state = {"docks": 16, "minutes_empty": None, "is_empty": False, "is_full": False, "usual_taken": None}
    return StationState(**{**where, **state, "vehicles": vehicles, "deficit": deficit, **fields})


def layers(*stations: StationState, spots: tuple[Spot, ...] = ()) -> dict[str, list[dict[str, Any]]]:
    return {layer.id: layer.data for layer in deck(stations, spots, LIGHT, 500).layers}


def lightness(colour: tuple[int, int, int]) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def spot(number: int = 1, north_m: float = 0.0, **fields: Any) -> Spot:
    latitude = 48.85 + north_m / 111_195
    where = {"cell": f"8a{number}", "latitude": latitude, "longitude": 2.35, "near": "Nation", "near_m": 30, "drive_km": 0.0}
    links = {"geo_uri": f"geo:{latitude},2.35", "map_url": "https://www.openstreetmap.org/"}
    return Spot(**{**where, **links, "scooters": number, "riders": 1.0, "reason": "1 station is empty", **fields})


def test_what_a_tooltip_says_is_plain_text_a_field_a_line() -> None:
    """Streamlit escapes the values, so that what is escaped before, or is markup, is shown as it stands."""
    name = "Quai de l'Horloge & Pont <b> {lack} $&"
    of = station(name), station(name, None), station(name, vehicles=None), station(name, 2.0, usual_taken=3.0)
    drawn = layers(*of, spots=(spot(near=name, reason=name),))
    fields = re.findall(r"{(\w+)}", TOOLTIP["html"])
    for one in [*drawn["stations"], *drawn["spots"], *drawn["numbers"]]:
        told = [one[field] for field in fields]
        assert not [line for line in told if "\n" in line or "&#" in line or "&amp;" in line or "<br" in line]
        assert any(name in line.replace("\u2060", "") for line in told)
        assert not [line for line in told if re.search(r"{\w+}|\$[$&`'\d]", line)]


def test_no_spot_hides_a_station() -> None:
    """A ring is drawn, and what is inside it seen; its number stands on it, a walk to the north."""
    built = {layer.id: layer for layer in deck((station("Nation", 9),), (spot(), spot(2, 900)), LIGHT, 500, 250).layers}
    assert built["spots"].filled is False
    assert built["spots"].get_radius == 250
    for stop in built["numbers"].data:
        (east, north), (above_east, above_north) = stop["at"], stop["top"]
        assert above_east == east
        assert great_circle_km(north, east, above_north, east) == pytest.approx(0.25)
    assert [stop["label"] for stop in built["numbers"].data] == ["1: 1", "2: 2"]
    assert built["way"].data == [{"path": [stop["at"] for stop in built["spots"].data]}]


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
    assert describe(station("Nation", vehicles=None)) == ["nothing is known of it"]
    assert "gives no vehicles, or tells no capacity" in describe(station("Nation", None))
    assert "no history of this hour yet" in describe(station("Nation"))
    assert describe(station("Nation", vehicles=1.25, minutes_empty=20))[0] == "1.2 vehicles of 20 on average, 20 min without any"


def test_a_station_far_off_does_not_make_the_city_small() -> None:
    near = [station(str(number)) for number in range(100)]
    zoom = deck(near, (), LIGHT, 500).initial_view_state.zoom
    far = station("far", None, latitude=0.0, longitude=0.0)
    assert deck([*near, far], (), LIGHT, 500).initial_view_state.zoom == zoom
