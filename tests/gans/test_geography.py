"""Ways between places."""

import itertools
import random

import pytest

from gans.geography import area_key, great_circle_km, short_way

PARIS = (48.8566, 2.3522)


def km(start: tuple[float, float], places: list[tuple[float, float]], way: list[int] | tuple[int, ...]) -> float:
    stops = [start, *(places[number] for number in way)]
    return sum(great_circle_km(*one, *other) for one, other in itertools.pairwise(stops))


def scattered(count: int, seed: int) -> list[tuple[float, float]]:
    wild = random.Random(seed)
    return [(PARIS[0] + wild.uniform(-0.05, 0.05), PARIS[1] + wild.uniform(-0.08, 0.08)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(20))
def test_a_way_is_hardly_longer_than_the_shortest(seed: int) -> None:
    places = scattered(7, seed)
    shortest = min(km(PARIS, places, way) for way in itertools.permutations(range(7)))
    way = short_way(places, PARIS)
    assert sorted(way) == list(range(7))
    assert km(PARIS, places, way) <= 1.15 * shortest


def test_what_the_nearest_place_next_leaves_for_later_is_not_driven_back_to() -> None:
    """The nearest next alone goes to 1° east, 1.1° west, 5° west, and back to 3.2° east."""
    places = [(0.0, 1.0), (0.0, -1.1), (0.0, 3.2), (0.0, -5.0)]
    assert short_way(places, (0.0, 0.0)) == [2, 0, 1, 3]


def test_a_way_through_a_place_that_is_the_start_begins_there() -> None:
    places = scattered(12, 3)
    for number, place in enumerate(places):
        assert short_way(places, place)[0] == number


def test_few_places_are_a_way_too() -> None:
    assert short_way([], PARIS) == []
    assert short_way([PARIS, PARIS], PARIS) == [0, 1]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("OHARE", "ohare"),
        ("O'Hare", "ohare"),
        ("  o hare ", "ohare"),
        ("Saint-Élodie", "saintelodie"),
        ("Groß Klein", "grossklein"),
        ("Łódź", "łodz"),
        ("東京", "東京"),
        ("76", "76"),
        ("076", "76"),
        ("76.0", "76"),
        ("76.", "76"),
        ("0", "0"),
        ("00", "0"),
        ("76.5", "765"),
        ("District 08", "district08"),
        ("!?", ""),
    ],
)
def test_an_area_has_one_spelling(name: str, key: str) -> None:
    assert area_key(name) == key
