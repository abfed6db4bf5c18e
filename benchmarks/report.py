"""The results as a table for people, in README.md too, and as JSON for machines."""

import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from rich.table import Table

from benchmarks.side_by_side import Result

HERE = Path(__file__).parent
JSON = HERE / "results.json"
README = HERE / "README.md"
BEGIN, END = "<!-- results: written by `make bench` -->", "<!-- /results -->"

_HEADINGS = ("benchmark", "ours", "peer", "against", "unit", "ratio", "target", "holds")
_NUMBERS = ("ours", "peer", "ratio", "target")


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
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = [_HEADINGS, ["---"] * len(_HEADINGS), *map(_cells, results)]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    readme.write_text(
        f"{before}{BEGIN}\n{_machine(versions, datetime.now(UTC).date())}\n\n{lines}\n{END}{after}", encoding="utf-8"
    )


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
