"""`gans place`: what it proposes, what it writes, and what it says where there is nothing to go by."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, insert

from gans.clock import utc_now
from gans.errors import ConfigError
from gans.tables import metadata
from local import console
from local.cli import main
from local.place import proposed

AT = datetime(2025, 5, 27, 6, 12, 30, 250_000, tzinfo=UTC)


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


def test_the_spots_go_by_the_newest_status(engine: Engine) -> None:
    system(engine, ("Rivoli", 0, 100), ("Bastille", 9, 10), ("Nation", None, 50))
    found = proposed(engine, "velib", 5, 300)
    assert (found.stations, found.short, found.deficit, found.fetched_at) == (2, 1, 30.0, AT)
    assert [(spot.near, spot.scooters) for spot in found.spots] == [("Rivoli", 5)]


def test_what_is_missing_is_named_with_what_to_do(engine: Engine) -> None:
    with pytest.raises(ConfigError, match=r"no system velib\. None is known yet\..*watch add-system"):
        proposed(engine, "velib", 5, 300)
    system(engine, ("Rivoli", 0, 100), status=False)
    with pytest.raises(ConfigError, match=r"no system lime\. Known: velib\."):
        proposed(engine, "lime", 5, 300)
    with pytest.raises(ConfigError, match="`gans collect station_status`"):
        proposed(engine, "velib", 5, 300)


def test_stations_that_tell_too_little_are_named_so(engine: Engine) -> None:
    system(engine, ("Nation", None, 50))
    with pytest.raises(ConfigError, match="tell no capacity"):
        proposed(engine, "velib", 5, 300)


@pytest.fixture
def run(database_url: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """`gans place --system velib …`, on each database; gives what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANS_DATABASE_URL", database_url)
    monkeypatch.setattr(console.out, "width", 300)

    def place(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["gans", "place", "--system", "velib", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        assert end.value.code == 0
        return capsys.readouterr().out

    return place


def test_the_command_shows_age_spots_and_reasons(engine: Engine, run: Any) -> None:
    system(engine, ("Rivoli", 0, 10), ("[bold]Bastille\x1b[0m", 0, 20), fetched_at=utc_now() - timedelta(minutes=3))
    said = run("--scooters", "50")
    assert "2 of 2 stations lack 9 vehicles; status of " in said
    assert "3 min ago" in said
    assert "gans schedule" not in said
    assert "[bold]Bastille\\x1b[0m" in said
    assert "1 station within 50 m is empty" in said or "1 station within 100 m is empty" in said
    assert "of 50 scooters are enough: the others would find no rider." in said


def test_old_data_is_said_to_be_old(engine: Engine, run: Any) -> None:
    system(engine, ("Rivoli", 9, 10), fetched_at=utc_now() - timedelta(hours=3))
    said = run("--scooters", "5")
    assert "3 h ago: `gans schedule` keeps it fresh" in said
    assert "Nobody is short of a vehicle: there is nothing to place." in said


def test_json_and_a_file_together(engine: Engine, run: Any, tmp_path: Path) -> None:
    system(engine, ("Rivoli", 0, 100))
    found = json.loads(run("--scooters", "4", "--json", "--geojson", "spots.geojson"))
    assert found["spots"][0]["scooters"] == 4
    assert msgspec.convert(found["fetched_at"], datetime) == AT
    assert (tmp_path / "spots.geojson").exists()
