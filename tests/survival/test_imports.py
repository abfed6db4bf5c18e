"""Own files, from the command to the tables: what they say is stored, a replay says the same, and a bad file changes nothing."""

import csv
import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from gans.database.views import current_area_cells, current_areas
from gans.storage.landing import PartKey
from gans.storage.reference import Snapshots
from gans.storage.store import FolderStore
from gans.storage.watchlist import Watchlist
from gans.tables import collection_runs, countries, metadata, rejects, weather_conditions
from gans.tables.areas import area_cells, area_sets, areas
from gans.tables.demand import area_days
from gans.tables.weather import weather_days
from tests.survival.conftest import Gans, content, dump

ADD = ("areas", "add", "springfield", "areas.geojson", "--name-field", "name", "--number-field", "number")
COUNTS = ("import", "area_counts", "--areas", "springfield")
OVER = datetime(2026, 6, 2, tzinfo=UTC).timestamp()


def feature(number: int, name: str, side: float = 0.01) -> dict[str, Any]:
    east, north = 13.4 + number / 100, 52.5
    ring = [[east, north], [east + side, north], [east + side, north + side], [east, north + side], [east, north]]
    return {
        "type": "Feature",
        "properties": {"name": name, "number": number},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def write_areas(*names: str) -> None:
    features = [feature(number, name) for number, name in enumerate(names, 1)]
    Path("areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def write_counts(name: str, counts: dict[str, dict[int, int]], measure: str = "trip_end", end: str = "") -> None:
    """Trips by day and area, in a file that was written once they were over."""
    lines = [f"{day},{area},{trips}" for day, of_day in counts.items() for area, trips in of_day.items()]
    Path(name).write_text("\n".join((f"{measure},area,trips", *lines, end)))
    os.utime(name, (OVER, OVER))


@pytest.fixture
def own(gans: Gans, database_url: str, engine: Engine) -> Gans:
    """The command on an empty database, with a set of three areas."""
    gans.set(GANS_DATABASE_URL=database_url)
    write_areas("Old Mill", "Saint Élodie", "O'Brien")
    assert "springfield has 3 areas" in gans(*ADD).out
    return gans


def counted(engine: Engine, column: str = "trips_ended") -> dict[tuple[str, str], int]:
    with engine.connect() as connection:
        found = connection.execute(select(area_days.c.local_on, area_days.c.area_id, area_days.c[column])).all()
    return {(f"{local_on:%m-%d}", area_id): trips for local_on, area_id, trips in found}


def in_use(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return {row.area_id: row.name for row in connection.execute(select(current_areas))}


def test_counts_of_both_measures_meet_in_one_row(own: Gans, engine: Engine) -> None:
    write_counts("ends.csv", {"2026-05-30": {1: 5, 2: 6}, "2026-05-31": {1: 7}})
    write_counts("starts.csv", {"2026-05-31": {1: 8, 3: 9}}, measure="trip_start")
    assert own(*COUNTS, "ends.csv", "starts.csv").code == 0
    assert counted(engine) == {("05-30", "1"): 5, ("05-30", "2"): 6, ("05-31", "1"): 7, ("05-31", "3"): None}
    assert counted(engine, "trips_started") == {
        ("05-30", "1"): None, ("05-30", "2"): None, ("05-31", "1"): 8, ("05-31", "3"): 9,
    }  # fmt: skip


def test_a_file_again_changes_nothing_and_the_next_adds_its_days(own: Gans, engine: Engine) -> None:
    write_counts("may.csv", {"2026-05-30": {1: 5}, "2026-05-31": {1: 7}})
    own(*COUNTS, "may.csv")
    before = content(engine)
    own(*COUNTS, "may.csv")
    assert content(engine) == before
    write_counts("june.csv", {"2026-06-01": {1: 9}})
    own(*COUNTS, "june.csv")
    assert counted(engine) == {("05-30", "1"): 5, ("05-31", "1"): 7, ("06-01", "1"): 9}


def test_of_two_files_with_a_day_the_later_import_holds_in_any_order_of_loading(own: Gans, engine: Engine) -> None:
    write_counts("half.csv", {"2026-05-31": {1: 3}})
    own(*COUNTS, "half.csv", "--complete-to", "2026-05-30")
    write_counts("whole.csv", {"2026-05-31": {1: 7}})
    own(*COUNTS, "whole.csv")
    expected = dump(engine)
    assert [(row["trips_ended"], row["is_complete"]) for row in expected["area_days"]] == [(7, True)]
    (first, _) = sorted(FolderStore(Path("data")).keys("landing/area_counts/"))
    slot = PartKey.parse(first).slot
    assert own("replay", "area_counts", "--to", f"{slot:%Y-%m-%dT%H:%M:%S}").code == 0
    assert dump(engine) == expected


def test_a_replay_into_an_empty_database_makes_the_same_tables(own: Gans, engine: Engine) -> None:
    write_counts("may.csv", {"2026-05-30": {1: 5, 4: 6}, "2026-05-31": {1: 7}})
    assert own(*COUNTS, "may.csv").code == 1, "a line was refused"
    write_areas("Old Mill", "Saint Élodie")
    own(*ADD)
    expected = dump(engine)
    assert expected["rejects"]
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if expected.get(table.name) and table not in (countries, weather_conditions):
                connection.execute(table.delete())
    for source in ("area_counts", "areas"):
        own("replay", source)
    assert dump(engine) == expected
    assert in_use(engine) == {"1": "Old Mill", "2": "Saint Élodie"}


def test_a_set_has_the_areas_that_it_was_given_last(own: Gans, engine: Engine) -> None:
    write_areas("Old Mill", "New Elodie")
    assert "springfield has 2 areas" in own(*ADD).out
    assert in_use(engine) == {"1": "Old Mill", "2": "New Elodie"}
    with engine.connect() as connection:
        ids = set(connection.scalars(select(current_area_cells.c.area_id)))
        assert connection.scalar(select(func.count()).select_from(areas)) == 3, "what was, stays"
    assert ids == {"1", "2"}
    published = Snapshots(FolderStore(Path("data")), Watchlist()).rows("areas")
    assert [row["name"] for row in published] == ["Old Mill", "New Elodie"]
    write_counts("may.csv", {"2026-05-31": {1: 7, 3: 9}})
    done = own(*COUNTS, "may.csv")
    assert (done.code, counted(engine)) == (1, {("05-31", "1"): 7})
    assert "there is no area '3' in springfield" in done.out


@pytest.mark.databases("sqlite")
def test_areas_that_overlap_are_taken_and_told_of(own: Gans) -> None:
    features = [feature(1, "Old Mill", side=0.02), feature(2, "O'Brien"), feature(3, "A bench", side=0.0001)]
    Path("areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    told = own(*ADD).out
    assert re.search(r"^  \d+ cells in two areas$", told, re.MULTILINE)
    assert "\n  1 areas without the centre of a cell\n" in told
    assert own(*ADD, "--json").out.startswith('{\n  "notes": [\n    "')


def test_a_set_that_is_removed_is_out_of_use_and_comes_back(own: Gans, engine: Engine) -> None:
    write_counts("may.csv", {"2026-05-31": {1: 7}})
    own(*COUNTS, "may.csv")
    assert "is out of use" in own("areas", "remove", "springfield").out
    assert in_use(engine) == {}
    assert "There is no area set" in own("areas", "list").out
    assert counted(engine) == {("05-31", "1"): 7}
    again = own(*COUNTS, "may.csv")
    assert (again.code, "There is no area set yet" in again.err) == (4, True)
    own("replay", "areas")
    assert in_use(engine) == {}, "a replay brings back what holds"
    own(*ADD)
    assert len(in_use(engine)) == 3
    listed = own("areas", "list").out
    assert "3 areas (polygons), Europe/Berlin" in listed
    assert "7 trips ended on 1 day, 2026-05-31 to 2026-05-31, complete to 2026-05-31" in listed


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _cut_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(path.read_bytes())[:-10])


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (_cut, "its last line, 3, does not end"),
        (_cut_gzip, "is damaged, or not whole"),
        (lambda path: path.write_bytes(gzip.compress(path.read_bytes())[:40] + b"xx" * 40), "is damaged, or not whole"),
        (lambda path: path.write_bytes(b""), "may.csv is empty"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)), "is a zip archive, perhaps a workbook of Excel"),
        (lambda path: path.write_bytes(b"PAR1" + bytes(100)), "is Parquet: write it as CSV"),
        (lambda path: path.write_text("<html>502</html>\n"), "is a page or XML"),
        (lambda path: path.write_bytes("trip_end,area,trips\n".encode("utf-16")), "is text in UTF-16"),
        (lambda path: path.write_text("a" * 100_000), "is longer than 64 KiB: is it CSV?"),
        (lambda path: path.unlink(), "cannot be read: No such file"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read: Is a directory"),
    ],
)
def test_a_bad_file_is_refused_and_nothing_is_landed(own: Gans, engine: Engine, harm: Callable[[Path], object], why: str) -> None:
    write_counts("may.csv", {"2026-05-30": {1: 5}, "2026-05-31": {1: 7}})
    harm(Path("may.csv"))
    landed = list(FolderStore(Path("data")).keys("landing/"))
    done = own(*COUNTS, "may.csv")
    assert (done.code, why in done.err) == (2, True), done.err
    assert done.err.count("\n") == 1, "one sentence"
    assert list(FolderStore(Path("data")).keys("landing/")) == landed
    assert counted(engine) == {}


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("import", "nosuch", "may.csv"), 2, "There is no source 'nosuch'. These take files: area_counts: trips by area and day"),
        (("import", "weather", "may.csv"), 2, "weather takes no files. These take files: area_counts"),
        (("import", "area_counts", "may.csv"), 2, "area_counts needs --areas"),
        ((*COUNTS, "may.csv", "--simulated"), 2, "area_counts does not take --simulated"),
        ((*COUNTS[:2], "may.csv", "--areas", "sprngfield"), 2, "There is no area set 'sprngfield'; nearest: springfield"),
        (("areas", "add", "x"), 2, "Give either a file of GeoJSON or --cells CITY"),
        (("areas", "add", "x", "areas.geojson"), 2, "--name-field says which property holds an area's name"),
        (("areas", "add", "X Y", *ADD[3:]), 2, "'X Y' is no name for an area set"),
        (("areas", "add", "x", "nosuch.geojson", "--name-field", "n"), 2, "nosuch.geojson cannot be read: No such file"),
        (("areas", "add", "x", "may.csv", "--name-field", "n"), 2, "may.csv: it is not GeoJSON, or not the whole of it"),
        (
            ("areas", "add", "x", "areas.geojson", "--name-field", "n"),
            2,
            "feature 1: it has no field 'n'. Its fields: name",
        ),
        (("areas", "add", "x", "--cells", "Berlin"), 2, "No watched city is called 'Berlin'. Known: none; `gans watch add`"),
        (("areas", "add", "x", "--cells", "Berlin", "--resolution", "3"), 2, "A resolution is one of 5 to 9"),
        (("areas", "remove", "sprngfield"), 2, "There is no area set 'sprngfield'; nearest: springfield"),
        (("collect", "area_counts"), 2, "There is no source area_counts. Known: cities"),
    ],
)
def test_what_was_said_wrong_is_said(own: Gans, engine: Engine, arguments: tuple[str, ...], code: int, why: str) -> None:
    write_counts("may.csv", {"2026-05-31": {1: 7}})
    before = dump(engine)
    done = own(*arguments)
    assert (done.code, why in done.err) == (code, True), done.err
    assert dump(engine) == before


@pytest.mark.databases("sqlite")
def test_the_help_of_import_lists_what_takes_files(gans: Gans) -> None:
    told = " ".join(gans("import", "--help").out.split())
    assert "area_counts: trips by area and day" in told
    assert "weather_by_lead: daily weather" in told


@pytest.mark.databases("sqlite")
def test_files_are_told_to_a_machine(own: Gans) -> None:
    write_counts("may.csv", {"2026-05-30": {1: 5}, "2026-05-31": {1: 7, 9: 1}})
    (done,) = json.loads(own(*COUNTS, "may.csv", "--json").out)
    assert {name: done[name] for name in ("source", "file", "rows", "rejected", "notes")} == {
        "source": "area_counts", "file": "may.csv", "rows": {"area_days": 2}, "rejected": 1,
        "notes": ["counts trips that ended (trip_end)"],
    }  # fmt: skip
    assert done["error"].startswith("line 4: there is no area '9' in springfield")


@pytest.mark.databases("sqlite")
def test_simulated_weather_may_stand_in_a_real_database_where_each_row_says_so(own: Gans, engine: Engine) -> None:
    Path("simulated.csv").write_text("local_on,lead_days,temperature_max_c\n2026-05-31,1,20.5\n")
    done = own("import", "weather_by_lead", "simulated.csv", "--areas", "springfield")
    assert "simulated, as its name says" in done.out
    with engine.connect() as connection:
        assert connection.execute(select(weather_days.c.is_simulated, weather_days.c.temperature_max_c)).all() == [(True, 20.5)]


@pytest.mark.databases("sqlite")
def test_files_of_a_simulated_world_do_not_mix_with_real_ones(own: Gans, engine: Engine) -> None:
    write_counts("may.csv", {"2026-05-31": {1: 7}})
    own.set(GANS_SIMULATOR_URL="http://127.0.0.1:1")
    done = own(*COUNTS, "may.csv")
    assert (done.code, "must not mix" in done.err, counted(engine)) == (2, True, {})


@pytest.mark.databases("sqlite")
def test_the_cells_of_a_watched_city(own: Gans, engine: Engine) -> None:
    store = FolderStore(Path("data"))
    city = {"city_id": 1, "name": "Berlin", "wikipedia_title": "Berlin", "latitude": 52.52, "longitude": 13.405, "area_km2": 20.0}
    lost = {**city, "city_id": 2, "name": None, "wikipedia_title": "Atlantis", "latitude": None, "longitude": None}
    store.write("reference/cities.json", json.dumps([city, lost]).encode())
    assert "berlin has 31 areas" in own("areas", "add", "berlin", "--cells", "BERLIN").out
    with engine.connect() as connection:
        assert connection.execute(
            select(area_sets.c.city_id, area_sets.c.kind).where(area_sets.c.area_set == "berlin")
        ).all() == [(1, "cells")]
    done = own("areas", "add", "atlantis", "--cells", "2")
    assert (done.code, done.err) == (4, "Where 2 is, is not known yet: `gans collect cities` asks.\n")


@pytest.fixture(scope="session")
def chicago() -> Path:
    """The folder of Chicago's real counts; the test that reads them says so where it is absent."""
    folder = os.environ.get("GANS_DATASETS", "")
    if not folder:
        pytest.skip("GANS_DATASETS is not set: it names the folder of real data sets")
    return Path(folder, "chicago").resolve(strict=True)


@pytest.mark.databases("sqlite")
def test_real_counts_areas_and_weather_are_stored_as_the_files_have_them(
    chicago: Path, gans: Gans, database_url: str, engine: Engine
) -> None:
    (counts,) = chicago.glob("trip_ends_daily_*.csv")
    (weather,) = chicago.glob("weather_daily_by_lead_simulated_*.csv")
    gans.set(GANS_DATABASE_URL=database_url)
    outlines = str(chicago / "community_areas_77.geojson")
    gans("areas", "add", "chicago", outlines, "--name-field", "community", "--number-field", "area_numbe")
    assert gans("import", "area_counts", str(counts), "--areas", "chicago").code == 0
    assert gans("import", "weather_by_lead", str(weather), "--areas", "chicago").code == 0
    expected: Counter[tuple[str, str]] = Counter()
    with counts.open(newline="") as file:
        for row in csv.DictReader(file):
            expected[row["trip_end"], str(int(float(row["End Community Area Number"])))] += int(float(row["trip_count"]))
    days = area_days.c
    with engine.connect() as connection:
        found = connection.execute(select(days.local_on, days.area_id, days.trips_ended, days.is_complete)).all()
        assert connection.scalar(select(func.count()).select_from(current_areas)) == 77
        assert connection.scalar(select(func.count()).select_from(area_cells)) == 39_390
        lines = connection.execute(
            select(func.count(), func.sum(weather_days.c.precipitation_mm), func.count(weather_days.c.is_simulated))
        ).one()
        assert connection.scalar(select(func.count()).select_from(rejects)) == 0
        assert set(connection.scalars(select(collection_runs.c.status))) == {"ok"}
    assert {(f"{day}", area_id): trips for day, area_id, trips, _ in found} == expected
    assert all(is_complete for *_, is_complete in found)
    with weather.open(newline="") as file:
        told = list(csv.DictReader(file))
    assert lines == (len(told), pytest.approx(sum(float(row["precipitation_mm"]) for row in told)), len(told))
