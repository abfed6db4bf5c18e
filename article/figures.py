"""Every figure of the article by its name: out of the benchmarks, the code, and queries of the demo's database.

In the text a figure stands between marks that a reader does not see: `<!--fig upsert.fresh.to_sql.ratio-->2.6<!--/fig-->`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Engine, text

from benchmarks import report
from benchmarks.side_by_side import Result
from gans.database.views import view_texts
from gans.decisions import placement
from gans.decisions.placement import TARGET_PCT, PlacementRequest
from gans.lifecycle.propose import propose
from gans.sources import asked
from gans.tables import metadata
from local.generate.answers import NOW
from local.simulator.faults import FAULTS

ARTICLE: Final = Path(__file__).parent / "README.md"
ROOT: Final = ARTICLE.parent.parent
SCOOTERS: Final = 40

_FIGURE: Final = re.compile(r"(<!--fig (?P<name>.+?)-->).*?(<!--/fig-->)")

_TABLES: Final = {"benchmarks": report.README, "costs": ROOT / "docs" / "aws.md"}
"""The pages whose tables are figures, a cell each."""

_MORNING = "FROM station_hours WHERE system_id = 'velib' AND hour_of_week = 9"  # Monday, 09:00 to 10:00
_NOW = "FROM station_deficits WHERE system_id = 'velib'"

_QUERIES: Final = {
    "cities": "SELECT COUNT(*) FROM cities WHERE is_watched = 1",
    "forecasts": "SELECT COUNT(*) FROM weather_forecasts",
    "flight numbers": "SELECT COUNT(*) FROM flights",
    "flights": "SELECT COUNT(*) FROM operating_flights",
    "numbers of one flight": "SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM flights"
    " GROUP BY arrival_icao, scheduled_at, departure_icao, departure_name HAVING SUM(is_codeshare = 0) = 1) AS sold",
    "vehicles": f"SELECT SUM(vehicles_mean) {_MORNING}",
    "taken": f"SELECT SUM(vehicles_taken) {_MORNING}",
    "never missed": f"SELECT SUM(vehicles_min) {_MORNING}",
    "never missed, %": f"SELECT 100 * SUM(vehicles_min) / SUM(vehicles_mean) {_MORNING}",
    "ran dry": f"SELECT COUNT(*) {_MORNING} AND minutes_empty > 0",
    "stations": f"SELECT COUNT(*) {_NOW}",
    "short": f"SELECT COUNT(*) {_NOW} AND deficit > 0",
    "deficit": f"SELECT SUM(deficit) {_NOW}",
}
"""What is asked of the demo's database."""


def rewritten(text: str, known: Mapping[str, str]) -> str:
    """The text with every figure as it is known.

    Raises:
        LookupError: one is not known, and where it would come from.
    """

    def known_now(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in known:
            raise LookupError(
                f"There is no figure {name!r}: results of `make bench` are `<benchmark>.ours|peer|ratio`, cells of "
                f"{', '.join(_TABLES)} `<page>: <row> | <column>`, others as in {__name__}."
            )
        return f"{found[1]}{known[name]}{found[3]}"

    return _FIGURE.sub(known_now, text)


def figures(demo: Engine) -> dict[str, str]:
    """Every figure, as it stands in a sentence, by its name.

    Args:
        demo: the demo's database (`local.generate.answers`).
    """
    pages = {page: path.read_text(encoding="utf-8") for page, path in _TABLES.items()}
    return {
        **dict(_of_results()),
        **{f"{page}: {name}": cell for page, text in pages.items() for name, cell in _cells(text)},
        **dict(_of_code()),
        **dict(_of_demo(demo)),
    }


def _of_results() -> Iterator[tuple[str, str]]:
    for result in msgspec.json.decode(report.JSON.read_bytes(), type=list[Result]):
        for name in ("ours", "peer", "ratio"):
            yield f"{result.name}.{name}", _rounded(getattr(result, name))


def _cells(page: str) -> Iterator[tuple[str, str]]:
    """Every cell of the tables of a page, as `<its row's first cell> | <heading>`; of two with one name, the last counts."""
    headings: list[str] = []
    for line in page.splitlines():
        cells = [cell.strip(" *") for cell in re.sub(r"[*`]", "", line).split("|")[1:-1]]
        if not cells:
            headings = []
        elif not headings:
            headings = cells
        else:
            yield from ((f"{cells[0]} | {heading}", cell) for heading, cell in zip(headings[1:], cells[1:], strict=True))


def _of_code() -> Iterator[tuple[str, str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    counted = {"sources": asked(), "tables": metadata.tables, "views": view_texts(), "contracts": contracts, "faults": FAULTS}
    for name, found in counted.items():
        yield f"code.{name}", str(len(found))
    yield "code.target_pct", str(TARGET_PCT)


def _of_demo(demo: Engine) -> Iterator[tuple[str, str]]:
    with demo.connect() as connection:
        for name, query in _QUERIES.items():
            yield f"demo.{name}", f"{connection.scalar(text(query)):,.0f}"
    placed = propose(demo, placement.decision, "velib", PlacementRequest(scooters=SCOOTERS), NOW + timedelta(minutes=1)).answer
    yield "demo.spots", str(len(placed.spots))
    yield "demo.scooters", str(SCOOTERS)


def _rounded(value: float) -> str:
    """To two digits that count: 40,000; 2.6."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.2g}"
