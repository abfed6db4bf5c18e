"""The whole demo, rebuilt on SQLite, MariaDB and MySQL: each equals the original, on SQLite, table by table."""

import shutil
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from gans.archive.archive import archive
from gans.database.engine import open_engine, open_reader
from gans.retain import retain
from gans.settings import Settings
from gans.sources import registry
from gans.storage.store import FolderStore
from local.comparison import compare
from local.generate.answers import NOW
from local.rebuild import rebuild, settings_for_rebuild

LATER = NOW + timedelta(hours=1)


def test_the_demo_rebuilt_is_the_demo(demo_folder: Path, empty: Engine, tmp_path: Path) -> None:
    shutil.copytree(demo_folder, tmp_path / "demo")
    original = Settings(database_url=f"sqlite:///{tmp_path}/demo/gans.db", landing=f"{tmp_path}/demo")
    engine = open_engine(original)
    archive(FolderStore(tmp_path / "demo"), engine, registry()["station_status"], LATER)
    retain(engine, LATER)
    engine.dispose()
    beside = Settings(database_url=empty.url.render_as_string(hide_password=False), landing=original.landing)
    try:
        rebuilt = rebuild(beside, lambda _: nullcontext(lambda done, planned: None), lambda: LATER)
        assert rebuilt.rows > 500_000
        expiring = [source.name for source in registry().values() if source.retention]
        compared = list(compare(open_reader(original), open_reader(settings_for_rebuild(beside)), expiring))
        assert [one for one in compared if not one.is_same] == []
        assert {one.table for one in compared if not one.rows} == {"proposals", "rejects"}
        print(f"{empty.dialect.name}: {rebuilt.load_s / rebuilt.rows * 1e6:.0f} s per million rows")  # noqa: T201
    finally:
        if empty.dialect.name != "sqlite":
            with empty.begin() as connection:
                connection.execute(text(f"DROP DATABASE IF EXISTS {empty.url.database}_rebuilt"))
