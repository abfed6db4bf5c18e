"""`gans place`: what it shows, what it writes, and how it ends where there is nothing to go by."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, insert, select, update

from gans.tables import metadata
from gans.tables.decisions import proposals
from local import console
from local.cli import main

AT = datetime(2025, 5, 27, 6, 12, 30, 250_000, tzinfo=UTC)

NOW = AT + timedelta(minutes=2)


def system(engine: Engine, *stations: tuple[str, int | None, int], fetched_at: datetime = AT, status: bool = True) -> None:
    """A system with stations 1 km from each other: their name, what is there and their capacity."""
    rows: dict[str, list[dict[str, Any]]] = {"systems": [], "stations": [], "station_status": []}
    rows["systems"].append({"system_id": "velib", "watched_at": AT, "discovered_at": AT, "fetched_at": AT})
    for number, (name, vehicles, capacity) in enumerate(stations):
        of = {"system_id": "velib", "station_id": str(number), "fetched_at": fetched_at}
        rows["stations"].append({**of, "name": name, "latitude": 48.85 + number / 111, "longitude": 2.35, "capacity": capacity})
        rows["station_status"].append({**of, "vehicles_available": vehicles, "is_stale": False, "hour_of_week": 32})
    with engine.begin() as connection:
        for table in rows if status else ("systems", "stations"):
            for row in rows[table]:
                connection.execute(insert(metadata.tables[table]), row)


@pytest.fixture
def run(database_url: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """`gans place --system velib …`, on each database; gives what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANS_DATABASE_URL", database_url)
    monkeypatch.setattr(console.out, "width", 300)
    monkeypatch.setattr("local.cli.commands.decide.utc_now", lambda: NOW)

    def place(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr("sys.argv", ["gans", "place", "--system", "velib", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        printed = capsys.readouterr()
        assert end.value.code == code, printed.err
        return printed.err if code else printed.out

    return place


def test_the_command_shows_age_spots_and_reasons(engine: Engine, run: Any) -> None:
    system(engine, ("Rivoli", 0, 10), ("[bold]Bastille\x1b[0m", 0, 20), fetched_at=NOW - timedelta(minutes=3))
    said = run("--scooters", "50")
    assert "2 of 2 stations lack 9 vehicles; status of " in said
    assert "3 min ago" in said
    assert "gans schedule" not in said
    assert "[bold]Bastille\\x1b[0m" in said
    assert "1 station within 50 m is empty" in said or "1 station within 100 m is empty" in said
    assert re.search(r"2 stops for \d+ scooters and about \d+ riders: \d+ min, of which \d\.\d km to drive", said)
    assert re.search(r"\d+ of 50 scooters stay in the truck: each would serve fewer than 0\.3 riders", said)
    assert len(re.findall(r"geo:48\.8\d{5},2\.3\d{5}\n +https://www\.openstreetmap\.org/\?mlat=48\.8", said)) == 2


def test_nothing_is_proposed_on_old_data_unless_asked_and_then_it_is_said(engine: Engine, run: Any) -> None:
    system(engine, ("Rivoli", 9, 10), fetched_at=NOW - timedelta(hours=3))
    assert "3 h ago" in run("--scooters", "5", code=4)
    said = run("--scooters", "5", "--even-if-old")
    assert "3 h ago: `gans schedule` keeps it fresh" in said
    assert "Nobody is short of a vehicle: there is nothing to place." in said


def test_of_a_feed_that_stands_still_nothing_says_that_collecting_helps(engine: Engine, run: Any) -> None:
    system(engine, ("Rivoli", 0, 10))
    made = AT - timedelta(days=24)
    with engine.begin() as connection:
        connection.execute(update(metadata.tables["station_status"]).values(feed_updated_at=made))
    for form in ((), ("--json",)):
        assert "24 days ago (fetched 2 min ago, so the feed itself stands still)" in run("--scooters", "5", *form, code=4)
    said = run("--scooters", "5", "--even-if-old")
    assert "24 d ago: the feed itself stands still" in said
    assert "gans schedule" not in said
    found = json.loads(run("--scooters", "5", "--even-if-old", "--json"))
    assert found["is_stale"] is True
    assert [msgspec.convert(found["basis"][name], datetime) for name in ("data_at", "known_at")] == [made, AT]


def test_json_and_a_file_together(engine: Engine, run: Any, tmp_path: Path) -> None:
    system(engine, ("Rivoli", 0, 100))
    found = json.loads(run("--scooters", "4", "--json", "--geojson", "spots.geojson"))
    assert found["spots"][0]["scooters"] == 4
    assert found["is_stale"] is False
    assert (tmp_path / "spots.geojson").exists()
    assert found["basis"]["model_version"] == "greedy-coverage"
    assert msgspec.convert(found["basis"]["data_at"], datetime) == AT


def test_what_is_proposed_is_kept(engine: Engine, run: Any) -> None:
    system(engine, ("Rivoli", 0, 100))
    printed = json.loads(run("--scooters", "4", "--json"))
    with engine.connect() as connection:
        (kept,) = connection.execute(select(proposals)).all()
    assert (kept.decision, kept.scope, kept.data_at) == ("placement", "velib", AT)
    crew = {"stops": 12, "min_load": 1, "stop_minutes": 5, "min_riders": 0.3, "start": None}
    assert json.loads(kept.request) == {"scooters": 4, "walk_m": 300, **crew}
    assert json.loads(kept.answer)["spots"] == printed["spots"]


def test_a_crew_has_so_many_stops_and_a_start(engine: Engine, run: Any) -> None:
    system(engine, ("Rivoli", 0, 100), ("Bastille", 0, 90), ("Nation", 0, 80), ("Ternes", 0, 3))
    crew = ("--min-load", "3", "--stop-minutes", "8", "--min-riders", "0.5")
    found = json.loads(run("--scooters", "60", "--json", *crew, "--start", "49,2.35"))
    assert [spot["near"] for spot in found["spots"]] == ["Nation", "Bastille", "Rivoli"]
    assert all(spot["scooters"] >= 3 for spot in found["spots"])
    assert found["kept"] == 60 - sum(spot["scooters"] for spot in found["spots"])
    assert found["minutes"] == pytest.approx(3 * 8 + found["drive_km"] * 4, abs=1)
    found = json.loads(run("--scooters", "60", "--json", "--stops", "1"))
    assert [spot["near"] for spot in found["spots"]] == ["Rivoli"]
    assert found["drive_km"] == 0


def test_no_stop_that_is_worth_it_is_said(engine: Engine, run: Any) -> None:
    system(engine, ("Rivoli", 0, 3))
    assert "5 of 5 scooters stay in the truck" in run("--scooters", "5", "--stop-minutes", "60")


@pytest.mark.parametrize("start", ["Paris", "91,2", "48.85", "nan,2", "1,2,3"])
@pytest.mark.databases("sqlite")
def test_a_start_that_is_no_place_is_refused(run: Any, start: str) -> None:
    assert f"--start {start}: give latitude and longitude" in run("--scooters", "5", "--start", start, code=2)


def test_an_unknown_system_and_one_without_a_status_end_in_a_line(engine: Engine, run: Any) -> None:
    assert "There is no system velib. None is known yet." in run("--scooters", "4", code=2)
    system(engine, ("Rivoli", 0, 100), status=False)
    assert "`gans collect station_status` asks now." in run("--scooters", "4", code=4)
    with engine.connect() as connection:
        assert connection.execute(select(proposals)).all() == []


def test_a_station_without_coordinates_is_passed_over(engine: Engine, run: Any) -> None:
    """Such a station ended in a traceback once."""
    system(engine, ("Rivoli", 0, 100), ("Nowhere", 0, 100))
    with engine.begin() as connection:
        stations = metadata.tables["stations"]
        connection.execute(update(stations).where(stations.c.name == "Nowhere").values(latitude=None, longitude=None))
    found = json.loads(run("--scooters", "4", "--json"))
    assert [spot["near"] for spot in found["spots"]] == ["Rivoli"]
