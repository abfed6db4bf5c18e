"""The dashboard as it is served, as a user who may only read, and a browser that looks at it; pages without one, everywhere."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest
import streamlit as st
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, insert
from sqlalchemy.engine import make_url
from streamlit.testing.v1 import AppTest

from dashboard import database as of_pages
from gans.database.grants import grant_read_only
from gans.secrets import Login
from gans.tables import metadata
from local.generate import browser as chromium
from local.servers.dashboard import served

WITHIN_MS = 300_000
"""How long anything may take, on a busy machine too: what is looked for, a click, a page that is drawn."""


@pytest.fixture(scope="session")
def browser(database: str) -> Iterator[Browser]:
    """For the tests on one database: it takes time as long as it is open, also where nobody looks."""
    with chromium.browser() as found:
        yield found


@pytest.fixture(scope="session")
def reader_url(migrated: Engine, database_url: str) -> Iterator[str]:
    """The same database, for a user who may only read."""
    if migrated.dialect.name == "sqlite":
        yield database_url
        return
    reader = Login(f"dashboard_{os.getpid()}", "read-only")
    grant_read_only(migrated, reader)
    yield make_url(database_url).set(username=reader.username, password=reader.password).render_as_string(hide_password=False)
    with migrated.begin() as connection:
        connection.exec_driver_sql(f"DROP USER {reader.username}")


@pytest.fixture(scope="session")
def dashboard(reader_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where it is served; fails at its end where the server told of an error."""
    with (tmp_path_factory.mktemp("dashboard") / "log").open("w+") as log:
        with served(reader_url, log=log) as url:
            yield url
        log.seek(0)
        said = log.read()
    assert "Error" not in said, said


@pytest.fixture
def page(browser: Browser, dashboard: str) -> Iterator[Page]:
    """A page that fails the test where its console tells of an error, or where it asks anybody but the dashboard."""
    expect.set_options(timeout=WITHIN_MS)
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, base_url=dashboard)
    context.set_default_timeout(WITHIN_MS)
    found, wrong = context.new_page(), list[str]()
    found.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("request", lambda asked: None if asked.url.startswith((dashboard, "data:", "blob:")) else wrong.append(asked.url))
    yield found
    context.close()
    assert wrong == []


Draw = Callable[[str], AppTest]


@pytest.fixture
def draw(engine: Engine, reader_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Draw]:
    """Draws a page without a browser: what it asks of the database, and what it makes of the answers."""
    monkeypatch.setenv("GANS_DATABASE_URL", reader_url)
    st.cache_data.clear()
    st.cache_resource.clear()
    yield lambda page: AppTest.from_string(
        f"from dashboard.pages import {page}\n{page}.page()", default_timeout=WITHIN_MS / 1000
    ).run()
    of_pages.engine().dispose()
    st.cache_resource.clear()


def told(page: AppTest) -> str:
    """The text of a page that was drawn without an error of Python's, without marks and escapes."""
    assert not page.exception
    bodies = (element.proto.body for kind in ("markdown", "info", "error", "html", "alert") for element in page.get(kind))
    return re.sub(r"\\([!-/:-@\[-`{-~])|\u2060", r"\1", "\n".join(bodies).replace("**", ""))


def installed(engine: Engine, *, is_simulated: bool) -> None:
    """Says whether the database has what was simulated."""
    row = {"installation_id": 1, "landing_id": "0" * 32, "is_simulated": is_simulated}
    with engine.begin() as connection:
        connection.execute(insert(metadata.tables["installation"]), row)


def system(
    engine: Engine,
    name: str,
    vehicles: Mapping[str, int | None],
    fetched_at: datetime,
    hours: Mapping[datetime, Mapping[str, int]] | None = None,
    **told: Any,
) -> None:
    """A system with stations 400 m from each other, 20 docks each.

    Args:
        vehicles: what is at each station, by its name.
        hours: for how many minutes of a past hour it was empty, by the hour and the station.
    """
    of = {"system_id": name, "fetched_at": fetched_at}
    watched = {"watched_at": fetched_at, "discovered_at": fetched_at, "is_watched": True, "timezone": "Europe/Paris"}
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in ("systems", "stations", "station_status", "station_hours")}
    rows["systems"].append({**of, **watched, "name": name.capitalize(), **told})
    for number, (station, there) in enumerate(vehicles.items()):
        one = {**of, "station_id": station}
        rows["stations"].append({**one, "name": station, "latitude": 48.85 + number / 278, "longitude": 2.35, "capacity": 20})
        counts = {"vehicles_available": there, "docks_available": None if there is None else 20 - there}
        rows["station_status"].append({**one, **counts, "is_stale": False, "hour_of_week": 32})
        for hour, empty in (hours or {}).items():
            minutes = {"minutes_observed": 60, "minutes_empty": empty[station], "minutes_full": 0}
            means = {"vehicles_mean": 5.0, "vehicles_min": 0, "vehicles_max": 9, "docks_mean": 15.0}
            moves = {"vehicles_taken": 0, "vehicles_returned": 0, "hour_of_week": 32}
            rows["station_hours"].append({**one, "hour_at": hour, **minutes, **means, **moves})
    with engine.begin() as connection:
        for table, given in rows.items():
            if given:
                connection.execute(insert(metadata.tables[table]), given)
