"""A database made anew of what is landed is the old one, table by table, on each kind of server."""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path

import h3
import pytest
from sqlalchemy import Engine, create_engine, delete, func, insert, select, text, update

from gans.archive.archive import archive
from gans.collect.files import import_file
from gans.errors import ConfigError
from gans.retain import retain
from gans.settings import Settings
from gans.source import ImportOptions
from gans.sources import registry
from gans.storage.landing import parts_among
from gans.storage.reference import Snapshots
from gans.storage.store import FolderStore
from gans.storage.watchlist import Watchlist
from gans.tables import cities, metadata, weather_forecasts
from gans.tables.decisions import proposals
from gans.tables.mobility import archived_hours, station_hours, station_usuals
from local.generate.answers import NOW
from local.pipeline import Pipeline
from local.rebuild import COPIED, Rebuilt, rebuild, settings_for_rebuild
from tests.conftest import Once

LATER = NOW + timedelta(hours=1)
CELL = h3.latlng_to_cell(48.8566, 2.3522, 8)
"""An area of the demo's set `paris`."""

OWN = {
    "area_counts": (
        "trip_end,area,trips",
        f"{NOW - timedelta(days=9):%Y-%m-%d},{CELL},5",
        f"{NOW - timedelta(days=8):%Y-%m-%d},{CELL},7",
    ),
    "weather_by_lead": ("local_on,lead_days,precipitation_mm", f"{NOW - timedelta(days=9):%Y-%m-%d},0,1.5"),
}
"""Files of a person's own: the lines of each, by the source that takes it."""

PROPOSAL = {column.name: NOW if column.name.endswith("_at") or column.name == "as_of" else "{}" for column in proposals.columns}


def _land(demo_folder: Path, folder: Path) -> FolderStore:
    """What the demo landed: of each source but cities the last slot, and of 120 minutes of the stations six, around the hour."""
    shutil.copytree(demo_folder, folder, ignore=shutil.ignore_patterns("gans.db*", "archive", "*.toml"), dirs_exist_ok=True)
    store = FolderStore(folder)
    parts = parts_among(store.keys("landing/"))
    minutes = [part for part in parts if part.source == "station_status"][:120]
    last = {part.source: part.slot for part in parts}
    for part in parts:
        if part.slot != last[part.source] and part.source != "cities" and part not in minutes[57:63]:
            store.drop(str(part))
    areas = Snapshots(store, Watchlist())
    for name, lines in OWN.items():
        file = folder / f"{name}.csv"
        file.write_text("\n".join((*lines, "")))
        import_file(registry()[name], file, ImportOptions(areas="paris"), store=store, reference=areas, clock=lambda: NOW)
    return store


def _fill(settings: Settings) -> None:
    """Loads what is landed in any order, archives it, thins it, and asks for a proposal."""
    pipeline = Pipeline(settings, lambda: LATER)
    pipeline.prepare()
    keys = pipeline.pending()
    random.Random(7).shuffle(keys)
    for key in keys:
        pipeline.load(key)
    for until in (NOW, LATER):  # by and by, as a schedule would
        archive(pipeline.store, pipeline.engine, registry()["station_status"], until)
    retain(pipeline.engine, LATER)
    with pipeline.engine.begin() as connection:
        connection.execute(insert(proposals), PROPOSAL)
    pipeline.engine.dispose()


@pytest.fixture(scope="session")
def filled(once: Once, demo_folder: Path) -> Path:
    """A landing and its database, to be copied."""

    def fill(folder: Path) -> None:
        _land(demo_folder, folder)
        _fill(Settings(database_url=f"sqlite:///{folder}/empty.db", landing=str(folder)))

    return once("filled", fill)[0]


@pytest.fixture
def landing(filled: Path, tmp_path: Path) -> FolderStore:
    """What is landed."""
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    return FolderStore(tmp_path)


@pytest.fixture
def settings(empty: Engine, landing: FolderStore) -> Iterator[Settings]:
    """The database that is loaded from it."""
    settings = Settings(database_url=empty.url.render_as_string(hide_password=False), landing=str(landing.root))
    if empty.dialect.name == "sqlite":  # the copy
        yield settings
        return
    _fill(settings)
    yield settings
    with empty.begin() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {empty.url.database}_rebuilt"))


def again(settings: Settings, clock: Callable[[], datetime] = lambda: LATER) -> Rebuilt:
    return rebuild(settings, lambda _: nullcontext(lambda done, planned: None), clock)


def difference(rebuilt: Rebuilt) -> dict[str, tuple[int, int, int, list[str]]]:
    return {one.table: (one.missing, one.added, one.changed, one.columns) for one in rebuilt.tables if not one.is_same}


def published(landing: FolderStore) -> dict[str, bytes | None]:
    return {key: landing.read(key) for prefix in ("reference/", "state/", "archive/") for key in landing.keys(prefix)}


def test_a_rebuilt_database_is_the_old_one_also_where_it_was_broken_off(
    settings: Settings, landing: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, parts = published(landing), len(parts_among(landing.keys("landing/")))
    load, loaded = Pipeline.load, []

    def broken_off(self: Pipeline, key: str) -> object:
        if len(loaded) == 10:
            raise KeyboardInterrupt
        loaded.append(key)
        return load(self, key)

    monkeypatch.setattr(Pipeline, "load", broken_off)
    with pytest.raises(KeyboardInterrupt):
        again(settings)
    monkeypatch.setattr(Pipeline, "load", load)
    landing.write("reference/cities.json", b"[]")  # the collectors' own matter
    rebuilt = again(settings)
    landing.write("reference/cities.json", before["reference/cities.json"] or b"")
    assert rebuilt.parts == parts - 10
    assert (rebuilt.unusable, rebuilt.not_compared, rebuilt.copied, rebuilt.archived_alone) == ({}, "", 1, 0)
    assert difference(rebuilt) == {}
    compared = {one.table: one.rows for one in rebuilt.tables}
    assert compared.keys() == metadata.tables.keys()
    assert {name for name, rows in compared.items() if not rows} == {"rejects"}
    assert published(landing) == before


@pytest.mark.databases("sqlite")
def test_what_differs_is_said(settings: Settings, empty: Engine) -> None:
    with empty.begin() as connection:
        connection.execute(update(cities).where(cities.c.city_id == 1).values(name="Elsewhere"))
        connection.execute(delete(weather_forecasts).where(weather_forecasts.c.city_id == 2))
        gone = connection.scalar(select(func.count()).select_from(weather_forecasts).where(weather_forecasts.c.city_id == 3))
        connection.execute(update(weather_forecasts).where(weather_forecasts.c.city_id == 3).values(city_id=2))
        connection.execute(update(station_usuals).where(station_usuals.c.minutes_observed > 0).values(taken=7_777))
    found = difference(again(settings))
    assert found.keys() == {"cities", "weather_forecasts", "station_usuals"}
    assert found["cities"] == (0, 0, 1, ["name"])
    missing, added, changed, columns = found["weather_forecasts"]
    assert (missing, added) == (0, gone)
    assert changed > 0
    assert "temperature_c" in columns
    assert found["station_usuals"][3] == ["taken"]


@pytest.mark.databases("sqlite")
def test_without_the_old_database_nothing_is_compared_and_that_is_said(settings: Settings, empty: Engine) -> None:
    empty.dispose()
    Path(empty.url.database or "").unlink()
    rebuilt = again(settings, lambda: LATER + timedelta(days=2))
    assert "There is no database" in rebuilt.not_compared
    assert (rebuilt.tables, rebuilt.copied) == ([], 0)
    assert rebuilt.unusable == {}, "answers that may not be read any more are left alone"
    with create_engine(settings_for_rebuild(settings).database_url).connect() as connection:
        assert connection.scalar(select(func.count()).select_from(station_usuals))


@pytest.mark.databases("sqlite")
def test_hours_whose_answers_are_gone_come_from_the_old_database(settings: Settings, landing: FolderStore) -> None:
    """Also those of which some are left, and those that follow, since they begin with what these ended with."""
    before = published(landing)
    for part in parts_among(landing.keys("landing/station_status/"))[:2]:
        landing.drop(str(part))
    rebuilt = again(settings)
    assert difference(rebuilt) == {"collection_runs": (2, 0, 0, [])}
    assert rebuilt.copied > 3_000
    assert published(landing) == before, "nor does a poorer file take the place of one in the archive"


@pytest.mark.databases("sqlite")
def test_hours_that_are_in_the_archive_alone_are_counted(settings: Settings, landing: FolderStore, empty: Engine) -> None:
    for part in parts_among(landing.keys("landing/station_status/"))[:3]:
        landing.drop(str(part))
    with empty.begin() as connection:
        for table in (station_hours, station_usuals, archived_hours):
            connection.execute(delete(table))
    assert again(settings).archived_alone == 1


@pytest.mark.databases("sqlite")
def test_of_nothing_nothing_is_rebuilt(empty: Engine, tmp_path: Path) -> None:
    settings = Settings(database_url=empty.url.render_as_string(), landing=str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="holds no answer: there is nothing to rebuild from"):
        again(settings)


def test_of_every_table_it_is_known_where_its_rows_come_from() -> None:
    """A new table that nothing landed makes must be copied from the old database: name it in `COPIED`."""
    of_sources = {name for source in registry().values() for name in source.writes}
    of_load, of_migrations = {"collection_runs", "rejects", "installation"}, {"countries", "weather_conditions"}
    of_archive = {"archived_hours", "station_hours", "station_usuals"}
    assert metadata.tables.keys() == of_sources | of_load | of_migrations | of_archive | {table.name for table in COPIED}
