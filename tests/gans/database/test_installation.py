"""A landing and a database belong together or are refused, and what is simulated never meets what is real."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from gans.database.engine import open_engine
from gans.database.installation import agree
from gans.errors import ConfigError
from gans.settings import Settings
from gans.storage.identity import KEY, read_identity
from gans.storage.store import FolderStore
from gans.tables import collection_runs, installation

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PART = "landing/cities/20261121T000000.000000Z/20261121T000000.000000Z/0001.ndjson.gz"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "one")


def run_was_loaded(engine: Engine) -> None:
    counts = dict.fromkeys(("requests", "bytes_received", "units_planned", "units_failed", "rows_offered", "rows_rejected"), 0)
    run = {"source": "cities", "slot_at": NOW, "attempt_at": NOW, "part": 1, "status": "ok", **counts}
    with engine.begin() as connection:
        connection.execute(
            collection_runs.insert(), {**run, "missing": "{}", "landing_key": PART, "code_version": "0", "loaded_at": NOW}
        )


def test_a_new_landing_and_a_new_database_get_one_identity_at_first_use(store: FolderStore, engine: Engine) -> None:
    agree(store, engine, "one", asks_simulated=None)
    assert read_identity(store) is None, "nothing is there, and nothing comes"
    agree(store, engine, "one", asks_simulated=True)
    identity = read_identity(store)
    assert identity is not None
    assert identity.is_simulated
    with engine.connect() as connection:
        assert connection.execute(select(installation)).all() == [(1, identity.id, True)]
    for asks in (True, None):
        agree(store, engine, "one", asks_simulated=asks)
    assert read_identity(store) == identity


@pytest.mark.parametrize("is_simulated", [False, True])
def test_the_other_upstreams_are_refused(store: FolderStore, engine: Engine, is_simulated: bool) -> None:
    agree(store, engine, "one", asks_simulated=is_simulated)
    with pytest.raises(ConfigError, match=r"GANS_LANDING=one holds answers of .*set GANS_SIMULATOR_URL, or set GANS_LANDING"):
        agree(store, engine, "one", asks_simulated=not is_simulated)


@pytest.mark.databases("sqlite")
def test_what_was_there_before_identities_is_real(store: FolderStore, engine: Engine, tmp_path: Path) -> None:
    store.write(PART, b"")
    with pytest.raises(ConfigError, match="GANS_LANDING=one holds answers of the real upstreams"):
        agree(store, engine, "one", asks_simulated=True)
    run_was_loaded(engine)
    with pytest.raises(ConfigError, match=r"GANS_DATABASE_URL=sqlite:.* holds answers of the real upstreams"):
        agree(FolderStore(tmp_path / "new"), engine, "new", asks_simulated=True)
    agree(store, engine, "one", asks_simulated=None)
    identity = read_identity(store)
    assert identity is not None
    assert not identity.is_simulated


@pytest.mark.databases("sqlite")
def test_a_landing_and_a_database_of_another_kind_are_refused(store: FolderStore, engine: Engine, tmp_path: Path) -> None:
    agree(store, engine, "one", asks_simulated=True)
    real = FolderStore(tmp_path / "real")
    real.write(PART, b"")
    with pytest.raises(ConfigError, match=r"GANS_LANDING=real holds .*real upstreams, and GANS_DATABASE_URL=.* simulated"):
        agree(real, engine, "real", asks_simulated=None)
    assert read_identity(real) is None
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(installation)) == 1


@pytest.mark.databases("sqlite")
def test_a_database_takes_one_landing_and_a_lost_one_may_begin_anew(store: FolderStore, engine: Engine, tmp_path: Path) -> None:
    agree(store, engine, "one", asks_simulated=False)
    begun_anew = FolderStore(tmp_path / "anew")
    agree(begun_anew, engine, "anew", asks_simulated=False)
    assert begun_anew.read(KEY) == store.read(KEY)
    other = FolderStore(tmp_path / "other")
    other.write(KEY, b'{"id": "another", "is_simulated": false}')
    with pytest.raises(ConfigError, match="was loaded from another landing than GANS_LANDING=other"):
        agree(other, engine, "other", asks_simulated=False)


@pytest.mark.parametrize("data", [b"", b"{", b'{"id": 1}'])
def test_an_identity_that_cannot_be_read_is_said(store: FolderStore, data: bytes) -> None:
    store.write(KEY, data)
    with pytest.raises(ConfigError, match=r"state/identity\.json of the landing cannot be read"):
        read_identity(store)


@pytest.fixture
def full(tmp_path: Path, migrated_file: Path) -> Iterator[Engine]:
    """A database that takes nothing more."""
    (tmp_path / "full.db").write_bytes(migrated_file.read_bytes())
    engine = open_engine(Settings(database_url=f"sqlite:///{tmp_path}/full.db"))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON installation BEGIN SELECT RAISE(FAIL, 'disk is full'); END"
        )
    yield engine
    engine.dispose()


def test_a_database_that_takes_nothing_now_keeps_nobody_from_landing(store: FolderStore, full: Engine) -> None:
    agree(store, full, "one", asks_simulated=False)
    assert read_identity(store) is not None
