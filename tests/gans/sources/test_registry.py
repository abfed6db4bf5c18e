"""The registry: every source, writers before readers."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from gans.schedule import every
from gans.source import CollectedSource, Reference, Request
from gans.sources import _in_order, registry


def _source(name: str, *, reads: tuple[str, ...] = (), writes: tuple[str, ...] = ()) -> CollectedSource:
    def plan(reference: Reference, slot: datetime) -> Iterator[Request]:
        return iter(())

    return CollectedSource(
        name=name, provider="", docs="", licence="", schedule=every(hours=1), stale_after=timedelta(hours=1), hosts=(),
        reads=reads, writes=writes, plan=plan, parse=lambda capture: iter(()),
    )  # fmt: skip


def test_writers_run_before_their_readers() -> None:
    sources = [
        _source("a_flights", reads=("city_airports",), writes=("flights",)),
        _source("b_links", reads=("cities", "airports"), writes=("city_airports",)),
        _source("c_airports", writes=("airports",)),
        _source("d_cities", reads=("watched_cities", "cities"), writes=("cities",)),
        _source("e_free"),
    ]
    expected = ["c_airports", "d_cities", "b_links", "a_flights", "e_free"]
    assert [source.name for source in _in_order(sources)] == expected
    assert [source.name for source in _in_order(sources[::-1])] == expected


def test_sources_that_read_each_other_still_all_run() -> None:
    circle = [_source("a", reads=("y",), writes=("x",)), _source("b", reads=("x",), writes=("y",))]
    assert [source.name for source in _in_order(circle)] == ["a", "b"]


def test_the_registry_knows_its_sources_in_order() -> None:
    known = list(registry())
    assert {"cities", "weather"} <= set(known)
    assert known.index("cities") < known.index("weather")
    assert all(name == source.name and not name.startswith("_") for name, source in registry().items())
