"""The map page in a real browser, against a bare Streamlit script that draws as many dots from memory.

1,450 stations, as many as Vélib' has, with their status, in SQLite: the page reads them, their needs and what their neighbours
can lend, chooses the spots for 40 scooters, and draws. The peer reads nothing and says nothing.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import Browser, Page
from sqlalchemy import update

from benchmarks.side_by_side import Benchmark, Suite
from gans.clock import utc_now
from gans.database.engine import open_engine
from gans.settings import Settings
from gans.tables.mobility import station_status
from local import watchlist
from local.generate.browser import browser
from local.pipeline import Pipeline
from local.servers.dashboard import served
from local.simulator import Simulator

BARE = """
import json, time
import pydeck as pdk
import streamlit as st

@st.fragment(run_every="60s")
def page():
    dots = json.load(open({dots!r}))
    layer = pdk.Layer("ScatterplotLayer", data=dots, get_position="at", get_radius=60, get_fill_color=[158, 176, 196])
    at = pdk.ViewState(latitude=48.86, longitude=2.35, zoom=11.5)
    st.pydeck_chart(pdk.Deck(layers=[layer], map_provider=None, initial_view_state=at), height=560)
    st.text(f"{{len(dots)}} stations, {{time.time()}} ago")

page()
"""
KEPT_S = 21
"""For how long the page keeps what it read last, and a little more."""
ROUNDS = 4


@contextmanager
def suite() -> Iterator[Suite]:
    """Both pages, each served by its own Streamlit."""
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        dots = _fill(Path(folder))
        (Path(folder) / "dots.json").write_bytes(msgspec.json.encode(dots))
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE.format(dots=str(Path(folder) / "dots.json")))
        url = f"sqlite:///{folder}/gans.db"
        with served(url) as ours, served(url, bare) as peer:
            yield Suite(
                [
                    _benchmark("first_paint", partial(_first_paint, chromium, ours), partial(_first_paint, chromium, peer)),
                    _benchmark(
                        "refresh",
                        partial(_refresh, chromium, ours, partial(_renew, url)),
                        partial(_refresh, chromium, peer, lambda: None),
                    ),
                ],
                {package: version(package) for package in ("streamlit", "pydeck")} | {"Chromium": chromium.version},
            )


def _benchmark(name: str, ours: Any, peer: Any) -> Benchmark:
    return Benchmark(
        name=f"dashboard.{name}.bare",
        unit="pages/s",
        amount=1,
        ours=ours,
        peer=peer,
        peer_name="bare Streamlit, 1,450 dots",
        target=0.5,
        rounds=ROUNDS,
    )


def _fill(folder: Path) -> list[dict[str, Any]]:
    """Vélib' as the simulator has it, collected and loaded; its stations as dots."""
    with Simulator() as simulator:
        settings = Settings(
            database_url=f"sqlite:///{folder}/gans.db",
            landing=str(folder),
            watchlist=folder / "watchlist.toml",
            simulator_url=simulator.url,
        )
        pipeline = Pipeline(settings)
        pipeline.prepare()
        (velib,) = (system for system in simulator.world.systems() if system["system_id"] == "velib")
        where = velib.get("url") or velib["catalogue_id"]
        watchlist.add_system(pipeline.store, settings.watchlist_file, "velib", where, "gbfs", None, velib["ttl_s"])
        for name in ("systems_catalogue", "stations", "station_status"):
            source = pipeline.asked()[name]
            pipeline.run(source, source.schedule.slot(utc_now()))
        with pipeline.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT longitude, latitude FROM stations").all()
    pipeline.engine.dispose()
    return [{"at": [row.longitude, row.latitude]} for row in rows]


@contextmanager
def _opened(chromium: Browser, url: str) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    try:
        yield context.new_page()
    finally:
        context.close()


def _drawn(page: Page) -> None:
    page.wait_for_selector('[data-testid="stDeckGlJsonChart"] canvas')
    page.wait_for_selector("text=stations, ")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _first_paint(chromium: Browser, url: str) -> float:
    """From the address to two frames after the canvas and its words are there, in a browser that has kept nothing."""
    with _opened(chromium, url) as page:
        began = time.perf_counter()
        page.goto(url)
        _drawn(page)
        return time.perf_counter() - began


def _refresh(chromium: Browser, url: str, renew: Callable[[], None]) -> float:
    """From the minute's end to the time of a newer status on the page, read anew from the database."""
    with _opened(chromium, url) as page:
        page.clock.install()
        page.goto(url)
        _drawn(page)
        age = page.get_by_text(" ago").first
        before = age.inner_text()
        renew()
        time.sleep(KEPT_S)
        began = time.perf_counter()
        page.clock.run_for(61_000)
        while age.inner_text() == before:
            time.sleep(0.01)
        return time.perf_counter() - began


def _renew(url: str) -> None:
    """A newer status of all stations."""
    engine = open_engine(Settings(database_url=url))
    with engine.begin() as connection:
        connection.execute(update(station_status).values(fetched_at=utc_now()))
    engine.dispose()
