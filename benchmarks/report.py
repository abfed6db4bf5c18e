"""The results as a table for people, in README.md too, and as JSON for machines."""

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from rich.table import Table

from benchmarks.side_by_side import Result

HERE = Path(__file__).parent
JSON = HERE / "results.json"
README = HERE / "README.md"
BEGIN, END = "<!-- results: written by `make bench` -->", "<!-- /results -->"
DEPLOYED = "<!-- deployed: written by `python -m benchmarks deployed` -->", "<!-- /deployed -->"
DEMAND = "<!-- demand: written by `python -m benchmarks demand` -->", "<!-- /demand -->"
QUERIES = "<!-- queries: written by `python -m benchmarks queries` -->", "<!-- /queries -->"

_HEADINGS = ("benchmark", "ours", "peer", "against", "unit", "ratio", "target", "holds")
_NUMBERS = ("ours", "peer", "ratio", "target")


class Listing(msgspec.Struct, frozen=True):
    """Figures that have no peer: the first column says of what."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def table(results: Iterable[Result]) -> Table:
    """The results, for a terminal."""
    shown = Table()
    for heading in _HEADINGS:
        shown.add_column(heading, no_wrap=heading == "benchmark", justify="right" if heading in _NUMBERS else "left")
    for result in results:
        shown.add_row(*_cells(result), style=None if result.holds else "bold red")
    return shown


def write(results: list[Result], versions: Mapping[str, str], json: Path = JSON, readme: Path = README) -> None:
    """Writes `json`, and the table in `readme` between its markers."""
    json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    text = f"{_machine(versions, datetime.now(UTC).date())}\n\n{_markdown(_HEADINGS, map(_cells, results))}"
    _put(text, readme, BEGIN, END)


def listed(listing: Listing) -> Table:
    """The figures, for a terminal."""
    shown = Table(title=listing.title, title_justify="left")
    for index, heading in enumerate(listing.headings):
        shown.add_column(heading, justify="right" if index else "left")
    for row in listing.rows:
        shown.add_row(*row)
    return shown


def write_listings(
    listings: Iterable[Listing], versions: Mapping[str, str], markers: tuple[str, str], readme: Path = README
) -> None:
    """Writes the figures in `readme` between their markers."""
    load = f"How busy the machine was, this run and all else on it (load average of 5 minutes): {os.getloadavg()[1]:.1f}."
    tables = (f"{listing.title}:\n\n{_markdown(listing.headings, listing.rows)}" for listing in listings)
    _put("\n\n".join((f"{_machine(versions, datetime.now(UTC).date())} {load}", *tables)), readme, *markers)


def _markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, ["---"] * len(headings), *rows))


def _put(text: str, readme: Path, begin: str, end: str) -> None:
    before, _, rest = readme.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    readme.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def _cells(result: Result) -> list[str]:
    speeds = [f"{speed:,.0f}" if speed >= 100 else f"{speed:.3g}" for speed in (result.ours, result.peer)]
    ratio = f"{result.ratio:.3g} ×"
    return [result.name, *speeds, result.peer_name, result.unit, ratio, f"≥ {result.target:g} ×", "yes" if result.holds else "NO"]


def _machine(versions: Mapping[str, str], today: date) -> str:
    """What it ran on and when, in a sentence."""
    cpu = Path("/proc/cpuinfo")
    models = (
        [line.partition(":")[2].strip() for line in cpu.read_text().splitlines() if line.startswith("model name")]
        if cpu.exists()
        else []
    )
    model = models[0] if models else platform.processor() or platform.machine()
    software = ", ".join(f"{name} {number}" for name, number in {"Python": platform.python_version(), **versions}.items())
    return f"{today:%-d %B %Y}, on {model}, {os.cpu_count()} cores, {platform.system()}; {software}."
