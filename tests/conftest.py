"""What all tests share: real databases, one empty schema per test on each, and the real captures where they are at hand.

SQLite needs nothing. MariaDB and MySQL are started once for the whole run (see `local/servers/mysql.py`) and stopped at its end;
`GANS_TEST_MYSQL_URL` and `GANS_TEST_MARIADB_URL` name servers that run already. `--databases sqlite` is the quick run.
"""

import csv
import fcntl
import os
import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import boto3
import pytest
from moto import mock_aws
from sqlalchemy import Engine, create_engine, exists, literal, make_url, select, text, union_all
from xdist.scheduler import LoadScopeScheduling

from gans.database import migrate, revisions
from gans.database.engine import open_engine, open_reader
from gans.database.views import SCHEMA
from gans.settings import Settings
from gans.storage.store import S3Store, open_store
from gans.tables import metadata
from local import demo as demos
from local.console import out
from local.generate.answers import NOW, Answer, answers
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
    "tests/aws/": "aws",
    "tests/dashboard/": "dashboard",
    "tests/infra_cdk/": "cdk",
    "tests/lambdas/test_survival.py": "killable",
    "tests/notebooks/": "notebooks",
    "tests/survival/test_kills.py::test_a_database_killed": "killable",
    "tests/schema/test_dictionary.py": "demo",
    "tests/schema/test_queries.py": "demo",
    "tests/test_article.py": "demo",
}
"""Tests that share what takes long to make, by how their names begin, and the name of what they share."""


class _Scheduling(LoadScopeScheduling):
    """Any test on any worker, but those on one, in their order, that share what they have deployed, served or filled."""

    def _split_scope(self, nodeid: str) -> str:
        return next((shared for beginning, shared in TOGETHER.items() if nodeid.startswith(beginning)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling:
    return _Scheduling(config, log)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("databases")
        chosen = [database for database in _chosen(metafunc.config) if only is None or database in only.args]
        metafunc.parametrize("database", chosen, scope="session")


Once = Callable[[str, Callable[[Path], Any]], tuple[Path, Any]]


@pytest.fixture(scope="session")
def once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Makes something once for all workers of a run: the first to ask makes it, in a folder that all only read.

    Returns:
        What gives, for a name and what is to be done in the empty folder, the folder and what that returned.
    """
    base = tmp_path_factory.getbasetemp()
    # Not the environment: a run within a test inherits that, and would share the folder with every other such run.
    shared = (base.parent if hasattr(request.config, "workerinput") else base) / "once"
    shared.mkdir(exist_ok=True)

    @cache
    def find(name: str, make: Callable[[Path], Any]) -> tuple[Path, Any]:
        folder, told = shared / name, shared / f"{name}.pickle"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not told.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of one that failed
                folder.mkdir()
                told.write_bytes(pickle.dumps(make(folder)))
        return folder, pickle.loads(told.read_bytes())

    return find


def _migrate(folder: Path) -> None:
    engine = open_engine(Settings(database_url=f"sqlite:///{folder}/gans.db"))
    migrate.upgrade(engine)
    engine.dispose()  # the last connection that closes leaves one file


@pytest.fixture(scope="session")
def migrated_file(once: Once) -> Path:
    """An SQLite database at the newest revision, to be copied."""
    return once("migrated", _migrate)[0] / "gans.db"


@contextmanager
def _opened(database: str, folder: Path, migrated_file: Path) -> Iterator[Engine]:
    """A database of this worker's own at the newest revision."""
    if database == "sqlite":
        shutil.copy(migrated_file, folder / "gans.db")
        engine = open_engine(Settings(database_url=f"sqlite:///{folder}/gans.db"))
        yield engine
        engine.dispose()
        return
    name = f"gans_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    server = create_engine(os.environ[_variable(database)])
    with server.begin() as connection:
        connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"))
    engine = open_engine(Settings(database_url=f"{os.environ[_variable(database)]}{name}"))
    migrate.upgrade(engine)
    yield engine
    engine.dispose()
    with server.begin() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    server.dispose()


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Callable[[str], Engine]]:
    """Opens this worker's database of each kind: migrated once, however often the tests go from one kind to another."""
    with ExitStack() as opened:

        @cache
        def find(database: str) -> Engine:
            return opened.enter_context(_opened(database, tmp_path_factory.mktemp("database"), migrated_file))

        yield find


@pytest.fixture(scope="session")
def migrated(database: str, databases: Callable[[str], Engine]) -> Engine:
    """This worker's database, which `engine` empties after each test."""
    return databases(database)


@pytest.fixture(scope="session")
def database_url(migrated: Engine) -> str:
    """Its URL."""
    return migrated.url.render_as_string(hide_password=False)


_WRITTEN = [table for table in metadata.sorted_tables if table.name not in ("countries", "weather_conditions")]
_FILLED = union_all(*(select(literal(table.name)).where(exists().select_from(table)) for table in _WRITTEN))


@pytest.fixture
def engine(migrated: Engine) -> Iterator[Engine]:
    """A database at the newest revision, with nothing in it but what the migrations fill, on each kind of server in turn."""
    yield migrated
    with migrated.begin() as connection:
        filled = set(connection.scalars(_FILLED))
        for table in reversed(_WRITTEN):
            if table.name in filled:
                connection.execute(table.delete())


@pytest.fixture
def empty(database: str, database_url: str, tmp_path: Path) -> Iterator[Engine]:
    """A database with nothing in it, of this test's own."""
    url = make_url(database_url)
    name = f"{url.database}_empty"
    server = create_engine(url)
    if database == "sqlite":
        url = url.set(database=str(tmp_path / "empty.db"))
    else:
        with server.begin() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        url = url.set(database=name)
    engine = open_engine(Settings(database_url=url.render_as_string(hide_password=False)))
    yield engine
    engine.dispose()
    if database != "sqlite":
        with server.begin() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
    server.dispose()


@pytest.fixture
def more_revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str]], None]:
    """Makes this code that knows some revisions more, by name what each does, until `monkeypatch.undo()`."""

    def add(upgrades: Mapping[str, str]) -> None:
        schema, before = shutil.copytree(SCHEMA, tmp_path / "schema"), revisions.head()
        for name, upgrade in upgrades.items():
            lines = "import sqlalchemy as sa\nfrom alembic import op\n\n", f'revision = "{name}"\ndown_revision = "{before}"\n\n'
            body = indent(dedent(upgrade).strip(), "    ")
            text = f"{''.join(lines)}def upgrade():\n{body}\n\n\ndef downgrade():\n    pass\n"
            (schema / f"migrations/versions/{name}.py").write_text(text)
            before = name
        monkeypatch.setattr(revisions, "SCHEMA", schema)

    return add


@pytest.fixture(scope="session")
def killable(request: pytest.FixtureRequest) -> Iterator[mysql.Server]:
    """A MySQL server that may be killed."""
    if "mysql" not in _chosen(request.config):
        pytest.skip("mysql is not among --databases")
    server = mysql.start("mysql", throwaway=True)
    yield server
    mysql.stop(server.home)


@cache
def fixed_keys() -> Mapping[str, set[Any]]:
    """The keys of the tables that the migrations fill, from the files that they are filled from."""
    keys = {}
    for path in (SCHEMA / "migrations/data").glob("*.csv"):
        (key,) = metadata.tables[path.stem].primary_key
        with path.open(newline="", encoding="utf-8") as file:
            keys[path.stem] = {key.type.python_type(row[key.name]) for row in csv.DictReader(file)}
    return keys


def _fill(folder: Path) -> None:
    with out.capture():
        demos.run(demos.settings_for_demo(Settings(), folder), NOW).engine.dispose()


@pytest.fixture(scope="session")
def demo_folder(once: Once) -> Path:
    """What the demo leaves behind as at a fixed instant, `NOW`, of ten cities: a database, and all that was landed."""
    return once("demo", _fill)[0]


@pytest.fixture(scope="session")
def demo(demo_folder: Path) -> Iterator[Engine]:
    """Its database, to be read."""
    engine = open_reader(demos.settings_for_demo(Settings(), demo_folder))
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def demo_answers(demo: Engine) -> Mapping[str, Answer]:
    """What each query answers there, by its name."""
    return answers(demo)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    """An empty bucket `gans-landing`, which the calls of the test reach."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="gans-landing")
        store = open_store("s3://gans-landing")
        assert isinstance(store, S3Store)
        yield store


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of real answers; the tests that read them say so where it is absent."""
    folder = os.environ.get("GANS_CAPTURES", "")
    if not folder:
        pytest.skip("GANS_CAPTURES is not set: it names the folder of recorded real answers")
    return Path(folder).resolve(strict=True)
