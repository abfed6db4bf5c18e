"""What the tests of survival share: the upstreams, the command, and what stands in a database afterwards.

They run over the registry, so that a new source is taken up by itself.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from sqlalchemy import Engine, select

from gans.collect import http
from gans.database.upsert import newest_by
from gans.sources import asked
from gans.storage.store import FolderStore
from gans.tables import collection_runs, installation, metadata, rejects
from local import pipeline, watchlist
from local.cli import main
from local.cli.commands import collect, decide, maintain, serve
from local.simulator import Simulator, World

NOW = datetime(2026, 3, 28, 13, 17, tzinfo=UTC)
"""What time it is for the command and for the upstreams; summer time begins in Europe the night after."""

KEYS = {source.secret.setting: "k3y" for source in asked().values() if source.secret and source.secret.is_required}
"""The simulator takes any key."""

Rows = list[dict[str, Any]]


class Output(NamedTuple):
    """What the command said."""

    code: int
    out: str
    err: str


class Gans:
    """The command, in a folder of its own, with upstreams and a clock that stands."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.monkeypatch, self._capsys = folder, monkeypatch, capsys
        for name in list(os.environ):
            if name.startswith("GANS_"):
                monkeypatch.delenv(name)
        self.set(**KEYS, COLUMNS="200")
        monkeypatch.chdir(folder)
        for command in (collect, decide, maintain, serve):
            monkeypatch.setattr(command, "utc_now", lambda: NOW)

    def set(self, **environment: str) -> None:
        """Sets environment variables."""
        for name, value in environment.items():
            self.monkeypatch.setenv(name, value)

    def __call__(self, *arguments: str) -> Output:
        """Runs it in this process; a traceback fails the test."""
        self.monkeypatch.setattr(sys, "argv", ["gans", *arguments])
        self._capsys.readouterr()
        try:
            main.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        output = Output(code, *self._capsys.readouterr())
        assert "Traceback" not in output.out + output.err
        return output

    def watch(self, world: World) -> None:
        """Watches the cities of a world."""
        write_watchlist(self.folder, world)


def write_watchlist(folder: Path, world: World) -> None:
    """`watchlist.toml` with the cities of a world, and the smaller of its shared-mobility systems."""
    target = FolderStore(folder / "data"), folder / "watchlist.toml"
    for city in world.cities:
        watchlist.add(*target, city.language, city.title)
    watchlist.add_system(*target, "testville", "testville", "gbfs", 1, None)


@pytest.fixture
def gans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gans:
    return Gans(tmp_path, monkeypatch, capsys)


@pytest.fixture
def simulator(gans: Gans) -> Iterator[Simulator]:
    """Three watched cities and their upstreams."""
    with Simulator(cities=3, clock=lambda: NOW) as running:
        gans.set(GANS_SIMULATOR_URL=running.url)
        gans.watch(running.world)
        yield running


def grown(world: World) -> None:
    """Lets the cities of a world grow, so that its upstreams say something new."""
    world.cities = tuple(
        replace(city, population=city.population + 1_000, elevation_m=city.elevation_m + 1) for city in world.cities
    )
    world._by_title = {(language, title): city for city in world.cities for language, title in city.titles.items()}


def hurried(monkeypatch: pytest.MonkeyPatch, read_s: float = 20.0, tries: int = 2) -> None:
    """Waits that are no part of a test are short: between two tries, and for an upstream that is silent or slow.

    Args:
        read_s: how long an upstream may be silent; what it sends may take twice as long as a whole.
    """
    for name, value in {"READ_S": read_s, "TRY_S": 2 * read_s, "BACKOFF_S": 0.0, "LONGEST_WAIT_S": 0.0, "TRIES": tries}.items():
        monkeypatch.setattr(http, name, value)
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 2 * 1024 * 1024)
    unpaced = {name: msgspec.structs.replace(source, pause=timedelta(0)) for name, source in asked().items()}
    monkeypatch.setattr(pipeline, "registry", lambda: unpaced)


def dump(engine: Engine) -> dict[str, Rows]:
    """Every row that was loaded; the ledger without what tells of its loading (see "Writes" in the design)."""
    found = {}
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            if table is installation:
                continue
            left_out = ("loaded_at", "code_version") if table is collection_runs else ()
            columns = [column for column in table.columns if column.name not in left_out]
            rows = [dict(row) for row in connection.execute(select(*columns)).mappings()]
            found[str(table.name)] = sorted(rows, key=repr)
    return found


def content(engine: Engine) -> dict[str, Rows]:
    """What the tables tell of the world, whenever it was fetched and however often: no ledger, no rejects, no versions."""
    kept = {name: rows for name, rows in dump(engine).items() if name not in (collection_runs.name, rejects.name)}
    versions = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if newest_by(table, column.name) == column.name
    }
    versions |= {("station_status", name) for name in ("local_hour_of_week", "hour_of_week")}  # of when it was fetched
    return {
        name: sorted(({key: value for key, value in row.items() if (name, key) not in versions} for row in rows), key=repr)
        for name, rows in kept.items()
    }


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the tests tell of how much they tried; with several workers too, where nothing that they print is shown."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "tried" and report.when == "call":
                terminalreporter.write_line(f"{value}, {report.duration:.0f} s")
