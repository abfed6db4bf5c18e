"""A large Wikipedia article to its row, against BeautifulSoup on the whole page, which only builds the tree."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

from bs4 import BeautifulSoup

from benchmarks.side_by_side import Benchmark, Suite, seconds
from gans.source import Capture, Row
from gans.sources.cities import parse

PAGES = {"berlin": ("de", "de_Berlin_vector2022.html"), "bengaluru": ("en", "en_2026_Bengaluru_vector2022.html")}
"""Name → language and file: two articles of more than 500 KB among the captures."""

ROUNDS = 9
TARGET = 10.0


@contextmanager
def suite() -> Iterator[Suite]:
    """The articles in `$GANS_CAPTURES/wikipedia`."""
    captures = os.environ.get("GANS_CAPTURES")
    if not captures:
        yield Suite(why_none="GANS_CAPTURES is not set: it names the folder of recorded answers, where the articles are")
        return
    folder = Path(captures, "wikipedia").resolve(strict=True)
    benchmarks = [_benchmark(name, language, (folder / file).read_bytes()) for name, (language, file) in PAGES.items()]
    yield Suite(benchmarks, {package: version(package) for package in ("beautifulsoup4", "lxml")})


def _benchmark(name: str, language: str, page: bytes) -> Benchmark:
    return Benchmark(
        name=f"pages.{name}.beautifulsoup",
        unit="pages/s",
        amount=1,
        ours=partial(seconds, partial(_row, language, page)),
        peer=partial(seconds, partial(BeautifulSoup, page, "html.parser")),
        peer_name="BeautifulSoup, html.parser",
        target=TARGET,
        rounds=ROUNDS,
    )


def _row(language: str, page: bytes) -> Row:
    """The row of the article; it has a name, a country and coordinates, or this is no fair run."""
    now = datetime.now(UTC)
    context = {"city_id": 1, "language": language, "title": ""}
    capture = Capture(unit="1", url="https://wikipedia.test/", status=200, slot=now, fetched_at=now, context=context, body=page)
    city, *_ = parse(capture)
    assert isinstance(city, Row)
    assert all(city.values[column] is not None for column in ("name", "country_code", "latitude", "longitude"))
    return city
