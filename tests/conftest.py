"""What all tests share: real databases, one empty schema per test on each, and the real captures where they are at hand.

SQLite needs nothing. MariaDB and MySQL are started once for the whole run (see `local/servers/mysql.py`) and stopped at its end;
`GANS_TEST_MYSQL_URL` and `GANS_TEST_MARIADB_URL` name servers that run already. `--databases sqlite` is the quick run.
"""

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from xdist.scheduler import LoadScopeScheduling

from gans.database import migrate
from gans.database.engine import open_engine
from gans.settings import Settings
from gans.tables import metadata
from local.generate.answers import Answer, answers, demo_database
from local.servers import mysql

DATABASES = ("sqlite", "mariadb", "mysql")


def _variable(database: str) -> str:
    return f"GANS_TEST_{database.upper()}_URL"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--databases", default=",".join(DATABASES), help="the databases to test on (default: %(default)s)")


def _chosen(config: pytest.Config) -> list[str]:
    chosen = str(config.getoption("--databases")).split(",")
    if unknown := set(chosen) - set(DATABASES):
        raise pytest.UsageError(f"--databases: {', '.join(sorted(unknown))}? Known: {', '.join(DATABASES)}")
    return chosen


def pytest_sessionstart(session: pytest.Session) -> None:
    """Starts the servers, once, before any worker asks for them: a missing server fails the run instead of skipping tests."""
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    flavours: tuple[mysql.Flavour, ...] = ("mariadb", "mysql")
    for flavour in flavours:
        if flavour in _chosen(config) and not os.environ.get(_variable(flavour)):
            server = mysql.start(flavour, throwaway=True, on_progress=lambda line: print(line, flush=True))  # noqa: T201
            os.environ[_variable(flavour)] = server.url
            config.add_cleanup(partial(mysql.stop, server.home))


TOGETHER = {
    "tests/schema/test_dictionary.py": "demo",
    "tests/schema/test_queries.py": "demo",
    "tests/test_article.py": "demo",
}
"""Files whose tests share what takes long to make, the demo's database, by what they share."""


class _Scheduling(LoadScopeScheduling):
    """Any test on any worker, but those on one, in their order, that share what they have deployed or filled."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith(("tests/aws/", "tests/notebooks/")) else TOGETHER.get(file, nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling:
    return _Scheduling(config, log)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("databases")
        chosen = [database for database in _chosen(metafunc.config) if only is None or database in only.args]
        metafunc.parametrize("database", chosen, scope="session")


@pytest.fixture(scope="session")
def database_url(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database of this worker's own."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('database')}/gans.db"
        return
    name = f"gans_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    server = create_engine(os.environ[_variable(database)])
    with server.begin() as connection:
        connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"))
    yield f"{os.environ[_variable(database)]}{name}"
    with server.begin() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    server.dispose()


@pytest.fixture(scope="session")
def migrated(database_url: str) -> Iterator[Engine]:
    engine = open_engine(Settings(database_url=database_url))
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(migrated: Engine) -> Iterator[Engine]:
    """A database at the newest revision, with nothing in it but what the migrations fill, on each kind of server in turn."""
    yield migrated
    with migrated.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("countries", "weather_conditions"):
                connection.execute(table.delete())


@pytest.fixture(scope="session")
def demo() -> Iterator[Engine]:
    """The demo's database as at a fixed instant, filled once for all tests that read it."""
    with demo_database() as engine:
        yield engine


@pytest.fixture(scope="session")
def demo_answers(demo: Engine) -> Mapping[str, Answer]:
    """What each query answers there, by its name."""
    return answers(demo)


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of real answers; the tests that read them say so where it is absent."""
    folder = os.environ.get("GANS_CAPTURES", "")
    if not folder:
        pytest.skip("GANS_CAPTURES is not set: it names the folder of recorded real answers")
    return Path(folder).resolve(strict=True)
