"""The view `station_deficits`: what a station needs, what its neighbours can serve instead; what is not known is not told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Table, insert, text

from gans.decisions.placement import TARGET_PCT
from gans.tables import metadata

AT = datetime(2025, 5, 27, 6, 12, tzinfo=UTC)
HOUR = 32  # Tuesday 08:00 in Paris


class City:
    """A database with one system in it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        for system_id in ("velib", "other"):
            self.add("systems", {"system_id": system_id, "watched_at": AT, "discovered_at": AT, "fetched_at": AT})

    def add(self, table: str, *rows: dict[str, Any]) -> None:
        target: Table = metadata.tables[table]
        with self._engine.begin() as connection:
            for row in rows:
                connection.execute(insert(target), row)

    def station(
        self,
        station_id: str,
        vehicles: int | None,
        capacity: int | None = 20,
        *,
        usual: float | None = None,
        minutes: int = 600,
        near: dict[str, float] | None = None,
        system_id: str = "velib",
        informed_at: datetime = AT,
        neighbours_at: datetime = AT,
        **more: Any,
    ) -> None:
        """A station, what is there, what this hour usually takes from it, and how far its neighbours are, m."""
        of = {"system_id": system_id, "station_id": station_id}
        place = {"name": station_id, "latitude": 48.8, "longitude": 2.3, "capacity": capacity}
        self.add("stations", {**of, **place, "fetched_at": informed_at})
        columns = metadata.tables["station_usuals"].c.keys()
        seen = {name: value for name, value in more.items() if name in columns and name not in ("fetched_at", "station_id")}
        status = {name: value for name, value in more.items() if name not in seen}
        told = {"is_stale": False, "hour_of_week": HOUR, "fetched_at": AT, "is_renting": True, "is_installed": True, **status}
        self.add("station_status", {**of, "vehicles_available": vehicles, **told})
        if usual is not None:
            hours = {"usual_taken": usual, "minutes_observed": minutes, "fetched_at": AT, **seen}
            self.add("station_usuals", {**of, "hour_of_week": HOUR, **hours})
            self.add("station_usuals", {**of, "hour_of_week": HOUR + 1, **hours, "usual_taken": 99.0})
        for neighbour_id, distance_m in (near or {}).items():
            self.add(
                "station_neighbours", {**of, "neighbour_id": neighbour_id, "distance_m": distance_m, "fetched_at": neighbours_at}
            )

    def deficits(self, columns: str = "deficit") -> dict[str, Any]:
        """The columns of all rows, by station."""
        with self._engine.connect() as connection:
            rows = connection.execute(text(f"SELECT station_id, {columns} FROM station_deficits")).all()
        assert len({row[0] for row in rows}) == len(rows)
        return {row[0]: row[1] if len(row) == 2 else tuple(row[1:]) for row in rows}


@pytest.fixture
def city(engine: Engine) -> City:
    return City(engine)


def test_a_station_needs_what_this_hour_usually_takes(city: City) -> None:
    city.station("short", 2, usual=5.5)
    city.station("enough", 9, usual=5.5)
    city.station("more than fits", 1, capacity=3, usual=7.0)
    found = city.deficits("usual_taken, need, shortfall, deficit")
    assert found == {"short": (5.5, 5.5, 3.5, 3.5), "enough": (5.5, 5.5, 0, 0), "more than fits": (7, 7, 6, 6)}


@pytest.mark.parametrize("minutes", [None, 59])
def test_before_there_is_an_hour_of_history_it_needs_a_share_of_its_capacity(city: City, minutes: int | None) -> None:
    history = {} if minutes is None else {"usual": 1.0, "minutes": minutes}
    city.station("a", 2, capacity=20, **history)
    assert city.deficits("usual_taken, need, deficit") == {"a": (None, 20 * TARGET_PCT / 100, 4)}


def test_it_says_how_much_of_a_need_was_seen(city: City) -> None:
    city.station("seen", 0, usual=6)
    city.station("estimated", 0, usual=6, taken=3, minutes_with_vehicle=15, minutes_renting=60)
    assert city.deficits("deficit, share_observed") == {"seen": (6, None), "estimated": (6, 0.25)}


def test_a_status_is_as_old_as_the_older_of_what_is_said_of_it(city: City) -> None:
    before, after = AT - timedelta(days=2), AT + timedelta(hours=3)
    for name, said in {"moves": AT, "stands": before, "ahead": after, "silent": None}.items():
        city.station(name, 0, feed_updated_at=said)
    found = city.deficits("status_at, fetched_at")
    assert {name: status == fetched for name, (status, fetched) in found.items()} == {
        "moves": True, "stands": False, "ahead": True, "silent": True,
    }  # fmt: skip


@pytest.mark.parametrize(("docks", "expected"), [(3, 4.5), (9, 0), (None, None)])
def test_riders_who_will_find_no_dock(city: City, docks: int | None, expected: float | None) -> None:
    city.station("a", 5, usual=1, usual_returned=7.5, docks_available=docks)
    city.station("unknown", 5, docks_available=0)
    assert city.deficits("dock_shortfall") == {"a": expected, "unknown": None}


def test_a_neighbour_serves_what_it_has_beyond_its_own_need(city: City) -> None:
    city.station("short", 0, usual=10, near={"rich": 250, "far": 301, "poor": 100})
    city.station("rich", 7, usual=4, near={"short": 250})
    city.station("far", 50, usual=4, near={"short": 301, "another": 100})
    city.station("another", 0, usual=1, near={"far": 100, "rich": 301})
    city.station("poor", 4, usual=4, near={"short": 100})
    found = city.deficits("shortfall, served_by_neighbours, deficit")
    assert found["short"] == (10, 3, 7)
    assert found["rich"] == (0, 0, 0)


def test_what_is_spare_is_shared_in_proportion_and_serves_no_two(city: City) -> None:
    city.station("a", 0, usual=6, near={"rich": 200})
    city.station("b", 0, usual=2, near={"rich": 200})
    city.station("rich", 5, usual=1, near={"a": 200, "b": 200})
    assert city.deficits("served_by_neighbours, deficit") == {"a": (3, 3), "b": (1, 1), "rich": (0, 0)}


def test_more_than_is_short_is_not_served(city: City) -> None:
    city.station("short", 0, usual=3, near={"rich": 200, "richer": 200})
    city.station("rich", 9, usual=1, near={"short": 200})
    city.station("richer", 19, usual=1, near={"short": 200})
    assert city.deficits("served_by_neighbours, deficit")["short"] == (3, 0)


def test_what_is_not_known_is_null_and_serves_nobody(city: City) -> None:
    city.station("no count", None, near={"short": 100})
    city.station("no capacity", 5, capacity=None, near={"short": 100})
    city.station("short", 0, near={"no count": 100, "no capacity": 100})
    assert city.deficits() == {"no count": None, "no capacity": None, "short": 6}


@pytest.mark.parametrize("status", [{"is_renting": False}, {"is_installed": False}, {"fetched_at": AT - timedelta(minutes=1)}])
def test_a_station_that_gives_nothing_or_is_not_told_of_any_more_does_not_count(city: City, status: dict[str, Any]) -> None:
    city.station("closed", 20, near={"short": 100}, **status)
    city.station("short", 0, near={"closed": 100})
    assert city.deficits() == {"short": 6}


def test_a_station_that_left_the_system_does_not_count(city: City) -> None:
    city.station("gone", 20, near={"short": 100}, informed_at=AT - timedelta(days=1))
    city.station("short", 0, near={"gone": 100})
    assert city.deficits() == {"short": 6}


def test_a_pair_of_neighbours_that_was_not_told_again_does_not_count(city: City) -> None:
    city.station("moved", 9, near={"short": 100})
    city.station("another", 0, near={"moved": 100})
    city.station("short", 0, near={"moved": 100}, neighbours_at=AT - timedelta(days=1))
    assert city.deficits() == {"moved": 0, "another": 3, "short": 6}


def test_whether_it_rents_may_be_untold(city: City) -> None:
    city.station("a", 0, is_renting=None, is_installed=None)
    assert city.deficits() == {"a": 6}


def test_systems_do_not_mix(city: City) -> None:
    city.station("a", 0, near={"b": 100})
    city.station("b", 20, near={"a": 100}, system_id="other")
    city.station("c", 20, system_id="other", fetched_at=AT + timedelta(minutes=1))
    assert city.deficits() == {"a": 6, "c": 0}
