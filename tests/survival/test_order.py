"""The same tables, in whatever order and however often what was landed is loaded, and by however many at once."""

import os
import random
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gans.clock import utc_now
from gans.database import migrate
from gans.database.engine import open_engine
from gans.load.load import load
from gans.settings import Settings
from gans.sources import asked
from gans.storage.landing import PartKey
from gans.storage.store import FolderStore
from gans.tables import EPOCH
from local.pipeline import Pipeline
from local.simulator import Faults, Simulator
from tests.conftest import Once
from tests.survival.conftest import KEYS, Gans, Rows, dump, grown, hurried, write_watchlist

SOURCES = asked()
LOADERS = 3
LOAD_ALL = """
import os, random, sys
from gans.settings import read_settings
from local.pipeline import Pipeline

pipeline = Pipeline(read_settings(os.environ))
keys = list(pipeline.store.keys("landing/"))
random.Random(sys.argv[1]).shuffle(keys)
for key in keys:
    pipeline.load(key)
"""
"""What each of several loaders runs at once: every part, in an order of its own."""


def _land(folder: Path) -> dict[str, Rows]:
    now = utc_now()  # a slot that is long over would be a forecast of nothing
    with pytest.MonkeyPatch.context() as patch, Simulator(cities=3, clock=lambda: now) as simulator:
        hurried(patch)
        write_watchlist(folder, simulator.world)
        settings = Settings(
            database_url=f"sqlite:///{folder}/gans.db",
            landing=str(folder / "data"),
            watchlist=folder / "watchlist.toml",
            simulator_url=simulator.url,
            keys=KEYS,
        )
        pipeline = Pipeline(settings)
        pipeline.prepare()
        for attempt in range(3):
            simulator.faults = Faults({"error_page": 0.3, "server_error": 0.2, "truncated": 0.3} if attempt == 1 else {}, seed=3)
            if attempt == 2:
                simulator.world.seed += 1
                grown(simulator.world)
            for slot_of in (now - timedelta(days=8), now):
                for source in pipeline.sources.values():
                    pipeline.run(source, source.schedule.slot(slot_of))
        pipeline.engine.dispose()
    (folder / "gans.db").unlink()
    engine = open_engine(Settings(database_url=f"sqlite:///{folder}/expected.db"))
    migrate.upgrade(engine)
    _load(folder, engine, sorted(FolderStore(folder / "data").keys("landing/"), key=lambda key: PartKey.parse(key).attempt))
    found = dump(engine)
    engine.dispose()
    return found


@pytest.fixture(scope="session")
def landed(once: Once) -> Path:
    """A folder with what every source got in two slots, each collected three times.

    The second attempts meet faults, and before the third the world changes: rows with one key differ from attempt to attempt.
    """
    return once("landed", _land)[0]


@pytest.fixture(scope="session")
def expected(once: Once) -> dict[str, Rows]:
    """What one loader makes of it, oldest first, in an empty SQLite database."""
    found: dict[str, Rows] = once("landed", _land)[1]
    return found


def _load(landed: Path, engine: Engine, keys: list[str]) -> None:
    store = FolderStore(landed / "data")
    for key in keys:
        load(key, store=store, engine=engine, sources=SOURCES, clock=utc_now)


@pytest.fixture
def copy(landed: Path, tmp_path: Path) -> Path:
    """A copy of the folder: loading writes reference snapshots into it."""
    shutil.copytree(landed, tmp_path / "copy")
    return tmp_path / "copy"


def test_the_landing_is_worth_the_trouble(landed: Path, expected: dict[str, Rows]) -> None:
    """Every source landed several answers for a slot, some of them bad; what changed is what the last one said."""
    keys = [PartKey.parse(key) for key in FolderStore(landed / "data").keys("landing/")]
    assert {key.source for key in keys} == set(SOURCES)
    assert len(keys) == 2 * 3 * len(SOURCES)
    assert {"ok", "partial"} <= {line["status"] for line in expected["collection_runs"]}
    assert expected["rejects"]
    last_round = sorted(key.attempt for key in keys)[-2 * len(SOURCES)]
    assert {"cities", "weather"} <= {name for name in SOURCES if _newest(name, expected) >= last_round}


def _newest(source: str, tables: dict[str, Rows]) -> datetime:
    """When the newest row of a source was fetched."""
    return max(row.get("fetched_at", EPOCH) for table in SOURCES[source].writes for row in tables[table])


def test_several_loaders_at_once_in_any_order_make_the_same_tables(
    engine: Engine, database_url: str, copy: Path, expected: dict[str, Rows]
) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GANS_")},
        "GANS_DATABASE_URL": database_url,
        "GANS_LANDING": str(copy / "data"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = (sys.executable, "-c", LOAD_ALL)
    loaders = [
        subprocess.Popen((*command, str(seed)), env=environment, stderr=subprocess.PIPE, text=True) for seed in range(LOADERS)
    ]
    errors = [loader.communicate(timeout=600)[1] for loader in loaders]
    assert [loader.returncode for loader in loaders] == [0] * LOADERS, "\n".join(errors)
    assert dump(engine) == expected


@pytest.mark.parametrize("seed", range(2))
def test_an_older_answer_that_comes_last_changes_nothing(
    engine: Engine, copy: Path, expected: dict[str, Rows], seed: int
) -> None:
    keys = sorted(FolderStore(copy / "data").keys("landing/"))
    newest_first = sorted(keys, key=lambda key: PartKey.parse(key).attempt, reverse=True)
    random.Random(seed).shuffle(keys)
    _load(copy, engine, newest_first if seed == 0 else keys)
    assert dump(engine) == expected
    _load(copy, engine, keys)
    assert dump(engine) == expected


def test_a_replay_of_everything_into_an_empty_database_makes_the_same_tables(
    engine: Engine, database_url: str, copy: Path, gans: Gans, expected: dict[str, Rows]
) -> None:
    gans.set(GANS_DATABASE_URL=database_url, GANS_LANDING=str(copy / "data"))
    for source in reversed(SOURCES):
        if not SOURCES[source].retention:
            assert "parts" in gans("replay", source).out
    assert "parts" in gans("load").out, "what may not be replayed is loaded once"
    assert dump(engine) == expected
    assert "Nothing waits" in gans("load").out
