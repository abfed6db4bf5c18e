"""What a file of areas means, and which cells an area has. Every source keeps to: test_contracts.py."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h3
import msgspec
import pytest

from gans.errors import BadData
from gans.geography import great_circle_km
from gans.source import Capture, Reject, Repaired, rows_of
from gans.sources import _json, areas
from gans.sources.areas import Cells, Polygons, Removed, parse

PAYLOAD = (Path(__file__).parent / "payload.geojson").read_bytes()
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TOLD = Polygons("springfield", "name", "number")
Told = Polygons | Cells | Removed


def items(told: Told = TOLD, body: bytes = PAYLOAD) -> list[Any]:
    context = msgspec.to_builtins(told)
    return list(parse(Capture(unit="s", url="file:", status=200, slot=NOW, fetched_at=NOW, context=context, body=body)))


def rows(table: str, told: Told = TOLD, body: bytes = PAYLOAD) -> list[dict[str, Any]]:
    return [row.values for row in rows_of(items(told, body)) if row.table == table]


def changed(change: Callable[[list[Any]], object]) -> bytes:
    """The payload with its features changed."""
    tree = msgspec.json.decode(PAYLOAD)
    change(tree["features"])
    return msgspec.json.encode(tree)


def square(east: float, north: float, side: float) -> dict[str, Any]:
    ring = [[east, north], [east + side, north], [east + side, north + side], [east, north + side], [east, north]]
    return {"type": "Polygon", "coordinates": [ring]}


def test_the_payload() -> None:
    (of_set,) = rows("area_sets")
    assert of_set == {
        "area_set": "springfield", "kind": "polygons", "areas": 3, "latitude": pytest.approx(52.505, abs=0.01),
        "longitude": pytest.approx(13.417, abs=0.01), "timezone": "Europe/Berlin", "city_id": None, "is_removed": False,
    }  # fmt: skip
    assert [(row["area_id"], row["name"]) for row in rows("areas")] == [
        ("1", "Old Mill"),
        ("2", "Saint Élodie"),
        ("3", "O'Brien"),
    ]
    outline = msgspec.json.decode(rows("areas")[2]["outline"])
    assert outline["type"] == "Polygon"
    assert outline["coordinates"][0][0] == [13.42, 52.5], "the height is left out"


def test_without_numbers_an_area_is_known_by_its_name_in_plain_letters() -> None:
    found = [row["area_id"] for row in rows("areas", Polygons("springfield", "name"))]
    assert found == ["oldmill", "saintelodie", "obrien"]


def test_a_cell_belongs_to_the_area_that_its_centre_lies_in() -> None:
    cells = {row["cell"]: row["area_id"] for row in rows("area_cells")}
    assert {h3.get_resolution(cell) for cell in cells} == {10}
    for east, north, area_id in ((13.405, 52.505, "1"), (13.411, 52.501, "2"), (13.4525, 52.5025, "2"), (13.425, 52.505, "3")):
        assert cells[h3.latlng_to_cell(north, east, 10)] == area_id
    assert h3.latlng_to_cell(52.504, 13.414, 10) not in cells, "the hole in the second"
    for cell, area_id in cells.items():
        north, east = h3.cell_to_latlng(cell)
        assert {"1": 13.4, "2": 13.41, "3": 13.42}[area_id] <= east or area_id == "2"
        assert 52.5 <= north <= 52.51


def test_the_point_of_an_area_lies_in_it() -> None:
    cells = {row["cell"]: row["area_id"] for row in rows("area_cells")}
    for row in rows("areas"):
        assert cells[h3.latlng_to_cell(row["latitude"], row["longitude"], 10)] == row["area_id"]


def test_of_two_areas_that_overlap_the_first_has_the_cell() -> None:
    body = changed(lambda features: features[2].update(geometry=square(13.405, 52.50, 0.01)))
    assert Repaired("cells in two areas", sum(item.times for item in items(body=body) if isinstance(item, Repaired))) in items(
        body=body
    )
    cells = {row["cell"]: row["area_id"] for row in rows("area_cells", body=body)}
    assert cells[h3.latlng_to_cell(52.505, 13.4075, 10)] == "1"
    assert len(cells) == len(rows("area_cells", body=body))


def test_an_area_smaller_than_a_cell_is_kept_and_counted() -> None:
    body = changed(lambda features: features[0].update(geometry=square(13.40, 52.50, 0.0001)))
    assert Repaired("areas without the centre of a cell") in items(body=body)
    assert len(rows("areas", body=body)) == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f[1]["properties"].pop("name"), "feature 2: it has no field 'name'. Its fields: number, shape_area"),
        (lambda f: f[1]["properties"].pop("number"), "feature 2: it has no field 'number'"),
        (lambda f: f[1].update(properties=None), "feature 2: it has no field 'name'. Its fields: none"),
        (lambda f: f[1]["properties"].update(name=None), "feature 2: its name is None, neither a text nor a number"),
        (lambda f: f[1]["properties"].update(name=" '!' "), "feature 2: its name is \"'!'\": it has letters or digits"),
        (lambda f: f[1]["properties"].update(name="OLD-MILL"), "feature 2, OLD-MILL: feature 1 has its name or its number, too"),
        (lambda f: f[1]["properties"].update(number="01"), "feature 2, Saint Élodie: feature 1 has its name or its number, too"),
        (lambda f: f[1].update(geometry=None), "feature 2, Saint Élodie: it has no geometry"),
        (lambda f: f[1].update(geometry={"type": "Point", "coordinates": [1, 2]}), "its geometry is no outline (Polygon"),
        (lambda f: f[1].update(geometry={"type": "Polygon", "coordinates": []}), "its geometry is no outline"),
        (lambda f: f[1].update(geometry={"type": "Polygon", "coordinates": [[[13.4, 52.5]] * 4]}), "encloses nothing"),
        (lambda f: f[1].update(geometry=square(52.5, 93.4, 0.01)), "latitude 93.4 are not on earth: are longitude and lat"),
        (lambda f: f[1].update(geometry=square(392_000.0, 5_820_000.0, 9.0)), "are they metres of a projection? Save"),
        (lambda f: f[1]["geometry"]["coordinates"][1][0].pop(), "an outline does not end where it begins"),
        (lambda f: f[1]["geometry"]["coordinates"][1][0][1].pop(), "a position has longitude and latitude, and not 1 numbers"),
        (lambda f: f[1].pop("geometry"), "missing required field `geometry`"),
        (lambda f: f.__setitem__(1, 3), "feature 2: Expected `object`, got `int`"),
    ],
)  # fmt: skip
def test_a_bad_feature_costs_only_itself(change: Callable[[list[Any]], object], reason: str) -> None:
    body = changed(change)
    (reject,) = [item for item in items(body=body) if isinstance(item, Reject)]
    assert reason in reject.reason
    assert len(rows("areas", body=body)) == 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (PAYLOAD[: len(PAYLOAD) // 2], "it is not GeoJSON, or not the whole of it"),
        (b"name,number\nOld Mill,1\n", "it is not GeoJSON, or not the whole of it"),
        (b"", "it is not GeoJSON, or not the whole of it"),
        (b'{"type": "Feature", "geometry": null}', "it is no FeatureCollection of GeoJSON; its type is 'Feature'"),
        (b'{"features": []}', "it is no FeatureCollection of GeoJSON; its type is None"),
        (b'{"type": "FeatureCollection", "features": []}', "has no features"),
        (b'{"type": "FeatureCollection"}', "has no features"),
        (b'{"type": "FeatureCollection", "features": [{}, 3]}', "none of its features is an area: feature 1: "),
    ],
)
def test_what_is_no_set_of_areas_is_bad_data(body: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        items(body=body)


def test_swapped_coordinates_lie_at_sea() -> None:
    def swap(features: list[Any]) -> None:
        for feature in features:
            feature["geometry"] = square(52.5, 13.4, 0.01)

    with pytest.raises(BadData, match=r"where nobody lives, at 13\.4\d degrees north and 52\.5\d east: are longitude and"):
        items(body=changed(swap))


def test_a_set_of_half_a_country_is_too_large() -> None:
    with pytest.raises(BadData, match="cover more than 5,000 km² together"):
        items(body=changed(lambda features: features[0].update(geometry=square(12.0, 51.0, 1.0))))


def test_an_outline_of_every_pebble_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(areas, "MOST_POSITIONS", 8)
    reasons = [item.reason for item in items() if isinstance(item, Reject)]
    assert reasons == ["feature 2, Saint Élodie: its outline has 15 positions: 8 at most; simplify it"]


def test_a_file_of_more_values_than_an_honest_one_has_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_json, "MOST_VALUES", 20)
    with pytest.raises(BadData, match=r"holds \d+ values: no honest one has more than 20"):
        items()


def test_the_cells_of_a_city_are_areas_of_their_own() -> None:
    told = Cells("berlin", 1, 52.52, 13.405, 3.0, 8)
    found = rows("areas", told)
    assert len(found) == pytest.approx(28.3 / 0.7, rel=0.2)
    assert all(row["area_id"] == row["name"] == h3.latlng_to_cell(row["latitude"], row["longitude"], 8) for row in found)
    assert all(great_circle_km(52.52, 13.405, row["latitude"], row["longitude"]) <= 3.1 for row in found)
    assert h3.latlng_to_cell(52.52, 13.405, 8) in {row["area_id"] for row in found}
    cells = rows("area_cells", told)
    assert len(cells) == 49 * len(found)
    assert all(h3.cell_to_parent(row["cell"], 8) == row["area_id"] for row in cells)
    assert rows("area_sets", told)[0]["city_id"] == 1


def test_a_radius_reaches_as_far_as_it_says() -> None:
    far = {row["area_id"] for row in rows("areas", Cells("b", 1, 52.52, 13.405, 20.0, 8))}
    ring = (h3.cell_to_latlng(cell) for cell in h3.grid_disk(h3.latlng_to_cell(52.52, 13.405, 8), 40))
    assert far == {h3.latlng_to_cell(*centre, 8) for centre in ring if great_circle_km(52.52, 13.405, *centre) <= 20.0}


def test_a_set_that_is_removed_says_so() -> None:
    (row,) = rows("area_sets", Removed("springfield"))
    assert row["is_removed"] is True
    assert rows("areas", Removed("springfield")) == []
