"""A backup is a whole database of one instant; brought back, and given what was landed since, it is what was lost."""

import os
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from gans.database import backup
from gans.database.backup import back_up
from gans.database.engine import open_engine, open_reader
from gans.errors import ConfigError
from gans.settings import Settings
from gans.tables import cities
from local.comparison import compare
from local.pipeline import Pipeline

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def settings(migrated_file: Path, tmp_path: Path) -> Settings:
    shutil.copy(migrated_file, tmp_path / "gans.db")
    return Settings(database_url=f"sqlite:///{tmp_path}/gans.db", landing=str(tmp_path))


def _names(file: Path) -> list[str]:
    with sqlite3.connect(file) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM cities ORDER BY city_id")]


def test_a_backup_is_of_one_instant_while_others_write(settings: Settings, tmp_path: Path) -> None:
    engine = open_engine(settings)
    with engine.begin() as connection:
        connection.execute(insert(cities), {"city_id": 1, "name": "Ulm"})
    with engine.begin() as writer:
        writer.execute(insert(cities), {"city_id": 2, "name": "Bonn"})
        assert back_up(settings, tmp_path / "backup.db") > 100_000
    assert _names(tmp_path / "backup.db") == ["Ulm"]
    assert sorted(path.name for path in tmp_path.iterdir() if "backup" in path.name) == ["backup.db"]
    shutil.copy(tmp_path / "backup.db", tmp_path / "other.db")
    restored = Pipeline(Settings(database_url=f"sqlite:///{tmp_path}/other.db", landing=str(tmp_path)))
    assert not restored.prepare(), "it is at the newest revision, and has its views"
    restored.engine.dispose()
    engine.dispose()


def test_a_backup_takes_nobodys_place(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "backup.db"
    file.write_bytes(b"another")
    with pytest.raises(ConfigError, match=r"backup\.db is there already"):
        back_up(settings, file)
    file.unlink()
    link = os.link

    def late(source: str, to: Path) -> None:
        file.write_bytes(b"another")  # of somebody who was quicker
        link(source, to)

    monkeypatch.setattr(backup.os, "link", late)
    with pytest.raises(ConfigError, match=r"backup\.db is there already"):
        back_up(settings, file)
    assert file.read_bytes() == b"another"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".backup")] == []


def test_a_damaged_database_gives_no_backup(settings: Settings, tmp_path: Path) -> None:
    with (tmp_path / "gans.db").open("r+b") as damaged:
        for page in range(10, 40):
            damaged.seek(page * 4096)
            damaged.write(b"\xff" * 4096)
    with pytest.raises(ConfigError, match=r"cannot be backed up: .*`gans rebuild` makes a new one"):
        back_up(settings, tmp_path / "backup.db")
    assert not (tmp_path / "backup.db").exists()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql+pymysql://u:hunter2@db.example/gans", "mysqldump --single-transaction --routines --host=db.example gans > FILE"),
        ("sqlite:///none/gans.db", "There is no database none/gans.db"),
    ],
)
def test_what_is_no_file_is_told_another_way(url: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told) as raised:
        back_up(Settings(database_url=url), tmp_path / "backup.db")
    assert "hunter2" not in str(raised.value)


def test_a_backup_and_what_was_landed_since_are_what_was_lost(demo_folder: Path, tmp_path: Path) -> None:
    """The restored ledger does not know what came later, so `gans load` finds it by itself."""
    shutil.copytree(demo_folder / "landing", tmp_path / "landing", ignore=shutil.ignore_patterns("station_status", "stations"))
    shutil.copytree(demo_folder / "state", tmp_path / "state")
    settings = Settings(database_url=f"sqlite:///{tmp_path}/gans.db", landing=str(tmp_path))
    later = max(path.parent.name for path in (tmp_path / "landing").rglob("*.gz"))
    clock = lambda: datetime.strptime(later[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) + timedelta(hours=1)  # noqa: E731
    pipeline = Pipeline(settings, clock)
    pipeline.prepare()
    keys = pipeline.pending()
    for number, key in enumerate(keys):
        if number == len(keys) // 2:
            back_up(settings, tmp_path / "backup.db")
        pipeline.load(key)
    restored = Settings(database_url=f"sqlite:///{tmp_path}/backup.db", landing=str(tmp_path))
    pipeline = Pipeline(restored, clock)
    assert pipeline.pending() == keys[len(keys) // 2 :]
    for key in pipeline.pending():
        pipeline.load(key)
    assert [one for one in compare(open_reader(settings), open_reader(restored)) if not one.is_same] == []
